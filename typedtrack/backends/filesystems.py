"""The one table of what typedtrack knows of each fsspec filesystem, and which backend acts on it.

Per filesystem: how a write becomes visible whole, how a create is exclusive, how "nothing is stored there" is told
apart from a missing bucket or a refused login, and where a listing comes from. A filesystem is recognised by the name
of its class, so none is imported to look it up. ``docs/stores.md`` prints the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

__all__ = ["OTHER", "TABLE", "Filesystem", "as_markdown", "protocol_of", "require", "row_of", "without_password"]

# Up to the last @, which ends what is before the host; also of a password with a slash, which is no port.
_password = re.compile(r"(?<=://)(?:[^/:]*:[^/]*|(?!arn:)[^/:@]*:(?!\d*/).*)@")


class Filesystem(NamedTuple):
    """One row: ``protocols`` of its URLs, ``classes`` by full name, the ``package`` and the ``extra`` it comes with.

    ``backend`` is the module that acts on it, by its ``tracker_over(fs, root, max_concurrency)``. ``bucket`` is the
    store's word for what a URL must begin with, if it has one. ``reserved`` are the characters that its client does not
    take for a part of a folder's name.
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
        create="a hard link to the finished file; refused where the file system has none",
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
        absent="no such entry",
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
        create="PUT with `If-None-Match: *`; an error where a versioned bucket ignores that (Ceph)",
        absent="the answer's code is `NoSuchKey`",
        listing="`ListObjectsV2`, page by page, never s3fs's cache",
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
        absent="the answer's code is `BlobNotFound`",
        listing="List Blobs, page by page, never adlfs's cache",
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
        absent="a 404 with the words `No such object` and its name, or of an object that the bucket does not list",
        listing="`objects.list`, page by page, never gcsfs's cache",
        bucket="bucket",
    ),
    Filesystem(
        name="sftp (fsspec, paramiko)",
        protocols=("sftp", "ssh"),
        classes=("fsspec.implementations.sftp.SFTPFileSystem",),
        package="paramiko",
        extra="sftp",
        backend="typedtrack.backends.sftp.paramiko",
        whole="a hidden file beside the target, renamed (`posix-rename@openssh.com`)",
        create="a hard link to the finished file (`hardlink@openssh.com`); refused where the server has none",
        absent="`SSH_FX_NO_SUCH_FILE` for the file; a missing base is an empty one, and one that is no folder an error",
        listing="`readdir`, folder by folder",
        reserved="?#",
    ),
    Filesystem(
        name="sftp (sshfs, asyncssh)",
        protocols=("sftp", "ssh"),  # which it takes over from paramiko when it is installed
        classes=("sshfs.spec.SSHFileSystem",),
        package="sshfs",
        extra="sftp",
        backend="typedtrack.backends.sftp.sshfs",
        whole="a hidden file beside the target, renamed (`posix-rename@openssh.com`)",
        create="a hard link to the finished file (`hardlink@openssh.com`); refused where the server has none",
        absent="`SSH_FX_NO_SUCH_FILE` for the file; a missing base is an empty one, and one that is no folder an error",
        listing="`readdir`, folder by folder",
        reserved="?#",
    ),
    Filesystem(
        name="obstore, native or through `obstore.fsspec`",
        protocols=(),
        classes=("obstore.fsspec.FsspecStore",),
        package="obstore",
        extra="obstore",
        backend="typedtrack.backends.obstore",
        whole="one PUT",
        create='a conditional PUT, `mode="create"`; an error where a versioned bucket of S3 ignores that (Ceph)',
        absent="the answer's code is `NoSuchKey` or `BlobNotFound`",
        listing="obstore's stream of pages",
    ),
)

OTHER: Final = Filesystem(
    name="any other",
    protocols=(),
    classes=("fsspec.spec.AbstractFileSystem",),
    package="fsspec",
    extra=None,
    backend="typedtrack.backends.other",
    whole="unknown: written by its `pipe_file`, with a warning that a reader may see a part",
    create=None,
    absent="its `FileNotFoundError`, whatever it means by it",
    listing="its `ls`, after its cache was dropped",
)


def protocol_of(tracker_base: str) -> str:
    """Return the protocol of the URL *tracker_base*, the outermost where it is a chain of several.

    >>> protocol_of("s3://bucket/results"), protocol_of("simplecache::s3://bucket/results")
    ('s3', 'simplecache')
    """
    outermost = tracker_base.partition("::")[0]
    return outermost.partition("://")[0]


def without_password(tracker_base: str) -> str:
    """Return *tracker_base* as errors may show it.

    >>> without_password("sftp://me:secret@host/results")
    'sftp://***@host/results'
    >>> without_password("sftp://me:s@cret@host/results@home")
    'sftp://***@host/results@home'
    """
    return _password.sub("***@", tracker_base)


def row_of(filesystem: type[AbstractFileSystem]) -> Filesystem:
    """Return the row for the class *filesystem*: its own, that of the nearest class above it, or `OTHER`."""
    for cls in filesystem.__mro__:
        name = f"{cls.__module__}.{cls.__qualname__}"
        for row in TABLE:
            if name in row.classes:
                return row
    return OTHER


def require(tracker_base: str) -> None:
    """Check that *tracker_base* is what it seems to be, and that what it needs is installed, without importing it.

    Raises:
        ImportError: it is not installed; names the ``pip install`` line.
        ValueError: fsspec knows no such filesystem, the URL names no bucket where it must, or the filesystem's client
            would take it for another folder.
    """
    protocol = protocol_of(tracker_base)
    rows = [row for row in TABLE if protocol in row.protocols]
    if (problem := _problem(tracker_base, rows)) is not None:
        raise ValueError(f"{without_password(tracker_base)!r} {problem}")
    if any(row.extra is None or find_spec(row.package) for row in rows):
        return

    from fsspec.registry import known_implementations, registry

    if protocol in registry:  # of the process's own
        return
    if rows:
        packages = " or ".join(row.package for row in rows)
        raise ImportError(
            f"{protocol}:// needs {packages}: pip install 'typedtrack[{rows[0].extra}]'", name=rows[0].package
        )
    if protocol not in known_implementations:
        remedy = "see fsspec.available_protocols(), or add yours by fsspec.register_implementation"
        raise ValueError(
            f"fsspec knows no filesystem for {protocol}://, of {without_password(tracker_base)!r}; {remedy}"
        )


def _problem(tracker_base: str, rows: list[Filesystem]) -> str | None:
    """Return why *tracker_base* is not what it seems to be for a filesystem of *rows*, after its name."""
    if not all(_names_a_filesystem(link) for link in tracker_base.split("::")[1:]):
        return "is no folder to fsspec, which takes what follows its '::' for another URL"
    protocol, _, rest = tracker_base.partition("://")
    first = rest.partition("/")[0]
    for row in rows:
        if row.bucket is not None and not first:
            return f"names no {row.bucket}: {protocol}://{row.bucket}/folder"
        if row.bucket == "bucket" and ("@" in first or ":" in first) and not first.startswith("arn:"):
            return "has a login; it is given by storage_options or the environment"
        if row.extra == "sftp" and not _has_a_port_or_none(tracker_base):
            return "has no number for its port; a password with a slash is given by storage_options"
        for character in row.reserved:
            if character in rest:
                return f"has a {character!r}, which its client takes for no part of a folder's name"
    return None


def _names_a_filesystem(link: str) -> bool:
    """Return whether *link* of a chain of URLs is one, or names a filesystem alone."""
    from fsspec.registry import known_implementations, registry

    return "://" in link or link in known_implementations or link in registry


def _has_a_port_or_none(url: str) -> bool:
    try:
        _ = urlsplit(url).port
    except ValueError:
        return False
    return True


def as_markdown() -> str:
    """Return the table as ``docs/stores.md`` has it."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    columns = "filesystem", "URLs", "`pip install`", "a put is", "`create` is exclusive by", "absent is", "a listing is"
    yield f"| {' | '.join(columns)} |"
    yield "|---" * len(columns) + "|"
    for row in (*TABLE, OTHER):
        urls = ", ".join(f"`{protocol}://`" for protocol in row.protocols) or "–"
        extra = "–" if row.extra is None else f"`typedtrack[{row.extra}]`"
        create = row.create or "nothing: it raises `UnsupportedOperationError`"
        yield f"| {row.name} | {urls} | {extra} | {row.whole} | {create} | {row.absent} | {row.listing} |"
