"""The rules for keys, and the errors of those that break them."""

from __future__ import annotations

import enum

import numpy as np
import pytest

from typedtrack import InvalidKeyError
from typedtrack._results.keys import is_key, key_text, prefix_text


class _Text(str):
    """A str whose `str` is another."""

    def __str__(self) -> str:
        return "other"


class _Stage(enum.StrEnum):
    TRAIN = "train"


class _Split(str, enum.Enum):  # noqa: UP042  # older code has such: its `str` is "_Split.TRAIN"
    TRAIN = "train"


class _Level(enum.Enum):
    LOW = 1


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("app1_out", "app1_out"),
        (5, "5"),
        (-5, "-5"),
        (np.int64(7), "7"),
        (np.array(7), "7"),
        (2**200, str(2**200)),
        (_Stage.TRAIN, "train"),
        (_Split.TRAIN, "train"),
        (_Text("a"), "a"),
        (np.str_("a"), "a"),
        ("a/b/c", "a/b/c"),
        ("a.b", "a.b"),
        ("a..", "a.."),
        ("-", "-"),
        (" a ", " a "),
        ("* ? [ ] : = , @ # % + ~ { }", "* ? [ ] : = , @ # % + ~ { }"),
        ("naïve/日本/😀", "naïve/日本/😀"),
        ("x" * 255, "x" * 255),
        ("é" * 127 + "x", "é" * 127 + "x"),
        ("/".join(["x" * 204] * 5), "/".join(["x" * 204] * 5)),
    ],
)
def test_valid_keys_mean_their_text(key: object, text: str) -> None:
    """A key that the rules allow is stored under its own text."""
    assert key_text(key) == text
    assert type(key_text(key)) is str
    assert is_key(text)


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", "a key is not empty"),
        (True, "a key is an int or a str, not bool"),
        (np.True_, "a key is an int or a str, not bool"),
        (None, "a key is an int or a str, not NoneType"),
        (1.0, "a key is an int or a str, not float"),
        (b"a", "a key is an int or a str, not bytes"),
        (_Level.LOW, "a key is an int or a str, not _Level"),
        (np.array([1]), "a key is an int or a str, not ndarray"),
        (["a"], "a key is an int or a str, not list"),
        ("a\ud800", "a key is not valid Unicode: lone surrogate at position 1"),
        ("x/" * 512 + "x", "a key is 1,025 bytes of UTF-8; the limit is 1,024 bytes"),
        ("a\nb", r"a key has no control character ('\n')"),
        ("a\x7fb", r"a key has no control character ('\x7f')"),
        ("a\x85b", r"a key has no control character ('\x85')"),
        ("a\n", r"a key has no control character ('\n')"),
        ("a\\b", "a key has no \\; use / between segments"),
        ("/a", "a key has no empty segment: no / at its ends, and no two in a row"),
        ("a/", "a key has no empty segment: no / at its ends, and no two in a row"),
        ("a//b", "a key has no empty segment: no / at its ends, and no two in a row"),
        (".a", "no segment of a key begins with a dot ('.a')"),
        ("a/../b", "no segment of a key begins with a dot ('..')"),
        ("..", "no segment of a key begins with a dot ('..')"),
        ("x" * 256, f"the segment '{'x' * 38}…{'x' * 38}' is 256 bytes of UTF-8; the limit is 255 bytes"),
        ("é" * 128, f"the segment '{'é' * 38}…{'é' * 38}' is 256 bytes of UTF-8; the limit is 255 bytes"),
    ],
)
def test_invalid_keys_are_refused(key: object, reason: str) -> None:
    """A key that breaks a rule is refused; the error names the key and the rule."""
    with pytest.raises(InvalidKeyError) as caught:
        key_text(key)
    assert caught.value.reason == reason
    if isinstance(key, str):
        assert not is_key(key)


def test_an_int_that_python_cannot_print_is_refused() -> None:
    """An int of more digits than the interpreter turns into text is refused as too long."""
    with pytest.raises(InvalidKeyError, match="at most 1,024 bytes"):
        key_text(10**5000)


def test_a_long_key_is_shown_short() -> None:
    """An error does not repeat a megabyte."""
    with pytest.raises(InvalidKeyError) as caught:
        key_text("x" * 1_000_000)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("prefix", ["", "a", "a/b", "a/", 5])
def test_is_a_prefix(prefix: object) -> None:
    """A prefix is nothing, a key, or a key and a slash."""
    assert prefix_text(prefix) == str(prefix)


@pytest.mark.parametrize("prefix", ["/", "a//", "../", ".", None, True])
def test_invalid_prefixes_are_refused(prefix: object) -> None:
    """Anything else is refused: a prefix never leaves the base either."""
    with pytest.raises(InvalidKeyError, match="a prefix is empty, or a key: " if isinstance(prefix, str) else "not"):
        prefix_text(prefix)
