"""Each command as a process of its own, as a script calls it: all options together, in a pipe."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import click
import polars

from tests.cli.conftest import RECORDS
from tests.programs import unmeasured
from typedtrack import open_tracker
from typedtrack.cli.app import root

# The commands with the options that scripts rely on.
COMMANDS: Final[Mapping[str, set[str]]] = {
    "put": {"--str", "--json", "--create", "--record", "--schema", "--lines"},
    "get": {"--json"},
    "ls": {"--long", "--count", "--failed", "--json"},
    "rm": {"--prefix", "--older-than", "--dry-run"},
    "wait": {"--timeout", "--json"},
    "run": set(),
    "top": {"--by", "--max", "--columns", "--over", "--key", "--watch", "--json"},
    "export": {"--out"},
    "report": {"--out"},
}
SCHEMA_COMMANDS: Final = {"export", "generate", "check", "infer", "rules"}


def typedtrack(
    *arguments: str, stdin: str = "", code: int = 0, environment: Mapping[str, str] = {}, note: str = ""
) -> str:
    """Run a command without a terminal, check its exit code, and return what it printed: on a refusal, the error.

    If all goes well, it prints the *note* on standard error, and nothing else.
    """
    command = [sys.executable, "-m", "typedtrack", *arguments]
    # Unmeasured, because the other tests of commands cover the same lines.
    variables = {**unmeasured(), **environment}
    ended = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, env=variables)
    assert ended.returncode == code, ended.stderr
    if code == 0:
        assert ended.stderr == (f"typedtrack: {note}\n" if note else "")
        return ended.stdout
    assert ended.stderr.startswith("typedtrack: ")
    assert "Traceback" not in ended.stderr
    return ended.stderr


def test_no_command_or_option_is_lost() -> None:
    """Scripts of users name them."""
    assert set(root.commands) == {*COMMANDS, "schema"}
    for name, expected in {**COMMANDS, "schema": SCHEMA_COMMANDS}.items():
        with click.Context(root) as context:
            command = root.resolve_command(context, [name])[1]
        assert command is not None
        if isinstance(command, click.Group):
            assert set(command.commands) == expected
        else:
            assert expected <= {option for parameter in command.params for option in parameter.opts}


def test_put_and_get(base: str, tmp_path: Path) -> None:
    """Values are JSON scalars or else text; one field is printed bare, into the file of a workflow engine."""
    typedtrack("put", base, "a", "x=0.5", "n=7", "t=some text", "o=-3", "e=a=b", "--str", "id=007", "--str", "m=-x")
    shown: object = json.loads(typedtrack("get", base, "a", "--json"))
    assert shown == {"x": 0.5, "n": 7, "t": "some text", "o": -3, "e": "a=b", "id": "007", "m": "-x"}
    assert typedtrack("get", base, "a", "t") == "some text\n"
    assert typedtrack("get", base, "a", "id", "--json") == '"007"\n'
    program = f'"{sys.executable}" -m typedtrack get "{base}" a x > "{tmp_path}/accuracy"'
    subprocess.run(["sh", "-c", program], check=True)
    assert (tmp_path / "accuracy").read_text() == "0.5\n"
    assert "no result under key 'none'" in typedtrack("get", base, "none", code=1)
    assert "has no field 'y'" in typedtrack("get", base, "a", "y", code=1)

    typedtrack("put", base, "b", "--json", "-", stdin='{"a=b": NaN, "-v": 18446744073709551615, "s": "1e5", "z": -0.0}')
    assert typedtrack("get", base, "b", "a=b") == "NaN\n"
    assert typedtrack("get", base, "b", "--", "-v") == "18446744073709551615\n"
    assert typedtrack("get", base, "b", "s", "--json") == '"1e5"\n'
    assert typedtrack("get", base, "b", "z") == "-0.0\n"
    assert "18446744073709551616" in typedtrack("put", base, "c", "n=18446744073709551616", code=2)
    typedtrack("put", base, "--", "-key", "-name=-1")
    assert typedtrack("get", base, "--", "-key", "-name") == "-1\n"

    typedtrack("put", base, "a", "x=1", "--create", code=1)
    typedtrack("put", base, "new", "x=1", "--create")
    typedtrack("put", base, "new", "x=1", "--create")
    lines = '{"key": "l/1", "x": 1}\n{"key": "l/2", "result": {"key": 2}}\n'
    typedtrack("put", base, "--lines", "-", stdin=lines)
    assert dict(open_tracker(base).items("l")) == {"l/1": {"x": 1}, "l/2": {"key": 2}}


def test_put_checks_a_record(base: str, tmp_path: Path) -> None:
    """By a class or by a schema: bad input is refused with every problem, and nothing is stored."""
    (tmp_path / "records.py").write_text(RECORDS)
    typedtrack("schema", "export", str(tmp_path / "records.py"), "--out", str(tmp_path / "schemas"))
    good = ["accuracy=1", "l2norm/mean=0.5", "l2norm/sem=0.1"]
    for option in (
        f"--record={tmp_path}/records.py:EvalResult",
        f"--schema={tmp_path}/schemas/eval_result.schema.json",
    ):
        error = typedtrack("put", base, "k", "accuracy=2", "l2norm/mean=0", "extra=1", option, code=2)
        assert all(name in error for name in ("'accuracy'", "'l2norm/sem'", "'extra'"))
        typedtrack("get", base, "k", code=1)
        typedtrack("put", base, "k", *good, option)
        assert typedtrack("get", base, "k", "accuracy") == "1.0\n"
        typedtrack("rm", base, "k")


def test_ls_rm_and_wait(base: str) -> None:
    """Keys by prefix, results, failures and their number; deletes; a wait that ends."""
    tracker = open_tracker(base)
    tracker.put_many({"s/1": {"x": 1.5}, "s/2": {"x": 2}, "t": {"x": 3}})
    tracker.fail("f", "out of memory")
    assert typedtrack("ls", base) == "f\ns/1\ns/2\nt\n"
    assert typedtrack("ls", base, "s", "--long") == "s/1\tx=1.5\ns/2\tx=2\n"
    assert typedtrack("ls", base, "s", "--long", "--json") == '{"key": "s/1", "x": 1.5}\n{"key": "s/2", "x": 2}\n'
    assert typedtrack("ls", base, "--count") == "4\n"
    assert "out of memory" in typedtrack("ls", base, "--failed")
    assert typedtrack("wait", base, "s/1", "--timeout", "60") == "s/1\tx=1.5\n"
    assert "no result after 0 s" in typedtrack("wait", base, "s/1", "none", "--timeout", "0", code=1)
    assert "failed" in typedtrack("wait", base, "f", code=1)
    assert typedtrack("rm", base, "--prefix", "s", "--dry-run") == "s/1\ns/2\n"
    os.utime(Path(base, "s/1"), (0, 0))
    typedtrack("rm", base, "--prefix", "s", "--older-than", "30d")
    assert typedtrack("ls", base, "s") == "s/2\n"
    typedtrack("rm", base, "--prefix", "s")
    typedtrack("rm", base, "t", "f")
    assert typedtrack("ls", base) == ""
    typedtrack("rm", base, "t", code=1)


def test_top_export_and_report(base: str, tmp_path: Path) -> None:
    """Tables, files of each kind, and a page; the file of an archive is a base."""
    rows = {
        f"{m}/seed_{s}": {"loss/mean": s / 4 + len(m), "loss/sem": 0.5, "n": s} for m in ("a", "bb") for s in (0, 1)
    }
    open_tracker(base).put_many(rows)
    split = ["--key", "{m}/seed_{s}"]
    best = partial(typedtrack, "top", base, "--rows", "1", note="The best 1 of 4 rows")
    assert best("--by", "loss", "--min") == "a/seed_0\t1 ± 0.5\t0\n"
    assert best("--by", "loss", "--max", "--columns", "n,key") == "1\tbb/seed_1\n"
    assert json.loads(best("--json"))["key"] == "bb/seed_1"
    assert typedtrack("top", base, "bb", *split, "--columns", "s,m") == "1\tbb\n0\tbb\n"
    assert typedtrack("top", base, *split, "--over", "s", "--columns", "m,loss,count") == (
        "bb\t2.12 ± 0.12\t2\na\t1.12 ± 0.12\t2\n"
    )
    assert "--watch needs a terminal" in typedtrack("top", base, "--watch", code=2)

    readers: dict[str, Callable[[Path], polars.DataFrame]]
    readers = {"parquet": polars.read_parquet, "csv": polars.read_csv, "arrow": polars.read_ipc}
    for kind, read in readers.items():
        assert typedtrack("export", base, "bb", "--out", f"{tmp_path}/out.{kind}") == ""
        assert read(tmp_path / f"out.{kind}").sort("key")["n"].to_list() == [0, 1]
    for kind in ("ndjson", "ndjson.gz"):
        assert typedtrack("export", base, "--out", f"{tmp_path}/out.{kind}") == ""
        assert typedtrack("ls", f"{tmp_path}/out.{kind}", "--count") == "4\n"
    assert gzip.decompress((tmp_path / "out.ndjson.gz").read_bytes()) == (tmp_path / "out.ndjson").read_bytes()
    assert typedtrack("report", base, "--by", "loss", "--min", "--out", f"{tmp_path}/page.html") == ""
    assert "Best: a/seed_0 (loss 1.0)" in (tmp_path / "page.html").read_text()


def test_run_and_what_its_program_finds(base: str) -> None:
    """The program finds base and key; a failure is stored where it leaves no result, and its exit code passes."""
    put = [sys.executable, "-m", "typedtrack", "put", "x=1"]
    typedtrack("run", base, "k", "--", *put)
    assert typedtrack("get", base, "k", "x") == "1\n"
    typedtrack("run", base, "bad", "--", "sh", "-c", "exit 3", code=3)
    assert "exited with code 3" in typedtrack("get", base, "bad", code=1)


def test_schema_commands(base: str, tmp_path: Path) -> None:
    """From records to schemas and back, checked and inferred."""
    (tmp_path / "records.py").write_text(RECORDS)
    schemas, made = str(tmp_path / "schemas"), str(tmp_path / "made.py")
    typedtrack("schema", "export", f"{tmp_path}/records.py", "--out", schemas)
    typedtrack("schema", "export", f"{tmp_path}/records.py", "--out", schemas, "--check")
    typedtrack("schema", "generate", schemas, "--out", made)
    typedtrack("schema", "generate", schemas, "--out", made, "--check")
    assert "compatible" in typedtrack("schema", "check", schemas, "--against", schemas, "--json")
    typedtrack("put", base, "k", "loss=0.5")
    assert '"loss"' in typedtrack("schema", "infer", base, "--name", "Trial")
    assert "field-missing" in typedtrack("schema", "rules")


def test_base_and_key_come_from_the_environment_both_or_neither(base: str) -> None:
    """A base alone is enough where no key is needed; one of two that are needed is misuse."""
    both = {"TYPEDTRACK_BASE": base, "TYPEDTRACK_KEY": "k"}
    typedtrack("put", "x=1", environment=both)
    assert typedtrack("get", "x", environment=both) == "1\n"
    assert typedtrack("wait", environment=both) == "k\tx=1\n"
    for command in (["ls"], ["top", "--columns", "key"]):
        assert typedtrack(*command, environment=both) == "k\n"
    typedtrack("run", "--", "true", environment=both)
    typedtrack("rm", environment=both)
    assert typedtrack("ls", environment=both) == ""
    for variable, value in both.items():
        alone = {**dict.fromkeys(both, ""), variable: value}
        (other,) = both.keys() - {variable}
        message = f"BASE and KEY are missing: pass both, or set {other}, too"
        assert message in typedtrack("get", code=2, environment=alone)
    message = 'expected BASE and KEY, or neither, got: k; for the base of the environment: "$TYPEDTRACK_BASE" k'
    assert message in typedtrack("wait", "k", code=2, environment=both)


def test_exit_codes(base: str, tmp_path: Path) -> None:
    """0: done; 1: the answer is no; 2: misuse or refused input; 3: the store failed."""
    typedtrack("put", base, "k", "x=1")
    typedtrack("get", base, "absent", code=1)
    typedtrack("get", base, code=2)
    typedtrack("put", base, "/", "x=1", code=2)
    (tmp_path / "file").write_text("")
    typedtrack("get", f"{tmp_path}/file", "k", code=3)
    Path(base, "torn").write_text('{"x": ')
    typedtrack("get", base, "torn", code=3)


def test_no_stream_is_open(base: str) -> None:
    """As under a daemon: the command does its work, and its exit code tells."""
    command = [sys.executable, "-m", "typedtrack"]
    for code, arguments in ((0, ["put", base, "k", "x=1"]), (0, ["get", base, "k"]), (1, ["get", base, "none"])):
        script = 'exec "$@" <&- >&- 2>&-'
        assert subprocess.run(["sh", "-c", script, "sh", *command, *arguments], check=False).returncode == code
    assert open_tracker(base)["k"] == {"x": 1}


def test_the_installed_program_is_the_module() -> None:
    """The console script that pip makes."""
    program = Path(sys.executable).with_name("typedtrack")
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    assert shown == typedtrack("--version")
