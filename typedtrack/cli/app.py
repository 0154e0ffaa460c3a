"""The root of the commands, and what their errors and answers become: one line, and a code."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import Final

import click

from typedtrack.cli.output import drop_output, is_unread, one_line, prepare_output
from typedtrack.cli.schema import schema
from typedtrack.errors import (
    BulkError,
    CorruptResultError,
    ResultExistsError,
    ResultNotFoundError,
    ResultTimeoutError,
    TypedtrackError,
)

__all__ = ["root", "run"]

_INTERRUPTED: Final = 130  # as shells say of a process that SIGINT ended
_UNREAD: Final = 141  # as they say of SIGPIPE: the reader of the output left before the answer was known


@click.group(name="typedtrack", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="typedtrack", message="%(version)s")
def root() -> None:
    """Typed results out of one process, into another.

    Exit codes: 0 done; 1 the answer is no; 2 misuse, or refused input; 3 the store failed.
    """


root.add_command(schema)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command that *arguments* name, and return its exit code; an error is one line on standard error."""
    with warnings.catch_warnings():
        warnings.showwarning = _warn
        prepare_output()
        try:
            return _run(sys.argv[1:] if arguments is None else arguments)
        except KeyboardInterrupt:
            return _INTERRUPTED
        except Exception as error:
            if isinstance(error, BrokenPipeError) and is_unread():
                drop_output()
                return _UNREAD
            _report(str(error) if isinstance(error, TypedtrackError) else f"{type(error).__name__}: {error}")
            return _code(error)


def _run(arguments: Sequence[str]) -> int:
    try:
        with root.make_context("typedtrack", list(arguments)) as context:
            answer: object = root.invoke(context)
    except click.exceptions.Exit as ended:  # of --help and --version
        return ended.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        return 2
    except click.ClickException as error:
        _report(error.format_message())
        return 2
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # nobody reads the answer, which is known all the same
        drop_output()
    return answer if isinstance(answer, int) else 0


def _code(error: Exception) -> int:
    if isinstance(error, (ResultNotFoundError, ResultExistsError, ResultTimeoutError)):
        return 1
    if isinstance(error, (CorruptResultError, BulkError)):
        return 3
    # ValueError and ImportError are about the base: no URL that is known, or one whose filesystem is to be installed.
    return 2 if isinstance(error, (TypedtrackError, ValueError, ImportError)) else 3


def _warn(message: Warning | str, *_: object, **__: object) -> None:
    _report(f"warning: {message}")


def _report(message: str) -> None:
    print("typedtrack:", one_line(message), file=sys.stderr)
