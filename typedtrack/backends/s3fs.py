"""Results on S3 through s3fs, below its file interface: by its ``_call_s3``, one request for a put and one for a get.

The file interface asks for the size before a read, gives ``?versionId=`` in a path a meaning, and does not tell a
missing key from a missing bucket. ``_call_s3`` does none of that, and has the login, the retries and the error classes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import s3fs.core

from typedtrack._tracker.untyped import ResultTracker
from typedtrack.backends.answers import Pages, encoded_answer, foreign_answer
from typedtrack.backends.asynchronous import BucketResultTracker, Page, instance_beside
from typedtrack.backends.s3_checks import acknowledges, check_creates, unconfirmed_put

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem
    from s3fs.core import Entry, GetObjectOutput, PutObjectOutput

__all__ = ["S3fsResultTracker", "tracker_over"]


class S3fsResultTracker(BucketResultTracker):
    """Results in the folder *root* (``bucket/folder``) of the s3fs filesystem *fs*."""

    def __init__(self, fs: s3fs.core.S3FileSystem, root: str, max_concurrency: int) -> None:
        self._fs = fs
        self._bucket = fs.split_path(root)[0]
        folder = root.removeprefix(self._bucket).removeprefix("/")  # s3fs drops the part that it takes for a version
        timeouts = (fs.config_kwargs.get(name) for name in ("connect_timeout", "read_timeout"))
        super().__init__(fs.loop, f"s3://{self._bucket}", folder, max_concurrency, timeouts)
        self._refuses_creates = False  # in a versioned bucket; True once that was seen
        self._has_digests = True  # its ETags are digests of the content; False once another was confirmed

    async def _read_one(self, key: str, limit: int) -> bytes | None:
        attempts_left, pause = self._fs.retries, 0.2
        while True:
            attempts_left -= 1
            try:
                answer = await self._fs._call_s3("get_object", Bucket=self._bucket, Key=self._base_prefix + key)
            except FileNotFoundError as error:
                if _code(error) == "NoSuchKey":
                    return None
                raise
            _check(answer)
            try:
                return await _body(answer, limit)
            except s3fs.core.S3_RETRYABLE_ERRORS:  # the body broke off; `_call_s3` retries only up to the headers
                if attempts_left <= 0:
                    raise
                await asyncio.sleep(pause)
                pause *= 2

    def _write(self, key: str, data: bytes, *, exclusive: bool = False) -> None:
        if not exclusive:
            super()._write(key, data)
        elif self._create(key, data) and not self._refuses_creates:
            check_creates(self._create, self._location(""))
            self._refuses_creates = True

    _write_many = BucketResultTracker._write_many  # which the `_write` above would replace by one in threads

    def _create(self, key: str, data: bytes) -> bool:
        """Create the object; return whether its bucket has versions."""
        return "VersionId" in self._wait_for(self._create_one(key, data))

    async def _write_one(self, key: str, data: bytes, exclusive: bool = False) -> None:
        await (self._create_one(key, data) if exclusive else self._put_one(key, data))

    async def _create_one(self, key: str, data: bytes) -> PutObjectOutput:
        try:
            return await self._put_one(key, data, IfNoneMatch="*")
        except OSError as error:
            # For AWS, which names the condition, s3fs raises FileExistsError; for others it does not. The second code
            # means that two conditional writes met and this one lost.
            if _code(error) in ("PreconditionFailed", "ConditionalRequestConflict"):
                raise FileExistsError(key) from error
            raise

    async def _put_one(self, key: str, data: bytes, **condition: str) -> PutObjectOutput:
        answer = await self._fs._call_s3(
            "put_object", Bucket=self._bucket, Key=self._base_prefix + key, Body=data, **condition
        )
        # botocore takes any answer for S3's, a web page too
        if not acknowledges(answer.get("ETag"), data, has_digests=self._has_digests):
            if await self._read_one(key, len(data) + 1) != data:
                raise unconfirmed_put(answer.get("ETag"))
            self._has_digests = False
        return answer

    async def _delete_one(self, key: str) -> None:
        if await self._read_one(key, 1) is None:  # S3 does not tell whether there was something to delete
            raise FileNotFoundError(key)
        try:
            answer = await self._fs._call_s3("delete_object", Bucket=self._bucket, Key=self._base_prefix + key)
        except FileNotFoundError as error:  # S3 has no such answer for an object
            raise foreign_answer("S3", "a delete", "its status is 404") from error
        status = answer["ResponseMetadata"]["HTTPStatusCode"]
        if status != 204:
            raise foreign_answer("S3", "a delete", f"its status is {status}, not 204")

    async def _objects(self, beginning: str, *, details: bool) -> AsyncIterator[Page]:
        more: dict[str, str] = {}
        pages = Pages("S3")
        while True:
            page = await self._fs._call_s3("list_objects_v2", Bucket=self._bucket, Prefix=beginning, **more)
            if "IsTruncated" not in page:
                raise foreign_answer("S3", "a listing", "it does not tell whether there is more")
            token = page.get("NextContinuationToken")
            if page["IsTruncated"] and token is None:
                raise foreign_answer("S3", "a listing", "it is truncated and has no token for the next page")
            yield [_listed(entry) for entry in page.get("Contents", ())]
            if token is None:
                return
            more = {"ContinuationToken": pages.check_token(token)}


def _listed(entry: Entry) -> tuple[str, str | None, float | None]:
    modified = entry.get("LastModified")
    return entry["Key"], entry.get("ETag"), None if modified is None else modified.timestamp()


def _check(answer: GetObjectOutput) -> None:
    """Check that *answer* is S3's to a get of a whole object, stored without an encoding."""
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    if status != 200:
        raise foreign_answer("S3", "a get", f"its status is {status}, not 200")
    if "ETag" not in answer:
        raise foreign_answer("S3", "a get", "it has no ETag")
    if answer.get("ContentType", "").startswith("text/html"):  # no client of results stores one
        raise foreign_answer("S3", "a get", "it is a web page")
    if encoding := answer.get("ContentEncoding"):
        raise encoded_answer("S3", encoding)


async def _body(answer: GetObjectOutput, limit: int) -> bytes:
    async with answer["Body"] as body:
        data = b""
        while len(data) < limit and (more := await body.read(limit - len(data))):
            data += more
        return data


def _code(error: OSError) -> str | None:
    """Return the code of S3's answer behind *error*, or `None` if it has none."""
    response = getattr(error.__cause__, "response", None)
    return None if response is None else response["Error"].get("Code")


def _retries(fs: s3fs.core.S3FileSystem) -> int:
    """Return how often s3fs must try a request that botocore, below it, already tries as often as it is configured to.

    s3fs's own five times would make 25 in all. Once more is for answers that break off after their headers, where
    botocore stops looking. A user who configures botocore's retries gets no more than these.
    """
    return 1 if "retries" in fs.config_kwargs else 2


def tracker_over(fs: AbstractFileSystem, root: str, max_concurrency: int) -> ResultTracker:
    """Return the tracker in the folder *root* of *fs*."""
    assert isinstance(fs, s3fs.core.S3FileSystem)
    # botocore allows 10 connections by default, which would limit every bulk call
    config = {"max_pool_connections": max_concurrency, **fs.config_kwargs}
    own = instance_beside(fs, {**fs.storage_options, "config_kwargs": config})
    own.retries = _retries(fs)
    return S3fsResultTracker(own, root, max_concurrency)
