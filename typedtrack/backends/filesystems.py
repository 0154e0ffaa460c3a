"""The table of fsspec filesystems: the URLs of each, the package that has it, and the backend that serves it.

A filesystem is known by the name of its class, so that looking it up imports none. ``docs/explanation/stores.md`` tells
how each store writes, creates and lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

__all__ = ["OTHER", "TABLE", "Filesystem", "names_of", "row_of"]


class Filesystem(NamedTuple):
    """One row of the table.

    ``protocols`` are those of its URLs, ``classes`` its classes by full name; ``package`` has them and ``extra``
    installs them. ``backend`` is the module whose ``tracker_over(fs, root, max_concurrency)`` serves it. ``bucket`` is
    the store's word for the first part of a URL, if it must be there. ``reserved`` are the characters to which its
    client gives a meaning in the name of a folder.
    """

    name: str
    protocols: tuple[str, ...]
    classes: tuple[str, ...]
    package: str
    extra: str | None
    backend: str
    bucket: str | None = None
    reserved: str = ""


TABLE: Final = (
    Filesystem(
        name="local disk",
        protocols=("file", "local"),
        classes=("fsspec.implementations.local.LocalFileSystem",),
        package="fsspec",
        extra=None,
        backend="typedtrack.backends.local",
    ),
    Filesystem(
        name="memory",
        protocols=("memory",),
        classes=("fsspec.implementations.memory.MemoryFileSystem",),
        package="fsspec",
        extra=None,
        backend="typedtrack.backends.memory",
    ),
    Filesystem(
        name="S3 (s3fs)",
        protocols=("s3", "s3a"),
        classes=("s3fs.core.S3FileSystem",),
        package="s3fs",
        extra="s3",
        backend="typedtrack.backends.s3fs",
        bucket="bucket",
    ),
    Filesystem(
        name="Azure Blob (adlfs)",
        protocols=("az", "abfs", "abfss"),
        classes=("adlfs.spec.AzureBlobFileSystem",),
        package="adlfs",
        extra="azure",
        backend="typedtrack.backends.adlfs",
        bucket="container",
        reserved="\\",
    ),
    Filesystem(
        name="Google Cloud Storage (gcsfs)",
        protocols=("gs", "gcs"),
        classes=("gcsfs.core.GCSFileSystem",),
        package="gcsfs",
        extra="gcs",
        backend="typedtrack.backends.gcsfs",
        bucket="bucket",
    ),
    Filesystem(
        name="sftp (sshfs)",
        protocols=("sftp", "ssh"),
        classes=("sshfs.spec.SSHFileSystem",),
        package="sshfs",
        extra="sftp",
        backend="typedtrack.backends.sftp.tracker",
        reserved="?#",
    ),
    Filesystem(
        name="S3, Azure Blob, Google Cloud Storage (obstore)",
        protocols=(),
        classes=("obstore.fsspec.FsspecStore",),
        package="obstore",
        extra="obstore",
        backend="typedtrack.backends.obstore",
    ),
    Filesystem(
        name="web server (fsspec)",
        protocols=("http", "https"),
        classes=("fsspec.implementations.http.HTTPFileSystem", "fsspec.implementations.http_sync.HTTPFileSystem"),
        package="fsspec",
        extra=None,
        backend="typedtrack.backends.http",
        bucket="host",
        reserved="?#",
    ),
)

OTHER: Final = Filesystem(
    name="any other",
    protocols=(),
    classes=("fsspec.spec.AbstractFileSystem",),
    package="fsspec",
    extra=None,
    backend="typedtrack.backends.other",
)


def names_of(filesystem: type[AbstractFileSystem]) -> list[str]:
    """Return the full names of the class *filesystem* and of its base classes, the nearest first."""
    return [f"{cls.__module__}.{cls.__qualname__}" for cls in filesystem.__mro__]


def row_of(filesystem: type[AbstractFileSystem]) -> Filesystem:
    """Return the row of the class *filesystem* or of its nearest base class, or else `OTHER`."""
    for name in names_of(filesystem):
        for row in TABLE:
            if name in row.classes:
                return row
    return OTHER
