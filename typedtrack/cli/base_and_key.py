"""The base and the key that a command works on: its arguments, else the environment."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from typedtrack._bases import ARCHIVES, BASE_VARIABLE, KEY_VARIABLE, local_path
from typedtrack.cli.output import print_error

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = [
    "base_and_key",
    "base_and_keys",
    "base_or_environment",
    "base_to_read",
    "complete_file",
    "environment_place",
]


def base_and_key(arguments: Sequence[str]) -> tuple[str, str]:
    """Return the base and the key: those of *arguments* if there are two, those of the environment if there are none.

    Raises:
        click.UsageError: *arguments* are neither, or the environment lacks one of the two.
    """
    if len(arguments) == 2:
        base, key = arguments
        return base, key
    if arguments:
        given = " ".join(arguments)
        hint = f'; for the base of the environment: "${BASE_VARIABLE}" {given}' if os.environ.get(BASE_VARIABLE) else ""
        raise click.UsageError(f"expected BASE and KEY, or neither, got: {given}{hint}")
    if (place := environment_place()) is None:
        missing = [variable for variable in (BASE_VARIABLE, KEY_VARIABLE) if not os.environ.get(variable)]
        too = ", too" if len(missing) == 1 else ""
        raise click.UsageError(f"BASE and KEY are missing: pass both, or set {' and '.join(missing)}{too}")
    return place


def base_and_keys(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """Return the base and the keys: those of *arguments*, or if there are none, the place of the environment.

    Raises:
        click.UsageError: *arguments* have a base alone, or there are none and the environment lacks one of the two.
    """
    if len(arguments) > 2:
        return arguments[0], list(arguments[1:])
    base, key = base_and_key(arguments)
    return base, [key]


def base_or_environment(base: str | None) -> str:
    """Return *base*, or if it is `None`, that of the environment.

    Raises:
        click.UsageError: there is neither.
    """
    if base is None:
        base = os.environ.get(BASE_VARIABLE, "")
        if not base:
            raise click.UsageError(f"BASE is missing: pass it, or set {BASE_VARIABLE}")
    return base


def base_to_read(base: str | None) -> str:
    """Return the same as `base_or_environment`, after a warning if it is a local folder that does not exist.

    Without it, a mistyped base would look like one that has no results yet.

    Raises:
        click.UsageError: there is neither.
    """
    found = base_or_environment(base)
    path = None if found.endswith(ARCHIVES) else local_path(found)
    if path is not None and _is_missing(path):
        is_prefix = base is not None and os.environ.get(BASE_VARIABLE)
        hint = f'; for a prefix in the base of the environment: "${BASE_VARIABLE}" {base}' if is_prefix else ""
        print_error(f"warning: folder {path!r} does not exist{hint}")
    return found


def complete_file(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Let the shell complete the name of a file or folder, as it does without our completion."""
    from click.shell_completion import CompletionItem  # here: every command pays for the imports above

    return [CompletionItem(incomplete, type="file")]


def _is_missing(path: str) -> bool:
    try:
        os.lstat(path)
    except FileNotFoundError:
        return True
    except OSError:  # a folder above is unreadable, for example: the command itself gets that error
        return False
    return False


def environment_place() -> tuple[str, str] | None:
    """Return the base and the key of the environment, or `None` if it lacks one of them."""
    base, key = os.environ.get(BASE_VARIABLE, ""), os.environ.get(KEY_VARIABLE, "")
    return (base, key) if base and key else None
