"""What mypy and pyright say of the programs in cases/: what their comments expect, and nothing else.

A comment ``# E: text`` expects an error of both checkers on its line, ``# mypy: text`` and ``# pyright: text`` one of
that checker; *text* is part of the message. ``# R: type`` expects that `reveal_type` reveals *type*.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias

import mypy.api
import pytest

Said: TypeAlias = dict[str, list[tuple[int, str]]]
"""By file: the line, and what a checker says of it."""

CASES: Final = Path(__file__).parent / "cases"
FILES: Final = sorted(path.name for path in CASES.glob("*.py"))
ROOT: Final = Path(__file__).parents[2]

_EXPECTED = re.compile(r"# (E|R|mypy|pyright): (.*?)(?=  # (?:E|R|mypy|pyright): |$)")
_MYPY = re.compile(r"(.+?):(\d+): (error|note): (.*)")
_REVEALED = re.compile(r"Revealed type is \"(.*)\"|Type of \".*\" is \"(.*)\"")


@cache
def by_mypy() -> Said:
    """Run mypy on all cases at once."""
    arguments = ["--config-file", str(ROOT / "mypy.ini"), "--no-error-summary", "--hide-error-codes", "--no-pretty"]
    files = [str(CASES / name) for name in FILES]
    output, errors, _ = mypy.api.run([*arguments, "--cache-dir", str(ROOT / ".mypy_cache" / "cases"), *files])
    said: Said = defaultdict(list)
    for line in (output + errors).splitlines():
        match = _MYPY.fullmatch(line)
        assert match, f"mypy says, of no line: {line}"
        said[Path(match[1]).name].append((int(match[2]), match[4]))
    return said


@cache
def by_pyright() -> Said:
    """Run pyright on all cases at once."""
    command = [sys.executable, "-m", "pyright", "--project", str(CASES), "--pythonpath", sys.executable, "--outputjson"]
    process = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    said: Said = defaultdict(list)
    for diagnostic in json.loads(process.stdout)["generalDiagnostics"]:
        line = diagnostic["range"]["start"]["line"] + 1
        said[Path(diagnostic["file"]).name].append((line, diagnostic["message"]))
    return said


def plain(text: str) -> str:
    """Return the type that *text* names, as both checkers could have written it."""
    text = re.sub(r"\b(?:[a-z_]\w*\.)+(?=\w)", "", text)
    text = re.sub(r"\bdef \(", "(", text).replace("?", "").replace("def ", "")
    return " | ".join(sorted(re.split(r" \| (?![^\[]*\])", text)))


def unexpected(checker: str, said: list[tuple[int, str]], lines: list[str]) -> list[str]:
    """Return where what was *said* is not what the comments in *lines* expect."""
    faults: list[str] = []
    for number, line in enumerate(lines, 1):
        expected = [(kind, text) for kind, text in _EXPECTED.findall(line) if kind in ("E", "R", checker)]
        here = [message for place, message in said if place == number]
        for kind, text in expected:
            for message in here:
                revealed = _REVEALED.fullmatch(message)
                if revealed and kind == "R":
                    found = plain(revealed[1] or revealed[2]) == plain(text)
                else:
                    found = kind != "R" and text in message
                if found:
                    here.remove(message)
                    break
            else:
                faults.append(f"{number}: expected {kind}: {text}, {checker} says {here}")
        if not any(kind != "R" for kind, _ in expected):  # else what remains are details of an error that is expected
            faults.extend(f"{number}: {checker} says {message}" for message in here)
    faults.extend(f"{place}: {checker} says {message}" for place, message in said if place > len(lines))
    return faults


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_a_checker_says_what_is_expected(checker: str, name: str) -> None:
    """No line has more, less or other errors than its comment, and each type revealed is the one named."""
    said = by_mypy() if checker == "mypy" else by_pyright()
    assert unexpected(checker, said[name], (CASES / name).read_text().splitlines()) == []


def test_the_comparison_misses_nothing() -> None:
    """An error too many, one too few, another text and another type are each a fault."""
    lines = ["f()  # E: bad", "reveal_type(x)  # R: int | None", "g()"]
    fine = [(1, "very bad"), (2, 'Revealed type is "None | builtins.int"')]
    assert unexpected("mypy", fine, lines) == []
    for faulty in (
        fine[1:],
        fine[:1],
        [(1, "good"), fine[1]],
        [fine[0], (2, 'Revealed type is "str"')],
        [*fine, (3, "x")],
    ):
        assert unexpected("mypy", faulty, lines) != []
