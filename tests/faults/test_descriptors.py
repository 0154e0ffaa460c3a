"""Calls on a local disk that a signal's handler interrupts: its error is raised, and no file stays open or hidden."""

from __future__ import annotations

import dis
import os
import sys
from collections.abc import Callable
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from types import CodeType, FrameType
from typing import NoReturn

import pytest

from tests.trackers import snapshot
from typedtrack import ResultTracker, _files
from typedtrack._results.chunks import Chunk
from typedtrack.backends import local
from typedtrack.backends.local import LocalResultTracker
from typedtrack.frame import chunks, files, guard
from typedtrack.frame.columns import ArrowName
from typedtrack.testing import interruptions

WRITERS = (os.path.dirname(local.__file__), _files.__file__, guard.__file__, files.__file__, chunks.__file__)
TYPES: dict[str, ArrowName] = {"key": "string"}
CHUNK = Chunk(2, {"key": ["a", "b"]})
INTERRUPTIBLE = ("CALL", "CALL_FUNCTION_EX", "CALL_KW", "RESUME")


class InterruptError(Exception):
    """An error that a signal's handler raises."""


@cache
def _interruptible(code: CodeType) -> set[int]:
    """Return the instructions of *code* before which Python runs the handlers of signals.

    It does so when a call has returned, when a function begins, and when a loop begins again.
    """
    instructions = [*dis.get_instructions(code)]
    after = {instruction.offset for before, instruction in pairwise(instructions) if before.opname in INTERRUPTIBLE}
    return after | {instruction.offset for instruction in instructions if instruction.opname == "JUMP_BACKWARD"}


def _can_be_interrupted() -> bool:
    """Return whether the next instruction is one of the writers, and Python runs handlers before it."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code.co_filename in (__file__, interruptions.__file__):
        frame = frame.f_back
    assert frame is not None
    return frame.f_code.co_filename.startswith(WRITERS) and frame.f_lasti in _interruptible(frame.f_code)


def _interrupt() -> NoReturn:
    raise InterruptError


class Points(interruptions.InstructionCounter):
    """Notes the numbers of the instructions before which Python runs handlers."""

    def __init__(self) -> None:
        super().__init__(0, _interrupt)
        self.numbers: list[int] = []

    def step(self, *_: object) -> None:
        """Count one instruction."""
        super().step()
        if _can_be_interrupted():
            self.numbers.append(self.count)


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def _write_output(tracker: ResultTracker) -> None:
    with _files.writing(tracker._location("k")) as file:
        file.write(b"{}")


def _write_table(ending: str, tracker: ResultTracker) -> None:
    with _files.writing(tracker._location("k")) as file:
        batches = chunks.Spool([CHUNK, CHUNK]).batches(TYPES)
        files.writer_of(ending)(TYPES, batches, file)


OPERATIONS: dict[str, Callable[[ResultTracker], object]] = {
    "get": lambda tracker: tracker.get("k"),
    "put": lambda tracker: tracker.put("new/k", n=2),
    "create": lambda tracker: tracker.create("empty", n=2),
    "create again": lambda tracker: tracker.create("k", n=1),
    "delete": lambda tracker: tracker.__delitem__("k"),
    "list": lambda tracker: list(iter(tracker)),
    "output": _write_output,
    **{ending: partial(_write_table, ending) for ending in (".parquet", ".csv", ".arrow")},
}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a folder that Python closed itself
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_interrupt_at_each_instruction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str) -> None:
    """Wherever Python runs a handler that raises, the call closes its file and removes its hidden file."""
    call = OPERATIONS[operation]
    tracker = LocalResultTracker(tmp_path)

    def prepare() -> None:
        (tmp_path / "k").write_text('{"n": 1}')
        (tmp_path / "empty").write_text("")
        (tmp_path / "new" / "k").unlink(missing_ok=True)
        if (tmp_path / "new").exists():
            (tmp_path / "new").rmdir()
        os.utime(tmp_path, (0, 0.5))  # at rest: a listing looks once

    prepare()
    call(tracker)  # imports what it needs
    prepare()
    points = Points()

    def counter(at: int, then: Callable[[], object]) -> Points:
        return points

    monkeypatch.setattr(interruptions, "InstructionCounter", counter)
    interruptions.call_at_instruction(lambda: call(tracker), 0, _interrupt)
    monkeypatch.undo()
    before, interrupts = _open_files(), 0
    for at in points.numbers:
        prepare()
        try:
            interruptions.call_at_instruction(lambda: call(tracker), at, _interrupt)
        except InterruptError:
            interrupts += 1
        assert _open_files() == before, f"a file stays open after an interrupt at instruction {at}"
        assert set(snapshot(tmp_path)) <= {"k", "empty", "new", "new/k"}
    assert interrupts > 3
