"""quicktype makes structs with typed fields of what ``schema export --open`` writes."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.golden.made_by_hand import Evaluation
from tests.node import NPM, node
from typedtrack import schema_of
from typedtrack.schemas import document_text

# The fields of the struct by language: each as its name on the wire and its type.
_FIELDS = {
    "go": r'(?m)^\t\w+ +(?P<type>\S+) +`json:"(?P<name>[^",]+)(?:,omitempty)?"`$',
    "rust": r'(?m)^(?:    #\[serde\(rename = "(?P<renamed>[^"]+)"\)\]\n)?    pub (?P<name>\w+): (?P<type>\S+),$',
    "typescript": r'(?m)^    "?(?P<name>[\w/]+)"?(?P<optional>\??): +(?P<type>\S+);$',
}
_STRUCTS = {"go": "type Evaluation struct {", "rust": "pub struct Evaluation {", "typescript": "interface Evaluation {"}
_NUMBERS = {"go": ("int64", "float64"), "rust": ("i64", "f64"), "typescript": ("number", "number")}
_CHOICES = {"split": "Split", "precision": "Precision", "optimizer": "Optimizer"}


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The open document of a record with every feature."""
    path = tmp_path_factory.mktemp("schemas") / "evaluation.schema.json"
    path.write_text(document_text(schema_of(Evaluation), open_content=True), "utf-8")
    return path


def quicktype(language: str, document: Path) -> str:
    """Return what quicktype writes for *document*."""
    script = str(NPM / "quicktype" / "dist" / "index.js")
    options = ["--src-lang", "schema", "--lang", language, "--top-level", "Evaluation"]
    command = [node("quicktype"), script, *options, str(document)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("language", _FIELDS)
def test_a_struct_with_a_typed_field_for_each_column(language: str, document: Path) -> None:
    """A required field has its type, and the others an optional one."""
    code = quicktype(language, document)
    assert _STRUCTS[language] in code
    body = code.partition(_STRUCTS[language])[2].partition("\n}")[0]

    wanted: dict[str, str] = {}
    whole, fraction = _NUMBERS[language]
    string = {"go": "string", "rust": "String", "typescript": "string"}[language]
    for column in schema_of(Evaluation).columns:
        kind = _CHOICES.get(column.name) or {"int": whole, "float": fraction, "str": string}[column.kind]
        optional = {"go": f"*{kind}", "rust": f"Option<{kind}>", "typescript": f"{kind}?"}[language]
        wanted[column.name] = kind if column.required else optional
    found = {
        field.groupdict().get("renamed") or field["name"]: field["type"] + field.groupdict().get("optional", "")
        for field in re.finditer(_FIELDS[language], body)
    }
    assert found == wanted


def test_a_document_that_is_not_open_gives_no_struct(tmp_path: Path) -> None:
    """The reason for ``--open``: quicktype makes a map of it."""
    schema = schema_of(Evaluation)
    closed = {**schema.to_json_schema(open_content=True), "additionalProperties": {"type": ["number", "string"]}}
    path = tmp_path / "evaluation.schema.json"
    path.write_text(json.dumps(closed), "utf-8")

    assert _STRUCTS["go"] not in quicktype("go", path)
