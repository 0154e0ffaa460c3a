"""The requests that each call costs, counted by the proxy."""

from __future__ import annotations

import pytest

from tests.stores.conftest import Client
from typedtrack import Key, Result, ResultExistsError, ResultTimeoutError


def test_making_a_tracker_costs_no_request(client: Client) -> None:
    """A tracker does not touch the store before its first call."""
    client.make(f"{client.bucket}/more", {})
    assert client.proxy.requests == []


def test_first_put(client: Client) -> None:
    """The first put of a process is one request: it looks for no bucket and makes no folder."""
    client.tracker["app1_out"] = {"x": 1}
    assert client.proxy.methods == {"PUT": 1}


def test_get(client: Client) -> None:
    """A get is one GET, whether the key holds a result or not."""
    client.tracker["there"] = {"x": 1}
    client.proxy.reset()
    assert client.tracker["there"] == {"x": 1}
    assert client.proxy.methods == {"GET": 1}
    assert client.tracker["nothing"] == {}
    assert "there" in client.tracker
    assert client.proxy.methods == {"GET": 3}


def test_create(client: Client) -> None:
    """A create is one PUT, and one GET more where the key holds a result, to compare."""
    client.tracker.create("a", x=1)
    assert client.proxy.methods == {"PUT": 1}
    client.tracker.create("a", x=1)
    assert client.proxy.methods == {"PUT": 2, "GET": 1}
    with pytest.raises(ResultExistsError):
        client.tracker.create("a", x=2)
    assert client.proxy.methods == {"PUT": 3, "GET": 2}


def test_wait(client: Client) -> None:
    """A wait polls by GETs of its key alone."""
    with pytest.raises(ResultTimeoutError):
        client.tracker.wait("never", timeout=0.1)
    assert set(client.proxy.methods) == {"GET"}
    assert all("never" in request.path for request in client.proxy.requests)


def test_bulk(client: Client) -> None:
    """A bulk call costs one request for each key, and a listing one for each page."""
    results: dict[Key, Result] = {f"t/{number}": {"number": number} for number in range(50)}
    client.tracker.put_many(results)
    assert client.proxy.methods == {"PUT": 50}
    client.proxy.reset()
    assert client.tracker.get_many([*results, "nothing"])["nothing"] == {}
    assert client.proxy.methods == {"GET": 51}
    client.proxy.reset()
    assert dict(client.tracker.items()) == results
    assert client.proxy.methods == {"GET": 51}
    client.proxy.reset()
    assert [key for key in client.tracker if key == "t/7"] == ["t/7"]
    assert client.proxy.methods == {"GET": 1}


def test_reading_the_first_byte_is_one_request(client: Client) -> None:
    """A read of the first byte of a large object is one request."""
    client.tracker._write("large", b"x" * 1_000_000)
    client.proxy.reset()
    assert client.tracker._read("large", 1) == b"x"
    assert client.proxy.methods == {"GET": 1}
