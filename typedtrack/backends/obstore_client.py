"""The clients of obstore: which bases and options they take, and how one is made.

A client gets retries of ours, and takes from the environment what its options leave out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from obstore.store import AzureStore, GCSStore, RetryConfig, S3Store

__all__ = [
    "AZURE",
    "GCS",
    "OPTIONS",
    "S3",
    "check_options",
    "client_of",
    "is_installed",
    "needs",
    "options_of_filesystem",
    "serves",
]

S3: Final = ("s3", "s3a")
"""The schemes of its URLs."""
GCS: Final = ("gs", "gcs")
AZURE: Final = ("az", "abfs", "abfss")

_RETRIES: Final[RetryConfig] = {  # a pause is random, between the first one and *base* times the last one
    "max_retries": 14,
    "retry_timeout": timedelta(seconds=60),
    "backoff": {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=3), "base": 5},
}
_ENDPOINT_VARIABLES: Final = (
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT",
    "AZURE_STORAGE_ENDPOINT",
    "GOOGLE_BASE_URL",
)

OPTIONS: Final = ("client_options", "config", "credential_provider", "retry_config")

# Names in obstore's ``config`` that no client of fsspec has; those with a prefix of the store count as well.
_CONFIG: Final = (
    "access_key", "access_key_id", "application_credentials", "base_url", "bearer_token", "container_name",
    "default_region", "endpoint", "region", "secret_access_key", "service_account", "service_account_key",
    "session_token", "skip_signature", "use_emulator", "virtual_hosted_style_request",
)  # fmt: skip
_CONFIG_PREFIXES: Final = ("aws_", "azure_", "google_")
# Options of `obstore.fsspec` and of fsspec itself, which no store has.
_FSSPEC_OPTIONS: Final = (
    "protocol", "asynchronous", "loop", "batch_size", "max_cache_size",
    "use_listings_cache", "listings_expiry_time", "max_paths",
)  # fmt: skip


def serves(tracker_base: str, storage_options: Mapping[str, object]) -> bool:
    """Return whether obstore has a client for *tracker_base* that takes *storage_options*."""
    scheme, _, rest = tracker_base.partition("://")
    return scheme in (*S3, *GCS, *AZURE) and "::" not in rest and set(storage_options) <= set(OPTIONS)


def check_options(tracker_base: str, storage_options: Mapping[str, object]) -> None:
    """Check that *storage_options* for a store of obstore's have no names that belong into obstore's ``config``.

    Raises:
        ValueError: they have some; the message has the right form.
    """
    flat = [name for name in storage_options if name in _CONFIG or name.startswith(_CONFIG_PREFIXES)]
    if flat and serves(tracker_base, {}):
        form = ", ".join(f"{name!r}: …" for name in flat)
        raise ValueError(
            f"storage_options has {', '.join(map(repr, flat))}, which obstore has in its config; "
            f"write storage_options={{'config': {{{form}}}}}"
        )


def is_installed() -> bool:
    """Return whether obstore is installed, without importing it."""
    return find_spec("obstore") is not None


def needs(scheme: str) -> str:
    """Return a sentence, without its full stop, that names the package to install for *scheme*."""
    return f"{scheme}:// needs obstore: pip install 'typedtrack[obstore]'"


def options_of_filesystem(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options *given* to ``obstore.fsspec`` as `ObstoreResultTracker` takes them."""
    options = {name: given[name] for name in OPTIONS if name in given}
    config = {name: value for name, value in given.items() if name not in (*OPTIONS, *_FSSPEC_OPTIONS)}
    options["config"] = {**(options.get("config") or {}), **config}
    return options


def client_of(
    scheme: str, container: str, account: str, storage_options: Mapping[str, object]
) -> S3Store | GCSStore | AzureStore:
    """Return a client of the bucket or *container*; *account* is the one that an Azure URL names, or empty."""
    from obstore import store

    # A cast, because the user's options have the types that obstore documents, and obstore checks them.
    options = cast("dict[str, Any]", {"retry_config": _RETRIES, **storage_options})
    config = dict(options.get("config") or {})
    options["client_options"] = {"allow_http": _is_plain_http(config), **(options.get("client_options") or {})}
    if scheme in S3:
        return store.S3Store(container, **options)
    if scheme in GCS:
        return store.GCSStore(container, **options)
    if account:
        options["config"] = {"account_name": account, **config}
    return store.AzureStore(container, **options)


def _is_plain_http(config: Mapping[str, object]) -> bool:
    """Return whether *config* or the environment names an endpoint that begins with ``http://``."""
    named = [value for name, value in config.items() if name.lower().endswith(("endpoint", "url", "url_s3"))]
    named += [os.environ[name] for name in _ENDPOINT_VARIABLES if name in os.environ]
    return any(str(endpoint).startswith("http://") for endpoint in named)
