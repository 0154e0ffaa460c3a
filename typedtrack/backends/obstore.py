"""Results on S3, Google Cloud Storage and Azure Blob Storage through obstore's native API.

A put is one request, and so is a get. obstore's calls release the interpreter, so a bulk call in threads is as fast as
obstore's own batch calls and needs no event loop. But no signal handler runs during a call, so another thread makes it
for the main thread. obstore's threads do not survive a fork, and a call in the child would wait for ever. So such a
call raises an error at once.

The module is long because obstore accepts some answers that are not a store's. Each call checks its answer here.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import chain
from math import inf
from typing import TYPE_CHECKING, Any, Final, TypeVar

from typedtrack._tracker.backend import Listed
from typedtrack._tracker.threads import StillRunningError, call_elsewhere, interruptibly
from typedtrack._tracker.untyped import ResultTracker
from typedtrack.backends.answers import BOUND, Pages, encoded_answer, foreign_answer, late_answer, readable_answers
from typedtrack.backends.obstore_client import (
    AZURE,
    GCS,
    OPTIONS,
    S3,
    client_of,
    is_installed,
    needs,
    options_of_filesystem,
    serves,
)
from typedtrack.backends.versions import with_versions
from typedtrack.errors import UnsupportedOperationError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem
    from obstore import ObjectMeta, PutResult
    from obstore.store import AzureStore, GCSStore, S3Store

__all__ = ["ObstoreResultTracker", "tracker_over"]

_NOTHING: Final = ("NoSuchKey", "BlobNotFound")  # the codes for a missing object, the second one Azure's
_NO_KEY: Final = ".typedtrack"  # a name that no key has
_is_host = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*").fullmatch
_is_azure_etag = re.compile('"?0x[0-9A-Fa-f]+"?').fullmatch
# The answer to a get of a range of an empty object: an error code of the store, or the range that Azurite sends.
_is_of_empty_object = re.compile("416 Range Not Satisfiable.*<Code>InvalidRange</Code>|bytes 0--1/0", re.DOTALL).search
_answer_code = re.compile("<Code>([A-Za-z]+)</Code>").search

# Parts of obstore's errors for a broken connection. obstore itself retries what broke, except a create, the body of a
# listing and the body of an error.
_BROKEN_BODY: Final = "HTTP error: request or response body error"
_BROKEN: Final = "HTTP error: "
_PAGE: Final = 1000  # names, as many as S3 has on a page
_REPEAT_WITHIN: Final = 30.0  # seconds: a call that breaks later is not made a second time, which could take as long

T = TypeVar("T")

_process: int | None = None  # the one that used obstore first


class ObstoreResultTracker(ResultTracker):
    """Results under ``s3://bucket/…``, ``gs://bucket/…`` or ``az://container/…``. Making one touches no storage.

    *storage_options* are obstore's: ``config`` (credentials, region, endpoint), ``client_options`` (time-outs, proxy),
    ``retry_config`` and ``credential_provider``. The environment supplies what ``config`` leaves out (``AWS_…``,
    ``GOOGLE_…``, ``AZURE_STORAGE_…``). Without a ``retry_config`` a request is tried up to 15 times, the last time
    within 60 seconds. *max_concurrency* limits the requests that a bulk call has under way at once.

    Raises:
        ImportError: obstore is not installed; the message has the ``pip install`` line.
        ValueError: obstore cannot serve *tracker_base*, or does not know one of the *storage_options*.
    """

    def __init__(
        self, tracker_base: str, *, storage_options: Mapping[str, object] | None = None, max_concurrency: int = 64
    ) -> None:
        scheme, _, rest = tracker_base.partition("://")
        place, _, folder = rest.partition("/")
        folder = folder.rstrip("/")
        container, _, account = place.partition("@")  # abfs://container@account.dfs.core.windows.net/folder
        self._options: dict[str, Any] = dict(storage_options or {})  # Any, because obstore checks them
        if not serves(tracker_base, {}) or not container:
            raise _no_base(tracker_base, "it must be s3://bucket/…, gs://bucket/… or az://container/…")
        is_login = "@" in place and not (scheme in AZURE and _is_host(account))
        if is_login or (":" in place and not place.startswith("arn:")):
            raise _no_base(tracker_base, "give a login by storage_options or the environment")
        if folder and not {"", ".", ".."}.isdisjoint(folder.split("/")):
            reason = "it cannot have an empty segment, '.' or '..'; FsspecResultTracker allows them"
            raise _no_base(tracker_base, reason)
        if unknown := set(self._options) - set(OPTIONS):
            raise ValueError(f"obstore has no storage_options {sorted(unknown)}; it has {', '.join(OPTIONS)}")
        if not is_installed():
            raise ImportError(needs(scheme), name="obstore")
        self._scheme, self._container, self._account = scheme, container, account.partition(".")[0]
        self._base_prefix = f"{folder}/" if folder else ""
        self.max_concurrency = max_concurrency
        self._refuses_creates = False  # in a versioned bucket of S3; True once that was seen
        client_options = self._options.get("client_options")
        is_users = "retry_config" in self._options or "timeout" in (client_options or {})
        self._bound = inf if is_users else BOUND  # of a page of a listing; other calls are bounded by the client
        self._has_digests = True  # S3's ETags are digests of the content; False once another was confirmed

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._location('').rstrip('/')!r})"

    def __getstate__(self) -> dict[str, object]:
        state = self.__dict__.copy()
        state.pop("_made_client", None)
        return state

    def _location(self, text: str) -> str:
        return f"{self._scheme}://{self._container}/{self._base_prefix}{text}"

    @property
    def _client(self) -> S3Store | GCSStore | AzureStore:
        """The client, in a process that may use it.

        Raises:
            UnsupportedOperationError: this process was forked from one that has used obstore.
        """
        global _process  # noqa: PLW0603  # because obstore has one set of threads for the whole process
        here = os.getpid()
        if _process != here:
            if _process is not None:
                remedy = "obstore would hang; start workers with multiprocessing's 'spawn' or 'forkserver', or use "
                remedy += "FsspecResultTracker through s3fs, gcsfs or adlfs"
                raise UnsupportedOperationError("a call in a forked process", repr(self), remedy)
            _process = here
        return self._made_client

    @cached_property
    def _made_client(self) -> S3Store | GCSStore | AzureStore:
        return client_of(self._scheme, self._container, self._account, self._options)

    def _ask(self, call: Callable[[], T], broken: str = _BROKEN_BODY) -> T:
        """Return the result of *call*; make the call a second time if its error has the text *broken*.

        It makes the call only once if the user configures the retries.
        """
        from obstore.exceptions import GenericError

        began = time.monotonic()
        with readable_answers():
            try:
                return interruptibly(call)
            except GenericError as error:
                is_late = time.monotonic() - began > _REPEAT_WITHIN
                if is_late or "retry_config" in self._options or broken not in str(error):
                    raise
            return interruptibly(call)

    def _read(self, key: str, limit: int) -> bytes | None:
        stored = self._get(key, limit)
        return None if stored is None else stored[1]

    def _get(self, key: str, limit: int) -> tuple[ObjectMeta | None, bytes] | None:
        """Return the entry of the object, or `None` if it is empty, and at most its first *limit* bytes."""
        from obstore.exceptions import GenericError

        try:
            return self._ask(partial(_get, self._client, self._base_prefix + key, limit))
        except FileNotFoundError as error:
            if self._answer_code(error, key) in _NOTHING:
                return None
            raise
        except GenericError as error:
            if _is_of_empty_object(str(error)):
                return None, b""
            raise

    def _answer_code(self, error: FileNotFoundError, key: str) -> str | None:
        """Return the code of the store's answer: *error* has it only in its text, after the key."""
        match = _answer_code(str(error).removeprefix(f"Object at location {self._base_prefix}{key} not found: "))
        return None if match is None else match[1]

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        import obstore

        if not exclusive:
            answer = self._ask(partial(obstore.put, self._client, self._base_prefix + key, data))
            self._check_put(key, data, answer)
        elif self._create(key, data) and not self._refuses_creates:
            from typedtrack.backends.s3_checks import check_creates

            check_creates(self._create, self._location(""))
            self._refuses_creates = True

    def _create(self, key: str, data: bytes) -> bool:
        """Create the object; return whether it is on S3, in a bucket with versions."""
        import obstore
        from obstore.exceptions import AlreadyExistsError

        create = partial(obstore.put, self._client, self._base_prefix + key, data, mode="create")
        try:
            answer = self._ask(create, _BROKEN)  # the first try may have stored it: then the caller compares
        except AlreadyExistsError as error:
            raise FileExistsError(key) from error
        self._check_put(key, data, answer)
        return self._scheme in S3 and answer["version"] is not None

    def _check_put(self, key: str, data: bytes, answer: PutResult) -> None:
        """Check that *answer*, to a put of *data*, has the store's own form; obstore accepts any that has an ETag.

        Raises:
            ConnectionError: *answer* has another form.
        """
        etag = answer["e_tag"]
        if self._scheme in GCS:
            if answer["version"] is None:
                raise foreign_answer("Google Cloud Storage", "a put", "it has no generation")
        elif self._scheme in AZURE:
            if not _is_azure_etag(etag or ""):
                raise foreign_answer("Azure", "a put", f"its ETag is {etag}")
        else:
            from typedtrack.backends.s3_checks import acknowledges, unconfirmed_put

            if not acknowledges(etag, data, has_digests=self._has_digests):
                if self._read(key, len(data) + 1) != data:
                    raise unconfirmed_put(etag)
                self._has_digests = False

    def _delete(self, key: str) -> None:
        import obstore

        before = self._get(key, 1)
        if before is None:  # S3 does not tell whether there was something to delete
            raise FileNotFoundError(key)
        was_missing = False
        try:
            self._ask(partial(obstore.delete, self._client, self._base_prefix + key))
        except FileNotFoundError:  # a 404 of any server
            was_missing = True
        # obstore accepts answers about other objects, and web pages. A result that another process has put since then
        # is another version.
        after = self._get(key, 1)
        if after is not None and after[0] == before[0]:
            raise foreign_answer("the store", "a delete", "the object is still there")
        if was_missing and after is None:  # another process has deleted it
            raise FileNotFoundError(key)

    def _list(self, prefix: str) -> Iterator[str]:
        return (key for page in self._pages(prefix) for key, _ in page)

    def _list_details(self, prefix: str) -> Iterator[Listed]:
        pages = ([_details(key, entry) for key, entry in page] for page in self._pages(prefix))
        # The ETags of Azure are unique; those of S3 and Google are digests of the content.
        return chain.from_iterable(pages) if self._scheme in AZURE else with_versions(pages)

    def _pages(self, prefix: str) -> Iterator[Iterable[tuple[str, ObjectMeta | None]]]:
        """Yield the keys in pages, each with its entry, or *prefix* itself with `None`."""
        import obstore

        if prefix and self._read(prefix, 1) is not None:  # obstore lists only the objects below a prefix
            yield [(prefix, None)]
        below = self._base_prefix + prefix or None
        pages: Iterator[Sequence[ObjectMeta]] | None = None
        last: str | None = None

        def next_page() -> Sequence[ObjectMeta] | None:
            nonlocal pages
            client = self._client  # for each page, because the listing may go on in a forked child
            if pages is None:  # at first, and after an error, from where the listing broke off
                listed = obstore.list(client, below, offset=last, chunk_size=_PAGE)  # pyright: ignore[reportUnknownMemberType]  # arrow's
                pages = iter(listed)
            try:
                return next(pages, None)
            except Exception:
                pages = None
                raise

        checked = Pages("the store")
        is_full = False
        while True:
            page = self._ask_for_page(next_page)
            if page is None:
                if not (is_full and self._scheme in S3):
                    break
                # obstore takes a truncated page without a token for the end, so ask once for the names after the last.
                pages, is_full = None, False
                continue
            checked.check_names([entry["path"] for entry in page])
            is_full = len(page) == _PAGE
            if page:
                last = page[-1]["path"]
            yield self._results_on(page)
        if last is None:
            self._check_that_it_is_a_store()

    def _results_on(self, page: Sequence[ObjectMeta]) -> Iterator[tuple[str, ObjectMeta]]:
        """Yield the keys of the results on *page*, each with its entry."""
        for entry in page:
            path = entry["path"]
            if not path.startswith(self._base_prefix):  # the folder's own marker, or the store ignores the prefix
                continue
            key = path[len(self._base_prefix) :]
            if entry["size"] or self._is_stored(key):
                yield key, entry

    def _ask_for_page(self, next_page: Callable[[], Sequence[ObjectMeta] | None]) -> Sequence[ObjectMeta] | None:
        from obstore.exceptions import InvalidPathError

        # obstore follows empty pages for ever, so another thread makes the call, which can be left behind.
        try:
            return self._ask(partial(call_elsewhere, next_page, self._bound))
        except StillRunningError:
            raise late_answer(self._bound) from None
        except InvalidPathError as error:  # for an object of another tool, whose name no key has
            remedy = f"obstore cannot read the name of an object there; FsspecResultTracker can; {error}"
            raise UnsupportedOperationError("listing", self._location(""), remedy) from error

    def _is_stored(self, key: str) -> bool:
        """Return whether the empty object that is listed as *key* has exactly that name.

        Other tools mark a folder by an empty object whose name ends in a slash, and obstore drops the slash.
        """
        return self._read(key, 1) is not None

    def _check_that_it_is_a_store(self) -> None:
        """Check that a store answers, by reading a name that no key has; obstore takes a web page for an empty listing.

        Raises:
            ConnectionError: the answer is not that the name holds nothing.
        """
        from obstore.exceptions import PermissionDeniedError

        try:
            if self._read(_NO_KEY, 1) is None:
                return
        except PermissionDeniedError:  # a store's answer too: a login may list and not read
            return
        raise foreign_answer("the store", "a listing", f"it is empty, but something answers for {_NO_KEY!r}")


def _no_base(tracker_base: str, reason: str) -> ValueError:
    from typedtrack.backends.base_urls import without_password

    return ValueError(f"obstore cannot serve the tracker base {without_password(tracker_base)!r}: {reason}")


def _get(client: S3Store | GCSStore | AzureStore, path: str, limit: int) -> tuple[ObjectMeta, bytes]:
    import obstore

    # By asking for a range: then obstore checks that the answer has exactly that range.
    answer = obstore.get(client, path, options={"range": (0, limit)})
    data = bytes(answer.bytes())
    if encoding := answer.attributes.get("Content-Encoding"):
        raise encoded_answer("the store", encoding)
    return answer.meta, data


def _details(key: str, entry: ObjectMeta | None) -> Listed:
    return (key, None, None) if entry is None else (key, entry["e_tag"], entry["last_modified"].timestamp())


def tracker_over(fs: AbstractFileSystem, root: str, max_concurrency: int) -> ResultTracker:
    """Return the tracker in the folder *root* of *fs*."""
    scheme = fs.protocol if isinstance(fs.protocol, str) else fs.protocol[0]
    options = options_of_filesystem(fs.storage_options)
    return ObstoreResultTracker(f"{scheme}://{root}", storage_options=options, max_concurrency=max_concurrency)
