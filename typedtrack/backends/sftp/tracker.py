"""Results on an sftp server.

A put writes a hidden file beside its target and renames it over the target. A create links the hidden file, which the
server refuses if the target exists. The rename and the link are OpenSSH's extensions of the protocol. The protocol has
no errors for "exists" and "is a folder". So after a bare failure the tracker looks for the cause, in order to name it.
Another caller may have removed the cause meanwhile: then the tracker tries once more.

The steps of all calls stand in this one module, because each step must expect what another call may do beside it.
"""

from __future__ import annotations

import errno
import itertools
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar
from weakref import WeakValueDictionary

from asyncssh.sftp import SFTPBadMessage, SFTPFailure, SFTPOpUnsupported
from sshfs.spec import SSHFileSystem

from typedtrack._results.keys import is_key
from typedtrack.backends.asynchronous import AsyncResultTracker, Page, Task
from typedtrack.backends.sftp.channel import Entry, Kind, SftpChannel
from typedtrack.errors import KeyConflictError, UnsupportedOperationError

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from fsspec import AbstractFileSystem

    from typedtrack._tracker.untyped import ResultTracker

__all__ = ["SftpResultTracker", "tracker_over"]

T = TypeVar("T")
U = TypeVar("U")
P = ParamSpec("P")

_ATTEMPTS: Final = 100  # to make or remove folders that others keep removing or making

_process: Final = os.urandom(6).hex()
_writes = itertools.count()
_channels: Final[WeakValueDictionary[int, SftpChannel]] = WeakValueDictionary()  # by the id of the filesystem


class SftpResultTracker(AsyncResultTracker):
    """Results in the folder *root* of an sftp server; errors name the server by *place* (``ssh://host``)."""

    def __init__(
        self,
        loop: AbstractEventLoop,
        channel: SftpChannel,
        root: str,
        place: str,
        max_concurrency: int,
        timeouts: Iterable[object] = (),
    ) -> None:
        super().__init__(loop, max_concurrency, timeouts)
        self._channel = channel
        self._folder = root.rstrip("/")
        self._place = place
        self._seen_folder = ""  # the last folder on the way to a missing file that was seen to be one

    # Each call restores a lost connection before its first request, and never between two: a call whose connection
    # breaks is not repeated unless the caller asks for it.

    def _read(self, key: str, limit: int) -> bytes | None:
        self._channel.restore()
        return super()._read(key, limit)

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        self._channel.restore()
        super()._write(key, data, exclusive=exclusive)

    def _delete(self, key: str) -> None:
        self._channel.restore()
        super()._delete(key)

    def _listing(self, prefix: str, *, details: bool) -> Iterator[Page]:
        self._channel.restore()
        return super()._listing(prefix, details=details)

    def _windowed(self, call: Callable[[T], Task[U]], arguments: Iterable[T]) -> Iterator[tuple[T, U | Exception]]:
        self._channel.restore()
        return super()._windowed(call, arguments)

    # By the event loop: the `_read` and `_write` above would replace these by calls in threads.
    _read_many = AsyncResultTracker._read_many
    _write_many = AsyncResultTracker._write_many

    def _location(self, text: str) -> str:
        return f"{self._place}{self._folder}/{text}"

    def _path(self, key: str) -> str:
        return f"{self._folder}/{key}"

    async def _kind(self, path: str) -> Kind | None:
        """Return the kind of *path*, or of the file that a link there leads to; a link that leads nowhere is a link."""
        try:
            kind = await self._channel.own_kind(path)
        except FileNotFoundError:
            return None
        if kind == "link":
            with suppress(FileNotFoundError):
                return await self._channel.kind(path)
        return kind

    async def _confirm_absence(self, path: str) -> None:
        """Raise `NotADirectoryError` unless the file *path* is missing because nothing was put.

        That is so where a folder is missing, and below a result. But the server also reports a file as missing below
        a link to storage that is not mounted, and where the base is a file. A folder that was seen is not asked for
        again, nor are those above it.
        """
        while (path := path.rpartition("/")[0]) and not f"{self._seen_folder}/".startswith(f"{path}/"):
            kind = await self._kind(path)
            if kind in ("file", "other") and path.startswith(f"{self._folder}/"):
                return
            if kind is not None:
                _require_folder(path, kind)
                self._seen_folder = path

    async def _read_one(self, key: str, limit: int) -> bytes | None:
        return await _twice(self._read_file, key, limit)

    async def _read_file(self, key: str, limit: int) -> bytes | None:
        path = self._path(key)
        try:
            return await self._channel.read(path, limit)
        except FileNotFoundError:
            await self._confirm_absence(path)
            return None
        except SFTPFailure:
            if await self._kind(path) == "folder":  # a folder of results is not a result
                return None
            raise

    async def _write_one(self, key: str, data: bytes, exclusive: bool = False) -> None:
        await _twice(self._write_file, key, data, exclusive)

    async def _write_file(self, key: str, data: bytes, exclusive: bool) -> None:
        target = self._path(key)
        temporary = f"{target[: target.rindex('/')]}/.typedtrack-{_process}-{os.getpid()}-{next(_writes)}.tmp"
        await self._write_new(temporary, data, key)
        try:
            await self._publish(key, temporary, target, exclusive)
        except BaseException:
            await self._try_to_remove(temporary)
            raise
        if exclusive:
            await self._try_to_remove(temporary)

    async def _write_new(self, temporary: str, data: bytes, key: str) -> None:
        for _ in range(_ATTEMPTS):
            try:
                return await self._channel.write_new(temporary, data)
            except FileNotFoundError:  # only now, because the folder nearly always exists
                await self._make_folders(key)
            except BaseException:
                await self._try_to_remove(temporary)
                raise
        raise FileNotFoundError(errno.ENOENT, "the folder is removed again and again during the put", temporary)

    async def _make_folders(self, key: str) -> None:
        above = self._path(key).split("/")[:-1]
        for end in range(1, len(above) + 1):
            path = "/".join(above[:end])
            kind = "folder" if path == "" else await self._kind(path)
            if kind == "file" and path.startswith(f"{self._folder}/"):
                raise KeyConflictError(key, path.removeprefix(f"{self._folder}/"))
            if kind is not None:
                _require_folder(path, kind)
            else:
                try:
                    await self._channel.make_folder(path)
                except FileNotFoundError:  # another caller has removed the folder above: the next try makes it again
                    return
                except SFTPFailure:
                    if await self._kind(path) is None:  # else another caller made it in between
                        raise

    async def _publish(self, key: str, temporary: str, target: str, exclusive: bool) -> None:
        for _ in range(_ATTEMPTS):
            try:
                if exclusive:
                    return await self._channel.link(temporary, target)
                return await self._channel.replace(temporary, target)
            except SFTPOpUnsupported as error:
                remedy = "the server has no " + ("hard links; use `put`" if exclusive else "atomic rename")
                raise UnsupportedOperationError("create" if exclusive else "put", self._place, remedy) from error
            except SFTPFailure:
                kind = await self._kind(target)
                if kind == "folder":
                    if not await self._remove_empty_folders(target):
                        raise KeyConflictError(key, key) from None
                elif kind == "link" and exclusive:
                    raise FileExistsError(errno.EEXIST, "this link leads nowhere; `put` replaces it", target) from None
                elif kind is not None and exclusive:
                    raise FileExistsError(target) from None
                else:
                    raise
        raise KeyConflictError(key, key)

    async def _remove_empty_folders(self, path: str) -> bool:
        """Remove the folder *path* if it holds nothing but empty folders; return whether it is gone."""
        try:
            for entry in await self._channel.entries(path):
                if entry.kind != "folder" or not await self._remove_empty_folders(f"{path}/{entry.name}"):
                    return False
            await self._channel.remove_folder(path)
        except FileNotFoundError:  # gone already
            return True
        except SFTPFailure:  # a result was put into it in between
            return False
        return True

    async def _try_to_remove(self, path: str) -> None:
        try:
            await self._channel.remove(path)
        except Exception:  # the error that is being raised matters more than a file that stays behind
            pass

    async def _delete_one(self, key: str) -> None:
        await _twice(self._delete_file, key)

    async def _delete_file(self, key: str) -> None:
        path = self._path(key)
        if await self._kind(path) != "file":  # the server would remove a link to a folder, too
            await self._confirm_absence(path)
            raise FileNotFoundError(errno.ENOENT, "no result", path)
        await self._channel.remove(path)

    async def _pages(self, prefix: str, *, details: bool) -> AsyncIterator[Page]:
        if prefix and await self._kind(self._path(prefix)) == "file":
            yield [(prefix, None, None)]
            return
        async for above, entries in self._folders(prefix):
            page: Page = []
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.kind == "file":
                    page.append((above + entry.name, None if entry.size is None else str(entry.size), entry.modified))
                elif entry.kind == "link" and await self._is_file(above + entry.name):
                    page.append((above + entry.name, None, entry.modified))
            yield page

    async def _folders(self, prefix: str) -> AsyncIterator[tuple[str, list[Entry]]]:
        """Yield the path of each folder at or below *prefix*, with a slash at its end, and the folder's entries.

        Folders that cannot hold results are left out.
        """
        folders, of_ext = [prefix], set[str]()
        while folders:
            folder = folders.pop()
            path = self._path(folder).rstrip("/")
            try:
                entries = await self._channel.entries(path or "/")
            except FileNotFoundError:  # nothing was ever put, or the folder was removed since
                await self._confirm_absence(f"{path}/")
                continue
            except PermissionError:
                if folder in of_ext:
                    continue
                raise
            above = f"{folder}/" if folder else ""
            below = {above + entry.name: entry for entry in entries if entry.kind == "folder"}
            folders += filter(is_key, below)
            of_ext |= {path for path, entry in below.items() if entry.name == "lost+found" and entry.is_roots_alone}
            yield above, entries

    def _remove_leftovers(self, older_than: float) -> int:
        self._channel.restore()
        before, folders = time.time() - older_than, self._folders("")

        async def next_folder() -> tuple[str, list[Entry]] | None:
            return await anext(folders, None)

        removed = 0
        failure: Exception | None = None
        while (found := self._wait_for(next_folder())) is not None:
            above, entries = found
            for entry in entries:
                if _is_leftover(entry, before):
                    try:
                        self._wait_for(self._channel.remove(self._path(above + entry.name)))
                        removed += 1
                    except FileNotFoundError:  # its writer lives, or another process removed it
                        pass
                    except PermissionError as error:  # of another user, for example: the others can still be removed
                        failure = failure or error
        if failure is not None:
            raise failure
        return removed

    async def _is_file(self, link: str) -> bool:
        try:
            return await self._channel.kind(self._path(link)) == "file"
        except (FileNotFoundError, SFTPFailure, SFTPBadMessage, PermissionError):
            return False  # it leads nowhere, to itself, to a path that is too long or to one that may not be read


async def _twice(call: Callable[P, Task[T]], *arguments: P.args, **named: P.kwargs) -> T:
    """Make *call*; make it once more after a bare failure without a cause that the tracker can see."""
    try:
        return await call(*arguments, **named)
    except SFTPFailure:
        return await call(*arguments, **named)


def _require_folder(path: str, kind: Kind) -> None:
    if kind == "link":
        reason = "this link leads nowhere, so no result can be below it; mount or make its target"
        raise NotADirectoryError(errno.ENOTDIR, reason, path)
    if kind != "folder":
        raise NotADirectoryError(errno.ENOTDIR, "it is not a folder, so no results can be below it", path)


def _is_leftover(entry: Entry, before: float) -> bool:
    """Return whether *entry* is a writer's hidden file from *before* that time: its writer was killed."""
    is_hidden = entry.name.startswith(".typedtrack-") and entry.name.endswith(".tmp")
    return is_hidden and entry.kind == "file" and entry.modified is not None and entry.modified < before


def tracker_over(fs: AbstractFileSystem, root: str, max_concurrency: int) -> ResultTracker:
    """Return the tracker in the folder *root* of *fs*."""
    assert isinstance(fs, SSHFileSystem)
    channel = _channels.setdefault(id(fs), SftpChannel(fs))
    place, timeouts = f"ssh://{fs.storage_options['host']}", [fs.storage_options.get("timeout")]
    return SftpResultTracker(fs.loop, channel, root, place, max_concurrency, timeouts)
