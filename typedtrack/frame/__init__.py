"""Results as tables: Arrow streams, files, parts. Needs the extra ``arrow``."""

from importlib.util import find_spec

if not (find_spec("arro3") and find_spec("arro3.core") and find_spec("arro3.io")):
    raise ModuleNotFoundError("tables need arro3-core and arro3-io: pip install 'typedtrack[arrow]'", name="arro3")
