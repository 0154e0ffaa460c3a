"""``typedtrack run`` and signals: from another process, from a terminal, and as process 1 of a container."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from tests.cli.test_run import failure, wrapper

NAMES = ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGALRM", "SIGXCPU", "SIGRTMIN", "SIGUSR2"]
STOPS = ["SIGTERM", "SIGINT", "SIGHUP"]

# A program that prints the name of each signal it receives, and exits with 5 at its first SIGUSR2.
REPORTER = """
import signal
signals = signal.valid_signals() - {signal.SIGCHLD, signal.SIGCONT}
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
print("ready", flush=True)
name = ""
while name != "SIGUSR2":
    name = signal.Signals(signal.sigwait(signals)).name
    print(name, flush=True)
raise SystemExit(5)
"""
FROZEN = "time.monotonic = lambda: 0.0"  # clocks by which each request to stop is the first,
JUMPING = "time.monotonic = itertools.count(step=10.0).__next__"  # or all but one come much later
REPORTS = (sys.executable, "-S", "-E", "-c", REPORTER)


def number(name: str) -> int:
    """Return the number of the signal *name*."""
    return signal.Signals[name].value


def with_patch(patch: str, command: list[str]) -> list[str]:
    """Return *command* with the Python statements *patch* run first."""
    imports = "import itertools, os, signal, sys, time\nfrom typedtrack.cli import main, run, signals"
    assert command[1:3] == ["-m", "typedtrack"]
    return [sys.executable, "-c", f"{imports}\n{patch}\nmain(sys.argv[1:])", *command[3:]]


@contextmanager
def started(command: list[str], terminal: int | None = None) -> Generator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """Start *command*, whose program prints ``ready``; yield the process and its output; wait for its end."""
    stdin = subprocess.PIPE if terminal is None else terminal
    with subprocess.Popen(
        command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as running:
        assert running.stdout is not None
        try:
            assert running.stdout.readline() == b"ready\n"
            yield running, running.stdout
        except BaseException:
            os.killpg(running.pid, signal.SIGKILL)
            raise
        running.stdout.read()  # a closed pipe would be an error of the program


def test_signals_reach_the_program(tmp_path: Path) -> None:
    """The wrapper survives them, and waits for the program's own end."""
    with started(with_patch(FROZEN, wrapper(tmp_path, "k", *REPORTS))) as (running, output):
        for name in NAMES:
            running.send_signal(number(name))
            assert output.readline() == f"{name}\n".encode()
    message = f"{Path(sys.executable).name} exited with code 5 after {STOPS[0]}"
    assert running.returncode == 5
    assert failure(tmp_path) == {"type": "ExitCode", "message": message, "exit_code": 5}


@pytest.mark.parametrize("name", NAMES)
def test_a_signal_ends_a_program_that_does_not_handle_it(tmp_path: Path, name: str) -> None:
    """The program starts with the signal handling of the wrapper's caller: it blocks and ignores no signal."""
    with started(wrapper(tmp_path, "k", "sh", "-c", "ulimit -c 0; echo ready; exec cat")) as (running, _):
        running.send_signal(number(name))
    code = 128 + number(name)
    assert running.returncode == code
    stored = failure(tmp_path)
    assert (stored["type"], stored["exit_code"]) == ("Signal", code)
    assert str(stored["message"]).startswith(f"sh was ended by {name}")


@pytest.mark.parametrize("name", STOPS)
def test_a_second_request_to_stop_kills(tmp_path: Path, name: str) -> None:
    """A program that ignores it is given SIGKILL, and its failure is stored."""
    with started(with_patch(JUMPING, wrapper(tmp_path, "k", *REPORTS))) as (running, output):
        running.send_signal(number(name))
        assert output.readline() == f"{name}\n".encode()
        running.send_signal(number(name))
    assert running.returncode == 128 + signal.SIGKILL
    assert failure(tmp_path)["message"] == f"{Path(sys.executable).name} was ended by SIGKILL after {name}"


def test_requests_to_stop_within_a_second_are_one(tmp_path: Path) -> None:
    """``timeout`` sends SIGTERM to the wrapper, and then to its whole group; the program has its time to end."""
    with started(with_patch(FROZEN, wrapper(tmp_path, "k", *REPORTS))) as (running, output):
        for name in ["SIGTERM", "SIGTERM", "SIGHUP", "SIGINT", "SIGUSR2"]:
            running.send_signal(number(name))
            assert output.readline() == f"{name}\n".encode()
    assert running.returncode == 5


def test_other_signals_never_kill(tmp_path: Path) -> None:
    """A scheduler may repeat SIGUSR1; and after a request to stop, too."""
    with started(with_patch(JUMPING, wrapper(tmp_path, "k", *REPORTS))) as (running, output):
        for name in ["SIGUSR1", "SIGUSR1", "SIGTERM", "SIGUSR1", "SIGQUIT"]:
            running.send_signal(number(name))
            assert output.readline() == f"{name}\n".encode()
        running.send_signal(signal.SIGHUP)
    assert running.returncode == 128 + signal.SIGKILL


def test_a_signal_that_the_caller_ignored_stays_ignored(tmp_path: Path) -> None:
    """So ``nohup typedtrack run`` outlives its terminal."""
    ignoring = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", *wrapper(tmp_path, "k", *REPORTS)]
    with started(ignoring) as (running, output):
        running.send_signal(signal.SIGHUP)
        running.send_signal(signal.SIGUSR2)
        assert output.readline() == b"SIGUSR2\n"
    assert running.returncode == 5


def test_an_exit_code_is_known_where_the_caller_ignored_sigchld(tmp_path: Path) -> None:
    """The kernel would drop it otherwise."""
    program = (
        "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execvp(sys.argv[1], sys.argv[1:])"
    )
    command = [sys.executable, "-c", program, *wrapper(tmp_path, "k", "sh", "-c", "exit 6")]
    assert subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode == 6


def test_a_signal_that_meets_the_end_of_the_check_is_not_lost() -> None:
    """The program does not start. It would never receive the signal, and might run for ever."""
    program = """
import os, signal
from typedtrack.cli.signals import Supervisor

def check():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})  # as if the process of the check had just ended
    os.kill(os.getppid(), signal.SIGUSR1)
    return 0

print(Supervisor().call(check))
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == f"{128 + signal.SIGUSR1}\n"


def test_ctrl_c_that_meets_the_end_of_the_program_hides_no_failure(tmp_path: Path) -> None:
    """It was meant for the program, so it does not interrupt the store that follows."""
    patch = """
reap, ends = signals._reap, itertools.count(1)
def interrupted(program):
    status = reap(program)
    if status is not None and next(ends) == 2:  # not that of the check before the start
        os.kill(os.getpid(), signal.SIGINT)
    return status
signals._reap = interrupted
"""
    command = with_patch(patch, wrapper(tmp_path, "k", "sh", "-c", "exit 5"))
    assert subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode == 5
    assert failure(tmp_path)["exit_code"] == 5


def test_ctrl_c_ends_a_store_that_hangs(tmp_path: Path) -> None:
    """The program has ended, and nothing else would end the wrapper."""
    patch = """
def hang(*_):
    os.kill(os.getpid(), signal.SIGINT)
    signal.pause()
run._has_result = hang
"""
    command = with_patch(patch, wrapper(tmp_path, "k", "sh", "-c", "exit 5"))
    assert subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode == 128 + signal.SIGINT


@pytest.mark.parametrize("name", [*STOPS, "SIGKILL"])
def test_a_signal_ends_a_check_that_hangs(tmp_path: Path, name: str) -> None:
    """A store that does not answer cannot hold up a job that is cancelled; the program is not started."""
    to = "getpid" if name == "SIGKILL" else "getppid"
    patch = f"""
def hang(*_):
    os.kill(os.{to}(), signal.{name})
    while True:
        signal.pause()
run._check = hang
"""
    command = with_patch(patch, wrapper(tmp_path, "k", "touch", f"{tmp_path}/started"))
    ended = subprocess.run(command, check=False, capture_output=True)
    assert (ended.returncode, ended.stderr) == (128 + number(name), b"")
    assert list(tmp_path.iterdir()) == []


def test_a_request_to_stop_that_meets_the_end_of_the_check_stops(tmp_path: Path) -> None:
    """The program would never hear of it."""
    patch = """
def check(*_):
    os.kill(os.getppid(), signal.SIGTERM)
    return 0
run._check = check
signal.signal(signal.SIGTERM, lambda *_: None)  # the check ends as if the signal came too late for it
"""
    command = with_patch(patch, wrapper(tmp_path, "k", "touch", f"{tmp_path}/started"))
    assert subprocess.run(command, check=False).returncode == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []


def test_signals_are_passed_on_where_the_sender_is_unknown(tmp_path: Path) -> None:
    """The sender is unknown on macOS, which has no ``sigwaitinfo``."""
    command = with_patch("del signal.sigwaitinfo", wrapper(tmp_path, "k", *REPORTS))
    with started(command) as (running, output):
        running.send_signal(signal.SIGINT)
        assert output.readline() == b"SIGINT\n"
        running.send_signal(signal.SIGUSR2)
    assert running.returncode == 5


# -- terminals ---------------------------------------------------------------------------------------------------------

# Makes standard input the terminal of a new session, and becomes its arguments.
AT_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
)


@contextmanager
def started_at_terminal(command: list[str]) -> Generator[tuple[subprocess.Popen[bytes], IO[bytes], int]]:
    """Start *command* as `started` does, at a terminal; yield process, output, and the terminal's keyboard."""
    keyboard, terminal = pty.openpty()
    with started([sys.executable, "-c", AT_TERMINAL, *command], terminal) as (running, output):
        os.close(terminal)
        yield running, output, keyboard


@pytest.mark.parametrize(("key", "name"), [(b"\x03", "SIGINT"), (b"\x1c", "SIGQUIT")])
def test_ctrl_c_reaches_the_program_once(tmp_path: Path, key: bytes, name: str) -> None:
    """The terminal sends it to the program itself; the wrapper, stopped meanwhile, does not send it again."""
    with started_at_terminal(wrapper(tmp_path, "k", *REPORTS)) as (running, output, keyboard):
        running.send_signal(signal.SIGSTOP)
        os.write(keyboard, key)
        assert output.readline() == f"{name}\n".encode()
        running.send_signal(signal.SIGCONT)
        running.send_signal(signal.SIGUSR2)
        assert output.readline() == b"SIGUSR2\n"
    os.close(keyboard)
    assert running.returncode == 5


def test_a_later_ctrl_c_kills(tmp_path: Path) -> None:
    """The terminal sends it to the program, too, which ignores it; the wrapper kills the program."""
    patch = f"""
{JUMPING}
forward = signals.Supervisor._forward
def forward_and_tell(self, received, program, *, from_terminal):
    forward(self, received, program, from_terminal=from_terminal)
    os.kill(program, signal.SIGUSR1)
signals.Supervisor._forward = forward_and_tell
"""
    with started_at_terminal(with_patch(patch, wrapper(tmp_path, "k", *REPORTS))) as (running, output, keyboard):
        os.write(keyboard, b"\x03")
        assert {output.readline(), output.readline()} == {b"SIGINT\n", b"SIGUSR1\n"}  # the wrapper has it, too
        os.write(keyboard, b"\x03")
    os.close(keyboard)
    assert running.returncode == 128 + signal.SIGKILL
    assert failure(tmp_path)["message"] == f"{Path(sys.executable).name} was ended by SIGKILL after SIGINT"


def test_ctrl_c_twice_within_a_second_does_not_kill(tmp_path: Path) -> None:
    """It is one request; the program receives both signals from the terminal, and none from the wrapper."""
    with started_at_terminal(with_patch(FROZEN, wrapper(tmp_path, "k", *REPORTS))) as (running, output, keyboard):
        for _ in range(2):
            os.write(keyboard, b"\x03")
            assert output.readline() == b"SIGINT\n"
        running.send_signal(signal.SIGUSR2)
        assert output.readline() == b"SIGUSR2\n"
    os.close(keyboard)
    assert running.returncode == 5


def test_ctrl_c_reaches_a_program_in_a_group_of_its_own(tmp_path: Path) -> None:
    """The terminal does not send it there."""
    program = REPORTER.replace("import signal", "import os, signal\nos.setpgid(0, 0)", 1)
    command = wrapper(tmp_path, "k", sys.executable, "-S", "-E", "-c", program)
    with started_at_terminal(command) as (running, output, keyboard):
        os.write(keyboard, b"\x03")
        assert output.readline() == b"SIGINT\n"
        running.send_signal(signal.SIGUSR2)
    os.close(keyboard)
    assert running.returncode == 5


def test_a_signal_by_a_process_is_passed_on_at_a_terminal_too(tmp_path: Path) -> None:
    """It reached the wrapper alone."""
    with started_at_terminal(wrapper(tmp_path, "k", *REPORTS)) as (running, output, keyboard):
        running.send_signal(signal.SIGINT)
        assert output.readline() == b"SIGINT\n"
        running.send_signal(signal.SIGUSR2)
    os.close(keyboard)
    assert running.returncode == 5


def test_a_closed_terminal_reaches_the_program(tmp_path: Path) -> None:
    """The kernel sends SIGHUP to the session's leader, which is the wrapper here."""
    with started_at_terminal(wrapper(tmp_path, "k", *REPORTS)) as (running, output, keyboard):
        os.close(keyboard)
        assert output.readline() == b"SIGHUP\n"
        running.send_signal(signal.SIGUSR2)
    assert running.returncode == 5


# -- process 1 ---------------------------------------------------------------------------------------------------------

NAMESPACE = ["unshare", "--pid", "--fork", "--mount-proc"]


@pytest.fixture(scope="session")
def namespace() -> list[str]:
    """Return the start of a command that runs as process 1 of a namespace of its own."""
    try:
        ended = subprocess.run([*NAMESPACE, "true"], check=False, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("unshare is not installed")
    if ended.returncode:
        pytest.skip(f"a namespace is not permitted: {ended.stderr.strip()}")
    return NAMESPACE


def only_child(process: int) -> int:
    """Return the process that *process* started."""
    (child,) = Path(f"/proc/{process}/task/{process}/children").read_text("ascii").split()
    return int(child)


def test_process_1_passes_signals_on(tmp_path: Path, namespace: list[str]) -> None:
    """The kernel drops a signal to process 1 that it does not handle."""
    with started([*namespace, *with_patch(FROZEN, wrapper(tmp_path, "k", *REPORTS))]) as (running, output):
        process_1 = only_child(running.pid)
        for name in NAMES:
            os.kill(process_1, number(name))
            assert output.readline() == f"{name}\n".encode()
    assert running.returncode == 5
    assert failure(tmp_path)["exit_code"] == 5


def test_process_1_reaps_orphans(tmp_path: Path, namespace: list[str]) -> None:
    """A process whose parent has ended is collected, so that the table of processes does not fill."""
    script = """
        [ $PPID = 1 ] || exit 9
        orphan=$(sh -c 'sh -c "read line; exit 3" <&3 >/dev/null & echo $!' 3<&0)
        until grep -q "^PPid:.1$" /proc/$orphan/status; do :; done
        echo ready
        read line
        while kill -0 $orphan 2>/dev/null; do :; done
        exit 5
    """
    with started([*namespace, *wrapper(tmp_path, "k", "sh", "-c", script)]) as (running, _):
        assert running.stdin is not None
        running.stdin.write(b"end\n")  # of the orphan
        running.stdin.write(b"go on\n")
        running.stdin.close()
    assert running.returncode == 5


def test_process_1_stores_the_failure_of_a_killed_program(tmp_path: Path, namespace: list[str]) -> None:
    """When memory runs out, the kernel kills the program, since it is larger than its wrapper."""
    ended = subprocess.run(
        [*namespace, *wrapper(tmp_path, "k", "sh", "-c", "kill -KILL $$")], check=False, stderr=subprocess.DEVNULL
    )
    assert ended.returncode == 128 + signal.SIGKILL
    assert failure(tmp_path)["message"] == "sh was ended by SIGKILL"


def test_process_1_kills_a_program_that_ignores_requests_to_stop(tmp_path: Path, namespace: list[str]) -> None:
    """At the second one; and its failure is stored."""
    with started([*namespace, *with_patch(JUMPING, wrapper(tmp_path, "k", *REPORTS))]) as (running, output):
        process_1 = only_child(running.pid)
        os.kill(process_1, signal.SIGTERM)
        assert output.readline() == b"SIGTERM\n"
        os.kill(process_1, signal.SIGTERM)
    assert running.returncode == 128 + signal.SIGKILL
    assert failure(tmp_path)["message"] == f"{Path(sys.executable).name} was ended by SIGKILL after SIGTERM"


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("sleep 1000 & exit 5", 5),  # forks and exits: the kernel ends what it leaves behind
        ("exec <&- >&- 2>&-; exit 6", 6),
        ("exec sh -c 'exit 7'", 7),
        ("exec sh -c 'kill -TERM $$'", 128 + signal.SIGTERM),
    ],
)
def test_process_1_waits_for_its_program_alone(tmp_path: Path, namespace: list[str], script: str, code: int) -> None:
    """The program may leave processes behind, close its streams, or become another program."""
    command = [*namespace, *wrapper(tmp_path, "k", "sh", "-c", script)]
    ended = subprocess.run(command, check=False, stderr=subprocess.DEVNULL)
    assert (ended.returncode, failure(tmp_path)["exit_code"]) == (code, code)
