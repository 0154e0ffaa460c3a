"""Modules that make record classes with `load_schemas`, written as docs/how-to/schemas.md shows."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from typedtrack import RecordSchema
from typedtrack.codegen import generate, write_files
from typedtrack.schemas import document_text, file_name

__all__ = ["stubtest", "write_module"]

_SOURCE: Final = """from pathlib import Path

from typedtrack import load_schemas

globals().update(load_schemas(Path(__file__).with_name("schemas")))
"""

_ROOT: Final = Path(__file__).parents[1]


def write_module(folder: Path, schemas: Iterable[RecordSchema]) -> None:
    """Make *folder* a module with the record classes of *schemas*, their documents and a stub."""
    schemas = list(schemas)
    write_files({folder / "schemas" / file_name(schema.name): document_text(schema) for schema in schemas})
    write_files({folder / "__init__.py": _SOURCE, folder / "__init__.pyi": generate(schemas, stubs=True)})


def stubtest(package: Path) -> subprocess.CompletedProcess[str]:
    """Run `mypy.stubtest` on *package* with the allowlist of docs/how-to/schemas.md, and return how it ended."""
    page = (_ROOT / "docs/how-to/schemas.md").read_text("utf-8")
    (allowed,) = re.findall(r"^records(\\\.\\w.*)$", page, re.MULTILINE)
    write_files({package.parent / "allowlist": f".+{allowed}\n"})
    return subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", package.name, "--allowlist", "allowlist"],
        capture_output=True,
        text=True,
        check=False,
        cwd=package.parent,
        env={"PYTHONPATH": f"{package.parent}:{_ROOT}", "MYPYPATH": str(_ROOT), "PATH": ""},
    )
