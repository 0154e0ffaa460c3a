"""A child process whose system calls are counted, and that is killed or gets an error at one of them: by ptrace."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

__all__ = ["MISSING", "OF_FILES", "Ended", "run"]

MISSING: Final = (
    None
    if platform.system() == "Linux" and platform.machine() == "x86_64"
    else "only on Linux and x86-64 can this program trace system calls"
)
"""Why `run` cannot be called on this machine, or `None`."""

OF_FILES: Final = {
    *(0, 1, 2, 3, 4, 6, 8, 18, 72, 74, 75, 77),  # read write open close stat lstat lseek pwrite fcntl fsync fdatasync …
    *(82, 83, 84, 86, 87, 217),  # rename mkdir rmdir link unlink getdents64
    *(257, 258, 262, 263, 264, 265, 316, 332),  # openat mkdirat newfstatat unlinkat renameat linkat renameat2 statx
}
"""The numbers of the calls for files: a program can handle their errors, as it cannot handle those for memory."""

_TRACEME, _PEEKUSER, _POKEUSER, _SYSCALL, _SETOPTIONS = 0, 3, 6, 24, 0x4200
_TRACESYSGOOD, _EXITKILL = 0x1, 0x100000
_AT_CALL: Final = signal.SIGTRAP | 0x80
_NUMBER, _RESULT = 15 * 8, 10 * 8  # the registers orig_rax and rax, as offsets in bytes

_OUTCOMES: Final[dict[int, Literal["done", "raised", "wrong"]]] = {0: "done", 1: "raised", 2: "wrong"}

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p
_libc.ptrace.restype = ctypes.c_long


class Ended(NamedTuple):
    """How a traced process ended.

    Attributes:
        outcome: the function returned (``done``), raised an `OSError` or another error of a store (``raised``), found
            a wrong answer (``wrong``: an `AssertionError`), or the process was ``killed``.
        steps: how often the process stopped: once before and once after each system call.
        calls: the number of each system call, as the kernel counts them.
    """

    outcome: Literal["done", "raised", "wrong", "killed"]
    steps: int
    calls: list[int]


def run(
    function: Callable[[], object], *, kill_at: int | None = None, fail_at: int | None = None, error: int = 0
) -> Ended:
    """Call *function* in a child process; return how that ended.

    The child is killed at its step *kill_at*. Its call *fail_at* does nothing and returns *error*. If that call is not
    for a file, because the child has asked for memory meanwhile, the next one fails instead.
    """
    child = os.fork()
    if child == 0:
        _call(function)
    os.waitpid(child, 0)
    _ptrace(_SETOPTIONS, child, 0, _TRACESYSGOOD | _EXITKILL)
    steps, calls, passed_on, is_failing = 0, list[int](), 0, False
    while True:
        _ptrace(_SYSCALL, child, 0, passed_on)
        _, status = os.waitpid(child, 0)
        if not os.WIFSTOPPED(status):
            return Ended(_OUTCOMES[os.waitstatus_to_exitcode(status)], steps, calls)
        passed_on = 0 if os.WSTOPSIG(status) == _AT_CALL else os.WSTOPSIG(status)
        if passed_on:
            continue
        steps += 1
        if steps == kill_at:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return Ended("killed", steps, calls)
        if steps % 2:  # before a call
            calls.append(_ptrace(_PEEKUSER, child, _NUMBER))
            is_failing = fail_at is not None and len(calls) > fail_at and calls[-1] in OF_FILES
            if is_failing:
                _ptrace(_POKEUSER, child, _NUMBER, -1)
                fail_at = None
        elif is_failing:
            _ptrace(_POKEUSER, child, _RESULT, -error)


def _call(function: Callable[[], object]) -> None:
    """Call *function* as a traced process, and end the process."""
    code = 3
    try:
        _ptrace(_TRACEME, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        try:
            function()
            code = 0
        except AssertionError:
            code = 2
        except Exception:
            code = 1
    finally:
        os._exit(code)


def _ptrace(request: int, process: int, address: int = 0, data: int = 0) -> int:
    ctypes.set_errno(0)
    result = _libc.ptrace(request, process, address, data)
    if ctypes.get_errno():
        raise OSError(ctypes.get_errno(), f"ptrace: {os.strerror(ctypes.get_errno())}")
    assert isinstance(result, int)
    return result
