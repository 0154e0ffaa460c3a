"""The test of a store that cannot be reached. It is skipped where the fixture ``unreachable`` is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from typedtrack import BulkError, ResultTracker, TypedtrackError
from typedtrack.testing.suites.store import Store

__all__ = ["Unreachable"]

_KEY: Final = "some/where"
_PATIENCE: Final = 300  # seconds: a client may try again for as long before it raises


def _error(call: Callable[[], object]) -> Exception | None:
    try:
        call()
    except Exception as error:
        return error
    return None


class Unreachable(Store):
    """Calls on a store that cannot be reached."""

    @pytest.fixture
    def unreachable(self) -> ResultTracker:
        """Return a tracker whose store cannot be reached: to be overridden."""
        pytest.skip("override the fixture `unreachable` to test that the tracker takes no error for an absent result")

    def test_unreachable(self, unreachable: ResultTracker) -> None:
        """Every call raises the store's own error, with a note that names the key, and never returns `{}`."""
        of_key: dict[str, Callable[[], object]] = {
            "get": lambda: unreachable.get(_KEY),
            "get_bytes": lambda: unreachable.get_bytes(_KEY),
            "in": lambda: _KEY in unreachable,
            "put": lambda: unreachable.put(_KEY, x=1),
            "del": lambda: unreachable.__delitem__(_KEY),
            "wait": lambda: unreachable.wait(_KEY, timeout=_PATIENCE),
        }
        if self.exclusive_create:
            of_key["create"] = lambda: unreachable.create(_KEY, x=1)
        of_all: dict[str, Callable[[], object]] = {
            "keys": lambda: list(unreachable.keys()),
            "items": lambda: list(unreachable.items("some")),
            "len": lambda: len(unreachable),
        }
        found = {name: _error(call) for name, call in {**of_key, **of_all}.items()}
        assert [name for name, error in found.items() if error is None] == [], "these calls return"
        assert [name for name, error in found.items() if isinstance(error, TypedtrackError)] == [], (
            "these hide the error"
        )
        notes = {name: "\n".join(getattr(found[name], "__notes__", ())) for name in of_key}
        assert [name for name in of_key if _KEY not in notes[name]] == [], "no note on these errors names the key"
        several = _error(lambda: unreachable.get_many([_KEY, "other"]))
        assert several is not None, "get_many returns"
        # An error that is not a BulkError means that the tracker could not even open the store.
        assert not isinstance(several, BulkError) or set(several.errors) == {_KEY, "other"}
