"""The id of an image on the local engine, asked over its socket: importing the Docker SDK takes longer."""

from __future__ import annotations

import http.client
import json
import os
import socket
from urllib.parse import quote

_SOCKET = "/var/run/docker.sock"
_SECONDS = 2.0


def image_id(name: str) -> str | None:
    """The content id of an image, ``sha256:…``; None where no engine answers, or has no such image.

    Parameters
    ----------
    name : str
        With its tag.
    """
    host = os.environ.get("DOCKER_HOST", f"unix://{_SOCKET}")
    if not host.startswith("unix://"):
        return None
    connection = _Connection(host.removeprefix("unix://"))
    try:
        connection.request("GET", f"/images/{quote(name)}/json")
        answer = connection.getresponse()
        found = json.loads(answer.read()) if answer.status == 200 else {}
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    known = found.get("Id") if isinstance(found, dict) else None
    return known if isinstance(known, str) else None


class _Connection(http.client.HTTPConnection):
    """HTTP over a socket of this machine."""

    def __init__(self, path: str) -> None:
        super().__init__("docker", timeout=_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_SECONDS)
        self.sock.connect(self._path)
