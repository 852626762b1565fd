"""What can be made again, and is shared by all runs of a folder: found, published, and removed when unused.

``prepared/KEY/`` and ``synthetic/`` hold tables, ``digests/`` remembers hashes, ``jobs/RUN-NONCE/`` is the
working folder of one run. ``locks/`` has an empty file for each that is in use: its lock dies with the run.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from fraudlab import locks
from fraudlab.files import private_folder, storage

JOBS = "jobs"
#: locked entry by entry; of other folders a run uses all
_BY_ENTRY = ("prepared", JOBS)
_OWN = ("locks", "discarded")


class Freed(NamedTuple):
    """What :func:`clean` did: bytes taken away, and the entries that are in use."""

    bytes: int
    kept: list[Path]


class Cache:
    """The cache of one run, which holds what it uses until it is closed.

    Parameters
    ----------
    folder : Path
        Made where it is missing, for its owner only.

    Raises
    ------
    StorageError
        Where it cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._held: list[locks.Lock] = []
        self._workspaces: list[Path] = []
        private_folder(folder)

    def __enter__(self) -> Cache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def use(self, kind: str, name: str = "") -> Path:
        """Keep an entry, or a whole kind, from being taken away; it need not exist yet."""
        path = self.folder / kind / name
        with storage(path):
            self._held.append(locks.share(_lock_file(self.folder, kind, name)))
            path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def workspace(self, run_id: str) -> Path:
        """Make a working folder that no other run has, whatever its id; it is removed with :meth:`close`."""
        while True:
            path = self.use(JOBS, f"{run_id}-{secrets.token_hex(4)}")
            with storage(path):
                try:
                    path.mkdir(mode=0o700)
                except FileExistsError:
                    continue
            self._workspaces.append(path)
            return path

    def leave(self, workspace: Path) -> None:
        """Leave a working folder to the next run or to :func:`clean`: something is still writing into it."""
        self._workspaces.remove(workspace)

    def discard(self, kind: str, name: str) -> bool:
        """Take an entry away unless somebody uses it; whether it is gone."""
        return _discard(self.folder, kind, name)

    def close(self) -> None:
        """Remove the working folders, and let go of the rest."""
        own = {_lock_file(self.folder, JOBS, path.name) for path in self._workspaces}
        for path in self._workspaces:
            shutil.rmtree(path, ignore_errors=True)
        for lock in self._held:
            lock.release(remove=lock.path in own)
        self._held.clear()


def clean(folder: Path, *, release: Callable[[Path], bool]) -> Freed:
    """Take away everything nobody uses.

    Parameters
    ----------
    folder : Path
        Of a cache.
    release : callable
        Given the working folder of a run whose launcher is gone, ends what still works in it; False where
        that is not possible, and the folder stays.

    Raises
    ------
    StorageError
        Where something cannot be removed.
    """
    if not folder.is_dir():
        return Freed(0, [])
    freed, kept = take_away_dead(folder, release=release)
    with storage(folder):
        for kind in sorted(entry for entry in folder.iterdir() if entry.is_dir() and entry.name not in _OWN):
            if kind.name == JOBS:
                continue
            entries = sorted(kind.iterdir())
            if kind.name in _BY_ENTRY:
                removed = [(entry, _discard(folder, kind.name, entry.name)) for entry in entries]
            else:
                removed = _discard_all(folder, kind.name, entries)
            kept += [entry for entry, gone in removed if not gone]
        freed += _empty(folder / "discarded")
        for file in (folder / "locks").glob("*"):
            if lock := locks.take(file):
                lock.release(remove=True)
    return Freed(freed, kept)


def take_away_dead(folder: Path, *, release: Callable[[Path], bool]) -> Freed:
    """Take away the working folders that killed runs have left; see :func:`clean`."""
    kept = []
    jobs = folder / JOBS
    for path in sorted(jobs.iterdir()) if jobs.is_dir() else []:
        lock_file = _lock_file(folder, JOBS, path.name)
        if locks.is_held(lock_file) or not release(path) or not _discard(folder, JOBS, path.name):
            kept.append(path)
    return Freed(_empty(folder / "discarded"), kept)


def _lock_file(folder: Path, kind: str, name: str) -> Path:
    private_folder(folder / "locks")
    return folder / "locks" / (f"{kind}-{name}" if name else kind)


def _discard(folder: Path, kind: str, name: str) -> bool:
    lock = locks.take(_lock_file(folder, kind, name))
    if lock is None:
        return False
    try:
        _move_out(folder, folder / kind / name)
    finally:
        lock.release(remove=True)
    return True


def _discard_all(folder: Path, kind: str, entries: list[Path]) -> list[tuple[Path, bool]]:
    lock = locks.take(_lock_file(folder, kind, ""))
    if lock is None:
        return [(entry, False) for entry in entries]
    try:
        for entry in entries:
            _move_out(folder, entry)
    finally:
        lock.release(remove=True)
    return [(entry, True) for entry in entries]


def _move_out(folder: Path, entry: Path) -> None:
    """Rename first: an entry is whole or not there, whoever is killed while it is removed."""
    private_folder(folder / "discarded")
    target = folder / "discarded" / secrets.token_hex(8)
    try:
        entry.rename(target)
    except FileNotFoundError:  # somebody else has taken it away
        return


def _empty(folder: Path) -> int:
    """Remove what a folder holds; bytes freed. Several may do so at once."""
    freed = 0
    for entry in folder.iterdir() if folder.is_dir() else []:
        freed += _size(entry)
        while entry.is_symlink() or entry.exists():
            try:
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
            except FileNotFoundError:  # somebody else was faster with a part of it
                continue
    return freed


def _size(path: Path) -> int:
    """Bytes of a file or of all files below a folder, without following links."""
    found = [path] if path.is_file() else [Path(at, name) for at, _, names in os.walk(path) for name in names]
    total = 0
    for file in found:
        try:
            facts = file.lstat()
        except FileNotFoundError:
            continue
        total += facts.st_size if stat.S_ISREG(facts.st_mode) else 0
    return total
