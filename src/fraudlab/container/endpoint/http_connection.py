"""One client's connection: how long it may take, and answers in the order of the requests."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from typing import Any

from fraudlab.container.endpoint.http_incoming import BODY, DEAF, HEAD, IDLE
from fraudlab.container.endpoint.http_messages import GONE, Answer, Piece, Request, busy, problem
from fraudlab.container.endpoint.http_reader import RequestReader
from fraudlab.container.endpoint.http_shared import Shared

#: how long and how much of a refused request is read on, so that its sender gets to read the answer
_LINGER_SECONDS, _LINGER_BYTES = 2.0, 64 << 20
#: answers a connection may wait for before no more of it is read
_PIPELINED = 32
#: how long a connection may ask nothing, or send a body, before it makes way where there are too many
_PATIENCE_SECONDS, _PATIENCE_SECONDS_IN_BODY = 1.0, 5.0


class Connection(RequestReader, asyncio.Protocol):
    """One client.

    Parameters
    ----------
    server : Shared
    handle : callable
        Called with every complete request.
    opened, closed : callable
        Called when the client has connected, and when it is gone.
    """

    def __init__(
        self,
        server: Shared,
        *,
        handle: Callable[[Request], None],
        opened: Callable[[Connection], None],
        closed: Callable[[Connection], None],
    ) -> None:
        super().__init__(server)
        self._handle = handle
        self._opened = opened
        self._closed = closed
        self._transport: Any = None
        self._waiting: deque[Request] = deque()
        #: the writing buffer is full; the client has said its last word
        self._blocked = self._half_closed = False
        #: the next answer ends it, so that its client connects again, perhaps to another process
        self.moving = False
        #: bytes of answers that wait for their turn, or for the client to take them
        self._unsent = 0
        #: bytes that have arrived since nothing more is read
        self._ignored = 0

    # What asyncio calls

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._opened(self)

    def data_received(self, data: bytes) -> None:
        if self._phase is DEAF:
            self._ignored += len(data)
            if self._ignored > _LINGER_BYTES:
                self._transport.abort()
            return
        self.now = self.server.loop.time()
        self._read(data)
        if self._refusal is not None and self._phase is not DEAF:
            self._refuse(self._refusal)

    def eof_received(self) -> bool:
        # A client that has said all it wants to say still wants its answers.
        self._half_closed = True
        return bool(self._waiting)

    def pause_writing(self) -> None:
        self._blocked = True
        self._count_unsent()
        self._since = self.server.loop.time()
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._blocked = False
        self._count_unsent()
        self._since = self.server.loop.time()
        self._read_on()

    def connection_lost(self, _error: Exception | None) -> None:
        self._hear_no_more()
        self._drop_waiting()
        self._blocked = False
        self._count_unsent()
        self._closed(self)

    # What is read

    def take(
        self, method: bytes, url: bytes, headers: dict[bytes, bytes], body: bytes, *, keep_alive: bool
    ) -> None:
        request = Request(self.write_ready, self.now, method, url, headers, body, keep_alive=keep_alive)
        self._waiting.append(request)
        if len(self._waiting) > _PIPELINED:
            self._transport.pause_reading()
        self._handle(request)

    def go_ahead(self) -> None:
        if not self._waiting:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    # Answers

    def write_ready(self) -> None:
        """Write every answer whose turn it is."""
        waiting, last = self._waiting, False
        was_full = len(waiting) > _PIPELINED
        ready: list[Piece] = []
        more = False
        while waiting and (answer := waiting[0].answer) is not None and not last:
            request = waiting.popleft()
            self.server.buffered -= len(request.body)
            # Requests that arrived in one piece are answered together, whichever side wants to end.
            last = request.is_last or (
                not waiting and (self.server.stopping or self.moving or self._phase is DEAF)
            )
            ready.append(request.rendered(last=last))
            if answer.more and request.method != b"HEAD":
                ready += answer.more
                more = True
        if not ready:
            self._count_unsent()
            return
        if more:
            self._transport.writelines(ready)
        else:
            self._transport.write(ready[0] if len(ready) == 1 else b"".join(ready))
        if self._unsent:
            self._count_unsent()
        if last:
            self._end()
        elif self._half_closed and not waiting:
            self._transport.close()
        elif was_full:
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
                self._hear_no_more()
                request.respond(busy(f"there was no answer within {limits.seconds:g} s"))
        elif self._phase is DEAF:
            if waited > _LINGER_SECONDS:
                self._transport.abort()
        elif self._phase is IDLE:
            if waited > limits.idle_seconds:
                self._transport.close()
        elif waited > (limits.head_seconds if self._phase is HEAD else limits.seconds):
            self._refuse(problem(408, "the request took too long to arrive"))

    @property
    def busy(self) -> bool:
        """Whether a request is being read or answered."""
        return self._is_reading or bool(self._waiting) or self._transport.get_write_buffer_size() > 0

    def patience(self, now: float) -> float:
        """Seconds until this connection would have to make way for a new one; below 0 where it would now."""
        if self._waiting or self._blocked or self._transport.is_closing():
            return math.inf
        patience = _PATIENCE_SECONDS_IN_BODY if self._phase is BODY else _PATIENCE_SECONDS
        return self._since + patience - now

    def turn_away(self, *, at_once: bool = True) -> None:
        """Make way, with a refusal where something was asked or nothing yet."""
        if self._is_reading or (self._phase is IDLE and not self._incoming.url):
            self._refuse(busy("too many connections"), heard=False)
        if at_once:
            self._transport.close()

    def end(self) -> None:
        """Say the last word, and hear who still speaks."""
        if self._phase is not DEAF and not self._transport.is_closing():
            self._end()

    def abort(self) -> None:
        """Close at once, whatever has not been taken."""
        self._transport.abort()

    def _refuse(self, answer: Answer, *, heard: bool = True) -> None:
        """Answer what is being read, after what is waiting, and read no further request."""
        if heard:
            self.server.refused(answer)
        self._refusal = None
        self._hear_no_more()
        self.now = self.server.loop.time()
        request = Request(self.write_ready, self.now, b"", b"", {}, b"", keep_alive=False)
        self._waiting.append(request)
        request.respond(answer)

    def _end(self) -> None:
        """The last answer is written. Closed at once, a client that still sends would not get to read it."""
        self._hear_no_more()
        self._drop_waiting()
        self._ignored = 0
        self._since = self.server.loop.time()
        if self._half_closed or not self._transport.can_write_eof():
            self._transport.close()
        else:
            self._transport.write_eof()

    def _drop_waiting(self) -> None:
        """Forget requests that get no answer."""
        for request in self._waiting:
            self.server.buffered -= len(request.body)
            request.answer = request.answer or GONE
        self._waiting.clear()

    def _count_unsent(self) -> None:
        unsent = sum(request.answer.length for request in self._waiting if request.answer is not None)
        unsent += self._transport.get_write_buffer_size() if self._blocked else 0
        self.server.unsent += unsent - self._unsent
        self._unsent = unsent

    def _read_on(self) -> None:
        if not self._blocked and len(self._waiting) <= _PIPELINED:
            self._transport.resume_reading()
