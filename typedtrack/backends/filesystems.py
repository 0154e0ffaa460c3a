"""The table of fsspec filesystems: what typedtrack knows about each, and the backend that serves it.

Each row tells how a write becomes visible whole, how a create is exclusive, how the store says that nothing is stored,
and where a listing comes from. A filesystem is known by the name of its class, so that looking it up imports none.
``docs/explanation/stores.md`` prints the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

__all__ = [
    "OTHER",
    "TABLE",
    "Filesystem",
    "as_markdown",
    "names_of",
    "row_of",
]


class Filesystem(NamedTuple):
    """One row of the table.

    ``protocols`` are those of its URLs, ``classes`` its classes by full name; ``package`` has them and ``extra``
    installs them. ``backend`` is the module whose ``tracker_over(fs, root, max_concurrency)`` serves it. ``bucket`` is
    the store's word for the first part of a URL, where that must be there. ``reserved`` are the characters that its
    client gives a meaning in the name of a folder. The others are columns of the documentation.
    """

    name: str
    protocols: tuple[str, ...]
    classes: tuple[str, ...]
    package: str
    extra: str | None
    backend: str
    whole: str
    create: str | None
    absent: str
    listing: str
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
        whole="a hidden file beside the target, renamed",
        create="a hard link to the finished file; an error where the file system has no hard links",
        absent="`ENOENT` or `ENOTDIR`",
        listing="`scandir`",
    ),
    Filesystem(
        name="memory",
        protocols=("memory",),
        classes=("fsspec.implementations.memory.MemoryFileSystem",),
        package="fsspec",
        extra=None,
        backend="typedtrack.backends.memory",
        whole="one assignment in a dictionary",
        create="`dict.setdefault`",
        absent="no entry in the dictionary",
        listing="the dictionary",
    ),
    Filesystem(
        name="S3 (s3fs)",
        protocols=("s3", "s3a"),
        classes=("s3fs.core.S3FileSystem",),
        package="s3fs",
        extra="s3",
        backend="typedtrack.backends.s3fs",
        whole="one PUT",
        create="PUT with `If-None-Match: *`; an error where a versioned bucket ignores it (Ceph)",
        absent="404 with the code `NoSuchKey`",
        listing="`ListObjectsV2`, page by page; s3fs's cache is not used",
        bucket="bucket",
    ),
    Filesystem(
        name="Azure Blob (adlfs)",
        protocols=("az", "abfs", "abfss"),
        classes=("adlfs.spec.AzureBlobFileSystem",),
        package="adlfs",
        extra="azure",
        backend="typedtrack.backends.adlfs",
        whole="one Put Blob",
        create="Put Blob with `If-None-Match: *`",
        absent="404 with the code `BlobNotFound`",
        listing="List Blobs, page by page; adlfs's cache is not used",
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
        whole="one POST",
        create="POST with `ifGenerationMatch=0`",
        absent="404 with the text `No such object` and the name, or 404 for an object that the bucket does not list",
        listing="`objects.list`, page by page; gcsfs's cache is not used",
        bucket="bucket",
    ),
    Filesystem(
        name="sftp (sshfs)",
        protocols=("sftp", "ssh"),
        classes=("sshfs.spec.SSHFileSystem",),
        package="sshfs",
        extra="sftp",
        backend="typedtrack.backends.sftp.tracker",
        whole="a hidden file beside the target, renamed (`posix-rename@openssh.com`)",
        create="a hard link to the finished file (`hardlink@openssh.com`); an error where the server has no hard links",
        absent="`SSH_FX_NO_SUCH_FILE`; an error where the base is not a folder",
        listing="`readdir`, folder by folder",
        reserved="?#",
    ),
    Filesystem(
        name="S3, Azure Blob, Google Cloud Storage (obstore)",
        protocols=(),
        classes=("obstore.fsspec.FsspecStore",),
        package="obstore",
        extra="obstore",
        backend="typedtrack.backends.obstore",
        whole="one PUT",
        create='a PUT with `mode="create"`; an error where a versioned bucket of S3 ignores it (Ceph)',
        absent="404 with the code `NoSuchKey` or `BlobNotFound`",
        listing="`list`, page by page",
    ),
    Filesystem(
        name="web server (fsspec)",
        protocols=("http", "https"),
        classes=("fsspec.implementations.http.HTTPFileSystem", "fsspec.implementations.http_sync.HTTPFileSystem"),
        package="fsspec",
        extra=None,
        backend="typedtrack.backends.http",
        whole="unknown: one PUT, and a warning that a reader may see part of a result",
        create=None,
        absent="404, whatever its reason; the index page of a folder",
        listing="the links of an index page, folder by folder",
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
    whole="unknown: one `pipe_file`, and a warning that a reader may see part of a result",
    create=None,
    absent="`FileNotFoundError`, whatever its reason",
    listing="`ls`, folder by folder, after its cache was dropped",
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


def as_markdown() -> str:
    """Return the tables that ``docs/explanation/stores.md`` prints."""
    rows = (*TABLE, OTHER)
    urls = [", ".join(f"`{protocol}://`" for protocol in row.protocols) or "–" for row in rows]
    extras = ["–" if row.extra is None else f"`typedtrack[{row.extra}]`" for row in rows]
    names = [row.name for row in rows]
    creates = [row.create or "nothing: it raises `UnsupportedOperationError`" for row in rows]
    return "\n".join(
        [
            *_table(("store (client)", "URLs", "`pip install`"), names, urls, extras),
            "",
            *_table(("store", "a put is", "`create` is exclusive by"), names, [row.whole for row in rows], creates),
            "",
            *_table(
                ("store", "it says that nothing is there by", "a listing is"),
                names,
                [row.absent for row in rows],
                [row.listing for row in rows],
            ),
            "",
        ]
    )


def _table(head: tuple[str, ...], *columns: list[str]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for cells in zip(*columns, strict=True):
        yield f"| {' | '.join(cells)} |"
