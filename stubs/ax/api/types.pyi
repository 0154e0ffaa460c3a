from collections.abc import Mapping

TParameterization = Mapping[str, int | float | str | bool]
