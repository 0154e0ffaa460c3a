"""JSON Pointers, and references by pointer or URI."""

from __future__ import annotations

from urllib.parse import quote, unquote, urldefrag, urljoin

__all__ = ["joined", "pointer", "reference"]


def pointer(*tokens: str) -> str:
    """Return the JSON Pointer that leads through *tokens*.

    >>> pointer("properties", "l2norm/mean")
    '/properties/l2norm~1mean'
    """
    return "".join(f"/{token.replace('~', '~0').replace('/', '~1')}" for token in tokens)


def reference(*tokens: str) -> str:
    """Return the ``$ref`` to the subschema at *tokens* of the same document.

    >>> reference("$defs", "Stat", "properties", "50 %")
    '#/$defs/Stat/properties/50%20%25'
    """
    return "#" + quote(pointer(*tokens), safe="/~$!&'()*+,;=:@")


def joined(base: str, ref: str) -> tuple[str, str]:
    """Return the URI and the fragment of *ref*, a reference relative to the URI *base*.

    >>> joined("https://example.org/run", "stat#/$defs/50%20%25")
    ('https://example.org/stat', '/$defs/50 %')
    """
    if ref.startswith("#"):
        return base, unquote(ref[1:])
    try:
        uri, fragment = urldefrag(urljoin(base, ref))
    except ValueError:  # not a URI
        uri, _, fragment = ref.partition("#")
    return uri, unquote(fragment)
