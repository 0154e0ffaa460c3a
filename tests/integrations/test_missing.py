"""An integration whose framework is not installed names the extra that brings it."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(("integration", "framework"), [("ax", "Ax"), ("hydra", "Hydra"), ("optuna", "Optuna")])
def test_missing_framework(integration: str, framework: str) -> None:
    """The error has the line that installs what is missing."""
    program = f"import sys; sys.modules[{integration!r}] = None; import typedtrack.integrations.{integration}"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    last = ended.stderr.splitlines()[-1]
    needed = f"typedtrack.integrations.{integration} needs {framework}: pip install 'typedtrack[{integration}]'"
    assert last == f"ModuleNotFoundError: {needed}"
