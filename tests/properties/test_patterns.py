"""Exported patterns match the same texts in ECMA-262 as in Python's re."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from tests.node import answers
from typedtrack import FieldSchema, RecordSchema
from typedtrack._schema.documents.ecma_patterns import reads_alike

Match = Callable[[str, list[str]], "list[bool] | None"]
"""Returns which texts a pattern matches in ECMA-262, by the flag ``u``; `None`: the pattern is an error there."""


@pytest.fixture(scope="module")
def match() -> Iterator[Match]:
    """Node.js, whose regular expressions are those of ECMA-262."""
    with answers(Path(__file__).with_name("patterns.mjs")) as ask:
        yield lambda pattern, texts: ask([pattern, texts])


_PIECES = [
    *"ab0 -_/é😀\n\r\u2028^$.|?*+()[]{},:=!<>&~#\\",
    *[
        "^",
        "(",
        "(?:",
        "(?=",
        "(?!",
        "(?<=",
        "(?<!",
        "(?P<n>",
        "(?i)",
        "(?>",
        ")",
        ")",
        ")",
        "[",
        "[^",
        "[^]",
        "]",
        "]",
    ],
    *["*", "+", "?", "*?", "++", "{2}", "{1,}", "{,2}", "{1,2}?", "|", ".", "$", "-", "a-z", "0-9", "&&", "--"],
    *[r"\d", r"\D", r"\w", r"\s", r"\S", r"[\s\S]", r"\b", r"\B", r"\A", r"\Z", r"\1", r"\0", r"\x61", r"\u0061"],
    *[r"\ud83d\ude00", r"\n", r"\.", r"\-", r"\/", r"\_", r"\{", r"\}", r"\]", r"\\", r"\a", r"\cA", r"\N{DIGIT ONE}"],
]
_alike = st.recursive(
    st.sampled_from(
        ["a", "b", "é", "😀", "/", r"\.", r"\x61", r"\u2028", "[a-z]", "[^a-z]", "[-a]", r"[\s\S]", r"[\]\-b]"]
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map("".join),
        st.tuples(inner, inner).map("|".join),
        st.tuples(st.sampled_from(["(", "(?:", "(?=", "(?!", "(?<="]), inner).map("".join).map("{})".format),
        st.tuples(inner.map("(?:{})".format), st.sampled_from(["*", "+?", "{2}", "{0,2}"])).map("".join),
        inner.map("^{}".format),
    ),
    max_leaves=8,
)
patterns = _alike | st.lists(st.sampled_from(_PIECES), max_size=8).map("".join)
texts = st.text(
    st.sampled_from("abz09 -_/.é😀\n\r\u2028\x85\ufeff\x1c\u0661\u017f\u212aZ]\\{}^$")
    | st.characters(exclude_categories=["Cs"]),
    max_size=6,
)


@pytest.mark.filterwarnings("ignore:Possible:FutureWarning")
@given(data=st.data(), pattern=patterns)
def test_a_pattern_that_reads_alike_matches_alike(match: Match, data: st.DataObject, pattern: str) -> None:
    """An exported pattern compiles in Node.js, and finds the same texts there as here."""
    try:
        found = re.compile(pattern)
    except (re.error, OverflowError):
        assume(False)
        raise
    assume(reads_alike(pattern))
    drawn = data.draw(st.lists(texts | st.from_regex(pattern).filter(str.isprintable), min_size=1, max_size=5))
    drawn += [f"{text}\n" for text in drawn]

    event(f"{sum(found.search(text) is not None for text in drawn)} of {len(drawn)}")
    assert match(pattern, drawn) == [found.search(text) is not None for text in drawn]


ALIKE = [
    "",
    "x",
    "^v[0-9]+[.][0-9]+",
    "^(train|test)",
    "^https?://[^/]+/",
    r"^[0-9a-f]{40}(?![\s\S])",
    r"^[\s\S]{2,4}?(?:a|\u00e9)*",
    r"(?<!a)b(?=c)",
    r"[-+]?[0-9]+(\.[0-9]*)?",
    r"\\\[\]\{\}\(\)\/\^\$\|\?\*\+\.",
    "[^😀-😎]+",
]
UNLIKE = {
    "^[a-z]+$": ("abc\n", True),
    "^.+[^a]": ("\r\n", True),
    r"^\d": ("\u0661", True),
    r"^\w": ("é", True),
    r"^\s": ("\x1c", True),
    r"a\b": ("aé", False),
    r"(a)?\1b": ("b", False),
}
"""Patterns, a text that the dialects find differently, and whether Python finds it."""
ERRORS = [
    r"\Aa",
    r"a\Z",
    "(?P<n>a)",
    "(?i)a",
    "a{,2}",
    "a++",
    "(?>a)",
    "]",
    "}",
    r"\-",
    r"\a",
    "(?#x)",
    r"\N{DIGIT ONE}",
]
"""Patterns of Python that are errors in ECMA-262."""


def test_common_patterns(match: Match) -> None:
    """Patterns that read alike match alike in Node.js. The others are an error there, or differ on the text."""
    for pattern in ALIKE:
        assert reads_alike(pattern), pattern
        assert match(pattern, [""]) == [re.search(pattern, "") is not None]
    for pattern, (text, found) in UNLIKE.items():
        assert not reads_alike(pattern), pattern
        assert (re.search(pattern, text) is not None) is found
        assert match(pattern, [text]) == [not found], pattern
    for pattern in ERRORS:
        assert not reads_alike(pattern), pattern
        re.compile(pattern)
        assert match(pattern, [""]) is None, pattern
    assert not reads_alike("a)")
    assert not reads_alike("(a")


@given(pattern=patterns)
def test_every_pattern_survives_its_document(pattern: str) -> None:
    """If ECMA-262 reads it alike, it is in ``pattern``, else in ``x-typedtrack-pattern``."""
    column = FieldSchema(attribute="x", name="x", kind="str", pattern=pattern)
    assume(not list(column.definition_problems()))
    schema = RecordSchema(name="Run", fields=(column,))
    document = schema.to_json_schema()
    keyword, other = (
        ("pattern", "x-typedtrack-pattern") if reads_alike(pattern) else ("x-typedtrack-pattern", "pattern")
    )

    written: dict[str, object] = document["properties"]["x"]  # type: ignore[index]  # a document is JSON
    assert written[keyword] == pattern
    assert other not in written
    assert RecordSchema.from_json_schema(document) == schema
