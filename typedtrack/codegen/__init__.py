"""Schemas to source: modules of record classes, and stubs for classes that are made at run time."""

from typedtrack.codegen.source import generate

__all__ = ["generate"]
