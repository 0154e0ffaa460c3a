"""What the backends share whose primitives are coroutines: those on fsspec's asynchronous filesystems, and sftp's.

A bulk call keeps many requests under way on fsspec's event loop, without a thread for each and without fsspec's
synchronous bridge between them. The loop is a thread of this process: `FsspecResultTracker` makes a new backend in a
forked child.
"""

from __future__ import annotations

import asyncio
import os
from abc import abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from typedtrack._tracker.backend import READ_LIMIT, Read
from typedtrack._tracker.untyped import ResultTracker
from typedtrack.errors import UnsupportedOperationError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

    F = TypeVar("F", bound=AbstractFileSystem)

__all__ = ["AsyncResultTracker", "instance_beside"]

T = TypeVar("T")
U = TypeVar("U")
# Of a coroutine's three types, Any are those of what it yields and is sent, which only the event loop sees.
Task: TypeAlias = Coroutine[Any, Any, T]


class AsyncResultTracker(ResultTracker):
    """A backend whose primitives are coroutines, run on *loop*, at most *max_concurrency* at a time.

    Without a loop they run in the caller's thread: those over a client that blocks, which wait for nothing else.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None, max_concurrency: int) -> None:
        self._loop = loop
        self._process = os.getpid()
        self.max_concurrency = max_concurrency

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._location('')!r})"

    @abstractmethod
    def _location(self, text: str) -> str: ...

    @abstractmethod
    async def _read_one(self, key: str, limit: int) -> bytes | None:
        """Do as ``_read``."""

    @abstractmethod
    async def _write_one(self, key: str, data: bytes, exclusive: bool = False) -> None:
        """Do as ``_write``."""

    @abstractmethod
    async def _delete_one(self, key: str) -> None:
        """Do as ``_delete``."""

    @abstractmethod
    def _pages(self, prefix: str) -> AsyncIterator[list[str]]:
        """Do as ``_list``, in pages."""

    def _read(self, key: str, limit: int) -> bytes | None:
        return self._outcome(self._start(self._read_one(key, limit)))

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        self._outcome(self._start(self._write_one(key, data, exclusive)))

    def _delete(self, key: str) -> None:
        self._outcome(self._start(self._delete_one(key)))

    def _list(self, prefix: str) -> Iterator[str]:
        pages = self._pages(prefix)

        async def following() -> list[str] | None:
            return await anext(pages, None)

        while (page := self._outcome(self._start(following()))) is not None:
            yield from page

    def _read_many(self, keys: Iterable[str]) -> Iterator[tuple[str, Read]]:
        return self._windowed(lambda key: self._read_one(key, READ_LIMIT), keys)

    def _write_many(self, writes: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, Exception | None]]:
        for (key, _), outcome in self._windowed(lambda write: self._write_one(*write), writes):
            yield key, outcome

    def _windowed(self, call: Callable[[T], Task[U]], arguments: Iterable[T]) -> Iterator[tuple[T, U | Exception]]:
        free = asyncio.Semaphore(self.max_concurrency)

        async def outcome(argument: T) -> U | Exception:
            async with free:
                try:
                    return await call(argument)
                except Exception as error:
                    return error

        under_way: deque[tuple[T, Future[U | Exception]]] = deque()
        try:
            for argument in arguments:
                under_way.append((argument, self._start(outcome(argument))))
                if len(under_way) > 2 * self.max_concurrency:
                    yield under_way[0][0], under_way[0][1].result()
                    under_way.popleft()
            while under_way:
                self._check_process(self._process)
                yield under_way[0][0], under_way[0][1].result()
                under_way.popleft()
        finally:  # an interrupt, or a caller that wants no more; the last first: none takes another's place
            for _, future in reversed(under_way):
                future.cancel()

    def _start(self, task: Task[T]) -> Future[T]:
        try:
            self._check_process(self._process)
            if self._loop is not None and asyncio._get_running_loop() is self._loop:
                remedy = "it would wait for itself; call it in another thread, as by asyncio.to_thread"
                raise UnsupportedOperationError("a call in the thread of fsspec's event loop", repr(self), remedy)
        except UnsupportedOperationError:
            task.close()
            raise
        if self._loop is None:
            return _done(task)
        return asyncio.run_coroutine_threadsafe(task, self._loop)

    def _outcome(self, future: Future[T]) -> T:
        try:
            return future.result()
        except BaseException:  # an interrupt must not leave the request under way
            future.cancel()
            raise


def _done(task: Task[T]) -> Future[T]:
    """Run *task*, which waits for nothing, to its end."""
    future: Future[T] = Future()
    try:
        task.send(None)
    except StopIteration as end:
        future.set_result(end.value)
    return future


def instance_beside(fs: F, options: Mapping[str, Any]) -> F:
    """Return a filesystem like *fs* with *options*, one for all trackers, which leaves the user's own as it is.

    It is kept with *fs* and not by fsspec: who clears fsspec's cache, or goes without, is rid of both.
    """
    beside: dict[str, F] = vars(fs).setdefault("_typedtrack", {})
    wanted = repr(sorted(options.items()))
    if wanted not in beside:
        beside.setdefault(wanted, type(fs)(**options, skip_instance_cache=True))
    return beside[wanted]
