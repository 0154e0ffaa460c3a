"""``typedtrack run``: runs a program in any language, and stores a failure if it ends without a result."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import click

from typedtrack._bases import BASE_VARIABLE, KEY_VARIABLE, RETRIES_VARIABLE, local_path
from typedtrack._open import open_tracker
from typedtrack._results.keys import key_text
from typedtrack._tracker.backend import check_store
from typedtrack._tracker.untyped import ResultTracker
from typedtrack.cli.base_and_key import base_and_key, complete_file
from typedtrack.cli.output import error_text, exit_code, print_error
from typedtrack.cli.signals import Supervisor
from typedtrack.errors import ResultFailedError

__all__ = ["run"]

_NOT_FOUND = 127
_NOT_STARTED = 126


class _SplitAtDashes(click.Command):
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        dashes = args.index("--") if "--" in args else len(args)
        rest = super().parse_args(ctx, args[:dashes])
        program = args[dashes + 1 :]
        if not (program or ctx.resilient_parsing):
            raise click.UsageError("PROGRAM is missing: typedtrack run [BASE KEY] -- PROGRAM [ARGS]...", ctx)
        ctx.params["program"] = program
        return rest


@click.command(cls=_SplitAtDashes)
@click.option("--retries", type=click.IntRange(min=0), default=0, metavar="N", help="Start it again, up to N times.")
@click.option("--requeue", is_flag=True, help="Store no failure after SIGTERM, SIGINT or SIGHUP.")
@click.argument("place", metavar="[BASE KEY] -- PROGRAM [ARGS]...", nargs=-1, shell_complete=complete_file)
def run(place: tuple[str, ...], program: list[str], retries: int, requeue: bool) -> int:
    """Run a program; if it ends without a result, store a failure.

    The program finds BASE and KEY in TYPEDTRACK_BASE and TYPEDTRACK_KEY. Its exit code is passed on: 128 + N if signal
    N ended it, 126 or 127 if it cannot be started, 1 if it exits with 0 but stores no result.

    Before the start it asks the store for KEY, and starts nothing where the result could not be stored.

    An earlier result or failure of KEY stays if the program stores nothing; typedtrack rm before a new run makes room.

    Signals are passed on. A second SIGTERM, SIGINT or SIGHUP, more than a second after the first, kills the program.
    With --requeue such a signal announces that a scheduler will start the same job again, so it is not a failure.
    """
    base, key = base_and_key(place)
    supervisor = Supervisor()
    tracker, key = open_tracker(base), key_text(key)
    name = os.path.basename(program[0])  # the arguments may hold secrets
    if code := supervisor.call(partial(_check, tracker, key, name)):
        return code
    environment = {**os.environ, BASE_VARIABLE: local_path(base) or base, KEY_VARIABLE: key}
    left = retries
    while True:
        environment[RETRIES_VARIABLE] = str(left)
        ended = _run_once(supervisor, program, environment, last=not left)
        try:
            if _has_result(tracker, key):
                return ended.exit_code
            print_error(f"{ended.message}; key {key!r} holds no result")
            if left and ended.can_start and supervisor.stopped_by is None:
                print_error(f"starting {program[0]} again, retry {retries - left + 1} of {retries}")
                left -= 1
                continue
            if not (requeue and supervisor.stopped_by):
                tracker.fail(key, ended)
        except Exception as error:
            print_error(f"cannot tell whether the failure of key {key!r} was stored: {error_text(error)}")
            return ended.exit_code or 3
        return ended.exit_code or 1


def _check(tracker: ResultTracker, key: str, name: str) -> int:
    """Return 0 if the store answers, and may store a result under *key*; else say why *name* is not started."""
    try:
        check_store(tracker, key)
    except Exception as error:
        print_error(f"{name} was not started: {error_text(error)}")
        return exit_code(error)
    return 0


class _Ended(NamedTuple):
    """How an attempt ended, with the attributes of a `typedtrack.Failure`, whose class would load attrs."""

    type: str
    message: str
    exit_code: int
    host: str
    can_start: bool = True


def _run_once(supervisor: Supervisor, program: list[str], environment: Mapping[str, str], *, last: bool) -> _Ended:
    name = os.path.basename(program[0])
    host = os.uname().nodename
    try:
        code = supervisor.run(program, environment, last=last)
    except OSError as error:
        code = _NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_STARTED
        return _Ended("ExitCode", f"{name} cannot be started: {error.strerror}", code, host, can_start=False)
    asked = f" after {supervisor.stopped_by.name}" if supervisor.stopped_by else ""
    if code < 0:
        return _Ended("Signal", f"{name} was ended by {_signal_name(-code)}{asked}", 128 - code, host)
    return _Ended("ExitCode" if code else "NoResult", f"{name} exited with code {code}{asked}", code, host)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"


def _has_result(tracker: ResultTracker, key: str) -> bool:
    try:
        return bool(tracker.get(key))
    except ResultFailedError:
        return False
