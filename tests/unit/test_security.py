"""Each sentence of SECURITY.md is shown by a test, says what is not there, or is advice."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import polars
import pytest

from tests.trackers import DictTracker, snapshot
from typedtrack import FsspecResultTracker, TypedtrackError, open_tracker
from typedtrack.cli.app import run

ROOT = Path(__file__).parents[2]
HERE = "tests/unit/test_security.py"
SECRET = "S3CR3T"

SHOWN_BY = {
    "Whoever can write to a base can change every result in it.": f"{HERE}::test_whoever_can_write_can_change_a_result",
    "typedtrack signs nothing and keeps no history.": f"{HERE}::test_whoever_can_write_can_change_a_result",
    "The access rules of the store are the only protection.": (
        "tests/faults/test_permissions.py::test_a_call_without_permission"
    ),
    "Reading a result runs no code.": f"{HERE}::test_reading_runs_no_code",
    "A result is JSON.": "tests/unit/test_codec.py::test_one_result_as_it_is_stored",
    "typedtrack checks it against the same rules as on put, and raises `CorruptResultError` if it breaks one.": (
        "tests/properties/test_bytes.py::test_any_bytes_are_a_result_or_corrupt"
    ),
    "It never unpickles, evaluates or imports anything that a file names.": f"{HERE}::test_reading_runs_no_code",
    "`put --record MODULE` and `schema export` import the module that you name, and so run its code.": (
        f"{HERE}::test_commands_import_the_module_that_they_are_given"
    ),
    "A schema check against a commit runs git without fetching, hooks or monitors.": (
        "tests/cli/test_compatibility.py::test_a_clone_runs_no_program_of_its_settings"
    ),
    "So an untrusted clone runs no program.": (
        "tests/cli/test_compatibility.py::test_a_clone_runs_no_program_of_its_settings"
    ),
    "A schema file has at most 16 MiB, from a disk, a URL or git.": (
        "tests/unit/test_schema_files.py::test_large_files "
        "tests/unit/test_schema_files.py::test_a_document_over_http_has_a_limit "
        "tests/cli/test_compatibility.py::test_a_large_file_of_a_commit_is_not_read"
    ),
    "typedtrack writes a generated file under a name that nobody can guess, then renames it, and follows no link "
    "there.": ("tests/unit/test_codegen.py::test_write_files_follows_no_link_beside_the_file"),
    "In a report data stay data.": "tests/report/test_page.py::test_names_and_values_are_data",
    "Names and values are text or JSON.": "tests/report/test_page.py::test_names_and_values_are_data",
    "The page's content security policy lets only its own script run, and lets it fetch nothing.": (
        "tests/report/test_page.py::test_names_and_values_are_data"
    ),
    "typedtrack trusts a store, but not a server in its place.": (
        "tests/stores/test_torture.py::test_no_answer_makes_a_call_lie"
    ),
    "On S3, Azure and Google Cloud Storage each answer must have the store's own form.": (
        "tests/stores/test_torture.py::test_no_answer_makes_a_call_lie"
    ),
    "[The page on stores](docs/explanation/stores.md#answers-that-are-not-the-stores) names the few answers that no "
    "client can tell from the store's.": (f"{HERE}::test_the_page_on_stores_names_what_no_client_can_tell"),
    "A cache of a frame holds results in plain text.": f"{HERE}::test_a_cache_can_be_read_by_others",
    "Its checksum finds damage.": "tests/unit/test_frame_cache.py::test_a_damaged_cache_is_read_anew",
    "A failure that `typedtrack run` stores holds the program's name, its exit code and the host's name.": (
        "tests/cli/test_run.py::test_a_failure_is_stored_and_its_exit_code_passed_on"
    ),
    "It never holds the program's arguments.": (
        "tests/cli/test_run.py::test_the_failure_names_the_program_without_its_arguments"
    ),
    "`attempt` stores the message of an exception as it is, at most 1,024 bytes: your code decides what is in it.": (
        "tests/unit/test_failures.py::test_a_failure_is_stored_as_a_result"
    ),
    "Control characters in keys and values are shown escaped on a terminal.": (
        "tests/cli/test_terminals.py::test_a_terminal_gets_tables_without_control_characters"
    ),
    "A bare value goes into a pipe as it is.": f"{HERE}::test_a_bare_value_goes_into_a_pipe_as_it_is",
    "Generated code declares records and does nothing else.": (
        "tests/properties/test_codegen.py::test_nothing_in_a_schema_becomes_code"
    ),
    "A schema contributes checked names and literals.": (
        "tests/properties/test_codegen.py::test_nothing_in_a_schema_becomes_code"
    ),
    "You may read a schema from a stranger.": "tests/fuzz/test_corpus.py::test_the_corpus",
    "Reading one runs no code and opens no reference to another document.": f"{HERE}::test_reading_runs_no_code",
    "Its size, depth and number of fields are limited.": (
        "tests/unit/test_document_limits.py::test_a_hostile_document_costs_no_more_than_a_large_one"
    ),
    "Memory is limited.": "tests/properties/test_bytes.py::test_memory_is_bounded",
    "A get reads at most 1 MiB and one byte, however large the file is.": (
        "tests/faults/test_surroundings.py::test_a_strange_thing_at_a_key "
        "tests/stores/test_http.py::test_a_file_that_is_too_large_is_read_up_to_the_limit"
    ),
    "Listings stream.": f"{HERE}::test_a_listing_streams",
    "A key never leaves its base.": "tests/properties/test_keys.py::test_a_text_is_stored_below_the_base_or_refused",
    "A segment may not be empty and may not begin with `.`.": "tests/unit/test_keys.py::test_invalid_keys_are_refused",
    "Backslashes, control characters and invalid Unicode are refused.": (
        "tests/unit/test_keys.py::test_invalid_keys_are_refused"
    ),
    "So a key may come from untrusted text.": (
        "tests/properties/test_keys.py::test_a_text_is_stored_below_the_base_or_refused"
    ),
    "typedtrack follows symbolic links below a local base when it reads, when a linked folder is on the path of a put, "
    "and when it lists files.": f"{HERE}::test_links_below_a_base",
    "It does not list linked folders.": f"{HERE}::test_links_below_a_base",
    "A put under the name of a link to a file replaces the link.": f"{HERE}::test_links_below_a_base",
    "typedtrack stores names as they are.": f"{HERE}::test_names_are_stored_as_they_are",
    "Error messages show keys, field names, bases and shortened values.": (
        "tests/unit/test_errors.py::test_shown_is_short_and_survives_a_broken_repr"
    ),
    "They never show `storage_options`, and neither does the `repr` of a tracker.": (
        f"{HERE}::test_nothing_shows_storage_options tests/stores/test_filesystems.py::test_repr_shows_no_secrets"
    ),
    "A killed writer may leave a hidden file `.typedtrack-*.tmp` on a local disk or an sftp server.": (
        "tests/faults/test_leftovers.py::test_the_hidden_file_of_a_writer "
        "tests/stores/test_sftp.py::test_leftovers_of_killed_writers_are_removed"
    ),
    "typedtrack never lists or reads it.": "tests/faults/test_leftovers.py::test_the_hidden_file_of_a_writer",
    "The command `typedtrack rm BASE --leftovers` removes those that are older than a day.": (
        "tests/cli/test_ls_rm_wait.py::test_rm_removes_what_killed_writers_left"
    ),
}
ABSENT = {  # they say that something is not done: no test can show it
    "It does not protect against somebody who may write the file.",
    "One limit is missing: a `pattern` is a regular expression of Python's `re`, which has no time limit.",
    "A pattern such as `(a+)+$` can take very long on some values.",
    "Python matches it when a schema with a default is read, when two schemas are compared, and when a record is made.",
    "typedtrack does not limit how many keys there are.",
    "A file system may treat two keys as one.",
    (
        "A file system that ignores case or normalises Unicode (macOS does both by default) makes one file from two "
        "keys that differ only in that way."
    ),
}
ADVICE = {
    "Give write access only to people who may change all of it.",
    "If your process must answer in time, use only patterns that you wrote.",
    "Do not let people make links there whom you do not trust.",
    "Put credentials there, or where your filesystem looks for them.",
    "Do not put them into a base URL or a result.",
}


def _sentences() -> Iterator[str]:
    text = (ROOT / "SECURITY.md").read_text("utf-8").partition("## What you can rely on")[2].partition("\n## ")[0]
    for item in text.replace("**", "").split("\n- ")[1:]:
        yield from re.split(r"(?<=\.) (?=[A-Z`[]|typedtrack )", " ".join(item.split()))


def test_each_sentence_is_shown() -> None:
    """No sentence of the page is missing here, and none here is missing on the page."""
    assert sorted(_sentences()) == sorted({*SHOWN_BY, *ABSENT, *ADVICE})


def test_each_test_exists() -> None:
    """A test that is renamed is renamed here, too."""
    for place in {place for places in SHOWN_BY.values() for place in places.split()}:
        path, _, name = place.partition("::")
        nodes = ast.walk(ast.parse((ROOT / path).read_text("utf-8")))
        names = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
        assert name in names, place


def test_whoever_can_write_can_change_a_result(tmp_path: Path) -> None:
    """A file that another program wrote is the result, and the one before is gone."""
    tracker = open_tracker(tmp_path)
    tracker["k"] = {"accuracy": 0.5}
    (tmp_path / "k").write_text('{"accuracy": 1.0}')
    assert tracker["k"] == {"accuracy": 1.0}
    assert snapshot(tmp_path).keys() == {"k"}


_READER = """
import json, sys
from typedtrack import CorruptResultError, RecordSchema, SchemaError, open_tracker
tracker = open_tracker(sys.argv[1])
documents = [
    {"title": "A", "type": "object", "properties": {"x": {"$ref": ref, "default": code}}, "required": ["x"]}
    for ref in ("https://example.org/a.json", "file:///etc/passwd", "other.schema.json", "#/$defs/x")
    for code in ("__import__('os')", "!!python/object", "{{ 7 * 7 }}")
]
def read():
    for key in tracker:
        try:
            tracker.get(key)
        except CorruptResultError:
            pass
    for document in documents:
        try:
            RecordSchema.from_json_schema(document)
        except SchemaError:
            pass
read()  # imports what it needs
events = []
sys.addaudithook(lambda event, arguments: events.append((event, str(arguments))))
read()
allowed = ("open", "os.scandir", "os.listdir")
left = [event for event in events if event[0] not in allowed or (event[0] == "open" and sys.argv[1] not in event[1])]
sys.exit(str(left) if left else 0)
"""


def test_reading_runs_no_code(tmp_path: Path) -> None:
    """While results and schemas are read, Python runs and imports nothing, and opens the results alone."""
    files = {
        "plain": b'{"x": 1}',
        "code": b'{"x": "__import__(\'os\').system(\'true\')", "y": "cos\\nsystem\\n"}',
        "pickle": b"cos\nsystem\n(S'true'\ntR.",
        "yaml": b"!!python/object/apply:os.system ['true']",
        "odd": b'{"__class__": "os.system", "$ref": "file:///etc/passwd"}',
        "nan": b'{"x": NaN}',
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    run = subprocess.run(
        [sys.executable, "-c", _READER, str(tmp_path)], capture_output=True, encoding="utf-8", check=False
    )
    assert (run.returncode, run.stderr) == (0, "")


def test_commands_import_the_module_that_they_are_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both `put --record` and `schema export` run it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    commands = (["put", "base", "k", "--record", "{}:A", "x=1"], ["schema", "export", "{}.py", "--out", "out"])
    for number, command in enumerate(commands):
        module = f"named_{number}"
        text = f"from typedtrack import record\nopen('ran_{number}', 'w').close()\n@record\nclass A:\n    x: int\n"
        (tmp_path / f"{module}.py").write_text(text)
        run([word.format(module) for word in command])
        assert (tmp_path / f"ran_{number}").exists()
        sys.modules.pop(module, None)


def test_the_page_on_stores_names_what_no_client_can_tell() -> None:
    """The two lies that are left are told there."""
    text = " ".join((ROOT / "docs/explanation/stores.md").read_text("utf-8").split())
    assert "204" in text


def test_a_cache_can_be_read_by_others(tmp_path: Path) -> None:
    """It is a plain Parquet file."""
    tracker = open_tracker(tmp_path / "base")
    tracker["k"] = {"note": SECRET}
    assert tracker.frame(cache=tmp_path / "cache").schema.names == ["key", "note"]
    assert SECRET in str(polars.read_parquet(tmp_path / "cache").rows())


def test_a_bare_value_goes_into_a_pipe_as_it_is(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """`get` prints a text with its control characters."""
    open_tracker(tmp_path)["k"] = {"note": "\x1b[31mred"}
    assert run(["get", str(tmp_path), "k", "note"]) == 0
    assert capfd.readouterr().out == "\x1b[31mred\n"


def test_a_listing_streams() -> None:
    """The first keys of a store that never ends are there."""

    class Endless(DictTracker):
        def _list(self, prefix: str) -> Iterator[str]:
            number = 0
            while True:
                number += 1
                yield str(number)

    assert [*islice(iter(Endless()), 3)] == ["1", "2", "3"]


def test_links_below_a_base(tmp_path: Path) -> None:
    """Reads and puts follow them, a listing follows those to files alone, and a put replaces a link to a file."""
    elsewhere, base = open_tracker(tmp_path / "elsewhere"), open_tracker(tmp_path / "base")
    elsewhere["k"] = {"n": 1}
    base["own"] = {"n": 2}
    os.symlink("../elsewhere/k", tmp_path / "base" / "file")
    os.symlink("../elsewhere", tmp_path / "base" / "folder")
    assert base["file"] == base["folder/k"] == {"n": 1}
    assert sorted(iter(base)) == ["file", "own"]
    base["folder/new"] = {"n": 3}
    assert elsewhere["new"] == {"n": 3}
    base["file"] = {"n": 4}
    assert not (tmp_path / "base" / "file").is_symlink()
    assert elsewhere["k"] == {"n": 1}


def test_names_are_stored_as_they_are(tmp_path: Path) -> None:
    """Neither case nor the form of Unicode is changed."""
    names = ["Run", "run", "é", "e\u0301"]
    open_tracker(tmp_path).put_many((name, {"n": 1}) for name in names)
    assert {os.fsdecode(name) for name in os.listdir(os.fsencode(tmp_path))} == set(names)


def test_nothing_shows_storage_options(tmp_path: Path) -> None:
    """Neither the representation of a tracker nor an error has them."""
    tracker = FsspecResultTracker("memory://security", storage_options={"token": SECRET})
    tracker["k"] = {"n": 1}
    tracker._write("corrupt", b"{")
    shown = [repr(tracker), repr(tracker.keys())]
    for call in (
        lambda: tracker.get("corrupt"),
        lambda: tracker.create("k", n=2),
        lambda: tracker.__delitem__("absent"),
        lambda: tracker.put("../k", n=1),
        lambda: tracker.put("k", n=None),  # type: ignore[call-overload]  # refused on purpose
        lambda: tracker.get_many(["corrupt"]),
    ):
        with pytest.raises(TypedtrackError) as caught:
            call()
        shown += [str(caught.value), repr(caught.value), *getattr(caught.value, "__notes__", [])]
    assert not [text for text in shown if SECRET in text]
