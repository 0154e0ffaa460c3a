"""quicktype makes typed structs from open documents, and typedtrack reads the documents that quicktype writes."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.golden.made_by_hand import Evaluation
from tests.node import NPM, node
from typedtrack import RecordSchema, Stat, as_result, open_tracker, schema_of
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


def quicktype(source: str, language: str, *files: Path) -> str:
    """Return the output of quicktype in *language* for *files*: a document (``schema``), or samples (``json``)."""
    script = str(NPM / "quicktype" / "dist" / "index.js")
    options = ["--src-lang", source, "--lang", language, "--top-level", "Evaluation"]
    command = [node("quicktype"), script, *options, *map(str, files)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("language", _FIELDS)
def test_a_struct_with_a_typed_field_for_each_column(language: str, document: Path) -> None:
    """A required field has its type, and the others an optional one."""
    code = quicktype("schema", language, document)
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


_READ = """
const typescript = require("typescript");
const fs = require("fs");
const [code, stored] = process.argv.slice(1).map((path) => fs.readFileSync(path, "utf8"));
const compilerOptions = { module: typescript.ModuleKind.CommonJS, strict: true };
const { outputText, diagnostics } = typescript.transpileModule(code, { compilerOptions, reportDiagnostics: true });
const exported = {};
new Function("exports", outputText)(exported);
console.log(JSON.stringify({ diagnostics: diagnostics.length, result: exported.Convert.toEvaluation(stored) }));
"""


def test_the_code_reads_a_stored_result(document: Path, tmp_path: Path) -> None:
    """The reader in TypeScript, run by Node.js, returns every field, and refuses a result of another type."""
    (tmp_path / "code.ts").write_text(quicktype("schema", "typescript", document), "utf-8")
    tracker = open_tracker(tmp_path)
    stored = as_result(Evaluation(accuracy=0.5, l2norm=Stat(mean=1, sem=0.25), worst=2, best=1, optimizer="sgd"))
    tracker["good"] = stored
    tracker["bad"] = {**stored, "accuracy": "high"}

    def read(key: str) -> subprocess.CompletedProcess[str]:
        command = [node("typescript"), "-e", _READ, str(tmp_path / "code.ts"), str(tmp_path / key)]
        environment = {**os.environ, "NODE_PATH": str(NPM)}
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)

    assert json.loads(read("good").stdout) == {"diagnostics": 0, "result": stored}
    assert 'Invalid value for key "accuracy"' in read("bad").stderr


def test_a_document_that_is_not_open_gives_no_struct(tmp_path: Path) -> None:
    """The reason for ``--open``: quicktype makes a map of it."""
    schema = schema_of(Evaluation)
    closed = {**schema.to_json_schema(open_content=True), "additionalProperties": {"type": ["number", "string"]}}
    path = tmp_path / "evaluation.schema.json"
    path.write_text(json.dumps(closed), "utf-8")

    assert _STRUCTS["go"] not in quicktype("schema", "go", path)


def test_what_quicktype_infers_from_stored_results(tmp_path: Path) -> None:
    """A document of its own making is read: draft 6, with a reference from the root, and null beside a type."""
    tracker = open_tracker(tmp_path)
    tracker["a.json"] = {"loss/1": 0.5, "steps": 3, "host": "node1"}
    tracker["b.json"] = {"loss/1": 1, "steps": 4, "seed": 7}
    document = quicktype("json", "schema", tmp_path / "a.json", tmp_path / "b.json")

    schema = RecordSchema.from_json_schema(json.loads(document))
    assert schema.name == "Evaluation"
    assert {column.name: (column.kind, column.optional) for column in schema.columns} == {
        "loss/1": ("float", False),
        "steps": ("int", False),
        "host": ("str", True),
        "seed": ("int", True),
    }
