"""SHA-256 of the channels' content: which data a model was trained on."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from pathlib import Path

from fraudlab.container.contract import file_sha256
from fraudlab.container.failure import JobError
from fraudlab.container.hosts import Hosts

#: of a channel without a file
NOTHING = hashlib.sha256().hexdigest()


class Digests:
    """Digests of channels, computed beside other work from the start.

    Parameters
    ----------
    files : mapping of str
        Those of each channel, listed when it is its turn.
    """

    def __init__(self, files: Mapping[str, Callable[[], Iterable[Path]]]) -> None:
        self._own: dict[str, Future[str]] = {name: Future() for name in files}
        self._every: dict[str, list[str]] = {}
        # A daemon, so that a job that ends early does not wait for it.
        threading.Thread(target=self._compute, args=(files,), name="digests", daemon=True).start()

    def _compute(self, files: Mapping[str, Callable[[], Iterable[Path]]]) -> None:
        for name, future in self._own.items():
            try:
                future.set_result(channel_sha256(files[name]()))
            except (OSError, JobError) as error:  # whoever asks for the digest says it
                future.set_exception(error)

    def every(self, name: str, hosts: Hosts) -> list[str]:
        """The digest of a channel on each host; all of them ask for it, in the same order of names."""
        if name not in self._every:
            own = self._own[name].result().encode()
            self._every[name] = [digest.decode() for digest in hosts.gather(own)]
        return self._every[name]

    def combined(self, hosts: Hosts) -> dict[str, str]:
        """One digest per channel: of its content, or of the hosts' digests where each has a part of it."""
        combined = {}
        for name in self._own:
            every = self.every(name, hosts)
            same = len(set(every)) == 1
            combined[name] = every[0] if same else hashlib.sha256("".join(every).encode()).hexdigest()
        return combined


def channel_sha256(files: Iterable[Path]) -> str:
    """SHA-256 over the digests of a channel's files, in the order they are read; names do not matter."""
    content = hashlib.sha256()
    for path in files:
        content.update(bytes.fromhex(file_sha256(path)))
    return content.hexdigest()
