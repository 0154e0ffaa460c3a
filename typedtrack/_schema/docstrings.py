"""Documentation of records and fields: how it is kept, and how docstrings give it back."""

from __future__ import annotations

import inspect

__all__ = ["kept", "uncleaned"]


def kept(doc: str) -> str:
    """Return *doc*, documentation, as it is kept: without common indentation, tabs, or blank lines at its ends.

    Whatever space a line begins with counts as so many spaces: from Python 3.13, no other is indentation.
    """
    lines = (line.lstrip().rjust(len(line)) if line.strip() else "" for line in doc.expandtabs().split("\n"))
    return inspect.cleandoc("\n" + "\n".join(lines))


def uncleaned(doc: str) -> str:
    """Return what `inspect.cleandoc`, which reads docstrings and the documentation of fields, makes *doc*, as kept, of.

    A text whose further lines are all indented begins with a line break: their indentation would be lost otherwise.
    """
    return doc if inspect.cleandoc(doc) == doc else f"\n{doc}"
