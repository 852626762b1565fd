"""HTTP/1.1 with connections that stay open, around any WSGI application.

werkzeug's own server closes a connection after each answer, which costs a client a millisecond and a port
per call.
"""

from __future__ import annotations

import io
import socket
import sys
import traceback
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote_to_bytes

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

#: what is left unread of a body is read up to this size: a client that still sends does not see the answer of
#: a connection that is closed, such as one that asks it to slow down
_DRAINED_BYTES = 64 << 20


class Body(io.RawIOBase):
    """The body of one request: it ends where the request says, not where the connection does."""

    def __init__(self, source: Any, length: int | None) -> None:
        self._source, self._left, self._chunked = source, length or 0, length is None
        self._ended = length == 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left and self._chunked and not self._ended:
            self._next_chunk()
        if not self._left:
            self._ended = True
            return 0
        data = self._source.read(min(len(buffer), self._left))
        if not data:
            raise ConnectionError("the client went away within a body")
        self._left -= len(data)
        if self._chunked and not self._left:
            self._source.readline(4)
        buffer[: len(data)] = data
        return len(data)

    def _next_chunk(self) -> None:
        size = self._source.readline(64).split(b";")[0].strip()
        try:
            self._left = int(size, 16)
        except ValueError as error:
            raise ConnectionError("a chunk without a size") from error
        if not self._left:
            while self._source.readline(8192).strip():  # trailers
                pass
            self._ended = True

    def drain(self) -> bool:
        """Read what nobody read; False where that would be too much."""
        left = _DRAINED_BYTES
        while left > 0:
            data = self.read(1 << 16)
            if not data:
                return True
            left -= len(data)
        return False


class WsgiHandler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "fraudlab-rehearsal"
    sys_version = ""
    server: WsgiServer
    #: an idle connection of a client's pool is closed after this many seconds
    timeout = 120
    # the headers and the body of an answer leave together
    wbufsize = -1

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing: actions are recorded elsewhere."""

    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def finish(self) -> None:
        try:
            super().finish()
        except (ConnectionError, TimeoutError):
            return

    def handle_expect_100(self) -> bool:
        """Let a client send its body: boto3 waits a second for that, with each object it puts."""
        may = super().handle_expect_100()
        self.wfile.flush()
        return may

    def _environ(self, body: Body) -> Environ:
        path, _, query = self.path.partition("?")
        environ: Environ = {
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": body,
            "wsgi.input_terminated": True,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "RAW_URI": self.path,
            "REQUEST_URI": self.path,
            "REMOTE_ADDR": self.client_address[0],
            "SERVER_NAME": self.server.server_address[0],
            "SERVER_PORT": str(self.server.server_address[1]),
            "SERVER_PROTOCOL": self.request_version,
            "fraudlab.names": self.headers.keys(),
        }
        for name, value in self.headers.items():
            key = name.upper().replace("-", "_")
            if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
                key = f"HTTP_{key}"
            environ[key] = f"{environ[key]},{value}" if key in environ else value
        return environ

    def _answer(self) -> None:
        length = self.headers.get("Content-Length")
        chunked = "chunked" in (self.headers.get("Transfer-Encoding") or "").lower()
        if length is not None and not length.isdigit():
            self.send_error(400, "Content-Length is no number")
            return
        body = Body(self.rfile, None if chunked else int(length or 0))
        sent: list[Any] = []
        self._begun = False

        def start(status: str, headers: list[tuple[str, str]], _error: Any = None) -> Callable[[bytes], None]:
            sent[:] = [status, headers]
            return self._refuse_write

        try:
            parts = self.server.application(self._environ(body), start)
            try:
                self._send(sent[0], sent[1], parts)
            finally:
                close = getattr(parts, "close", None)
                if close is not None:
                    close()
        except (ConnectionError, TimeoutError):
            self.close_connection = True
            return
        except Exception:  # noqa: BLE001 - whatever an application raises, the server goes on
            traceback.print_exc()
            self.close_connection = True
            if self._begun:  # nothing more can be said; the client sees that the answer is cut short
                return
            self._send("500 Internal Server Error", [("Content-Type", "text/plain")], [b""])
            return
        if not body.drain():
            self.close_connection = True

    @staticmethod
    def _refuse_write(_data: bytes) -> None:
        raise TypeError("an application gives its body as what it returns")

    def _send(self, status: str, headers: list[tuple[str, str]], parts: Iterable[bytes]) -> None:
        code, _, reason = status.partition(" ")
        names = {name.lower() for name, _ in headers}
        bodiless = self.command == "HEAD" or code in ("204", "304")
        whole: bytes | None = None
        chunked = False
        if "content-length" not in names and not bodiless:
            if isinstance(parts, list | tuple):
                whole = b"".join(parts)
                headers = [*headers, ("Content-Length", str(len(whole)))]
            else:
                chunked = True
                headers = [*headers, ("Transfer-Encoding", "chunked")]
        self._begun = True
        self.send_response_only(int(code), reason)
        if "date" not in names:
            self.send_header("Date", self.date_time_string())
        for name, value in headers:
            if name.lower() != "connection":
                self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        for part in [whole] if whole is not None else parts:
            if part and not bodiless:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()


class WsgiServer(ThreadingHTTPServer):
    """A thread per connection; listens from when it is made."""

    daemon_threads = True
    request_queue_size = 256
    block_on_close = False

    def __init__(self, host: str, port: int, application: Application) -> None:
        self.application = application
        if ":" in host:
            self.address_family = socket.AF_INET6
        super().__init__((host, port), WsgiHandler)

    def process_request(self, request: Any, client_address: Any) -> None:
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about clients that go away."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)
