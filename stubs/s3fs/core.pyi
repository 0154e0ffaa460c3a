# ruff: noqa: N803  # the names are those of S3's API
from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Literal, NotRequired, Self, TypedDict, overload

from fsspec.asyn import AsyncFileSystem

S3_RETRYABLE_ERRORS: tuple[type[Exception], ...]

class StreamingBody:
    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...
    async def read(self, amt: int | None = None) -> bytes: ...

class ResponseMetadata(TypedDict):
    HTTPStatusCode: int

class GetObjectOutput(TypedDict):
    Body: StreamingBody
    ContentEncoding: NotRequired[str]
    ContentType: NotRequired[str]
    ETag: NotRequired[str]
    ResponseMetadata: ResponseMetadata

class Entry(TypedDict):
    Key: str
    ETag: NotRequired[str]
    LastModified: NotRequired[datetime]

class PutObjectOutput(TypedDict):
    ETag: NotRequired[str]
    VersionId: NotRequired[str]

class DeleteObjectOutput(TypedDict):
    ResponseMetadata: ResponseMetadata

class ListObjectsOutput(TypedDict):
    IsTruncated: NotRequired[bool]
    Contents: NotRequired[list[Entry]]
    NextContinuationToken: NotRequired[str]

class S3FileSystem(AsyncFileSystem):
    retries: int
    config_kwargs: Mapping[str, object]
    def split_path(self, path: str) -> tuple[str, str, str | None]: ...
    @overload
    async def _call_s3(self, method: Literal["get_object"], *, Bucket: str, Key: str) -> GetObjectOutput: ...
    @overload
    async def _call_s3(
        self, method: Literal["put_object"], *, Bucket: str, Key: str, Body: bytes, IfNoneMatch: str = ...
    ) -> PutObjectOutput: ...
    @overload
    async def _call_s3(self, method: Literal["delete_object"], *, Bucket: str, Key: str) -> DeleteObjectOutput: ...
    @overload
    async def _call_s3(
        self, method: Literal["list_objects_v2"], *, Bucket: str, Prefix: str, ContinuationToken: str = ...
    ) -> ListObjectsOutput: ...
    def call_s3(
        self, method: Literal["put_bucket_versioning"], *, Bucket: str, VersioningConfiguration: Mapping[str, str]
    ) -> object: ...
    def object_version_info(self, path: str) -> list[Mapping[str, object]]: ...
