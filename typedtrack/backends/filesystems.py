"""The table of fsspec filesystems: what typedtrack knows about each, and the backend that serves it.

Each row tells how a write becomes visible whole, how a create is exclusive, how the store says that nothing is stored,
and where a listing comes from. A filesystem is known by the name of its class, so that looking it up imports none.
``docs/explanation/stores.md`` prints the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from typedtrack._bases import PATHS

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

__all__ = [
    "OTHER",
    "TABLE",
    "Filesystem",
    "as_markdown",
    "names_of",
    "protocol_of",
    "require",
    "row_of",
    "without_password",
]

# The part of a URL before its host ends at the last @. A password may have a slash; then no port follows the colon.
_password = re.compile(r"(?<=://)(?:[^/:]*:[^/]*|(?!arn:)[^/:@]*:(?!\d*/).*)@")


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


def protocol_of(tracker_base: str) -> str:
    """Return the protocol of the URL *tracker_base*; of a chain of URLs, that of the first.

    >>> protocol_of("s3://bucket/results"), protocol_of("simplecache::s3://bucket/results")
    ('s3', 'simplecache')
    """
    outermost = tracker_base.partition("::")[0]
    return outermost.partition("://")[0]


def without_password(tracker_base: str) -> str:
    """Return *tracker_base* without a login, as errors may show it.

    >>> without_password("sftp://me:secret@host/results")
    'sftp://***@host/results'
    >>> without_password("sftp://me:s@cret@host/results@home")
    'sftp://***@host/results@home'
    """
    return _password.sub("***@", tracker_base)


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


def require(tracker_base: str) -> None:
    """Check that *tracker_base* names a folder and that the filesystem for it is installed, without importing it.

    Raises:
        ImportError: the filesystem is not installed; the message has the ``pip install`` line.
        ValueError: fsspec knows no such filesystem, the URL names no bucket where it must, or the filesystem's client
            would take it for another folder.
    """
    protocol = protocol_of(tracker_base)
    if protocol != protocol.lower() and _names_a_filesystem(protocol.lower()):
        meant = protocol.lower() + without_password(tracker_base)[len(protocol) :]
        raise ValueError(f"{without_password(tracker_base)!r} has a protocol in capitals; write {meant!r}")
    rows = [row for row in TABLE if protocol in row.protocols]
    if (problem := _problem(tracker_base, rows)) is not None:
        raise ValueError(f"{without_password(tracker_base)!r} {problem}")
    if any(row.extra is None or find_spec(row.package) for row in rows):
        return

    from fsspec.registry import known_implementations, registry

    if protocol in registry and not (rows and _is_fsspecs_own(registry[protocol])):
        return  # because the process has registered a filesystem itself
    if rows:
        row = rows[0]
        raise ImportError(f"{protocol}:// needs {row.package}: pip install 'typedtrack[{row.extra}]'", name=row.package)
    if protocol not in known_implementations:
        remedy = "see fsspec.available_protocols(), or add a filesystem by fsspec.register_implementation"
        raise ValueError(
            f"fsspec knows no filesystem for {protocol}:// in {without_password(tracker_base)!r}; {remedy}"
        )


def _is_fsspecs_own(filesystem: type[AbstractFileSystem]) -> bool:
    """Return whether *filesystem* ships with fsspec, as the one for sftp does that needs paramiko."""
    return filesystem.__module__.startswith("fsspec.implementations.")


def _problem(tracker_base: str, rows: list[Filesystem]) -> str | None:
    """Return the problem of *tracker_base* for the filesystems of *rows*, as a clause that follows its name."""
    if not all(_names_a_filesystem(link) for link in tracker_base.split("::")[1:]):
        return "has a '::', by which fsspec chains URLs, and no URL after it"
    protocol, _, rest = tracker_base.partition("://")
    first = rest.partition("/")[0]
    for row in rows:
        if row.bucket is not None and not first:
            return f"names no {row.bucket}: {protocol}://{row.bucket}/folder"
        if row.bucket == "bucket" and ("@" in first or ":" in first) and not first.startswith("arn:"):
            return "has a login; give it by storage_options or the environment"
        if row.extra == "sftp" and not _has_a_port_or_none(tracker_base):
            return "has a port that is not a number; give a password that has a slash by storage_options"
        for character in row.reserved:
            if character in rest:
                return f"has a {character!r}, which the client does not take for part of a folder's name"
    return None


def _names_a_filesystem(link: str) -> bool:
    """Return whether *link*, a part of a chain of URLs, is a URL, a path, or the name of a filesystem."""
    from fsspec.registry import known_implementations, registry

    return "://" in link or link.startswith(PATHS) or link in known_implementations or link in registry


def _has_a_port_or_none(url: str) -> bool:
    try:
        _ = urlsplit(url).port
    except ValueError:
        return False
    return True


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
