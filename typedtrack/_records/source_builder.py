"""Builds one function from lines of source. `generated_functions` says which lines.

Each function has a name that says what it does, and an entry in `linecache`, so that tracebacks and debuggers show its
text.
"""

from __future__ import annotations

import linecache
import types
import weakref
from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import count
from typing import Any, Final, cast

from typedtrack._schema.identifiers import attribute_name

__all__ = ["SourceBuilder"]

_INDENT: Final = "    "

_functions = count(1)


class SourceBuilder:
    """Collects the lines of one function and the objects that they name, and compiles them.

    The parameters of a constructor are the attributes of a record, and may have the name of any builtin. So all other
    names begin with an underscore, which no attribute does.
    """

    def __init__(self, verb: str, name: str, arguments: str) -> None:
        self._verb = verb
        self._name = name
        self._lines = [f"def {verb}({arguments}):"]
        self._indent = _INDENT
        self._globals: dict[str, object] = {"_type": type, "_len": len, "_ValueError": ValueError}
        self._numbers = count()

    def variable(self, label: str) -> str:
        """Return the name of a new variable; *label* is part of it."""
        return f"_{attribute_name(label)}_{next(self._numbers)}"

    def name(self, thing: object, label: str) -> str:
        """Return a name for *thing* in the source; *label* is part of it."""
        name = self.variable(label)
        self._globals[name] = thing
        return name

    def add(self, line: str) -> None:
        """Add *line*."""
        self._lines.append(f"{self._indent}{line}")

    @contextmanager
    def block(self, head: str) -> Generator[None]:
        """Add *head*, and indent the lines that are added inside the ``with``."""
        self.add(head)
        self._indent += _INDENT
        yield
        self._indent = self._indent.removesuffix(_INDENT)

    def function(self) -> Callable[..., Any]:
        """Compile the lines, and return the function."""
        text = "\n".join(self._lines) + "\n"
        file = f"<typedtrack {next(_functions)}: {self._name}>"
        exec(compile(text, file, "exec"), self._globals)
        function = cast("types.FunctionType", self._globals.pop(self._verb))
        function.__name__ = function.__qualname__ = self._name
        function.__code__ = function.__code__.replace(co_name=self._name, co_qualname=self._name)
        linecache.cache[file] = len(text), None, text.splitlines(keepends=True), file
        weakref.finalize(function, linecache.cache.pop, file, None).atexit = False
        return function
