"""How Sphinx builds the documentation."""

from sphinx.application import Sphinx

from typedtrack import __version__

project = "typedtrack"
project_copyright = "the typedtrack maintainers"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton", "sphinx_design"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"typedtrack {release}"
html_favicon = "_static/favicon.svg"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {"top_of_page_buttons": []}  # readers look at the page, not at its source
html_copy_source = False
html_show_sourcelink = False

default_role = "py:obj"  # docstrings name things in single backticks
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_mock_imports = ["ax"]  # needs torch
python_maximum_signature_line_length = 80  # a longer signature has a line for each argument
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

# Copies what a reader types: the commands and statements behind a prompt, without what they print.
copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True


def _without_a_nameless_default(*event: object) -> tuple[str | None, object]:
    *_, signature, returns = event
    return str(signature).replace(" = <object object>", "") if signature else None, returns


def setup(app: Sphinx) -> None:
    """Show the key of `ResultTracker.put` as most callers use it: without its default."""
    app.connect("autodoc-process-signature", _without_a_nameless_default)
