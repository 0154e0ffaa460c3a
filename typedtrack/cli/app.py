"""The root of the commands; turns errors into one line and an exit code."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Final

import click

from typedtrack import __version__
from typedtrack.cli.output import drop_output, error_text, exit_code, is_unread, prepare_output, print_error

__all__ = ["root", "run"]

_COMPLETE: Final = "_TYPEDTRACK_COMPLETE"  # set by the script that click makes for a shell
_INTERRUPTED: Final = 130  # 128 + SIGINT, as in shells
_UNREAD: Final = 141  # 128 + SIGPIPE: the reader of the output left before the answer was known


class _Deferred(click.Command):
    """A command's name and one line of help; its module is imported when the command is called."""

    def load(self) -> click.Command:
        command: click.Command = getattr(import_module(f"typedtrack.cli.{self.name}"), f"{self.name}")
        return command


class _Root(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # in the order of the table, not of the alphabet

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, _Deferred) else command, rest


_COMMANDS: Final = {
    "put": "Store a result, or many.",
    "get": "Print a result, or the bare value of one field.",
    "ls": "List keys: all of them, or PREFIX and those below it.",
    "rm": "Delete results by key, or all below a prefix or older than an age.",
    "wait": "Wait until each KEY has a result, and print each as it comes.",
    "run": "Run a program; if it ends without a result, store a failure.",
    "top": "Show results as a table, the best first.",
    "export": "Write results to one file: a table, or an archive.",
    "report": "Write one HTML page to look at results: a table and plots.",
    "schema": "Schemas of records: export, generate, check, infer.",
}


@click.group(
    name="typedtrack",
    cls=_Root,
    commands={name: _Deferred(name, help=line) for name, line in _COMMANDS.items()},
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, message="%(version)s")
def root() -> None:
    """Typed results out of one process, into another.

    Exit codes: 0 done; 1 the answer is no; 2 misuse or refused input; 3 the store failed.
    """


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command that *arguments* name, and return its exit code; an error is one line on standard error."""
    if instruction := os.environ.get(_COMPLETE):
        from click.shell_completion import shell_complete

        try:
            return shell_complete(root, {}, "typedtrack", _COMPLETE, instruction)
        except ImportError:  # the command needs an extra: it says so when it is called, not while it is typed
            return 1
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
            return _answer_error(error)


def _run(arguments: Sequence[str]) -> int:
    try:
        with root.make_context("typedtrack", list(arguments)) as context:
            answer: object = root.invoke(context)
    except click.exceptions.Exit as ended:  # raised by --help and --version
        return ended.exit_code
    except click.Abort:  # Ctrl-C, or the end of input, where a question was asked
        return _INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        return 2
    except click.ClickException as error:
        print_error(error.format_message())
        return 2
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # nobody reads the output, but the exit code is known
        drop_output()
    return answer if isinstance(answer, int) else 0


def _answer_error(error: Exception) -> int:
    from typedtrack.errors import BulkError  # here: most commands end without an error

    if isinstance(error, BulkError):
        texts = [(repr(key), error_text(each)) for key, each in error.errors.items()]
        for line in dict.fromkeys(text if key in text else f"key {key}: {text}" for key, text in texts):
            print_error(line)  # once, where one error is that of several keys
        return max(map(exit_code, error.errors.values()))
    print_error(error_text(error))
    return exit_code(error)


def _warn(message: Warning | str, *_: object, **__: object) -> None:
    print_error(f"warning: {message}")
