"""What typedtrack makes public."""

from types import ModuleType

import typedtrack


def test_all_names_what_is_public() -> None:
    """Every name of `__all__` is there, those loaded late too, and no other public one but modules."""
    assert all(hasattr(typedtrack, name) for name in typedtrack.__all__)
    public = {name for name, value in vars(typedtrack).items() if name[0] != "_" and not isinstance(value, ModuleType)}
    assert public - {"TYPE_CHECKING"} == set(typedtrack.__all__)
