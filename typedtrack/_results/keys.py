"""The rules for keys and prefixes."""

from __future__ import annotations

import operator
import re
from typing import Final, TypeAlias

from typedtrack._results.values import control_character, text_problem
from typedtrack.errors import InvalidKeyError, shown

__all__ = [
    "KEY_CLASS",
    "MAX_KEY_BYTES",
    "MAX_SEGMENT_BYTES",
    "Key",
    "are_keys",
    "is_below",
    "is_key",
    "key_text",
    "listed_key",
    "prefix_text",
]

Key: TypeAlias = int | str

MAX_KEY_BYTES: Final = 1024
MAX_SEGMENT_BYTES: Final = 255

KEY_CLASS: Final = "__typedtrack_key__"
"""The attribute that a class of typed keys has."""

# The fast path: it matches the keys that most applications use. `_problem` decides about all others.
_plain = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.=-]*+(?:/[A-Za-z0-9_][A-Za-z0-9_.=-]*+)*+").fullmatch

# The same for many at a time: keys of at most ten segments, each so short that all of it is within the limits.
_plain_lines = re.compile(
    r"(?:[A-Za-z0-9_][A-Za-z0-9_.=-]{0,100}+(?:/[A-Za-z0-9_][A-Za-z0-9_.=-]{0,100}+){0,9}+\n)*+"
).fullmatch


def key_text(key: object) -> str:
    r"""Return the text of *key*, which decides where its result is stored.

    The text of an `int` (anything that `operator.index` takes, but `bool`) is its decimal digits, so ``5`` and ``"5"``
    are one key. Of a subclass of `str` the characters count, so the member of a string enumeration and its value are
    one key, too.

    Raises:
        InvalidKeyError: *key* is neither an `int` nor a `str`; or it is not valid Unicode, is longer than 1,024 bytes
            of UTF-8, has a control character or a ``\``, or has a ``/``-separated segment that is empty, is longer than
            255 bytes or begins with ``.``.

    >>> key_text(5), key_text("lr=0.1/trial 7")
    ('5', 'lr=0.1/trial 7')
    """
    text = key if type(key) is str else _text(key)
    if len(text) <= MAX_SEGMENT_BYTES and _plain(text):
        return text
    if (reason := _problem(text)) is not None:
        raise InvalidKeyError(shown(text), reason)
    return text


def listed_key(text: str) -> str | None:
    """Return *text*, which a listing found, if it keeps the rules for a key, else `None`."""
    return text if (len(text) <= MAX_SEGMENT_BYTES and _plain(text)) or _problem(text) is None else None


def is_key(text: str) -> bool:
    """Return whether *text* keeps the rules for a key."""
    return listed_key(text) is not None


def are_keys(texts: list[str]) -> bool:
    """Return whether all *texts* keep the rules for a key."""
    lines = "\n".join([*texts, ""])
    return (_plain_lines(lines) is not None and lines.count("\n") == len(texts)) or all(map(is_key, texts))


def is_below(text: str, prefix: str) -> bool:
    """Return whether the key *text* is at or below *prefix*; one that ends in ``/`` leaves out the key itself."""
    return text == prefix or text.startswith(f"{prefix.removesuffix('/')}/" if prefix else "")


def prefix_text(prefix: object) -> str:
    """Return the text of *prefix*: empty, a key, or a key and a ``/``, which stands for the keys below it alone.

    Raises:
        InvalidKeyError: *prefix* is none of these.
    """
    text = prefix if type(prefix) is str else _text(prefix)
    if text and (reason := _problem(text.removesuffix("/"))) is not None:
        raise InvalidKeyError(shown(text), f"a prefix is empty, or a key: {reason}")
    return text


def _text(key: object) -> str:
    if isinstance(key, str):
        return str.__str__(key)  # its characters, since a subclass may have a `__str__` of its own
    if isinstance(key, bool):
        raise InvalidKeyError(shown(key), "a key is an int or a str, not bool")
    try:
        return str(operator.index(key))  # type: ignore[arg-type]  # a type without __index__ raises TypeError
    except ValueError:  # the interpreter's limit on digits
        raise InvalidKeyError("(an int)", f"a key is at most {MAX_KEY_BYTES:,} bytes") from None
    except Exception:  # the __index__ of a foreign type may raise anything
        name = type(key).__name__
        found = getattr(type(key), KEY_CLASS, None)
        argument = name if found is not None and found.record is not None else f"..., key={name}"
        advice = "" if found is None else f"; use tracker.typed({argument}), or str(key)"
        raise InvalidKeyError(shown(key), f"a key is an int or a str, not {name}{advice}") from None


def _problem(text: str) -> str | None:
    if not text:
        return "a key is not empty"
    if (reason := text_problem(text, MAX_KEY_BYTES)) is not None:
        return f"a key {reason}"
    if (control := control_character(text)) is not None:
        return f"a key has no control character ({control!r})"
    if "\\" in text:
        return "a key has no \\; use / between segments"
    for segment in text.split("/"):
        if not segment:
            return "a key has no empty segment: no / at its ends, and no two in a row"
        if segment.startswith("."):
            return f"no segment of a key begins with a dot ({shown(segment)})"
        if (reason := text_problem(segment, MAX_SEGMENT_BYTES)) is not None:
            return f"the segment {shown(segment)} {reason}"
    return None
