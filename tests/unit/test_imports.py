"""A process loads the modules that its base needs, and no others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

LOCAL_USE = """
tracker = typedtrack.{make}({base!r})
tracker["k"] = {{"a": 1.5}}
assert tracker["k"] == {{"a": 1.5}}
assert list(tracker.items()) == [("k", {{"a": 1.5}})]
assert tracker.get_many(["k"]) == {{"k": {{"a": 1.5}}}}
"""
NEVER = ["fsspec", "cattrs", "obstore", "s3fs", "numpy", "torch", "hypothesis", "pytest", "click", "mypy"]
OWN = ["typedtrack.testing", "typedtrack.codegen", "typedtrack.cli", "typedtrack.schemas", "typedtrack.mypy_plugin"]


def _loaded_by(program: str) -> set[str]:
    """Return the modules that a fresh interpreter has loaded at the end of *program*."""
    program = f"import sys, typedtrack\n{program}\nprint(*sys.modules)"
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COV")}  # it loads modules
    command = [sys.executable, "-c", program]
    return set(subprocess.run(command, check=True, capture_output=True, text=True, env=unmeasured).stdout.split())


@pytest.mark.parametrize("make", ["open_tracker", "FsspecResultTracker"])
def test_a_local_base_loads_no_filesystem_library(tmp_path: Path, make: str) -> None:
    """Import, put and get on a local base load neither fsspec, nor cattrs, nor any client or tool."""
    loaded = _loaded_by(LOCAL_USE.format(make=make, base=str(tmp_path)))
    assert loaded & {*NEVER, *OWN} == set()
    assert not {"asyncio", "concurrent.futures", "json"} & loaded


def test_import_alone_loads_no_more() -> None:
    """`import typedtrack` loads no other module of its own: names are loaded when they are first used."""
    assert {name for name in _loaded_by("") if name.startswith("typedtrack")} == {"typedtrack"}


def test_the_errors_load_no_codec() -> None:
    """A name brings its own module alone."""
    assert "msgspec" not in _loaded_by("typedtrack.ResultTimeoutError")


def test_a_memory_base_loads_fsspec_and_no_client() -> None:
    """The probe works: a memory base does load fsspec."""
    loaded = _loaded_by("typedtrack.FsspecResultTracker('memory://x')['k'] = {'a': 1}")
    assert "fsspec" in loaded
    assert loaded & {"obstore", "s3fs", "adlfs", "cattrs", "numpy"} == set()


def test_another_system_is_refused() -> None:
    """On a system that is not POSIX, the import says so, and says what helps."""
    program = "import os; os.name = 'nt'; import typedtrack"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    reason = "typedtrack needs a POSIX system, such as Linux or macOS; on Windows, use it inside WSL"
    assert ended.stderr.splitlines()[-1] == f"ImportError: {reason}"
