"""Code from schemas: modules of record classes, and stubs for classes made at run time; written or compared."""

from typedtrack.codegen.files import drift, write_files
from typedtrack.codegen.source import generate

__all__ = ["drift", "generate", "write_files"]
