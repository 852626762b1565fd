"""The registry's log: read whole, appended to under a lock, and on the disk before it counts."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from fraudlab import locks
from fraudlab.errors import StorageError
from fraudlab.files import storage
from fraudlab.registry.log_entries import Act, LogEntry, read_lines, written

FILE = "log.jsonl"
LOCK = ".lock"


class LogFile:
    """The log of a registry.

    Parameters
    ----------
    folder : Path
        The registry's.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._lock = folder / LOCK

    def read(self) -> list[LogEntry]:
        """Every line that was acknowledged; one that its writer did not finish is no line.

        Raises
        ------
        RegistryError
            Where the file is not what was written.
        StorageError
            Where it cannot be read.
        """
        return read_lines(self._whole_lines()[0])

    def append(
        self, decide: Callable[[list[LogEntry]], Act | None], settle: Callable[[list[LogEntry]], object]
    ) -> list[LogEntry]:
        """Decide on the log as it stands, and append what was decided, while nobody else can.

        Parameters
        ----------
        decide : callable
            Given the lines, makes the act, or None where there is nothing to do; whatever it raises leaves
            the log as it was.
        settle : callable
            Called with all lines, still under the lock, once they are on the disk.

        Returns
        -------
        list of LogEntry
            All lines.

        Raises
        ------
        RegistryError
            Where the file is not what was written.
        StorageError
            Where it cannot be written, or the file system has no locks.
        """
        lock = self._held()
        try:
            entries = self.read()
            act = decide(entries)
            if act is not None:
                time = max(_now(), entries[-1].time if entries else "")  # a clock that was set back
                entry, line = written(act, after=entries[-1] if entries else None, time=time)
                self._write(line)
                entries.append(entry)
            settle(entries)
            return entries
        finally:
            lock.release()

    def _held(self) -> locks.Lock:
        try:
            return locks.hold(self._lock)
        except OSError as error:
            raise StorageError(
                f"{self._lock} cannot be locked: {error.strerror or error}.",
                fix="keep the registry on a file system with locks: --registry FOLDER",
            ) from error

    def _whole_lines(self) -> tuple[list[bytes], int]:
        """The lines, and how many bytes they take."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return [], 0
        except OSError as error:
            raise StorageError(
                f"{self.path} cannot be read: {error.strerror}.", fix="see whose file it is"
            ) from error
        *lines, unfinished = content.split(b"\n")
        return lines, len(content) - len(unfinished)

    def _write(self, line: bytes) -> None:
        whole = self._whole_lines()[1]
        with storage(self.path):
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                os.ftruncate(descriptor, whole)  # what a killed writer did not finish
                os.lseek(descriptor, 0, os.SEEK_END)
                try:
                    left = memoryview(line)
                    while left:
                        left = left[os.write(descriptor, left) :]
                    os.fsync(descriptor)
                except BaseException:
                    with suppress(OSError):  # the end of the file without a line's end is no line
                        os.ftruncate(descriptor, whole)
                    raise
            finally:
                os.close(descriptor)
            if not whole:
                sync_folder(self.path.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
