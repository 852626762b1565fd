"""HTTP/1.1 for the endpoint: httptools parses, asyncio (uvloop where it is) carries, limits hold.

A connection hands every complete request to one function and writes the answers in the order of the requests,
however late each is given. There is no task and no coroutine per request: those cost more than the score.
Everything a client can make large or slow has a bound, see :class:`~.limits.Limits`.
"""

from __future__ import annotations

import asyncio
import logging
import math
import socket
from collections.abc import Callable

from fraudlab.container.endpoint.http_connection import Connection
from fraudlab.container.endpoint.http_messages import Answer, Request, problem
from fraudlab.container.endpoint.http_shared import Shared
from fraudlab.container.endpoint.limits import Limits
from fraudlab.container.endpoint.listener import has_handshakes, refuse_newcomers
from fraudlab.container.endpoint.logs import log, log_defect

#: how long a client has to take what was written before the server stops
_CLOSE_SECONDS = 0.2
#: how long those who are connected and have asked nothing may still ask, when the server stops
_LAST_ORDERS_SECONDS = 1.0
#: how much of that one turn of the loop takes at most: while the process stands still, nobody can be heard
_TURN_SECONDS = 0.05
#: how long those who are about to connect are waited for then
_HANDSHAKE_SECONDS = 0.25
#: connections above the limit whose requests are read on, so that they get to read their refusal
_HEARD_OUT = 64
#: how often connections that could make way are looked for
_LOOK_EVERY_SECONDS = 0.05
#: how often the log says that there are too many connections
_SAID_EVERY_SECONDS = 10.0


class Server(Shared):
    """A listening socket and its connections.

    Parameters
    ----------
    handle : callable
        Called with every complete request; sees to it that ``request.respond`` is called once.
    limits : Limits, optional
    refused : callable, optional
        Told of what is answered without being handed over.
    surplus : callable, optional
        Told every second how many connections there are; says how many should go elsewhere.
    shared : bool
        Whether other processes accept from the same socket, so that it is not this one's to close for all.
    """

    def __init__(
        self,
        handle: Callable[[Request], None],
        limits: Limits | None = None,
        refused: Callable[[Answer], None] = lambda _: None,
        surplus: Callable[[int], int] = lambda _: 0,
        *,
        shared: bool = False,
    ) -> None:
        super().__init__(limits or Limits(), refused)
        self.connections: dict[Connection, None] = {}
        self._handle = handle
        self._surplus = surplus
        self._shared = shared
        self._listener: asyncio.Server | None = None
        #: the listening socket, to empty its queue at the end
        self._queue: socket.socket | None = None
        #: those that have waited for long enough to make way, the longest last; when they were looked for
        self._idle: list[Connection] = []
        self._looked = self._said = -math.inf
        #: connections that made way, and that were refused, since the log said so
        self._made_way = self._turned_away = 0

    async def start(self, listening: socket.socket) -> None:
        """Accept connections of a bound socket."""
        self._queue = listening.dup()
        self._queue.setblocking(False)
        self._listener = await self.loop.create_server(self._connection, sock=listening, backlog=2048)
        self._sweep()

    async def stop(self, seconds: float) -> None:
        """Accept no more connections, finish what is in flight for at most `seconds`, and close.

        Whoever has connected is answered: also who waits in the kernel's queue, and who has connected and is
        about to ask.
        """
        give_up = self.loop.time() + seconds
        await self._stop_accepting()
        self.stopping = True
        await self._last_orders(give_up)
        for connection in list(self.connections):
            connection.end()
        give_up = self.loop.time() + _CLOSE_SECONDS
        while self.connections and self.loop.time() < give_up:
            await asyncio.sleep(0.01)
        for connection in list(self.connections):
            connection.abort()
        await asyncio.sleep(0)

    async def _last_orders(self, give_up: float) -> None:
        """Answer who asks until nobody has for a while: a while of the loop's, not of the clock's."""
        heard, before = 0.0, self.loop.time()
        while self.connections and (now := self.loop.time()) < give_up:
            heard += min(now - before, _TURN_SECONDS)
            before = now
            if heard >= _LAST_ORDERS_SECONDS:
                await asyncio.sleep(0)  # timers come before what has arrived: this turn reads it
                if not any(open_.busy for open_ in self.connections):
                    return
            await asyncio.sleep(0.01)

    async def _stop_accepting(self) -> None:
        assert self._listener is not None
        assert self._queue is not None
        port = self._queue.getsockname()[1]
        if not self._shared:
            refuse_newcomers(self._queue)
        self._listener.close()
        await asyncio.sleep(0)  # it is closed at the end of this turn
        give_up = self.loop.time() + _HANDSHAKE_SECONDS
        is_last = False
        while not is_last:
            is_last = not has_handshakes(port) or self.loop.time() > give_up
            await self._empty_queue(self._queue)
            if not is_last:
                await asyncio.sleep(0.01)
        self._queue.close()

    async def _empty_queue(self, queue: socket.socket) -> None:
        while True:
            try:
                client, _ = queue.accept()
            except ConnectionAbortedError:
                continue
            except OSError:  # mostly because nobody waits for the answer any more
                return
            client.setblocking(False)
            await self.loop.connect_accepted_socket(self._connection, client)

    def _connection(self) -> Connection:
        return Connection(self, handle=self.handle, opened=self._admit, closed=self._dismiss)

    def _dismiss(self, connection: Connection) -> None:
        self.connections.pop(connection, None)

    def _admit(self, connection: Connection) -> None:
        """Count a new connection in; where there are too many, one that asks nothing makes way for it."""
        self.connections[connection] = None
        if len(self.connections) <= self.limits.connections:
            return
        idlest = self._idlest()
        if idlest is None:
            self._turned_away += 1
            # Where descriptors would run out, the rest of a refused request is not read.
            connection.turn_away(at_once=len(self.connections) > self.limits.connections + _HEARD_OUT)
        else:
            self._made_way += 1
            idlest.turn_away()
        self._say_too_many()

    def _idlest(self) -> Connection | None:
        now = self.loop.time()
        if not self._idle and now - self._looked > _LOOK_EVERY_SECONDS:
            self._looked = now
            waiting = [open_ for open_ in self.connections if open_.patience(now) < 0]
            self._idle = sorted(waiting, key=lambda open_: -open_.patience(now))
        while self._idle:
            if (found := self._idle.pop()).patience(now) < 0:
                return found
        return None

    def _say_too_many(self) -> None:
        now = self.loop.time()
        if self._made_way + self._turned_away == 0 or now - self._said < _SAID_EVERY_SECONDS:
            return
        log(
            logging.WARNING,
            "too many connections",
            most=self.limits.connections,
            closed_idle=self._made_way,
            refused=self._turned_away,
        )
        self._said = now
        self._made_way = self._turned_away = 0

    def handle(self, request: Request) -> None:
        """Hand a request over; a defect answers 500 and does not end the connection of others."""
        try:
            self._handle(request)
        except Exception as error:  # noqa: BLE001  (others' requests go on)
            log_defect("internal error", error)
            request.respond(problem(500, "internal error; the log has the traceback"))

    def _sweep(self) -> None:
        now = self.loop.time()
        for connection in list(self.connections):
            connection.check(now)
        self._say_too_many()
        staying = [connection for connection in self.connections if not connection.moving]
        for connection in staying[: self._surplus(len(staying))]:
            connection.moving = True
        if not self.stopping or self.connections:
            self.loop.call_later(1.0, self._sweep)
