"""The base of backends whose primitives are coroutines on fsspec's event loop.

A bulk call keeps many requests under way on the loop, without a thread for each and without fsspec's synchronous bridge
between them. The loop runs in a thread of this process, so `FsspecResultTracker` makes a new backend in a forked child.
"""

from __future__ import annotations

import asyncio
import os
from abc import abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping
from concurrent.futures import Future
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, TypeVar

from typedtrack._tracker.backend import READ_LIMIT, Listed, Read
from typedtrack._tracker.untyped import ResultTracker
from typedtrack.backends.answers import BOUND, Pages, late_answer, readable_answers
from typedtrack.backends.versions import with_versions
from typedtrack.errors import UnsupportedOperationError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

    F = TypeVar("F", bound=AbstractFileSystem)

__all__ = ["AsyncResultTracker", "BucketResultTracker", "Page", "Task", "instance_beside"]

T = TypeVar("T")
U = TypeVar("U")
Page: TypeAlias = list[Listed]  # with a mark of the content in place of the version
Task: TypeAlias = Coroutine[Any, Any, T]  # Any: the types that a coroutine yields and is sent, for the event loop only


class AsyncResultTracker(ResultTracker):
    """A backend whose primitives are coroutines, run on *loop*, at most *max_concurrency* at a time.

    *timeouts* are the user's own time-outs for one try, in seconds. Each primitive, and each page of a listing, ends
    within twice the longest of them, or within `BOUND` seconds if that is longer.
    """

    _marks_are_unique: ClassVar[bool] = False
    """Whether the store gives each put a mark that no other has."""

    def __init__(self, loop: asyncio.AbstractEventLoop, max_concurrency: int, timeouts: Iterable[object] = ()) -> None:
        self._loop = loop
        self._process = os.getpid()
        self._bound = max(BOUND, *(2.0 * seconds for seconds in timeouts if isinstance(seconds, int | float)), 0.0)
        self.max_concurrency = max_concurrency

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._location('')!r})"

    @abstractmethod
    def _location(self, text: str) -> str: ...

    @abstractmethod
    async def _read_one(self, key: str, limit: int) -> bytes | None:
        """Do what ``_read`` does."""

    @abstractmethod
    async def _write_one(self, key: str, data: bytes, exclusive: bool = False) -> None:
        """Do what ``_write`` does."""

    @abstractmethod
    async def _delete_one(self, key: str) -> None:
        """Do what ``_delete`` does."""

    @abstractmethod
    def _pages(self, prefix: str, *, details: bool) -> AsyncIterator[Page]:
        """Yield the keys that ``_list`` yields, in pages; their marks and times may lack if *details* is false."""

    def _read(self, key: str, limit: int) -> bytes | None:
        return self._wait_for(self._read_one(key, limit))

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        self._wait_for(self._write_one(key, data, exclusive))

    def _delete(self, key: str) -> None:
        self._wait_for(self._delete_one(key))

    def _list(self, prefix: str) -> Iterator[str]:
        return (key for page in self._listing(prefix, details=False) for key, _, _ in page)

    def _list_details(self, prefix: str) -> Iterator[Listed]:
        pages = self._listing(prefix, details=True)
        return chain.from_iterable(pages) if self._marks_are_unique else with_versions(pages)

    def _listing(self, prefix: str, *, details: bool) -> Iterator[Page]:
        pages = self._pages(prefix, details=details)

        async def next_page() -> Page | None:
            return await anext(pages, None)

        while (page := self._wait_for(next_page())) is not None:
            yield page

    def _read_many(self, keys: Iterable[str]) -> Iterator[tuple[str, Read]]:
        return self._windowed(lambda key: self._read_one(key, READ_LIMIT), keys)

    def _write_many(self, writes: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, Exception | None]]:
        for (key, _), outcome in self._windowed(lambda write: self._write_one(*write), writes):
            yield key, outcome

    def _windowed(self, call: Callable[[T], Task[U]], arguments: Iterable[T]) -> Iterator[tuple[T, U | Exception]]:
        free = asyncio.Semaphore(self.max_concurrency)

        async def outcome_of(argument: T) -> U | Exception:
            async with free:
                try:
                    return await self._bounded(call(argument))
                except Exception as error:
                    return error

        under_way: deque[tuple[T, Future[U | Exception]]] = deque()
        try:
            for argument in arguments:
                under_way.append((argument, self._start(outcome_of(argument))))
                if len(under_way) > 2 * self.max_concurrency:
                    yield under_way[0][0], under_way[0][1].result()
                    under_way.popleft()
            while under_way:
                self._check_process(self._process)
                yield under_way[0][0], under_way[0][1].result()
                under_way.popleft()
        finally:  # also after an interrupt, or where the caller stops
            # The last first, so that no request starts in the place of a cancelled one.
            for _, future in reversed(under_way):
                future.cancel()

    def _start(self, task: Task[T]) -> Future[T]:
        self._check_caller(task)
        return asyncio.run_coroutine_threadsafe(task, self._loop)

    def _wait_for(self, task: Task[T]) -> T:
        self._check_caller(task)
        future = asyncio.run_coroutine_threadsafe(self._bounded(task), self._loop)
        try:
            return future.result()
        except BaseException:  # an interrupt must not leave the request under way
            future.cancel()
            raise

    def _check_caller(self, task: Task[T]) -> None:
        """Check that *task* can run on the loop while its caller waits; close it if not.

        Raises:
            UnsupportedOperationError: the loop is in another process, or in the caller's own thread.
        """
        try:
            self._check_process(self._process)
            if asyncio._get_running_loop() is self._loop:
                remedy = "it would wait for itself; call it in another thread, for example by asyncio.to_thread"
                raise UnsupportedOperationError("a call in the thread of fsspec's event loop", repr(self), remedy)
        except UnsupportedOperationError:
            task.close()
            raise

    async def _bounded(self, task: Task[T]) -> T:
        """Return the result of *task*; wait no longer than the bound, not even for the end of a cancelled request."""
        running = asyncio.ensure_future(task)
        try:
            done, _ = await asyncio.wait([running], timeout=self._bound)
            if not done:
                raise late_answer(self._bound)
            with readable_answers():
                return running.result()
        finally:
            if not running.done():  # also after an interrupt
                running.add_done_callback(_retrieve_error)
                running.cancel()


class BucketResultTracker(AsyncResultTracker):
    """A backend in a bucket: results in *folder* of the bucket that errors name by *url* (``s3://bucket``)."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        url: str,
        folder: str,
        max_concurrency: int,
        timeouts: Iterable[object] = (),
    ) -> None:
        super().__init__(loop, max_concurrency, timeouts)
        self._url = url
        folder = folder.rstrip("/")
        self._base_prefix = f"{folder}/" if folder else ""  # of each object's name, before the key

    def _location(self, text: str) -> str:
        return f"{self._url}/{self._base_prefix}{text}"

    @abstractmethod
    def _objects(self, beginning: str, *, details: bool) -> AsyncIterator[Page]:
        """Yield the names of the bucket's objects that begin with *beginning*, in pages like those of ``_pages``."""

    async def _pages(self, prefix: str, *, details: bool) -> AsyncIterator[Page]:
        beginning = self._base_prefix
        if prefix:
            if await self._read_one(prefix, 1) is not None:
                yield [(prefix, None, None)]
            beginning += f"{prefix}/"
        pages = Pages("the store")
        async for page in self._objects(beginning, details=details):
            pages.check_names([name for name, _, _ in page])
            start = self._base_prefix
            # Other names come from a store that ignores the beginning.
            yield [(name[len(start) :], mark, time) for name, mark, time in page if name.startswith(start)]


def _retrieve_error(running: asyncio.Future[Any]) -> None:
    """Retrieve the error of a request that nobody waits for; asyncio would log it."""
    if not running.cancelled():
        running.exception()


def instance_beside(fs: F, options: Mapping[str, Any]) -> F:
    """Return a filesystem like *fs* with *options*, one for all trackers; *fs* itself, the user's own, is not changed.

    It is kept with *fs* and not in fsspec's cache, so clearing that cache, or doing without it, drops both.
    """
    beside: dict[str, F] = vars(fs).setdefault("_typedtrack", {})
    wanted = repr(sorted(options.items()))
    if wanted not in beside:
        beside.setdefault(wanted, type(fs)(**options, skip_instance_cache=True))
    return beside[wanted]
