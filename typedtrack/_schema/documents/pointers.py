"""JSON Pointers, and references by them and by URIs."""

from __future__ import annotations

from urllib.parse import quote, unquote, urldefrag, urljoin

__all__ = ["joined", "pointer", "reference", "tokens_of"]


def pointer(*tokens: str) -> str:
    """Return the JSON Pointer of *tokens*, one after the other.

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


def tokens_of(where: str) -> list[str]:
    """Return the tokens of the JSON Pointer *where*."""
    return [token.replace("~1", "/").replace("~0", "~") for token in where.split("/")[1:]]


def joined(base: str, ref: str) -> tuple[str, str]:
    """Return the URI that *ref* is, relative to *base*, and its fragment.

    >>> joined("https://example.org/run", "stat#/$defs/50%20%25")
    ('https://example.org/stat', '/$defs/50 %')
    """
    if ref.startswith("#"):
        return base, unquote(ref[1:])
    try:
        uri, fragment = urldefrag(urljoin(base, ref))
    except ValueError:  # no URI
        uri, _, fragment = ref.partition("#")
    return uri, unquote(fragment)
