"""What typedtrack makes public."""

from types import ModuleType

import pytest

import typedtrack


def test_all_names_what_is_public() -> None:
    """Every name of `__all__` is there, those loaded late too, and no other public one but modules."""
    assert all(hasattr(typedtrack, name) for name in typedtrack.__all__)
    public = {name for name, value in vars(typedtrack).items() if name[0] != "_" and not isinstance(value, ModuleType)}
    assert public == set(typedtrack.__all__)


def test_no_other_name_can_be_had() -> None:
    """A name that typedtrack does not have is an AttributeError that names both."""
    with pytest.raises(AttributeError, match="module 'typedtrack' has no attribute 'recrod'"):
        _ = typedtrack.recrod  # type: ignore[attr-defined]  # misspelt on purpose
