"""Fixtures for the tests of commands."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from typedtrack.cli.app import run

RECORDS = '''"""Records of an application."""

from typing import Annotated

from msgspec import Meta

from typedtrack import Stat, field, record


class Unrelated:
    """Not a record."""


@record
class EvalResult:
    """One evaluation of one checkpoint."""

    accuracy: Annotated[float, Meta(ge=0, le=1)]
    l2norm: Stat
    p99_ms: float = field(name="latency/p99", doc="Milliseconds.", default=float("nan"))


@record
class TrainResult:
    """One training."""

    steps: int
'''


class Answer(NamedTuple):
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Its standard output, decoded as strict JSON."""

        def refuse(token: str) -> None:
            pytest.fail(f"{token} is not JSON")

        return json.loads(self.out, parse_constant=refuse)


Cli = Callable[..., Answer]


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Return a function that runs a command, in a folder of its own that has ``records.py``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    (tmp_path / "records.py").write_text(RECORDS, "utf-8")

    def call(*arguments: str) -> Answer:
        capfd.readouterr()
        code = run(arguments)
        printed = capfd.readouterr()
        return Answer(code, printed.out, printed.err)

    return call


@pytest.fixture
def base(tmp_path: Path) -> str:
    """Return a base that holds nothing yet."""
    return str(tmp_path / "results")
