"""``typedtrack schema``: records to schemas, schemas to code, compatibility, and schemas of what is stored."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import click

from typedtrack._open import open_tracker
from typedtrack.cli.compatibility import Older, reports
from typedtrack.cli.output import json_option, one_line, print_json, print_markdown, print_table
from typedtrack.cli.sources import names_file, record_schemas, schemas_at
from typedtrack.codegen import drift, generate, write_files
from typedtrack.codegen.names import code_name_problem
from typedtrack.errors import BulkError
from typedtrack.schemas import (
    MODES,
    RULES,
    Inference,
    Mode,
    Outlier,
    document_text,
    file_name,
    infer,
)
from typedtrack.schemas.inference import corrupt_results

__all__ = ["schema"]

_check_option = click.option(
    "--check", "check_only", is_flag=True, help="Write nothing; exit 1 with a diff if a file is stale."
)


@click.group()
def schema() -> None:
    """Schemas of records: export, generate, check, infer."""


@schema.command()
@click.argument("modules", metavar="MODULE[:CLASS]...", nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of the schemas.")
@_check_option
@json_option
def export(modules: tuple[str, ...], out: Path, check_only: bool, as_json: bool) -> int:
    """Write the schemas of record classes, a file each.

    MODULE is a dotted name or a .py file, and is imported: its code runs.
    """
    files: dict[Path, str] = {}
    for module in modules:
        for found in record_schemas(module):
            path = out / file_name(found.name)
            text = document_text(found)
            if files.setdefault(path, text) != text:
                raise click.BadParameter(f"two different records would be written to {path}")
    return _made(files, check_only=check_only, as_json=as_json)


@schema.command(name="generate")
@click.argument("schemas", nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The .py or .pyi to write.")
@click.option("--stubs", is_flag=True, help="Write a .pyi, for a module that calls load_schemas.")
@_check_option
@json_option
def generate_command(schemas: tuple[str, ...], out: Path, stubs: bool, check_only: bool, as_json: bool) -> int:
    """Write record classes from schemas: files, folders of *.schema.json, or URLs.

    A .pyi has stubs, with --stubs or without.
    """
    if stubs and out.suffix == ".py":
        raise click.UsageError(f"--stubs writes a .pyi, not {out}: leave it out for a module, or name a .pyi")
    stubs = stubs or out.suffix == ".pyi"
    found = [schema for place in schemas for schema in schemas_at(place).values()]
    return _made({out: generate(found, stubs=stubs)}, check_only=check_only, as_json=as_json)


def _made(files: Mapping[Path, str], *, check_only: bool, as_json: bool) -> int:
    """Write *files*, or only compare them; print which, or the diff."""
    diff = drift(files) if check_only else ""
    written = [] if check_only else write_files(files)
    if as_json:
        document = {"files": [path.as_posix() for path in files]}
        print_json(
            {**document, "diff": diff} if check_only else {**document, "written": [*map(Path.as_posix, written)]}
        )
    elif check_only:
        print(diff, end="")
    else:
        for path in written:
            print(f"wrote {path}")
    return 1 if diff else 0


@schema.command(name="check")
@click.argument("new")
@click.option(
    "--against",
    metavar="OLD",
    multiple=True,
    required=True,
    help="Older schemas: a file, a folder, a URL, or git:REF for NEW as of then. Repeat it, oldest first.",
)
@click.option("--mode", type=click.Choice(MODES), default="backward_transitive", show_default=True)
@click.option(
    "--unknown",
    type=click.Choice(["ignore", "error"]),
    default="ignore",
    show_default=True,
    help="What readers do with fields that they do not know.",
)
@json_option
def check_command(
    new: str, against: tuple[str, ...], mode: Mode, unknown: Literal["ignore", "error"], as_json: bool
) -> int:
    """Check that NEW schemas, a file or a folder, read what older ones wrote (or as --mode says).

    Records are told apart by their names. Exits with 1 if some are incompatible, or gone from the folder NEW.
    """
    schemas = schemas_at(new)
    alone = names_file(new, schemas)
    older: list[Older] = []
    for place in against:
        then = schemas_at(place, beside=new)
        is_file = names_file(new if place.startswith("git:") else place, then)
        older.append(Older(then, whatever_name=alone and is_file))
    found = [*reports(schemas, older, mode, unknown, whole=not alone)]
    compatible = not any(report.conflicts or report.gone for report in found)
    if as_json:
        records = [report.document() for report in found]
        print_json({"mode": mode, "compatible": compatible, "records": records})
    else:
        for report in found:
            print(*report.lines(), sep="\n")
    return 0 if compatible else 1


@schema.command()
@click.option("--markdown", is_flag=True, help="Print a table in Markdown.")
@json_option
def rules(markdown: bool, as_json: bool) -> None:
    """List the rules of compatibility."""
    headers = ["rule", "holds if", "if not"]
    if as_json:
        print_json(
            [{"id": rule.id, "purpose": rule.purpose, "remedy": rule.remedy, "warns": rule.warns} for rule in RULES]
        )
        return
    rows = [(rule.id, rule.purpose, f"{'a warning: ' if rule.warns else ''}{rule.remedy}") for rule in RULES]
    if markdown:
        print_markdown(headers, [(f"`{name}`", *texts) for name, *texts in rows])
    else:
        print_table(headers, rows)


def _identifier(_context: click.Context, _parameter: click.Parameter, name: str) -> str:
    if (reason := code_name_problem(name)) is not None:
        raise click.BadParameter(reason)
    return name


@schema.command(name="infer")
@click.argument("base")
@click.option("--prefix", default="", help="Read only the keys below it.")
@click.option("--name", default="Result", show_default=True, callback=_identifier, help="Name of the record.")
@click.option("--python", is_flag=True, help="Print a module with the record, not the schema.")
@json_option
def infer_command(base: str, prefix: str, name: str, python: bool, as_json: bool) -> int:
    """Propose a schema for the results that are stored at BASE, and list those that do not fit it.

    The proposal goes to standard output; the results that do not fit it are listed on standard error.
    """
    found, outliers = _inferred(base, prefix, name)
    schema = None if found is None else found.schema
    text = None if schema is None else generate([schema]) if python else document_text(schema)
    if as_json:
        proposal: object = text if python or schema is None else schema.to_json_schema()
        results = 0 if found is None else found.results
        listed = [outlier._asdict() for outlier in outliers]
        print_json({"python" if python else "schema": proposal, "results": results, "outliers": listed})
    if text is None:
        print(f"typedtrack: no result in {base} to infer a schema from", file=sys.stderr)
    elif not as_json:
        print(text, end="")
    if text is None or not as_json:
        for outlier in outliers:
            print(one_line(str(outlier)), file=sys.stderr)
    return 1 if text is None else 0


def _inferred(base: str, prefix: str, name: str) -> tuple[Inference | None, tuple[Outlier, ...]]:
    try:
        found = infer(open_tracker(base).items(prefix), name)
    except BulkError as error:
        corrupt = corrupt_results(error)
        if corrupt is None:
            raise
        return None, (corrupt,)
    return found, () if found is None else found.outliers
