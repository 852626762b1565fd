"""A relay to the Docker engine's socket, so that a test can take the engine away without stopping it."""

import contextlib
import os
import socket
import sys
import threading

ENGINE = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")


def copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(65_536):
            target.sendall(chunk)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def main() -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
    listener.listen()
    while True:
        caller, _ = listener.accept()
        engine = socket.socket(socket.AF_UNIX)
        engine.connect(ENGINE)
        for pair in ((caller, engine), (engine, caller)):
            threading.Thread(target=copy, args=pair, daemon=True).start()


main()
