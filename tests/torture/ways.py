"""The ways in which a store, or a server in its place, misbehaves."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from typing import Final

from tests.servers.proxy import Answer, Fault

__all__ = ["LISTING_WAYS", "WAYS"]

PAGE: Final = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><form>...</form></body></html>"
ETAG: Final = ("ETag", '"5f8d-1a2b"')
DATE: Final = ("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT")
HTML: Final = (("Content-Type", "text/html"), ETAG, DATE)
STATUSES: Final = (
    201, 202, 203, 204, 205, 206, 300, 301, 302, 303, 304, 305, 307, 308, 400, 401, 402, 403, 404, 405, 406, 408, 409,
    410, 411, 412, 413, 414, 416, 417, 418, 421, 423, 425, 428, 429, 431, 451, 499, 500, 501, 502, 503, 504, 505, 507,
    509, 511, 520, 522, 599, 600, 999,
)  # fmt: skip


def _error(code: str) -> bytes:
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()


def _refuse(status: int, body: bytes = b"", *headers: tuple[str, str]) -> Fault:
    return Fault("*", "refuse", status, body, headers=headers)


def _edit(edit: Callable[[Answer], Answer]) -> Fault:
    return Fault("*", "edit", edit=edit)


def _body(change: Callable[[bytes], bytes]) -> Fault:
    """Return the fault of an answer whose body is changed, with a length that fits."""

    def edit(answer: Answer) -> Answer:
        body = change(answer.body)
        return answer._replace(body=body, length=len(body))

    return _edit(edit)


def _length(change: Callable[[int], int | None]) -> Fault:
    """Return the fault of an answer whose Content-Length is changed."""
    return _edit(lambda answer: answer._replace(length=change(len(answer.body))))


def _header(name: str, value: str | None) -> Fault:
    """Return the fault of an answer that has another value of a header, or lacks the header."""

    def edit(answer: Answer) -> Answer:
        headers = {known: given for known, given in answer.headers.items() if known != name}
        return answer._replace(headers=headers if value is None else {**headers, name: value})

    return _edit(edit)


def _encoded(name: str, encode: Callable[[bytes], bytes]) -> Fault:
    """Return the fault of an answer whose body is encoded."""

    def edit(answer: Answer) -> Answer:
        body = encode(answer.body)
        return answer._replace(body=body, length=len(body), headers={**answer.headers, "content-encoding": name})

    return _edit(edit)


def _range(text: str) -> Fault:
    """Return the fault of an answer that has another range than the client asked for."""
    headers = {"content-range": text}
    return _edit(lambda answer: answer._replace(status=206, headers={**answer.headers, **headers}))


def _raw(text: bytes, *, hold: bool = False) -> Fault:
    return Fault("*", "hold" if hold else "raw", body=text)


_OK: Final = b"HTTP/1.1 200 OK\r\n"

WAYS: Final[dict[str, Fault]] = {
    **{f"status {status}": _refuse(status) for status in STATUSES},
    **{f"status {status} and a web page": _refuse(status, PAGE, *HTML) for status in (200, 201, 202, 403, 404, 503)},
    **{f"error {code} with status 404": _refuse(404, _error(code)) for code in ("NoSuchBucket", "AccessDenied")},
    "error SlowDown with status 503": _refuse(503, _error("SlowDown")),
    "error AccessDenied with status 200": _refuse(200, _error("AccessDenied"), ETAG, DATE),
    "error PreconditionFailed with status 412": _refuse(412, _error("PreconditionFailed")),
    "redirect to a sign-in page": _refuse(302, b"", ("Location", "/sign-in"), *HTML),
    "redirect round": _refuse(307, b"", ("Location", "/"), *HTML),
    "redirect without a place": _refuse(307, b"", *HTML),
    "JSON": _refuse(200, b"{}", ("Content-Type", "application/json"), ETAG, DATE),
    "nothing with an ETag": _refuse(200, b"", ETAG, DATE),
    "empty body": _body(lambda _: b""),
    "half a body": Fault("*", "halve"),
    "half a body that claims to be whole": _body(lambda body: body[: len(body) // 2]),
    "body twice": _body(lambda body: body * 2),
    "zeros": _body(lambda body: bytes(len(body))),
    "a megabyte of spaces": _body(lambda body: body + b" " * 2**20),
    "a byte order mark": _body(lambda body: b"\xef\xbb\xbf" + body),
    "UTF-16": _body(lambda body: body.decode("latin-1").encode("utf-16")),
    "length too long": _length(lambda length: length + 100),
    "length too short": _length(lambda length: max(length - 1, 0)),
    "no length": _length(lambda _: None),
    "gzip": _encoded("gzip", gzip.compress),
    "deflate": _encoded("deflate", zlib.compress),
    "plain bytes called gzip": _encoded("gzip", lambda body: body),
    "unknown encoding": _encoded("x-rot13", lambda body: body),
    "no ETag": _header("etag", None),
    "weak ETag": _header("etag", 'W/"5f8d"'),
    "empty ETag": _header("etag", ""),
    "ETag of something else": _header("etag", '"00000000000000000000000000000000"'),
    "no Last-Modified": _header("last-modified", None),
    "an invalid Last-Modified": _header("last-modified", "yesterday"),
    "a range nobody asked for": _range("bytes 0-4/100"),
    "a range from the middle": _range("bytes 3-7/100"),
    "an invalid range": _range("bytes a-b/c"),
    "a header of 60 KB": _header("x-large", "x" * 60_000),
    "reset before the request": Fault("*", "reset"),
    "reset after the request": Fault("*", "lose"),
    "silence": Fault("*", "stall"),
    "a trickle": Fault("*", "trickle"),
    "the request twice": Fault("*", "twice"),
    "a late answer": Fault("*", "delay"),
    "no HTTP": _raw(b"220 mail.example.org ESMTP\r\n"),
    "TLS": _raw(bytes.fromhex("15030100020228")),
    "HTTP/0.9": _raw(PAGE),
    "half a head": _raw(_OK + b"Content-Le"),
    "half a head, then silence": _raw(_OK + b"Content-Le", hold=True),
    "a head, then silence": _raw(_OK + b"Content-Length: 100\r\n\r\n", hold=True),
    "a negative length": _raw(_OK + b"Content-Length: -1\r\n\r\n"),
    "an invalid length": _raw(_OK + b"Content-Length: many\r\n\r\n"),
    "two lengths": _raw(_OK + b"Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello"),
    "a chunk without an end": _raw(_OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel", hold=True),
    "an invalid chunk": _raw(_OK + b"Transfer-Encoding: chunked\r\n\r\nfive\r\nhello\r\n"),
    "two answers": _raw(2 * (_OK + b'ETag: "1"\r\nContent-Length: 2\r\n\r\n{}')),
    "100 for ever": _raw(100 * b"HTTP/1.1 100 Continue\r\n\r\n", hold=True),
    "an invalid status": _raw(b"HTTP/1.1 OK\r\n\r\n"),
    "binary bytes in a header": _raw(_OK + b"ETag: \xff\xfe\r\nContent-Length: 0\r\n\r\n"),
}
"""For any request. No answer among them is a false one in the store's own form: a client could not tell."""


def _xml(change: Callable[[bytes], bytes]) -> Fault:
    return _body(change)


LISTING_WAYS: Final[dict[str, Fault]] = {
    "truncated without a token": _xml(lambda body: body.replace(b"<IsTruncated>false", b"<IsTruncated>true")),
    "not said whether truncated": _xml(lambda body: body.replace(b"<IsTruncated>false</IsTruncated>", b"")),
    "a name outside the prefix": _xml(lambda body: _more(body, b"elsewhere")),
    "a name that is not a key": _xml(lambda body: _more(body, b"base//x")),
    "a name twice": _xml(lambda body: body.replace(b"</Contents>", b"</Contents>" + _first(body), 1)),
    "no sizes": _xml(lambda body: _without(body, b"Size")),
    "no dates": _xml(lambda body: _without(body, b"LastModified")),
    "no ETags": _xml(lambda body: _without(body, b"ETag")),
    "half a document": _xml(lambda body: body[: len(body) // 2]),
    "something after the document": _xml(lambda body: body + b"<!-- and more --> and more"),
    "an entity that grows": _xml(lambda body: _bomb() + body.partition(b"?>")[2]),
    "an entity from a file": _xml(lambda body: _external() + body.partition(b"?>")[2]),
}
"""For the listings of S3."""


def _first(body: bytes) -> bytes:
    start = body.index(b"<Contents>")
    return body[start : body.index(b"</Contents>") + len(b"</Contents>")]


def _more(body: bytes, name: bytes) -> bytes:
    first = _first(body)
    start, end = first.index(b"<Key>") + 5, first.index(b"</Key>")
    return body.replace(first, first + first[:start] + name + first[end:], 1)


def _without(body: bytes, element: bytes) -> bytes:
    parts = body.split(b"<" + element + b">")
    return parts[0] + b"".join(part.partition(b"</" + element + b">")[2] for part in parts[1:])


def _bomb() -> bytes:
    levels = b"".join(b'<!ENTITY l%d "%s">' % (level, b"&l%d;" % (level - 1) * 10) for level in range(1, 9))
    return b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">' + levels + b"]>"


def _external() -> bytes:
    return b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
