"""Five type checkers read the programs in cases/, and report what the comments there expect, and nothing else.

A comment ``# E: text`` expects that every checker reports an error on its line, with *text* in its message, or with one
of several: ``# E: this or that``. ``# R: type`` expects that `reveal_type` reveals *type* to every checker. Where
checkers differ, names stand in front: ``# mypy zuban E: text`` is about these two, in place of the general comment.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

import mypy.api
import pytest

Report: TypeAlias = dict[str, list[tuple[int, str]]]
"""By file: the line, and the message of a checker."""

CASES: Final = Path(__file__).parent / "cases"
FILES: Final = sorted(path.name for path in CASES.glob("*.py"))
ROOT: Final = Path(__file__).parents[2]

_COMMENT: Final = re.compile(r"# ((?:[a-z]+ )*)([ER]): (.*?)(?=  # (?:[a-z]+ )*[ER]: |$)")
_REVEALED: Final = re.compile(
    r"Revealed type is \"(.*)\"|Type of \".*\" is \"(.*)\"|Revealed type: `(.*)`|revealed type: (.*)"
)


class Expectation(NamedTuple):
    """One comment, for one checker."""

    kind: str
    text: str


def _run(command: str, *arguments: str | Path) -> str:
    """Return the output of the checker *command*, which is installed beside this interpreter."""
    program = Path(sys.executable).parent / command
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    process = subprocess.run(
        [program, *arguments, *(CASES / name for name in FILES)],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**environment, "NO_COLOR": "1"},
    )
    return process.stdout + process.stderr


def _parsed(output: str, line: re.Pattern[str], ignored: str = r"") -> Report:
    """Return the report in *output*; every line of it must be a *line*, or *ignored*."""
    report: Report = defaultdict(list)
    for text in output.splitlines():
        if text and not re.fullmatch(ignored, text):
            match = line.fullmatch(text)
            assert match, f"a line about no place: {text}"
            report[Path(match["file"]).name].append((int(match["line"]), match["message"]))
    return report


_MYPY: Final = re.compile(r"(?P<file>.+?):(?P<line>\d+): (?:error|note): (?P<message>.*)")
_MYPY_OPTIONS: Final = (f"--config-file={ROOT / 'mypy.ini'}", "--no-error-summary", "--hide-error-codes", "--no-pretty")


def by_mypy() -> Report:
    """Run mypy, in this process."""
    cache_folder = f"--cache-dir={ROOT / '.mypy_cache' / 'cases'}"
    output, errors, _ = mypy.api.run([*_MYPY_OPTIONS, cache_folder, *(str(CASES / name) for name in FILES)])
    return _parsed(output + errors, _MYPY)


def by_pyright() -> Report:
    """Run pyright, whose JSON has messages of several lines."""
    report: Report = defaultdict(list)
    output = _run("pyright", f"--project={CASES}", f"--pythonpath={sys.executable}", "--outputjson")
    for diagnostic in json.loads(output[output.index("{") :])["generalDiagnostics"]:
        line = diagnostic["range"]["start"]["line"] + 1
        report[Path(diagnostic["file"]).name].append((line, diagnostic["message"]))
    return report


def by_ty() -> Report:
    """Run ty."""
    output = _run("ty", "check", f"--python={sys.prefix}", f"--project={ROOT}", "--output-format=concise")
    line = re.compile(r"(?P<file>.+?):(?P<line>\d+):\d+: \w+\[[\w-]+\] (?P<message>.*)")
    return _parsed(output, line, r"Found \d+ diagnostics")


def by_pyrefly() -> Report:
    """Run pyrefly, whose messages end with the name of their rule."""
    output = _run(
        "pyrefly",
        "check",
        f"--config={CASES / 'pyrefly.toml'}",
        f"--python-interpreter-path={sys.executable}",
        "--output-format=min-text",
    )
    line = re.compile(r" *(?:ERROR|INFO) (?P<file>.+?):(?P<line>\d+):[\d:-]+: (?P<message>.*)")
    return _parsed(output, line, r" INFO \d+ errors.*")


def by_zuban() -> Report:
    """Run zuban as mypy is run."""
    return _parsed(_run("zuban", "mypy", *_MYPY_OPTIONS, f"--python-executable={sys.executable}"), _MYPY)


CHECKERS: Final[dict[str, Callable[[], Report]]] = {
    "mypy": by_mypy,
    "pyright": by_pyright,
    "ty": by_ty,
    "pyrefly": by_pyrefly,
    "zuban": by_zuban,
}


@cache
def report_of(checker: str) -> Report:
    """Return the report of *checker*, which runs once for all files."""
    return CHECKERS[checker]()


def plain(text: str) -> str:
    """Return the type that *text* names, in one spelling for all checkers."""
    text = re.sub(r"\b(?:[a-z_]\w*\.)+(?=\w)", "", text)  # modules
    text = re.sub(r"\bKey\b", "int | str", text)  # pyrefly writes aliases
    text = re.sub(r" \(_\[.*| \[reveal-type\]", "", text)  # pyrefly adds what it knows of items
    return _sorted(text.replace("?", ""))


def _sorted(text: str) -> str:
    """Return *text* with the members of each union in alphabetical order, and without what a float includes."""
    head, bracket, rest = text.partition("[")
    if bracket and text.endswith("]") and " | " not in head and _is_closed(rest[:-1]):
        return f"{head}[{', '.join(map(_sorted, _split(rest[:-1], ', ')))}]"
    members = {_sorted(member) if "[" in member else member for member in _split(text, " | ")}
    return " | ".join(sorted(members - ({"int"} if "float" in members else set())))


def _is_closed(text: str) -> bool:
    depth = 0
    for character in text:
        depth += (character == "[") - (character == "]")
        if depth < 0:
            return False
    return True


def _split(text: str, separator: str) -> Iterator[str]:
    """Yield the parts of *text* between separators that are outside brackets."""
    part = ""
    for piece in text.split(separator):
        part = f"{part}{separator}{piece}" if part else piece
        if part.count("[") == part.count("]"):
            yield part
            part = ""


def expectations(checker: str, line: str) -> list[Expectation]:
    """Return the expectations in the comments of *line* for *checker*."""
    found = [(names.split(), Expectation(kind, text)) for names, kind, text in _COMMENT.findall(line)]
    own = [expectation for names, expectation in found if checker in names]
    return own or [expectation for names, expectation in found if not names]


def faults(checker: str, report: list[tuple[int, str]], lines: list[str]) -> list[str]:
    """Return where the *report* of *checker* is not what the comments in *lines* expect."""
    found: list[str] = []
    for number, line in enumerate(lines, 1):
        expected = expectations(checker, line)
        here = [message for place, message in report if place == number]
        for kind, text in expected:
            for message in here:
                revealed = _REVEALED.fullmatch(message)
                if kind == "R":
                    matches = revealed is not None and plain(next(filter(None, revealed.groups()))) == plain(text)
                else:
                    matches = revealed is None and any(part in message for part in text.split(" or "))
                if matches:
                    here.remove(message)
                    break
            else:
                found.append(f"{number}: expected {kind}: {text}, {checker} reports {here}")
        if not any(kind == "E" for kind, _ in expected):  # else the rest are details of the expected error
            found.extend(f"{number}: {checker} reports {message}" for message in here)
    found.extend(f"{place}: {checker} reports {message}" for place, message in report if place > len(lines))
    return found


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("checker", CHECKERS)
def test_a_checker_reports_the_expected_errors(checker: str, name: str) -> None:
    """No line has more, fewer or other errors than its comments, and each revealed type is the one named."""
    assert faults(checker, report_of(checker)[name], (CASES / name).read_text("utf-8").splitlines()) == []


@pytest.mark.parametrize("name", FILES)
def test_every_checker_finds_every_planted_mistake(name: str) -> None:
    """Each file has fifteen or more, and none that only some checkers find; zuban alone has false alarms."""
    found: list[set[str]] = []
    for line in (CASES / name).read_text("utf-8").splitlines():
        finders = {checker for checker in CHECKERS if any(kind == "E" for kind, _ in expectations(checker, line))}
        if finders and finders != {"zuban"}:
            found.append(finders)
    assert found == [set(CHECKERS)] * len(found)
    assert len(found) >= 15


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("builtins.int | None", "None | int"),
        ("dict[Key, dict[str, float | int | str]]", "dict[str | int, dict[str, str | float]]"),
        ("tuple[str, Loss | None] | None", "None | tuple[str, None | m.Loss]"),
        ('TypedTracker[Key, Loss] (_["k"]: Loss) [reveal-type]', "TypedTracker[int | str, Loss]"),
        ("dict[str, int] | list[int]", "list[int] | dict[str, int]"),
    ],
)
def test_types_are_compared_in_one_spelling(one: str, other: str) -> None:
    """Modules, the order of unions and aliases make no difference."""
    assert plain(one) == plain(other)


def test_the_comparison_misses_nothing() -> None:
    """An error too many, one too few, another text and another type are each a fault."""
    lines = ["f()  # E: bad", "reveal_type(x)  # R: int | None", "g()", "h()  # ty E: odd  # E: bad"]
    fine = [(1, "very bad"), (2, 'Revealed type is "None | builtins.int"'), (4, "bad")]
    assert faults("mypy", fine, lines) == []
    assert faults("ty", [*fine[:2], (4, "odd")], lines) == []
    for faulty in (
        fine[1:],
        [fine[0], *fine[2:]],
        [(1, "good"), *fine[1:]],
        [fine[0], (2, 'Revealed type is "str"'), fine[2]],
        [*fine[:2], (4, "odd")],
        [*fine, (3, "x")],
        [*fine, (5, "x")],
    ):
        assert faults("mypy", faulty, lines) != []
