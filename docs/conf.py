"""How Sphinx builds the documentation."""

from typedtrack import __version__

project = "typedtrack"
project_copyright = "the typedtrack maintainers"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"typedtrack {release}"

default_role = "py:obj"  # docstrings name things in single backticks
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
myst_heading_anchors = 2
