"""HTTP around what the server keeps: authentication, gzip, multipart, and what goes wrong."""

from __future__ import annotations

import gzip
import json
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from . import artifact_calls, experiment_calls, registry_calls
from .kept import CometServer, RefusedError

_CALLS = {**experiment_calls.CALLS, **artifact_calls.CALLS, **registry_calls.CALLS}
#: taken note of, and answered `{}`
_NOTED = {
    "POST status-report/offline-metadata",
    "POST asset/3d-limits",
    "POST notification/experiment",
    "POST notify/event",
    "POST write/experiment/system-details",
    "POST write/experiment/output",
    "POST write/experiment/file-path",
    "POST write/experiment/html",
    "POST write/experiment/git/metadata",
    "POST write/experiment/update-status",
    "POST write/experiment/cloud-details",
    "POST write/experiment/cpu-metrics",
    "POST write/experiment/ram-metrics",
    "POST write/experiment/load-metrics",
    "GET health/ping",
}
_ITEM = re.compile(r"(?:write/)?registry-model/item/(item\d+)/(metadata|status-configuration)")
_ROOTS = re.compile(r"^/(?:clientlib/rest/v2|clientlib|api/rest/v2)/+")
_OPEN = ("/isAlive/ver", "/health/ping")


def _handler(server: CometServer, lock: threading.Lock) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._serve(b"")

        def do_POST(self) -> None:
            self._serve(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def _serve(self, raw: bytes) -> None:
            url = urlsplit(self.path)
            with lock:
                fault = None if server.gone else server.fault_of(url.path)
            if server.gone or (fault and fault.kind == "cut"):
                self._cut()
                return
            if fault and fault.kind == "slow":
                time.sleep(fault.seconds)
            with lock:
                server.paths.append(f"{self.command} {url.path}")
                if server.broken or (fault and fault.kind == "refused"):
                    status, answer = server.broken or (fault.status if fault else 0), {}
                else:
                    for _ in range(2 if fault and fault.kind == "twice" else 1):
                        status, answer = self._let_in(url.path, url.query, raw)
                server.heard(f"{self.command} {url.path}")
            if fault and fault.kind == "lost":
                self._cut()
                return
            self._send(status, answer)

        def _let_in(self, path: str, query: str, raw: bytes) -> tuple[int, Any]:
            if server.partner_app is None:
                return self._answer(path, query, raw, key=self.headers.get("Authorization"))
            key = server.partner_app.let_in(self.command, self.path, self.headers, raw)
            if key is None:
                return 403, {"message": "Forbidden"}
            return self._answer(path, query, raw, key=key)

        def _answer(self, path: str, query: str, raw: bytes, *, key: str | None) -> tuple[int, Any]:
            if path.endswith("/isAlive/ver"):
                return 200, {"version": "6.20.0"}
            if key not in server.keys and not path.endswith(_OPEN):
                return 400, {"sdk_error_code": 90212, "msg": "invalid API key"}
            asked = {name: values[0] for name, values in parse_qs(query).items()}
            try:
                return 200, _carried_out(server, self.command, path, asked, self._body(raw))
            except RefusedError as error:
                return error.status, error.answer
            except (KeyError, TypeError, ValueError) as error:
                server.misunderstood.append(f"{self.command} {path}: {type(error).__name__}: {error}")
                return 400, {"msg": f"no such field: {error}", "sdk_error_code": 0}

        def _body(self, raw: bytes) -> Any:
            if self.headers.get("Content-Encoding") == "gzip":
                raw = gzip.decompress(raw)
            kind = self.headers.get("Content-Type", "")
            if kind.startswith("multipart/"):
                return _file_part(kind, raw)
            return json.loads(raw) if raw else None

        def _cut(self) -> None:
            self.close_connection = True
            self.connection.close()

        def _send(self, status: int, answer: Any) -> None:
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            kind = "application/octet-stream" if isinstance(answer, bytes) else "application/json"
            try:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:  # whoever asked has been killed
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            """Keep the test output for the tests."""

    return Handler


def _carried_out(server: CometServer, method: str, path: str, query: dict[str, str], body: Any) -> Any:
    name = f"{method} {_ROOTS.sub('', path)}"
    if call := _CALLS.get(name):
        return call(server, query, body)
    if found := _ITEM.fullmatch(_ROOTS.sub("", path)):
        return registry_calls.about_item(server, method, found[1], found[2], body)
    if name not in _NOTED:
        server.misunderstood.append(f"{method} {path}: Comet has no such call")
        raise RefusedError(f"no such call: {path}", status=404)
    server.notes.setdefault(name.partition(" ")[2], []).append(body)
    return {}


def _file_part(content_type: str, raw: bytes) -> bytes:
    message = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + raw)
    parts: list[Message] = message.get_payload()  # type: ignore[assignment]
    for part in parts:
        if part.get_param("name", header="content-disposition") in {"file", "link"}:
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            return content
    raise ValueError("an upload without a file")


class _Listener(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that was killed."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


@contextmanager
def comet_server() -> Iterator[CometServer]:
    """Serve on a free loopback port until the block ends.

    Raises
    ------
    AssertionError
        In the end, where somebody asked for something that Comet does not have.
    """
    server = CometServer()
    http = _Listener(("127.0.0.1", 0), _handler(server, threading.Lock()))
    http.daemon_threads = True
    server.port = http.server_port
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.gone = True
        http.shutdown()
        http.server_close()
        thread.join()
    assert server.misunderstood == []
