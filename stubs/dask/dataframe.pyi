from collections.abc import Callable, Iterable
from typing import TypeVar

import pandas

T = TypeVar("T")

class DataFrame:
    npartitions: int
    def compute(self) -> pandas.DataFrame: ...

def from_map(func: Callable[[T], pandas.DataFrame], iterable: Iterable[T]) -> DataFrame: ...
