"""The connections XGBoost keeps between hosts, watched from outside.

XGBoost's event loop ends at the first error, and may do so just before somebody begins to wait for it, who
then waits for ever, whatever the timeout (3.2.0, on a busy machine: one of twenty or thirty jobs of which a
host was killed). The kernel knows when the other end of a connection is gone; so a thread asks it.
"""

from __future__ import annotations

import os
import select
import socket
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

#: seconds XGBoost has to return, with its own error, from what a lost connection interrupts
_GRACE_SECONDS = 5.0
#: The other end will send no more. macOS has no such event, only that of both ends being closed.
_HANGUP = getattr(select, "POLLRDHUP", select.POLLHUP)


@contextmanager
def new_links(tracker_port: int) -> Iterator[list[socket.socket]]:
    """The connections that are opened within the block, and still are at its end: the list has them then.

    Parameters
    ----------
    tracker_port : int
        Connections to it are left out: they last as long as the hosts need to find each other.

    Yields
    ------
    list of socket.socket
        Duplicates, which the caller closes; XGBoost's own stay as they are.
    """
    known = set(_sockets())
    links: list[socket.socket] = []
    yield links
    for inode, descriptor in _sockets().items():
        if inode in known:
            continue
        try:
            link = socket.socket(fileno=os.dup(descriptor))
        except OSError:  # closed since by the thread it belongs to
            continue
        if _connects(link, tracker_port):
            links.append(link)
        else:
            link.close()


def _sockets() -> dict[int, int]:
    """Inode and descriptor of every socket of this process."""
    found = {}
    for entry in Path("/dev/fd").iterdir():
        try:
            status = os.fstat(int(entry.name))
        except OSError:  # the listing's own
            continue
        if stat.S_ISSOCK(status.st_mode):
            found[status.st_ino] = int(entry.name)
    return found


def _connects(link: socket.socket, tracker_port: int) -> bool:
    if link.family not in {socket.AF_INET, socket.AF_INET6}:
        return False
    try:
        return tracker_port not in {link.getsockname()[1], link.getpeername()[1]}
    except OSError:  # it listens, or has ended
        return False


@contextmanager
def watched(
    links: Sequence[socket.socket], *, apart: threading.Lock, lost: Callable[[], None]
) -> Iterator[None]:
    """Call for help if a link ends within the block, and the block does not end soon after.

    Parameters
    ----------
    links : sequence of socket.socket
        Closed at the end.
    apart : lock
        While it is held, this host waits for no other: it will find out by itself.
    lost : callable
        Called on another thread, once.
    """
    ended = threading.Event()
    end, woken = socket.socketpair()
    thread = threading.Thread(
        target=_watch, args=([*links, woken], ended, apart, lost), name="host-links", daemon=True
    )
    with ExitStack() as opened:
        for link in (*links, woken):
            opened.enter_context(link)
        opened.callback(thread.join)
        opened.enter_context(end)
        opened.callback(ended.set)
        thread.start()
        yield


def _watch(
    links: Sequence[socket.socket], ended: threading.Event, apart: threading.Lock, lost: Callable[[], None]
) -> None:
    poll = select.poll()
    for link in links:
        poll.register(link, _HANGUP)
    poll.poll()
    while not ended.wait(_GRACE_SECONDS):
        if apart.acquire(blocking=False):
            lost()
            return
