"""Subclasses that override `put` and `get`, as this project or torchx declares them; read by type checkers alone."""

# mypy: disable-error-code="mutable-override"
# This project enables that code, `strict` does not. To a checker `put` is a variable.

from collections.abc import Iterable, Mapping

from typedtrack import FsspecResultTracker, Key, Result, ResultTracker, Value


class Prefixed(FsspecResultTracker):
    """It overrides `put` as this project declares it."""

    def put(  # noqa: D102
        self, key: Key, results: Mapping[str, Value] | Iterable[tuple[str, Value]] = (), /, **fields: Value
    ) -> None:
        super().put(f"prefix/{key}", results, **fields)

    def get(self, key: Key) -> Result:  # noqa: D102
        return super().get(f"prefix/{key}")


class KeywordsAlone(FsspecResultTracker):
    """It overrides both as torchx declares them."""

    def put(self, key: Key, **fields: Value) -> None:  # noqa: D102
        super().put(f"prefix/{key}", fields)

    def get(self, key: Key) -> Result:  # noqa: D102
        return super().get(f"prefix/{key}")


class PutAndGet(ResultTracker):
    """It implements `put` and `get` alone, as torchx declares them."""

    def put(self, key: Key, **fields: Value) -> None:  # noqa: D102
        raise NotImplementedError

    def get(self, key: Key) -> Result:  # noqa: D102
        raise NotImplementedError


def use(prefixed: Prefixed, put_and_get: PutAndGet) -> None:
    """Call them."""
    prefixed.put("app", {"accuracy": 0.5}, steps=1)
    put_and_get.put("app", accuracy=0.5)
    put_and_get["app"] = {"accuracy": 0.5}
