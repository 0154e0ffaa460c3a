from asyncio import AbstractEventLoop
from collections.abc import Callable, Coroutine
from typing import Any, Literal, ParamSpec, TypeVar

from fsspec.spec import AbstractFileSystem

P = ParamSpec("P")
T = TypeVar("T")

def get_loop() -> AbstractEventLoop: ...

# Any: the types that a coroutine yields and is sent, for the event loop only.
def sync(
    loop: AbstractEventLoop, func: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
) -> T: ...

class AsyncFileSystem(AbstractFileSystem):
    asynchronous: bool
    def __init__(
        self,
        *args: object,
        asynchronous: bool = False,
        loop: AbstractEventLoop | None = None,
        batch_size: int | None = None,
        **storage_options: object,
    ) -> None: ...
    @property
    def loop(self) -> AbstractEventLoop: ...
    async def _cat_file(self, path: str, start: int | None = None, end: int | None = None) -> bytes: ...
    async def _pipe_file(self, path: str, value: bytes, mode: Literal["overwrite", "create"] = "overwrite") -> None: ...
    async def _rm_file(self, path: str) -> None: ...
