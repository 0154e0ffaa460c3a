"""The trackers of object stores on fake clients: answers that no server on this machine gives."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from math import inf
from types import SimpleNamespace
from typing import Any, Final
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
from typedtrack.backends.s3_checks import PROBE
from typedtrack.backends.s3fs import S3fsResultTracker

STORED = b'{"x": 1}\n'


class Answers:
    """Answers its calls in order: it raises an exception and returns anything else."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[tuple[object, ...], dict[str, object]]] = []

    async def __call__(self, *arguments: object, **named: object) -> Any:
        """Give the next answer."""
        self.calls.append((arguments, named))
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


# -- s3fs


class Body:
    """The body of an S3 answer; it raises *error*, or comes in pieces of three bytes."""

    def __init__(self, data: bytes, error: Exception | None = None) -> None:
        self.data = data
        self.error = error

    async def __aenter__(self) -> Body:
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Do nothing."""

    async def read(self, amount: int) -> bytes:
        """Return the next bytes."""
        if self.error is not None:
            raise self.error
        amount = min(amount, 3)
        some, self.data = self.data[:amount], self.data[amount:]
        return some


def on_s3fs(answers: Answers, tries: int = 2) -> S3fsResultTracker:
    """Return a tracker on an s3fs that gives *answers*."""

    def split_path(root: str) -> tuple[str, str, None]:
        bucket, _, folder = root.partition("/")
        return bucket, folder, None

    fs: Any = SimpleNamespace(loop=get_loop(), retries=tries, config_kwargs={}, split_path=split_path, _call_s3=answers)
    return S3fsResultTracker(fs, "bucket/base", 4)


def whole(data: bytes, error: Exception | None = None) -> dict[str, object]:
    """Return S3's answer to a get."""
    return {"ETag": "1", "ResponseMetadata": {"HTTPStatusCode": 200}, "Body": Body(data, error)}


def made(data: bytes, **more: object) -> dict[str, object]:
    """Return S3's answer to a put of *data*."""
    return {"ETag": f'"{hashlib.md5(data).hexdigest()}"', **more}


def refused(code: str | None, error: type[OSError] = OSError) -> OSError:
    """Return what s3fs raises for an answer with *code*."""
    raised = error("refused")
    if code is not None:
        cause: Any = Exception(code)
        cause.response = {"Error": {"Code": code}}
        raised.__cause__ = cause
    return raised


def test_s3fs_reads_a_broken_body_again() -> None:
    """A get whose body breaks off is made again, as often as s3fs retries."""
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


def test_s3fs_trackers_share_an_instance_of_their_own() -> None:
    """A tracker does not change the user's s3fs, whatever its class; trackers share one beside it."""

    class Special(s3fs.core.S3FileSystem):
        """A subclass of s3fs."""

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
def test_instances_follow_the_cache_of_fsspec(cls: Any, options: dict[str, object], module: Any) -> None:
    """A user who clears fsspec's cache, or does without it, gets a new instance from typedtrack as well."""

    def own(**more: object) -> object:
        return module.tracker_over(cls(**options, **more), "bucket/base", 4)._fs

    before = own()
    assert own() is before
    assert own(skip_instance_cache=True) is not before
    cls.clear_instance_cache()
    assert own() is not before


def test_s3fs_refuses_a_listing_that_is_not_s3s() -> None:
    """An answer that is not a listing, which botocore takes for an empty one, is an error."""
    with pytest.raises(ConnectionError, match="a listing is not one of S3's"):
        list(on_s3fs(Answers({})).keys())


ENCODED = b'{\n  "x": 1\n}\n'
"""The bytes of the result ``{"x": 1}``."""


@pytest.mark.parametrize("etag", [None, '"1-5f8d"', f'"{32 * "0"}"'])
def test_s3fs_refuses_a_put_that_is_not_s3s(etag: str | None) -> None:
    """An answer without the digest of the result is an error where a read does not find the result."""
    for found in (refused("NoSuchKey", FileNotFoundError), whole(STORED)):
        answers = Answers({} if etag is None else {"ETag": etag}, found)
        with pytest.raises(ConnectionError, match="a put is not one of S3's"):
            on_s3fs(answers).put("a", x=2)
        assert not answers.answers


def test_s3fs_confirms_a_bucket_without_digests_once() -> None:
    """Where the ETags of a bucket are not digests, a read confirms the first put; later ones must look like digests."""
    encrypted = {"ETag": f'"{32 * "0"}"'}
    answers = Answers(encrypted, whole(ENCODED), encrypted, {"ETag": '"1-5f8d"'}, whole(STORED))
    tracker = on_s3fs(answers)
    tracker.put("a", x=1)
    assert len(answers.calls) == 2
    tracker.put("b", x=1)
    assert len(answers.calls) == 3
    with pytest.raises(ConnectionError, match="a put is not one of S3's"):
        tracker.put("c", x=1)


def test_s3fs_has_no_bare_key_error() -> None:
    """A `KeyError` of the client becomes another error, with its cause: it would mean that the key holds nothing."""
    calls: list[Callable[[ResultTracker], object]] = [
        lambda tracker: tracker.get("a"),
        lambda tracker: next(iter(tracker)),
        lambda tracker: tracker.put("a", x=1),
    ]
    for call in calls:
        with pytest.raises(ConnectionError, match="lacks 'ContentLength'") as caught:
            call(on_s3fs(Answers(KeyError("ContentLength"))))
        assert isinstance(caught.value.__cause__, KeyError)
    with pytest.raises(BulkError) as bulk:
        on_s3fs(Answers(KeyError("ContentLength"))).get_many(["a"])
    assert isinstance(bulk.value.errors["a"], ConnectionError)


def test_s3fs_refuses_a_web_page() -> None:
    """A web page with an ETag is not a stored result, and does not mean that the key holds one."""
    page = {**whole(b"<html>"), "ContentType": "text/html; charset=utf-8"}
    with pytest.raises(ConnectionError, match="it is a web page"):
        on_s3fs(Answers(page)).get("a")
    with pytest.raises(ConnectionError, match="it is a web page"):
        _ = "a" in on_s3fs(Answers(page))


@pytest.mark.parametrize("code", ["NoSuchKey", "404", None])
def test_s3fs_refuses_a_404_to_a_delete(code: str | None) -> None:
    """S3 answers no delete by 404, so one does not mean that there is nothing to delete."""
    answers = Answers(whole(STORED), refused(code, FileNotFoundError), whole(STORED))
    with pytest.raises(ConnectionError, match="a delete is not one of S3's"):
        del on_s3fs(answers)["a"]


def test_s3fs_delete_of_an_absent_key_asks_for_no_delete() -> None:
    """S3 does not tell whether there was something to delete, so a read does."""
    with pytest.raises(ResultNotFoundError):
        del on_s3fs(Answers(refused("NoSuchKey", FileNotFoundError), refused("NoSuchKey", FileNotFoundError)))["a"]


def test_s3fs_reads_within_the_limit() -> None:
    """A read of a large object ends at the limit, however many pieces it comes in."""
    assert on_s3fs(Answers(whole(b"0123456789")))._read("a", 8) == b"01234567"


@pytest.mark.parametrize("code", ["PreconditionFailed", "ConditionalRequestConflict"])
def test_s3fs_create_that_loses_reads_the_winner(code: str) -> None:
    """A create that loses to another, before or at the same moment, compares with the result that is there."""
    answers = Answers(refused(code), whole(STORED))
    on_s3fs(answers).create("a", x=1)
    with pytest.raises(OSError, match="refused"):  # a put has no condition, so for it this is an error
        on_s3fs(Answers(refused(code))).put("a", x=1)


def test_s3fs_create_in_a_versioned_bucket() -> None:
    """After its first create a tracker creates the probe, until the store refuses that; later it does not."""
    stored, probe = made(ENCODED, VersionId="1"), made(b"", VersionId="1")
    answers = Answers(stored, probe, refused("PreconditionFailed"), stored)
    tracker = on_s3fs(answers)
    tracker.create("a", x=1)
    tracker.create("b", x=1)
    keys = [named["Key"] for _, named in answers.calls]
    assert keys == ["base/a", f"base/{PROBE}", f"base/{PROBE}", "base/b"]
    answers = Answers(stored, probe, probe)
    with pytest.raises(UnsupportedOperationError, match="versioned"):
        on_s3fs(answers).create("a", x=1)
    assert len(answers.calls) == 3


@pytest.mark.parametrize("code", ["NoSuchBucket", None])
def test_s3fs_missing_bucket_is_an_error(code: str | None) -> None:
    """Only the code of a missing key says that nothing is there."""
    with pytest.raises(FileNotFoundError):
        on_s3fs(Answers(refused(code, FileNotFoundError))).get("a")
    with pytest.raises(OSError, match="refused"):
        on_s3fs(Answers(refused(code))).create("a", x=1)


def test_s3fs_lists_to_the_last_page() -> None:
    """A listing goes on to the last page; an empty page before it does not end it."""
    pages = [
        {"IsTruncated": True, "Contents": [{"Key": "base/a"}], "NextContinuationToken": "2"},
        {"IsTruncated": True, "NextContinuationToken": "3"},
        {"IsTruncated": False, "Contents": [{"Key": "base/b"}]},
    ]
    answers = Answers(*pages)
    assert list(iter(on_s3fs(answers))) == ["a", "b"]
    assert [named.get("ContinuationToken") for _, named in answers.calls] == [None, "2", "3"]
    again = {"IsTruncated": True, "NextContinuationToken": "2"}
    with pytest.raises(ConnectionError, match="same token"):
        list(on_s3fs(Answers(pages[0], pages[1], again)).keys())
    with pytest.raises(ConnectionError, match="no token"):
        list(on_s3fs(Answers({"IsTruncated": True})).keys())
    outside = {"IsTruncated": False, "Contents": [{"Key": "elsewhere"}, {"Key": "base/a"}]}
    assert list(iter(on_s3fs(Answers(outside)))) == ["a"]
    for names in (["base/a"], ["base/b", "base/c", "base/b"]):
        twice = {"IsTruncated": False, "Contents": [{"Key": name} for name in names]}
        with pytest.raises(ConnectionError, match="same name twice"):
            list(on_s3fs(Answers(pages[0], twice)).keys())


def test_s3fs_lists_the_key_at_a_prefix() -> None:
    """A listing has the key that equals the prefix only where that key holds something."""
    there, below = whole(STORED), {"IsTruncated": False, "Contents": [{"Key": "base/a/b"}]}
    assert list(iter(on_s3fs(Answers(there, below)).keys("a"))) == ["a", "a/b"]
    missing = refused("NoSuchKey", FileNotFoundError)
    assert list(iter(on_s3fs(Answers(missing, below)).keys("a"))) == ["a/b"]


def test_s3fs_bulk_call_reports_each_key() -> None:
    """One key that fails in a bulk call does not hide the others."""
    with pytest.raises(BulkError) as caught:
        on_s3fs(Answers(whole(STORED), refused("AccessDenied"), whole(STORED))).get_many(["a", "b", "c"])
    assert list(caught.value.errors) == ["b"]
    assert caught.value.results == {"a": {"x": 1}, "c": {"x": 1}}


# -- adlfs


def on_adlfs(calls: Mapping[str, object], **options: object) -> adlfs.AdlfsResultTracker:
    """Return a tracker on an adlfs with *options*, whose container has *calls* instead of its own."""
    given: Any = {"account_name": "account", "account_key": "c2VjcmV0", "skip_instance_cache": True, **options}
    fs = AzureBlobFileSystem(**given)
    tracker = adlfs.tracker_over(fs, "container/base", 4)
    assert isinstance(tracker, adlfs.AdlfsResultTracker)
    if calls:
        container: Any = SimpleNamespace(**calls)
        tracker._container = container
    return tracker


ID = "x-ms-request-id"
REQUEST = SimpleNamespace(http_request=Mock(body=None), context=SimpleNamespace(options={}))


def azure(error: HttpResponseError, code: str | None, status: int) -> HttpResponseError:
    """Return *error* as Azure's client raises it."""
    error.status_code = status
    if code is not None:
        vars(error)["error_code"] = code
    return error


@pytest.mark.parametrize("code", ["ContainerNotFound", None])
def test_adlfs_missing_container_is_an_error(code: str | None) -> None:
    """Only the code of a missing blob says that nothing is there."""
    missing = azure(ResourceNotFoundError("missing"), code, 404)
    with pytest.raises(ResourceNotFoundError):
        on_adlfs({"download_blob": Answers(missing)}).get("a")
    with pytest.raises(ResourceNotFoundError):
        del on_adlfs({"delete_blob": Answers(missing)})["a"]


def test_adlfs_create_refused_for_a_lease_is_an_error() -> None:
    """A create that Azure refuses for another reason than an existing blob raises Azure's error."""
    leased = azure(ResourceExistsError("leased"), "LeaseIdMissing", 409)
    with pytest.raises(ResourceExistsError):
        on_adlfs({"upload_blob": Answers(leased)}).create("a", x=1)


def test_adlfs_reads_an_empty_blob() -> None:
    """The refusal of a range of an empty blob reads as no bytes; any other refusal is an error."""
    refused = azure(HttpResponseError("range"), "InvalidRange", 416)
    assert on_adlfs({"download_blob": Answers(refused)})._read("a", 1) == b""
    for code, status in ((None, 403), (None, 416)):
        with pytest.raises(HttpResponseError):
            on_adlfs({"download_blob": Answers(azure(HttpResponseError("denied"), code, status))}).get("a")


def blob(data: bytes, size: int | None = None) -> SimpleNamespace:
    """Return Azure's answer to a get of a blob that has *size* bytes."""
    return SimpleNamespace(readall=Answers(data), size=len(data) if size is None else size)


def test_adlfs_refuses_a_part_of_a_blob() -> None:
    """An answer with fewer bytes than the blob has is an error."""
    with pytest.raises(ConnectionError, match="it has 9 bytes of 10"):
        on_adlfs({"download_blob": Answers(blob(STORED, 10))}).get("a")


class Pages:
    """A listing of Azure's client: the names, or the blobs, on each page."""

    def __init__(self, *pages: Sequence[object], tokens: Iterable[str] = ()) -> None:
        self.pages = pages
        self.tokens = iter(tokens)
        self.continuation_token: str | None = None
        self.asked: list[dict[str, object]] = []

    def __call__(self, **named: object) -> Pages:
        """Record the request."""
        self.asked.append(named)
        return self

    def by_page(self) -> Pages:
        """Return the pages."""
        return self

    async def __aiter__(self) -> AsyncIterator[AsyncIterator[object]]:
        """Yield the pages."""
        for page in self.pages:
            self.continuation_token = next(self.tokens, None)
            yield self.names(page)

    async def names(self, page: Sequence[object]) -> AsyncIterator[object]:
        """Yield the names, or the blobs, on one page."""
        for name in page:
            yield name


def test_adlfs_calls_are_one_request_each() -> None:
    """Each call makes one request for the blob of its key, with the user's time-outs."""
    upload, delete, download = Answers(None), Answers(None), Answers(blob(STORED))
    listed = Pages(["base/a", "base/b/c"], ["base/d"])
    calls = {
        "upload_blob": upload, "delete_blob": delete, "download_blob": download, "list_blob_names": listed
    }  # fmt: skip
    tracker = on_adlfs(calls, read_timeout=3)
    tracker["a"] = {"x": 1}
    hook = upload.calls[0][1]["raw_response_hook"]
    options = {"read_timeout": 3, "raw_response_hook": hook}
    assert upload.calls == [(("base/a", ENCODED), {"overwrite": True, **options})]
    assert tracker["a"] == {"x": 1}
    assert download.calls == [(("base/a",), {"offset": 0, "length": 2**20 + 1, **options})]
    del tracker["a"]
    assert delete.calls == [(("base/a",), options)]
    assert list(iter(tracker)) == ["a", "b/c", "d"]
    assert listed.asked == [{"name_starts_with": "base/", **options}]


def test_adlfs_lists_the_key_at_a_prefix() -> None:
    """A listing below a prefix reads the key at the prefix, and lists the names that begin with it and a slash."""
    missing = azure(ResourceNotFoundError("missing"), "BlobNotFound", 404)
    listed = Pages(["base/a/b"])
    download = Answers(blob(STORED), missing)
    tracker = on_adlfs({"download_blob": download, "list_blob_names": listed})
    assert list(iter(tracker.keys("a"))) == ["a", "a/b"]
    assert list(iter(tracker.keys("a"))) == ["a/b"]
    assert [asked["name_starts_with"] for asked in listed.asked] == ["base/a/"] * 2


def test_adlfs_lists_the_etag_and_the_time_of_each_blob() -> None:
    """The listing that a cache and ``rm --older-than`` use has them from the page, without a request for each blob."""
    changed = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
    found = SimpleNamespace(name="base/a", etag='"0x8D4BCC2E4835CD0"', last_modified=changed)
    tracker = on_adlfs({"list_blobs": Pages([found])})
    assert list(tracker._list_details("")) == [("a", found.etag, changed.timestamp())]


def test_adlfs_refuses_a_token_that_repeats() -> None:
    """A listing whose token repeats is an error and does not go on for ever."""
    listed = Pages(["base/a"], ["base/b"], ["base/c"], tokens=["1", "2", "1"])
    with pytest.raises(ConnectionError, match="same token"):
        list(on_adlfs({"list_blob_names": listed}).keys())


@pytest.mark.parametrize(
    ("status", "header", "is_refused"), [(200, "etag", True), (503, "etag", False), (200, ID, False)]
)
def test_adlfs_knows_azures_answers(status: int, header: str, is_refused: bool) -> None:
    """An answer without the header that Azure always sends is an error; a refusal is left to Azure's client."""
    answer = SimpleNamespace(status_code=status, headers={header: "1"})
    response: Any = SimpleNamespace(http_response=answer, http_request=SimpleNamespace(method="PUT"))
    if is_refused:
        with pytest.raises(ConnectionError, match="a PUT is not one of Azure's"):
            adlfs._check_that_it_is_azures(response)
    else:
        adlfs._check_that_it_is_azures(response)


def test_adlfs_missing_blob() -> None:
    """A missing blob is ``{}`` for a get and an error for a delete."""
    missing = azure(ResourceNotFoundError("missing"), "BlobNotFound", 404)
    assert on_adlfs({"download_blob": Answers(missing)})["a"] == {}
    tracker = on_adlfs({"delete_blob": Answers(missing), "download_blob": Answers(missing)})
    with pytest.raises(ResultNotFoundError):
        del tracker["a"]


def test_adlfs_create_compares_with_the_blob_that_is_there() -> None:
    """A create that finds a blob accepts its own content and refuses any other."""
    there = azure(ResourceExistsError("there"), "BlobAlreadyExists", 409)
    calls = {
        "upload_blob": Answers(there, there),
        "download_blob": Answers(*(blob(STORED) for _ in range(2))),
    }
    tracker = on_adlfs(calls)
    tracker.create("a", x=1)
    with pytest.raises(ResultExistsError):
        tracker.create("a", x=2)


@pytest.mark.parametrize(
    ("options", "tries"), [({}, 7), ({"retry_total": 0}, 1), ({"retry_policy": LinearRetry(retry_total=2)}, 3)]
)
def test_adlfs_client_has_the_login_and_the_options(options: dict[str, object], tries: int) -> None:
    """The container's client has adlfs's account, and retries as often as the options say."""
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


def test_adlfs_retries_pause_and_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first pause is a fraction of a second and the longest a few; after a minute there are no more retries."""
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
    """Return a tracker on a gcsfs that gives *answers* (errors, or pages of a listing), and what records its calls."""

    def given(answer: Exception | Mapping[str, object]) -> object:
        if isinstance(answer, Exception):
            return answer
        headers: dict[str, str] = {}
        return 200, headers, None, json.dumps({"kind": "storage#objects", **answer})

    request = Answers(*map(given, answers))
    fs: Any = SimpleNamespace(loop=get_loop(), requests_timeout=None, _location="http://host", _request=request)
    return GcsfsResultTracker(fs, "bucket/base", 4), request


def test_gcsfs_lists_to_the_last_page() -> None:
    """A listing goes on to the last page; an empty page before it does not end it."""
    pages: list[dict[str, object]] = [
        {"items": [{"name": "base/a"}], "nextPageToken": "2"},
        {"nextPageToken": "3"},
        {"items": [{"name": "base/b"}]},
    ]
    tracker, request = on_gcsfs(*pages)
    assert list(iter(tracker)) == ["a", "b"]
    assert [named["pageToken"] for _, named in request.calls] == [None, "2", "3"]
    with pytest.raises(ConnectionError, match="same token"):
        list(on_gcsfs(pages[0], pages[1], {"nextPageToken": "2"})[0].keys())


@pytest.mark.parametrize("name", ["base/b", None])
def test_gcsfs_refuses_a_put_of_another_object(name: str | None) -> None:
    """An answer to a put that names another object than the one that was put is an error."""
    stored = {"kind": "storage#object", "name": name}
    fs: Any = SimpleNamespace(loop=get_loop(), requests_timeout=None, _location="http://host")
    headers: dict[str, str] = {}
    fs._request = Answers((200, headers, None, json.dumps(stored)))
    with pytest.raises(ConnectionError, match="it is about another object"):
        GcsfsResultTracker(fs, "bucket/base", 4).put("a", x=1)


def test_gcsfs_reads_an_empty_object() -> None:
    """The refusal of a range of an empty object reads as no bytes; any other refusal is an error."""
    refused = HttpError({"code": 416})
    larger = {"items": [{"name": "base/a", "size": "1"}]}
    refusals: list[tuple[Exception | Mapping[str, object], ...]] = [
        (HttpError({"code": 403}),),
        (refused, {}),
        (refused, larger),
    ]
    for answers in refusals:
        tracker, _ = on_gcsfs(*answers)
        with pytest.raises(HttpError):
            tracker.get("a")
    tracker, _ = on_gcsfs(refused, {"items": [{"name": "base/a", "size": "0"}]})
    assert tracker._read("a", 1) == b""


def test_gcsfs_missing_object() -> None:
    """An object is missing where the bucket does not list exactly its name."""
    tracker, request = on_gcsfs(FileNotFoundError(), {"items": [{"name": "base/ab"}]}, FileNotFoundError(), {})
    assert tracker.get("a") == {}
    assert tracker.get("a") == {}
    assert [named.get("prefix") for _, named in request.calls] == [None, "base/a"] * 2


# -- obstore


def test_obstore_has_a_client_for_each_scheme() -> None:
    """Each scheme gets its client; an account in an Azure URL is the client's account."""
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
def test_obstore_allows_http_for_an_http_endpoint(name: str) -> None:
    """A user who configures an ``http://`` endpoint, by any of obstore's names, gets plain HTTP."""
    for scheme in ("http", "https"):
        options: dict[str, object] = {"config": {name: f"{scheme}://host", "skip_signature": True}}
        client = ObstoreResultTracker("s3://b", storage_options=options)._client
        assert f"{(client.client_options or {}).get('allow_http')}".lower() == f"{scheme == 'http'}".lower()


def test_obstore_through_fsspec_keeps_its_options() -> None:
    """An obstore that is registered with fsspec keeps the options of the store and its own."""
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


def test_obstore_refuses_a_listing_of_a_web_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """A web server, which has a page for every request, is not an empty store."""
    tracker = ObstoreResultTracker("s3://b", storage_options={"config": {"skip_signature": True}})
    page = SimpleNamespace(meta={"size": 1}, attributes={}, bytes=lambda: b"<")

    def listed(*_: object, **__: object) -> Iterator[object]:
        return iter(())

    def got(*_: object, **__: object) -> SimpleNamespace:
        return page

    monkeypatch.setattr(obstore, "list", listed)
    monkeypatch.setattr(obstore, "get", got)
    with pytest.raises(ConnectionError, match="a listing is not one of the store's"):
        list(tracker.keys())


@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_obstore_create_in_a_versioned_bucket(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    """On S3 the probe follows the first create; on Google Cloud Storage, where all buckets have versions, none does."""
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
    stored, probe = ({"e_tag": hashlib.md5(data).hexdigest(), "version": "1"} for data in (ENCODED, b""))
    answers[:] = [stored, probe if scheme == "s3" else stored, AlreadyExistsError("refused"), stored]
    one.create("a", x=1)
    one.create("b", x=1)
    if scheme == "gs":
        assert paths == ["x/a", "x/b"]
        return
    assert paths == ["x/a", f"x/{PROBE}", f"x/{PROBE}", "x/b"]
    answers[:] = [stored, probe, probe]
    with pytest.raises(UnsupportedOperationError, match=r"not safe on s3://b/x/: .*versioned"):
        another.create("a", x=1)


def test_obstore_confirms_a_put_without_a_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the ETags of a bucket are not digests, a read confirms the first put; later ones must look like digests."""
    tracker = ObstoreResultTracker("s3://b", storage_options={"config": {"skip_signature": True}})
    got = Mock(return_value=SimpleNamespace(meta={}, attributes={}, bytes=lambda: ENCODED))
    put = Mock(return_value={"e_tag": f'"{32 * "0"}"', "version": None})
    monkeypatch.setattr(obstore, "get", got)
    monkeypatch.setattr(obstore, "put", put)
    tracker.put("a", x=1)
    tracker.put("a", x=1)
    assert got.call_count == 1
    put.return_value = {"e_tag": '"1-5f8d"', "version": None}
    tracker.put("a", x=1)
    assert got.call_count == 2
    with pytest.raises(ConnectionError, match="a put is not one of S3's"):
        tracker.put("a", x=2)


AZURE_OPTIONS: Final = {"config": {"account_name": "account", "skip_signature": True}}


def test_obstore_knows_azures_answer_to_a_put(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer whose ETag has another form than Azure's is an error."""
    tracker = ObstoreResultTracker("az://c/b", storage_options=AZURE_OPTIONS)
    put = Mock(return_value={"e_tag": '"0x8D4BCC2E4835CD0"', "version": None})
    monkeypatch.setattr(obstore, "put", put)
    tracker.put("a", x=1)
    for etag in (None, '"1-5f8d"'):
        put.return_value = {"e_tag": etag, "version": None}
        with pytest.raises(ConnectionError, match="a put is not one of Azure's"):
            tracker.put("a", x=1)


def test_obstore_takes_the_etags_of_azure_for_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are unique, so a young blob has a version, too."""
    now = datetime.datetime.now(datetime.UTC)
    entry = {"path": "b/a", "size": 3, "e_tag": '"0x8D4BCC2E4835CD0"', "last_modified": now}
    monkeypatch.setattr(obstore, "list", Mock(return_value=iter([[entry]])))
    tracker = ObstoreResultTracker("az://c/b", storage_options=AZURE_OPTIONS)
    assert list(tracker._list_details("")) == [("a", entry["e_tag"], now.timestamp())]


def test_obstore_has_no_bare_key_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A `KeyError` of the client becomes another error, with its cause: it would mean that the key holds nothing."""
    tracker = ObstoreResultTracker("s3://b", storage_options={"config": {"skip_signature": True}})
    monkeypatch.setattr(obstore, "get", Mock(side_effect=KeyError("ContentLength")))
    with pytest.raises(ConnectionError, match="lacks 'ContentLength'"):
        tracker.get("a")


@pytest.mark.parametrize(
    ("base", "reason"),
    [
        ("s3://b/a//b", "empty segment.*FsspecResultTracker allows"),
        ("s3://b//x", "empty segment"),
        ("s3://b/./x", "empty segment, '.'"),
        ("gs://b/x/..", "or '..'"),
        ("s3://me:hunter2@bucket/p", "'s3://[*]{3}@bucket/p': give a login by storage_options"),
        ("s3://me:hun/ter2@bucket/p", "'s3://[*]{3}@bucket/p': give a login"),
        ("gs://me@bucket/p", "give a login"),
        ("az://c@account:hunter2@x/y", "give a login"),
        ("az://c@/y", "give a login"),
        ("s3:///x", "s3://bucket/…"),
        ("https://host/x", "s3://bucket/…"),
    ],
)
@pytest.mark.parametrize("door", [open_tracker, ObstoreResultTracker])
def test_obstore_refuses_bases(door: Callable[[str], ResultTracker], base: str, reason: str) -> None:
    """A base that obstore cannot find, or would take for another folder, is refused when the tracker is made."""
    if base.startswith("https") and door is open_tracker:
        return  # because that is fsspec's
    with pytest.raises(ValueError, match=reason) as caught:
        door(base)
    assert "hun" not in str(caught.value)


def test_obstore_ignores_slashes_at_the_end_of_a_base() -> None:
    """A base with slashes at its end is the base without them."""
    for base in ("s3://b/x", "s3://b/x/", "s3://b/x//"):
        assert repr(ObstoreResultTracker(base)) == "ObstoreResultTracker('s3://b/x')"
    for base in ("s3://b", "s3://b/", "s3://b//"):
        assert repr(ObstoreResultTracker(base)) == "ObstoreResultTracker('s3://b')"


BROKEN = "Generic S3 error: Error getting list response body: HTTP error: request or response body error"


@pytest.mark.parametrize("breaks", [[0], [1], [2], [0, 3]])
def test_obstore_continues_a_broken_listing(monkeypatch: pytest.MonkeyPatch, breaks: list[int]) -> None:
    """A listing that breaks off goes on after the last name that it listed: no name is lost or repeated."""
    names = ["b/a", "b/c", "b/d", "b/e"]
    asked: list[str | None] = []
    steps = iter(range(100))

    def listing(*_: object, offset: str | None, **__: object) -> Iterator[list[dict[str, object]]]:
        asked.append(offset)
        left = [name for name in names if offset is None or name > offset]
        for page in left[:2], [], left[2:]:
            if next(steps) in breaks:
                raise GenericError(BROKEN)
            yield [{"path": name, "size": 3, "e_tag": None} for name in page]

    monkeypatch.setattr(obstore, "list", listing)
    tracker = ObstoreResultTracker("s3://bucket/b", storage_options={"config": {"skip_signature": True}})
    assert list(iter(tracker)) == ["a", "c", "d", "e"]
    assert len(asked) == 1 + len(breaks)


@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_obstore_asks_s3_for_the_names_after_a_full_page(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    """On S3 a listing that ends with a full page may be truncated without a token; obstore takes that for the end."""
    names = [f"b/{number:04}" for number in range(1500)]
    asked: list[str | None] = []

    def listing(*_: object, offset: str | None, **__: object) -> Iterator[list[dict[str, object]]]:
        asked.append(offset)
        left = [name for name in names if offset is None or name > offset]
        yield [{"path": name, "size": 3, "e_tag": None} for name in left[:1000]]

    monkeypatch.setattr(obstore, "list", listing)
    tracker = ObstoreResultTracker(f"{scheme}://bucket/b", storage_options={"config": {"skip_signature": True}})
    assert len(list(iter(tracker))) == (1500 if scheme == "s3" else 1000)
    assert asked == [None, "b/0999"][: 2 if scheme == "s3" else 1]


def test_obstore_refuses_a_listing_that_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    """A listing that has a name twice, on one page or on two, is an error and does not go on for ever."""
    for pages in ([["b/a", "b/c", "b/a"]], [["b/a", "b/c"], ["b/a", "b/c"]]):
        listed = Mock(
            return_value=iter([[{"path": name, "size": 3, "e_tag": None} for name in page] for page in pages])
        )
        monkeypatch.setattr(obstore, "list", listed)
        tracker = ObstoreResultTracker("s3://bucket/b", storage_options={"config": {"skip_signature": True}})
        with pytest.raises(ConnectionError, match="same name twice"):
            list(iter(tracker))


def test_obstore_page_ends_within_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of a listing that obstore never returns, as for empty pages without end, is a `TimeoutError`."""
    end = threading.Event()

    def listing(*_: object, **__: object) -> Iterator[list[dict[str, object]]]:
        end.wait()
        yield []

    monkeypatch.setattr(obstore, "list", listing)
    config = {"skip_signature": True}
    tracker = ObstoreResultTracker("s3://bucket/b", storage_options={"config": config})
    assert tracker._bound == 120
    tracker._bound = 0.01
    with pytest.raises(TimeoutError, match=r"did not end within 0\.01 s") as caught:
        list(tracker.keys())
    end.set()
    assert any("typedtrack: list s3://bucket/b/" in note for note in caught.value.__notes__)
    for options in ({"retry_config": {"max_retries": 0}}, {"client_options": {"timeout": "300s"}}):
        assert ObstoreResultTracker("s3://b", storage_options={"config": config, **options})._bound == inf


def test_obstore_call_that_breaks_late_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that breaks after half a minute is not made a second time, which could take as long again."""
    times = iter([0.0, 31.0])
    monkeypatch.setattr(backend, "time", SimpleNamespace(monotonic=lambda: next(times)))
    get = Mock(side_effect=GenericError(BROKEN))
    monkeypatch.setattr(obstore, "get", get)
    tracker = ObstoreResultTracker("s3://b", storage_options={"config": {"skip_signature": True}})
    with pytest.raises(GenericError):
        tracker._read("a", 1)
    assert get.call_count == 1


@pytest.mark.parametrize(
    ("text", "options", "tries"),
    [
        (BROKEN, {}, 2),
        (BROKEN, {"retry_config": {"max_retries": 0}}, 1),
        ("Error performing GET after 14 retries - Server returned non-2xx status code: 503", {}, 1),
        ("Error performing GET after 14 retries - HTTP error: error sending request", {}, 1),
    ],
)
def test_obstore_call_is_repeated_once(
    monkeypatch: pytest.MonkeyPatch, text: str, options: dict[str, object], tries: int
) -> None:
    """A call is not repeated where obstore itself has retried, or where the user has configured the retries."""
    get = Mock(side_effect=GenericError(text))
    monkeypatch.setattr(obstore, "get", get)
    tracker = ObstoreResultTracker("s3://b", storage_options={"config": {"skip_signature": True}, **options})
    with pytest.raises(GenericError):
        tracker.get("a")
    assert get.call_count == tries


def test_obstore_refuses_a_forked_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call is refused in a process that was forked from the one that used obstore first."""
    monkeypatch.setattr(backend, "_process", os.getpid() + 1)
    with pytest.raises(NotImplementedError, match="'spawn' or 'forkserver'"):
        ObstoreResultTracker("s3://b").get("a")
