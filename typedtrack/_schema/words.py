"""The words for what is wrong with a field or a record: those of Python, or of whoever else declares it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

__all__ = ["PYTHON", "Words"]


class Words(NamedTuple):
    """What things are called where a field is declared, and what can be done there."""

    constraints: Mapping[str, str]
    """Constraint to what it is called, where not by its own name."""
    types: Mapping[type, str]
    """Type to what it is called, where not by its own name."""
    double: str
    """A number of 64 bits, in binary."""
    only_none: str
    """Why a field that can be `None` has no other default."""
    no_field: str
    """Why a record needs a field that every result has."""
    bound: str
    """How to make a result smaller."""

    def constraint(self, name: str) -> str:
        """Return what the constraint *name* is called."""
        return self.constraints.get(name, name)

    def type_name(self, of: type) -> str:
        """Return what the type *of* is called."""
        return self.types.get(of, of.__name__)

    def one(self, of: type) -> str:
        """Return what one value of the type *of* is called."""
        name = self.type_name(of)
        return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


PYTHON: Final = Words(
    constraints={},
    types={},
    double="float",
    only_none="can be None, which is absent on the wire and must read back: its default can only be None",
    no_field="needs a field that cannot be None: a result has at least one",
    bound="bound its str fields by msgspec.Meta(max_length=...), or split it",
)
