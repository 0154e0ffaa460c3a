"""Errors of the client of a store, as a command prints them."""

from __future__ import annotations

import socket

import click
import obstore
import pytest
from obstore.store import S3Store

from tests.cli.conftest import Cli
from typedtrack.cli.app import root


def test_an_error_of_obstore_is_one_short_line(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the message and the reason, but not the dump of Rust structures behind them."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # and does not listen
        store = S3Store(
            "bucket",
            endpoint=f"http://127.0.0.1:{unused.getsockname()[1]}",
            access_key_id="a",
            secret_access_key="b",
            client_options={"allow_http": True},
            retry_config={"max_retries": 0},
        )
        monkeypatch.setitem(root.commands, "fail", click.Command("fail", callback=lambda: obstore.get(store, "key")))
        code, out, err = cli("fail")
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert err.startswith("typedtrack: GenericError: Generic S3 error: Error performing GET http://127.0.0.1:")
    assert err.endswith("error sending request: Connection refused\n")
