"""How many threads a bulk call takes: one while the disk answers from memory, several while it makes a thread wait."""

from __future__ import annotations

import math
import resource
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final, TypeVar

__all__ = ["Pace"]

T = TypeVar("T")
U = TypeVar("U")

_MAX_CHUNK: Final = 32  # calls that a thread makes in a row: passing on a single call costs as much as a read
_CHUNK_SECONDS: Final = 0.01  # the most that a chunk takes, so that results keep coming
_SLOW_SECONDS: Final = 0.0005  # threads gain nothing on a faster chunk
_SLOW_RATIO: Final = 3.0  # threads gain if the time of a chunk is more than so many times its CPU time
_SLOW_CHUNKS: Final = 2  # in a row, as one may be slow by chance

_THREAD: Final = getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF)  # macOS knows only the whole process


class Pace:
    """The number of threads, 1 to *limit*, and the size of the chunks of calls that they make, as measured.

    Attributes:
        threads: the number of threads that suit the calls measured so far.
    """

    def __init__(self, limit: int) -> None:
        self.threads = 1
        self._limit = limit
        self._max_chunk = _MAX_CHUNK
        self._slow_chunks = 0
        self._waits = 0

    def chunks(self, arguments: Iterator[T]) -> Iterator[list[T]]:
        """Yield *arguments* in chunks; their size doubles when each thread has had one."""
        size = 1
        while True:
            for _ in range(self.threads):
                chunk = list(islice(arguments, size))
                if not chunk:
                    return
                yield chunk
            size = min(2 * size, self._max_chunk)

    def measure(self, make: Callable[[list[T]], U], chunk: list[T]) -> U:
        """Return *make(chunk)*, and choose the number of threads by the time that it took."""
        began, cpu_began = time.perf_counter(), time.thread_time()
        made = make(chunk)
        seconds, cpu_seconds = time.perf_counter() - began, time.thread_time() - cpu_began
        if seconds < max(_SLOW_SECONDS, _SLOW_RATIO * cpu_seconds):
            self._slow_chunks = 0
        else:
            self._slow_chunks = self._slow_chunks + 1 if self._has_waited() else 1
        if self._slow_chunks == _SLOW_CHUNKS:
            # So many threads that their CPU time fills the time of one, and as many again for the slower calls.
            self.threads = min(self._limit, math.ceil(2 * seconds / max(cpu_seconds, 1e-9)))
            self._max_chunk = max(1, min(_MAX_CHUNK, int(_CHUNK_SECONDS / seconds * len(chunk))))
        return made

    def _has_waited(self) -> bool:
        """Return whether this thread has waited for something since the last call, as far as the system tells.

        A chunk is also slow while other processes have the processor, but then more threads gain nothing.
        """
        before, self._waits = self._waits, resource.getrusage(_THREAD).ru_nvcsw
        return self._waits == 0 or self._waits != before  # 0: the system does not count
