"""A small process that lives on after a killed launcher until it has removed its containers.

Run as a file, so that waiting imports nothing: ``python -P watchdog.py OWNER`` reads its input to the end.
The kernel closes that pipe when the launcher ends, however it ends; a launcher that has removed its
containers itself says so first.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress

#: Compose may be about to make a container when the launcher is killed, and an engine may be starting again
_ATTEMPTS = 30
_PAUSE_SECONDS = 1.0
_WITHHELD = ("COMET_", "AWS_")


class Watchdog:
    """Watches over the containers of this process until it is dismissed.

    Parameters
    ----------
    owner : str
        What the containers are labelled with.
    """

    def __init__(self, owner: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__, owner],
            env={name: value for name, value in os.environ.items() if not name.startswith(_WITHHELD)},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a terminal that closes, or Ctrl-C, is the launcher's business
        )

    def dismiss(self) -> None:
        """Say that nothing is left."""
        with suppress(BrokenPipeError):
            self._process.communicate(b"nothing is left")

    def leave(self) -> None:
        """Leave it to try on its own: the engine does not answer now."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.returncode = 0  # nobody waits for it


def main(owner: str) -> None:
    """Wait until the launcher has ended; remove what it has not removed."""
    if sys.stdin.buffer.read():
        return
    from fraudlab.backends.docker_engine import remove_containers
    from fraudlab.errors import DockerUnavailable

    for _ in range(_ATTEMPTS):
        with suppress(DockerUnavailable):
            remove_containers(owner)
        time.sleep(_PAUSE_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1])
