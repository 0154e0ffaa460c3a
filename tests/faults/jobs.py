"""A scheduler of many short jobs, a tenth of them killed: ``python jobs.py BASE COUNT SEED``.

Prints the number of each job when it has ended. Half of the jobs put their result in Python, half are shell scripts
under ``typedtrack run``. The jobs are forks, so that a thousand cost seconds. Their standard input ends with the test.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from pathlib import Path
from random import Random
from typing import NoReturn

from typedtrack import open_tracker
from typedtrack.cli.app import run

SIGNALS = [
    *(signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP),
    *(signal.SIGQUIT, signal.SIGUSR1, signal.SIGSEGV, signal.SIGABRT),
]
PUT = """printf '{"number": %s}\\n' "$0" > "$TYPEDTRACK_BASE/.$0" && mv "$TYPEDTRACK_BASE/.$0" "$TYPEDTRACK_BASE/$0" """
AT_ONCE = 8  # jobs


def is_doomed(number: int) -> bool:
    """Return whether the job of this *number* is killed."""
    return number % 10 == 0


def has_no_end(number: int) -> bool:
    """Return whether the job of this *number* stores nothing, and waits until it is killed."""
    return number % 20 == 0


def under_run(number: int) -> bool:
    """Return whether the job of this *number* is a shell script under ``typedtrack run``."""
    return number % 40 < 20 if is_doomed(number) else number % 2 == 1


def main(base: str, count: int, random: Random) -> None:
    """Run jobs 0 to *count*, and kill those that are doomed, each by a random signal at a random moment."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # as for a job of its own
    running: dict[int, int] = {}
    for number in range(count):
        if len(running) == AT_ONCE:
            report_one(running)
        process = os.fork()
        if not process:
            do_job(base, number)
        running[process] = number
        if is_doomed(number):
            time.sleep(random.uniform(0, 0.1))  # before, while and after it starts its program
            target = random.choice([process, *children(process)])
            os.kill(target, random.choice(SIGNALS))
    for process, number in running.items():
        if has_no_end(number):  # its signal came to a process that had just ended
            os.kill(process, signal.SIGTERM)
    while running:
        report_one(running)


def report_one(running: dict[int, int]) -> None:
    """Wait until one of the *running* processes has ended, and print the number of its job."""
    process, _ = os.wait()
    print(running.pop(process), flush=True)


def children(process: int) -> list[int]:
    """Return the processes that *process* has started and that have not ended."""
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text("ascii").split()]


def do_job(base: str, number: int) -> NoReturn:
    """Do the job of this *number*, and end the process."""
    code = 99
    try:
        if under_run(number):
            script = "read line" if has_no_end(number) else PUT
            code = run(["run", base, str(number), "--", "sh", "-c", script, str(number)])
        elif has_no_end(number):
            signal.pause()
        else:
            open_tracker(base).put(number, number=number)
            code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Random(sys.argv[3]))
