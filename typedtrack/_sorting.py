"""Sorts more texts than memory holds."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import groupby, islice
from typing import IO, Final

__all__ = ["SortedTexts"]

_MOST: Final = 100_000  # texts in memory


class SortedTexts:
    """The *texts* in their order, each once, as a context manager. No text may have a line break.

    It keeps 100,000 of them in memory. All others are in temporary files of 100,000 each, which are removed at the end.

    Raises:
        OSError: a temporary file cannot be written; a note names the folder.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._files: list[IO[str]] = []
        texts = iter(texts)
        try:
            while len(sorted_texts := sorted(islice(texts, _MOST))) == _MOST:
                self._write(sorted_texts)
        except BaseException:
            self.close()
            raise
        self._in_memory = sorted_texts

    def _write(self, texts: list[str]) -> None:
        try:
            self._files.append(tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n"))  # noqa: SIM115  # see `close`
            self._files[-1].writelines(f"{text}\n" for text in texts)
            self._files[-1].flush()
        except OSError as error:
            error.add_note("typedtrack: sort keys in temporary files, which are in the folder that TMPDIR names")
            raise

    def __iter__(self) -> Iterator[str]:
        """Iterate from the first text on; only one iteration at a time is right."""
        for file in self._files:
            file.seek(0)
        files = ((line[:-1] for line in file) for file in self._files)
        return (text for text, _ in groupby(merge(*files, self._in_memory)))

    def __enter__(self) -> SortedTexts:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove the temporary files."""
        for file in self._files:
            file.close()
