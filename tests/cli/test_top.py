"""``typedtrack top``: the best rows first, keys split, means over seeds, and a table that renews itself."""

from __future__ import annotations

import json
import math
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from typedtrack import Result, ResultTracker, open_tracker


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Return a base with two models of three seeds each, a failure, and one result of another kind."""
    tracker = open_tracker(tmp_path / "base")
    for model, best in (("small", 0.5), ("large", 0.75)):
        for seed in range(3):
            result: Result = {"accuracy/mean": best + seed / 10, "accuracy/sem": 0.01, "epochs": 3, "note": model}
            tracker.put(f"{model}/seed_{seed}", result)
    tracker.put("other", {"accuracy/mean": 0.1, "accuracy/sem": math.nan, "epochs": 4, "note": "x"})
    tracker.fail("failed", "out of memory")
    return tmp_path / "base"


def lines(cli: Cli, *arguments: str) -> list[list[str]]:
    """Return the cells of what the command prints into a pipe."""
    ended = cli("top", *arguments)
    assert ended.code == 0, ended.err
    return [line.split("\t") for line in ended.out.splitlines()]


def test_the_best_comes_first(cli: Cli, base: Path) -> None:
    """The greatest by default, the least with --min; a Stat is one cell; failures are no rows."""
    found = lines(cli, str(base))
    assert [row[0] for row in found][:2] == ["large/seed_2", "large/seed_1"]
    assert found[0] == ["large/seed_2", "0.95 ± 0.01", "3", "large"]
    assert found[-1] == ["other", "0.1 ± nan", "4", "x"]
    assert lines(cli, str(base), "--min")[0][0] == "other"
    assert len(lines(cli, str(base), "small")) == 3
    assert lines(cli, str(base), "--by", "epochs")[0][0] == "other"
    assert [row[0] for row in lines(cli, str(base), "--rows", "2")] == ["large/seed_2", "large/seed_1"]


def test_columns_are_chosen_and_ordered(cli: Cli, base: Path) -> None:
    """Also one that is the same in every row, which is hidden otherwise."""
    assert lines(cli, str(base), "small", "--columns", "epochs,key")[0] == ["3", "small/seed_2"]
    ended = cli("top", str(base), "--columns", "loss")
    assert (ended.code, ended.err) == (
        2,
        "typedtrack: ValueError: --columns loss: there are key, accuracy, epochs, note\n",
    )


def test_keys_are_split_by_a_template(cli: Cli, base: Path) -> None:
    """Each field is a column; digits are a number; keys of another form are left out."""
    found = lines(cli, str(base), "--key", "{model}/seed_{seed}", "--columns", "model,seed")
    assert found[:2] == [["large", "2"], ["large", "1"]]
    assert len(found) == 6
    ended = cli("top", str(base), "--key", "{model}/{model}")
    assert ended.code == 2
    assert "a template has fields in braces, each once" in ended.err
    assert cli("top", str(base), "--key", "{x").code == 2
    assert lines(cli, str(base), "--key", "none/{x}") == []


def test_rows_are_averaged_over_fields_of_the_key(cli: Cli, base: Path) -> None:
    """Means with their standard errors; a Stat by its mean; texts that all rows share stay."""
    found = lines(
        cli, str(base), "--key", "{model}/seed_{seed}", "--over", "seed", "--columns", "model,count,accuracy,note"
    )
    assert found == [["large", "3", "0.85 ± 0.057735", "large"], ["small", "3", "0.6 ± 0.057735", "small"]]
    everything = lines(cli, str(base), "--key", "{model}/seed_{seed}", "--over", "seed,model")
    assert everything[0][0] == "6"
    ended = cli("top", str(base), "--over", "seed")
    assert (ended.code, "--over needs --key" in ended.err) == (2, True)
    ended = cli("top", str(base), "--key", "{model}/seed_{seed}", "--over", "epoch")
    assert (ended.code, "--over epoch: the template of --key has the fields model, seed" in ended.err) == (2, True)


def test_groups_need_not_have_the_same_fields(cli: Cli, tmp_path: Path) -> None:
    """A field that some groups lack is an empty cell there."""
    tracker = open_tracker(tmp_path / "base")
    tracker.put_many({"a/0": {"x": 1.0, "y": 1}, "b/0": {"x": 2.0, "t": "one"}, "b/1": {"x": 2.0, "t": "two"}})
    found = lines(cli, str(tmp_path / "base"), "--key", "{m}/{n}", "--over", "n", "--by", "x")
    assert found == [["b", "2", "2 ± 0", "–"], ["a", "1", "1 ± nan", "1 ± nan"]]


def test_json_is_one_row_a_line(cli: Cli, base: Path) -> None:
    """With the values as they are stored."""
    ended = cli("top", str(base), "--json", "--rows", "1")
    assert json.loads(ended.out) == {"key": "large/seed_2", "accuracy": 0.95, "epochs": 3, "note": "large"}


def test_what_cannot_be_read_is_told_after_the_table(cli: Cli, base: Path) -> None:
    """All other rows are shown."""
    (base / "bad").write_text("{")
    ended = cli("top", str(base))
    assert ended.out.count("\n") == 7
    assert (ended.code, "bad" in ended.err) == (3, True)


def test_watch_needs_a_terminal(cli: Cli, base: Path) -> None:
    """In a pipe it would never end."""
    ended = cli("top", str(base), "--watch")
    assert (ended.code, "--watch needs a terminal" in ended.err) == (2, True)


def read_until(terminal: int, text: str) -> str:
    """Return what the *terminal* shows up to *text*."""
    shown = ""
    while text not in shown:
        shown += os.read(terminal, 65536).decode(errors="replace")
    return shown


@pytest.mark.parametrize("arguments", [("--watch",), ()])
def test_a_terminal_shows_a_table(base: Path, arguments: tuple[str, ...]) -> None:
    """Once with its notes; or renewed while results arrive, until Ctrl-C, which shows the cursor again."""
    tracker: ResultTracker = open_tracker(base)
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "typedtrack", "top", str(base), *arguments]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "40"}
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
    )
    os.close(slave)
    shown = read_until(master, "Best: large/seed_2 (accuracy 0.95)")
    assert "0.95 ± 0.01" in shown
    if arguments:
        tracker.put("huge/seed_0", {"accuracy/mean": 0.99, "accuracy/sem": 0.0, "epochs": 5, "note": "\x1b[31m"[1:]})
        read_until(master, "Best: huge/seed_0 (accuracy 0.99)")
        process.send_signal(signal.SIGINT)
        read_until(master, "\x1b[?25h")
        assert process.wait() == 130
    else:
        assert process.wait() == 0
    os.close(master)
