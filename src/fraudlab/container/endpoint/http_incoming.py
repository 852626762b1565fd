"""What a connection is reading: the phase it is in, and the request that has begun."""

from __future__ import annotations

from enum import Enum


class Phase(Enum):
    """What a connection is reading."""

    IDLE = "nothing: the last request is complete, or none has begun"
    HEAD = "a request's first line and headers"
    BODY = "a request's body"
    DEAF = "nothing any more: whatever still arrives is thrown away"


#: these are asked for with every request, and a look into an enum takes longer than the question
IDLE, HEAD, BODY, DEAF = Phase


class Incoming:
    """A request that is being read.

    Attributes
    ----------
    url : bytes
    headers : dict of bytes
        Under lower-case names.
    body : list of bytes
        The pieces that have arrived.
    size : int
        Bytes of them.
    """

    __slots__ = ("body", "headers", "size", "url")

    def __init__(self) -> None:
        self.url = b""
        self.headers: dict[bytes, bytes] = {}
        self.body: list[bytes] = []
        self.size = 0

    def head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers.items())
