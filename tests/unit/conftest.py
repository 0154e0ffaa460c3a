"""Record classes in both forms that there are: declared, and made at run time of the schemas of those."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

import pytest

from tests.loaded import write_module
from typedtrack import schema_of


@pytest.fixture(params=[False, True], ids=["declared", "loaded"])
def is_loaded(request: pytest.FixtureRequest) -> bool:
    """Return whether the records of a test are those that `load_schemas` makes, rather than the declared ones."""
    return bool(request.param)


@pytest.fixture
def form(
    is_loaded: bool, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[Any]]:
    """Return what makes of declared record classes those to test: the same, or a module's that has their schemas alone.

    Those that nest one another are given at once, as the schemas of one module are.
    """

    def loaded(*declared: type) -> list[Any]:
        folder = tmp_path_factory.mktemp("loaded")
        write_module(folder, map(schema_of, declared))
        spec = spec_from_file_location(folder.name, folder / "__init__.py")
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        monkeypatch.setitem(sys.modules, folder.name, module)
        spec.loader.exec_module(module)
        return [getattr(module, cls.__name__) for cls in declared]

    return loaded if is_loaded else lambda *declared: list(declared)
