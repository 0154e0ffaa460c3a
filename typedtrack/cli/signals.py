"""Starts a program, forwards signals to it, reaps processes that have ended, and leaves the streams to it."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Mapping
from types import FrameType
from typing import Final

__all__ = ["Supervisor"]

_KEPT: Final = {  # signals that this process never forwards
    *(signal.SIGKILL, signal.SIGSTOP),  # the kernel lets nobody receive them
    *(signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGSYS, signal.SIGABRT),
    *(signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGCONT),  # job control: a shell stops the whole group
    *(signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH),  # they are ignored by default
}
_STOPS: Final = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
_KEYBOARD: Final = {signal.SIGINT, signal.SIGQUIT}
_FROM_KERNEL: Final = 0x80  # `si_code` of a signal that a terminal made, on Linux
_INTERRUPTED: Final = 130  # 128 + SIGINT, as in shells
_SAME_REQUEST: Final = 1.0  # seconds; `timeout` sends SIGTERM to the process and to its group, a shell SIGHUP twice


class Supervisor:
    """Runs programs one after the other, and forwards the signals of this process to them.

    Signals are blocked from construction on, and read one by one while a program runs. A signal that was ignored when
    this process started (``nohup``) stays ignored by both. It works as process 1 of a container: orphans are reaped.
    Make one before any thread starts: such a thread would receive the signals.
    """

    def __init__(self) -> None:
        self.stopped_by: signal.Signals | None = None
        """The first SIGTERM, SIGINT or SIGHUP that arrived: its sender wants no new start."""
        self._stopped_at: float | None = None
        self._first: int | None = None  # of the signals that were forwarded
        signal.signal(signal.SIGCHLD, _do_nothing)  # if it were ignored, exit codes would be lost
        forwarded = signal.valid_signals() - _KEPT
        self._signals = {each for each in forwarded if signal.getsignal(each) is not signal.SIG_IGN} | {signal.SIGCHLD}
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, self._signals)

    def run(self, program: list[str], environment: Mapping[str, str], *, last: bool) -> int:
        """Run *program* to its end, and return its exit code, or minus the number of the signal that ended it.

        The *last* program gets standard input and output for itself, so that their other ends notice when it closes
        them. After it Ctrl-C interrupts this process again.

        Raises:
            OSError: the program cannot be started.
        """
        started = os.posix_spawnp(
            program[0],
            program,
            environment,
            setsigmask=self._mask,
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],  # Python ignores them
        )
        if last:
            _leave_streams()
        status = self._wait(started)
        if last:
            if signal.SIGINT in signal.sigpending():  # it was meant for the program
                signal.sigwait({signal.SIGINT})
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT} & self._signals - self._mask)
        return os.waitstatus_to_exitcode(status)

    def call(self, function: Callable[[], int]) -> int:
        """Return *function()*, an exit code, which a forked process calls; 128 + N if signal N arrived meanwhile.

        So the function may start threads and leave connections open, and a signal ends it even where it hangs. The
        signal counts, too, if that process had just ended: no other process would receive it.
        """
        started = os.fork()
        if not started:
            code = _INTERRUPTED
            try:
                signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
                code = function()
            finally:
                os._exit(code)
        code = os.waitstatus_to_exitcode(self._wait(started))
        if self._first is not None:
            return 128 + self._first
        return 128 - code if code < 0 else code

    def _wait(self, program: int) -> int:
        while True:
            received, from_terminal = _next_signal(self._signals)
            if received != signal.SIGCHLD:
                self._forward(received, program, from_terminal=from_terminal)
            elif (status := _reap(program)) is not None:
                return status

    def _forward(self, received: int, program: int, *, from_terminal: bool) -> None:
        now = time.monotonic()
        self._first = self._first or received
        if received in _STOPS and self._stopped_at is None:
            self.stopped_by, self._stopped_at = signal.Signals(received), now
        if received in _STOPS and self._stopped_at is not None and now - self._stopped_at > _SAME_REQUEST:
            os.kill(program, signal.SIGKILL)
        elif not (from_terminal and received in _KEYBOARD and os.getpgid(program) == os.getpgrp()):
            os.kill(program, received)  # Ctrl-C and Ctrl-\ reach the whole group, the program included


def _do_nothing(number: int, frame: FrameType | None) -> None:
    """Stand for a handler: SIGCHLD is blocked, so it is never called."""


def _next_signal(signals: Collection[int]) -> tuple[int, bool]:
    """Wait for one of *signals*; return it, and whether a terminal is known to have made it."""
    if hasattr(signal, "sigwaitinfo"):
        received = signal.sigwaitinfo(signals)
        return received.si_signo, received.si_code == _FROM_KERNEL
    return signal.sigwait(signals), False  # macOS does not tell


def _reap(program: int) -> int | None:
    """Collect every process that has ended, and return the status of *program* if it is among them."""
    while True:
        ended, status = os.waitpid(-1, os.WNOHANG)
        if ended in (program, 0):
            return status if ended else None


def _leave_streams() -> None:
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for stream in (sys.__stdin__, sys.__stdout__):
        if stream is not None:  # it was open when this process started
            os.dup2(null, stream.fileno(), inheritable=False)
    os.close(null)
