"""All results of a tracker to one file."""

from __future__ import annotations

import gzip
import os
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Final, cast

from typedtrack._bases import ARCHIVES
from typedtrack._files import check_outside, writing
from typedtrack._progress import Progress, check_progress, counted
from typedtrack._results.archive_lines import line_of
from typedtrack._results.codec import decode
from typedtrack._results.keys import Key
from typedtrack._results.values import Result
from typedtrack._sorting import SortedTexts
from typedtrack._tracker.backend import annotate
from typedtrack._tracker.below import keys_below, reads
from typedtrack._tracker.face import Face
from typedtrack.errors import BulkError, CorruptResultError, ResultNotFoundError

__all__ = ["archive"]

_PUT_MEANWHILE: Final = "was put while the archive was written, and is not in it; archive again"


def archive(
    face: Face[Key, Result, Result],
    path_or_url: str | os.PathLike[str],
    prefix: str,
    storage_options: Mapping[str, object] | None,
    progress: Progress | None,
) -> int:
    """Write the results and failures at and below *prefix* to an archive; return their number.

    *progress* counts the results that are read.

    Raises:
        ValueError: *path_or_url* does not end as an archive does, or is below *prefix*.
        BulkError: some results are corrupt, or were put or deleted meanwhile; the archive has all others.
    """
    name = os.fspath(path_or_url)
    if not name.endswith(ARCHIVES):
        raise ValueError(f"an archive is a file that ends in {' or '.join(ARCHIVES)}, not {name!r}")
    check_progress(progress)
    backend = face._primitives
    check_outside(path_or_url, backend._location(prefix))
    errors: dict[object, Exception] = {}
    count = 0
    with _sorted_keys(face, prefix) as keys:
        asked: deque[str] = deque()
        with writing(path_or_url, storage_options) as file, _compressing(file, name) as lines:
            found = reads(face, prefix, _remembered(keys, asked))
            for _, text, read in found if progress is None else counted(found, progress):
                while (absent := asked.popleft()) != text:
                    errors[absent] = ResultNotFoundError(absent, repr(backend))
                count += 1
                if isinstance(read, Exception):  # an error of the store: the archive would lack results
                    annotate(backend, read, "archive", text)
                    raise read
                try:
                    result = decode(read, backend._location(text))
                except CorruptResultError as error:
                    errors[text] = error
                else:
                    lines.write(line_of(text, result))
            errors.update((absent, ResultNotFoundError(absent, repr(backend))) for absent in asked)
        with _sorted_keys(face, prefix) as keys_now:
            for text in _only_in(keys_now, keys):
                errors[text] = RuntimeError(f"key {text!r} {_PUT_MEANWHILE}")
    if errors:
        raise BulkError(errors)
    return count


def _sorted_keys(face: Face[Key, Result, Result], prefix: str) -> SortedTexts:
    return SortedTexts(text for _, text in keys_below(face, prefix))


def _remembered(keys: Iterable[str], asked: deque[str]) -> Iterator[tuple[Key, str]]:
    """Yield *keys* as `reads` takes them; append each to *asked*, because `reads` yields no key that is absent."""
    for key in keys:
        asked.append(key)
        yield key, key


def _only_in(texts: Iterable[str], others: Iterable[str]) -> Iterator[str]:
    """Yield those of *texts* that are not among *others*; both are sorted."""
    rest = iter(others)
    other = next(rest, None)
    for text in texts:
        while other is not None and other < text:
            other = next(rest, None)
        if text != other:
            yield text


@contextmanager
def _compressing(file: IO[bytes], name: str) -> Generator[IO[bytes]]:
    if not name.endswith(".gz"):
        yield file
        return
    with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as compressed:  # the same bytes each time
        yield cast("IO[bytes]", compressed)
