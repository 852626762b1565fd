"""SHA-256 of the channels' content: which data a model was trained on."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from pathlib import Path

from fraudlab.container.contract import Tree, file_sha256
from fraudlab.container.hosts import Hosts


class Digests:
    """Digests of channels, computed beside other work from the start.

    Parameters
    ----------
    tree : Tree
    names : iterable of str
        Channels.
    """

    def __init__(self, tree: Tree, names: Iterable[str]) -> None:
        self._own: dict[str, Future[str]] = {name: Future() for name in names}
        self._every: dict[str, list[str]] = {}
        # A daemon, so that a job that ends early does not wait for it.
        threading.Thread(target=self._compute, args=(tree,), name="digests", daemon=True).start()

    def _compute(self, tree: Tree) -> None:
        for name, future in self._own.items():
            try:
                future.set_result(channel_sha256(tree.channel(name)))
            except OSError as error:
                future.set_exception(error)

    def every(self, name: str, hosts: Hosts) -> list[str]:
        """The digest of a channel on each host; all of them ask for it, in the same order of names."""
        if name not in self._every:
            own = self._own[name].result().encode()
            self._every[name] = [digest.decode() for digest in hosts.gather(own)]
        return self._every[name]

    def combined(self, hosts: Hosts) -> dict[str, str]:
        """One digest a channel: that of its content, or of the hosts' digests where each has a part of it."""
        combined = {}
        for name in self._own:
            every = self.every(name, hosts)
            same = len(set(every)) == 1
            combined[name] = every[0] if same else hashlib.sha256("".join(every).encode()).hexdigest()
        return combined


def channel_sha256(folder: Path) -> str:
    """SHA-256 over the digests of a channel's files, in sorted order; their names do not matter."""
    content = hashlib.sha256()
    for path in _files(folder):
        content.update(bytes.fromhex(file_sha256(path)))
    return content.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
        if not hidden and path.is_file():
            yield path
