from collections.abc import Mapping
from io import BytesIO
from typing import Literal, NotRequired, TypedDict, overload

from fsspec.asyn import AsyncFileSystem

class Entry(TypedDict):
    name: str

class ObjectsPage(TypedDict):
    items: NotRequired[list[Entry]]
    nextPageToken: NotRequired[str]

class GCSFileSystem(AsyncFileSystem):
    @property
    def base(self) -> str: ...
    @property
    def _location(self) -> str: ...
    @overload
    async def _call(
        self, method: str, path: str, *args: str, json_out: Literal[True], **parameters: str | int | None
    ) -> ObjectsPage: ...
    @overload
    async def _call(
        self,
        method: str,
        path: str,
        *args: str,
        json_out: Literal[False] = False,
        headers: Mapping[str, str] | None = None,
        data: BytesIO | None = None,
        **parameters: str | int | None,
    ) -> tuple[Mapping[str, str], bytes]: ...
