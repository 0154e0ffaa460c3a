"""Errors amid the files of arro3: the caller gets each as it was raised, and not a panic of Rust."""

from __future__ import annotations

import errno
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest
from arro3.core import RecordBatch

from typedtrack._files import writing
from typedtrack._results.chunks import Chunk
from typedtrack.frame.cache_file import CacheFile
from typedtrack.frame.chunks import batch_of
from typedtrack.frame.columns import ArrowName
from typedtrack.frame.files import writer_of

TYPES: dict[str, ArrowName] = {"key": "string", "number": "int64"}
ENDINGS = [".parquet", ".csv", ".arrow"]


@pytest.fixture(params=["disk", "store", "interrupt"])
def error(request: pytest.FixtureRequest) -> BaseException:
    """Return an error in turn."""
    errors = {
        "disk": OSError(errno.ENOSPC, "No space left on device"),
        "store": PermissionError(errno.EACCES, "refused"),
        "interrupt": KeyboardInterrupt(),
    }
    return errors[str(request.param)]


def batches(error: BaseException | None = None) -> Iterator[RecordBatch]:
    """Yield batches; raise the *error* after some of them."""
    for first in range(0, 3000, 1000):
        numbers = [*range(first, first + 1000)]
        yield batch_of(Chunk(1000, {"key": [f"key {n}" for n in numbers], "number": numbers}, ()), TYPES)
    if error is not None:
        raise error


def write(path: Path, batches: Iterable[RecordBatch]) -> None:
    """Write a table."""
    with writing(path) as file:
        writer_of(path)(TYPES, batches, file)


class FaultyFile(io.BytesIO):
    """A file that raises an error at one of its calls, and counts them.

    Attributes:
        calls: how many calls there were.
    """

    def __init__(self, data: bytes, method: str, at: int, error: BaseException) -> None:
        super().__init__(data)
        self.calls = 0
        self._method, self._at, self._error = method, at, error

    def _count(self, method: str) -> None:
        if method == self._method:
            self.calls += 1
            if self.calls == self._at:
                raise self._error

    def read(self, size: int | None = -1) -> bytes:
        """Read."""
        self._count("read")
        return super().read(size)

    def seek(self, place: int, whence: int = 0) -> int:
        """Seek."""
        self._count("seek")
        return super().seek(place, whence)

    def write(self, data: Any) -> int:  # Any: whatever has a buffer
        """Write."""
        self._count("write")
        return super().write(data)


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_error_of_arro3(tmp_path: Path, ending: str) -> None:
    """It is raised as arro3 raises it, and no file is written."""
    with pytest.raises(Exception, match="Schema at index 0 was different"), writing(tmp_path / "table") as file:
        writer_of(f"table{ending}")({"key": "string"}, batches(), file)
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_error_of_the_store_amid_a_table(tmp_path: Path, ending: str, error: BaseException) -> None:
    """It is raised as it is, and the old file stays."""
    path = tmp_path / f"table{ending}"
    path.write_text("old")
    error.__cause__ = cause = ConnectionError("of the client")
    with pytest.raises(type(error)) as caught:
        write(path, batches(error))
    assert caught.value is error
    assert caught.value.__cause__ is cause
    assert path.read_text() == "old"
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_error_of_the_disk_amid_a_table(
    tmp_path: Path,
    ending: str,
    error: BaseException,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Whichever write fails, its error is raised as it is, no batch is read after it, and nothing is printed."""
    read = 0

    def counted() -> Iterator[RecordBatch]:
        nonlocal read
        for batch in batches():
            read += 1
            yield batch

    def write_with_error_at(at: int) -> FaultyFile:
        file = FaultyFile(b"", "write", at, error)

        def opened(path: str, mode: str) -> IO[bytes]:
            Path(path).touch()
            return file

        monkeypatch.setattr("typedtrack._files.open", opened, raising=False)
        try:
            write(tmp_path / f"table{ending}", counted())
        finally:
            monkeypatch.undo()
        return file

    number = write_with_error_at(0).calls
    assert number > 3 or ending == ".csv"
    for at in range(1, number + 1):
        read = 0
        with pytest.raises(type(error)) as caught:
            write_with_error_at(at)
        assert caught.value is error
        assert read <= 3
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("method", ["read", "seek"])
def test_an_error_of_the_disk_amid_a_cache(tmp_path: Path, method: str, error: BaseException) -> None:
    """Whichever call fails while a cache is read, its error is raised as it is."""
    CacheFile.write(str(tmp_path / "cache"), "identity", TYPES, batches())
    data = (tmp_path / "cache").read_bytes()

    def read_with_error_at(at: int) -> FaultyFile:
        file = FaultyFile(data, method, at, error)
        assert sum(batch.num_rows for batch in CacheFile(file).batches()) == 3000
        return file

    number = read_with_error_at(0).calls
    assert number > 3
    for at in range(1, number + 1):
        with pytest.raises(type(error)) as caught:
            read_with_error_at(at)
        assert caught.value is error
