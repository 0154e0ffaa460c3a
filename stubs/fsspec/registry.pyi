from collections.abc import Mapping

from fsspec.spec import AbstractFileSystem

registry: Mapping[str, type[AbstractFileSystem]]
_registry: dict[str, type[AbstractFileSystem]]
