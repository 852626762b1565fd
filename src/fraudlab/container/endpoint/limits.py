"""What a client may ask of a server: a bound on everything it can make large or slow."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may ask of a server.

    Attributes
    ----------
    body : int
        Bytes of one request's body.
    head : int
        Bytes of its request line and headers.
    heads : int
        Memory, in bytes, of the heads of requests that are not complete; short ones are taken also beyond it.
    buffered : int
        Bytes of all bodies held at once.
    unsent : int
        Bytes of all answers that their clients have not taken.
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
    heads: int = 64 << 20
    buffered: int = 256 << 20
    unsent: int = 1 << 40
    connections: int = 10_000
    head_seconds: float = 10.0
    seconds: float = 60.0
    idle_seconds: float = 120.0
