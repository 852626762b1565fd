"""Locks on files, which the kernel releases when their owner ends, whatever ends it.

They hold between processes of one machine, and on network file systems that pass ``flock`` on. Where a file
system has no locks nothing can be told: :func:`take` and :func:`is_held` then say that somebody holds it, so
that nothing in use is ever taken away.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

if sys.platform == "win32":
    _ALONE, _TOGETHER, _AT_ONCE = 2, 1, 4

    def _flock(_descriptor: int, _how: int) -> None:
        raise OSError("there is no flock on Windows")

else:
    from fcntl import LOCK_EX as _ALONE
    from fcntl import LOCK_NB as _AT_ONCE
    from fcntl import LOCK_SH as _TOGETHER
    from fcntl import flock as _flock


class Lock:
    """A lock this process holds until :meth:`release`, or until it ends; no child inherits it."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor

    def release(self, *, remove: bool = False) -> None:
        """Release the lock; with `remove` the file is deleted first, so that nobody locks a file that is
        about to go.
        """
        if self.descriptor < 0:
            return
        if remove:
            self.path.unlink(missing_ok=True)
        os.close(self.descriptor)
        self.descriptor = -1


def own(path: Path) -> Lock:
    """Hold a new file alone.

    Raises
    ------
    OSError
        Where it exists, or cannot be made.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    _lock(descriptor, _ALONE)
    return Lock(path, descriptor)


def share(path: Path) -> Lock:
    """Hold a file together with others, as soon as nobody holds it alone; it is made where it is missing."""
    while True:
        lock = Lock(path, os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        _lock(lock.descriptor, _TOGETHER)
        if _is_still_there(lock):
            return lock
        lock.release()


def hold(path: Path) -> Lock:
    """Hold a file alone, as soon as nobody else does; it is made where it is missing.

    Raises
    ------
    OSError
        Where it cannot be made, or the file system has no locks.
    """
    while True:
        lock = Lock(path, os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        try:
            _flock(lock.descriptor, _ALONE)
        except BaseException:
            lock.release()
            raise
        if _is_still_there(lock):
            return lock
        lock.release()


def take(path: Path) -> Lock | None:
    """Hold a file alone, now; None where somebody else holds it, or where there are no locks."""
    while True:
        lock = Lock(path, os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        try:
            _flock(lock.descriptor, _ALONE | _AT_ONCE)
        except OSError:
            lock.release()
            return None
        if _is_still_there(lock):
            return lock
        lock.release()


def is_held(path: Path) -> bool:
    """Whether somebody holds a file; False where it does not exist."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        _flock(descriptor, _TOGETHER | _AT_ONCE)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def _lock(descriptor: int, how: int) -> None:
    try:
        _flock(descriptor, how)
    except OSError:  # a file system without locks: whoever asks is told that it is held
        return


def _is_still_there(lock: Lock) -> bool:
    """Whether the file is the one under its name: who removes things removes their locks too."""
    try:
        there = lock.path.stat()
    except FileNotFoundError:
        return False
    mine = os.fstat(lock.descriptor)
    return (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)
