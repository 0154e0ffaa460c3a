"""``typedtrack put`` and ``get``."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import NamedTemporaryFile
from uuid import uuid4

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.cli.conftest import Cli
from typedtrack import Value, open_tracker
from typedtrack.cli.app import run
from typedtrack.cli.values import value_text
from typedtrack.testing.strategies import keys, results, values


def output(*arguments: str) -> str:
    """Run a command that succeeds, and return its output; for Hypothesis, whose examples share one fixture."""
    with redirect_stdout(io.StringIO()) as printed:
        assert run(arguments) == 0
    return printed.getvalue()


def test_scripts_use_the_commands_as_they_are(base: str) -> None:
    """The value of one field is bare, and exit codes make conditions."""
    script = """
        typedtrack() { "$PYTHON" -m typedtrack "$@"; }
        typedtrack put "$BASE" trial_7 accuracy=0.93 steps=7 split=test || exit 11
        ACC=$(typedtrack get "$BASE" trial_7 accuracy) || exit 12
        [ "$ACC" = 0.93 ] || exit 13
        typedtrack wait "$BASE" trial_7 && typedtrack rm "$BASE" trial_7 || exit 14
        typedtrack get "$BASE" trial_7 accuracy
    """
    environment = {**os.environ, "PYTHON": sys.executable, "BASE": base}
    ended = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False, env=environment)
    assert (ended.returncode, ended.stdout) == (1, "trial_7\taccuracy=0.93, steps=7, split=test\n")
    assert ended.stderr.startswith("typedtrack: no result under key 'trial_7' in ")
    assert ended.stderr.count("\n") == 1


def test_base_and_key_come_from_the_environment(cli: Cli, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program under ``typedtrack run`` names neither."""
    monkeypatch.setenv("TYPEDTRACK_BASE", base)
    monkeypatch.setenv("TYPEDTRACK_KEY", "k")
    assert cli("put", "accuracy=0.93", "a=b=c").code == 0
    assert cli("get", "accuracy").out == "0.93\n"
    assert cli("get").out == "accuracy\t0.93\na\tb=c\n"
    assert cli("put", base, "other", "x=1").code == 0
    assert cli("ls").out == "k\nother\n"
    assert cli("wait").out == "k\taccuracy=0.93, a=b=c\n"
    assert cli("rm").code == 0
    assert list(open_tracker(base)) == ["other"]


def test_a_base_is_not_taken_for_a_field(cli: Cli, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A base and a key with ``=`` are not fields, even if the environment has a base and a key."""
    monkeypatch.setenv("TYPEDTRACK_BASE", base)
    monkeypatch.setenv("TYPEDTRACK_KEY", "k")
    for other in (f"{base}/lr=0.1", "memory://cli/lr=0.1"):
        assert cli("put", other, "trial=7", "x=1").code == 0
        assert open_tracker(other)["trial=7"] == {"x": 1}
    assert cli("put", "url=https://example.com", "/=1").code == 0
    assert open_tracker(base)["k"] == {"url": "https://example.com", "/": 1}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("-0", 0),
        ("18446744073709551615", 2**64 - 1),
        ("1.0", 1.0),
        ("-1E-3", -0.001),
        ("Infinity", float("inf")),
        ('"7"', "7"),
        ('"a\\u000ab"', "a\nb"),
        ('"a" b', '"a" b'),
        ('"', '"'),
        ("a=b", "a=b"),
        ("-x", "-x"),
        ("[1, 2]", "[1, 2]"),
        ("True", "True"),
        ("0x10", "0x10"),
        ("Größe 中", "Größe 中"),
    ],
)
def test_a_value_is_a_json_scalar_or_else_text(cli: Cli, base: str, text: str, value: Value) -> None:
    """Its type is part of the value: 1 is an int, and 1.0 a float."""
    assert cli("put", base, "k", f"x={text}") == (0, "", "")
    stored = open_tracker(base)["k"]["x"]
    assert (type(stored), stored) == (type(value), value)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("", None), ("007", "7"), (".5", "0.5"), ("5.", "5.0"), ("+1", "1"), ("nan", "NaN"), ("-inf", "-Infinity")),
        *(("1_000", "1000"), (" 1", "1"), ("+1e999", None)),
    ],
)
def test_text_that_looks_like_a_number_is_stored_with_a_warning(
    cli: Cli, base: str, text: str, number: str | None
) -> None:
    """A shell variable may be empty, and C prints ``nan``; the warning says how to write the text and the number."""
    remedy = f"; write {number} for the number" if number else ""
    warning = f"typedtrack: warning: x={text} is stored as text; if that is meant: --str x={text}{remedy}\n"
    assert cli("put", base, "k", f"x={text}") == (0, "", warning)
    assert cli("put", base, "k", "--str", f"x={text}") == (0, "", "")
    assert open_tracker(base)["k"] == {"x": text}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x=true"], "x=true: write 1; for the text: --str x=true"),
        (["x=null"], "x=null: leave the field out; for the text: --str x=null"),
        (["x=1e400"], "the number 1e400 is beyond the limits of float; infinity is written Infinity"),
        ([f"x={'9' * 5000}"], "a number of 5,000 digits is beyond the limits of int and float"),
        (["x=18446744073709551616"], "invalid result for key 'k', nothing was written: field 'x': "),
        (["x"], "expected NAME=VALUE, got: x"),
        (["=1"], "invalid result for key 'k', nothing was written: "),
        (["x=1", "x=2"], "field 'x' is given twice"),
        (["x=1", "--str", "x=2"], "field 'x' is given twice"),
        (["--str", "x"], "expected NAME=VALUE, got: x"),
        ([], "invalid result for key 'k', nothing was written: "),
        (["--json", "-", "x=1"], "--json takes the place of the fields: typedtrack put BASE KEY --json FILE"),
        (["--lines", "-"], "--lines takes the place of KEY and fields: typedtrack put BASE --lines FILE"),
        (["x=1", "--record", "records.py:EvalResult", "--schema", "x"], "--record and --schema exclude each other"),
        (["x=1", "--record", "records.py"], "records.py has 2 records; name one of EvalResult, TrainResult"),
        (["x=1", "--json", "absent"], "Invalid value for '--json': File 'absent' does not exist."),
    ],
)
def test_refused_input_stores_nothing(cli: Cli, base: str, arguments: list[str], message: str) -> None:
    """It exits with 2, and one line says why."""
    code, out, err = cli("put", base, "k", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"typedtrack: {message}")
    assert not Path(base).exists()


@given(value=values())
@example(value=float("nan"))
@example(value=float("-inf"))
def test_a_value_that_get_printed_can_be_put(value: Value) -> None:
    """Bit for bit, as a number or as text."""
    base = f"memory://cli/{uuid4()}"
    open_tracker(base).put("k", x=value)
    printed = output("get", base, "k", "x")[:-1]
    assert printed == value_text(value)
    assert json.dumps(json.loads(output("get", base, "k", "x", "--json"))) == json.dumps(value)
    output("put", base, "copy", *(["--str"] if isinstance(value, str) else []), f"x={printed}")
    assert open_tracker(base).get_bytes("copy") == open_tracker(base).get_bytes("k")


@given(contents=st.dictionaries(keys().map(str), results(), max_size=4))
def test_all_that_ls_printed_can_be_put(contents: dict[str, dict[str, Value]]) -> None:
    """``ls --long --json`` and ``put --lines`` are each other's inverse, for a field with the name ``key``, too."""
    base, copy = f"memory://cli/{uuid4()}", f"memory://cli/{uuid4()}"
    if contents:
        next(iter(contents.values()))["key"] = 1
    open_tracker(base).put_many(contents)
    lines = output("ls", base, "--long", "--json")
    assert all(line.isprintable() for line in lines.splitlines())
    with NamedTemporaryFile("w", encoding="utf-8") as file:
        file.write(lines)
        file.flush()
        output("put", copy, "--lines", file.name)
    for key in contents:
        assert open_tracker(copy).get_bytes(key) == open_tracker(base).get_bytes(key)
    assert output("ls", copy, "--count") == f"{len(contents)}\n"


def test_put_reads_an_object_from_standard_input(cli: Cli, base: str) -> None:
    """The object may have the tokens of the wire format, so any name and any value can be put."""
    command = [sys.executable, "-m", "typedtrack", "put", base, "k", "--json", "-"]
    ended = subprocess.run(command, input=b"{", stderr=subprocess.PIPE, check=False)
    assert ended.stderr.startswith(b"typedtrack: standard input: is not JSON: ")
    subprocess.run(command, input=b'{"a=b": 2, "x": NaN}', check=True)
    assert cli("get", base, "k", "--json").out == '{\n  "a=b": 2,\n  "x": NaN\n}\n'


@pytest.mark.parametrize("option", ["--json", "--lines"])
def test_a_closed_standard_input_is_misuse(base: str, option: str) -> None:
    """There is nothing to read."""
    arguments = [base] if option == "--lines" else [base, "k"]
    command = [sys.executable, "-m", "typedtrack", "put", *arguments, option, "-"]
    ended = subprocess.run(["sh", "-c", 'exec "$@" <&-', "sh", *command], stderr=subprocess.PIPE, check=False)
    assert (ended.returncode, ended.stderr) == (2, b"typedtrack: standard input is closed\n")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{", "o.json: is not JSON: Expecting property name"),
        (b"\xff", "o.json: is not JSON: 'utf-8' codec can't decode"),
        (b"[" * 100_000, "o.json: is nested too deeply"),
        (b"[1]", "o.json: is JSON, but not an object"),
        (b'{"x": 1e400}', "the number 1e400 is beyond the limits of float"),
        (b'{"x": {"y": 1}, "z": true}', "invalid result for key 'k', nothing was written: 2 problems; field 'x': "),
    ],
)
def test_an_object_that_is_not_a_result_is_refused(cli: Cli, base: str, data: bytes, message: str) -> None:
    """The error lists every problem."""
    Path("o.json").write_bytes(data)
    code, out, err = cli("put", base, "k", "--json", "o.json")
    assert (code, out) == (2, "")
    assert err.startswith(f"typedtrack: {message}")


def test_put_stores_the_good_lines_and_reports_the_bad(cli: Cli, base: str) -> None:
    """Each bad one with its number; the exit code tells that there were some."""
    lines = [
        '{"key": "a", "x": 1}',
        "",
        "{",
        '{"x": 1}',
        '{"result": {"x": 2, "key": 3}, "key": 7}',
        '{"key": "b", "x": null}',
    ]
    lines += ['{"key": ["c"], "x": 1}']
    Path("l.ndjson").write_text("\n".join(lines), "utf-8")
    code, _, err = cli("put", base, "--lines", "l.ndjson")
    assert code == 2
    told = [line.removeprefix("typedtrack: ") for line in err.splitlines()]
    assert told[0].startswith("l.ndjson, line 3: is not JSON: ")
    assert told[1] == "l.ndjson, line 4: has no key"
    assert told[2].startswith("l.ndjson, line 7: key ['c']: ")
    assert told[3].startswith("invalid result for key 'b', nothing was written: field 'x': ")
    assert dict(open_tracker(base).items()) == {"a": {"x": 1}, "7": {"x": 2, "key": 3}}
    Path("l.ndjson").write_text("{", "utf-8")
    assert cli("put", base, "--lines", "l.ndjson").code == 2


def test_create_replaces_nothing(cli: Cli, base: str) -> None:
    """The same result again is not an error, because a job may be retried."""
    assert cli("put", base, "a", "x=1", "--create").code == 0
    assert cli("put", base, "a", "x=1", "--create").code == 0
    assert cli("put", base, "a", "x=2", "--create").code == 1
    Path("l.ndjson").write_text('{"key": "a", "x": 3}\n{"key": "b", "x": 4}\n', "utf-8")
    code, _, err = cli("put", base, "--lines", "l.ndjson", "--create")
    assert code == 1
    assert err.startswith("typedtrack: key 'a' in ")
    assert dict(open_tracker(base).items()) == {"a": {"x": 1}, "b": {"x": 4}}
    Path("l.ndjson").write_text('{"key": "c", "x": 3}\n', "utf-8")
    assert cli("put", base, "--lines", "l.ndjson", "--create").code == 0


@pytest.mark.parametrize("option", ["--record=records.py:EvalResult", "--schema=schemas/eval_result.schema.json"])
def test_a_record_or_schema_checks_a_put(cli: Cli, base: str, option: str) -> None:
    """Bad input is refused with every problem, and what is stored is such a record: an int is a float there."""
    cli("schema", "export", "records.py", "--out", "schemas")
    good = ("accuracy=1", "l2norm/mean=0.5", "l2norm/sem=0.1")
    assert cli("put", base, "k", *good, option) == (0, "", "")
    stored = open_tracker(base)["k"]
    assert (type(stored["accuracy"]), stored["accuracy"]) == (float, 1.0)
    assert cli("put", base, "k", *good, option, "--create").code == 0
    code, _, err = cli("put", base, "bad", "accuracy=2", "l2norm/mean=x", "acuracy=1", option)
    assert code == 2
    assert err.startswith("typedtrack: invalid EvalResult for key 'bad', nothing was written: 4 problems; field ")
    for field in ("accuracy", "l2norm/mean", "l2norm/sem", "acuracy"):
        assert f"field '{field}'" in err

    line = {"key": "line", "accuracy": 1, "l2norm/mean": 0.5, "l2norm/sem": 0.1}
    Path("l.ndjson").write_text(f'{json.dumps(line)}\n{{"key": "bad", "accuracy": 1}}', "utf-8")
    code, _, err = cli("put", base, "--lines", "l.ndjson", option)
    assert (code, sorted(open_tracker(base))) == (2, ["k", "line"])
    assert err.startswith("typedtrack: l.ndjson, line 2: invalid EvalResult for key 'bad', nothing was written: ")


def test_one_record_of_a_module_needs_no_name(cli: Cli, base: str) -> None:
    """A class is named only where there are several."""
    Path("one.py").write_text("from typedtrack import record\n@record\nclass One:\n    x: int\n", "utf-8")
    assert cli("put", base, "k", "x=1", "--record", "one.py").code == 0


def test_get_of_a_missing_key_or_field_exits_with_1(cli: Cli, base: str) -> None:
    """The error names what is there."""
    cli("put", base, "k", "accuracy=0.9", "loss=0.1")
    assert cli("get", base, "k", "acc") == (
        1,
        "",
        "typedtrack: key 'k' has no field 'acc'; it has 'accuracy', 'loss'\n",
    )
    code, out, err = cli("get", base, "other")
    assert (code, out) == (1, "")
    assert err.startswith("typedtrack: no result under key 'other' in ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["get"], "BASE and KEY are missing: pass both, or set TYPEDTRACK_BASE and TYPEDTRACK_KEY"),
        (["get", "b", "k", "f", "g"], "expected BASE, KEY and one FIELD at most, got: b k f g"),
        (["ls", "b", "--long", "--failed"], "--long and --failed exclude each other"),
        (["ls"], "BASE is missing: pass it, or set TYPEDTRACK_BASE"),
        (["rm", "b"], "expected BASE and KEY, or neither, got: b"),
        (
            ["rm", "b", "k", "--prefix", "p"],
            "--prefix and --older-than take the place of KEY: typedtrack rm BASE --prefix PREFIX",
        ),
        (["rm", "b", "--prefix", ""], "--prefix is empty: that would delete every result of the base"),
        (["wait", "b", "k", "--timeout", "-1"], "Invalid value for '--timeout': -1.0 is not in the range x>=0."),
        (["get", "b", "/k"], "key '/k': "),
        (["get", "x://b", "k"], "ValueError: "),
    ],
)
def test_misuse_exits_with_2(cli: Cli, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str) -> None:
    """One line says how to call it."""
    monkeypatch.delenv("TYPEDTRACK_BASE", raising=False)
    code, out, err = cli(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"typedtrack: {message}")


def test_a_key_that_is_forgotten_is_named(cli: Cli, base: str) -> None:
    """The first field took its place; a key may have a ``=`` where fields follow it."""
    code, _, err = cli("put", base, "x=1")
    assert (code, err) == (2, "typedtrack: KEY seems to be missing before x=1: typedtrack put BASE KEY NAME=VALUE\n")
    assert cli("put", base, "lr=1", "x=1") == (0, "", "")
    assert open_tracker(base)["lr=1"] == {"x": 1}


def test_json_with_a_name_twice_is_refused(cli: Cli, base: str) -> None:
    """One of the two values would be lost."""
    Path("twice.json").write_text('{"a": 1, "a": 2}', "utf-8")
    message = "typedtrack: twice.json: field 'a' is given twice\n"
    assert cli("put", base, "k", "--json", "twice.json") == (2, "", message)
    assert list(open_tracker(base)) == []


@pytest.mark.parametrize("options", [(), ("--create",)])
def test_lines_with_a_key_twice_are_refused(cli: Cli, base: str, options: tuple[str, ...]) -> None:
    """The first line of a key is stored, and each later one is reported."""
    Path("l.ndjson").write_text('{"key": "k", "x": 1}\n{"key": "j", "x": 2}\n{"key": "k", "x": 3}\n', "utf-8")
    message = "typedtrack: l.ndjson, line 3: key 'k' is given twice, first on line 1\n"
    assert cli("put", base, "--lines", "l.ndjson", *options) == (2, "", message)
    assert dict(open_tracker(base).items()) == {"k": {"x": 1}, "j": {"x": 2}}
