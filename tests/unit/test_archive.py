"""Archives: the same values to the bit in one file, read-only, and every fault of the file told."""

from __future__ import annotations

import gzip
import json
import pickle
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from typedtrack import (
    BulkError,
    CorruptResultError,
    Failure,
    KeyTemplate,
    Result,
    ResultFailedError,
    ResultNotFoundError,
    ResultTracker,
    SchemaMismatchError,
    Stat,
    TypedTracker,
    UnsupportedOperationError,
    key,
    open_tracker,
    record,
)
from typedtrack._results.archive_lines import split_line
from typedtrack._tracker.rows import TypedRows
from typedtrack.backends import archive
from typedtrack.backends.archive import ArchiveResultTracker
from typedtrack.testing import keys, results


@key("{model}/seed_{seed}")
class RunKey(KeyTemplate):
    """A key with two fields."""

    model: str
    seed: int


@key("{letter}")
class LetterKey(KeyTemplate):
    """A key that is its only field."""

    letter: str


@record
class Spread:
    """A record with a rule across its fields."""

    mean: float
    sem: float

    def __attrs_post_init__(self) -> None:
        if self.sem > self.mean:
            raise ValueError("sem must not be above mean")


@pytest.fixture(params=[".ndjson", ".ndjson.gz"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return the path of an archive, of each kind."""
    return tmp_path / f"sweep{request.param}"


def written(file: Path, lines: list[str]) -> None:
    """Write an archive by hand."""
    data = "".join(f"{line}\n" for line in lines).encode(errors="surrogateescape")
    file.write_bytes(gzip.compress(data) if file.suffix == ".gz" else data)


stored = st.dictionaries(keys().map(str), st.one_of(results(), results().map(lambda it: {**it, "key": 1})), max_size=8)


@given(stored, st.sampled_from(["ndjson", "ndjson.gz"]))
def test_an_archive_has_the_same_values_to_the_bit(stored: dict[str, Result], ending: str) -> None:
    """Every result is there under its key, one by one, in bulk and as a stream; nothing else is."""
    tracker = open_tracker("memory://archives/property")
    for there in list(tracker):
        del tracker[there]
    tracker.put_many(stored)
    url = f"memory://archives/sweep.{ending}"
    assert tracker.archive(url) == len(stored)
    archive = open_tracker(url)
    assert [*archive] == sorted(stored)
    assert repr(dict(archive.items())) == repr({it: tracker[it] for it in sorted(stored)})
    for there, result in archive.get_many(stored).items():
        assert repr(result) == repr(tracker[there]) == repr(archive[there])
        assert there in archive
    for absent in {"0", "a/b", "~", "\U0010ffff"} - stored.keys():
        assert archive[absent] == {}


def test_it_is_a_tracker_for_reading(file: Path, tmp_path: Path) -> None:
    """Views, failures, prefixes, frames and pickling work; every write is refused."""
    tracker = open_tracker(tmp_path / "base")
    view = tracker.typed(Stat, key=RunKey)
    for seed in range(3):
        view[RunKey("small", seed)] = Stat(mean=seed / 3, sem=0.0)
    tracker.put("small-er", x=1)
    tracker.fail("small/seed_7", Failure(type="ExitCode", message="exit code 3", exit_code=3))
    assert tracker.archive(file) == 5
    archive: ResultTracker = pickle.loads(pickle.dumps(open_tracker(file)))
    assert dict(archive.typed(Stat, key=RunKey).items()) == dict(view.items())
    assert [*archive.keys("small")] == ["small/seed_0", "small/seed_1", "small/seed_2", "small/seed_7"]
    assert [*archive.keys("small/seed_1")] == ["small/seed_1"]
    assert [*archive.keys("smallest")] == []
    assert [failure.exit_code for _, failure in archive.failures()] == [3]
    assert len(archive.frame("small").parts(9)) == 4
    with pytest.raises(ResultFailedError):
        archive["small/seed_7"]
    assert archive["small"] == {}
    assert archive.get_bytes("small-er") == b'{"x":1}'
    with pytest.raises(UnsupportedOperationError, match=r"put is not safe on .* an archive is read-only"):
        archive.put("a", x=1)
    with pytest.raises(UnsupportedOperationError, match=r"create is not safe on .* an archive is read-only"):
        archive.create("a", x=1)
    with pytest.raises(UnsupportedOperationError, match=r"del is not safe on .* an archive is read-only"):
        del archive["small-er"]
    with pytest.warns(RuntimeWarning, match="was not stored"):
        assert not archive.fail("a", "boom")


def test_equal_results_make_equal_files(tmp_path: Path) -> None:
    """The bytes do not depend on the order of puts or on the time, compressed or not."""
    tracker = open_tracker(tmp_path / "base")
    tracker.put_many({"b": {"x": 1.5}, "a/c": {"y": "é"}, "a-b": {"z": float("nan")}})
    for name in ("one.ndjson", "two.ndjson", "one.ndjson.gz", "two.ndjson.gz"):
        tracker.archive(tmp_path / name)
    text = (tmp_path / "one.ndjson").read_text(encoding="utf-8")
    assert text == '{"key":"a-b","z":NaN}\n{"key":"a/c","y":"é"}\n{"key":"b","x":1.5}\n'
    assert (tmp_path / "two.ndjson").read_text(encoding="utf-8") == text
    assert (tmp_path / "one.ndjson.gz").read_bytes() == (tmp_path / "two.ndjson.gz").read_bytes()


def test_an_archive_written_by_others_is_read(file: Path) -> None:
    """Lines may have spaces, escapes or the key in another place; the last may lack its newline."""
    lines = ['{"x": 1, "key": "a"}', '{"key":"b\\u00e9","x":2}', '{"key": "c\\"d", "result": {"key": 3}}']
    written(file, lines)
    if file.suffix != ".gz":
        file.write_bytes(file.read_bytes().rstrip(b"\n"))
    assert dict(open_tracker(file).items()) == {"a": {"x": 1}, "bé": {"x": 2}, 'c"d': {"key": 3}}
    assert open_tracker(file)['c"d'] == {"key": 3}


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda data: data[: len(data) // 2],
    "magic": lambda data: b"x" + data[1:],
    "checksum": lambda data: data[:-8] + bytes(4) + data[-4:],
    "content": lambda data: data[:12] + bytes([data[12] ^ 0xFF]) * 9 + data[21:],
    "plain": lambda data: b'{"key":"a","x":1}\n',
    "empty": lambda data: b"",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_gzip_archive_is_corrupt(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    """The error of each call names the archive."""
    file = tmp_path / "sweep.ndjson.gz"
    written(file, [f'{{"key":"a{number}","x":{number}}}' for number in range(10)])
    file.write_bytes(damage(file.read_bytes()))
    tracker = open_tracker(file)
    for call in (lambda: tracker.get("a1"), lambda: dict(tracker.items()), lambda: tracker.frame().schema):
        with pytest.raises(CorruptResultError, match=r"sweep\.ndjson\.gz: the archive is not whole gzip") as caught:
            call()
        assert caught.value.file == str(file)
        assert str(caught.value).endswith("; copy the archive again, or archive its base again")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "is not JSON"),
        ('{"key":"\udcff","x":1}', "is not JSON"),
        ("[1]", "is JSON, but not an object"),
        ('{"x":1}', "field 'key': is missing, or is not a key"),
        ('{"key":5,"x":1}', "field 'key': is missing, or is not a key"),
        ('{"key":".hidden","x":1}', "field 'key': is missing, or is not a key"),
        ('{"key":"a","x":1}', "key 'a' comes after 'b'"),
        ('{"key":"b","x":1}', "key 'b' comes after 'b'"),
    ],
)
def test_a_faulty_line_is_told_with_its_place(file: Path, line: str, reason: str) -> None:
    """No key is taken for absent where a line cannot be read or the order is broken."""
    written(file, ['{"key":"b","x":1}', line])
    for read in (lambda: open_tracker(file).get("z"), lambda: [*open_tracker(file).items()]):
        with pytest.raises(CorruptResultError, match=reason) as caught:
            read()
        assert caught.value.file == f"{file}, byte 18"
        assert str(caught.value).endswith("; copy the archive again, or archive its base again")


def test_a_corrupt_result_is_one_error_among_its_neighbours(file: Path) -> None:
    """All other results are yielded, as by any tracker."""
    written(file, ['{"key":"a","x":1}', '{"key":"b","x":true}', '{"key":"c"}', '{"key":"d","x":2}'])
    found: list[tuple[Any, Result]] = []
    with pytest.raises(BulkError) as caught:
        found.extend(open_tracker(file).items())
    assert found == [("a", {"x": 1}), ("d", {"x": 2})]
    assert [*caught.value.errors] == ["b", "c"]


_KEYS = st.sampled_from(
    [*(f'"{letter}"' for letter in "abcdefgh"), '"a/b"', '"é"', '"b c"', '"\\u0061"', '".a"', "1", '"a\\nb"']
)
_BODIES = st.sampled_from(
    [
        *[',"mean":0.5,"sem":0.25'] * 8,
        *(
            ',"mean":1,"sem":0.0',
            ',"x":1',
            ',"mean":NaN,"sem":NaN',
            ',"mean":0.5,"sem":-1.0',
            ',"mean":0.25,"sem":0.5',
            ',"mean":0.5,"mean":2.5,"sem":1',
        ),
        *(
            "",
            ',"mean":true',
            ',"x":"' + "y" * 300 + '"',
            f',"x":{2**64}',
            ',"x":9223372036854775808',
            ',"mean":0.5,"key":"z","sem":0',
        ),
        *(
            ',"mean":0.5,"sem":0,"key":5',
            ',"result":{"key":1}',
            ',"result":{"mean":1,"sem":1}',
            ',"failure/type":"E","failure/message":"m"',
        ),
        *(',"x":\n1', ',"mean":0.5,"sem":{"key":"y"}', ',"x":1}{"key":"i"', ",", ',"x":"}\n{\\"key\\":\\"q\\"}"'),
    ]
)
_LINE = st.tuples(_KEYS, _BODIES).map(lambda parts: f'{{"key":{parts[0]}{parts[1]}}}')
_ENDS = st.sampled_from([*["\n"] * 9, "", " ", "\n\n", "\r\n", "\n "])


def _one_by_one(view: object, lines: bytes) -> None:
    """Decode no lines at once."""


def _rows(view: Any, prefix: str) -> Iterator[tuple[Any, Any]]:
    """Yield the keys and rows of a table, a chunk of one row at a time, since chunks of others differ in columns."""
    for chunk in view.frame(prefix).rows.chunks(1):
        yield chunk.texts, chunk.columns


def _outcome(items: Iterator[tuple[Any, Any]]) -> object:
    """Return what *items* yields, and the error that ends it."""
    found: list[str] = []
    try:
        found.extend(repr(item) for item in items)
    except BulkError as error:
        return found, {key: repr(each) for key, each in error.errors.items()}
    except (CorruptResultError, SchemaMismatchError) as error:  # or a table has two columns of one name
        return found, repr(error)
    return found, None


@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(_LINE, _ENDS), max_size=9),
    st.booleans(),
    st.sampled_from([1, 40, 2**16]),
    st.sampled_from(["", "a", "a/"]),
)
@example([('{"key":"a","x":1}{"key":"b","x":2}', "\n"), ('{"key":"c",\n"x":1}', "\n")], False, 2**16, "")
@example([('{"key":"a","x":1}', ""), ('{"key":"b","x":1}', "\n"), ("", "\n")], False, 2**16, "")
@example([('{"key":"a","x":1,"key":5}', "\n")], False, 2**16, "")
@example([('{"key":"a","x":1}', "\n\n"), ('{"key":"b","x":1}', "\n")], False, 2**16, "")
@example([('{"key":"a",\n"x":1}', "\n"), ('{"key":"b","x":1}', "\n")], False, 2**16, "")
@example([('{"x":1,"key":"a"}{"key":"b","x":1}', "\n"), ("", "\n"), ('{"key":"c","x":1}', "\n")], False, 2**16, "")
@example([('{"key":"a","x":1}', "\n"), ('{"key":"a\\nb","x":1}', "\n")], False, 2**16, "")
@example([('{"key":"a","x":1}', "\n\n"), ('{"key":"b","x":1}', ""), ('{"key":"c","x":1}', "\n")], False, 2**16, "")
@example([("", "\n"), ('{"key":"b","x":1}', ""), ('{"key":"c","x":1}', "\n")], False, 2**16, "")
def test_many_lines_are_decoded_as_each_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[tuple[str, str]], sort: bool, size: int, prefix: str
) -> None:
    """The same items come in the same order, and the same errors, whatever the lines are."""
    lines = sorted(lines) if sort else lines
    file = tmp_path / "sweep.ndjson"
    file.write_bytes("".join(line + end for line, end in lines).encode())
    tracker = open_tracker(file)
    with monkeypatch.context() as patches:
        patches.setattr(archive, "_MAX_LINES", size)
        views: list[Any] = [tracker, tracker.typed(Stat), tracker.typed(Spread), tracker.typed(Stat, key=LetterKey)]
        at_once = [_outcome(read) for view in views for read in (iter(view.items(prefix)), _rows(view, prefix))]
        for face in (ArchiveResultTracker, TypedTracker):
            patches.setattr(face, "_to_results", _one_by_one)
        patches.setattr(TypedRows, "_decode_lines", _one_by_one)
        assert at_once == [_outcome(read) for view in views for read in (iter(view.items(prefix)), _rows(view, prefix))]


def test_nearly_all_lines_are_decoded_at_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that is not plain makes few others be read one by one, and a prefix none."""
    tracker = open_tracker("memory://archives/at_once")
    tracker.put_many((f"run/{n:04}", {"mean": n / 8, "sem": 0.0}) for n in range(1000))
    tracker.put("run/0500", mean=float("nan"), sem=float("nan"))
    tracker.fail("run/0800x", "out of memory")
    tracker.archive(file)
    split: list[bytes] = []

    def counted(line: bytes, place: str) -> tuple[str, bytes]:
        split.append(line)
        return split_line(line, place)

    monkeypatch.setattr(archive, "split_line", counted)
    archived = open_tracker(file)
    for view in (archived, archived.typed(Stat)):
        for prefix in ("", "run"):
            split.clear()
            assert len(list(iter(view.items(prefix)))) == 1000
            assert len(split) < 200
    assert archived.typed(Stat)["run/0500"].mean != 0


@record
class KeyedResult:
    """A record with a field of the name that a line has for the key."""

    key: int


@record
class OptionalResult:
    """A record that needs no field."""

    x: int = 0
    y: int | None = None


def test_records_that_are_decoded_line_by_line(file: Path) -> None:
    """They have a field named ``key``, or need none, so that an empty result must be told apart."""
    tracker = open_tracker("memory://archives/line_by_line")
    tracker.put_many({"a": {"key": 1}, "b": {"key": 2}})
    tracker.archive(file)
    assert dict(open_tracker(file).typed(KeyedResult).items()) == {"a": KeyedResult(key=1), "b": KeyedResult(key=2)}
    written(file, ['{"key":"a"}', '{"key":"b","y":1}'])
    with pytest.raises(BulkError) as caught:
        list(iter(open_tracker(file).typed(OptionalResult).items()))
    assert list(caught.value.errors) == ["a"]


def test_an_archive_that_cannot_be_opened_is_refused_at_once() -> None:
    """A base that is nearly a URL, or of an unknown filesystem, is refused as if it were no archive."""
    for base, reason in (
        ("s3:/bucket/x.ndjson", "nearly a URL; write 's3://bucket/x.ndjson'"),
        ("S3://bucket/x.ndjson", "protocol in capitals"),
        ("nothing://bucket/x.ndjson", "fsspec knows no filesystem"),
    ):
        with pytest.raises(ValueError, match=reason):
            open_tracker(base)


def test_an_archive_stays_the_same_in_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path means the folder in which the tracker was made, as for any other local base."""
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "sweep.ndjson", ['{"key":"a","x":1}'])
    tracker = open_tracker("sweep.ndjson")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert pickle.loads(pickle.dumps(tracker))["a"] == tracker["a"] == {"x": 1}


def test_a_missing_or_empty_archive(file: Path, tmp_path: Path) -> None:
    """A missing file is an error, never an empty tracker; an empty one has no results."""
    with pytest.raises(FileNotFoundError):
        open_tracker(file).get("a")
    assert open_tracker(tmp_path / "nothing").archive(file) == 0
    assert [*open_tracker(file)] == []
    assert open_tracker(file).get("a") == {}
    with pytest.raises(ValueError, match=r"ends in \.ndjson or \.ndjson\.gz"):
        open_tracker(tmp_path / "nothing").archive(tmp_path / "sweep.json")


def test_results_that_cannot_be_archived_are_named_and_all_others_are_there(file: Path, tmp_path: Path) -> None:
    """The error names corrupt results, and those that were put or deleted while the archive was written."""
    tracker = open_tracker(tmp_path / "base")
    tracker.put_many({name: {"x": 1} for name in ("a", "absent", "b", "gone")})
    (tmp_path / "base" / "bad").write_text("{")
    read_many = tracker._read_many

    def meanwhile(keys: Any) -> Iterator[Any]:
        del tracker["absent"], tracker["gone"]
        tracker.put("late", x=2)
        yield from read_many(keys)

    tracker._read_many = meanwhile  # type: ignore[method-assign]  # another process, at the worst moment
    with pytest.raises(BulkError) as caught:
        tracker.archive(file)
    errors = caught.value.errors
    assert {name: type(error) for name, error in errors.items()} == {
        "absent": ResultNotFoundError,
        "bad": CorruptResultError,
        "gone": ResultNotFoundError,
        "late": RuntimeError,
    }
    assert [*open_tracker(file)] == ["a", "b"]


def test_an_error_of_the_store_leaves_the_old_archive(file: Path, tmp_path: Path) -> None:
    """An error that is not about one result ends the call, and the file stays as it was."""
    tracker = open_tracker(tmp_path / "base")
    tracker.put("a", x=1)
    tracker.archive(file)
    before = file.read_bytes()

    def refusing(keys: Any) -> Iterator[Any]:
        return ((name, PermissionError(13, "refused")) for name in keys)

    tracker._read_many = refusing  # type: ignore[method-assign]  # a store that lost its login
    with pytest.raises(PermissionError):
        tracker.archive(file)
    assert file.read_bytes() == before


def test_a_line_is_flat_json_for_other_tools(tmp_path: Path) -> None:
    """Only a result with a field named key is nested."""
    tracker = open_tracker(tmp_path / "base")
    tracker.put_many({"a": {"x": 1}, "b": {"key": 2}})
    tracker.archive(tmp_path / "sweep.ndjson")
    lines = (tmp_path / "sweep.ndjson").read_text(encoding="utf-8").splitlines()
    assert [*map(json.loads, lines)] == [{"key": "a", "x": 1}, {"key": "b", "result": {"key": 2}}]
    assert repr(open_tracker("memory://x/y.ndjson")) == "ArchiveResultTracker('memory://x/y.ndjson')"


def test_a_prefix_with_a_slash_leaves_out_the_result_of_that_name(file: Path) -> None:
    """A store without folders may hold ``sweep`` beside ``sweep/1``; ``sweep/`` is the prefix of the latter alone."""
    written(file, ['{"key": "sweep", "x": 1}', '{"key": "sweep/1", "x": 2}'])
    tracker = open_tracker(str(file))
    assert dict(tracker.items("sweep/")) == {"sweep/1": {"x": 2}}
    assert dict(tracker.items("sweep")) == {"sweep": {"x": 1}, "sweep/1": {"x": 2}}


def test_an_archive_that_cannot_be_copied_leaves_no_file_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """The temporary copy is closed at once: ``python -W error`` reports one that only the collector closes."""
    made: list[Any] = []
    temporary = tempfile.TemporaryFile

    def note() -> Any:
        made.append(temporary())
        return made[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", note)
    with pytest.raises(FileNotFoundError):
        open_tracker("memory://absent/sweep.ndjson.gz").get("a")
    assert [file.closed for file in made] == [True]
