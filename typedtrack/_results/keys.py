"""What a key may be."""

from __future__ import annotations

import operator
import re
from typing import Final, TypeAlias

from typedtrack._results.values import control_character, text_problem
from typedtrack.errors import InvalidKeyError, shown

__all__ = ["MAX_KEY_BYTES", "MAX_SEGMENT_BYTES", "Key", "is_below", "is_key", "key_text", "prefix_text"]

Key: TypeAlias = int | str

MAX_KEY_BYTES: Final = 1024
MAX_SEGMENT_BYTES: Final = 255

# The keys that most applications use, recognised at a glance; whatever it does not match gets the closer look.
_plain = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.=-]*+(?:/[A-Za-z0-9_][A-Za-z0-9_.=-]*+)*+").fullmatch


def key_text(key: object) -> str:
    r"""Return *key* as the text that names its place.

    An `int` (whatever `operator.index` takes, but not `bool`) is its decimal digits, so ``5`` and ``"5"`` are one key.

    Raises:
        InvalidKeyError: it is neither `int` nor `str`, is not valid Unicode, is longer than 1,024 bytes of UTF-8, has a
            ``/``-separated segment that is empty, longer than 255 bytes or begins with ``.``, a control character
            or a ``\``.

    >>> key_text(5), key_text("lr=0.1/trial 7")
    ('5', 'lr=0.1/trial 7')
    """
    text = key if type(key) is str else _text(key)
    if len(text) <= MAX_SEGMENT_BYTES and _plain(text):
        return text
    if (reason := _problem(text)) is not None:
        raise InvalidKeyError(shown(text), reason)
    return text


def is_key(text: str) -> bool:
    """Return whether *text*, found in a listing, keeps the rules of a key."""
    return (len(text) <= MAX_SEGMENT_BYTES and _plain(text) is not None) or _problem(text) is None


def is_below(text: str, prefix: str) -> bool:
    """Return whether the key *text* is at or below *prefix*; one that ends in ``/`` leaves out the key itself."""
    return text == prefix or text.startswith(f"{prefix.removesuffix('/')}/" if prefix else "")


def prefix_text(prefix: object) -> str:
    """Return *prefix* as text: ``""``, a key, or a key and one ``/`` (what lies below the key, but not the key itself).

    Raises:
        InvalidKeyError: it is none of these.
    """
    text = prefix if type(prefix) is str else _text(prefix)
    if text and (reason := _problem(text.removesuffix("/"))) is not None:
        raise InvalidKeyError(shown(text), f"a prefix is empty, or a key: {reason}")
    return text


def _text(key: object) -> str:
    if isinstance(key, str):
        return str.__str__(str(key))  # what a subclass shows itself as, but a str itself
    if isinstance(key, bool):
        raise InvalidKeyError(shown(key), "a key is an int or a str, not bool")
    try:
        return str(operator.index(key))  # type: ignore[arg-type]  # the except is for what has no __index__
    except ValueError:  # the interpreter's limit on digits
        raise InvalidKeyError("(an int)", f"a key is at most {MAX_KEY_BYTES:,} bytes") from None
    except Exception:  # whatever the __index__ of a foreign type may raise
        raise InvalidKeyError(shown(key), f"a key is an int or a str, not {type(key).__name__}") from None


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
