"""The base and the key that a command works on: its arguments, else the environment."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from typedtrack._open import BASE_VARIABLE

__all__ = ["KEY_VARIABLE", "base_and_key"]

KEY_VARIABLE = "TYPEDTRACK_KEY"


def base_and_key(arguments: Sequence[str]) -> tuple[str, str]:
    """Return the base and the key: those of *arguments* if there are two, those of the environment if there are none.

    Raises:
        click.UsageError: *arguments* are neither, or the environment lacks one of the two.
    """
    if len(arguments) == 2:
        base, key = arguments
        return base, key
    if arguments:
        raise click.UsageError(f"expected BASE and KEY, or neither, got: {' '.join(arguments)}")
    base, key = os.environ.get(BASE_VARIABLE, ""), os.environ.get(KEY_VARIABLE, "")
    if not (base and key):
        raise click.UsageError(f"BASE and KEY are missing: pass both, or set {BASE_VARIABLE} and {KEY_VARIABLE}")
    return base, key
