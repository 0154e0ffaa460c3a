from collections.abc import Mapping
from io import BytesIO
from typing import NotRequired, TypedDict

from fsspec.asyn import AsyncFileSystem

class Entry(TypedDict):
    name: str
    generation: NotRequired[str]
    timeCreated: NotRequired[str]

class ObjectsPage(TypedDict):
    items: NotRequired[list[Entry]]
    nextPageToken: NotRequired[str]

class GoogleCredentials:
    credentials: object | None

class GCSFileSystem(AsyncFileSystem):
    credentials: GoogleCredentials
    session_kwargs: Mapping[str, object]
    requests_timeout: object
    @property
    def project(self) -> str | None: ...
    @property
    def _location(self) -> str: ...
    async def _request(
        self,
        method: str,
        path: str,
        *args: str,
        headers: Mapping[str, str] | None = None,
        data: BytesIO | None = None,
        **parameters: str | int | None,
    ) -> tuple[int, Mapping[str, str], object, bytes]: ...
