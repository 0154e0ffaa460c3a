"""Results on S3, Google Cloud Storage and Azure Blob Storage through obstore's native API.

One request puts, one gets; its calls let other threads run, so the threads of a bulk call are as fast as its own batch
calls and need no event loop. None lets a signal's handler run, so none is made in the main thread. obstore's own
threads do not survive a fork, after which it would wait for ever; so a process that was forked from one that used it is
refused, at once.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, TypeVar

from typedtrack._tracker.threads import interruptibly
from typedtrack._tracker.untyped import ResultTracker
from typedtrack.backends.obstore_client import AZURE, GCS, S3, client_of
from typedtrack.errors import UnsupportedOperationError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem
    from obstore import ObjectMeta
    from obstore.store import AzureStore, GCSStore, S3Store

__all__ = ["OPTIONS", "ObstoreResultTracker", "is_installed", "needs", "serves", "tracker_over"]

OPTIONS: Final = ("client_options", "config", "credential_provider", "retry_config")

_NOTHING: Final = ("NoSuchKey", "BlobNotFound")  # what S3 and Google Cloud Storage, and Azure, say of a missing object
_NO_KEY: Final = ".typedtrack"
# What `obstore.fsspec` and fsspec themselves take, and no store.
_FSSPEC_OPTIONS: Final = (
    "protocol", "asynchronous", "loop", "batch_size", "max_cache_size",
    "use_listings_cache", "listings_expiry_time", "max_paths",
)  # fmt: skip
_is_host = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*").fullmatch
_answer_code = re.compile("<Code>([A-Za-z]+)</Code>").search

# What obstore says of a broken connection, and tries again but for a listing's body, a refusal's body, and a create.
_BROKEN_BODY: Final = "HTTP error: request or response body error"
_BROKEN: Final = "HTTP error: "

T = TypeVar("T")

_process: int | None = None  # the one that used obstore first


def serves(tracker_base: str, storage_options: Mapping[str, object]) -> bool:
    """Return whether *tracker_base* is on a store that obstore speaks to, and *storage_options* are in its words."""
    scheme, _, rest = tracker_base.partition("://")
    return scheme in (*S3, *GCS, *AZURE) and "::" not in rest and set(storage_options) <= set(OPTIONS)


def is_installed() -> bool:
    """Return whether obstore is, without importing it."""
    return find_spec("obstore") is not None


def needs(scheme: str) -> str:
    """Return what to install for *scheme*, as a sentence without its full stop."""
    return f"{scheme}:// needs obstore: pip install 'typedtrack[obstore]'"


class ObstoreResultTracker(ResultTracker):
    """Results under ``s3://bucket/…``, ``gs://bucket/…`` or ``az://container/…``. Making one touches no storage.

    *storage_options* are obstore's: ``config`` (of the store: credentials, region, endpoint), ``client_options``
    (time-outs, proxy), ``retry_config`` and ``credential_provider``; what ``config`` leaves out is taken from the
    environment (``AWS_…``, ``GOOGLE_…``, ``AZURE_STORAGE_…``). Without a ``retry_config`` a request is tried 15 times,
    none begun after 60 s. *max_concurrency* is how many requests a bulk call has under way at once.

    Raises:
        ImportError: obstore is not installed; names the ``pip install`` line.
        ValueError: *tracker_base* is none for obstore, or *storage_options* are not in its words.
    """

    def __init__(
        self, tracker_base: str, *, storage_options: Mapping[str, object] | None = None, max_concurrency: int = 64
    ) -> None:
        scheme, _, rest = tracker_base.partition("://")
        place, _, folder = rest.partition("/")
        folder = folder.rstrip("/")
        container, _, account = place.partition("@")  # abfs://container@account.dfs.core.windows.net/folder
        self._options = dict(storage_options or {})
        if not serves(tracker_base, {}) or not container:
            raise _no_base(tracker_base, "s3://bucket/…, gs://bucket/… or az://container/…")
        is_login = "@" in place and not (scheme in AZURE and _is_host(account))
        if is_login or (":" in place and not place.startswith("arn:")):
            raise _no_base(tracker_base, "a login is given by storage_options or the environment")
        if folder and not {"", ".", ".."}.isdisjoint(folder.split("/")):
            reason = "it takes no folder with an empty segment, '.' or '..'; FsspecResultTracker does"
            raise _no_base(tracker_base, reason)
        if unknown := set(self._options) - set(OPTIONS):
            raise ValueError(f"no storage_options of obstore: {sorted(unknown)}; it takes {', '.join(OPTIONS)}")
        if not is_installed():
            raise ImportError(needs(scheme), name="obstore")
        self._scheme, self._container, self._account = scheme, container, account.partition(".")[0]
        self._above = f"{folder}/" if folder else ""
        self.max_concurrency = max_concurrency
        self._keeps_condition = False  # of a create, in a versioned bucket, as far as is known

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._location('').rstrip('/')!r})"

    def __getstate__(self) -> dict[str, object]:
        state = self.__dict__.copy()
        state.pop("_made_client", None)
        return state

    def _location(self, text: str) -> str:
        return f"{self._scheme}://{self._container}/{self._above}{text}"

    @property
    def _client(self) -> S3Store | GCSStore | AzureStore:
        """The store, in a process that may use it.

        Raises:
            UnsupportedOperationError: this process was forked from one that has used obstore.
        """
        global _process  # noqa: PLW0603  # obstore's threads are one set for the whole process
        here = os.getpid()
        if _process != here:
            if _process is not None:
                remedy = "obstore would hang; start workers with multiprocessing's 'spawn' or 'forkserver', or use "
                remedy += "FsspecResultTracker through s3fs, gcsfs or adlfs"
                raise UnsupportedOperationError("what comes after a fork", repr(self), remedy)
            _process = here
        return self._made_client

    @cached_property
    def _made_client(self) -> S3Store | GCSStore | AzureStore:
        return client_of(self._scheme, self._container, self._account, self._options)

    def _ask(self, call: Callable[[], T], broken: str = _BROKEN_BODY) -> T:
        """Return what *call*, of obstore, returns; made once more where it fails with *broken*.

        To be tried once more is not in the way of a user who has said how often.
        """
        from obstore.exceptions import GenericError

        try:
            return interruptibly(call)
        except GenericError as error:
            if "retry_config" in self._options or broken not in str(error):
                raise
        return interruptibly(call)

    def _read(self, key: str, limit: int) -> bytes | None:
        try:
            return self._ask(partial(_read, self._client, self._above + key, limit))
        except FileNotFoundError as error:
            if self._answer_code(error, key) in _NOTHING:
                return None
            raise

    def _answer_code(self, error: FileNotFoundError, key: str) -> str | None:
        """Return the code of the store's answer, which is only in the text of *error*, after the key: any text."""
        match = _answer_code(str(error).removeprefix(f"Object at location {self._above}{key} not found: "))
        return None if match is None else match[1]

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        import obstore

        if not exclusive:
            self._ask(partial(obstore.put, self._client, self._above + key, data))
        elif self._create_one(key, data) and not self._keeps_condition:
            self._check_that_creates_are_refused()

    def _create_one(self, key: str, data: bytes) -> bool:
        """Create it; return whether it is in a versioned bucket of S3."""
        import obstore
        from obstore.exceptions import AlreadyExistsError

        create = partial(obstore.put, self._client, self._above + key, data, mode="create")
        try:
            answer = self._ask(create, _BROKEN)  # what the first try may have stored, the caller compares
        except AlreadyExistsError as error:
            raise FileExistsError(key) from error
        return self._scheme in S3 and answer["version"] is not None

    def _check_that_creates_are_refused(self) -> None:
        """Check that the store keeps the condition of a create: `typedtrack.backends.s3` says why, and how.

        Raises:
            UnsupportedOperationError: it does not.
        """
        from typedtrack.backends.s3 import PROBE, overwrites

        for _ in range(2):
            try:
                self._create_one(PROBE, b"")
            except FileExistsError:
                self._keeps_condition = True
                return
        raise overwrites(self._location(""))

    def _delete(self, key: str) -> None:
        import obstore

        if self._read(key, 1) is None:  # S3 itself does not tell
            raise FileNotFoundError(key)
        self._ask(partial(obstore.delete, self._client, self._above + key))

    def _list(self, prefix: str) -> Iterator[str]:
        import obstore

        if prefix and self._read(prefix, 1) is not None:  # obstore lists what is below a prefix, not what is at it
            yield prefix
        below = self._above + prefix or None
        pages: Iterator[Sequence[ObjectMeta]] | None = None
        last: str | None = None

        def following() -> Sequence[ObjectMeta] | None:
            nonlocal pages
            client = self._client  # each time, as this may go on in a forked child
            if pages is None:  # or anew, after what was listed
                listed = obstore.list(client, below, offset=last, chunk_size=1000)  # pyright: ignore[reportUnknownMemberType]  # arrow's
                pages = iter(listed)
            try:
                return next(pages, None)
            except Exception:
                pages = None
                raise

        while (page := self._next_page(following)) is not None:
            for entry in page:
                last = entry["path"]
                key = last.removeprefix(self._above)
                if entry["size"] or self._is_stored(key):
                    yield key
        if last is None:
            self._check_that_it_is_a_store()

    def _next_page(self, following: Callable[[], Sequence[ObjectMeta] | None]) -> Sequence[ObjectMeta] | None:
        from obstore.exceptions import InvalidPathError

        try:
            return self._ask(following)
        except InvalidPathError as error:  # of another's object, whose name no key has
            remedy = f"FsspecResultTracker lists what is there; {error}"
            raise UnsupportedOperationError("listing", self._location(""), remedy) from error

    def _is_stored(self, key: str) -> bool:
        """Return whether the empty object that is listed as *key* has that name.

        What other tools make for a folder ends in a slash, which obstore drops: that of the base's own folder as well.
        """
        return self._read(key, 1) is not None

    def _check_that_it_is_a_store(self) -> None:
        """Check, by what no key names, that a store answers, and not a web page, in which obstore finds no entries.

        Raises:
            ConnectionError: the answer is not that nothing is there.
        """
        from obstore.exceptions import PermissionDeniedError

        try:
            if self._read(_NO_KEY, 1) is None:
                return
        except PermissionDeniedError:  # the store's word, too: who may list need not be one who may read
            return
        raise ConnectionError("what was answered to a listing is no store's answer: is the endpoint that of a store?")


def _no_base(tracker_base: str, reason: str) -> ValueError:
    from typedtrack.backends.filesystems import without_password

    return ValueError(f"not a base for obstore: {without_password(tracker_base)!r}; {reason}")


def _read(client: S3Store | GCSStore | AzureStore, path: str, limit: int) -> bytes:
    import obstore

    answer = obstore.get(client, path)
    if answer.meta["size"] <= limit:
        return bytes(answer.bytes())
    data = b""
    for chunk in answer.stream(limit):
        data += bytes(chunk)
        if len(data) >= limit:
            break
    return data[:limit]


def tracker_over(fs: AbstractFileSystem, root: str, max_concurrency: int) -> ResultTracker:
    """Return the tracker in the folder *root* of *fs*."""
    scheme = fs.protocol if isinstance(fs.protocol, str) else fs.protocol[0]
    given = fs.storage_options
    options = {name: given[name] for name in OPTIONS if name in given}
    config = {name: value for name, value in given.items() if name not in (*OPTIONS, *_FSSPEC_OPTIONS)}
    options["config"] = {**(options.get("config") or {}), **config}
    base = f"{scheme}://{root}"
    return ObstoreResultTracker(base, storage_options=options, max_concurrency=max_concurrency)
