"""One client's connection: httptools parses, limits hold, answers go out in the order of the requests."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httptools

from fraudlab.container.endpoint.http_messages import GONE, RETRY, Answer, Request, problem

if TYPE_CHECKING:
    from fraudlab.container.endpoint.http import Server

#: how long and how much of a refused request is read on, so that its sender gets to read the answer
_LINGER_SECONDS, _LINGER_BYTES = 2.0, 64 << 20
#: answers a connection may wait for before no more of it is read
_PIPELINED = 32


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may ask of a server.

    Attributes
    ----------
    body : int
        Bytes of one request's body.
    head : int
        Bytes of its request line and headers.
    buffered : int
        Bytes of all bodies held at once.
    connections : int
        Open connections; one more is answered 503 and closed.
    head_seconds : float
        From a request's first byte to the end of its headers.
    seconds : float
        From a request's first byte to its last; from there to its answer; for an answer to be taken.
    idle_seconds : float
        Between two requests of a connection.
    """

    body: int = 25 << 20
    head: int = 64 << 10
    buffered: int = 256 << 20
    connections: int = 10_000
    head_seconds: float = 10.0
    seconds: float = 60.0
    idle_seconds: float = 120.0


class Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._parser: Any = httptools.HttpRequestParser(self)
        self._transport: Any = None
        self._waiting: deque[Request] = deque()
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._size = 0
        #: bytes of the piece being parsed; of those after the piece the request began in (below 0 until then)
        self._piece = self._fed = 0
        #: when what is being waited for began
        self._since = self.now = server.loop.time()
        self._reading = self._in_head = False
        self._refusal: Answer | None = None
        #: nothing more is read as a request; the writing buffer is full; the client has said its last word
        self._deaf = self._blocked = self._half_closed = False

    # What asyncio calls

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self.server.connections.add(self)
        if len(self.server.connections) > self.server.limits.connections:
            self._refuse(_busy("too many connections"))

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            self._size += len(data)
            if self._size > _LINGER_BYTES:
                self._transport.abort()
            return
        self._piece = len(data)
        self.now = self.server.loop.time()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._deaf = True  # the request that asked for it has been taken, as plain HTTP/1.1
        except httptools.HttpParserError as error:
            self._refusal = self._refusal or problem(400, f"not an HTTP request: {error}")
        self._fed += len(data)
        if self._in_head and self._fed > self.server.limits.head:
            self._refusal = self._refusal or self._head_too_large()
        if self._refusal is not None:
            self._refuse(self._refusal)

    def eof_received(self) -> bool:
        # A client that has said all it wants to say still wants its answers.
        self._half_closed = True
        return bool(self._waiting)

    def pause_writing(self) -> None:
        self._blocked = True
        self._since = self.server.loop.time()
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._blocked = False
        self._since = self.server.loop.time()
        self._read_on()

    def connection_lost(self, _error: Exception | None) -> None:
        self._deaf = True
        self._drop_body()
        for request in self._waiting:
            self.server.buffered -= len(request.body)
            request.answer = request.answer or GONE
        self._waiting.clear()
        self.server.connections.discard(self)

    # What httptools calls

    def on_message_begin(self) -> None:
        self._url, self._headers = b"", {}
        self._size = 0
        self._fed = -self._piece
        self._reading = self._in_head = True
        self._since = self.now

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        self._in_head = False
        headers, limits = self._headers, self.server.limits
        # a head that came in one small piece is not too large
        if (self._fed >= 0 or self._piece > limits.head) and self._head_size() > limits.head:
            self._refusal = self._refusal or self._head_too_large()
        elif b"content-length" in headers and int(headers[b"content-length"]) > limits.body:
            self._refusal = self._refusal or self._too_large()
        elif b"expect" in headers and self._refusal is None and not self._waiting:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, data: bytes) -> None:
        if self._refusal is not None:
            return
        self._body.append(data)
        self._size += len(data)
        self.server.buffered += len(data)
        if self._size > self.server.limits.body:
            self._refusal = self._too_large()
        elif self.server.buffered > self.server.limits.buffered:
            self._refusal = _busy("too many large bodies at once")

    def on_message_complete(self) -> None:
        if self._refusal is not None:
            return
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body = []
        self._reading = False
        parser = self._parser
        request = Request(
            self.write_ready,
            self.now,
            parser.get_method(),
            self._url,
            self._headers,
            body,
            keep_alive=parser.should_keep_alive() and not parser.should_upgrade(),
        )
        self._waiting.append(request)
        if len(self._waiting) > _PIPELINED:
            self._transport.pause_reading()
        self.server.handle(request)

    # Answers

    def write_ready(self) -> None:
        """Write every answer whose turn it is."""
        waiting, ready, last = self._waiting, [], False
        while waiting and waiting[0].answer is not None and not last:
            request = waiting.popleft()
            self.server.buffered -= len(request.body)
            last = self.server.stopping or request.is_last
            ready.append(request.rendered(last=last))
        if not ready:
            return
        self._transport.write(ready[0] if len(ready) == 1 else b"".join(ready))
        if last:
            self._end()
        elif self._half_closed and not waiting:
            self._transport.close()
        else:
            self._read_on()

    def check(self, now: float) -> None:
        """Give up what has waited too long."""
        limits, waited = self.server.limits, now - self._since
        if self._blocked:
            if waited > limits.seconds:
                self._transport.abort()
        elif self._waiting:
            request = self._waiting[0]
            if now - request.began > limits.seconds:
                self._deaf = True
                request.respond(_busy(f"there was no answer within {limits.seconds:g} s"))
        elif self._deaf:
            if waited > _LINGER_SECONDS:
                self._transport.abort()
        elif self._reading:
            if waited > (limits.head_seconds if self._in_head else limits.seconds):
                self._refuse(problem(408, "the request took too long to arrive"))
        elif waited > limits.idle_seconds:
            self._transport.close()

    @property
    def busy(self) -> bool:
        """Whether a request is being read or answered."""
        return self._reading or bool(self._waiting) or self._blocked

    def close(self) -> None:
        """Close after what has been written."""
        self._transport.close()

    def abort(self) -> None:
        """Close at once, whatever has not been taken."""
        self._transport.abort()

    def _refuse(self, answer: Answer) -> None:
        """Answer what is being read, after what is waiting, and read no further request."""
        self.server.refused(answer)
        self._refusal = None
        self._deaf = True
        self._reading = self._in_head = False
        self._drop_body()
        self.now = self.server.loop.time()
        request = Request(self.write_ready, self.now, b"", b"", {}, b"", keep_alive=False)
        self._waiting.append(request)
        request.respond(answer)

    def _end(self) -> None:
        """The last answer is written. Closed at once, a client that still sends would not get to read it."""
        self._deaf = True
        self._size = 0
        self._since = self.server.loop.time()
        if self._half_closed or not self._transport.can_write_eof():
            self._transport.close()
        else:
            self._transport.write_eof()

    def _read_on(self) -> None:
        if not self._blocked and len(self._waiting) <= _PIPELINED:
            self._transport.resume_reading()

    def _drop_body(self) -> None:
        self.server.buffered -= sum(map(len, self._body))
        self._body = []

    def _head_size(self) -> int:
        return len(self._url) + sum(len(name) + len(value) + 4 for name, value in self._headers.items())

    def _head_too_large(self) -> Answer:
        return problem(431, f"the headers are larger than {self.server.limits.head:,} bytes")

    def _too_large(self) -> Answer:
        limit = self.server.limits.body
        return problem(413, f"the body is larger than {limit:,} bytes; send fewer rows at once")


def _busy(detail: str) -> Answer:
    return problem(503, f"{detail}; try again later", headers=RETRY)
