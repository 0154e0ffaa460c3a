"""``typedtrack schema``: exports schemas, generates code, checks compatibility and infers schemas.

Each command does its imports when it is called, so that help and errors of usage come quickly.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from typedtrack.cli.output import json_option, one_line, print_error, print_json, print_markdown, print_table, printable

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from typedtrack.schemas import Mode, Outlier, Report

__all__ = ["schema"]

_check_option = click.option(
    "--check", "check_only", is_flag=True, help="Write nothing; exit with 1 and a diff if a file is stale."
)


@click.group()
def schema() -> None:
    """Schemas of records: export, generate, check, infer."""


@schema.command()
@click.argument("modules", metavar="MODULE[:CLASS]...", nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of the schemas.")
@click.option("--open", "open_content", is_flag=True, help="For quicktype and others: flat, open to further fields.")
@_check_option
@json_option
def export(modules: tuple[str, ...], out: Path, open_content: bool, check_only: bool, as_json: bool) -> int:
    """Write the schemas of record classes, one file each.

    MODULE is a dotted name or a .py file. It is imported, so its code runs.
    """
    from typedtrack._records.declare import schema_of
    from typedtrack.cli.schema_arguments import record_classes
    from typedtrack.schemas import document_text, file_name

    files: dict[Path, str] = {}
    for module in modules:
        for found in map(schema_of, record_classes(module)):
            path = out / file_name(found.name)
            text = document_text(found, open_content=open_content)
            if files.setdefault(path, text) != text:
                raise click.BadParameter(f"two different records would be written to {path}")
    return _write_or_compare(files, check_only=check_only, as_json=as_json)


@schema.command(name="generate")
@click.argument("schemas", nargs=-1, required=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The .py or .pyi to write.")
@click.option("--stubs", is_flag=True, help="Write a .pyi, for a module that calls load_schemas.")
@_check_option
@json_option
def generate_command(schemas: tuple[str, ...], out: Path, stubs: bool, check_only: bool, as_json: bool) -> int:
    """Write record classes from schemas: files, folders of *.schema.json, or URLs.

    A .pyi file gets stubs, with or without --stubs.
    """
    from typedtrack.cli.schema_arguments import schemas_at
    from typedtrack.codegen import generate

    if stubs and out.suffix == ".py":
        raise click.UsageError(f"--stubs writes a .pyi, not {out}: leave it out for a module, or name a .pyi")
    stubs = stubs or out.suffix == ".pyi"
    found = [schema for place in schemas for schema in schemas_at(place).values()]
    return _write_or_compare({out: generate(found, stubs=stubs)}, check_only=check_only, as_json=as_json)


def _write_or_compare(files: Mapping[Path, str], *, check_only: bool, as_json: bool) -> int:
    """Write *files* and print their names; or only compare them, and print the diff."""
    from typedtrack.codegen import drift, write_files

    diff = drift(files) if check_only else ""
    written = [] if check_only else write_files(files)
    if as_json:
        outcome: dict[str, object] = {"diff": diff} if check_only else {"written": [*map(Path.as_posix, written)]}
        print_json({"files": [path.as_posix() for path in files], **outcome})
    elif check_only:
        _print_document(diff)
    else:
        for path in written:
            print(f"wrote {printable(str(path))}")
    return 1 if diff else 0


class _Modes(click.ParamType["Mode"]):
    """The modes of compatibility."""

    name = "mode"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        return self._choice().get_metavar(param, ctx)

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Mode:
        return self._choice().convert(value, param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return self._choice().shell_complete(ctx, param, incomplete)

    def _choice(self) -> click.Choice[Mode]:
        from typedtrack.schemas import MODES

        return click.Choice(MODES)


@schema.command(name="check")
@click.argument("new")
@click.option(
    "--against",
    metavar="OLD",
    multiple=True,
    required=True,
    help="Older schemas: a file, a folder, a URL, or git:REF[:PATH] for NEW, or PATH, as of REF. Repeat, oldest first.",
)
@click.option("--mode", type=_Modes(), default="backward_transitive", show_default=True)
@click.option(
    "--unknown",
    type=click.Choice(["ignore", "error"]),
    default="ignore",
    show_default=True,
    help="What readers do with unknown fields.",
)
@json_option
def check_command(
    new: str, against: tuple[str, ...], mode: Mode, unknown: Literal["ignore", "error"], as_json: bool
) -> int:
    """Check that NEW schemas, a file or a folder, read the results of older ones (or as --mode says).

    Records are matched by name. Exits with 1 if one is incompatible, or gone from the folder NEW. Values that a
    reader would lose are warnings.
    """
    from typedtrack.cli.schema_arguments import names_file, older_schemas, schemas_at
    from typedtrack.schemas import compare

    schemas = schemas_at(new)
    alone = names_file(new, schemas)
    older = [older_schemas(place, new, alone) for place in against]
    try:
        reports = compare(schemas, older, mode, unknown=unknown, complete=not alone)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    compatible = not any(report.conflicts or report.gone for report in reports)
    if as_json:
        records = [_report_document(report) for report in reports]
        print_json({"mode": mode, "compatible": compatible, "records": records})
    else:
        for line in (line for report in reports for line in report.lines()):
            print(printable(line))
    return 0 if compatible else 1


def _report_document(report: Report) -> dict[str, object]:
    from typedtrack.cli.output import finite

    conflicts, warnings = (
        [
            {
                "against": report.against[found.version],
                "direction": found.direction,
                **found.incompatibility._asdict(),
                "example": finite(found.incompatibility.example),
            }
            for found in each
        ]
        for each in (report.conflicts, report.warnings)
    )
    return {**report._asdict(), "conflicts": conflicts, "warnings": warnings}


@schema.command()
@click.option("--markdown", is_flag=True, help="Print a table in Markdown.")
@json_option
def rules(markdown: bool, as_json: bool) -> None:
    """List the rules of compatibility."""
    from typedtrack.schemas import RULES

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
    from typedtrack.codegen.names import code_name_problem

    if (reason := code_name_problem(name)) is not None:
        raise click.BadParameter(reason)
    return name


@schema.command(name="infer")
@click.argument("base", metavar="[BASE]", required=False)
@click.option("--prefix", default="", help="Read only the keys below it.")
@click.option("--name", default="Result", show_default=True, callback=_identifier, help="Name of the record.")
@click.option("--python", is_flag=True, help="Print a module with the record instead of the schema.")
@json_option
def infer_command(base: str | None, prefix: str, name: str, python: bool, as_json: bool) -> int:
    """Propose a schema for the results at BASE, and list the results that do not fit it.

    The proposal is printed on standard output, the list on standard error.
    """
    from typedtrack._open import open_tracker
    from typedtrack.cli.base_and_key import base_to_read
    from typedtrack.codegen import generate
    from typedtrack.errors import BulkError
    from typedtrack.schemas import corrupt_results, document_text, infer

    base = base_to_read(base)
    outliers: tuple[Outlier, ...] = ()
    try:
        found = infer(open_tracker(base).items(prefix), name)
    except BulkError as error:
        if (corrupt := corrupt_results(error)) is None:
            raise
        found, outliers = None, (corrupt,)

    doc = "A record proposed by `typedtrack schema infer` from stored results: change it as you need."
    proposal = None
    if found is not None:
        outliers = found.outliers
        proposal = generate([found.schema], doc=doc) if python else document_text(found.schema)
    if as_json:
        schema = None if found is None else proposal if python else found.schema.to_json_schema()
        results, listed = 0 if found is None else found.results, [outlier._asdict() for outlier in outliers]
        print_json({"python" if python else "schema": schema, "results": results, "outliers": listed})
    elif proposal is not None:
        _print_document(proposal)
    if found is None:
        print_error(f"no result in {base} to infer a schema from")
    if found is None or not as_json:
        for outlier in outliers:
            click.echo(one_line(str(outlier)), err=True)
    return 1 if found is None else 0


def _print_document(text: str) -> None:
    """Print *text* as it is into a pipe or file; on a terminal, escape control characters within its lines."""
    shown = "".join(f"{printable(line)}\n" for line in text.split("\n")[:-1]) if sys.stdout.isatty() else text
    print(shown, end="")
