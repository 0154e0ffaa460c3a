"""Threads and processes that run one function at once."""

from __future__ import annotations

import os
import threading
import traceback
from collections.abc import Callable

__all__ = ["processes", "threads"]


def threads(number: int, run: Callable[[int], None], start: threading.Barrier | None = None) -> None:
    """Run *run* in so many threads, each with a number of its own; raise the first error.

    *start* is a barrier that they wait at: an error of one lets the others go.
    """
    errors: list[BaseException] = []

    def guarded(n: int) -> None:
        try:
            run(n)
        except BaseException as error:
            errors.append(error)
            if start is not None:
                start.abort()

    running = [threading.Thread(target=guarded, args=(n,)) for n in range(number)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    if errors:
        raise errors[0]


def processes(number: int, run: Callable[[int], None]) -> None:
    """Run *run* in so many processes, each with a number of its own; fail if one of them raises."""
    children: list[int] = []
    for n in range(number):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                run(n)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert codes == [0] * number
