"""Results on S3 through s3fs, below its file interface: one request each, no cached listing, every key itself.

Its ``cat_file`` asks for the size first, its paths give ``?versionId=`` a meaning, and its errors do not tell a missing
key from a missing bucket; its ``_call_s3`` has the credentials, the retries and the error classes, and none of that.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import s3fs.core

from typedtrack._tracker.untyped import ResultTracker
from typedtrack.backends.asynchronous import AsyncResultTracker, instance_beside
from typedtrack.backends.s3 import PROBE, overwrites

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem
    from s3fs.core import GetObjectOutput, PutObjectOutput

__all__ = ["S3fsResultTracker", "tracker_over"]


class S3fsResultTracker(AsyncResultTracker):
    """Results in the folder *root* (``bucket/folder``) of the s3fs filesystem *fs*."""

    def __init__(self, fs: s3fs.core.S3FileSystem, root: str, max_concurrency: int) -> None:
        super().__init__(fs.loop, max_concurrency)
        self._fs = fs
        self._bucket = fs.split_path(root)[0]
        folder = root.removeprefix(self._bucket).removeprefix("/")  # s3fs drops what it takes for a version's name
        self._above = f"{folder.rstrip('/')}/" if folder.rstrip("/") else ""
        self._keeps_condition = False  # of a create, in a versioned bucket, as far as is known

    def _location(self, text: str) -> str:
        return f"s3://{self._bucket}/{self._above}{text}"

    async def _read_one(self, key: str, limit: int) -> bytes | None:
        attempts_left, pause = self._fs.retries, 0.2
        while True:
            attempts_left -= 1
            try:
                answer = await self._fs._call_s3("get_object", Bucket=self._bucket, Key=self._above + key)
            except FileNotFoundError as error:
                if _code(error) == "NoSuchKey":
                    return None
                raise
            try:
                return await _body(answer, limit)
            except s3fs.core.S3_RETRYABLE_ERRORS:  # the body broke off: `_call_s3` retries only up to the headers
                if attempts_left <= 0:
                    raise
                await asyncio.sleep(pause)
                pause *= 2

    async def _write_one(self, key: str, data: bytes, exclusive: bool = False) -> None:
        if not exclusive:
            await self._put_one(key, data)
        elif "VersionId" in await self._create_one(key, data) and not self._keeps_condition:
            await self._check_that_creates_are_refused()

    async def _put_one(self, key: str, data: bytes, **condition: str) -> PutObjectOutput:
        answer = await self._fs._call_s3(
            "put_object", Bucket=self._bucket, Key=self._above + key, Body=data, **condition
        )
        if "ETag" not in answer:  # botocore takes any answer for S3's, an HTML page or none
            raise ConnectionError("what was answered to a put is not S3's answer: is there a proxy on the way?")
        return answer

    async def _create_one(self, key: str, data: bytes) -> PutObjectOutput:
        try:
            return await self._put_one(key, data, IfNoneMatch="*")
        except OSError as error:
            # AWS names the condition, at which s3fs raises FileExistsError; others do not. The second code: two
            # conditional writes met, and this one lost.
            if _code(error) in ("PreconditionFailed", "ConditionalRequestConflict"):
                raise FileExistsError(key) from error
            raise

    async def _check_that_creates_are_refused(self) -> None:
        """Check that the store keeps the condition of a create: `typedtrack.backends.s3` says why, and how.

        Raises:
            UnsupportedOperationError: it does not.
        """
        for _ in range(2):
            try:
                await self._create_one(PROBE, b"")
            except FileExistsError:
                self._keeps_condition = True
                return
        raise overwrites(self._location(""))

    async def _delete_one(self, key: str) -> None:
        if await self._read_one(key, 1) is None:  # S3 itself does not tell
            raise FileNotFoundError(key)
        answer = await self._fs._call_s3("delete_object", Bucket=self._bucket, Key=self._above + key)
        if answer["ResponseMetadata"]["HTTPStatusCode"] != 204:  # as above
            raise ConnectionError("what was answered to a delete is not S3's answer: is there a proxy on the way?")

    async def _pages(self, prefix: str) -> AsyncIterator[list[str]]:
        below = self._above
        if prefix:
            if await self._read_one(prefix, 1) is not None:
                yield [prefix]
            below += f"{prefix}/"
        more: dict[str, str] = {}
        while True:
            page = await self._fs._call_s3("list_objects_v2", Bucket=self._bucket, Prefix=below, **more)
            if "IsTruncated" not in page:  # as above
                raise ConnectionError("what was answered is no listing of S3's: is there a proxy on the way?")
            yield [entry["Key"].removeprefix(self._above) for entry in page.get("Contents", ())]
            if "NextContinuationToken" not in page:
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}


def _tries(fs: s3fs.core.S3FileSystem) -> int:
    """Return how often s3fs shall try what botocore, below it, has tried as often as its own configuration says.

    Five times, as s3fs would, is 25 times in all. A second time is for answers that break off after their headers, at
    which botocore stops looking; and there is none where the user has told botocore how often to try.
    """
    return 1 if "retries" in fs.config_kwargs else 2


async def _body(answer: GetObjectOutput, limit: int) -> bytes:
    async with answer["Body"] as body:
        if answer["ContentLength"] <= limit:
            return await body.read()
        data = b""
        while len(data) < limit:
            data += await body.read(limit - len(data))
        return data


def _code(error: OSError) -> str | None:
    """Return the code of S3's answer behind *error*, or `None` if it has none."""
    response = getattr(error.__cause__, "response", None)
    return None if response is None else response["Error"].get("Code")


def tracker_over(fs: AbstractFileSystem, root: str, max_concurrency: int) -> ResultTracker:
    """Return the tracker in the folder *root* of *fs*."""
    assert isinstance(fs, s3fs.core.S3FileSystem)
    # botocore's own limit of 10 connections would be that of every bulk call
    config = {"max_pool_connections": max_concurrency, **fs.config_kwargs}
    own = instance_beside(fs, {**fs.storage_options, "config_kwargs": config})
    own.retries = _tries(fs)
    return S3fsResultTracker(own, root, max_concurrency)
