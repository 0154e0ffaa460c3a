"""Answers of object stores that no server on this machine gives: of fake clients, in the trackers' hands."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import gcsfs.core
import obstore
import obstore.store
import pytest
import s3fs.core
from adlfs.spec import AzureBlobFileSystem
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob.aio import LinearRetry
from fsspec.asyn import get_loop
from gcsfs.retry import HttpError
from obstore.exceptions import AlreadyExistsError, GenericError
from obstore.fsspec import FsspecStore

from typedtrack import (
    BulkError,
    FsspecResultTracker,
    ResultExistsError,
    ResultNotFoundError,
    ResultTracker,
    UnsupportedOperationError,
    open_tracker,
)
from typedtrack.backends import adlfs
from typedtrack.backends import gcsfs as gcsfs_backend
from typedtrack.backends import obstore as backend
from typedtrack.backends import s3fs as s3fs_backend
from typedtrack.backends.gcsfs import GcsfsResultTracker
from typedtrack.backends.obstore import ObstoreResultTracker
from typedtrack.backends.s3 import PROBE
from typedtrack.backends.s3fs import S3fsResultTracker

STORED = b'{"x": 1}\n'


class Answers:
    """Answers its calls one after the other: an exception is raised, anything else returned."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[tuple[object, ...], dict[str, object]]] = []

    async def __call__(self, *arguments: object, **named: object) -> Any:
        """Answer."""
        self.calls.append((arguments, named))
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


# -- s3fs


class Body:
    """The body of an S3 answer; it breaks off with *error*, or comes in pieces of three bytes."""

    def __init__(self, data: bytes, error: Exception | None = None) -> None:
        self.data = data
        self.error = error

    async def __aenter__(self) -> Body:
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Release nothing."""

    async def read(self, amount: int | None = None) -> bytes:
        """Return some of the bytes."""
        if self.error is not None:
            raise self.error
        amount = len(self.data) if amount is None else min(amount, 3)
        some, self.data = self.data[:amount], self.data[amount:]
        return some


def on_s3fs(answers: Answers, tries: int = 2) -> S3fsResultTracker:
    """Return a tracker on s3fs, which gives *answers*."""

    def split_path(root: str) -> tuple[str, str, None]:
        bucket, _, folder = root.partition("/")
        return bucket, folder, None

    fs: Any = SimpleNamespace(loop=get_loop(), retries=tries, split_path=split_path, _call_s3=answers)
    return S3fsResultTracker(fs, "bucket/base", 4)


def whole(data: bytes, error: Exception | None = None) -> dict[str, object]:
    """Return S3's answer to a get."""
    return {"ContentLength": len(data), "Body": Body(data, error)}


def refused(code: str | None, error: type[OSError] = OSError) -> OSError:
    """Return what s3fs raises for an answer with *code*."""
    raised = error("refused")
    if code is not None:
        cause: Any = Exception(code)
        cause.response = {"Error": {"Code": code}}
        raised.__cause__ = cause
    return raised


def test_s3fs_broken_body() -> None:
    """A body that breaks off is asked for again, as often as s3fs would."""
    broken = s3fs.core.S3_RETRYABLE_ERRORS[0]("broken")
    answers = Answers(whole(STORED, broken), whole(STORED))
    assert on_s3fs(answers)["a"] == {"x": 1}
    assert len(answers.calls) == 2
    answers = Answers(whole(STORED, broken), whole(STORED, broken))
    with pytest.raises(type(broken)):
        on_s3fs(answers).get("a")
    assert len(answers.calls) == 2
    answers = Answers(whole(STORED, broken), whole(STORED))
    with pytest.raises(type(broken)):
        on_s3fs(answers, tries=1).get("a")
    assert len(answers.calls) == 1


def test_s3fs_instances() -> None:
    """A tracker leaves the user's own s3fs as it was, of whatever class; trackers share one among them."""

    class Special(s3fs.core.S3FileSystem):
        """An s3fs with a name of its own."""

    for cls in (s3fs.core.S3FileSystem, Special):
        for config, tries in (({}, 2), ({"retries": {"max_attempts": 0}}, 1)):
            users = cls(anon=True, config_kwargs=config)
            before = users.retries
            ones, anothers = (s3fs_backend.tracker_over(users, f"bucket/{name}", 4) for name in "ab")
            assert isinstance(ones, S3fsResultTracker)
            assert isinstance(anothers, S3fsResultTracker)
            assert ones._fs is anothers._fs is not users
            assert isinstance(ones._fs, cls)
            pool = {"max_pool_connections": 4}  # as many as the tracker may have requests under way
            assert ones._fs.storage_options == {**users.storage_options, "config_kwargs": {**pool, **config}}
            assert (ones._fs.retries, users.retries) == (tries, before)


@pytest.mark.parametrize(
    ("cls", "options", "module"),
    [
        (s3fs.core.S3FileSystem, {"anon": True}, s3fs_backend),
        (gcsfs.core.GCSFileSystem, {"token": "anon", "project": "p"}, gcsfs_backend),
    ],
)
def test_own_instances(cls: Any, options: dict[str, object], module: Any) -> None:
    """Who clears fsspec's cache or goes without, say since the environment has changed, gets another one here, too."""

    def own(**more: object) -> object:
        return module.tracker_over(cls(**options, **more), "bucket/base", 4)._fs

    before = own()
    assert own() is before
    assert own(skip_instance_cache=True) is not before
    cls.clear_instance_cache()
    assert own() is not before


def test_s3fs_no_listing() -> None:
    """An answer that is no listing, of which botocore makes an empty one, is an error."""
    with pytest.raises(ConnectionError, match="no listing"):
        list(on_s3fs(Answers({})).keys())


def test_s3fs_no_put() -> None:
    """An answer to a put that is not S3's, of which botocore makes one, is an error."""
    with pytest.raises(ConnectionError, match="not S3's"):
        on_s3fs(Answers({})).put("a", x=1)


def test_s3fs_bounded_read() -> None:
    """Of a large object no more than the limit is read, in as many pieces as it comes."""
    assert on_s3fs(Answers(whole(b"0123456789")))._read("a", 8) == b"01234567"


@pytest.mark.parametrize("code", ["PreconditionFailed", "ConditionalRequestConflict"])
def test_s3fs_lost_create(code: str) -> None:
    """A create that another won, before or at the same moment, finds what is there."""
    answers = Answers(refused(code), whole(STORED))
    on_s3fs(answers).create("a", x=1)
    with pytest.raises(OSError, match="refused"):  # a put has no condition: it must not be told that it is done
        on_s3fs(Answers(refused(code))).put("a", x=1)


def test_s3fs_create_in_a_versioned_bucket() -> None:
    """After the first create a hidden object is, until it is refused, at the second time; then no more."""
    made, not_made = {"ETag": "1", "VersionId": "1"}, refused("PreconditionFailed")
    answers = Answers(made, made, not_made, made)
    tracker = on_s3fs(answers)
    tracker.create("a", x=1)
    tracker.create("b", x=1)
    keys = [named["Key"] for _, named in answers.calls]
    assert keys == ["base/a", f"base/{PROBE}", f"base/{PROBE}", "base/b"]
    answers = Answers(made, made, made)
    with pytest.raises(UnsupportedOperationError, match="versioned"):
        on_s3fs(answers).create("a", x=1)
    assert len(answers.calls) == 3


@pytest.mark.parametrize("code", ["NoSuchBucket", None])
def test_s3fs_missing_bucket(code: str | None) -> None:
    """Only the code of a missing key is the store's word that nothing is there."""
    with pytest.raises(FileNotFoundError):
        on_s3fs(Answers(refused(code, FileNotFoundError))).get("a")
    with pytest.raises(OSError, match="refused"):
        on_s3fs(Answers(refused(code))).create("a", x=1)


def test_s3fs_pages() -> None:
    """A listing goes on to the last page, of which an empty one need not be."""
    pages = [
        {"IsTruncated": True, "Contents": [{"Key": "base/a"}], "NextContinuationToken": "2"},
        {"IsTruncated": True, "NextContinuationToken": "3"},
        {"IsTruncated": False, "Contents": [{"Key": "base/b"}]},
    ]
    answers = Answers(*pages)
    assert list(iter(on_s3fs(answers))) == ["a", "b"]
    assert [named.get("ContinuationToken") for _, named in answers.calls] == [None, "2", "3"]


def test_s3fs_prefixes() -> None:
    """A listing below a prefix has the key that is the prefix only where it is there."""
    there, below = whole(STORED), {"IsTruncated": False, "Contents": [{"Key": "base/a/b"}]}
    assert list(iter(on_s3fs(Answers(there, below)).keys("a"))) == ["a", "a/b"]
    missing = refused("NoSuchKey", FileNotFoundError)
    assert list(iter(on_s3fs(Answers(missing, below)).keys("a"))) == ["a/b"]


def test_s3fs_bulk() -> None:
    """One key that fails hides no other."""
    with pytest.raises(BulkError) as caught:
        on_s3fs(Answers(whole(STORED), refused("AccessDenied"), whole(STORED))).get_many(["a", "b", "c"])
    assert list(caught.value.errors) == ["b"]
    assert caught.value.results == {"a": {"x": 1}, "c": {"x": 1}}


# -- adlfs


def on_adlfs(calls: Mapping[str, object], **options: object) -> adlfs.AdlfsResultTracker:
    """Return a tracker on adlfs with *options*, whose container has *calls* in the place of its own."""
    given: Any = {"account_name": "account", "account_key": "c2VjcmV0", "skip_instance_cache": True, **options}
    fs = AzureBlobFileSystem(**given)
    tracker = adlfs.tracker_over(fs, "container/base", 4)
    assert isinstance(tracker, adlfs.AdlfsResultTracker)
    if calls:
        container: Any = SimpleNamespace(**calls)
        tracker._container = container
    return tracker


REQUEST = SimpleNamespace(http_request=Mock(body=None), context=SimpleNamespace(options={}))


def azure(error: HttpResponseError, code: str | None, status: int) -> HttpResponseError:
    """Return *error* as the client of Azure raises it."""
    error.status_code = status
    if code is not None:
        vars(error)["error_code"] = code
    return error


@pytest.mark.parametrize("code", ["ContainerNotFound", None])
def test_adlfs_missing_container(code: str | None) -> None:
    """Only the code of a missing blob is the store's word that nothing is there."""
    missing = azure(ResourceNotFoundError("missing"), code, 404)
    with pytest.raises(ResourceNotFoundError):
        on_adlfs({"download_blob": Answers(missing)}).get("a")
    with pytest.raises(ResourceNotFoundError):
        del on_adlfs({"delete_blob": Answers(missing)})["a"]


def test_adlfs_conflict() -> None:
    """A create that is refused because of a lease, or anything but a blob that is there, is the store's error."""
    leased = azure(ResourceExistsError("leased"), "LeaseIdMissing", 409)
    with pytest.raises(ResourceExistsError):
        on_adlfs({"upload_blob": Answers(leased)}).create("a", x=1)


def test_adlfs_ranges() -> None:
    """A range of a blob without bytes is no bytes; any other refusal is an error."""
    assert on_adlfs({"download_blob": Answers(azure(HttpResponseError("range"), None, 416))})._read("a", 1) == b""
    with pytest.raises(HttpResponseError):
        on_adlfs({"download_blob": Answers(azure(HttpResponseError("denied"), None, 403))}).get("a")


class Pages:
    """What Azure's client lists: the names on each page."""

    def __init__(self, *pages: list[str], container: str | None = "container") -> None:
        self.pages = pages
        self.container = container
        self.asked: list[dict[str, object]] = []

    def __call__(self, **named: object) -> Pages:
        """Note what is asked for."""
        self.asked.append(named)
        return self

    def by_page(self) -> Pages:
        """Return what goes from page to page."""
        return self

    async def __aiter__(self) -> AsyncIterator[AsyncIterator[str]]:
        """Yield the pages."""
        for page in self.pages:
            yield self.names(page)

    async def names(self, page: list[str]) -> AsyncIterator[str]:
        """Yield the names on one."""
        for name in page:
            yield name


def test_adlfs_calls() -> None:
    """Each call asks the container once, for the blob of the key, with the user's time-outs."""
    upload, delete, download = Answers(None), Answers(None), Answers(SimpleNamespace(readall=Answers(STORED)))
    listed = Pages(["base/a", "base/b/c"], ["base/d"])
    calls = {
        "upload_blob": upload, "delete_blob": delete, "download_blob": download, "list_blob_names": listed
    }  # fmt: skip
    tracker = on_adlfs(calls, read_timeout=3)
    tracker["a"] = {"x": 1}
    assert upload.calls == [(("base/a", b'{\n  "x": 1\n}\n'), {"overwrite": True, "read_timeout": 3})]
    assert tracker["a"] == {"x": 1}
    assert download.calls == [(("base/a",), {"offset": 0, "length": 2**20 + 1, "read_timeout": 3})]
    del tracker["a"]
    assert delete.calls == [(("base/a",), {"read_timeout": 3})]
    assert list(iter(tracker)) == ["a", "b/c", "d"]
    assert listed.asked == [{"name_starts_with": "base/", "read_timeout": 3}]


def test_adlfs_prefixes() -> None:
    """A listing below a prefix asks for what is at it, and for the names that begin with it and a slash."""
    missing = azure(ResourceNotFoundError("missing"), "BlobNotFound", 404)
    listed = Pages(["base/a/b"])
    download = Answers(SimpleNamespace(readall=Answers(STORED)), missing)
    tracker = on_adlfs({"download_blob": download, "list_blob_names": listed})
    assert list(iter(tracker.keys("a"))) == ["a", "a/b"]
    assert list(iter(tracker.keys("a"))) == ["a/b"]
    assert listed.asked == [{"name_starts_with": "base/a/"}] * 2


def test_adlfs_no_listing() -> None:
    """An answer that is no listing, of which Azure's client makes an empty one, is an error."""
    with pytest.raises(ConnectionError, match="no listing"):
        list(on_adlfs({"list_blob_names": Pages([], container=None)}).keys())


def test_adlfs_absent() -> None:
    """What Azure says is not there is absent: ``{}`` for a get, an error for a delete."""
    missing = azure(ResourceNotFoundError("missing"), "BlobNotFound", 404)
    assert on_adlfs({"download_blob": Answers(missing)})["a"] == {}
    tracker = on_adlfs({"delete_blob": Answers(missing), "download_blob": Answers(missing)})
    with pytest.raises(ResultNotFoundError):
        del tracker["a"]


def test_adlfs_lost_create() -> None:
    """A create that finds a blob compares: its own content is no error, other content is."""
    there = azure(ResourceExistsError("there"), "BlobAlreadyExists", 409)
    calls = {
        "upload_blob": Answers(there, there),
        "download_blob": Answers(*(SimpleNamespace(readall=Answers(STORED)) for _ in range(2))),
    }
    tracker = on_adlfs(calls)
    tracker.create("a", x=1)
    with pytest.raises(ResultExistsError):
        tracker.create("a", x=2)


@pytest.mark.parametrize(
    ("options", "tries"), [({}, 7), ({"retry_total": 0}, 1), ({"retry_policy": LinearRetry(retry_total=2)}, 3)]
)
def test_adlfs_client(options: dict[str, object], tries: int) -> None:
    """The client of the container is for the account that adlfs has logged in to, and tries as often as is asked."""
    client = on_adlfs({}, **options)._container
    assert client.url == "https://account.blob.core.windows.net/container"
    assert client.credential.account_name == "account"
    within: Any = client
    policy = within._config.retry_policy
    settings = policy.configure_retries(REQUEST)
    made = 1
    while policy.increment(settings, request=REQUEST.http_request, response=Mock()):
        made += 1
    assert made == tries


def test_adlfs_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits less than a second at first and a few at most, and tries nothing again when its time is up."""
    policy = adlfs.Retries(retry_total=100, retry_status=100)
    pauses = [policy.get_backoff_time({"count": count}) for count in range(1, 20)]
    assert 0 < pauses[0] < 0.2
    assert pauses[0] < pauses[4] < pauses[19 - 1] <= 7.5
    settings = policy.configure_retries(REQUEST)
    assert policy.increment(settings, request=REQUEST.http_request, response=Mock())
    monkeypatch.setattr("typedtrack.backends.adlfs.time.monotonic", lambda: settings["until"])
    assert not policy.increment(settings, request=REQUEST.http_request, response=Mock())


# -- gcsfs


def on_gcsfs(*answers: Exception | Mapping[str, object]) -> tuple[GcsfsResultTracker, Answers]:
    """Return a tracker on gcsfs, which gives *answers*: an error, or of what listing; and what it was asked."""

    def given(answer: Exception | Mapping[str, object]) -> object:
        if isinstance(answer, Exception):
            return answer
        headers: dict[str, str] = {}
        return 200, headers, None, json.dumps({"kind": "storage#objects", **answer})

    request = Answers(*map(given, answers))
    fs: Any = SimpleNamespace(loop=get_loop(), _location="http://host", _request=request)
    return GcsfsResultTracker(fs, "bucket/base", 4), request


def test_gcsfs_pages() -> None:
    """A listing goes on to the last page, of which an empty one need not be."""
    pages: list[dict[str, object]] = [
        {"items": [{"name": "base/a"}], "nextPageToken": "2"},
        {"nextPageToken": "3"},
        {"items": [{"name": "base/b"}]},
    ]
    tracker, request = on_gcsfs(*pages)
    assert list(iter(tracker)) == ["a", "b"]
    assert [named["pageToken"] for _, named in request.calls] == [None, "2", "3"]


def test_gcsfs_refusal() -> None:
    """A refusal is an error; a range of an object without bytes is no bytes."""
    tracker, _ = on_gcsfs(HttpError({"code": 403}), HttpError({"code": 416}))
    with pytest.raises(HttpError):
        tracker.get("a")
    assert tracker._read("a", 1) == b""


def test_gcsfs_absent() -> None:
    """An object is absent where the bucket lists none of that very name."""
    tracker, request = on_gcsfs(FileNotFoundError(), {"items": [{"name": "base/ab"}]}, FileNotFoundError(), {})
    assert tracker.get("a") == {}
    assert tracker.get("a") == {}
    assert [named.get("prefix") for _, named in request.calls] == [None, "base/a"] * 2


# -- obstore


def test_obstore_clients() -> None:
    """Each scheme gets its store; an account in the URL is that of the store."""
    options: dict[str, object] = {"config": {"skip_signature": True}}
    base = "abfs://container@account.dfs.core.windows.net/folder"
    azure_store = ObstoreResultTracker(base, storage_options=options)._client
    assert isinstance(azure_store, obstore.store.AzureStore)
    assert azure_store.config.get("account_name") == "account"
    options = {"config": {"account_name": "another", "skip_signature": True}}
    azure_store = ObstoreResultTracker("az://container/folder", storage_options=options)._client
    assert azure_store.config.get("account_name") == "another"
    options = {"config": {"skip_signature": True}}
    assert isinstance(ObstoreResultTracker("gs://b", storage_options=options)._client, obstore.store.GCSStore)
    assert isinstance(ObstoreResultTracker("s3://b", storage_options=options)._client, obstore.store.S3Store)


@pytest.mark.parametrize("name", ["endpoint", "endpoint_url", "AWS_ENDPOINT", "aws_endpoint_url_s3"])
def test_obstore_plain_http(name: str) -> None:
    """Who names an endpoint without encryption, in any of obstore's words, means it."""
    for scheme in ("http", "https"):
        options: dict[str, object] = {"config": {name: f"{scheme}://host", "skip_signature": True}}
        client = ObstoreResultTracker("s3://b", storage_options=options)._client
        assert f"{(client.client_options or {}).get('allow_http')}".lower() == f"{scheme == 'http'}".lower()


def test_obstore_registered() -> None:
    """In fsspec's clothes it keeps its options, those of the store itself and those of obstore."""
    config: Any = {"region": "nowhere", "skip_signature": "true"}
    of_fsspec: Any = {"max_cache_size": 5, "use_listings_cache": False, "listings_expiry_time": 1}
    fs = FsspecStore("s3", config=config, endpoint="http://host", retry_config={"max_retries": 0}, **of_fsspec)
    tracker = backend.tracker_over(fs, "bucket/base", 4)
    assert repr(tracker) == "ObstoreResultTracker('s3://bucket/base')"
    assert isinstance(tracker, ObstoreResultTracker)
    store = tracker._client
    assert isinstance(store, obstore.store.S3Store)
    assert store.config == {"bucket": "bucket", "endpoint": "http://host", **config}
    assert (store.retry_config or {}).get("max_retries") == 0


def test_obstore_no_listing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A web server, which has a page for whatever is asked, is no store that is empty."""
    tracker = ObstoreResultTracker("s3://b", storage_options={"config": {"skip_signature": True}})
    page = SimpleNamespace(meta={"size": 1}, bytes=lambda: b"<")

    def listed(*_: object, **__: object) -> Iterator[object]:
        return iter(())

    def got(*_: object) -> SimpleNamespace:
        return page

    monkeypatch.setattr(obstore, "list", listed)
    monkeypatch.setattr(obstore, "get", got)
    with pytest.raises(ConnectionError, match="no store's answer"):
        list(tracker.keys())


@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_obstore_create_in_a_versioned_bucket(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    """On S3 a hidden object is created after the first create; on Google Cloud Storage each object has a version."""
    made: object = {"e_tag": "1", "version": "1"}
    answers: list[object] = []
    paths: list[str] = []

    def put(store: object, path: str, data: bytes, *, mode: str) -> object:
        assert mode == "create"
        paths.append(path)
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(obstore, "put", put)
    one, another = (
        ObstoreResultTracker(f"{scheme}://b/x", storage_options={"config": {"skip_signature": True}}) for _ in range(2)
    )
    answers[:] = [made, made, AlreadyExistsError("refused"), made]
    one.create("a", x=1)
    one.create("b", x=1)
    if scheme == "gs":
        assert paths == ["x/a", "x/b"]
        return
    assert paths == ["x/a", f"x/{PROBE}", f"x/{PROBE}", "x/b"]
    answers[:] = [made, made, made]
    with pytest.raises(UnsupportedOperationError, match=r"not safe on s3://b/x/: .*versioned"):
        another.create("a", x=1)


def test_obstore_bounded_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a large object no more than the limit is kept, however it comes; one that shrank meanwhile is read whole."""
    tracker = ObstoreResultTracker("s3://b", storage_options={"config": {"skip_signature": True}})

    def pieces(*several: bytes) -> Callable[..., object]:
        def stream(limit: int) -> Iterator[bytes]:
            return iter(several)

        return lambda *_: SimpleNamespace(meta={"size": 100}, stream=stream)

    monkeypatch.setattr(obstore, "get", pieces(b"012", b"345", b"678"))
    assert tracker._read("a", 5) == b"01234"
    monkeypatch.setattr(obstore, "get", pieces(b"012"))
    assert tracker._read("a", 5) == b"012"


@pytest.mark.parametrize(
    ("base", "reason"),
    [
        ("s3://b/a//b", "empty segment.*FsspecResultTracker does"),
        ("s3://b//x", "empty segment"),
        ("s3://b/./x", "empty segment, '.'"),
        ("gs://b/x/..", "or '..'"),
        ("s3://me:hunter2@bucket/p", "'s3://[*]{3}@bucket/p'; a login is given by storage_options"),
        ("s3://me:hun/ter2@bucket/p", "'s3://[*]{3}@bucket/p'; a login"),
        ("gs://me@bucket/p", "a login"),
        ("az://c@account:hunter2@x/y", "a login"),
        ("az://c@/y", "a login"),
        ("s3:///x", "s3://bucket/…"),
        ("https://host/x", "s3://bucket/…"),
    ],
)
@pytest.mark.parametrize("door", [open_tracker, ObstoreResultTracker])
def test_obstore_bases(door: Callable[[str], ResultTracker], base: str, reason: str) -> None:
    """What obstore could not find, or would take for another place, is refused when the tracker is made."""
    if base.startswith("https") and door is open_tracker:
        return  # which is fsspec's
    with pytest.raises(ValueError, match=reason) as caught:
        door(base)
    assert "hun" not in str(caught.value)


def test_obstore_same_base() -> None:
    """Slashes at the end of a base mean nothing."""
    for base in ("s3://b/x", "s3://b/x/", "s3://b/x//"):
        assert repr(ObstoreResultTracker(base)) == "ObstoreResultTracker('s3://b/x')"
    for base in ("s3://b", "s3://b/", "s3://b//"):
        assert repr(ObstoreResultTracker(base)) == "ObstoreResultTracker('s3://b')"


BROKEN = "Generic S3 error: Error getting list response body: HTTP error: request or response body error"


@pytest.mark.parametrize("breaks", [[0], [1], [2], [0, 3]])
def test_obstore_broken_listing(monkeypatch: pytest.MonkeyPatch, breaks: list[int]) -> None:
    """A listing that breaks off anywhere goes on after what was listed: nothing is lost, nothing double."""
    names = ["b/a", "b/c", "b/d", "b/e"]
    asked: list[str | None] = []
    steps = iter(range(100))

    def listing(*_: object, offset: str | None, **__: object) -> Iterator[list[dict[str, object]]]:
        asked.append(offset)
        left = [name for name in names if offset is None or name > offset]
        for page in left[:2], [], left[2:]:
            if next(steps) in breaks:
                raise GenericError(BROKEN)
            yield [{"path": name, "size": 3} for name in page]

    monkeypatch.setattr(obstore, "list", listing)
    tracker = ObstoreResultTracker("s3://bucket/b", storage_options={"config": {"skip_signature": True}})
    assert list(iter(tracker)) == ["a", "c", "d", "e"]
    assert len(asked) == 1 + len(breaks)


@pytest.mark.parametrize(
    ("text", "options", "tries"),
    [
        (BROKEN, {}, 2),
        (BROKEN, {"retry_config": {"max_retries": 0}}, 1),
        ("Error performing GET after 14 retries - Server returned non-2xx status code: 503", {}, 1),
        ("Error performing GET after 14 retries - HTTP error: error sending request", {}, 1),
    ],
)
def test_obstore_tries(monkeypatch: pytest.MonkeyPatch, text: str, options: dict[str, object], tries: int) -> None:
    """What obstore itself has tried again, or the user has said how often to try, is not tried once more."""
    get = Mock(side_effect=GenericError(text))
    monkeypatch.setattr(obstore, "get", get)
    tracker = ObstoreResultTracker("s3://b", storage_options={"config": {"skip_signature": True}, **options})
    with pytest.raises(GenericError):
        tracker.get("a")
    assert get.call_count == tries


def test_obstore_in_a_forked_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is not the one that used obstore first, but has its memory, is refused."""
    monkeypatch.setattr(backend, "_process", os.getpid() + 1)
    with pytest.raises(NotImplementedError, match="'spawn' or 'forkserver'"):
        ObstoreResultTracker("s3://b").get("a")


@pytest.mark.parametrize("door", [open_tracker, FsspecResultTracker])
def test_no_concurrency(door: Callable[..., ResultTracker]) -> None:
    """Less than one request at a time is refused when the tracker is made."""
    with pytest.raises(ValueError, match="at least 1, got 0"):
        door("s3://b/x", max_concurrency=0)
