"""Trackers that look right and are not, each in one way; `Files` and `tests.trackers.DictTracker` are right."""

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
from pathlib import Path
from urllib.parse import quote, unquote

from tests.trackers import DictTracker
from typedtrack import ResultTracker

_LOCK = threading.Lock()


class Files(ResultTracker):
    """A file for each result, written beside its place and moved there."""

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
    """A create that looks and then writes, which a lock of this process keeps together."""

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        with _LOCK:
            if exclusive and self.path(key).exists():
                raise FileExistsError(key)
            super()._write(key, data)


class InPlace(Files):
    """A write that empties the file first."""

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        if exclusive:
            super()._write(key, data, exclusive=True)
        else:
            self.path(key).write_bytes(data)


class InPlaceUnderALock(InPlace):
    """The same, and a lock of this process keeps readers away."""

    def _read(self, key: str, limit: int) -> bytes | None:
        with _LOCK:
            return super()._read(key, limit)

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        with _LOCK:
            super()._write(key, data, exclusive=exclusive)

    def __reduce__(self) -> tuple[type[InPlaceUnderALock], tuple[Path]]:
        return type(self), (self.folder,)


class OneTemporaryName(Files):
    """A put that always writes the same file beside its place: two of one key write it together."""

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        if exclusive:
            super()._write(key, data, exclusive=True)
        else:
            temporary = self.folder / f".{self.path(key).name}"
            temporary.write_bytes(data)
            with suppress(FileNotFoundError):  # the other has moved it
                temporary.rename(self.path(key))


class CreateInPlace(Files):
    """A create whose file is there before its content."""

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        if exclusive:
            with self.path(key).open("xb") as file:
                file.write(data)
        else:
            super()._write(key, data)


class LosesTheLastByte(Files):
    """What is larger than 64 KiB is stored without its last byte: JSON all the same."""

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        super()._write(key, data if len(data) <= 2**16 else data[:-1], exclusive=exclusive)


class CachedListing(Files):
    """A listing that is kept until this tracker writes."""

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
    """Real folders, of one level; a listing is kept until this tracker writes, or there is a new name in the first."""

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
    """What was read or written is kept until this tracker writes again."""

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
    """A read that takes any error for absence."""

    def _read(self, key: str, limit: int) -> bytes | None:
        try:
            return super()._read(key, limit)
        except OSError:
            return None


class ErrorsOfItsOwn(Files):
    """A read that raises what belongs to no key and no store."""

    def get(self, key: object) -> dict[str, int | float | str]:
        """Raise anew, without the note."""
        raise OSError("no answer")


class FailsElsewhere(Files):
    """A write that fails in any process but the first."""

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        if multiprocessing.parent_process() is not None:
            raise ConnectionResetError("reset")
        super()._write(key, data, exclusive=exclusive)


class LookThenAssign(DictTracker):
    """A create in two steps, between which threads hardly ever switch."""

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        if exclusive and key in self.stored:
            raise FileExistsError(key)
        self.stored[key] = data


class PopThenAssign(DictTracker):
    """A write in two steps, between which nothing is there."""

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        if exclusive:
            super()._write(key, data, exclusive=True)
        else:
            self.stored.pop(key, None)
            self.stored[key] = data


class Pages(DictTracker):
    """A listing of pages that are counted off from the first: what is deleted moves what follows."""

    def _list(self, prefix: str) -> Iterator[str]:
        start = 0
        while page := [*self.stored][start : start + 100]:
            yield from page
            start += len(page)


class FirstPage(DictTracker):
    """A listing that ends where a store's page or window does."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def _list(self, prefix: str) -> Iterator[str]:
        return iter(sorted(self.stored)[: self.size])


class PrefixesArePatterns(DictTracker):
    """A prefix goes to the store as a pattern, as in ``SCAN MATCH prefix/*`` of Redis."""

    def _list(self, prefix: str) -> Iterator[str]:
        return iter([key for key in self.stored if not prefix or key == prefix or fnmatchcase(key, f"{prefix}/*")])


class DeletesMore(DictTracker):
    """A delete of a key deletes others."""

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
    """Those like it: ``DELETE … WHERE key LIKE ?`` of SQL."""

    def meant(self, key: str, other: str) -> bool:
        """Compare as ``LIKE`` does."""
        pattern = re.escape(key).replace("_", ".").replace("%", ".*")
        return re.fullmatch(pattern, other, re.DOTALL) is not None


class DeletesBelow(DeletesMore):
    """Those below it, as in ``rm -r``."""

    def meant(self, key: str, other: str) -> bool:
        """Compare by folders."""
        return f"{other}/".startswith(f"{key}/")


class DeletesBelowWhatIsThere(DeletesBelow):
    """Those below it, if it is there itself."""

    def _delete(self, key: str) -> None:
        if key not in self.stored:
            raise FileNotFoundError(key)
        super()._delete(key)


class DeletesBeginnings(DeletesMore):
    """Those that begin with it."""

    def meant(self, key: str, other: str) -> bool:
        """Compare by characters."""
        return other.startswith(key)


class Folded(DictTracker):
    """Some keys share a place, under the name of the first."""

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
    """Those that look alike: in Unicode's form NFC they are one."""

    def fold(self, key: str) -> str:
        """Compose."""
        return unicodedata.normalize("NFC", key)


class CompatiblyComposed(Folded):
    """Those that look nearly alike, as in NFKC."""

    def fold(self, key: str) -> str:
        """Compose."""
        return unicodedata.normalize("NFKC", key)


class WithoutSpaces(Folded):
    """Those that differ in spaces at the end, which do not count where MySQL compares texts."""

    def fold(self, key: str) -> str:
        """Drop the spaces."""
        return key.rstrip(" ")


class Beginnings(Folded):
    """Those whose first 768 characters, which an index of MySQL has room for, are the same."""

    def fold(self, key: str) -> str:
        """Drop the rest."""
        return key[:768]


class Numbers(Folded):
    """Those that are one number."""

    def fold(self, key: str) -> str:
        """Drop the zeros in front."""
        return key.lstrip("0") or key


class ThreeBytes(Folded):
    """Those that differ in characters of four bytes, which the character set utf8mb3 of MySQL has no room for."""

    def fold(self, key: str) -> str:
        """Put a question mark for each."""
        return re.sub(r"[^\u0000-\uffff]", "?", key)
