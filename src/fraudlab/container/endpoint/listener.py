"""The listening socket: opened, and closed so that every client that has connected gets an answer."""

from __future__ import annotations

import ctypes
import os
import resource
import socket
import struct
from contextlib import suppress
from pathlib import Path

from fraudlab.container.failure import ConfigError

#: a connection is a descriptor, and so is whatever else the process has open
_OTHER_DESCRIPTORS = 128
#: connections that may wait to be accepted; the system may allow fewer
_BACKLOG = 2048
#: linux/filter.h: a segment with SYN and without ACK is dropped, every other one passes
_NO_NEWCOMERS = (
    (0x30, 0, 0, 13),  # the byte of TCP's flags
    (0x54, 0, 0, 0x12),  # SYN and ACK of it
    (0x15, 0, 1, 0x02),  # SYN alone?
    (0x06, 0, 0, 0),
    (0x06, 0, 0, 0xFFFFFFFF),
)
_SO_ATTACH_FILTER = 26
_SYN_RECEIVED = "03"


def listen(host: str, port: int, *, inherited: int = 0) -> socket.socket:
    """Open the socket.

    Parameters
    ----------
    host : str
    port : int
    inherited : int, optional
        The descriptor of a socket that whoever started this process has bound for it; 0 is none.

    Raises
    ------
    ConfigError
        If the address cannot be had, or the descriptor is no such socket.
    """
    if inherited:
        return _inherited(inherited)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}",
            fix="stop what listens there, or set SAGEMAKER_BIND_TO_PORT to a free port",
        ) from error


def _inherited(descriptor: int) -> socket.socket:
    try:
        found = socket.socket(fileno=descriptor)
        found.set_inheritable(False)
        found.listen(_BACKLOG)
    except OSError as error:
        raise ConfigError(
            f"FRAUDLAB_LISTENER is {descriptor}, which is no socket to listen on: {error.strerror}",
            fix="leave it out; the launcher sets it for an endpoint of its own",
        ) from error
    return found


def refuse_newcomers(listening: socket.socket) -> None:
    """Let nobody begin to connect any more; who has begun, in whatever process, still arrives.

    A socket that is closed resets those who connect at that moment: they have been told by the kernel that
    they are connected. So the kernel ignores newcomers first, for the moment until the socket is closed; they
    knock again after a second, and are refused then. Where it cannot be told so (another system than Linux),
    that moment stays.
    """
    program = b"".join(struct.pack("HBBI", *step) for step in _NO_NEWCOMERS)
    buffer = ctypes.create_string_buffer(program, len(program))
    told = struct.pack("HP", len(_NO_NEWCOMERS), ctypes.addressof(buffer))
    with suppress(OSError):
        listening.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, told)


def has_handshakes(port: int) -> bool:
    """Whether somebody has begun to connect to a port of this machine, and is not yet in the queue."""
    local = f":{port:04X}"
    for table in ("tcp", "tcp6"):
        try:
            lines = Path("/proc/net", table).read_text(encoding="ascii").splitlines()
        except OSError:
            continue  # not Linux, or without IPv6
        for line in lines[1:]:
            fields = line.split()
            if fields[1].endswith(local) and fields[3] == _SYN_RECEIVED:
                return True
    return False


def room_for_connections(wanted: int) -> int:
    """Raise the limit of open files as far as it takes and the system allows; how many may be connections."""
    need = wanted + _OTHER_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= need:
        return wanted
    most = need if hard == resource.RLIM_INFINITY else min(need, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    except (OSError, ValueError):
        most = soft
    return max(most - _OTHER_DESCRIPTORS, most // 2)
