"""The error tree: each error is what users catch, carries its data, pickles, and says what to do."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import typedtrack
from typedtrack import (
    BulkError,
    CorruptResultError,
    Failure,
    InvalidKeyError,
    InvalidResultError,
    KeyConflictError,
    Problem,
    RecordDefinitionError,
    ResultExistsError,
    ResultFailedError,
    ResultNotFoundError,
    ResultTimeoutError,
    SchemaError,
    SchemaMismatchError,
    TypedtrackError,
    UnsupportedOperationError,
)
from typedtrack.errors import shown

LACKING = (Problem("a", "is missing"),)
PROBLEMS = (Problem("a", "is bad", "1"), Problem(None, "is worse"), Problem("b/c", "is odd", "2", "c"))

ERRORS: list[tuple[TypedtrackError, type[Exception], dict[str, object], str]] = [
    (
        InvalidKeyError("'../x'", "no segment of a key begins with a dot"),
        ValueError,
        {"key": "'../x'", "reason": "no segment of a key begins with a dot"},
        "key '../x': no segment of a key begins with a dot",
    ),
    (
        InvalidResultError(PROBLEMS[:1], "k"),
        ValueError,
        {"problems": PROBLEMS[:1], "key": "k", "record": None},
        "invalid result for key 'k', nothing was written: field 'a': is bad, got 1",
    ),
    (
        InvalidResultError(PROBLEMS, None, "EvalResult"),
        ValueError,
        {"problems": PROBLEMS, "key": None, "record": "EvalResult"},
        (
            "invalid EvalResult: 3 problems\n"
            "  field 'a': is bad, got 1\n"
            "  is worse\n"
            "  field 'b/c' (attribute c): is odd, got 2"
        ),
    ),
    (
        SchemaMismatchError("EvalResult", "/base/k", LACKING),
        ValueError,
        {"record": "EvalResult", "file": "/base/k", "problems": LACKING},
        (
            "/base/k does not fit EvalResult: field 'a': is missing\n"
            "a default or an alias lets the record read results that lack the field; "
            "the untyped tracker reads it as a map"
        ),
    ),
    (
        RecordDefinitionError("EvalResult", "accuracy", "is a set"),
        TypeError,
        {"cls": "EvalResult", "field": "accuracy", "reason": "is a set"},
        "EvalResult.accuracy: is a set",
    ),
    (
        RecordDefinitionError("EvalResult", None, "has no field"),
        TypeError,
        {"cls": "EvalResult", "field": None},
        "EvalResult: has no field",
    ),
    (
        ResultNotFoundError("k", "T('/base')"),
        KeyError,
        {"key": "k", "tracker": "T('/base')"},
        "no result under key 'k' in T('/base'); `wait` for it if it is still to come",
    ),
    (
        ResultExistsError("k", "T('/base')"),
        FileExistsError,
        {"key": "k", "tracker": "T('/base')", "filename": None},
        "key 'k' in T('/base') already holds another result; `put` replaces it, another key keeps both",
    ),
    (
        ResultExistsError("k", "T('/base')", True),
        FileExistsError,
        {"key": "k", "tracker": "T('/base')", "is_failure": True},
        "key 'k' in T('/base') already holds a failure; delete it, or replace it by `put`",
    ),
    (
        KeyConflictError("a/b", "a"),
        OSError,
        {"key": "a/b", "other": "a"},
        (
            "key 'a/b': in its way is a result, stored under key 'a'; "
            "on this store no key can be both, choose another key"
        ),
    ),
    (
        KeyConflictError("a", "a"),
        OSError,
        {"key": "a", "other": "a"},
        "key 'a': in its way is a folder that is not empty; on this store no key can be both, choose another key",
    ),
    (
        CorruptResultError("/base/k", "a", "is bad"),
        ValueError,
        {"file": "/base/k", "field": "a", "reason": "is bad"},
        "/base/k: field 'a': is bad; get_bytes() returns its bytes",
    ),
    (
        CorruptResultError("/base/k", None, "is empty"),
        ValueError,
        {"file": "/base/k", "field": None, "reason": "is empty", "advice": "get_bytes() returns its bytes"},
        "/base/k: is empty; get_bytes() returns its bytes",
    ),
    (
        CorruptResultError("/base.ndjson", None, "is not JSON", "archive its base again"),
        ValueError,
        {"file": "/base.ndjson", "field": None, "reason": "is not JSON", "advice": "archive its base again"},
        "/base.ndjson: is not JSON; archive its base again",
    ),
    (
        SchemaMismatchError("EvalResult", "/base/k", PROBLEMS[:1]),
        ValueError,
        {"record": "EvalResult", "file": "/base/k", "problems": PROBLEMS[:1]},
        ("/base/k does not fit EvalResult: field 'a': is bad, got 1\nthe untyped tracker reads it as a map"),
    ),
    (
        SchemaError("eval.schema.json", (("", "is a list"), ("/properties/a", "unsupported keyword $ref"))),
        ValueError,
        {"source": "eval.schema.json"},
        "schema eval.schema.json cannot be used:\n  (document): is a list\n  /properties/a: unsupported keyword $ref",
    ),
    (
        ResultTimeoutError(("a", "b", "c", "d"), 2.5),
        TimeoutError,
        {"keys": ("a", "b", "c", "d"), "timeout": 2.5},
        "no result after 2.5 s under 4 key(s): 'a', 'b', 'c', …; wait longer, or look at the writer",
    ),
    (
        ResultFailedError("a", Failure(type="Signal", message="SIGKILL", exit_code=137, host="node7")),
        RuntimeError,
        {"key": "a", "failure": Failure(type="Signal", message="SIGKILL", exit_code=137, host="node7")},
        (
            "key 'a': the application failed with 'Signal: SIGKILL', exit code 137, on host 'node7'; "
            "delete this failure, or replace it by `put`"
        ),
    ),
    (
        UnsupportedOperationError("create", "T('/base')", "use `put`"),
        NotImplementedError,
        {"operation": "create", "tracker": "T('/base')", "remedy": "use `put`"},
        "create is not safe on T('/base'): use `put`",
    ),
]


def _pickled(error: TypedtrackError) -> object:
    return pickle.loads(pickle.dumps(error))


@pytest.mark.parametrize(("error", "builtin", "data", "text"), ERRORS)
def test_an_error_is_caught_by_both_its_bases_and_has_a_remedy(
    error: TypedtrackError, builtin: type[Exception], data: dict[str, object], text: str
) -> None:
    """Each error has the builtin base of the contract, its data as attributes and its text."""
    assert isinstance(error, TypedtrackError)
    assert isinstance(error, builtin)
    assert {name: getattr(error, name) for name in data} == data
    assert str(error) == text


@pytest.mark.parametrize("error", [error for error, *_ in ERRORS])
@pytest.mark.parametrize("again", [_pickled, copy.copy, copy.deepcopy])
def test_pickles_with_data_and_notes(error: TypedtrackError, again: Callable[[TypedtrackError], Any]) -> None:
    """An error that crosses a process border is the same there: type, data, text and notes."""
    noted = copy.deepcopy(error)
    noted.add_note("typedtrack: put /base/k")
    copied = again(noted)
    assert type(copied) is type(error)
    assert vars(copied) == vars(noted)
    assert copied.__notes__ == ["typedtrack: put /base/k"]
    assert str(copied) == str(error)
    if isinstance(error, OSError) and isinstance(copied, OSError):
        assert (copied.errno, copied.strerror) == (error.errno, str(error))


def test_os_errors_carry_errno() -> None:
    """The errors that are OSErrors answer `errno` and `strerror` as such."""
    import errno

    assert ResultExistsError("k", "t").errno == errno.EEXIST
    assert KeyConflictError("a", "a/b").errno == errno.EEXIST
    timeout = ResultTimeoutError(("k",), 1.0)
    assert (timeout.errno, timeout.strerror) == (errno.ETIMEDOUT, str(timeout))


def test_bulk_error_has_each_key_and_works_with_except_star() -> None:
    """A bulk call's error has the failed keys' errors and the others' results, and splits as a group."""
    failed: dict[object, Exception] = {"a": PermissionError("no"), 7: InvalidKeyError("7", "odd")}
    error = BulkError(failed, {"b": {"x": 1}})
    assert error.errors == failed
    assert error.results == {"b": {"x": 1}}
    assert list(error.exceptions) == list(failed.values())
    assert str(error) == "2 key(s) failed, all others were served: 'a', 7; see its `errors` (2 sub-exceptions)"
    caught: list[Exception] = []
    try:
        raise error
    except* PermissionError as group:
        caught.extend(group.exceptions)
    except* InvalidKeyError:
        pass
    assert caught == [failed["a"]]
    assert BulkError(failed).results == {}


def test_bulk_error_shows_the_error_of_several_keys_once() -> None:
    """A traceback of a thousand late results would have a thousand copies of one time-out, and cut off the others."""
    late = ResultTimeoutError(("b", "c"), 1.0)
    failed = ResultFailedError("a", Failure(type="ValueError", message="no data"))
    error = BulkError({"b": late, "c": late, "a": failed})
    assert error.exceptions == (late, failed)
    assert error.errors == {"b": late, "c": late, "a": failed}
    assert str(error).startswith("3 key(s) failed")


@pytest.mark.parametrize("again", [_pickled, copy.copy, copy.deepcopy])
def test_bulk_error_pickles_with_data_and_notes(again: Callable[[TypedtrackError], Any]) -> None:
    """A `BulkError` keeps its errors, its results and its notes, and theirs."""
    inner = InvalidKeyError("''", "a key is not empty")
    inner.add_note("inner")
    error = BulkError({"": inner}, {"b": {"x": 1}})
    error.add_note("outer")
    copied = again(error)
    assert type(copied) is BulkError
    assert copied.results == {"b": {"x": 1}}
    assert copied.__notes__ == ["outer"]
    assert isinstance(copied.errors[""], InvalidKeyError)
    assert copied.errors[""].__notes__ == ["inner"]
    assert copied.exceptions == (copied.errors[""],)
    assert str(copied) == str(error)


def test_every_error_is_exported_and_tested() -> None:
    """The public names include every error, and this file constructs each."""
    tested = {type(error) for error, *_ in ERRORS} | {BulkError, TypedtrackError}
    public = {value for value in vars(typedtrack).values() if isinstance(value, type)}
    assert tested == {cls for cls in public if issubclass(cls, TypedtrackError)}


def test_shown_is_short_and_survives_a_broken_repr() -> None:
    """A value is shown shortened in its middle, and a `repr` that raises does no harm."""

    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError("broken")

    assert shown("x") == "'x'"
    assert shown("x" * 78) == repr("x" * 78)
    assert shown("a" * 100 + "b" * 100) == "'" + "a" * 38 + "…" + "b" * 38 + "'"
    assert "Broken object at" in shown(Broken())
