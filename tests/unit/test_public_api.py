"""The public names of typedtrack."""

import inspect
import pydoc
import re
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType

import pytest

import typedtrack


def test_all_lists_the_public_names() -> None:
    """Each name of `__all__` can be imported, and no other public name but modules exists."""
    assert all(hasattr(typedtrack, name) for name in typedtrack.__all__)
    public = {name for name, value in vars(typedtrack).items() if name[0] != "_" and not isinstance(value, ModuleType)}
    assert public == set(typedtrack.__all__)


def test_dir_lists_names_that_are_not_loaded_yet() -> None:
    """Completion in a shell or notebook offers every public name, and the module's own."""
    assert {*typedtrack.__all__, "__doc__", "__version__"} <= set(dir(typedtrack))


def test_the_version_is_a_release() -> None:
    """The build reads it from the same place."""
    assert re.fullmatch(r"\d+\.\d+\.\d+", typedtrack.__version__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """The error names the module and the attribute."""
    with pytest.raises(AttributeError, match="module 'typedtrack' has no attribute 'recrod'"):
        _ = typedtrack.recrod  # type: ignore[attr-defined]  # misspelt on purpose


def test_the_errors_are_there_after_the_import_alone() -> None:
    """``typedtrack.errors`` needs no import of its own."""
    assert vars(typedtrack)["__getattr__"]("errors") is sys.modules["typedtrack.errors"]


def _public_calls() -> Iterator[tuple[str, Callable[..., object]]]:
    """Yield each public function and method that typedtrack itself defines."""
    for module in map(import_module, ["typedtrack", "typedtrack.codegen", "typedtrack.schemas", "typedtrack.testing"]):
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isfunction(value):
                yield name, value
            elif inspect.isclass(value) and not name.endswith(
                ("Suite", "Machine", "FileSystem")
            ):  # tests, and fsspec's
                for method, found in inspect.getmembers(value, inspect.isroutine):
                    function = getattr(found, "__func__", found)
                    if method[0] != "_" and str(getattr(function, "__module__", "")).startswith("typedtrack."):
                        yield f"{name}.{method}", function


def test_every_argument_is_documented_and_has_a_type() -> None:
    """The docstring of each public call names its arguments, and the signature has their types."""
    bare = [
        (name, argument)
        for name, function in _public_calls()
        for argument, parameter in inspect.signature(function).parameters.items()
        if argument not in ("self", "cls")
        and not (re.search(rf"\b{argument}\b", function.__doc__ or "") and parameter.annotation != parameter.empty)
    ]
    assert bare == []


@pytest.mark.parametrize("name", ["typedtrack", "typedtrack.codegen", "typedtrack.schemas", "typedtrack.testing"])
def test_help_shows_each_module(name: str) -> None:
    """From Python 3.13 on, `help` fails for a class with a method that has no module, as attrs may generate one."""
    module = import_module(name)
    shown = pydoc.plain(pydoc.render_doc(module))
    assert all(public in shown for public in module.__all__)
