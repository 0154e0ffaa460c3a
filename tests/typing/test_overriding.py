"""mypy and pyright accept subclasses that override `put`, as this project or torchx declares it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

PROGRAM: Final = Path(__file__).with_name("overriding.py")
ROOT: Final = Path(__file__).parents[2]

CHECKERS: Final = {
    "mypy": ["mypy", "--strict", "--config-file", str(ROOT / "mypy.ini"), str(PROGRAM)],
    "pyright": ["pyright", "--pythonpath", sys.executable, str(PROGRAM)],
}


@pytest.mark.parametrize("command", CHECKERS.values(), ids=CHECKERS)
def test_a_subclass_may_override_put(command: list[str]) -> None:
    """Neither reports an incompatible override."""
    process = subprocess.run([sys.executable, "-m", *command], check=False, capture_output=True, text=True, cwd=ROOT)
    assert process.returncode == 0, process.stdout
