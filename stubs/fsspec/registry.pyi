from collections.abc import Mapping

from fsspec.spec import AbstractFileSystem

known_implementations: Mapping[str, object]
registry: Mapping[str, type[AbstractFileSystem]]
_registry: dict[str, type[AbstractFileSystem]]
