"""A server of the endpoint's kind on a thread, and a client that reads raw answers."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvloop

from fraudlab.container.endpoint.http import Server


class Running:
    """A server on a thread of its own."""

    def __init__(self, make: Callable[[], Server]) -> None:
        self.loop = uvloop.new_event_loop()
        listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
        self.port = listening.getsockname()[1]
        self.server = self.loop.run_until_complete(self._start(make, listening))
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    @staticmethod
    async def _start(make: Callable[[], Server], listening: socket.socket) -> Server:
        server = make()
        await server.start(listening)
        return server

    def stop(self, seconds: float = 1.0) -> None:
        asyncio.run_coroutine_threadsafe(self.server.stop(seconds), self.loop).result(30)

    def close(self) -> None:
        if not self.server.stopping:
            self.stop(0.0)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.run_until_complete(asyncio.sleep(0.05))
        self.loop.close()

    @contextmanager
    def connect(self) -> Iterator[socket.socket]:
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as client:
            yield client


def receive(client: socket.socket) -> bytes:
    """Everything until the server closes."""
    received = b""
    while piece := client.recv(1 << 16):
        received += piece
    return received


def one_answer(client: socket.socket, *, head: bool = False) -> tuple[int, dict[str, str], bytes]:
    """The next answer of a connection that may stay open."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = client.recv(1)
        assert piece, received
        received += piece
    line, *lines = received.decode().removesuffix("\r\n\r\n").split("\r\n")
    headers = dict(header.split(": ", 1) for header in lines)
    body = b""
    while not head and len(body) < int(headers.get("content-length", 0)):
        body += client.recv(int(headers["content-length"]) - len(body))
    return int(line.split()[1]), headers, body


def until(condition: Callable[[], Any], seconds: float = 5.0) -> None:
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.005)
