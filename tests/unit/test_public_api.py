"""What typedtrack makes public."""

from types import ModuleType

import typedtrack


def test_public_names_are_sorted_and_all_that_is_public() -> None:
    """`__all__` is sorted, and no public name but those of modules is outside it."""
    public = {name for name, value in vars(typedtrack).items() if name[0] != "_" and not isinstance(value, ModuleType)}
    assert typedtrack.__all__ == sorted(public)
