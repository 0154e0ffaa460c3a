from datetime import datetime
from io import BytesIO
from typing import ClassVar

from fsspec.spec import AbstractFileSystem

class MemoryFile(BytesIO):
    modified: datetime
    def __init__(
        self, fs: MemoryFileSystem | None = None, path: str | None = None, data: bytes | None = None
    ) -> None: ...

class MemoryFileSystem(AbstractFileSystem):
    # One dictionary for all instances of a process.
    store: ClassVar[dict[str, MemoryFile]]
    pseudo_dirs: ClassVar[list[str]]
