"""What the connections of one server share: its limits, and what all of them hold together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from fraudlab.container.endpoint.http_messages import Answer
from fraudlab.container.endpoint.limits import Limits


class Shared:
    """Limits and counts of one server.

    Parameters
    ----------
    limits : Limits
    refused : callable
        Told of what is answered without being handed over.

    Attributes
    ----------
    loop : asyncio.AbstractEventLoop
    buffered : int
        Bytes of all bodies that are held.
    unsent : int
        Bytes of all answers that their clients have not taken.
    heads : int
        Memory, in bytes, of the heads of requests that are not complete.
    stopping : bool
        Whether connections end with the answer to what they have asked.
    """

    def __init__(self, limits: Limits, refused: Callable[[Answer], None]) -> None:
        self.limits = limits
        self.refused = refused
        self.loop = asyncio.get_running_loop()
        self.buffered = self.unsent = self.heads = 0
        self.stopping = False
