"""Columns of a table on the command line: keys split by a template, and rows averaged over fields of their keys."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from typedtrack._records.stat import Stat
from typedtrack._results.chunks import Chunk
from typedtrack._results.values import Value
from typedtrack.report.contents import MEAN, SEM, is_stat

__all__ = ["Splitter", "averaged", "splitter"]

_INT = re.compile(r"0|-?[1-9][0-9]*|[0-9]+").fullmatch


Splitter: TypeAlias = Callable[[Iterable[Chunk], list[str]], Iterator[Chunk]]


def splitter(template: str, key: str) -> tuple[Splitter, list[str]]:
    """Return a function that replaces the column *key* by the fields of *template*, and the names of those fields.

    A row whose key has another form is left out; the function appends its key to a list. A field of digits is an `int`.

    Raises:
        ValueError: *template* has no field, one twice, or cannot be read.
    """
    try:
        parts = [*string.Formatter().parse(template)]
    except ValueError:  # a brace without its other
        parts = []
    names = [name for _, name, _, _ in parts if name is not None]
    if not names or len({*names}) < len(names) or not all(name.isidentifier() for name in names):
        raise ValueError(
            f"--key {template!r}: a template has fields in braces, each once, as in '{{model}}/seed_{{seed}}'"
        )
    pattern = "".join(re.escape(text) + (f"(?P<{name}>[^/]+)" if name else "") for text, name, _, _ in parts)
    match = re.compile(pattern).fullmatch

    def split(chunks: Iterable[Chunk], unmatched: list[str]) -> Iterator[Chunk]:
        for chunk in chunks:
            texts = [str(text) for text in chunk.columns[key]]
            matches = [match(text) for text in texts]
            kept = [row for row, found in enumerate(matches) if found]
            unmatched += [text for text, found in zip(texts, matches, strict=True) if not found]
            columns: dict[str, Sequence[Value | None]] = {
                name: [_value(found[name]) for found in matches if found] for name in names
            }
            for name, values in chunk.columns.items():
                if name != key:
                    columns[name] = [values[row] for row in kept]
            if kept:
                yield Chunk(len(kept), columns)

    return split, names


def _value(text: str) -> Value:
    return int(text) if _INT(text) else text


def averaged(chunks: Iterable[Chunk], keys: Sequence[str], over: Sequence[str]) -> Chunk:
    """Return a row for each group of rows whose *keys* differ in *over* alone: counts, and means with their errors.

    A `Stat` is averaged by its mean. A text stays where all rows of the group have it.
    """
    kept_keys = [name for name in keys if name not in over]
    groups: dict[tuple[Value | None, ...], dict[str, list[Value]]] = {}
    for chunk in chunks:
        fields = [name for name in chunk.columns if name not in keys and not _is_error(name, chunk)]
        for row in range(chunk.rows):
            group = groups.setdefault(tuple(chunk.columns[name][row] for name in kept_keys), {"count": []})
            group["count"].append(1)
            for name in fields:
                value = chunk.columns[name][row]
                if value is not None:
                    group.setdefault(name.removesuffix(MEAN) if is_stat(name, chunk.columns) else name, []).append(
                        value
                    )
    columns: dict[str, list[Value | None]] = {name: [] for name in kept_keys}
    for row, (group_key, values) in enumerate(groups.items()):
        for name, part in zip(kept_keys, group_key, strict=True):
            columns[name].append(part)
        for name, found in _summarised(values):
            column = columns.setdefault(name, [])
            column += [None] * (row - len(column))
            column.append(found)
    for column in columns.values():
        column.extend([None] * (len(groups) - len(column)))
    return Chunk(len(groups), columns)


def _is_error(name: str, chunk: Chunk) -> bool:
    return name.endswith(SEM) and is_stat(name.removesuffix(SEM) + MEAN, chunk.columns)


def _summarised(values: dict[str, list[Value]]) -> Iterator[tuple[str, Value]]:
    for name, samples in values.items():
        numbers = [sample for sample in samples if not isinstance(sample, str)]
        if name == "count":
            yield name, len(samples)
        elif len(numbers) == len(samples):
            stat = Stat.of(numbers)
            yield from ((f"{name}{MEAN}", stat.mean), (f"{name}{SEM}", stat.sem))
        elif len({*samples}) == 1:
            yield name, samples[0]
