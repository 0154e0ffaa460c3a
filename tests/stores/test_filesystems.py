"""The table of filesystems, and the backend that a base gets."""

from __future__ import annotations

import importlib.util
import json
import pickle
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import ClassVar
from zipfile import ZipFile

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem
from fsspec.registry import _registry

from typedtrack import (
    CorruptResultError,
    FsspecResultTracker,
    ResultTracker,
    UnsupportedOperationError,
    open_tracker,
)
from typedtrack._results.values import MAX_RESULT_BYTES
from typedtrack.backends.filesystems import OTHER, TABLE, row_of
from typedtrack.backends.local import LocalResultTracker
from typedtrack.backends.memory import MemoryResultTracker
from typedtrack.backends.obstore import ObstoreResultTracker
from typedtrack.backends.other import OtherResultTracker
from typedtrack.testing import FaultyFileSystem

STORES = Path(__file__).parents[2] / "docs" / "explanation" / "stores.md"
_MODULE_FOR_PARAMIKO = "fsspec.implementations.sftp"


def test_docs_have_the_table() -> None:
    """The first table of docs/explanation/stores.md equals the one of the code; the others tell of each row."""
    page = STORES.read_text()
    for row in (*TABLE, OTHER):
        urls = ", ".join(f"`{protocol}://`" for protocol in row.protocols) or "–"
        extra = "–" if row.extra is None else f"`typedtrack[{row.extra}]`"
        assert f"\n| {row.name} | {urls} | {extra} |\n" in page
        assert page.count(f"\n| {row.name} | ") >= 3


def test_rows_by_class() -> None:
    """A filesystem is known by its class or a base class of it; any other has the row for unknown ones."""

    class Special(LocalFileSystem):
        """A subclass of the local filesystem."""

    assert row_of(Special).name == "local disk"
    assert row_of(FaultyFileSystem) is OTHER


def without(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    """Make *packages* appear not to be installed."""
    find = importlib.util.find_spec

    def find_spec(name: str) -> ModuleSpec | None:
        return None if name in packages else find(name)

    monkeypatch.setattr("typedtrack.backends.base_urls.find_spec", find_spec)
    monkeypatch.setattr("typedtrack.backends.obstore_client.find_spec", find_spec)


@pytest.mark.parametrize(
    ("base", "extra"),
    [("s3://b/x", "s3"), ("abfs://c/x", "azure"), ("gs://b/x", "gcs"), ("sftp://h/x", "sftp")],
)
def test_missing_extra(base: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing client is an error when the tracker is made, with the line that installs it."""
    without(monkeypatch, "obstore", "s3fs", "adlfs", "gcsfs", "sshfs")
    for protocol in ("s3", "abfs", "gs", "sftp"):
        monkeypatch.delitem(_registry, protocol, raising=False)
    with pytest.raises(ImportError, match=rf"pip install 'typedtrack\[{extra}\]'"):
        open_tracker(base)


@pytest.mark.parametrize("protocol", ["sftp", "ssh"])
@pytest.mark.parametrize("is_loaded", [False, True])
def test_paramiko_does_not_serve_sftp(monkeypatch: pytest.MonkeyPatch, protocol: str, is_loaded: bool) -> None:
    """With paramiko alone, even where fsspec has loaded its filesystem for it, the error names the extra."""
    without(monkeypatch, "sshfs")
    monkeypatch.delitem(_registry, protocol, raising=False)
    if is_loaded:
        monkeypatch.setitem(_registry, protocol, type("SFTPFileSystem", (), {"__module__": _MODULE_FOR_PARAMIKO}))
    with pytest.raises(ImportError, match=rf"{protocol}:// needs sshfs: pip install 'typedtrack\[sftp\]'"):
        open_tracker(f"{protocol}://host/x")


@pytest.mark.parametrize(
    ("base", "package", "extra"),
    [("s3://b/x", "s3fs", "s3"), ("abfs://c/x", "adlfs", "azure"), ("gs://b/x", "gcsfs", "gcs")],
)
def test_missing_obstore(base: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names obstore first; only obstore where the options are its own, and not where they are another's."""
    protocol = base.partition(":")[0]
    without(monkeypatch, "obstore", "s3fs", "adlfs", "gcsfs")
    monkeypatch.delitem(_registry, protocol, raising=False)
    native = f"{protocol}:// needs obstore: pip install 'typedtrack[obstore]'"
    through_fsspec = f"{protocol}:// needs {package}: pip install 'typedtrack[{extra}]'"
    cases: list[tuple[Callable[[], object], str]] = [
        (lambda: ObstoreResultTracker(base), native),
        (lambda: open_tracker(base, storage_options={"config": {}}), native),
        (lambda: open_tracker(base), f"{native}; through fsspec, {through_fsspec}"),
        (lambda: open_tracker(base, storage_options={"anon": True}), through_fsspec),
    ]
    for make, said in cases:
        with pytest.raises(ImportError) as caught:
            make()
        assert str(caught.value) == said


def test_registered_by_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """A filesystem that the process has registered needs no extra."""
    without(monkeypatch, "s3fs")
    monkeypatch.setitem(_registry, "s3", FaultyFileSystem)
    assert FsspecResultTracker("s3://b/x")


def test_best_backend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Obstore serves the stores that it knows, where it is installed and the options are its own."""
    assert type(open_tracker(tmp_path)) is LocalResultTracker
    for base in ("s3://b/x", "gs://b", "az://c/x", "abfs://c@account.dfs.core.windows.net/x"):
        assert type(open_tracker(base)) is ObstoreResultTracker
        assert type(open_tracker(base, storage_options={"config": {}})) is ObstoreResultTracker
    assert type(open_tracker("s3://b/x", storage_options={"anon": True})) is FsspecResultTracker
    assert type(open_tracker("memory://b/x")) is FsspecResultTracker
    without(monkeypatch, "obstore")
    assert type(open_tracker("s3://b/x")) is FsspecResultTracker


@pytest.mark.parametrize("base", ["s3://", "http://host/x", "s3:///x", "bucket/x"])
def test_obstore_needs_a_bucket(base: str) -> None:
    """A base without a bucket is refused when the tracker is made."""
    with pytest.raises(ValueError, match="obstore cannot serve the tracker base"):
        ObstoreResultTracker(base)


@pytest.mark.parametrize(
    ("base", "what"),
    [("s3://", "bucket"), ("s3:///x", "bucket"), ("gs://", "bucket"), ("abfs:///x", "container")],
)
def test_base_without_a_bucket_is_refused(base: str, what: str) -> None:
    """A base without a bucket is refused when the tracker is made, also where the client would accept it."""
    with pytest.raises(ValueError, match=rf"names no {what}: \w+://{what}/folder"):
        FsspecResultTracker(base)


@pytest.mark.parametrize(
    ("base", "problem"),
    [
        ("memory://m/run::1", "'memory://m/run::1' has a '::', by which fsspec chains URLs, and no URL after it"),
        ("s3://b/run::1", "has a '::'"),
        ("sftp://h/run::file::1", "has a '::'"),
        ("s3://me:hunter2@b/x", "'s3://[*]{3}@b/x' has a login; give it by storage_options"),
        ("gs://me:hun/ter2@b/x", "'gs://[*]{3}@b/x' has a login"),
        (
            "sftp://me:hun/ter2@h/x",
            "'sftp://[*]{3}@h/x' has a port that is not a number; give a password that has a slash",
        ),
        ("ssh://h:port/x", "'ssh://h:port/x' has a port that is not a number"),
        ("sftp://h/a?b", r"has a '\?', which the client does not take for part of a folder's name"),
        ("ssh://h/a#b", "has a '#'"),
        ("az://c/a\\b", r"has a '\\\\'"),
    ],
)
def test_base_that_the_client_takes_for_another_is_refused(base: str, problem: str) -> None:
    """A base that the client would take for another folder is refused at once; the error shows no login."""
    with pytest.raises(ValueError, match=problem) as caught:
        FsspecResultTracker(base)
    assert "hun" not in str(caught.value)


@pytest.mark.parametrize(
    "base", ["s3://arn:aws:s3:r:1:accesspoint/n/x", "sftp://me:a@b@h:22/x", "ssh://h/a@b", "zip://x::memory://m/a.zip"]
)
def test_base_that_looks_like_another_is_accepted(base: str) -> None:
    """A base that only looks like one with a login, or is a chain of URLs, is accepted."""
    assert FsspecResultTracker(base)


def test_flat_options_of_obstore_are_refused() -> None:
    """Names of obstore's config that are given flat are refused with the right form, and without their values."""
    flat: dict[str, object] = {"region": "r", "aws_secret_access_key": "hunter2", "timeout": "5s"}
    with pytest.raises(ValueError, match=r"'config': \{'region': …, 'aws_secret_access_key': …\}") as caught:
        open_tracker("s3://b/x", storage_options=flat)
    assert "hunter2" not in str(caught.value)
    assert open_tracker("az://c/x", storage_options={"account_name": "a", "account_key": "b"})  # adlfs's, too
    assert open_tracker("memory://x", storage_options={"region": "r"})


@pytest.mark.parametrize("make", [open_tracker, FsspecResultTracker])
@pytest.mark.parametrize(
    ("base", "meant"),
    [
        ("s3:/bucket/x", "s3://bucket/x"),
        ("s3:bucket", "s3://bucket"),
        ("S3:bucket/x", "s3://bucket/x"),
        ("gs:/b", "gs://b"),
        ("S3://b/x", "s3://b/x"),
        ("FILE:///x", "file:///x"),
        ("Memory://x", "memory://x"),
        ("dbfs:/x", "dbfs:///x"),
        ("hdfs:/data/x", "hdfs:///data/x"),
        ("http:/host/x", "http://host/x"),
        ("nosuch:/x/y", "nosuch://x/y"),
        ("sftp:/me:hunter2@host/x", "sftp://[*]{3}@host/x"),
        ("SFTP://me:hunter2@host/x", "sftp://[*]{3}@host/x"),
    ],
)
def test_base_that_is_nearly_a_url_is_refused(make: Callable[[str], ResultTracker], base: str, meant: str) -> None:
    """A base that is nearly a URL is refused with the URL that was meant, and is never a local folder."""
    with pytest.raises(ValueError, match=f"write '{meant}'") as caught:
        make(base)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("make", [open_tracker, FsspecResultTracker])
@pytest.mark.parametrize("base", ["C:\\x", "c:/x/y"])
def test_path_of_windows_is_refused(make: Callable[[str], ResultTracker], base: str) -> None:
    """A path of Windows is refused, and is never a local folder."""
    with pytest.raises(ValueError, match="is a path of Windows"):
        make(base)


@pytest.mark.parametrize("base", ["run:7", "a/s3:b", "./s3:/b", "x y:z", "3:4", ":x", "12:30:00/run", "C:x"])
def test_folder_with_a_colon_is_local(base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder may have a colon in its name."""
    monkeypatch.chdir(tmp_path)
    open_tracker(base)["a"] = {"x": 1}
    assert (tmp_path / base / "a").exists()


@pytest.mark.filterwarnings("ignore:typedtrack does not know how ZipFileSystem:UserWarning")
def test_zip_file_is_a_base(tmp_path: Path) -> None:
    """A chain of a filesystem over a local path, which fsspec opens, is a base."""
    with ZipFile(tmp_path / "a.zip", "w") as file:
        for key in ("a", "b/c#100%"):
            file.writestr(f"results/{key}", json.dumps({"x": 1}))
    tracker = open_tracker(f"zip://results::{tmp_path}/a.zip")
    assert dict(tracker.items()) == {"a": {"x": 1}, "b/c#100%": {"x": 1}}
    assert tracker.get("nothing") == {}


def test_options_of_another_client() -> None:
    """Options that obstore does not have are refused."""
    with pytest.raises(ValueError, match=r"obstore has no storage_options \['anon'\]"):
        ObstoreResultTracker("s3://b/x", storage_options={"anon": True})


def test_caching_filesystem_is_refused(tmp_path: Path) -> None:
    """A filesystem that returns old content from a cache is refused."""
    tracker = FsspecResultTracker(f"simplecache::file://{tmp_path}")
    with pytest.raises(UnsupportedOperationError, match="use the URL of the store itself"):
        tracker.get("a")


def test_asynchronous_filesystem_is_refused() -> None:
    """A filesystem that runs on its caller's loop is refused at the first call; the error names the option."""
    tracker = FsspecResultTracker("s3://bucket/base", storage_options={"asynchronous": True, "anon": True})
    with pytest.raises(UnsupportedOperationError, match="leave out the option asynchronous=True"):
        tracker.get("a")


def test_unknown_filesystem() -> None:
    """A filesystem that the table does not list is read and written, with one warning; a create is refused."""
    fsspec.register_implementation("faulty", FaultyFileSystem, clobber=True)
    tracker = FsspecResultTracker("faulty://base")
    assert type(tracker._backend) is OtherResultTracker
    with pytest.warns(UserWarning, match="FaultyFileSystem makes a write visible"):
        tracker["a"] = {"x": 1}
    tracker["b"] = {"x": 2}
    assert dict(tracker.items()) == {"a": {"x": 1}, "b": {"x": 2}}
    with pytest.raises(UnsupportedOperationError, match="knows no atomic create"):
        tracker.create("c", x=1)


class Ranged(FaultyFileSystem):
    """A filesystem that records the ranges of its reads, and raises *refuses* or ignores them."""

    def __init__(self, refuses: Exception | None = None, ignores: bool = False) -> None:
        super().__init__()
        self.refuses, self.ignores = refuses, ignores
        self.ranges: list[tuple[int | None, int | None]] = []

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: object) -> bytes:
        """Return the bytes of a file within a range."""
        self.ranges.append((start, end))
        if self.refuses is not None:
            raise self.refuses
        return super().cat_file(path) if self.ignores else super().cat_file(path, start, end)


@pytest.mark.parametrize("ignores", [False, True])
def test_unknown_filesystem_is_read_within_the_limit(ignores: bool) -> None:
    """A read on an unknown filesystem asks for the limit and one byte, and returns no more where that is ignored."""
    fs = Ranged(ignores=ignores)
    fs.fs.pipe_file("/base/a", b"x" * (2 * MAX_RESULT_BYTES))
    tracker = OtherResultTracker(fs, "/base")
    with pytest.raises(CorruptResultError, match="larger than the limit"):
        tracker.get("a")
    assert fs.ranges == [(0, MAX_RESULT_BYTES + 1)]
    assert tracker._read("a", 3) == b"xxx"


def test_unknown_filesystem_that_refuses_a_range_of_an_empty_file() -> None:
    """An empty file is corrupt, also where the filesystem refuses its range; for other files the error stays."""
    fs = Ranged(refuses=OSError("416, Range Not Satisfiable"))
    fs.fs.pipe_file("/base/empty", b"")
    fs.fs.pipe_file("/base/full", b"{}")
    tracker = OtherResultTracker(fs, "/base")
    with pytest.raises(CorruptResultError):
        tracker.get("empty")
    for key in ("full", "nothing"):
        with pytest.raises(OSError, match="416"):
            tracker.get(key)


@pytest.mark.parametrize("make", [open_tracker, FsspecResultTracker])
def test_unknown_protocol_is_refused(make: Callable[[str], ResultTracker]) -> None:
    """A URL with an unknown protocol is refused when the tracker is made."""
    with pytest.raises(ValueError, match="fsspec knows no filesystem for nosuch:// in 'nosuch://x/y'"):
        make("nosuch://x/y")


@pytest.mark.parametrize("make", [open_tracker, FsspecResultTracker])
def test_mistyped_protocol_shows_no_password(make: Callable[[str], ResultTracker]) -> None:
    """The error for an unknown protocol shows the URL without its password."""
    with pytest.raises(ValueError, match=r"in 'stfp://\*\*\*@host/b'; see") as caught:
        make("stfp://me:hunt@er2@host/b")
    assert "er2" not in str(caught.value)


class Closed(FaultyFileSystem):
    """A filesystem whose constructor fails, as if its server were unreachable."""

    protocol: ClassVar[str | tuple[str, ...]] = "closed"

    def __init__(self, **options: object) -> None:
        raise ConnectionRefusedError(111, "refused")


def test_filesystem_that_cannot_be_opened() -> None:
    """The notes of an error name base, operation and key also where the filesystem cannot be made."""
    fsspec.register_implementation("closed", Closed, clobber=True)
    tracker = FsspecResultTracker("closed://me:secret@host/base/")
    opening = "typedtrack: open closed://***@host/base/"
    with pytest.raises(ConnectionRefusedError) as caught:
        tracker.get("a")
    assert caught.value.__notes__ == [opening, "typedtrack: get closed://***@host/base/a"]
    with pytest.raises(ConnectionRefusedError) as caught:
        tracker.get_many(["a"])
    assert caught.value.__notes__ == [opening]


def test_subclass_of_the_local_filesystem(tmp_path: Path) -> None:
    """A filesystem that is derived from a known one has its backend."""

    class Scratch(LocalFileSystem):
        """Local files under another protocol."""

        protocol: ClassVar[str | tuple[str, ...]] = "scratch"

    fsspec.register_implementation("scratch", Scratch, clobber=True)
    tracker = FsspecResultTracker(f"scratch://{tmp_path}")
    tracker["a"] = {"x": 1}
    assert (tmp_path / "a").exists()


def test_repr_shows_no_secrets() -> None:
    """The repr shows neither password nor storage_options; a pickle has them, because it needs them."""
    tracker = FsspecResultTracker("sftp://me:hunter2@host/base", storage_options={"passphrase": "hunter3"})
    assert repr(tracker) == "FsspecResultTracker('sftp://***@host/base')"
    assert repr(FsspecResultTracker("sftp://me:hunt@er2@host/base")) == "FsspecResultTracker('sftp://***@host/base')"
    for base in ("simplecache::memory://me:hunter2@host/base", "http://me:hunter2@127.0.0.1/base"):
        with pytest.raises(UnsupportedOperationError) as caught:
            FsspecResultTracker(base).create("a", x=1)
        assert "***@" in str(caught.value)
        assert "hunter2" not in str(caught.value)
    native = open_tracker("s3://b/x", storage_options={"config": {"secret_access_key": "hunter2"}})
    assert repr(native) == "ObstoreResultTracker('s3://b/x')"
    assert b"hunter2" in pickle.dumps(native)
    assert repr(pickle.loads(pickle.dumps(native))) == repr(native)


def test_memory_has_its_own_backend() -> None:
    """The memory filesystem has a backend of its own."""
    assert type(FsspecResultTracker("memory://docs/x")._backend) is MemoryResultTracker
