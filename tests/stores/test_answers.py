"""Answers that are not the store's, or not whole: no client takes them for a result, a put, a delete or a listing."""

from __future__ import annotations

import gzip
import re
import uuid
from collections.abc import Callable
from typing import Any, Final

import obstore
import pytest

from tests.servers.proxy import Answer, Fault
from tests.stores.conftest import CLIENTS, Client
from typedtrack import CorruptResultError, ResultNotFoundError

ALL: Final = [*CLIENTS, "gcs_gcsfs"]
PAGE: Final = b"<html><body>log in</body></html>"

Edit = Callable[[Answer], Answer]


def failure(call: Callable[[], object]) -> Exception:
    """Return what *call* raises; that a stored result is corrupt does not count."""
    with pytest.raises(Exception) as caught:  # noqa: PT011  # because each client has errors of its own
        call()
    assert not isinstance(caught.value, CorruptResultError)
    return caught.value


def in_chunks(answer: Answer) -> Answer:
    """Return *answer* without its length."""
    return answer._replace(length=None)


def compressed(answer: Answer) -> Answer:
    """Return *answer* as a proxy that compresses would send it."""
    body = gzip.compress(answer.body)
    return answer._replace(body=body, length=len(body), headers={**answer.headers, "content-encoding": "gzip"})


def cut(answer: Answer) -> Answer:
    """Return the first five bytes of *answer*, as a range that nobody asked for."""
    headers = {**answer.headers, "content-range": f"bytes 0-4/{len(answer.body)}"}
    return answer._replace(status=206, headers=headers, body=answer.body[:5], length=5)


@pytest.mark.parametrize("client", ALL, indirect=True)
def test_get_without_a_length(client: Client) -> None:
    """An answer in chunks, without Content-Length, is read; obstore, which cannot read it, raises its own error."""
    client.tracker["a"] = {"x": 1}
    client.proxy.always = Fault("GET", "edit", edit=in_chunks)
    if "obstore" in client.name:
        assert "Content-Length" in str(failure(lambda: client.tracker.get("a")))
    else:
        assert client.tracker["a"] == {"x": 1}
        assert "a" in client.tracker


GETS: Final[dict[str, Edit]] = {
    "202": lambda answer: answer._replace(status=202),
    "204": lambda answer: answer._replace(status=204, body=b"", length=0),
    "cut": cut,
    "range without Content-Range": lambda answer: answer._replace(
        status=206, headers={name: value for name, value in answer.headers.items() if name != "content-range"}
    ),
    "web page": lambda _: Answer(200, {"content-type": "text/html"}, PAGE, len(PAGE)),
}


@pytest.mark.parametrize("client", ALL, indirect=True)
@pytest.mark.parametrize("edit", GETS)
def test_get_of_something_else(client: Client, edit: str) -> None:
    """An answer with another status, or of a part of the object, is an error and not a corrupt result."""
    client.tracker["a"] = {"x": 1}
    client.proxy.always = Fault("GET", "edit", edit=GETS[edit])
    failure(lambda: client.tracker.get("a"))


@pytest.mark.parametrize("client", ALL, indirect=True)
def test_get_of_a_compressed_answer(client: Client) -> None:
    """An answer that a proxy has compressed is decompressed or an error, and not a corrupt result."""
    client.tracker["a"] = {"x": 1}
    client.proxy.always = Fault("GET", "edit", edit=compressed)
    if client.name in ("azure_adlfs", "gcs_gcsfs"):
        assert client.tracker["a"] == {"x": 1}
    else:
        assert "gzip" in str(failure(lambda: client.tracker.get("a")))


ETAG: Final = (("ETag", '"5f8d-1a2b"'), ("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT"))
HTML: Final = (("Content-Type", "text/html"), *ETAG)
ERROR: Final = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Denied</Message></Error>"
PUTS: Final[dict[str, Fault]] = {
    "web page": Fault("PUT", "refuse", 200, PAGE, headers=HTML),
    "web page, made": Fault("PUT", "refuse", 201, PAGE, headers=HTML),
    "accepted": Fault("PUT", "refuse", 202, headers=HTML),
    "no content": Fault("PUT", "refuse", 204, headers=HTML),
    "redirect": Fault("PUT", "refuse", 307, headers=(("Location", "/login"), *HTML)),
    "error": Fault("PUT", "refuse", 200, ERROR, headers=ETAG),
}


@pytest.mark.parametrize("client", ALL, indirect=True)
@pytest.mark.parametrize("fault", PUTS)
def test_put_that_is_not_stored(client: Client, fault: str) -> None:
    """An answer with an ETag that is not the store's acknowledges neither a put nor a create."""
    if client.name == "gcs_gcsfs" and fault == "redirect":
        pytest.skip("gcsfs follows a redirect round and tries that again for a minute")
    method = "POST" if client.name == "gcs_gcsfs" else "PUT"
    client.proxy.always = PUTS[fault]._replace(method=method)
    tracker = client.make(f"{client.bucket}/{uuid.uuid4()}", client.one_try)
    failure(lambda: tracker.put("a", x=1))
    failure(lambda: tracker.create("a", x=1))
    client.proxy.reset()
    assert tracker["a"] == {}


@pytest.mark.parametrize("client", ["s3_obstore", "azure_obstore", "gcs_obstore"], indirect=True)
def test_delete_of_another_object(client: Client) -> None:
    """An answer to the delete of another object does not end a delete; obstore itself does not look."""
    answers: list[Answer] = []

    def keep(answer: Answer) -> Answer:
        answers.append(answer)
        return answer

    method = "DELETE" if client.name == "gcs_obstore" else "POST"
    client.tracker.put_many({"a": {"x": 1}, "b": {"x": 2}})
    client.proxy.always = Fault(method, "edit", edit=keep)
    del client.tracker["b"]
    (answer,) = answers
    headers = tuple(answer.headers.items())
    client.proxy.always = Fault(method, "refuse", answer.status, answer.body, headers=headers)
    assert "still there" in str(failure(lambda: client.tracker.__delitem__("a")))
    client.proxy.reset()
    assert list(iter(client.tracker)) == ["a"]


@pytest.mark.parametrize("client", ALL, indirect=True)
@pytest.mark.parametrize("status", [200, 202, 204, 404])
def test_delete_answered_by_a_proxy(client: Client, status: int) -> None:
    """A web page does not end a delete, whatever its status; s3fs and gcsfs cannot tell a bare 204 from the store's.

    Nor does it confirm that there is nothing to delete.
    """
    if status == 204 and client.name in ("s3_s3fs", "gcs_gcsfs"):
        pytest.skip("204 without a body is the store's own answer")
    client.tracker["a"] = {"x": 1}
    method = "POST" if client.name in ("s3_obstore", "azure_obstore") else "DELETE"
    client.proxy.always = Fault(method, "refuse", status, b"" if status == 204 else PAGE, headers=HTML)
    assert not isinstance(failure(lambda: client.tracker.__delitem__("a")), ResultNotFoundError)
    client.proxy.reset()
    assert client.tracker["a"] == {"x": 1}


@pytest.mark.parametrize("client", ["s3_obstore", "azure_obstore", "gcs_obstore"], indirect=True)
def test_delete_of_an_object_that_another_process_deletes(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A delete whose object is gone by then acts like one of an absent key; obstore may also report it as done."""
    client.tracker["a"] = {"x": 1}
    delete = obstore.delete

    def late(*arguments: Any) -> None:
        delete(*arguments)
        raise FileNotFoundError("gone")

    monkeypatch.setattr(obstore, "delete", late)
    with pytest.raises(ResultNotFoundError):
        del client.tracker["a"]


def test_truncated_listing_of_s3fs_without_a_token(s3_s3fs: Client) -> None:
    """A page that says that there is more, and not where, is not the end of a listing."""
    s3_s3fs.tracker["a"] = {"x": 1}
    more = re.compile(b"<IsTruncated>false</IsTruncated>")

    def edit(answer: Answer) -> Answer:
        body = more.sub(b"<IsTruncated>true</IsTruncated>", answer.body)
        return answer._replace(body=body, length=len(body))

    s3_s3fs.proxy.always = Fault("GET", "edit", edit=edit)
    with pytest.raises(ConnectionError, match="it is truncated and has no token"):
        list(s3_s3fs.tracker.keys())


MORE: Final = {
    "s3": (b"</ListBucketResult>", b"<NextContinuationToken>t</NextContinuationToken></ListBucketResult>"),
    "azure": (b"<NextMarker/>", b"<NextMarker>t</NextMarker>"),
    "gcs_obstore": (b"</ListBucketResult>", b"<NextContinuationToken>t</NextContinuationToken></ListBucketResult>"),
    "gcs_gcsfs": (b'"kind":', b'"nextPageToken": "t", "kind":'),
}


@pytest.mark.parametrize("client", ALL, indirect=True)
def test_listing_whose_token_repeats(client: Client) -> None:
    """A listing whose every page names the same next page is an error and does not go on for ever."""
    client.tracker.put_many({"a": {"x": 1}, "b": {"x": 2}})
    before, after = MORE.get(client.name) or MORE[client.name.partition("_")[0]]
    pages: list[Answer] = []

    def edit(answer: Answer) -> Answer:
        body = answer.body.replace(b"<IsTruncated>false", b"<IsTruncated>true").replace(before, after)
        assert body != answer.body
        pages.append(answer._replace(body=body, length=len(body)))
        return pages[0]

    client.proxy.always = Fault("GET", "edit", edit=edit)
    assert "same" in str(failure(lambda: list(client.tracker.keys())))
