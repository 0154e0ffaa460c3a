"""What all tests share."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# No deadline, and no limit to how long drawing takes: the machine's load and Hypothesis's own first draw of text, which
# builds tables of Unicode, are no faults of what is tested.
settings.register_profile("typedtrack", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("typedtrack")
