"""Documentation texts: the form in which schemas keep them, and the form in which code writes them."""

from __future__ import annotations

import inspect

__all__ = ["kept", "uncleaned"]


def kept(doc: str) -> str:
    """Return *doc* as schemas keep it: without common indentation, tabs, or blank lines at either end.

    Any white space at the start of a line counts as that many spaces, since Python 3.13 dedents spaces only.
    """
    lines = (line.lstrip().rjust(len(line)) if line.strip() else "" for line in doc.expandtabs().split("\n"))
    return inspect.cleandoc("\n" + "\n".join(lines))


def uncleaned(doc: str) -> str:
    """Return a text that `inspect.cleandoc` turns into *doc*, a text that `kept` returned.

    A text begins with a line break if all its further lines are indented: `inspect.cleandoc` would dedent them.
    """
    return doc if inspect.cleandoc(doc) == doc else f"\n{doc}"
