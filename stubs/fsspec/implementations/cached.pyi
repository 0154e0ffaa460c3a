from fsspec.spec import AbstractFileSystem

class CachingFileSystem(AbstractFileSystem):
    fs: AbstractFileSystem
