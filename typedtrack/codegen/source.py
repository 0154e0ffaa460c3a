"""Schemas → source: the one emitter of ``.py`` modules, and of ``.pyi`` stubs that describe the same classes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

import attrs

from typedtrack._results.values import Value
from typedtrack._schema.docstrings import uncleaned
from typedtrack._schema.records import CONSTRAINTS, MISSING, FieldSchema, NestedSchema, RecordSchema
from typedtrack.codegen.layout import INDENT, Expression, Group, OrNone, Text, fits, flat, laid_out, one_a_line
from typedtrack.codegen.literals import docstring, literal
from typedtrack.codegen.names import is_stat, records_of

__all__ = ["generate"]

_HEADER: Final = "Records made by `typedtrack schema generate`: change their schemas, not this file."

_HOMES: Final = {"typing": ("Annotated", "Literal"), "msgspec": ("Meta",), "typedtrack": ("Stat", "field", "record")}


def generate(schemas: Iterable[RecordSchema], *, stubs: bool = False, doc: str = _HEADER) -> str:
    """Return the text of a module that declares *schemas*, and the records nested in them, as record classes.

    With *stubs* the text is a stub for a module that makes these classes by `load_schemas`. *doc* is the docstring of
    the module. The same schemas give the same text, formatted as ruff formats it at its default of 88 columns. A
    schema from elsewhere contributes only checked names and literals, never code.

    Raises:
        RecordDefinitionError: the name of a record or an attribute is not allowed, or is taken.

    >>> from typedtrack import Stat, schema_of
    >>> print(generate([schema_of(Stat)]).splitlines()[2])
    from typedtrack import Stat
    """
    return _Emitter(stubs, doc).emit_module(records_of(schemas))


class _Emitter:
    """Emits the text of one module, and collects the names that it must import."""

    def __init__(self, stubs: bool, doc: str) -> None:
        self._stubs = stubs
        self._doc = doc
        self._used: set[str] = set()

    def emit_module(self, records: list[RecordSchema]) -> str:
        classes: list[str] = []
        for schema in records:
            if is_stat(schema):
                self._used.add("Stat")
            else:
                classes.append("\n".join(self._emit_class(schema)))
        head = [*docstring(self._doc, ""), "", *self._emit_imports()]
        if not self._stubs:  # the module that a stub describes need not have it
            names = sorted((schema.name for schema in records), key=_order_of_exports)
            head += ["", *laid_out("__all__ = ", Group("[", tuple(map(literal, names)), "]"), "", "")]
        return ("\n\n" if self._stubs else "\n\n\n").join(["\n".join(head), *classes]) + "\n"

    def _emit_imports(self) -> Iterator[str]:
        for home, names in _HOMES.items():
            used = [name for name in names if name in self._used]
            if self._stubs and "Stat" in used:
                used.remove("Stat")
                yield f"from {home} import Stat as Stat"  # so that type checkers see it in this module
            if used:
                yield f"from {home} import {', '.join(used)}"
                if home == "typing":
                    yield ""

    def _emit_class(self, schema: RecordSchema) -> Iterator[str]:
        self._used.add("record")
        yield "@record"
        yield f"class {schema.name}:"
        if schema.doc:
            yield from docstring(schema.doc, INDENT)
            yield ""
        for field in schema.fields:
            annotation = self._annotation(field)
            if self._stubs:
                yield from _emit_field(field.attribute, annotation, "..." if _default(field) else None)
                if field.doc:
                    yield from docstring(field.doc, INDENT)
            else:
                yield from _emit_field(field.attribute, annotation, self._value(field, annotation))

    def _annotation(self, field: FieldSchema | NestedSchema) -> Expression:
        bare: str | Group = field.kind if isinstance(field, FieldSchema) else field.record.name
        meta: list[str] = []
        if isinstance(field, FieldSchema) and field.choices:
            self._used.add("Literal")
            members = tuple(map(literal, field.choices))
            bare = Group("Literal[", members, "]", last="," if len(members) > 1 else "")  # ("a",) would be a tuple
        annotation: Expression = OrNone(bare) if field.optional else bare
        if isinstance(field, FieldSchema):
            bounds = [(name, getattr(field, name)) for name in CONSTRAINTS]
            meta = [f"{name}={literal(bound)}" for name, bound in bounds if bound is not None]
        if field.deprecated:
            meta.append('extra_json_schema={"deprecated": True}')
        if not meta:
            return annotation
        self._used.update(("Annotated", "Meta"))
        return Group("Annotated[", (annotation, Group("Meta(", tuple(meta), ")")), "]")

    def _value(self, field: FieldSchema | NestedSchema, annotation: Expression) -> Expression | None:
        """Return the right side of the attribute: the default, a call of ``field``, or `None`."""
        default = _default(field)
        options: list[Expression] = []
        if field.name != field.attribute:
            options.append(f"name={literal(field.name)}")
        if field.aliases:
            options.append(Group("aliases=[", tuple(map(literal, field.aliases)), "]"))
        if field.doc:
            options.append(Text("doc", uncleaned(field.doc)))
        if not options and not (isinstance(default, str) and _overflows(field.attribute, annotation, default)):
            return default
        self._used.add("field")
        if default is not None:
            options.append(_keyword("default", default))
        return Group("field(", tuple(options), ")")


_RUNS: Final = re.compile(r"0[0-9]*|[0-9]+|.")


def _order_of_exports(name: str) -> tuple[int, list[tuple[int, int, str]]]:
    """Return the key by which ruff (RUF022) sorts ``__all__``: constants, classes, others; numbers by their value."""
    category = 0 if len(name) > 1 and name.isupper() else 1 if name[0].isupper() else 2
    runs = _RUNS.findall(name)
    return category, [
        (ord("0"), 0 if run[0] == "0" else len(run), run) if run.isdigit() else (ord(run), 0, run) for run in runs
    ]


def _default(field: FieldSchema | NestedSchema) -> Expression | None:
    """Return the expression of the default, or `None` for a field without one."""
    if isinstance(field, FieldSchema):
        return None if field.default is MISSING else literal(field.default)
    if field.defaults is None:
        return literal(None)
    return _call(field.record, iter(field.defaults)) if field.defaults else None


def _call(schema: RecordSchema, defaults: Iterator[Value | None]) -> Group:
    """Return the call that makes a record with *defaults*, one for each column."""
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


def _overflows(attribute: str, annotation: Expression, value: str) -> bool:
    """Return whether *value* does not fit behind the annotation, even if the annotation is broken."""
    before = f"{attribute}: {annotation}" if isinstance(annotation, str) else ")"
    return not fits(f"{INDENT}{before} = {value}")


def _emit_field(attribute: str, annotation: Expression, value: Expression | None) -> Iterator[str]:
    """Yield the lines of a field. They break where ruff breaks them: in the value, around it, or in the annotation."""
    before, whole = f"{attribute}: ", f"{attribute}: {flat(annotation)}"
    equals = "" if value is None else " = "
    in_parentheses = [*one_a_line(f"{whole} = ", Group("(", (value or "",), ")", last=""), "", INDENT)]
    may_wrap = isinstance(annotation, str) or (value != "..." and not _keeps_lines(annotation))
    checked = in_parentheses if isinstance(annotation, str) else in_parentheses[:1]
    if fits(f"{INDENT}{whole}{equals}{'' if value is None else flat(value)}"):
        yield f"{INDENT}{whole}{equals}{'' if value is None else flat(value)}"
    elif isinstance(value, Group) and fits(f"{INDENT}{whole} = {value.opening}"):
        yield from one_a_line(f"{whole} = ", value, "", INDENT)
    elif value is not None and may_wrap and all(map(fits, checked)):
        yield from in_parentheses
    elif (broken := _broken(before, annotation, with_value=value is not None)) is None:
        yield from laid_out(f"{whole}{equals}", value or "", "", INDENT)
    else:
        *lines, last = one_a_line(before, broken, equals, INDENT)
        yield from lines
        yield from laid_out(last.removeprefix(INDENT), value or "", "", INDENT)


def _keeps_lines(annotation: Expression) -> bool:
    """Return whether *annotation*, once it is broken, stays broken: its last item has a comma."""
    if isinstance(annotation, OrNone):
        return _keeps_lines(annotation.type)
    return isinstance(annotation, Group) and annotation.last == ","


def _broken(before: str, annotation: Expression, *, with_value: bool) -> Group | None:
    """Return *annotation* for several lines; `None` if breaking it does not help."""
    if isinstance(annotation, OrNone):
        annotation = attrs.evolve(annotation, broken=_keeps_lines(annotation))
    parentheses = Group("(", (annotation,), ")", last="")
    if isinstance(annotation, Group):
        opens = fits(f"{INDENT}{before}{annotation.opening}") or not fits(f"{INDENT}{before}(")
        return annotation if with_value or opens else parentheses
    if isinstance(annotation, str) and (with_value or not all(map(fits, one_a_line(before, parentheses, "", INDENT)))):
        return None
    return parentheses
