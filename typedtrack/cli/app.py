"""The root of the commands, and what their errors and answers become: one line, and a code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

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


@click.group(name="typedtrack", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="typedtrack", message="%(version)s")
def root() -> None:
    """Typed results out of one process, into another.

    Exit codes: 0 done; 1 the answer is no; 2 misuse, or refused input; 3 the store failed.
    """


root.add_command(schema)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command that *arguments* name, and return its exit code; an error is one line on standard error."""
    try:
        with root.make_context("typedtrack", list(sys.argv[1:] if arguments is None else arguments)) as context:
            answer: object = root.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as ended:  # of --help and --version
        return ended.exit_code
    except BrokenPipeError:  # the reader of the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        return 2
    except click.ClickException as error:
        _report(error.format_message())
        return 2
    except Exception as error:
        _report(str(error) if isinstance(error, TypedtrackError) else f"{type(error).__name__}: {error}")
        return _code(error)
    return answer if isinstance(answer, int) else 0


def _code(error: Exception) -> int:
    if isinstance(error, (ResultNotFoundError, ResultExistsError, ResultTimeoutError)):
        return 1
    if isinstance(error, (CorruptResultError, BulkError)):
        return 3
    # ValueError and ImportError are about the base: no URL that is known, or one whose filesystem is to be installed.
    return 2 if isinstance(error, (TypedtrackError, ValueError, ImportError)) else 3


def _report(message: str) -> None:
    head, *lines = (line.strip() for line in message.strip().splitlines())
    line = f"{head} {'; '.join(lines)}".strip()
    # A terminal would obey what is not printable.
    shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in line)
    print("typedtrack:", shown, file=sys.stderr)
