"""What a record is, without the class: the frozen description that everything else speaks through.

A `RecordSchema` holds fields as they are declared (a field may be another record) and, flattened from them, columns:
one per name on the wire. The codec, JSON Schema documents, generated code, compatibility rules and Hypothesis
strategies read columns; none of them looks at a class.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property

import attrs

from typedtrack._results.failure import FAILURE_NAMES, FAILURE_TYPE
from typedtrack._results.values import MAX_RESULT_BYTES, Value
from typedtrack._schema.docstrings import kept
from typedtrack._schema.fields import CONSTRAINTS, MISSING, FieldSchema, Flaw, KindName, Missing
from typedtrack._schema.words import PYTHON, Words

__all__ = ["CONSTRAINTS", "MISSING", "FieldSchema", "KindName", "Missing", "NestedSchema", "RecordSchema"]


@attrs.frozen(kw_only=True)
class NestedSchema:
    """A field that is another record: its names are flattened, ``<name>/<name there>``."""

    attribute: str
    name: str
    record: RecordSchema
    optional: bool = False
    """Whether `None` is allowed, of which nothing is on the wire, where every record has something."""
    defaults: tuple[Value | None, ...] | None = attrs.field(default=(), eq=repr)
    """The default of each of the record's columns, where the field has a default; `None` where that is the default."""
    aliases: tuple[str, ...] = ()
    doc: str = ""
    deprecated: bool = False
    """Whether all of its columns are, too."""

    def __attrs_post_init__(self) -> None:
        if self.doc:
            object.__setattr__(self, "doc", kept(self.doc))  # it is frozen

    @property
    def columns(self) -> tuple[FieldSchema, ...]:
        """The columns that the nested record brings, named as in the record around it."""
        defaults: tuple[Value | Missing | None, ...] = self.defaults or tuple(
            column.default for column in self.record.columns
        )
        within = (self.attribute,) if self.optional else ()
        columns: list[FieldSchema] = []
        for column, default in zip(self.record.columns, defaults, strict=True):
            name, *aliases = (f"{above}/{there}" for above in (self.name, *self.aliases) for there in column.names)
            columns.append(
                attrs.evolve(
                    column,
                    attribute=f"{self.attribute}.{column.attribute}",
                    name=name,
                    aliases=tuple(aliases),
                    default=column.default if default is None and column.within else default,
                    deprecated=column.deprecated or self.deprecated,
                    within=within + tuple(f"{self.attribute}.{path}" for path in column.within),
                )
            )
        return tuple(columns)


def _columns(record: RecordSchema) -> tuple[FieldSchema, ...]:
    columns: list[FieldSchema] = []
    for field in record.fields:
        columns.extend((field,) if isinstance(field, FieldSchema) else field.columns)
    return tuple(columns)


@attrs.frozen(kw_only=True)
class RecordSchema:
    """A record: its name, what it is for, and its fields in order."""

    name: str
    fields: tuple[FieldSchema | NestedSchema, ...]
    doc: str = ""
    columns: tuple[FieldSchema, ...] = attrs.field(
        init=False, eq=False, repr=False, default=attrs.Factory(_columns, takes_self=True)
    )
    """One field schema per name on the wire, in order; what nested records bring is named ``<field>/<name>``."""

    def __attrs_post_init__(self) -> None:
        if self.doc:
            object.__setattr__(self, "doc", kept(self.doc))  # it is frozen

    @cached_property
    def columns_within(self) -> Mapping[str, tuple[FieldSchema, ...]]:
        """The columns of each nested record that can be `None`, by the path to it."""
        found: dict[str, tuple[FieldSchema, ...]] = {}
        for column in self.columns:
            for path in column.within:
                found[path] = (*found.get(path, ()), column)
        return found

    @property
    def most_bytes(self) -> int:
        """The most bytes that a result can have encoded, or a few more."""
        return sum(column.most_bytes for column in self.columns)

    @cached_property
    def fingerprint(self) -> str:
        """64 hexadecimal digits that two schemas share if they accept the same results and read them the same.

        It covers the columns' names, aliases, kinds, constraints and defaults; not their order, their documentation,
        the Python names, nor how columns are grouped into nested records.
        """
        import json  # both here, because few processes ask for it, and hashlib takes long to load
        from hashlib import sha256

        shape = {
            column.name: [
                column.kind,
                column.optional,
                sorted(map(repr, column.choices)),
                sorted(column.aliases),
                [repr(getattr(column, constraint)) for constraint in CONSTRAINTS],
                repr(None if column.optional else column.default),
                *(sorted(other.name for other in self.columns_within[path]) for path in column.within),
            ]
            for column in self.columns
        }
        return sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()

    def to_json_schema(self) -> dict[str, object]:
        """Return the JSON Schema 2020-12 document that describes a stored result, which is flat.

        `from_json_schema` of it is this schema again. JSON Schema has no keyword for some of what a reader refuses, and
        a validator lets it pass: a `str` over its bytes, an ``int`` out of range or written ``1.0``, NaN where there is
        a bound. It reads patterns in its own dialect, and knows no aliases.

        >>> field = FieldSchema(attribute="steps", name="steps", kind="int", ge=0)
        >>> RecordSchema(name="Run", fields=(field,)).to_json_schema()["properties"]
        {'steps': {'type': 'integer', 'minimum': 0}}
        """
        from typedtrack._schema.documents import (
            write,  # here, because a process that only puts and gets writes no document
        )

        return write(self)

    @classmethod
    def from_json_schema(cls, document: Mapping[str, object], source: str = "document") -> RecordSchema:
        """Return the schema that *document* describes; *source* (a file, a URL) names it in an error.

        Objects within it, in place or by ``$ref``, become nested records. What takes null, or is not required and has
        no default, can be `None`. Whatever ``additionalProperties`` says, refusing unknown fields is up to the reader.
        Nothing but *document* is read, whatever it refers to.

        Raises:
            SchemaError: something in it is not supported, or cannot be a record; lists all of it, with JSON Pointers.

        >>> document = {"title": "Run", "type": "object", "properties": {"loss/train": {"type": "number"}}}
        >>> schema = RecordSchema.from_json_schema({**document, "required": ["loss/train"]})
        >>> schema.columns[0].attribute
        'loss_train'
        """
        from typedtrack._schema.documents import read

        return read(document, source, record=cls, nested=NestedSchema)

    def definition_problems(self) -> Iterator[tuple[str | None, str]]:
        """Yield why this cannot be a record: the attribute (`None`: the record itself) and the reason."""
        for place, flaw in self.flaws():
            yield None if place is None else self.columns[place].attribute, flaw.reason

    def flaws(self, words: Words = PYTHON) -> Iterator[tuple[int | None, Flaw]]:
        """Yield what of this no record can have: which column (`None`: the record itself), and what of it.

        The reasons are in the *words* of whoever declared it.
        """
        if all(column.optional or column.within for column in self.columns):
            yield None, Flaw("fields", words.no_field)
        for place, column in enumerate(self.columns):
            for flaw in column.flaws(words):
                yield place, flaw
        place = 0
        for field in self.fields:
            if isinstance(field, FieldSchema):
                place += 1
                continue
            defaults = field.defaults or (None,) * len(field.record.columns)
            for column, default in zip(field.record.columns, defaults, strict=True):
                if default is not None and (field.optional or column.within):
                    yield place, Flaw("default", words.only_none)
                place += 1
        taken = Counter(name for column in self.columns for name in column.names)
        for place, column in enumerate(self.columns):
            for alias, name in enumerate(column.names, -1):
                if taken[name] > 1:
                    reason = f"has the name {name!r} on the wire, and so has another field"
                    yield place, Flaw("name", reason) if alias < 0 else Flaw("aliases", reason, alias)
        if FAILURE_TYPE in taken and frozenset(column.name for column in self.columns) != FAILURE_NAMES:
            place = next(place for place, column in enumerate(self.columns) if FAILURE_TYPE in column.names)
            yield place, Flaw("name", f"has the name {FAILURE_TYPE!r} on the wire, which marks failures")
        if (most := self.most_bytes) > MAX_RESULT_BYTES:
            reason = f"can be up to {most:,} bytes encoded; the limit is {MAX_RESULT_BYTES:,} bytes: {words.bound}"
            yield None, Flaw("fields", reason)
