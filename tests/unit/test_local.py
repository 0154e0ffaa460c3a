"""Results on a local disk: files, folders, links, and whatever else may be at a key."""

from __future__ import annotations

import os
import pickle
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pyarrow
import pytest

from tests.trackers import snapshot, versions_of
from typedtrack import (
    CorruptResultError,
    FsspecResultTracker,
    KeyConflictError,
    ResultExistsError,
    ResultNotFoundError,
    open_tracker,
)
from typedtrack._bases import local_path
from typedtrack._tracker.below import times_below
from typedtrack.backends.local import LocalResultTracker


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Return a base that does not exist yet."""
    return tmp_path / "deep" / "base"


@pytest.fixture
def tracker(base: Path) -> LocalResultTracker:
    """Return a tracker on it."""
    return LocalResultTracker(base)


def test_a_result_is_one_file(tracker: LocalResultTracker, base: Path) -> None:
    """A put makes its folders and one file with ordinary permissions, and nothing else."""
    mask = os.umask(0o022)
    try:
        tracker["a/b"] = {"x": 1}
    finally:
        os.umask(mask)
    assert snapshot(base) == {"a": None, "a/b": b'{\n  "x": 1\n}\n'}
    assert stat.S_IMODE((base / "a/b").stat().st_mode) == 0o644
    tracker["a/b"] = {"x": 2}
    tracker.create("a/c", x=3)
    assert set(snapshot(base)) == {"a", "a/b", "a/c"}


def test_a_read_makes_nothing(tracker: LocalResultTracker, base: Path) -> None:
    """A base that does not exist has no results, and is not made by looking."""
    assert tracker.get("a") == {}
    assert "a" not in tracker
    assert list(tracker) == list(tracker.keys("a/b")) == []
    assert list(tracker.items()) == []
    with pytest.raises(ResultNotFoundError):
        del tracker["a/b"]
    assert not base.parent.exists()


def test_a_large_result_is_read_whole(tracker: LocalResultTracker) -> None:
    """A result that takes several reads is read to its end."""
    large: dict[str, int | float | str] = {f"{n:04}": "x" * 1000 for n in range(1000)}
    tracker["k"] = large
    assert tracker["k"] == large


def test_a_file_beyond_the_limit_is_corrupt(tracker: LocalResultTracker, base: Path) -> None:
    """A get of a file of 8 GiB reads 1 MiB and one byte, and names the limit."""
    base.mkdir(parents=True)
    with open(base / "k", "wb") as file:
        file.truncate(2**33)  # sparse
    with pytest.raises(CorruptResultError, match="larger than the limit of 1,048,576 bytes") as caught:
        tracker.get("k")
    assert caught.value.file == str(base / "k")


def test_a_result_beside_a_folder(tracker: LocalResultTracker, base: Path) -> None:
    """`a` and `a/b` cannot both hold results: the second put or create is a conflict, and the first result stays."""
    tracker["a"] = {"n": 1}
    for key in ("a/b", "a/b/c"):
        for write in (tracker.put, tracker.create):
            with pytest.raises(KeyConflictError) as caught:
                write(key, n=2)
            assert (caught.value.key, caught.value.other) == (key, "a")
    tracker["b/c"] = {"n": 3}
    for write in (tracker.put, tracker.create):
        with pytest.raises(KeyConflictError) as caught:
            write("b", n=4)
        assert (caught.value.key, caught.value.other) == ("b", "b")
    assert dict(tracker.items()) == {"a": {"n": 1}, "b/c": {"n": 3}}
    assert set(snapshot(base)) == {"a", "b", "b/c"}
    assert tracker["a/b"] == tracker["b"] == {}


def test_a_put_replaces_an_empty_folder(tracker: LocalResultTracker, base: Path) -> None:
    """The name of a folder is free again when its last result is deleted."""
    for write in (tracker.put, tracker.create):
        tracker["a/b/c"] = {"n": 1}
        del tracker["a/b/c"]
        write("a", n=2)
        assert snapshot(base) == {"a": b'{\n  "n": 2\n}\n'}
        del tracker["a"]


def test_a_folder_holds_no_result_itself(tracker: LocalResultTracker) -> None:
    """The key of a folder is absent, and has the results below it."""
    tracker["a/b"] = {"n": 1}
    assert tracker.get("a") == {}
    assert "a" not in tracker
    with pytest.raises(ResultNotFoundError):
        del tracker["a"]
    with pytest.raises(ResultNotFoundError):
        del tracker["a/b/c"]
    assert list(tracker.keys("a/b")) == ["a/b"]
    assert list(tracker.keys("a/b/c")) == []


def test_files_that_are_not_listed(tracker: LocalResultTracker, base: Path) -> None:
    """Hidden files, names that are not UTF-8, links to folders, dangling links and FIFOs."""
    tracker["a"] = {"n": 1}
    (base / ".hidden").write_bytes(b"")
    (base / ".folder").mkdir()
    (base / ".folder" / "b").write_bytes(b"")
    (base / "loop").symlink_to(base)
    (base / "dangling").symlink_to(base / "nowhere")
    os.mkfifo(base / "fifo")
    for name in (b"\xff", b"\xff folder/b"):
        path = os.fsencode(base) + b"/" + name
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb"):
            pass
    assert list(tracker) == ["a"]
    assert tracker["loop/a"] == {"n": 1}


def test_a_dangling_link_at_a_key(tracker: LocalResultTracker, base: Path) -> None:
    """It reads as absent, a put replaces it, and a create raises the error of the disk."""
    base.mkdir(parents=True)
    (base / "k").symlink_to(base / "nowhere")
    assert tracker["k"] == {}
    with pytest.raises(FileExistsError, match="this link leads nowhere; `put` replaces it") as caught:
        tracker.create("k", n=1)
    assert caught.value.__notes__ == [f"typedtrack: create {base}/k"]
    with pytest.raises(ResultNotFoundError):
        del tracker["k"]
    tracker.put("k", n=1)
    assert tracker["k"] == {"n": 1}
    assert set(snapshot(base)) == {"k"}


@pytest.mark.parametrize("key", ["share/a", "share/a/b"])
def test_a_dangling_link_above_a_key(tracker: LocalResultTracker, base: Path, key: str) -> None:
    """Storage that is not mounted there is an error of every call, and never read as absent."""
    base.mkdir(parents=True)
    (base / "share").symlink_to(base / "nowhere" / "deep")
    for call in _calls(tracker, key):
        with pytest.raises(NotADirectoryError, match=r"this link leads nowhere.*mount or make its target") as caught:
            call()
        assert caught.value.filename == str(base / "share")
        assert any("typedtrack: " in note for note in caught.value.__notes__)
    assert list(tracker) == []


@pytest.mark.parametrize("below", ["base", "base/below"])
def test_a_base_that_is_a_dangling_link(tmp_path: Path, below: str) -> None:
    """A base on a share that is not mounted is an error of every call, so that nothing waits for ever."""
    (tmp_path / "base").symlink_to(tmp_path / "unmounted" / "share")
    tracker = LocalResultTracker(tmp_path / below)
    for call in (*_calls(tracker, "k"), *_calls(tracker, "a/b"), *_calls_of_all(tracker)):
        with pytest.raises(NotADirectoryError, match="this link leads nowhere") as caught:
            call()
        assert caught.value.filename == str(tmp_path / "base")
        assert any("typedtrack: " in note for note in caught.value.__notes__)
    (tmp_path / "unmounted" / "share" / "below").mkdir(parents=True)
    assert tracker["k"] == {}
    tracker["k"] = {"n": 1}
    assert dict(tracker.items()) == {"k": {"n": 1}}


def _calls(tracker: LocalResultTracker, key: str) -> list[Callable[[], object]]:
    """Return a call of each kind for *key*."""
    return [
        lambda: tracker.put(key, n=1),
        lambda: tracker.create(key, n=1),
        lambda: tracker.get(key),
        lambda: key in tracker,
        lambda: tracker.__delitem__(key),
        lambda: tracker.wait(key),
        lambda: list(tracker.keys(key)),
    ]


def _calls_of_all(tracker: LocalResultTracker) -> list[Callable[[], object]]:
    """Return a call of each kind for all keys."""
    return [
        lambda: list(tracker),
        lambda: len(tracker),
        lambda: list(tracker.items()),
        tracker.remove_leftovers,
    ]


def test_a_link_to_a_folder(tracker: LocalResultTracker, base: Path) -> None:
    """The link counts as a folder of results: a put does not replace it, and `del` finds no result."""
    (base / "real" / "empty").mkdir(parents=True)
    (base / "k").symlink_to(base / "real")
    tracker["k/a"] = {"n": 1}
    for write in (tracker.put, tracker.create):
        with pytest.raises(KeyConflictError):
            write("k", n=1)
    with pytest.raises(ResultNotFoundError):
        del tracker["k"]
    assert (base / "real" / "empty").is_dir()
    assert tracker["k/a"] == {"n": 1}
    assert tracker["k"] == {}


def test_a_fifo_at_a_key(tracker: LocalResultTracker, base: Path) -> None:
    """A get of it does not hang, a put replaces it, and no result can be below it."""
    base.mkdir(parents=True)
    os.mkfifo(base / "k")
    with pytest.raises(CorruptResultError):
        tracker.get("k")
    with pytest.raises(ResultExistsError):
        tracker.create("k", n=1)
    assert tracker["k/a"] == {}
    with pytest.raises(NotADirectoryError) as caught:
        tracker.put("k/a", n=1)
    assert caught.value.filename == str(base / "k")
    assert caught.value.__notes__ == [f"typedtrack: put {base}/k/a"]
    tracker.put("k", n=1)
    assert snapshot(base) == {"k": b'{\n  "n": 1\n}\n'}


@pytest.mark.parametrize("below", ["base", "base/below"])
def test_a_base_that_is_a_file(tmp_path: Path, below: str) -> None:
    """A mistaken base is an error of every call, and never read as absent; the file keeps its content."""
    (tmp_path / "base").write_text("precious")
    tracker = LocalResultTracker(tmp_path / below)
    for call in (*_calls(tracker, "k"), *_calls(tracker, "a/b"), *_calls_of_all(tracker)):
        with pytest.raises(NotADirectoryError, match="not a folder, so no result can be below it") as caught:
            call()
        assert caught.value.filename == str(tmp_path / "base")
        assert any("typedtrack: " in note for note in caught.value.__notes__)
    assert (tmp_path / "base").read_text() == "precious"


def test_a_put_replaces_the_leftovers_of_a_killed_writer(tracker: LocalResultTracker, base: Path) -> None:
    """A folder with nothing else is empty after an hour; until then the writer may be alive."""
    tracker["a/b/c"] = {"n": 1}
    del tracker["a/b/c"]
    left = base / "a" / "b" / ".typedtrack-0011-7-0.tmp"
    left.write_bytes(b"{")
    for write in (tracker.put, tracker.create):
        with pytest.raises(KeyConflictError):
            write("a", n=2)
    assert left.exists()
    os.utime(left, (0, 0))
    tracker.create("a", n=2)
    assert snapshot(base) == {"a": b'{\n  "n": 2\n}\n'}


@pytest.mark.parametrize("name", [".hidden", ".typedtrack-1.txt", "typedtrack-1.tmp"])
def test_old_files_of_other_programs_stay(tracker: LocalResultTracker, base: Path, name: str) -> None:
    """Only a name that a tracker gives to its own files is one that a killed writer left."""
    (base / "a").mkdir(parents=True)
    (base / "a" / name).write_bytes(b"")
    os.utime(base / "a" / name, (0, 0))
    with pytest.raises(KeyConflictError):
        tracker.put("a", n=2)
    assert (base / "a" / name).exists()


def test_a_key_of_512_segments(tracker: LocalResultTracker) -> None:
    """The deepest key of all works, whatever the limit of recursion is."""
    key = "/".join(["a"] * 512)
    program = (
        "import sys\n"
        "from typedtrack import open_tracker\n"
        "sys.setrecursionlimit(100)\n"
        f"open_tracker({tracker._base!r}).put({key!r}, n=1)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    assert dict(tracker.items()) == {key: {"n": 1}}
    del tracker[key]
    tracker["a"] = {"n": 2}
    assert dict(tracker.items()) == {"a": {"n": 2}}


def test_versions(tracker: LocalResultTracker, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version is the same as long as a result is, and unknown where the file is too young."""
    tracker.put_many({key: {"n": 1} for key in ("a", "b", "sub/a", "sub/b")})
    monkeypatch.setattr("time.time_ns", lambda: 1)
    assert set(versions_of(tracker).values()) == {None}
    monkeypatch.setattr("time.time_ns", lambda: 2**62)
    before = versions_of(tracker)
    assert sorted(before) == sorted(iter(tracker)) == ["a", "b", "sub/a", "sub/b"]
    assert len({*before.values(), None}) == 5
    assert versions_of(tracker, "sub") == {key: before[key] for key in ("sub/a", "sub/b")}
    assert versions_of(tracker, "b") == {"b": before["b"]}
    tracker["a"] = {"n": 1}
    del tracker["sub/b"]
    os.utime(base / "b", (0, 0))
    after = versions_of(tracker)
    assert after.pop("sub/a") == before["sub/a"]
    assert {key: version not in (None, before[key]) for key, version in after.items()} == {"a": True, "b": True}


def test_the_version_of_a_file_that_is_gone(tracker: LocalResultTracker, base: Path) -> None:
    """A result that is deleted before its version or its time is read is not listed."""
    tracker.put_many({"a": {"n": 1}, "b": {"n": 1}})
    entries = tracker._list_details("")
    first, _, _ = next(entries)
    (base / ("b" if first == "a" else "a")).unlink()
    assert list(entries) == []


def test_the_version_of_a_file_whose_folder_becomes_a_result(tracker: LocalResultTracker, base: Path) -> None:
    """Its results are deleted before their versions are read, and a result is put in place of the folder."""
    tracker.put_many({"sub/a": {"n": 1}, "sub/b": {"n": 1}})
    entries = tracker._list_details("")
    next(entries)
    for key in ("sub/a", "sub/b"):
        del tracker[key]
    tracker["sub"] = {"n": 1}
    assert list(entries) == []


def test_names_are_utf8_whatever_the_locale(tracker: LocalResultTracker, base: Path) -> None:
    """A process in the C locale reads the same file."""
    tracker["naïve/日本"] = {"n": 1}
    program = f"from typedtrack import open_tracker; assert open_tracker({str(base)!r})['naïve/日本'] == {{'n': 1}}"
    env = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    script = base.parent / "read.py"
    script.write_text(program, encoding="utf-8")
    subprocess.run([sys.executable, script], check=True, env=env)


@pytest.mark.parametrize("fsync", [False, True])
def test_a_tracker_pickles(base: Path, fsync: bool) -> None:
    """A worker process gets the tracker itself, before and after its first use."""
    for tracker in (LocalResultTracker(base, fsync=fsync), FsspecResultTracker(base, fsync=fsync)):
        for _ in range(2):
            again = pickle.loads(pickle.dumps(tracker))
            again["k"] = {"n": 1}
            assert tracker["k"] == {"n": 1}


@pytest.mark.parametrize(
    ("tracker_base", "path"),
    [
        ("/tmp/x", "/tmp/x"),
        ("/tmp/x/", "/tmp/x"),
        ("/tmp/../tmp//x", "/tmp/x"),
        (Path("/tmp/x"), "/tmp/x"),
        ("file:///tmp/x", "/tmp/x"),
        ("file:/tmp/x", "/tmp/x"),
        ("local:///tmp/x", "/tmp/x"),
        ("x y%20", f"{Path.cwd()}/x y%20"),
        ("~/x", f"{Path.home()}/x"),
        ("s3://bucket/x", None),
        ("memory://x", None),
        ("simplecache::file:///tmp/x", None),
        ("/tmp/a::b", "/tmp/a::b"),
        ("file:///tmp/a::b", "/tmp/a::b"),
        ("./s3://x", f"{Path.cwd()}/s3:/x"),
    ],
)
def test_local_paths(tracker_base: str | Path, path: str | None) -> None:
    """A base is local as fsspec reads it, and where it begins as only a path does."""
    assert local_path(tracker_base) == path


@pytest.mark.parametrize("door", [open_tracker, FsspecResultTracker, LocalResultTracker])
@pytest.mark.parametrize("tracker_base", ["", "file://"])
def test_an_empty_base_is_refused(door: Callable[[str], object], tracker_base: str) -> None:
    """An environment variable that is not set must not name the current folder."""
    with pytest.raises(ValueError, match="a tracker base must not be empty"):
        door(tracker_base)


def test_a_base_of_bytes_is_refused() -> None:
    """Its name in text is asked for."""
    with pytest.raises(TypeError, match="a tracker base must be a str or a path of str, got b'/tmp'"):
        local_path(cast("str", b"/tmp"))


def test_the_root_is_a_base() -> None:
    """The base `/` has its keys directly below it."""
    tracker = LocalResultTracker("/")
    assert tracker._location("a") == "/a"
    assert tracker["a key/that is not there"] == {}
    assert "etc/passwd" in tracker


def test_a_base_elsewhere_is_refused() -> None:
    """The local tracker takes local paths, and says what takes others."""
    with pytest.raises(ValueError, match="not a local path: 's3://bucket'; use open_tracker or FsspecResultTracker"):
        LocalResultTracker("s3://bucket")


def test_every_way_to_name_a_base_sees_the_same(base: Path) -> None:
    """`open_tracker` and `FsspecResultTracker`, path and URL, on one base."""
    trackers = [make(name) for make in (open_tracker, FsspecResultTracker) for name in (base, f"file://{base}")]
    for n, tracker in enumerate(trackers):
        tracker[n] = {"n": n}
    for tracker in trackers:
        assert {key: dict(result) for key, result in tracker.items()} == {str(n): {"n": n} for n in range(4)}
        assert tracker._location("k") == f"{base}/k"


def test_a_file_whose_name_is_not_utf8_is_no_result(tmp_path: Path) -> None:
    """No listing shows it: not one of keys, and not one with versions or times."""
    tracker = LocalResultTracker(tmp_path)
    tracker["a"] = {"x": 1}
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff")).write_bytes(b"{}")
    cache = tmp_path.parent / "cache.parquet"
    assert list(tracker) == ["a"]
    assert pyarrow.table(tracker.frame(cache=cache)).to_pylist() == [{"key": "a", "x": 1}]
    assert [text for text, _ in times_below(tracker, "")] == ["a"]


def test_a_write_is_refused_beforehand_where_the_system_says_no(
    base: Path, tracker: LocalResultTracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The question is about the nearest folder that exists, and whether names can be looked up and made there."""
    asked: list[tuple[bytes, int]] = []

    def refuse(path: bytes, mode: int) -> bool:
        asked.append((path, mode))
        return False

    monkeypatch.setattr(os, "access", refuse)
    with pytest.raises(PermissionError, match="no file can be made in this folder; mend its permissions") as caught:
        tracker._check_writable("a/k")
    existing = base.parent.parent
    assert caught.value.filename == str(existing)
    assert asked == [(os.fsencode(existing), os.W_OK | os.X_OK)]
    assert list(existing.iterdir()) == []


@pytest.mark.parametrize("after", ["nothing", "a folder"])
@pytest.mark.parametrize("before", ["a folder", "a result"])
def test_a_write_is_not_refused_beforehand_where_the_reason_is_gone(
    base: Path, tracker: LocalResultTracker, monkeypatch: pytest.MonkeyPatch, before: str, after: str
) -> None:
    """Other processes may change what is at a folder of the key between two looks at it."""
    base.mkdir(parents=True)
    sub = base / "sub"
    if before == "a folder":
        sub.mkdir()
    else:
        tracker["sub"] = {"n": 1}

    def nearest(folder: bytes) -> bytes:
        if before == "a folder":
            sub.rmdir()
        else:
            del tracker["sub"]
        if after == "a folder":
            sub.mkdir()
        return os.fsencode(sub)

    monkeypatch.setattr("typedtrack.backends.local.tracker.nearest", nearest)
    tracker._check_writable("sub/k")
