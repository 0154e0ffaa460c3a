"""``typedtrack ls``, ``rm`` and ``wait``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from unittest.mock import Mock

import click
import pytest
from fsspec.implementations.local import LocalFileSystem
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.cli.conftest import Cli
from typedtrack import Failure, open_tracker
from typedtrack.backends.other import OtherResultTracker
from typedtrack.cli.rm import Age


def test_ls_lists_in_the_order_of_keys(cli: Cli, base: str) -> None:
    """All keys, or a prefix by whole segments; results on request."""
    open_tracker(base).put_many({"b": {"x": 2}, "a/1": {"x": 0.5, "t": "line\nbreak"}, "ab": {"x": 1}})
    assert cli("ls", base).out == "a/1\nab\nb\n"
    assert cli("ls", base, "a").out == "a/1\n"
    assert cli("ls", base, "--count").out == "3\n"
    assert cli("ls", base, "a", "--count").out == "1\n"
    assert cli("ls", base, "--json").out == '{"key": "a/1"}\n{"key": "ab"}\n{"key": "b"}\n'
    assert cli("ls", base, "--long").out == "a/1\tx=0.5, t=line\\nbreak\nab\tx=1\nb\tx=2\n"


@pytest.mark.parametrize(
    "command", [("ls",), ("ls", "--json"), ("top",), ("export",), ("report",), ("schema", "infer")], ids=" ".join
)
def test_a_folder_that_does_not_exist_is_named(cli: Cli, monkeypatch: pytest.MonkeyPatch, command: tuple[str]) -> None:
    """It may be a slip of the fingers, or a prefix whose base is in the environment; a put makes it."""
    files = {"export": "out.ndjson", "report": "out.html"}
    out = ("--out", files[command[0]]) if command[0] in files else ()
    monkeypatch.delenv("TYPEDTRACK_BASE", raising=False)
    ended = cli(*command, "resluts", *out)
    assert ended.code == (1 if "infer" in command else 0)
    warning = f"typedtrack: warning: folder {str(Path('resluts').absolute())!r} does not exist"
    assert ended.err.splitlines()[0] == warning
    monkeypatch.setenv("TYPEDTRACK_BASE", "results")
    hint = '; for a prefix in the base of the environment: "$TYPEDTRACK_BASE" resluts'
    assert cli(*command, "resluts", *out).err.splitlines()[0] == warning + hint
    Path("resluts").mkdir()
    assert "warning" not in cli(*command, "resluts", *out).err
    assert "warning" not in cli(*command, "memory://resluts", *out).err


def test_only_a_folder_that_does_not_exist_is_said_not_to_exist(cli: Cli) -> None:
    """One that cannot be reached, as below a file or an unreadable folder, is the error of the command alone."""
    Path("file").touch()
    ended = cli("ls", "file/results")
    assert (ended.code, ended.err.count("\n")) == (3, 1)
    assert ended.err.startswith("typedtrack: NotADirectoryError: ")


def test_ls_sorts_more_keys_than_memory_holds(cli: Cli, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order is the same, and so is the JSON."""
    monkeypatch.setattr("typedtrack._sorting._MOST", 2)
    open_tracker(base).put_many({key: {"x": 1} for key in "edcba"})
    assert cli("ls", base).out == "a\nb\nc\nd\ne\n"
    assert cli("ls", base, "--json").out == "".join(f'{{"key": "{key}"}}\n' for key in "abcde")


def test_ls_prints_the_readable_results(cli: Cli, base: str) -> None:
    """A corrupt result is an error of the store."""
    open_tracker(base).put_many({"a": {"x": 1}, "c": {"x": 1}})
    Path(base, "b").write_text("{", "utf-8")
    code, out, err = cli("ls", base, "--long")
    assert (code, out) == (3, "a\tx=1\nc\tx=1\n")
    assert err.startswith(f"typedtrack: key 'b': {base}/b: ")


def test_failures_are_answers_no(cli: Cli, base: str) -> None:
    """`get` and `wait` exit with 1; `ls` counts failures, and lists them on request."""
    tracker = open_tracker(base)
    tracker.put("a", x=1)
    tracker.fail("b", Failure(type="ExitCode", message="exit\ncode 3", exit_code=3))
    code, out, err = cli("get", base, "b")
    assert (code, out) == (1, "")
    assert err.startswith("typedtrack: key 'b': the application failed with ")
    code, out, err = cli("wait", base, "a", "b")
    assert (code, out) == (1, "a\tx=1\n")
    assert err.startswith("typedtrack: key 'b': the application failed with ")
    assert cli("ls", base).out == "a\nb\n"
    assert cli("ls", base, "--long").out == "a\tx=1\n"
    assert cli("ls", base, "--failed").out == "b\tExitCode\texit\\ncode 3\n"
    assert cli("ls", base, "--failed", "--count").out == "1\n"
    line = '{"key": "b", "failure/type": "ExitCode", "failure/message": "exit\\ncode 3", "failure/exit_code": 3}\n'
    assert cli("ls", base, "--failed", "--json").out == line
    assert cli("put", base, "b", "x=2").code == 0
    assert cli("ls", base, "--failed").out == ""


def test_rm_deletes_all_keys_that_it_finds(cli: Cli, base: str) -> None:
    """A missing one makes the exit code 1, and hides no other."""
    open_tracker(base).put_many({key: {"x": 1} for key in ("a", "b", "c", "s/1", "s/2")})
    code, out, err = cli("rm", base, "a", "missing", "b")
    assert (code, out) == (1, "")
    assert err.startswith("typedtrack: no result under key 'missing' in ")
    assert cli("rm", base, "--prefix", "s", "--dry-run").out == "s/1\ns/2\n"
    assert cli("rm", base, "--prefix", "s") == (0, "", "")
    assert list(open_tracker(base)) == ["c"]
    assert cli("rm", base, "--prefix", "s") == (0, "", "")


def test_rm_deletes_many_keys_some_at_a_time(cli: Cli, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them are deleted, and a missing one among them is named."""
    monkeypatch.setattr("typedtrack.cli.rm._AT_ONCE", 3)
    open_tracker(base).put_many({f"s/{n}": {"x": 1} for n in range(10)})
    code, out, err = cli("rm", base, "s/0", "s/1", "s/2", "s/3", "missing", "s/4")
    assert (code, out) == (1, "")
    assert err.startswith("typedtrack: no result under key 'missing' in ")
    assert cli("rm", base, "--prefix", "s") == (0, "", "")
    assert list(open_tracker(base)) == []


def test_rm_removes_what_killed_writers_left(cli: Cli, base: str) -> None:
    """The number of files is printed; results stay."""
    open_tracker(base).put("k", x=1)
    program = """
import os, signal, sys, typedtrack
os.rename = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
typedtrack.open_tracker(sys.argv[1]).put("k", x=2)
"""
    assert subprocess.run([sys.executable, "-c", program, base], check=False).returncode == -signal.SIGKILL
    assert len(os.listdir(base)) == 2
    assert cli("rm", base, "--leftovers") == (0, "0\n", "")
    assert cli("rm", base, "--leftovers", "--older-than", "0s") == (0, "1\n", "")
    assert os.listdir(base) == ["k"]
    assert cli("get", base, "k", "x").out == "1\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--leftovers", "k"], "--leftovers deletes no result: typedtrack rm BASE --leftovers [--older-than AGE]"),
        (["k", "--older-than", "1d"], "--prefix and --older-than take the place of KEY: typedtrack rm BASE --prefix"),
        (["--prefix", "", "--older-than", "1d"], "--prefix is empty: that would delete every result of the base"),
        (["--leftovers", "--older-than", "30"], "Invalid value for '--older-than': '30' is not an age such as 30d"),
        (["--leftovers", "--older-than", "-1d"], "Invalid value for '--older-than': '-1d' is not an age such as 30d"),
    ],
)
def test_rm_refuses_what_it_cannot_mean(cli: Cli, base: str, arguments: list[str], message: str) -> None:
    """Nothing is deleted."""
    code, _, err = cli("rm", base, *arguments)
    assert (code, err.startswith(f"typedtrack: {message}")) == (2, True)


@pytest.fixture
def aged(base: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a base of results that were put at the seconds 0, 10, 20 and 30; it is now the second 100."""
    tracker = open_tracker(base)
    for seconds, key in enumerate(("s", "sweep/1", "sweep/2", "t")):
        tracker.put(key, x=1)
        os.utime(Path(base, key), (seconds * 10, seconds * 10))
    monkeypatch.setattr("typedtrack.cli.rm.time.time", lambda: 100.0)
    return base


def test_rm_deletes_what_is_older_than_an_age(cli: Cli, aged: str) -> None:
    """A result of exactly that age stays; a prefix limits the search, and --dry-run prints the keys alone."""
    assert cli("rm", aged, "--older-than", "90s", "--dry-run") == (0, "s\n", "")
    assert cli("rm", aged, "--older-than", "79s", "--prefix", "sweep", "--dry-run").out == "sweep/1\nsweep/2\n"
    assert cli("rm", aged, "--older-than", "2m") == (0, "", "")
    assert sorted(open_tracker(aged)) == ["s", "sweep/1", "sweep/2", "t"]
    assert cli("rm", aged, "--older-than", "1m", "--prefix", "sweep") == (0, "", "")
    assert cli("rm", aged, "--older-than", "90s", "--prefix", "s") == (0, "", "")
    assert list(open_tracker(aged)) == ["t"]
    assert cli("rm", f"{aged}/none", "--older-than", "0s") == (0, "", "")


def test_rm_by_age_needs_times_in_the_listing(cli: Cli, aged: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Archives have none, and neither have filesystems that typedtrack does not know: nothing is deleted."""
    open_tracker(aged).archive("old.ndjson")
    code, out, err = cli("rm", "old.ndjson", "--older-than", "1d")
    remedy = "its listing has no times; name the keys that are to be deleted"
    assert (code, out) == (2, "")
    assert err == f"typedtrack: deleting by age is not safe on ArchiveResultTracker('old.ndjson'): {remedy}\n"
    other = OtherResultTracker(LocalFileSystem(), aged)
    monkeypatch.setattr("typedtrack.cli.rm.open_tracker", Mock(return_value=other))
    code, _, err = cli("rm", "other", "--older-than", "0s")
    assert (code, remedy in err) == (2, True)
    assert len(open_tracker(aged)) == 4


def test_rm_by_age_tells_where_a_listing_fails(cli: Cli, aged: str) -> None:
    """It is an error of the store."""
    code, _, err = cli("rm", f"{aged}/s/below", "--older-than", "1d")
    assert (code, err.startswith("typedtrack: NotADirectoryError: ")) == (3, True)


@given(st.integers(0, 10**9 - 1), st.sampled_from("smhd"))
def test_an_age_is_a_number_and_a_unit(number: int, unit: str) -> None:
    """It is in whole seconds, minutes, hours or days."""
    seconds = timedelta(**{{"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[unit]: number}).total_seconds()
    assert Age()(f"{number}{unit}") == Age()(f"0{number}{unit}"[-10:]) == seconds


@given(st.text(max_size=12))
def test_any_other_text_is_no_age(text: str) -> None:
    """Signs, fractions, spaces, other digits than ASCII's and several units are refused."""
    assume(not (text.isascii() and text[:-1].isdigit() and len(text) <= 10 and text[-1] in "smhd"))
    with pytest.raises(click.BadParameter, match="is not an age such as 30d, 12h, 45m or 90s"):
        Age()(text)


def test_rm_of_a_prefix_forgives_a_delete_by_another(cli: Cli, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`rm` does not fail if another process deletes a key after the listing."""
    tracker = open_tracker(base)
    tracker.put_many({"s/1": {"x": 1}, "s/2": {"x": 1}})
    delete = type(tracker).__delitem__

    def twice(self: object, key: str) -> None:
        delete(tracker, key)
        delete(tracker, key)

    monkeypatch.setattr(type(tracker), "__delitem__", twice)
    assert cli("rm", base, "--prefix", "s") == (0, "", "")


def test_an_interrupt_of_rm_begins_no_further_delete(cli: Cli, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends it after the deletes that are under way."""
    tracker = open_tracker(base)
    tracker.put_many({f"s/{n}": {"x": 1} for n in range(100)})

    def interrupted(self: object, timeout: float | None = None) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("concurrent.futures.Future.exception", interrupted)
    assert cli("rm", base, "--prefix", "s").code == 130


def test_wait_prints_each_result_as_it_comes(base: str) -> None:
    """A reader of the pipe has the first before the last is there."""
    tracker = open_tracker(base)
    command = [sys.executable, "-m", "typedtrack", "wait", base, "a", "b", "c", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as waiting:
        assert waiting.stdout is not None
        for key in ("b", "a", "c"):
            tracker.put(key, x=float("nan"))
            assert waiting.stdout.readline() == f'{{"key": "{key}", "x": NaN}}\n'
    assert waiting.returncode == 0


def test_wait_gives_up_at_its_timeout(cli: Cli, base: str) -> None:
    """The exit code is 1, and what was there is printed."""
    open_tracker(base).put("a", x=1)
    code, out, err = cli("wait", base, "a", "b", "--timeout", "0")
    assert (code, out) == (1, "a\tx=1\n")
    assert err.startswith("typedtrack: no result after 0 s under 1 key(s): 'b'")
    Path(base, "c").write_text("{", "utf-8")
    code, _, err = cli("wait", base, "b", "c", "d", "--timeout", "0")
    assert (code, err.count("\n")) == (3, 2)  # one line for all that are late
