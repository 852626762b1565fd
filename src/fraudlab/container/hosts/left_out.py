"""How a host that takes no part in a training waits for the end of it.

Local mode stops all containers when the first exits, so it may not simply leave.
"""

from __future__ import annotations

import socket
from contextlib import suppress

#: seconds for the others to be reached at the beginning, and at the end
_SECONDS = 60
_DONE = b"done"


def open_door(address: str, hosts: int) -> socket.socket:
    """Where hosts that are left out wait: they are let in at the end."""
    return socket.create_server((address, 0), backlog=hosts)


def let_go(door: socket.socket, waiting: int) -> None:
    """Tell those who wait that all is done. Nothing is lost should one of them be gone."""
    door.settimeout(_SECONDS)
    for _ in range(waiting):
        with suppress(OSError):
            visitor, _ = door.accept()
            with visitor:
                visitor.sendall(_DONE)


def knock(address: str, port: int) -> socket.socket:
    """Begin to wait.

    Raises
    ------
    OSError
        If nobody is there.
    """
    waiting = socket.create_connection((address, port), timeout=_SECONDS)
    waiting.settimeout(None)
    waiting.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return waiting


def wait(waiting: socket.socket) -> bool:
    """Wait for the others, and whether they came to the end; if not, they failed or were stopped."""
    try:
        return waiting.recv(len(_DONE), socket.MSG_WAITALL) == _DONE
    except OSError:
        return False
