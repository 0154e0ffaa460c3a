"""Records to source: the one emitter, of a ``.py`` module and of the ``.pyi`` stub that describes the same classes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

import attrs

from typedtrack._results.values import Value
from typedtrack._schema.docstrings import uncleaned
from typedtrack._schema.records import CONSTRAINTS, MISSING, FieldSchema, NestedSchema, RecordSchema
from typedtrack.codegen.layout import INDENT, Expression, Group, OrNone, fits, flat, laid_out, one_a_line
from typedtrack.codegen.literals import docstring, literal
from typedtrack.codegen.names import is_stat, records_of

__all__ = ["generate"]

_HEADER: Final = "Records made by `typedtrack schema generate`: change their schemas, not this file."

_HOMES: Final = {"typing": ("Annotated", "Literal"), "msgspec": ("Meta",), "typedtrack": ("Stat", "field", "record")}


def generate(schemas: Iterable[RecordSchema], *, stubs: bool = False) -> str:
    """Return the text of a module that declares *schemas* as record classes, and the records nested in them.

    With *stubs* it is a stub, for a module that makes these classes at run time by `load_schemas`. The same schemas
    make the same text, formatted as ruff and black would at a line length of 88 or more; a `Literal` of one value that
    is too long for 88 columns, as at 88. Nothing that a schema from elsewhere brings can become code: it is checked
    names and literals.

    Raises:
        RecordDefinitionError: a record or an attribute has a name that no code can use, or that another one has.

    >>> from typedtrack import Stat, schema_of
    >>> print(generate([schema_of(Stat)]).splitlines()[2])
    from typedtrack import Stat
    """
    return _Emitter(stubs).module(records_of(schemas))


class _Emitter:
    """What makes the text of one module, and notes the names that it has to import."""

    def __init__(self, stubs: bool) -> None:
        self._stubs = stubs
        self._used: set[str] = set()

    def module(self, records: list[RecordSchema]) -> str:
        classes: list[str] = []
        for schema in records:
            if is_stat(schema):
                self._used.add("Stat")
            else:
                classes.append("\n".join(self._class(schema)))
        head = [*docstring(_HEADER, ""), "", *self._imports()]
        if not self._stubs:  # whose module need not have it
            public = Group("[", tuple(sorted(literal(schema.name) for schema in records)), "]")
            head += ["", *laid_out("__all__ = ", public, "", "")]
        return ("\n\n" if self._stubs else "\n\n\n").join(["\n".join(head), *classes]) + "\n"

    def _imports(self) -> Iterator[str]:
        for home, names in _HOMES.items():
            used = [name for name in names if name in self._used]
            if self._stubs and "Stat" in used:
                used.remove("Stat")
                yield f"from {home} import Stat as Stat"  # of the module too, not only used there
            if used:
                yield f"from {home} import {', '.join(used)}"
                if home == "typing":
                    yield ""

    def _class(self, schema: RecordSchema) -> Iterator[str]:
        self._used.add("record")
        yield "@record"
        yield f"class {schema.name}:"
        if schema.doc:
            yield from docstring(schema.doc, INDENT)
            yield ""
        for field in schema.fields:
            annotation = self._annotation(field)
            if self._stubs:
                yield from _assignment(field.attribute, annotation, "..." if _default(field) else None)
                if field.doc:
                    yield from docstring(field.doc, INDENT)
            else:
                yield from self._declaration(field, annotation)

    def _annotation(self, field: FieldSchema | NestedSchema) -> Expression:
        bare: Expression = field.kind if isinstance(field, FieldSchema) else field.record.name
        meta: list[str] = []
        if isinstance(field, FieldSchema) and field.choices:
            self._used.add("Literal")
            bare = _literal(field)
        elif field.optional:
            bare = f"{bare} | None"
        if isinstance(field, FieldSchema):
            given = [(name, getattr(field, name)) for name in CONSTRAINTS]
            meta = [f"{name}={literal(bound)}" for name, bound in given if bound is not None]
        if field.deprecated:
            meta.append('extra_json_schema={"deprecated": True}')
        if not meta:
            return bare
        self._used.update(("Annotated", "Meta"))
        return Group("Annotated[", (bare, Group("Meta(", tuple(meta), ")")), "]")

    def _declaration(self, field: FieldSchema | NestedSchema, annotation: Expression) -> Iterator[str]:
        default = _default(field)
        options: list[Expression] = []
        if field.name != field.attribute:
            options.append(f"name={literal(field.name)}")
        if field.aliases:
            options.append(Group("aliases=[", tuple(map(literal, field.aliases)), "]"))
        if field.doc:
            options.append(f"doc={literal(uncleaned(field.doc))}")
        if options or (isinstance(default, str) and not _stands_alone(field.attribute, annotation, default)):
            self._used.add("field")
            if default is not None:
                options.append(_keyword("default", default))
            default = Group("field(", tuple(options), ")")
        yield from _assignment(field.attribute, annotation, default)


def _literal(field: FieldSchema) -> Expression:
    members = tuple(map(literal, field.choices))
    group = Group("Literal[", members, "]", last="," if len(members) > 1 else "")  # one with a comma were a tuple
    return OrNone(group) if field.optional else group


def _breakable(annotation: Expression) -> Group | None:
    """Return *annotation* as it can be laid out over several lines, `None` if it cannot."""
    if isinstance(annotation, OrNone):
        broken = annotation.type.last == ","  # else a formatter that has longer lines would join them
        return Group("(", (attrs.evolve(annotation, broken=broken),), ")", last="")
    return annotation if isinstance(annotation, Group) else None


def _default(field: FieldSchema | NestedSchema) -> Expression | None:
    """Return the expression of the default, `None` if there is none."""
    if isinstance(field, FieldSchema):
        return None if field.default is MISSING else literal(field.default)
    if field.defaults is None:
        return literal(None)
    return _call(field.record, iter(field.defaults)) if field.defaults else None


def _call(schema: RecordSchema, defaults: Iterator[Value | None]) -> Group:
    """Return the call that makes the record whose columns have *defaults*."""
    arguments: list[Expression] = []
    for field in schema.fields:
        if isinstance(field, FieldSchema):
            value: Expression = literal(next(defaults))
        else:
            inner = [*islice(defaults, len(field.record.columns))]
            value = literal(None) if field.optional else _call(field.record, iter(inner))
        arguments.append(_keyword(field.attribute, value))
    return Group(f"{schema.name}(", tuple(arguments), ")")


def _keyword(name: str, value: Expression) -> Expression:
    return attrs.evolve(value, opening=f"{name}={value.opening}") if isinstance(value, Group) else f"{name}={value}"


def _stands_alone(attribute: str, annotation: Expression, value: str) -> bool:
    """Return whether *value* fits behind the annotation, which may be laid out; a call would hold it otherwise."""
    broken = _breakable(annotation)
    before = f"{attribute}: {flat(annotation)}" if broken is None else broken.closing
    return fits(f"{INDENT}{before} = {value}")


def _assignment(attribute: str, annotation: Expression, value: Expression | None) -> Iterator[str]:
    before, equals = f"{attribute}: ", "" if value is None else " = "
    whole = f"{before}{flat(annotation)}{equals}"
    after = flat(value) if value is not None else ""
    broken = _breakable(annotation)
    if broken is None or fits(f"{INDENT}{whole}{after}"):
        yield from laid_out(whole, value or "", "", INDENT)
    elif isinstance(value, Group) and fits(f"{INDENT}{whole}{value.opening}"):
        yield from laid_out(whole, value, "", INDENT)
    else:
        *lines, last = one_a_line(before, broken, equals, INDENT)
        yield from lines
        yield from laid_out(last.removeprefix(INDENT), value or "", "", INDENT)
