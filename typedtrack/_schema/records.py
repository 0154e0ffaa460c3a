"""A record, described without its class.

A `RecordSchema` holds the fields as they are declared; a field may be another record. It also holds the columns that
these flatten to, one per wire name. The codec, JSON Schema documents, generated code, compatibility rules and
Hypothesis strategies read the columns, never a class.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from typedtrack._results.failure import FAILURE_NAMES, FAILURE_TYPE
from typedtrack._results.values import MAX_RESULT_BYTES, Value
from typedtrack._schema.docstrings import kept
from typedtrack._schema.fields import CONSTRAINTS, DEFAULT_OF_OPTIONAL, MISSING, FieldSchema, Flaw, Missing

__all__ = [
    "CONSTRAINTS",
    "MISSING",
    "NEEDS_A_FIELD",
    "FieldSchema",
    "Missing",
    "NestedSchema",
    "RecordSchema",
]

NEEDS_A_FIELD: Final = "needs a field that cannot be None (null): a result has at least one field"


def _nested_columns(field: NestedSchema) -> tuple[FieldSchema, ...]:
    defaults: tuple[Value | Missing | None, ...] = field.defaults or tuple(
        column.default for column in field.record.columns
    )
    optional = (field.attribute,) if field.optional else ()
    within: dict[tuple[str, ...], tuple[str, ...]] = {}  # columns share them, because there may be many
    columns: list[FieldSchema] = []
    for column, default in zip(field.record.columns, defaults, strict=True):
        if column.within not in within:
            within[column.within] = optional + tuple(f"{field.attribute}.{path}" for path in column.within)
        name, *aliases = (f"{outer}/{inner}" for outer in (field.name, *field.aliases) for inner in column.names)
        columns.append(
            attrs.evolve(
                column,
                attribute=f"{field.attribute}.{column.attribute}",
                name=name,
                aliases=tuple(aliases),
                default=column.default if default is None and column.within else default,
                deprecated=column.deprecated or field.deprecated,
                within=within[column.within],
            )
        )
    return tuple(columns)


@attrs.frozen(kw_only=True)
class NestedSchema:
    """A field that is another record. Its columns are named ``<name>/<inner name>``."""

    attribute: str
    name: str
    record: RecordSchema
    optional: bool = False
    """Whether `None` is allowed. It is stored by leaving out all columns of the record."""
    defaults: tuple[Value | None, ...] | None = attrs.field(default=(), eq=repr)
    """One default per column of the record; empty: no default. `None`: the default of the field is `None`."""
    aliases: tuple[str, ...] = ()
    doc: str = ""
    deprecated: bool = False
    """Whether the field, and so each of its columns, is deprecated."""
    columns: tuple[FieldSchema, ...] = attrs.field(
        init=False, eq=False, repr=False, default=attrs.Factory(_nested_columns, takes_self=True)
    )
    """The columns of the nested record, named as in the record around it."""

    def __attrs_post_init__(self) -> None:
        if self.doc:
            object.__setattr__(self, "doc", kept(self.doc))  # it is frozen


def _columns(record: RecordSchema) -> tuple[FieldSchema, ...]:
    columns: list[FieldSchema] = []
    for field in record.fields:
        columns.extend((field,) if isinstance(field, FieldSchema) else field.columns)
    return tuple(columns)


@attrs.frozen(kw_only=True)
class RecordSchema:
    """A record: its name, its documentation, and its fields in order."""

    name: str
    """The name of the class."""
    fields: tuple[FieldSchema | NestedSchema, ...]
    """The fields as the class declares them; `columns` has them flat."""
    doc: str = ""
    """Documentation, as the schema file and generated code show it."""
    columns: tuple[FieldSchema, ...] = attrs.field(
        init=False, eq=False, repr=False, default=attrs.Factory(_columns, takes_self=True)
    )
    """One field schema per wire name, in order. Columns of nested records are named ``<field>/<name>``."""

    def __attrs_post_init__(self) -> None:
        if self.doc:
            object.__setattr__(self, "doc", kept(self.doc))  # it is frozen

    @property
    def columns_within(self) -> Mapping[str, tuple[FieldSchema, ...]]:
        """The columns of each nested record that can be `None`, by the record's path."""
        found: dict[str, list[FieldSchema]] = {}
        for column in self.columns:
            for path in column.within:
                found.setdefault(path, []).append(column)
        return {path: tuple(columns) for path, columns in found.items()}

    @property
    def most_bytes(self) -> int:
        """An upper limit, in bytes, on the size of an encoded result."""
        return sum(column.most_bytes for column in self.columns)

    @property
    def fingerprint(self) -> str:
        """64 hexadecimal digits. Two schemas share them if they accept the same results and read them alike.

        They cover the names, aliases, kinds, constraints and defaults of the columns. They do not cover the order of
        columns, documentation, Python names, nor how columns are grouped into nested records.
        """
        import json  # both here, because few processes need a fingerprint, and hashlib is slow to load
        from hashlib import sha256

        def digest(value: object) -> str:
            return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()

        within = {path: digest(sorted(other.name for other in others)) for path, others in self.columns_within.items()}
        shape = {
            column.name: [
                column.kind,
                column.optional,
                sorted(map(repr, column.choices)),
                sorted(column.aliases),
                [repr(getattr(column, constraint)) for constraint in CONSTRAINTS],
                repr(None if column.optional else column.default),
                *(within[path] for path in column.within),
            ]
            for column in self.columns
        }
        return digest(shape)

    def to_json_schema(self, *, open_content: bool = False) -> dict[str, object]:
        """Return the JSON Schema 2020-12 document of this schema. It describes a stored result, which is flat.

        With *open_content* the document is for generators of types in other languages: it has no references, and
        allows fields that the record does not have. It has no nested records, so keep the other one for typedtrack.

        `from_json_schema` turns the document into this schema again. A validator accepts some results that a reader
        refuses, since JSON Schema cannot express the rule: a `str` with too many bytes, an `int` that is out of range
        or written ``1.0``, NaN in a field with a bound. It also reads patterns in its own dialect, and ignores aliases.

        >>> field = FieldSchema(attribute="steps", name="steps", kind="int", ge=0)
        >>> RecordSchema(name="Run", fields=(field,)).to_json_schema()["properties"]
        {'steps': {'type': 'integer', 'minimum': 0}}
        """
        from typedtrack._schema.documents import write  # here, because put and get need no documents

        return write(self, open_content=open_content)

    @classmethod
    def from_json_schema(cls, document: Mapping[str, object], source: str = "document") -> RecordSchema:
        """Return the schema that *document* describes. Errors name *source*: a file or a URL.

        Objects inside the document become nested records, whether they stand in place or behind a ``$ref``. A property
        that allows null can be `None`; so can one that is neither required nor has a default. The reader of a result
        decides whether unknown fields are refused, not ``additionalProperties``. References out of the document are
        refused, never followed.

        Problems are found in three stages: keywords, fields, records. The error lists all problems of the first stage
        that finds any.

        Raises:
            SchemaError: the document has an unsupported keyword, or cannot be a record. It lists each problem with its
                JSON Pointer.

        >>> document = {"title": "Run", "type": "object", "properties": {"loss/train": {"type": "number"}}}
        >>> schema = RecordSchema.from_json_schema({**document, "required": ["loss/train"]})
        >>> schema.columns[0].attribute
        'loss_train'
        """
        from typedtrack._schema.documents import read

        return read(document, source, record=cls, nested=NestedSchema)

    @property
    def can_be_empty(self) -> bool:
        """Whether all columns can be absent at once. Such a record cannot be a result, but part of another record."""
        return all(column.optional or column.within for column in self.columns)

    def definition_problems(self, *, nested: bool = False) -> Iterator[tuple[str | None, str]]:
        """Yield the reasons against this declaration, each after the attribute at fault (`None`: the whole record).

        A *nested* record may be one that can be empty.
        """
        for index, flaw in self.flaws(nested=nested):
            yield None if index is None else self.columns[index].attribute, flaw.reason

    def flaws(self, *, nested: bool = False) -> Iterator[tuple[int | None, Flaw]]:
        """Yield the reasons against this declaration, each after the column at fault (`None`: the whole record).

        A *nested* record may have no required field.
        """
        if not self.columns or (self.can_be_empty and not nested):
            yield None, Flaw("required", NEEDS_A_FIELD)
        for index, column in enumerate(self.columns):
            for flaw in column.flaws():
                yield index, flaw
        yield from self._nested_flaws()
        taken = Counter(name for column in self.columns for name in column.names)
        for index, column in enumerate(self.columns):
            for alias, name in enumerate(column.names, -1):
                if taken[name] > 1:
                    reason = f"has the name {name!r} on the wire, and so has another field or alias"
                    yield index, Flaw("name", reason) if alias < 0 else Flaw("aliases", reason, alias)
        if FAILURE_TYPE in taken and frozenset(column.name for column in self.columns) != FAILURE_NAMES:
            index = next(index for index, column in enumerate(self.columns) if FAILURE_TYPE in column.names)
            yield index, Flaw("name", f"has the name {FAILURE_TYPE!r} on the wire, which marks failures")
        if (most := self.most_bytes) > MAX_RESULT_BYTES:
            yield (
                None,
                Flaw(
                    "fields",
                    f"can be up to {most:,} bytes encoded, over the limit of {MAX_RESULT_BYTES:,} bytes; "
                    "give its str fields a maximum length, or split it",
                ),
            )

    def _nested_flaws(self) -> Iterator[tuple[int, Flaw]]:
        index = 0
        for field in self.fields:
            if isinstance(field, FieldSchema):
                index += 1
                continue
            if field.optional and field.record.can_be_empty and field.record.columns:
                reason = "can be None, and so can all of its fields; stored results do not tell the two apart"
                yield index, Flaw("optional", f"{reason}: let it not be None")
            defaults = field.defaults or (None,) * len(field.record.columns)
            for column, default in zip(field.record.columns, defaults, strict=True):
                if default is not None and (field.optional or column.within):
                    yield index, Flaw("default", DEFAULT_OF_OPTIONAL)
                index += 1
