"""The public names of typedtrack."""

import re
import sys
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
