"""The XML API of Google Cloud Storage, for obstore, over the JSON API of fake-gcs-server.

The XML API of fake-gcs-server itself refuses obstore's PUT, and its errors have no code. This module serves the calls
that obstore makes, as Google's reference describes them, below https://cloud.google.com/storage/docs/xml-api/:

- GET of an object, or of a range of it (get-object-download); PUT (put-object-upload), which with the header
  ``x-goog-if-generation-match: 0`` is refused where there is one (reference-headers); DELETE (delete-object);
- GET of a bucket: version 2 of the listing, by ``prefix`` and ``continuation-token`` (get-bucket-list);
- errors with a ``Code``: 404 ``NoSuchKey`` and ``NoSuchBucket``, 412 ``PreconditionFailed``, and without the token 401
  ``AuthenticationRequired`` (reference-status).

fake-gcs-server stores and lists the objects, and decides a race. So the tests show that the tracker and obstore keep to
Google's reference, and not that Google's service does.
"""

from __future__ import annotations

import http.client
import json
import threading
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit
from xml.sax.saxutils import escape

from tests.servers.process import HOST

__all__ = ["TOKEN", "serve"]

TOKEN: Final = "secret"
"""The login that a client must present."""

_PRECONDITION: Final = "x-goog-if-generation-match"
_BOUNDARY: Final = uuid.uuid4().hex
_MULTIPART: Final = f"multipart/related; boundary={_BOUNDARY}"


@contextmanager
def serve(upstream: int) -> Generator[int]:
    """Serve the XML API before the JSON API at the port *upstream* until the block is left; yield the port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            self.upstream = http.client.HTTPConnection(HOST, upstream, timeout=30)

        def finish(self) -> None:
            self.upstream.close()
            super().finish()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
            """Print nothing."""

        def parse_request(self) -> bool:
            if not super().parse_request():
                return False
            if self.headers.get("Authorization") == f"Bearer {TOKEN}":
                return True
            self.close_connection = True  # because the body is unread
            self._refuse(401, "AuthenticationRequired")
            return False

        def do_GET(self) -> None:  # the names are the base class's
            bucket, name = self._place()
            if not name:
                return self._list(bucket)
            status, given, data = self._ask("GET", f"b/{bucket}/o/{quote(name, safe='')}?alt=media")
            if status not in (200, 206):
                return self._refuse(status, self._reason(status, bucket))
            headers = {"ETag": given["ETag"], "Last-Modified": self.date_time_string()}
            if status == 206:
                headers["Content-Range"] = given["Content-Range"]
            self._answer(status, data, headers)

        def do_PUT(self) -> None:
            bucket, name = self._place()
            query = {"uploadType": "multipart"}  # with "media" fake-gcs-server ignores the precondition
            if (generation := self.headers.get(_PRECONDITION)) is not None:
                query["ifGenerationMatch"] = generation
            body = _parts(name, self.rfile.read(int(self.headers["Content-Length"])))
            status, _, data = self._ask("POST", f"b/{bucket}/o?{urlencode(query)}", body, "/upload")
            if status != 200:
                return self._refuse(status, self._reason(status, bucket))
            made = json.loads(data)
            self._answer(200, b"", {"ETag": f'"{made["etag"]}"', "x-goog-generation": made["generation"]})

        def do_DELETE(self) -> None:
            bucket, name = self._place()
            status, _, _ = self._ask("DELETE", f"b/{bucket}/o/{quote(name, safe='')}")
            if status not in (200, 204):
                return self._refuse(status, self._reason(status, bucket))
            self._answer(204, b"", {})

        def _list(self, bucket: str) -> None:
            asked = {name: value for name, (value, *_) in parse_qs(urlsplit(self.path).query).items()}
            query = {"prefix": asked.get("prefix", ""), "pageToken": asked.get("continuation-token", "")}
            status, _, data = self._ask("GET", f"b/{bucket}/o?{urlencode(query)}&maxResults=1000")
            if status != 200:
                return self._refuse(status, self._reason(status, bucket))
            page = json.loads(data)
            text = "".join(map(_as_xml, page.get("items", ())))
            if token := page.get("nextPageToken"):
                text += f"<NextContinuationToken>{escape(token)}</NextContinuationToken>"
            text = f"<ListBucketResult>{text}</ListBucketResult>"
            self._answer(200, text.encode(), {"Content-Type": "application/xml"})

        def _place(self) -> tuple[str, str]:
            bucket, _, name = urlsplit(self.path).path.removeprefix("/").partition("/")
            return unquote(bucket), unquote(name)

        def _ask(
            self, method: str, path: str, body: bytes = b"", above: str = ""
        ) -> tuple[int, http.client.HTTPMessage, bytes]:
            headers = {"Content-Type": _MULTIPART}
            if "Range" in self.headers:
                headers["Range"] = self.headers["Range"]
            self.upstream.request(method, f"{above}/storage/v1/{path}", body, headers)
            with self.upstream.getresponse() as response:
                return response.status, response.headers, response.read()

        def _reason(self, status: int, bucket: str) -> str:
            if status == 412:
                return "PreconditionFailed"
            if status == 416:
                self.upstream.close()  # because fake-gcs-server closes it, too
                return "InvalidRange"
            return "NoSuchKey" if self._ask("GET", f"b/{bucket}")[0] == 200 else "NoSuchBucket"

        def _refuse(self, status: int, code: str) -> None:
            text = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>{code}</Message></Error>"
            self._answer(status, text.encode(), {"Content-Type": "application/xml"})

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    class Server(ThreadingHTTPServer):
        request_queue_size = 256
        daemon_threads = True

    with Server((HOST, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def _parts(name: str, data: bytes) -> bytes:
    """Return the body of an upload: the name of the object, and its bytes."""
    head = f"--{_BOUNDARY}\r\nContent-Type: application/json\r\n\r\n"
    return f"{head}{json.dumps({'name': name})}\r\n{head}".encode() + data + f"\r\n--{_BOUNDARY}--".encode()


def _as_xml(entry: dict[str, Any]) -> str:
    """Return an entry of a listing as XML; *entry* is the same in JSON, as Google's documentation describes it."""
    return (
        f"<Contents><Key>{escape(entry['name'])}</Key><LastModified>{entry['updated']}</LastModified>"
        f"<ETag>&quot;{entry['etag']}&quot;</ETag><Size>{entry['size']}</Size></Contents>"
    )
