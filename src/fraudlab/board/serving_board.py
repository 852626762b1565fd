"""The board as a process: a port of this machine, until Ctrl-C."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path
from threading import Event
from types import FrameType

HOST = "127.0.0.1"


def serve_board(*, runs: Path, registry: Path, port: int) -> int:
    """Serve the board on a loopback port.

    Parameters
    ----------
    runs : Path
        Where runs are.
    registry : Path
        Where the registry is.
    port : int
        0 takes one that is free.
    """
    import uvicorn

    from fraudlab.board.board_app import board_app

    ending = Event()

    class BoardServer(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            ending.set()
            super().handle_exit(sig, frame)

    with socket.socket() as listener, suppress(KeyboardInterrupt):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(128)  # from the moment that the address is told, whoever asks is answered
        chosen = listener.getsockname()[1]
        app = board_app(runs, registry, port=chosen, ending=ending)
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=5
        )
        print(f"board: http://{HOST}:{chosen}/ shows {runs}; Ctrl-C stops it", flush=True)
        BoardServer(config).run(sockets=[listener])
    return 0
