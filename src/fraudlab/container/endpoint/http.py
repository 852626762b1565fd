"""HTTP/1.1 for the endpoint: httptools parses, asyncio (uvloop where it is) carries, limits hold.

A connection hands every complete request to one function and writes the answers in the order of the requests,
however late each is given. There is no task and no coroutine a request: those cost more than its score.
Everything a client can make large or slow has a bound, see :class:`~.limits.Limits`.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from fraudlab.container.endpoint.http_connection import Connection
from fraudlab.container.endpoint.http_messages import Answer, Request, problem
from fraudlab.container.endpoint.limits import Limits
from fraudlab.container.endpoint.logs import log_defect

#: how long a client has to take what was written before the server stops
_CLOSE_SECONDS = 0.2


class Server:
    """A listening socket and its connections.

    Parameters
    ----------
    handle : callable
        Called with every complete request; sees to it that ``request.respond`` is called once.
    limits : Limits, optional
    refused : callable, optional
        Told of what is answered without being handed over.
    """

    def __init__(
        self,
        handle: Callable[[Request], None],
        limits: Limits | None = None,
        refused: Callable[[Answer], None] = lambda _: None,
    ) -> None:
        self.limits = limits or Limits()
        self.refused = refused
        self.loop = asyncio.get_running_loop()
        self.connections: set[Connection] = set()
        self.buffered = 0
        self.stopping = False
        self._handle = handle
        self._listener: asyncio.Server | None = None

    async def start(self, listening: socket.socket) -> None:
        """Accept connections of a bound socket."""
        self._listener = await self.loop.create_server(lambda: Connection(self), sock=listening, backlog=2048)
        self._sweep()

    async def stop(self, seconds: float) -> None:
        """Accept no more connections, finish what is in flight for at most `seconds`, and close."""
        assert self._listener is not None
        self.stopping = True
        self._listener.close()
        give_up = self.loop.time() + seconds
        while any(connection.busy for connection in self.connections) and self.loop.time() < give_up:
            await asyncio.sleep(0.01)
        for connection in list(self.connections):
            connection.close()
        await asyncio.sleep(_CLOSE_SECONDS if self.connections else 0)
        for connection in list(self.connections):
            connection.abort()
        await asyncio.sleep(0)

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
        if not self.stopping or self.connections:
            self.loop.call_later(1.0, self._sweep)
