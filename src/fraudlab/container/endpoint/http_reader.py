"""Bytes of one connection to requests: httptools parses, every head and body is checked against the limits.

An offer of another protocol (``Upgrade: h2c``, as the JDK's HttpClient makes it with every request) is one
that a server may ignore (RFC 9110, 7.8), and this one does. httptools takes every offer for accepted and
reads no further: a second parser is then told how the request goes on, and reads on from there.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Any

import httptools

from fraudlab.container.endpoint.http_incoming import BODY, DEAF, HEAD, IDLE, Incoming
from fraudlab.container.endpoint.http_messages import Answer, busy, problem
from fraudlab.container.endpoint.http_shared import Shared

#: what a target begins with that is a whole address, as to a proxy (RFC 9112, 3.2.2)
_ADDRESS = re.compile(rb"\Ahttps?://[^/?]*/?", re.IGNORECASE)
#: headers that say in several lines what they could say in one
_LISTS = {b"accept", b"connection", b"content-encoding", b"transfer-encoding"}
#: headers of which two that differ say nothing (RFC 9110, 5.3)
_SINGLE = {b"content-type", b"x-amzn-sagemaker-custom-attributes"}
#: what a header takes in memory beside its bytes; heads that take no more than this are never too many
_HEADER_BYTES, _SMALL_HEAD = 200, 4 << 10
#: several times what clients and the proxies before them send
_MAX_HEADERS = 500


class RequestReader(ABC):
    """The reading half of a connection.

    Parameters
    ----------
    server : Shared
        Whose limits hold.
    """

    def __init__(self, server: Shared) -> None:
        self.server = server
        self.now = server.loop.time()
        #: when what is being waited for began
        self._since = self.now
        self._parser: Any = httptools.HttpRequestParser(self)
        self._phase = IDLE
        self._incoming = Incoming()
        #: bytes of the piece being parsed; of whole pieces since the one in which the head began, or the body
        #: last had content
        self._piece = self._without_content = 0
        #: what the head of the request that is being read takes of the server's memory
        self._held = 0
        #: the answer to what cannot be read on
        self._refusal: Answer | None = None

    @abstractmethod
    def take(
        self, method: bytes, url: bytes, headers: dict[bytes, bytes], body: bytes, *, keep_alive: bool
    ) -> None:
        """Called with every complete request."""

    @abstractmethod
    def go_ahead(self) -> None:
        """Called when a client asks whether it shall send its body."""

    def _read(self, data: bytes) -> None:
        """Parse what has arrived; what is wrong with it is in ``_refusal`` afterwards."""
        self._piece = len(data)
        self._without_content += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._ignore_offers(data, offer.args[0])
        except httptools.HttpParserError as error:
            self._refuse_bytes(error)
        phase = self._phase
        if phase is IDLE:
            if self._held:
                self._count_head()
        elif phase is not DEAF:
            if self._without_content > self.server.limits.head:
                self._refusal = self._refusal or self._head_too_large()
            self._count_head()

    # What httptools calls

    def on_message_begin(self) -> None:
        if self._phase is DEAF:
            return
        incoming = self._incoming  # none has a body before it has a head
        incoming.url, incoming.headers, incoming.size = b"", {}, 0
        self._without_content = 0
        self._phase = HEAD
        self._since = self.now

    def on_url(self, url: bytes) -> None:
        self._incoming.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        headers = self._incoming.headers
        if name in headers or self._phase is not HEAD:
            self._on_rare_header(name, value)
        else:
            headers[name] = value

    def on_headers_complete(self) -> None:
        if self._phase is not HEAD:
            return
        headers, limits = self._incoming.headers, self.server.limits
        # a head that came in one small piece is not too large
        is_whole = not self._without_content and self._piece <= limits.head
        if not is_whole and self._incoming.head_size() > limits.head:
            self._refusal = self._refusal or self._head_too_large()
        elif len(headers) > _MAX_HEADERS:
            self._refusal = self._refusal or self._too_many_headers()
        elif b"host" not in headers and self._parser.get_http_version() != "1.0":
            self._refusal = self._refusal or problem(400, "the request has no Host header")
        elif b"content-length" in headers and int(headers[b"content-length"]) > limits.body:
            self._refusal = self._refusal or self._too_large()
        elif b"expect" in headers and self._refusal is None and self._expects_to_go_ahead():
            self.go_ahead()
        self._phase = BODY
        self._without_content = 0

    def on_body(self, data: bytes) -> None:
        if self._refusal is not None or self._phase is DEAF:
            return
        incoming = self._incoming
        incoming.body.append(data)
        incoming.size += len(data)
        self._without_content = 0
        self.server.buffered += len(data)
        if incoming.size > self.server.limits.body:
            self._refusal = self._too_large()
        elif self.server.buffered > self.server.limits.buffered:
            self._refusal = busy("too many large bodies at once")

    def on_message_complete(self) -> None:
        parser = self._parser
        keep_alive = parser.should_keep_alive()
        method = parser.get_method()
        if parser.should_upgrade():
            if method != b"CONNECT":
                return  # its body is still to come
            keep_alive = False
        if self._refusal is not None or self._phase is DEAF:
            return
        incoming = self._incoming
        pieces = incoming.body
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        incoming.body = []
        self._phase = IDLE
        if not incoming.url.startswith(b"/"):
            incoming.url = _ADDRESS.sub(b"/", incoming.url, count=1)
        self.take(method, incoming.url, incoming.headers, body, keep_alive=keep_alive)

    # What is rare

    def _on_rare_header(self, name: bytes, value: bytes) -> None:
        if self._phase is not HEAD:
            return  # behind a body in chunks: nobody waited for it
        headers = self._incoming.headers
        if name == b"host":
            self._refusal = self._refusal or problem(400, "the request has more than one Host header")
        if name in _SINGLE and value != headers[name]:
            self._refusal = self._refusal or problem(
                400, f"the request has two {name.decode()} headers, and they differ"
            )
        if name in _LISTS:
            value = b"%b, %b" % (headers[name], value)
        headers[name] = value

    def _expects_to_go_ahead(self) -> bool:
        # HTTP/1.0 knows no such thing, and nothing else can be expected (RFC 9110, 10.1.1).
        wish = self._incoming.headers[b"expect"].lower()
        return wish == b"100-continue" and self._parser.get_http_version() != "1.0"

    def _ignore_offers(self, data: bytes, end: int) -> None:
        """Read on behind a head that offers another protocol, and behind those that follow it."""
        rest = memoryview(data)[end:]
        while True:
            method = self._parser.get_method()
            if method == b"CONNECT":
                self._hear_no_more()  # the request has been taken; what follows is no HTTP
                return
            version = self._parser.get_http_version()
            told = _Told(self)
            self._parser = httptools.HttpRequestParser(told)
            try:
                self._parser.feed_data(_retold(method, version, self._incoming.headers))
                told.head_is_over = True
                self._parser.feed_data(rest)
            except httptools.HttpParserUpgrade as offer:
                rest = rest[offer.args[0] :]
            except httptools.HttpParserError as error:
                self._refuse_bytes(error)
                return
            else:
                return

    def _refuse_bytes(self, error: Exception) -> None:
        self._refusal = self._refusal or problem(400, f"not an HTTP request: {error}")

    @property
    def _is_reading(self) -> bool:
        """Whether a request has begun and is not complete."""
        return self._phase is HEAD or self._phase is BODY

    def _hear_no_more(self) -> None:
        """Forget what has been read of a request that will not be complete, and read no other."""
        self._phase = DEAF
        self.server.buffered -= sum(map(len, self._incoming.body))
        self._incoming.body = []
        self._count_head()

    def _count_head(self) -> None:
        """Count a head that waits for its end, or its body; where they are too many, refuse a long one."""
        held = 0
        if self._is_reading:
            arrived = min(self._without_content + self._piece, self.server.limits.head)
            held = arrived if self._phase is HEAD else self._incoming.head_size()
            held += _HEADER_BYTES * len(self._incoming.headers)
        server = self.server
        server.heads += held - self._held
        self._held = held
        if held <= _SMALL_HEAD or self._refusal is not None:
            return
        if len(self._incoming.headers) > _MAX_HEADERS:
            self._refusal = self._too_many_headers()
        elif server.heads > server.limits.heads:
            self._refusal = busy("too many long heads of requests at once")

    def _head_too_large(self) -> Answer:
        what = "the headers are" if self._phase is HEAD else "what frames the body is"
        return problem(431, f"{what} larger than {self.server.limits.head:,} bytes")

    def _too_many_headers(self) -> Answer:
        return problem(431, f"the request has more than {_MAX_HEADERS} headers")

    def _too_large(self) -> Answer:
        limit = self.server.limits.body
        return problem(413, f"the body is larger than {limit:,} bytes; send fewer rows at once")


class _Told:
    """Hears the parser that has been told of a head for the second time: of that head nothing."""

    def __init__(self, reader: RequestReader) -> None:
        self._reader = reader
        self.head_is_over = False
        self.on_body = reader.on_body
        self.on_message_complete = reader.on_message_complete

    def on_message_begin(self) -> None:
        if self.head_is_over:
            self._reader.on_message_begin()

    def on_url(self, url: bytes) -> None:
        if self.head_is_over:
            self._reader.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.head_is_over:
            self._reader.on_header(name, value)

    def on_headers_complete(self) -> None:
        if self.head_is_over:
            self._reader.on_headers_complete()


def _retold(method: bytes, version: str, headers: dict[bytes, bytes]) -> bytes:
    """A head that is followed by the same body, and by the same end of the connection, without the offer."""
    lines = [b"%b / HTTP/%b" % (method, version.encode())]
    lines += [
        b"%b: %b" % (name, b" ".join(headers[name].split()))
        for name in (b"content-length", b"transfer-encoding")
        if name in headers
    ]
    wishes = [wish.strip() for wish in headers[b"connection"].split(b",")]
    lines += [b"connection: %b" % wish for wish in wishes if wish.lower() in {b"close", b"keep-alive"}]
    return b"\r\n".join([*lines, b"", b""])
