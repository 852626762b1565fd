"""Our own HTTP stack with nothing behind it: answers the length of the body. The ceiling of the endpoint.

python -m benchmarks.servers.echo PORT
"""

from __future__ import annotations

import asyncio
import gc
import socket
import sys

import uvloop

from fraudlab.container.endpoint.http import Server
from fraudlab.container.endpoint.http_messages import Answer, Request


async def serve(port: int) -> None:
    listening = socket.create_server(("127.0.0.1", port), backlog=2048)
    listening.setblocking(False)
    gc.freeze()  # as serve does
    await Server(echo).start(listening)
    await asyncio.Event().wait()


def echo(request: Request) -> None:
    request.respond(Answer(200, b"%d\n" % len(request.body), "text/csv"))


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1])))
