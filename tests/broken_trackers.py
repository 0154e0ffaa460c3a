"""Trackers that look correct but are broken, each in one way. `Files` and `tests.trackers.DictTracker` are correct."""

from __future__ import annotations

import multiprocessing
import os
import re
import tempfile
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote, unquote

from tests.trackers import DictTracker
from typedtrack import ResultTracker
from typedtrack._tracker.backend import Listed

_LOCK = threading.Lock()


class Files(ResultTracker):
    """One file for each result, written beside its place and then renamed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, key: str) -> Path:
        """Return the place of *key*."""
        return self.folder / quote(key, safe="")

    def _read(self, key: str, limit: int) -> bytes | None:
        try:
            return self.path(key).read_bytes()[:limit]
        except FileNotFoundError:
            return None

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        handle, name = tempfile.mkstemp(dir=self.folder, prefix=".")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        if not exclusive:
            os.rename(name, self.path(key))
        else:
            try:
                os.link(name, self.path(key))
            finally:
                os.unlink(name)

    def _delete(self, key: str) -> None:
        self.path(key).unlink()

    def _list(self, prefix: str) -> Iterator[str]:
        return (unquote(name) for name in os.listdir(self.folder) if not name.startswith("."))


class CreateUnderALock(Files):
    """A create that checks and then writes, under a lock of this process."""

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        with _LOCK:
            if exclusive and self.path(key).exists():
                raise FileExistsError(key)
            super()._write(key, data)


class InPlace(Files):
    """A put that empties the file first."""

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        if exclusive:
            super()._write(key, data, exclusive=True)
        else:
            self.path(key).write_bytes(data)


class InPlaceUnderALock(InPlace):
    """The same, under a lock of this process that excludes readers, too."""

    def _read(self, key: str, limit: int) -> bytes | None:
        with _LOCK:
            return super()._read(key, limit)

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        with _LOCK:
            super()._write(key, data, exclusive=exclusive)

    def __reduce__(self) -> tuple[type[InPlaceUnderALock], tuple[Path]]:
        return type(self), (self.folder,)


class OneTemporaryName(Files):
    """Every put of a key writes the same temporary file, so that two puts write it at once."""

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        if exclusive:
            super()._write(key, data, exclusive=True)
        else:
            temporary = self.folder / f".{self.path(key).name}"
            temporary.write_bytes(data)
            with suppress(FileNotFoundError):  # the other put has renamed it
                temporary.rename(self.path(key))


class CreateInPlace(Files):
    """A create whose file exists before its content."""

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        if exclusive:
            with self.path(key).open("xb") as file:
                file.write(data)
        else:
            super()._write(key, data)


class LosesTheLastByte(Files):
    """Results of more than 64 KiB lose their last byte, the newline; the rest is valid JSON."""

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        super()._write(key, data if len(data) <= 2**16 else data[:-1], exclusive=exclusive)


class CachedListing(Files):
    """A listing that is cached until this tracker writes."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.listed: list[str] | None = None

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        super()._write(key, data, exclusive=exclusive)
        self.listed = None

    def _list(self, prefix: str) -> Iterator[str]:
        if self.listed is None:
            self.listed = [*super()._list(prefix)]
        return iter(self.listed)


class CachedFolders(Files):
    """One level of real folders. A listing is cached until this tracker writes, or the top folder changes."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.names: set[str] = set()
        self.listed: list[str] = []

    def path(self, key: str) -> Path:
        """Return the place of *key*."""
        folder, _, name = key.rpartition("/")
        return self.folder / folder / quote(name, safe="")

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        self.path(key).parent.mkdir(exist_ok=True)
        super()._write(key, data, exclusive=exclusive)
        self.names = set()

    def _list(self, prefix: str) -> Iterator[str]:
        if self.names != (names := set(os.listdir(self.folder))):
            self.names = names
            files = (path.relative_to(self.folder) for path in self.folder.rglob("[!.]*") if path.is_file())
            self.listed = [unquote(f"{path}") for path in files]
        return iter(self.listed)


class CachedReads(Files):
    """A read is cached until this tracker writes the key again."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.kept: dict[str, bytes] = {}

    def _read(self, key: str, limit: int) -> bytes | None:
        if key not in self.kept and (data := super()._read(key, limit)) is not None:
            self.kept[key] = data
        return self.kept.get(key)

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        super()._write(key, data, exclusive=exclusive)
        self.kept[key] = data


class AbsentOnErrors(Files):
    """A read that takes every error for an absent result."""

    def _read(self, key: str, limit: int) -> bytes | None:
        try:
            return super()._read(key, limit)
        except OSError:
            return None


class ErrorsOfItsOwn(Files):
    """A get whose error names no key."""

    def get(self, key: object) -> dict[str, int | float | str]:
        """Raise an error without a note."""
        raise OSError("no answer")


class FailsElsewhere(Files):
    """A write that fails in every process except the first."""

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        if multiprocessing.parent_process() is not None:
            raise ConnectionResetError("reset")
        super()._write(key, data, exclusive=exclusive)


class LookThenAssign(DictTracker):
    """A create in two steps; threads hardly ever switch between them."""

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        if exclusive and key in self.stored:
            raise FileExistsError(key)
        self.stored[key] = data


class PopThenAssign(DictTracker):
    """A put in two steps; between them the result is gone."""

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        if exclusive:
            super()._write(key, data, exclusive=True)
        else:
            self.stored.pop(key, None)
            self.stored[key] = data


class Pages(DictTracker):
    """A listing by pages that are found by their number, so that a delete moves all later keys."""

    def _list(self, prefix: str) -> Iterator[str]:
        start = 0
        while page := [*self.stored][start : start + 100]:
            yield from page
            start += len(page)


class DigestsAsVersions(DictTracker):
    """A listing whose versions are digests of the content, as ETags of S3 are."""

    def _list_details(self, prefix: str) -> Iterator[Listed]:
        return iter([(key, sha256(data).hexdigest(), None) for key, data in self.stored.items()])


class FirstPage(DictTracker):
    """A listing that ends after the first page."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def _list(self, prefix: str) -> Iterator[str]:
        return iter(sorted(self.stored)[: self.size])


class PrefixesArePatterns(DictTracker):
    """The store takes a prefix for a pattern, as Redis does with ``SCAN MATCH prefix/*``."""

    def _list(self, prefix: str) -> Iterator[str]:
        return iter([key for key in self.stored if not prefix or key == prefix or fnmatchcase(key, f"{prefix}/*")])


class DeletesMore(DictTracker):
    """The delete of a key deletes other keys, too."""

    def meant(self, key: str, other: str) -> bool:
        """Return whether the delete of *key* deletes *other*."""
        raise NotImplementedError

    def _delete(self, key: str) -> None:
        meant = [other for other in self.stored if self.meant(key, other)]
        if not meant:
            raise FileNotFoundError(key)
        for other in meant:
            del self.stored[other]


class DeletesLike(DeletesMore):
    """It deletes the keys that match it as a pattern of SQL: ``DELETE … WHERE key LIKE ?``."""

    def meant(self, key: str, other: str) -> bool:
        """Match as ``LIKE`` does."""
        pattern = re.escape(key).replace("_", ".").replace("%", ".*")
        return re.fullmatch(pattern, other, re.DOTALL) is not None


class DeletesBelow(DeletesMore):
    """It deletes the keys below it, as ``rm -r`` does."""

    def meant(self, key: str, other: str) -> bool:
        """Compare segments."""
        return f"{other}/".startswith(f"{key}/")


class DeletesBelowWhatIsThere(DeletesBelow):
    """It deletes the keys below it, if the key itself holds a result."""

    def _delete(self, key: str) -> None:
        if key not in self.stored:
            raise FileNotFoundError(key)
        super()._delete(key)


class DeletesBeginnings(DeletesMore):
    """It deletes the keys that begin with its text."""

    def meant(self, key: str, other: str) -> bool:
        """Compare characters."""
        return other.startswith(key)


class Folded(DictTracker):
    """Keys that `fold` makes equal share a place; a listing has the first of them."""

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[str, str] = {}

    def fold(self, key: str) -> str:
        """Return the place of *key*."""
        raise NotImplementedError

    def _read(self, key: str, limit: int) -> bytes | None:
        return super()._read(self.fold(key), limit)

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        super()._write(self.fold(key), data, exclusive=exclusive)
        self.names.setdefault(self.fold(key), key)

    def _delete(self, key: str) -> None:
        super()._delete(self.fold(key))
        del self.names[self.fold(key)]

    def _list(self, prefix: str) -> Iterator[str]:
        return iter([*self.names.values()])


class Composed(Folded):
    """Keys that look the same, and are equal in Unicode's form NFC."""

    def fold(self, key: str) -> str:
        """Normalise."""
        return unicodedata.normalize("NFC", key)


class CompatiblyComposed(Folded):
    """Keys that look similar, and are equal in Unicode's form NFKC."""

    def fold(self, key: str) -> str:
        """Normalise."""
        return unicodedata.normalize("NFKC", key)


class WithoutSpaces(Folded):
    """Keys that differ in spaces at their end, which MySQL ignores when it compares texts."""

    def fold(self, key: str) -> str:
        """Remove the spaces at the end."""
        return key.rstrip(" ")


class Beginnings(Folded):
    """Keys whose first 768 characters are the same: an index of MySQL holds no more."""

    def fold(self, key: str) -> str:
        """Cut the key."""
        return key[:768]


class Numbers(Folded):
    """Keys that are the same number."""

    def fold(self, key: str) -> str:
        """Remove leading zeros."""
        return key.lstrip("0") or key


class ThreeBytes(Folded):
    """Keys that differ in characters of four bytes, which MySQL's utf8mb3 cannot hold."""

    def fold(self, key: str) -> str:
        """Replace each such character by a question mark."""
        return re.sub(r"[^\u0000-\uffff]", "?", key)
