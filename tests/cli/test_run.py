"""``typedtrack run`` as a process: exit codes, failures, the environment, streams, retries."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from typedtrack import Failure, ResultFailedError, open_tracker

PUT = """echo '{"accuracy": 0.5}' > "$TYPEDTRACK_BASE/$TYPEDTRACK_KEY" """
FAIL = """echo '{"failure/type": "Own"}' > "$TYPEDTRACK_BASE/$TYPEDTRACK_KEY" """


def wrapper(base: object, key: str, *program: str, options: tuple[str, ...] = ()) -> list[str]:
    """Return the command that runs *program* under *key*."""
    return [sys.executable, "-m", "typedtrack", "run", *options, str(base), key, "--", *program]


def run_shell(base: Path, script: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run *script* under the key ``k``."""
    base.mkdir(exist_ok=True)
    command = wrapper(base, "k", "sh", "-c", script, options=options)
    return subprocess.run(command, capture_output=True, text=True, check=False)


def failure(base: object, key: str = "k") -> dict[str, object]:
    """Return the failure that is stored under *key*, without the name of this host."""
    with pytest.raises(ResultFailedError) as caught:
        open_tracker(str(base)).get(key)
    failed = caught.value.failure
    assert failed.host == os.uname().nodename
    return {"type": failed.type, "message": failed.message, "exit_code": failed.exit_code}


@pytest.mark.parametrize(
    ("script", "code", "kind", "message"),
    [
        ("exit 3", 3, "ExitCode", "sh exited with code 3"),
        ("exec sh -c 'exit 4'", 4, "ExitCode", "sh exited with code 4"),
        ("exec >&- 2>&- <&-; exit 5", 5, "ExitCode", "sh exited with code 5"),
        ("kill -KILL $$", 137, "Signal", "sh was ended by SIGKILL"),
        ("kill -PIPE $$", 141, "Signal", "sh was ended by SIGPIPE"),
        ("kill -40 $$", 168, "Signal", "sh was ended by signal 40"),
    ],
)
def test_a_failure_is_stored_and_its_exit_code_passed_on(
    tmp_path: Path, script: str, code: int, kind: str, message: str
) -> None:
    """A shell's exit code for a signal is 128 and its number; standard error has a line for both."""
    ended = run_shell(tmp_path, script)
    assert (ended.returncode, ended.stdout) == (code, "")
    assert ended.stderr == f"typedtrack: {message}; key 'k' holds no result\n"
    assert failure(tmp_path) == {"type": kind, "message": message, "exit_code": code}


def test_success_without_a_result_is_a_failure(tmp_path: Path) -> None:
    """The program claims success, but its coordinator would wait for ever."""
    ended = run_shell(tmp_path, "exit 0")
    assert (ended.returncode, ended.stderr) == (1, "typedtrack: sh exited with code 0; key 'k' holds no result\n")
    assert failure(tmp_path) == {"type": "NoResult", "message": "sh exited with code 0", "exit_code": 0}


@pytest.mark.parametrize("code", [0, 3])
def test_a_result_stays_whatever_the_exit_code(tmp_path: Path, code: int) -> None:
    """The exit code passes; nothing is stored over the result, and nothing is printed."""
    ended = run_shell(tmp_path, f"{PUT}; echo out; exit {code}")
    assert (ended.returncode, ended.stdout, ended.stderr) == (code, "out\n", "")
    assert open_tracker(tmp_path)["k"] == {"accuracy": 0.5}


@pytest.mark.parametrize(("code", "passed"), [(0, 1), (3, 3)])
def test_a_failure_of_the_program_stays(tmp_path: Path, code: int, passed: int) -> None:
    """It says more than an exit code, and is not a result: success with it exits with 1."""
    assert run_shell(tmp_path, f"{FAIL}; exit {code}").returncode == passed
    assert dict(open_tracker(tmp_path).failures()) == {"k": Failure(type="Own")}


@pytest.mark.parametrize(
    ("program", "code", "reason"),
    [
        ("no-such-program", 127, "No such file or directory"),
        ("./data", 126, "Permission denied"),
        ("./text", 126, "Exec format error"),
    ],
)
def test_a_program_that_cannot_be_started_is_a_failure(tmp_path: Path, program: str, code: int, reason: str) -> None:
    """The exit codes are those of shells; it is not tried again."""
    (tmp_path / "data").write_text("", "utf-8")
    (tmp_path / "text").write_text("no script", "utf-8")
    (tmp_path / "text").chmod(0o700)
    command = wrapper(tmp_path, "k", program, options=("--retries", "2"))
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    message = f"{program.removeprefix('./')} cannot be started: {reason}"
    assert (ended.returncode, ended.stderr) == (code, f"typedtrack: {message}; key 'k' holds no result\n")
    assert failure(tmp_path) == {"type": "ExitCode", "message": message, "exit_code": code}


def test_the_failure_names_the_program_without_its_arguments(tmp_path: Path) -> None:
    """Arguments may hold passwords."""
    run_shell(tmp_path, "exit 3; # secret")
    assert "secret" not in (tmp_path / "k").read_text("utf-8")


@pytest.mark.parametrize(("code", "passed"), [(0, 3), (7, 7)])
def test_where_the_store_fails_the_exit_code_still_passes(tmp_path: Path, code: int, passed: int) -> None:
    """A line says that the store failed; only a program that succeeded exits with 3."""
    base = tmp_path / "base"
    ended = run_shell(base, f'rmdir "$TYPEDTRACK_BASE"; echo > "$TYPEDTRACK_BASE"; exit {code}')
    assert ended.returncode == passed
    assert "typedtrack: cannot tell whether the failure of key 'k' was stored: " in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_program_finds_base_and_key_in_its_environment(tmp_path: Path) -> None:
    """A local base is absolute, so that it stays the same where the program changes its folder."""
    command = wrapper("results", "a b/c", "sh", "-c", 'echo "$TYPEDTRACK_BASE"; echo "$TYPEDTRACK_KEY"')
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert ended.stdout == f"{tmp_path}/results\na b/c\n"


def test_base_and_key_may_come_from_the_environment(tmp_path: Path) -> None:
    """A ``run`` inside another works on the same key."""
    environment = {**os.environ, "TYPEDTRACK_BASE": str(tmp_path), "TYPEDTRACK_KEY": "k"}
    command = [sys.executable, "-m", "typedtrack", "run", "--", "sh", "-c", PUT]
    subprocess.run(command, check=True, env=environment)
    assert open_tracker(tmp_path)["k"] == {"accuracy": 0.5}


def test_open_tracker_takes_the_base_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An argument is needed only where the variable is not set, or is empty."""
    monkeypatch.setenv("TYPEDTRACK_BASE", str(tmp_path))
    assert repr(open_tracker()) == repr(open_tracker(tmp_path))
    for value in ("", None):
        monkeypatch.delenv("TYPEDTRACK_BASE") if value is None else monkeypatch.setenv("TYPEDTRACK_BASE", value)
        with pytest.raises(
            ValueError, match=r"pass one to open_tracker\(\), or set the environment variable TYPEDTRACK_BASE"
        ):
            open_tracker()


@pytest.mark.parametrize(
    ("arguments", "environment", "message"),
    [
        (["b", "k", "true"], {}, "PROGRAM is missing: typedtrack run [BASE KEY] -- PROGRAM [ARGS]..."),
        (["b", "k", "--"], {}, "PROGRAM is missing: typedtrack run [BASE KEY] -- PROGRAM [ARGS]..."),
        (["b", "--", "true"], {}, "expected BASE and KEY, or neither, got: b"),
        (["b", "k", "c", "--", "true"], {}, "expected BASE and KEY, or neither, got: b k c"),
        (
            ["--", "true"],
            {"TYPEDTRACK_BASE": "b"},
            "BASE and KEY are missing: pass both, or set TYPEDTRACK_KEY, too",
        ),
        (
            ["--retries", "-1", "b", "k", "--", "true"],
            {},
            "Invalid value for '--retries': -1 is not in the range x>=0.",
        ),
        (["b", "/k", "--", "true"], {}, "key '/k': "),
        (["x://b", "k", "--", "true"], {}, "ValueError: "),
    ],
)
def test_misuse_starts_no_program(
    tmp_path: Path, arguments: list[str], environment: dict[str, str], message: str
) -> None:
    """It exits with 2, and one line says how to call it."""
    command = [sys.executable, "-m", "typedtrack", "run", *arguments]
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=tmp_path, env={**os.environ, **environment}
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"typedtrack: {message}")
    assert ended.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("base", "code", "reason"),
    [
        ("old.ndjson", 2, "put is not safe on ArchiveResultTracker('old.ndjson'): an archive is read-only; "),
        ("http://127.0.0.1/results", 2, "storing a failure is not safe on HttpResultTracker("),
        ("file", 3, "NotADirectoryError: [Errno 20] this is not a folder, so no result can be below it: "),
        ("/proc/self", 3, "OSError: [Errno 30] the kernel keeps no results here; choose a folder on a disk: "),
        ("used", 2, "key 'k': in its way is a folder that is not empty; "),
        ("linked", 2, "key 'k': in its way is a folder that is not empty; "),
        ("above", 2, "key 'a/k': in its way is a result, stored under key 'a'; "),
    ],
)
def test_no_program_is_started_whose_result_could_not_be_stored(
    tmp_path: Path, base: str, code: int, reason: str
) -> None:
    """A job of days would be lost. Nothing is written to find out."""
    (tmp_path / "file").write_text("", "utf-8")
    open_tracker(tmp_path / "used").put("k/1", x=1)
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "k").symlink_to(tmp_path / "used")
    open_tracker(tmp_path / "above").put("a", x=1)
    before = sorted(tmp_path.rglob("*"))
    command = wrapper(base, "a/k" if base == "above" else "k", "/usr/bin/touch", "started")
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (code, "", 1)
    assert ended.stderr.startswith(f"typedtrack: touch was not started: {reason}")
    assert sorted(tmp_path.rglob("*")) == before


def test_no_program_is_started_where_the_store_does_not_answer(tmp_path: Path) -> None:
    """The client's own words say why, and the exit code is that of a store that failed."""
    patch = "from typedtrack.backends.local import LocalResultTracker as Local; from typedtrack.cli import main\n"
    patch += "def _read(*_): raise ConnectionError('no route to the store')\n"
    patch += "Local._read = _read; import sys; main(sys.argv[1:])"
    command = [sys.executable, "-c", patch, *wrapper(tmp_path, "k", "touch", f"{tmp_path}/started")[3:]]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    message = f"typedtrack: touch was not started: ConnectionError: no route to the store (look for {tmp_path}/k)\n"
    assert (ended.returncode, ended.stderr) == (3, message)
    assert list(tmp_path.iterdir()) == []


def test_a_program_may_mend_what_its_key_holds(tmp_path: Path) -> None:
    """A torn result, or an empty folder, is in the way of no put."""
    (tmp_path / "k").write_text("{", "utf-8")
    assert run_shell(tmp_path, PUT).returncode == 0
    (tmp_path / "k").unlink()
    (tmp_path / "k").mkdir()
    assert run_shell(tmp_path, 'rmdir "$TYPEDTRACK_BASE/k"; exit 3').returncode == 3
    assert failure(tmp_path)["exit_code"] == 3


def test_run_has_help_and_completion(cli: Cli) -> None:
    """A missing program is not an error there."""
    assert cli("run", "--help").out.startswith("Usage: typedtrack run [OPTIONS] [BASE KEY] -- PROGRAM [ARGS]...")


# -- streams -----------------------------------------------------------------------------------------------------------


def test_the_program_reads_and_writes_the_streams_itself(tmp_path: Path) -> None:
    """They are inherited, other open files too."""
    reader, writer = os.pipe()
    command = wrapper(tmp_path, "k", "sh", "-c", f"cat; echo err >&2; echo other >/dev/fd/{writer}")
    ended = subprocess.run(command, input=b"in\n", capture_output=True, check=False, pass_fds=[writer])
    os.close(writer)
    assert (ended.stdout, ended.stderr.splitlines()[0]) == (b"in\n", b"err")
    with open(reader, "rb") as other:
        assert other.read() == b"other\n"


def test_streams_that_the_program_closes_are_closed(tmp_path: Path) -> None:
    """The reader of its output sees the end, and the writer of its input a broken pipe, while the program lives on."""
    reader, writer = os.pipe()
    command = wrapper(tmp_path, "k", "sh", "-c", f"exec >&- <&-; read line </dev/fd/{reader}; exit 6")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[reader]) as running:
        os.close(reader)
        assert running.stdin is not None
        assert running.stdout is not None
        assert running.stdout.read() == b""
        poll = select.poll()
        poll.register(running.stdin, 0)
        assert poll.poll() == [(running.stdin.fileno(), select.POLLERR)]
        assert running.poll() is None
        os.write(writer, b"go on\n")
    os.close(writer)
    assert running.returncode == 6


def test_closed_streams_stay_closed(tmp_path: Path) -> None:
    """The program gets none that its caller did not open; the failure is stored, though no line can say so."""
    script = "for stream in 0 1 2; do [ ! -e /proc/$$/fd/$stream ] || exit 9; done; exit 4"
    command = wrapper(tmp_path, "k", "sh", "-c", script)
    ended = subprocess.run(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command], check=False)
    assert (ended.returncode, failure(tmp_path)["exit_code"]) == (4, 4)


def test_a_closed_pipe_at_standard_error_hides_no_failure(tmp_path: Path) -> None:
    """The line is dropped."""
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(wrapper(tmp_path, "k", "false"), check=False, stderr=writer)
    os.close(writer)
    assert (ended.returncode, failure(tmp_path)["exit_code"]) == (1, 1)


def test_a_program_that_forks_and_exits_has_ended(tmp_path: Path) -> None:
    """`run` does not wait for processes that the program leaves behind, as a shell does not."""
    reader, writer = os.pipe()
    command = wrapper(tmp_path, "k", "sh", "-c", f"cat </dev/fd/{reader} >/dev/null 2>&1 & exit 5")
    ended = subprocess.run(command, check=False, pass_fds=[reader], stderr=subprocess.DEVNULL)
    os.close(reader)
    assert (ended.returncode, failure(tmp_path)["exit_code"]) == (5, 5)
    os.write(writer, b"x")  # it is still there: without a reader this would be a broken pipe
    os.close(writer)


# -- retries -----------------------------------------------------------------------------------------------------------

COUNT = 'echo >> "$TYPEDTRACK_BASE/.starts"; n=$(wc -l < "$TYPEDTRACK_BASE/.starts")'
NO_FAILURE_YET = '[ ! -e "$TYPEDTRACK_BASE/$TYPEDTRACK_KEY" ] || exit 99'


def starts(base: Path) -> int:
    """Return how often a script with `COUNT` was started."""
    return len((base / ".starts").read_text("utf-8").splitlines())


def test_a_failed_program_is_started_again_until_it_returns(tmp_path: Path) -> None:
    """No failure is stored before the last attempt, so no reader hears of one."""
    ended = run_shell(tmp_path, f"{COUNT}; {NO_FAILURE_YET}; [ $n = 3 ] || exit $n; {PUT}", "--retries", "5")
    assert ended.returncode == 0
    assert ended.stderr.splitlines() == [
        "typedtrack: sh exited with code 1; key 'k' holds no result",
        "typedtrack: starting sh again, retry 1 of 5",
        "typedtrack: sh exited with code 2; key 'k' holds no result",
        "typedtrack: starting sh again, retry 2 of 5",
    ]
    assert open_tracker(tmp_path)["k"] == {"accuracy": 0.5}


def test_the_last_failure_is_stored(tmp_path: Path) -> None:
    """A run with N retries starts the program N + 1 times; success without a result is tried again, too."""
    ended = run_shell(tmp_path, f"{COUNT}; {NO_FAILURE_YET}; [ $n = 3 ] || exit 0; exit 7", "--retries", "2")
    assert (ended.returncode, starts(tmp_path), failure(tmp_path)["exit_code"]) == (7, 3, 7)


def test_the_streams_outlive_the_first_attempt(tmp_path: Path) -> None:
    """The next one reads on, and writes to the same place."""
    command = wrapper(tmp_path, "k", "sh", "-c", "read line; echo got $line; exit 1", options=("--retries", "1"))
    ended = subprocess.run(command, input=b"one\ntwo\n", capture_output=True, check=False)
    assert ended.stdout == b"got one\ngot two\n"


def test_a_failure_that_the_program_stores_itself_waits_for_the_last_attempt(tmp_path: Path) -> None:
    """`attempt` says more than an exit code, but a retry may mend it."""
    program = """
import os
from typedtrack import open_tracker
tracker = open_tracker()
assert "k" not in tracker
with tracker.attempt("k"):
    raise ValueError(os.environ["TYPEDTRACK_RETRIES"])
"""
    command = wrapper(tmp_path, "k", sys.executable, "-c", program, options=("--retries", "1"))
    assert subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode == 1
    assert failure(tmp_path) == {"type": "ValueError", "message": "0", "exit_code": None}


def test_another_key_fails_at_once_under_retries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the key of the run is started again."""
    monkeypatch.setenv("TYPEDTRACK_KEY", "k")
    monkeypatch.setenv("TYPEDTRACK_RETRIES", "2")
    tracker = open_tracker(tmp_path)
    assert not tracker.fail("k", "no")
    assert tracker.fail("other", "yes")
    assert list(tracker) == ["other"]


def test_a_store_without_an_atomic_create_gets_no_failure(tmp_path: Path) -> None:
    """A warning says so, and the exit code passes."""
    program = (
        "import sys; from typedtrack.backends.local import LocalResultTracker as Local; "
        "from typedtrack.errors import UnsupportedOperationError as Error; from typedtrack.cli import main\n"
        "def write(self, key, data, *, exclusive=False): raise Error('create', 'T', 'use another store')\n"
        "Local._write = write; main(sys.argv[1:])"
    )
    command = [sys.executable, "-c", program, *wrapper(tmp_path, "k", "sh", "-c", "exit 3")[3:]]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 3
    assert "typedtrack: warning: the failure of key 'k' was not stored: " in ended.stderr
    assert list(open_tracker(tmp_path)) == []


def test_a_result_ends_the_retries(tmp_path: Path) -> None:
    """Its exit code passes, whatever it is."""
    assert run_shell(tmp_path, f"{COUNT}; {PUT}; exit 8", "--retries", "2").returncode == 8
    assert starts(tmp_path) == 1


def test_a_request_to_stop_ends_the_retries(tmp_path: Path) -> None:
    """After SIGTERM `run` does not start the program again."""
    script = f"{COUNT}; kill -TERM $PPID; read line"
    command = wrapper(tmp_path, "k", "sh", "-c", script, options=("--retries", "2"))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        running.wait()
    assert (running.returncode, starts(tmp_path)) == (128 + signal.SIGTERM, 1)
    assert failure(tmp_path)["message"] == "sh was ended by SIGTERM after SIGTERM"


@pytest.mark.parametrize("script", ["kill -TERM $PPID; read line", "trap 'exit 0' TERM; kill -TERM $PPID; read line"])
def test_a_job_that_is_requeued_has_not_failed(tmp_path: Path, script: str) -> None:
    """A preempted job is started again by its scheduler, so no reader may hear of a failure."""
    command = wrapper(tmp_path, "k", "sh", "-c", script, options=("--requeue", "--retries", "1"))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        running.wait()
    assert running.returncode == (1 if "trap" in script else 128 + signal.SIGTERM)
    assert list(open_tracker(tmp_path)) == []


def test_a_job_that_fails_by_itself_is_not_requeued(tmp_path: Path) -> None:
    """Its failure is stored at once."""
    assert run_shell(tmp_path, "exit 3", "--requeue").returncode == 3
    assert failure(tmp_path)["exit_code"] == 3
