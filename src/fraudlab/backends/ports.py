"""TCP ports of the loopback interface that nobody else uses."""

from __future__ import annotations

import socket
from typing import cast


def free_port() -> int:
    """A TCP port that nobody on the loopback interface listens on."""
    with reserved_port() as probe:
        return cast(int, probe.getsockname()[1])


def reserved_port() -> socket.socket:
    """A socket that has a TCP port of the loopback interface: nobody else gets it until it is closed."""
    reserved = socket.socket()
    reserved.bind(("127.0.0.1", 0))
    return reserved
