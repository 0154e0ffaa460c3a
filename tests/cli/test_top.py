"""``typedtrack top``: the best rows first, keys split, means over seeds, and a table that renews itself."""

from __future__ import annotations

import json
import math
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.programs import read_all
from tests.trackers import versions_of
from typedtrack import Result, ResultTracker, open_tracker
from typedtrack.backends.local import LocalResultTracker
from typedtrack.cli.top import Look


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
    assert found[-1] == ["other", "0.1 ± NaN", "4", "x"]
    assert lines(cli, str(base), "--min")[0][0] == "other"
    assert len(lines(cli, str(base), "small")) == 3
    assert lines(cli, str(base), "--by", "epochs")[0][0] == "other"
    assert [row[0] for row in lines(cli, str(base), "--rows", "2")] == ["large/seed_2", "large/seed_1"]


def test_a_metric_that_holds_text_is_named(cli: Cli, base: Path) -> None:
    """One text among numbers makes it a column without an order."""
    open_tracker(base).put("text", {"epochs": "three"})
    ended = cli("top", str(base), "--by", "epochs")
    message = "by='epochs': field 'epochs' is not numeric: a result has the text 'three'; numeric fields: 'accuracy'"
    assert (ended.code, ended.err) == (2, f"typedtrack: ValueError: {message}\n")


def test_a_template_that_matches_no_key_is_named(cli: Cli, base: Path) -> None:
    """It leaves no row, so none has the metric."""
    ended = cli("top", str(base), "--by", "accuracy", "--key", "runs/{model}/seed_{seed}")
    metric = "by='accuracy': no result has a numeric field of that name; there are: none"
    message = f"{metric}; not matched by --key 'runs/{{model}}/seed_{{seed}}': 7 keys, such as "
    assert ended.code == 2
    assert ended.err.startswith(f"typedtrack: ValueError: {message}")


def test_columns_are_chosen_and_ordered(cli: Cli, base: Path) -> None:
    """A chosen column is shown even if it is the same in every row."""
    assert lines(cli, str(base), "small", "--columns", "epochs,key")[0] == ["3", "small/seed_2"]
    ended = cli("top", str(base), "--columns", "loss")
    assert (ended.code, ended.err) == (
        2,
        "typedtrack: ValueError: --columns loss: there are key, accuracy, epochs, note\n",
    )


def test_keys_are_split_by_a_template(cli: Cli, base: Path) -> None:
    """Each field is a column; digits are a number; keys of another form are left out, and one is named."""
    found = lines(cli, str(base), "--key", "{model}/seed_{seed}", "--columns", "model,seed")
    assert found[:2] == [["large", "2"], ["large", "1"]]
    assert len(found) == 6
    ended = cli("top", str(base), "--key", "{model}/seed_{seed}", "--rows", "1")
    assert "typedtrack: Not matched by --key '{model}/seed_{seed}' and left out: key 'other'\n" in ended.err
    ended = cli("top", str(base), "--key", "{model}_{seed}")
    assert "typedtrack: Not matched by --key '{model}_{seed}' and left out: 7 keys, such as " in ended.err
    ended = cli("top", str(base), "--key", "{model}/{model}")
    assert ended.code == 2
    assert "a template has fields in braces, each once" in ended.err
    ended = cli("top", str(base), "--key", "{x")
    assert (ended.code, "--key '{x': a template has fields in braces, each once" in ended.err) == (2, True)
    assert lines(cli, str(base), "--key", "none/{x}") == []


def test_rows_are_averaged_over_fields_of_the_key(cli: Cli, base: Path) -> None:
    """Means with their standard errors; a Stat by its mean; texts that all rows share stay."""
    found = lines(
        cli, str(base), "--key", "{model}/seed_{seed}", "--over", "seed", "--columns", "model,count,accuracy,note"
    )
    assert found == [["large", "3", "0.85 ± 0.058", "large"], ["small", "3", "0.6 ± 0.058", "small"]]
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
    assert found == [["b", "2", "2 ± 0", "–"], ["a", "1", "1 ± NaN", "1 ± NaN"]]


def test_json_is_one_row_a_line(cli: Cli, base: Path) -> None:
    """Each row has the stored values, not those of the table."""
    ended = cli("top", str(base), "--json", "--rows", "1")
    assert json.loads(ended.out) == {"key": "large/seed_2", "accuracy": 0.95, "epochs": 3, "note": "large"}


def test_a_pipe_is_told_what_is_left_out_and_nothing_else(cli: Cli, base: Path) -> None:
    """The best row is the first line, so no note names it; with nothing left out, standard error is empty."""
    open_tracker(base).put("sparse", {"note": "without the metric"})
    for option in ((), ("--json",)):
        ended = cli("top", str(base), "--rows", "2", *option)
        assert (ended.code, ended.out.count("\n")) == (0, 2)
        assert ended.err.splitlines() == [
            "typedtrack: 1 row without accuracy left out",
            "typedtrack: The best 2 of 7 rows",
            "typedtrack: Failed and left out: 1",
        ]
    assert cli("top", str(base), "small").err == ""


def test_a_program_gets_columns_that_never_change(cli: Cli, base: Path) -> None:
    """Which columns there are does not depend on their values; a terminal names them instead."""
    assert lines(cli, str(base), "small")[0] == ["small/seed_2", "0.7 ± 0.01", "3", "small"]
    ended = cli("top", str(base), "small", "--json", "--rows", "1")
    assert json.loads(ended.out) == {"key": "small/seed_2", "accuracy": 0.7, "epochs": 3, "note": "small"}


def test_what_cannot_be_read_is_told_after_the_table(cli: Cli, base: Path) -> None:
    """All other rows are shown."""
    (base / "bad").write_text("{")
    ended = cli("top", str(base))
    assert ended.out.count("\n") == 7
    assert (ended.code, "bad" in ended.err) == (3, True)


def test_watch_needs_a_terminal(cli: Cli, base: Path) -> None:
    """`--watch` is refused in a pipe, where it would never end."""
    ended = cli("top", str(base), "--watch")
    assert (ended.code, "--watch needs a terminal" in ended.err) == (2, True)


def test_a_look_reads_only_what_changed(base: Path) -> None:
    """Results and failures are read once, unreadable ones each time; a deleted result is gone."""
    tracker = CountingTracker(base)
    look = Look(tracker.frame().rows, "accuracy", "max", 50, None, (), None)
    look.cache = str(base.parent / "cache")
    age(base)
    assert look().rows == 7
    assert (sorted(tracker.reads), look.errors) == (sorted(tracker), [])
    assert look().notes[-1] == "Failed and left out: 1"
    assert len(tracker.reads) == 8

    tracker.reads.clear()
    tracker.put("small/seed_1", {"accuracy/mean": 2.0, "accuracy/sem": 0.5})
    tracker.put("new", {"accuracy/mean": 3.0, "accuracy/sem": 0.5})
    del tracker["other"]
    (base / "bad").write_text("{")
    age(base)
    for reads in (["bad", "new", "small/seed_1"], ["bad"]):
        contents = look()
        assert contents.columns[0].values[:2] == ["new", "small/seed_1"]
        assert "other" not in contents.columns[0].values
        assert [list(error.errors) for error in look.errors] == [["bad"]]
        assert sorted(tracker.reads) == reads
        tracker.reads.clear()


class CountingTracker(LocalResultTracker):
    """A tracker that notes the keys that it reads."""

    def __init__(self, base: Path) -> None:
        super().__init__(str(base))
        self.reads: list[str] = []

    def _read_many(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes | Exception | None]]:
        for key, read in super()._read_many(keys):
            self.reads.append(key)
            yield key, read


def age(base: Path) -> None:
    """Wait until each file below *base* is old enough to have a version."""
    while None in versions_of(LocalResultTracker(str(base))).values():
        time.sleep(0.01)


def read_until(terminal: int, *texts: str) -> str:
    """Return what the *terminal* shows until it has shown all of *texts*."""
    shown = ""
    while not all(text in shown for text in texts):
        shown += os.read(terminal, 65536).decode(errors="replace")
    return shown


class Watch:
    """A `top` at a terminal, in a folder of its own for temporary files."""

    def __init__(self, *arguments: str, folder: Path, lines: int = 70) -> None:
        self.terminal, self.slave = pty.openpty()
        self.settings = termios.tcgetattr(self.slave)
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": f"{lines}", "TMPDIR": str(folder)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "typedtrack", "top", *arguments],
            stdin=self.slave, stdout=self.slave, stderr=self.slave, env=environment, start_new_session=True,
        )  # fmt: skip

    def end(self, number: signal.Signals) -> tuple[int, str]:
        """Send the signal; return the exit code, and what is shown after it, without the settings if they changed."""
        self.process.send_signal(number)
        code = self.process.wait()
        assert termios.tcgetattr(self.slave) == self.settings
        os.close(self.slave)
        return code, read_all(self.terminal).decode()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_watch_and_leaves_the_terminal_as_it_was(
    base: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """The cursor is visible, the settings are the same, the last table stays, and no cache is left."""
    (tmp_path / "tmp").mkdir()
    watch = Watch(str(base), "--watch", folder=tmp_path / "tmp")
    shown = read_until(watch.terminal, "Failed and left out: 1")
    assert "\x1b[?25l" in shown
    assert list((tmp_path / "tmp").iterdir()) != []
    ended, shown = watch.end(number)
    assert ended == code
    assert shown.rpartition("\x1b[?25")[2].startswith("h")
    assert "Traceback" not in shown
    assert "\x1b[?1049" not in shown
    assert list((tmp_path / "tmp").iterdir()) == []


def test_watch_ends_with_its_terminal(base: Path, tmp_path: Path) -> None:
    """Also where no signal tells of its end; the cache is removed."""
    (tmp_path / "tmp").mkdir()
    watch = Watch(str(base), "--watch", folder=tmp_path / "tmp")
    read_until(watch.terminal, "Failed and left out: 1")
    os.close(watch.terminal)
    os.close(watch.slave)
    watch.process.wait()
    assert list((tmp_path / "tmp").iterdir()) == []


def test_watch_begins_before_the_first_result(tmp_path: Path) -> None:
    """Until a result has the metric, it says what is missing; so it says what cannot be read."""
    tracker = open_tracker(tmp_path / "base")
    watch = Watch(str(tmp_path / "base"), "--watch", "--by", "x", folder=tmp_path)
    read_until(watch.terminal, "by='x': no result has a numeric field of that name; there are: none")
    tracker.put("first", x=0.5)
    read_until(watch.terminal, "Best: first (x 0.5)")
    (tmp_path / "base" / "bad").write_text("{")
    read_until(watch.terminal, "Not readable and left out: 1")
    assert watch.end(signal.SIGINT)[0] == 130


def test_watch_says_first_what_a_low_terminal_would_cut_off(base: Path, tmp_path: Path) -> None:
    """The best row and the number of rows come before the table, whose last rows have no room."""
    watch = Watch(str(base), "--watch", "--rows", "6", folder=tmp_path, lines=8)
    shown = read_until(watch.terminal, "...")
    assert "Best: large/seed_2 (accuracy 0.95)" in shown
    assert "The best 6 of 7 rows" in shown
    assert "Failed and left out: 1" in shown
    assert "large/seed_2" in shown
    assert "small/seed_0" not in shown
    code, shown = watch.end(signal.SIGINT)
    assert (code, "small/seed_0" in shown) == (130, True)


def test_the_best_of_100_000_results(tmp_path: Path) -> None:
    """The table has the best 50, and says how many there are."""
    archive = tmp_path / "base.ndjson"
    archive.write_text("".join(f'{{"key":"t{n:06}","x":{n * 7919 % 100_000}.0,"y":{n % 7}}}\n' for n in range(100_000)))
    watch = Watch(str(archive), folder=tmp_path)
    shown = read_until(watch.terminal, "The best 50 of 100,000 rows")
    watch.process.wait()
    rows = re.findall(r"t\d{6} +(\d+) ", shown)
    assert rows == [str(x) for x in range(99_999, 99_949, -1)]
    assert watch.end(signal.SIGINT)[0] == 0


@pytest.mark.parametrize("arguments", [("--watch",), ()])
def test_a_terminal_shows_a_table(base: Path, arguments: tuple[str, ...]) -> None:
    """Once with all its notes; or renewed while results arrive, until Ctrl-C, which shows the cursor again."""
    tracker: ResultTracker = open_tracker(base)
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "typedtrack", "top", str(base), *arguments]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "40"}
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
    )
    os.close(slave)
    read_until(master, "Best: large/seed_2 (accuracy 0.95)", "0.95 ± 0.01")
    if arguments:
        tracker.put("huge/seed_0", {"accuracy/mean": 0.99, "accuracy/sem": 0.0, "epochs": 5, "note": "\x1b[31m"[1:]})
        read_until(master, "Best: huge/seed_0 (accuracy 0.99)")
        process.send_signal(signal.SIGINT)
        read_until(master, "\x1b[?25h")
        assert process.wait() == 130
    else:
        assert process.wait() == 0
    os.close(master)
