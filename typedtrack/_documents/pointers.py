"""JSON Pointers, and references by them."""

from __future__ import annotations

from urllib.parse import quote, unquote

__all__ = ["pointer", "reference", "referred", "tokens_of"]


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


def referred(ref: str) -> str | None:
    """Return the JSON Pointer that ``$ref`` leads to, or `None` if it does not lead to one in the same document.

    >>> referred("#/$defs/50%20%25")
    '/$defs/50 %'
    """
    where = unquote(ref[1:])
    return where if ref.startswith("#") and where[:1] in ("", "/") else None
