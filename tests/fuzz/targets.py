"""The targets of the fuzzer: each takes bytes, and raises for an input that typedtrack handles wrongly."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import re
import sys
import tempfile
import warnings
import zlib
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, Final, TypeAlias, cast
from unittest.mock import patch

from fsspec.implementations.memory import MemoryFileSystem

from tests.trackers import exact
from typedtrack import (
    CorruptResultError,
    InvalidKeyError,
    Key,
    RecordDefinitionError,
    RecordSchema,
    Result,
    SchemaError,
    TypedtrackError,
    key,
    open_tracker,
)
from typedtrack._results.codec import decode, encode
from typedtrack._schema import fields as schema_fields
from typedtrack.cli import app
from typedtrack.codegen import generate

__all__ = ["SEEDS", "TARGETS"]

Target: TypeAlias = Callable[[bytes], object]


# -- results ----------------------------------------------------------------------------------------------------------


def fuzz_result(data: bytes) -> None:
    """The stored bytes of a result: read exactly as Python's `json` reads them, or refused."""
    expected = _by_json(data)
    try:
        result = decode(data, "file")
    except CorruptResultError:
        result = None
    assert exact(result or {}) == exact(expected or {})
    if result is None:
        return
    assert exact(decode(encode(result), "file")) == exact(result)


def _by_json(data: bytes) -> dict[str, int | float | str] | None:
    """Return the result that Python's `json` reads in *data*, or `None` if it keeps not every rule."""
    if len(data) > 2**20:
        return None
    try:
        document: object = json.loads(data.decode(), parse_float=_finite)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or not document:
        return None
    fields = cast("dict[str, Any]", document)  # as JSON has it
    return fields if all(_is_name(name) and _is_value(value) for name, value in fields.items()) else None


def _finite(text: str) -> float | None:
    return None if math.isinf(number := float(text)) else number


def _is_text(text: str, limit: int) -> bool:
    return not any("\ud800" <= c <= "\udfff" for c in text) and len(text.encode()) <= limit


def _is_name(name: str) -> bool:
    has_bad = any(c in '"\\' or ord(c) < 32 or 0x7F <= ord(c) <= 0x9F for c in name)
    return name != "" and not has_bad and _is_text(name, 256)


def _is_value(value: object) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return -(2**63) <= value < 2**64
    return isinstance(value, float) or (isinstance(value, str) and _is_text(value, 1024))


# -- schema documents -------------------------------------------------------------------------------------------------


def fuzz_schema(data: bytes) -> None:
    """A schema document: refused, or a schema that is written and read back as the same one."""
    try:
        document: object = json.loads(data)
    except (ValueError, RecursionError):
        return
    if not isinstance(document, dict):
        return
    with warnings.catch_warnings(), patch.object(schema_fields, "re", _Patterns):
        warnings.simplefilter("ignore")  # `re.compile` warns of patterns that a later Python may read otherwise
        _check_schema(cast("dict[str, object]", document))  # as JSON has it


class _Patterns:
    """Python's `re`, but its search answers at once, by a checksum: a real one has no time limit."""

    compile = re.compile
    error = re.error

    @staticmethod
    def search(pattern: str, text: str) -> bool | None:
        return True if zlib.crc32(f"{pattern}\n{text}".encode(errors="surrogatepass")) % 2 else None


def _check_schema(document: dict[str, object]) -> None:
    try:
        schema = RecordSchema.from_json_schema(document)
    except SchemaError:
        return
    again = RecordSchema.from_json_schema(schema.to_json_schema())
    assert again == schema
    assert again.fingerprint == schema.fingerprint
    try:
        source = generate([schema])
    except RecordDefinitionError:
        return
    compile(source, "generated.py", "exec")


# -- key templates ----------------------------------------------------------------------------------------------------

_KEY_FIELDS: Final = {"a": str, "b": int, "c": str}


def fuzz_template(data: bytes) -> None:
    """A key template, its values and a key, a line each: refused, or written and read back exactly."""
    template, text, first, number, second, *_ = [*data.decode("utf-8", "replace").split("\n"), "", "", "", "", ""]
    names = [name for name in _KEY_FIELDS if f"{{{name}" in template]
    cls: Any = type("TrialKey", (), {"__annotations__": {name: _KEY_FIELDS[name] for name in names}})
    try:
        keys = key(template)(cls)
    except RecordDefinitionError:
        return
    with contextlib.suppress(InvalidKeyError):
        parsed = keys.parse(text)
        assert str(parsed) == text
        assert keys.parse(str(parsed)) == parsed
    try:
        whole = int(number[:40])
    except ValueError:
        whole = len(number)
    values = {"a": first, "b": whole, "c": second}
    with contextlib.suppress(InvalidKeyError):
        made = keys(**{name: values[name] for name in names})
        assert keys.parse(str(made)) == made


# -- command lines ----------------------------------------------------------------------------------------------------

_COMMANDS: Final = [
    *(
        ["put", "BASE"],
        ["put", "BASE", "--json", "-"],
        ["put", "BASE", "--lines", "-"],
        ["get", "BASE"],
        ["ls", "BASE"],
    ),
    *(["rm", "BASE"], ["wait", "BASE", "--timeout", "0"], ["top", "BASE"], ["export", "BASE"], ["report", "BASE"]),
    *(["schema", "check"], ["schema", "infer", "BASE"], ["schema", "generate"], ["schema", "rules"], []),
]
_STORED: Final[dict[Key, Result]] = {
    "run_1": {"accuracy": 0.5, "steps": 3},
    "run/2": {"accuracy": float("nan"), "note": "\x1b[1m"},
}
_ANSWERS: Final = {0, 1, 2, 3, 130}


def fuzz_command(data: bytes) -> None:
    """A command line, an argument a line, then standard input: an exit code of the table, and no error of Python's."""
    if not data:
        return
    words, _, given = data[1:].decode("utf-8", "surrogateescape").partition("\n\n")
    command = _COMMANDS[data[0] % len(_COMMANDS)]
    arguments = [*command, *(_harmless(word) for word in words.split("\n"))]
    arguments = ["memory://fuzz" if word == "BASE" else word for word in arguments]
    MemoryFileSystem.store.clear()
    open_tracker("memory://fuzz").put_many(_STORED)
    unexpected: list[Exception] = []

    def answer(error: Exception) -> int:
        if not isinstance(error, (TypedtrackError, OSError, ValueError, ImportError)):
            unexpected.append(error)
        return answered(error)

    answered = app._answer_error
    out, err = io.StringIO(), io.StringIO()
    patches = patch.object(app, "_answer_error", answer), patch.object(sys, "stdin", _Input(given))
    redirections = contextlib.redirect_stdout(out), contextlib.redirect_stderr(err)
    with _folder(), warnings.catch_warnings(), contextlib.ExitStack() as stack:
        warnings.simplefilter("always")  # a command prints them
        for context in (*patches, *redirections):
            stack.enter_context(context)
        code = app.run(arguments)
    if unexpected:
        raise AssertionError(f"{arguments}: {unexpected[0]!r}") from unexpected[0]
    assert code in _ANSWERS, f"{arguments}: exit code {code}"
    assert "Traceback" not in err.getvalue()
    assert code == 0 or arguments == [] or err.getvalue() or out.getvalue() or code == 1, f"{arguments}: no word of it"


class _Input(io.StringIO):
    """Standard input, with the bytes below it."""

    @property
    def buffer(self) -> io.BytesIO:
        return io.BytesIO(self.getvalue().encode("utf-8", "surrogateescape"))


def _harmless(word: str) -> str:
    """Return *word* without what leaves the folder, reaches a network or imports a module."""
    return word.replace("/", "").replace(":", "").replace("\0", "")


@contextlib.contextmanager
def _folder() -> Generator[None]:
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            Path("run.schema.json").write_text('{"title": "Run", "type": "object", "required": ["accuracy"],')
            yield
        finally:
            os.chdir(before)


TARGETS: Final[dict[str, Target]] = {
    "results": fuzz_result,
    "schemas": fuzz_schema,
    "templates": fuzz_template,
    "commands": fuzz_command,
}

_SCHEMA: Final = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Run",
    "type": "object",
    "properties": {
        "accuracy": {"type": "number", "minimum": 0, "maximum": 1, "description": "Of the test set."},
        "steps": {"type": "integer", "multipleOf": 2, "default": 4},
        "split": {"enum": ["train", "test"]},
        "l2norm": {"$ref": "#/$defs/Stat"},
        "note": {"anyOf": [{"type": "string", "maxLength": 10}, {"type": "null"}], "default": None},
    },
    "required": ["accuracy", "l2norm"],
    "$defs": {"Stat": {"type": "object", "properties": {"mean": {"type": "number"}}, "required": ["mean"]}},
}
_PATTERNS: Final = {
    "title": "Paths",
    "type": "object",
    "properties": {
        "alike": {"type": "string", "pattern": "^(?:v[0-9]+|[^/]{2,}?)(?=x)"},
        "own": {"type": "string", "x-typedtrack-pattern": "(?i)[a-z]$", "default": "z", "maxLength": 5},
        "both": {"type": "string", "allOf": [{"pattern": "\\d+", "minLength": 2}]},
        "null": {"type": ["string", "null"], "pattern": "(?P<a>.)(?P=a)|\\u00e9\\b"},
        "warned": {"type": "string", "pattern": "[[a]--b&&\\w]"},
    },
}
SEEDS: Final[dict[str, list[bytes]]] = {
    "results": [
        b'{\n  "accuracy": 0.5,\n  "steps": 3\n}\n',
        b'{"a": NaN, "b": -Infinity, "c": "\\u00e9\\ud83d\\ude00", "d": 18446744073709551615, "e": -0.0, "f": 1e-320}',
        b'{"a": 1e400, "a": [], "b": {"c": null}, "d": true}',
    ],
    "schemas": [
        json.dumps(_SCHEMA).encode(),
        json.dumps(_PATTERNS).encode(),
        b'{"title": "A", "properties": {"x": {"const": 1}}, "required": ["x"]}',
        b'{"title": "A", "properties": {"x": {"type": "string", "pattern": "^[a-c]+", "default": "cab"}}}',
        b'{"title": "A", "properties": {"x": {"type": "string", "x-typedtrack-pattern": "\\\\d$"}}, "required": ["x"]}',
    ],
    "templates": [
        b"{a}/trial_{b:03d}/{c}\nx/trial_007/y\nx\n7\ny",
        b"run-{b}\nrun--12\n\n-12\n",
        b"{a}-{b}\nq-1\nq\n1\n",
    ],
    "commands": [
        b"\x00run_3\naccuracy=0.5\n--str\nnote=x\n--create",
        b'\x01run_3\n\n{"accuracy": 0.5}',
        b'\x02\n\n{"key": "a", "x": 1}\n{"key": "b", "x": 2}\n',
        b"\x03run_1\naccuracy\n--json",
        b"\x04run\n--long\n--count",
        b"\x05--prefix\nrun\n--older-than\n30d\n--dry-run",
        b"\x06run_1\n--json",
        b"\x07--by\naccuracy\n--max\n--columns\nsteps\n--json",
        b"\x08--out\ntable.csv",
        b"\x09--out\npage.html\n--by\naccuracy",
        b"\x0arun.schema.json\nrun.schema.json\n--mode\nfull",
        b"\x0b--name\nRun",
        b"\x0crun.schema.json\n--out\nrun.py\n--check",
        b"\x0d",
    ],
}
