"""The obstore client for a base and its options: with our retries, and with a login from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from obstore.store import AzureStore, GCSStore, RetryConfig, S3Store

__all__ = ["AZURE", "GCS", "S3", "client_of"]

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
