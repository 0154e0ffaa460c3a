"""Hypothesis strategies for schemas of records, including hostile ones."""

from __future__ import annotations

import attrs
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from typedtrack import FieldSchema, RecordSchema, Stat, schema_of
from typedtrack._results.values import KINDS_BY_NAME, KindName, Value, name_problem
from typedtrack._schema.records import MISSING, NestedSchema

__all__ = ["HOSTILE", "docs", "record_schemas"]

HOSTILE = [
    '"""',
    "'''",
    '"',
    "'",
    "it's",
    "\\",
    "\\\\",
    '\\"',
    "\n",
    "\r\n",
    "{x}",
    "%s",
    "#",
    '"""\nimport os\nos.abort()\n"""',
    "__import__('os').abort()",
    "a/b",
    "\u202e",
    "\u2028",
    "\ufeff",
    "\x00",
    "é",
    "中文",
    "😀",
    "e\u0301",
    " ",
    "\t",
    "\x0c",
    "class",
    "self",
]
"""Texts that could end a literal, begin an escape, reverse a line, or read as code."""

_PATTERNS = ["^[\"']+$", "\\\\d{2}\n", "", "(?s).*", "中+|\u202e"]
_ATTRIBUTES = ["a", "b_1", "accuracy", "key", "match", "type", "L2", "x" * 40, "results", "loss_of_the_last_epoch"]
_INTS = st.integers(-(2**63), 2**63 - 1)

_pieces = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(HOSTILE)
_texts = st.lists(_pieces, max_size=4).map("".join)
_names = st.sampled_from([text for text in HOSTILE if name_problem(text) is None]) | st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\'), min_size=1, max_size=20
)


def docs() -> SearchStrategy[str]:
    """Return documentation; some of it is longer than a line."""
    lines = st.lists(_texts | st.sampled_from(["    indented", "- item", "", "    ", "\t"]), max_size=4).map("\n".join)
    words = st.sampled_from(["loss", "the", "it's", '"so"', "中文字", "\n", " ", "- item", "longer-word-with-parts"])
    return lines | st.lists(words | _pieces, max_size=40).map(" ".join)


def _is_sound(schema: FieldSchema | RecordSchema) -> bool:
    return not any(True for _ in schema.definition_problems())


@st.composite
def _fields(draw: st.DrawFn, attribute: str, name: str, aliases: tuple[str, ...], optional: bool) -> FieldSchema:
    kind: KindName = draw(st.sampled_from(list(KINDS_BY_NAME)))
    named: SearchStrategy[int | str] = _INTS if kind == "int" else _texts
    values: SearchStrategy[Value] = st.floats() if kind == "float" else named
    choices = draw(st.just([]) | st.lists(named, unique=True, max_size=4)) if kind != "float" else []
    if len(choices) == 1:  # a long one is laid out only for 88 columns
        choices = [choice[:1] if isinstance(choice, str) else choice for choice in choices]
    rules: dict[str, object] = {}
    if not choices:
        low, high = sorted(draw(st.tuples(*[_INTS if kind == "int" else st.floats(-1e308, 1e308)] * 2)))
        possible = {
            "int": {"ge": low, "lt": high, "multiple_of": 3},
            "float": {"gt": low, "le": high, "multiple_of": 1e-7},
            "str": {"min_length": 0, "max_length": 1000, "pattern": draw(st.sampled_from(_PATTERNS))},
        }[kind]
        rules = {rule: bound for rule, bound in possible.items() if draw(st.booleans())}
    required = FieldSchema(
        attribute=attribute,
        name=name,
        kind=kind,
        optional=optional,
        choices=tuple(choices),
        aliases=aliases,
        doc=draw(st.just("") | docs()),
        deprecated=draw(st.booleans()),
        **rules,  # type: ignore[arg-type]  # they are drawn by name
    )
    if not _is_sound(required):  # no value is within both bounds
        return FieldSchema(attribute=attribute, name=name, kind=kind, aliases=aliases)
    default = draw(st.just(None) if optional else st.sampled_from(choices) if choices else values)
    with_default = attrs.evolve(required, default=default)
    return with_default if draw(st.booleans()) and _is_sound(with_default) else required


def _defaults(record: RecordSchema) -> tuple[Value | None, ...]:
    """Return a default for each column of *record*; no defaults if a column has none."""
    values = [None if column.optional or column.within else column.default for column in record.columns]
    return () if MISSING in values else tuple(value for value in values if value is not MISSING)


@st.composite
def _records(draw: st.DrawFn, name: str, nested: list[RecordSchema]) -> RecordSchema:
    attributes = draw(st.lists(st.sampled_from(_ATTRIBUTES), min_size=1, max_size=4, unique=True))
    names = draw(st.lists(_names, min_size=2 * len(attributes), max_size=2 * len(attributes), unique=True))
    fields: list[FieldSchema | NestedSchema] = []
    for number, attribute in enumerate(attributes):
        wire, alias = names[2 * number : 2 * number + 2]
        wire = attribute if draw(st.booleans()) and attribute not in names else wire
        aliases = draw(st.sampled_from([(), (alias,)]))
        if number < 2 and draw(st.booleans()):
            record = draw(st.sampled_from(nested))
            optional = draw(st.booleans())
            made = NestedSchema(
                attribute=attribute,
                name=wire,
                record=record,
                optional=optional,
                defaults=draw(st.sampled_from([(), None if optional else _defaults(record)])),
                aliases=aliases,
                doc=draw(st.just("") | docs()),
                deprecated=draw(st.booleans()),
            )
            fields.append(made)
        else:
            fields.append(draw(_fields(attribute, wire, aliases, number > 0 and draw(st.booleans()))))
    return RecordSchema(name=name, fields=tuple(fields), doc=draw(st.just("") | docs()))


@st.composite
def record_schemas(draw: st.DrawFn) -> list[RecordSchema]:
    """Return schemas that records can have; later ones may nest earlier ones and `Stat`."""
    made: list[RecordSchema] = [schema_of(Stat)]
    names = draw(st.permutations(["Eval", "A", "TrialResult", "_Hidden"]))
    for name in names[: draw(st.integers(1, 3))]:
        made.append(draw(_records(name, made).filter(_is_sound)))
    return made[draw(st.sampled_from([0, 1])) :]
