"""Functions made as source, one for each class, as attrs makes ``__init__``.

A loop over the fields of a class takes several times as long, in what every construction, put and get passes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Final, cast

__all__ = ["Source"]

_INDENT: Final = "    "


class Source:
    """The source of a function of one argument, in the making.

    >>> source = Source("number")
    >>> limit = source.name(10)
    >>> with source.block(f"if number < {limit}:"):
    ...     source.add("return 'below'")
    >>> function = source.function()
    >>> function(5), function(15)
    ('below', None)
    """

    def __init__(self, argument: str) -> None:
        self._lines = [f"def function({argument}):"]
        self._indent = _INDENT
        self._named: dict[str, object] = {}
        self._variables = 0

    def name(self, thing: object) -> str:
        """Return a name by which the source has *thing*."""
        name = f"given{len(self._named)}"
        self._named[name] = thing
        return name

    def variable(self) -> str:
        """Return the name of a new variable."""
        self._variables += 1
        return f"made{self._variables}"

    def add(self, line: str) -> None:
        """Add *line*."""
        self._lines.append(f"{self._indent}{line}")

    @contextmanager
    def block(self, head: str) -> Generator[None]:
        """Add *head*, and below it the lines that are added in the meantime."""
        self.add(head)
        self._indent += _INDENT
        yield
        self._indent = self._indent.removesuffix(_INDENT)

    def function(self) -> Callable[[Any], Any]:
        """Return the function."""
        exec("\n".join(self._lines), self._named)
        return cast("Callable[[Any], Any]", self._named["function"])  # what the source defines
