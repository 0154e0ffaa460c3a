"""Missing, unreachable, refused and broken are told apart; passing faults are retried."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import pytest

from tests.servers.proxy import Fault, Kind
from tests.stores.conftest import CLIENTS, Client
from typedtrack import BulkError, FsspecResultTracker, ResultExistsError, ResultNotFoundError, ResultTracker
from typedtrack.backends.asynchronous import AsyncResultTracker

CALLS: dict[str, Callable[[ResultTracker], object]] = {
    "get": lambda tracker: tracker.get("a"),
    "put": lambda tracker: tracker.put("a", x=1),
    "create": lambda tracker: tracker.create("a", x=1),
    "delete": lambda tracker: tracker.__delitem__("a"),
    "in": lambda tracker: "a" in tracker,
    "wait": lambda tracker: tracker.wait("a", timeout=300),
    "keys": lambda tracker: next(iter(tracker.keys())),
    "items": lambda tracker: next(iter(tracker.items("a"))),
}


def failure(call: Callable[[], object]) -> BaseException:
    """Return what *call* raises."""
    with pytest.raises(Exception) as caught:  # noqa: PT011  # because each client has errors of its own
        call()
    return caught.value


@pytest.mark.parametrize("call", CALLS)
def test_missing_bucket(client: Client, call: str) -> None:
    """A missing bucket is an error at every call, with a note; no call makes the bucket."""
    tracker = client.make("no-such-bucket/base", {})
    error = failure(lambda: CALLS[call](tracker))
    assert any("typedtrack: " in note and "no-such-bucket/base" in note for note in error.__notes__)
    failure(lambda: CALLS[call](tracker))


@pytest.mark.parametrize("call", CALLS)
def test_refused_login(client: Client, call: str) -> None:
    """Wrong credentials are an error at every call, with a note."""
    tracker = client.make(f"{client.bucket}/base", client.wrong_login)
    error = failure(lambda: CALLS[call](tracker))
    assert any("typedtrack: " in note for note in error.__notes__)


@pytest.mark.parametrize("client", [*CLIENTS, "gcs_gcsfs"], indirect=True)
@pytest.mark.parametrize("body", [b"", b"<html>no such host</html>"])
def test_404_of_another(client: Client, body: bytes) -> None:
    """A 404 that does not come from the store does not confirm that the key holds nothing."""
    client.tracker["a"] = {"x": 1}
    client.proxy.always = Fault("GET", "refuse", 404, body)
    failure(lambda: client.tracker.get("a"))
    failure(lambda: "a" in client.tracker)


def test_404_for_a_listed_object_of_gcsfs(gcs_gcsfs: Client) -> None:
    """A 404 for an object that the bucket lists is asked for again, and then an error."""
    tracker, proxy = gcs_gcsfs.tracker, gcs_gcsfs.proxy
    tracker["a"] = {"x": 1}
    fault = Fault("GET", "refuse", 404, b"<html>no such host</html>", path="alt=media")
    proxy.faults.append(fault)
    assert tracker["a"] == {"x": 1}
    proxy.always = fault
    with pytest.raises(ConnectionError, match="the bucket lists"):
        tracker.get("a")
    proxy.always = Fault("DELETE", "refuse", 404)
    with pytest.raises(ConnectionError, match="the bucket lists"):
        del tracker["a"]
    proxy.reset()
    assert tracker["a"] == {"x": 1}
    tracker["ab"] = {"x": 2}
    del tracker["a"]
    assert tracker["a"] == {}


def test_missing_object_of_gcsfs(gcs_gcsfs: Client) -> None:
    """Google's text for a missing object settles a call in one request; its text for a missing bucket is an error."""
    tracker, proxy = gcs_gcsfs.tracker, gcs_gcsfs.proxy
    words = f"No such object: {tracker._location('a').removeprefix('gs://')}"
    proxy.always = Fault("GET", "refuse", 404, words.encode())
    assert tracker["a"] == {}
    assert proxy.methods == {"GET": 1}
    proxy.faults.append(Fault("DELETE", "refuse", 404, json.dumps({"error": {"message": words}}).encode()))
    with pytest.raises(ResultNotFoundError):
        del tracker["a"]
    assert proxy.methods == {"GET": 2, "DELETE": 1}
    proxy.always = Fault("GET", "refuse", 404, b"The specified bucket does not exist.")
    failure(lambda: tracker.get("a"))


@pytest.mark.parametrize("status", [301, 307])
def test_redirect_of_gcsfs(gcs_gcsfs: Client, status: int) -> None:
    """A redirect that leads nowhere is an error: neither an empty result nor an acknowledged put."""
    tracker, proxy = gcs_gcsfs.tracker, gcs_gcsfs.proxy
    tracker["a"] = {"x": 1}
    for method, call in {"GET": "get", "POST": "put", "DELETE": "delete"}.items():
        proxy.always = Fault(method, "refuse", status)
        with pytest.raises(ConnectionError, match=f"its status is {status}"):
            CALLS[call](tracker)
    proxy.always = Fault("GET", "refuse", status)
    with pytest.raises(ConnectionError):
        list(tracker.keys())


@pytest.mark.parametrize("client", [*CLIENTS, "gcs_gcsfs"], indirect=True)
@pytest.mark.parametrize("body", [b"", b"<html>who are you?</html>", b"{}"])
def test_put_answered_by_a_proxy(client: Client, body: bytes) -> None:
    """A page that a proxy sends with status 200 does not acknowledge a put."""
    client.proxy.always = Fault("POST" if client.name == "gcs_gcsfs" else "PUT", "refuse", 200, body)
    failure(lambda: client.tracker.put("a", x=1))


@pytest.mark.parametrize("client", [*CLIENTS, "gcs_gcsfs"], indirect=True)
@pytest.mark.parametrize("body", [b"", b"<html>who are you?</html>", b"{}"])
def test_listing_answered_by_a_proxy(client: Client, body: bytes) -> None:
    """A page that a proxy sends with status 200 is not an empty listing."""
    client.tracker["a"] = {"x": 1}
    client.proxy.always = Fault("GET", "refuse", 200, body)
    for prefix in ("", "below", "below/"):
        failure(partial(len, client.tracker.keys(prefix)))


@pytest.mark.parametrize("client", ["s3_obstore", "s3_s3fs", "azure_adlfs", "gcs_gcsfs"], indirect=True)
def test_delete_answered_by_a_proxy(client: Client) -> None:
    """A page that a proxy sends with status 200 does not acknowledge a delete."""
    client.tracker["a"] = {"x": 1}
    method = "POST" if client.name == "s3_obstore" else "DELETE"
    client.proxy.always = Fault(method, "refuse", 200, b"<html>who are you?</html>")
    failure(lambda: client.tracker.__delitem__("a"))
    client.proxy.reset()
    assert client.tracker["a"] == {"x": 1}


def test_listing_of_gcs_by_a_login_that_may_not_read(gcs_obstore: Client) -> None:
    """An empty listing is empty also for a login that may list and not read."""
    denied = b"<Error><Code>AccessDenied</Code></Error>"
    gcs_obstore.proxy.faults.append(Fault("GET", "refuse", 403, denied, path="typedtrack"))
    assert list(iter(gcs_obstore.tracker)) == []
    assert gcs_obstore.proxy.methods == {"GET": 2}
    assert not gcs_obstore.proxy.faults


def test_denied(client: Client) -> None:
    """A 403 for one key is neither retried nor ``{}``; in a bulk call it does not hide the other keys."""
    client.tracker["a"] = {"x": 1}
    client.proxy.reset()
    denied = Fault("GET", "refuse", 403, b"<Error><Code>AccessDenied</Code><Message>Denied</Message></Error>")
    client.proxy.faults.append(denied)
    assert any("get " in note for note in failure(lambda: client.tracker.get("a")).__notes__)
    assert client.proxy.methods == {"GET": 1}
    client.proxy.faults.append(denied)
    with pytest.raises(BulkError) as caught:
        client.tracker.get_many(["a", "b", "c"])
    assert len(caught.value.errors) == 1
    assert len(caught.value.results) == 2


@pytest.mark.parametrize("kind", ["reset", "halve"])
def test_broken_get_is_retried(client: Client, kind: Kind) -> None:
    """A get whose connection breaks, even within the body, is made again."""
    client.tracker["a"] = {"x": 1}
    client.proxy.reset()
    client.proxy.faults.append(Fault("GET", kind))
    assert client.tracker["a"] == {"x": 1}
    assert client.proxy.methods == {"GET": 2}


@pytest.mark.parametrize("kind", ["reset", "lose"])
def test_broken_put_is_retried(client: Client, kind: Kind) -> None:
    """A put whose connection breaks before or after the store did its work is made again."""
    client.proxy.faults.append(Fault("PUT", kind))
    client.tracker["a"] = {"x": 1}
    assert client.proxy.methods == {"PUT": 2}
    assert client.tracker["a"] == {"x": 1}


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_503_is_retried(client: Client, method: str) -> None:
    """A request that is answered by 503 is made again."""
    client.tracker["a"] = {"x": 1}
    client.proxy.reset()
    client.proxy.faults.append(Fault(method, "refuse", 503))
    client.tracker["a"] = {"x": 2}
    assert client.tracker["a"] == {"x": 2}
    assert client.proxy.methods.total() == 3


def test_retries_end(client: Client) -> None:
    """A store that stays down is an error after as many tries as the client's options say."""
    tracker = client.make(f"{client.bucket}/base", client.one_try)
    client.proxy.always = Fault("GET", "refuse", 503)
    failure(lambda: tracker.get("a"))
    assert client.proxy.methods == {"GET": 1}


def test_silence_is_an_error(client: Client) -> None:
    """A silent store is an error when the client's time is up, and never ``{}``."""
    tracker = client.make(f"{client.bucket}/base", client.impatient)
    client.proxy.always = Fault("GET", "stall")
    failure(lambda: tracker.get("a"))
    assert client.proxy.methods == {"GET": 1}


TRICKLES: dict[str, tuple[str, Callable[[ResultTracker], object]]] = {
    "get": ("GET", lambda tracker: tracker.get("a")),
    "keys": ("GET", lambda tracker: list(iter(tracker))),
    "put": ("PUT", lambda tracker: tracker.put("a", x=1)),
    "create": ("PUT", lambda tracker: tracker.create("a", x=1)),
    "delete": ("DELETE", lambda tracker: tracker.__delitem__("a")),
}


@pytest.mark.parametrize("client", [*CLIENTS, "gcs_gcsfs"], indirect=True)
@pytest.mark.parametrize("call", TRICKLES)
def test_trickle_ends(client: Client, call: str) -> None:
    """An answer that comes byte by byte for ever, so that no read of it times out, ends within the client's bound."""
    client.tracker["a"] = {"x": 1}
    tracker = client.make(client.place, {} if client.name == "gcs_gcsfs" else client.impatient)
    method, make = TRICKLES[call]
    if client.name == "gcs_gcsfs":
        method = method.replace("PUT", "POST")
    elif client.name in ("s3_obstore", "azure_obstore"):
        method = method.replace("DELETE", "POST")
    client.proxy.always = Fault(method, "trickle")
    bound = 1.0  # seconds; a test would not wait for the 120 that are the default
    while not client.proxy.methods[method]:  # a busy machine may need the first bounds to make the client
        if isinstance(tracker, FsspecResultTracker):
            assert isinstance(tracker._backend, AsyncResultTracker)
            tracker._backend._bound = bound
        bound *= 2
        if (call == "put" and "obstore" in client.name) or (call, client.name) == ("delete", "s3_s3fs"):
            make(tracker)  # the head of the answer is all that these need
        else:
            failure(lambda: make(tracker))


@pytest.mark.parametrize("kind", ["reset", "lose"])
def test_broken_create_is_retried(client: Client, kind: Kind) -> None:
    """A create whose connection breaks is made again, and accepts the result that its first try may have stored."""
    client.proxy.faults.append(Fault("PUT", kind))
    client.tracker.create("a", x=1)
    assert client.tracker["a"] == {"x": 1}
    assert client.proxy.methods["PUT"] == 2
    client.proxy.faults.append(Fault("PUT", kind))
    with pytest.raises(ResultExistsError):
        client.tracker.create("a", x=2)


def test_broken_listing_is_retried(client: Client) -> None:
    """A listing that breaks off is made again."""
    client.tracker.put_many({"a": {"x": 1}, "b": {"x": 1}})
    client.proxy.reset()
    client.proxy.faults.append(Fault("GET", "halve"))
    assert sorted(iter(client.tracker)) == ["a", "b"]
    assert client.proxy.methods == {"GET": 2}


def test_broken_answer_for_a_missing_key(client: Client) -> None:
    """Half an answer that the key is missing does not confirm it; obstore and s3fs ask again, adlfs raises."""
    client.proxy.faults.append(Fault("GET", "halve"))
    if client.name == "azure_adlfs":
        failure(lambda: client.tracker.get("a"))
    else:
        assert client.tracker.get("a") == {}
        assert client.proxy.methods == {"GET": 2}
