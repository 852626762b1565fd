"""All runs of a folder, read once and after that only where a record has changed."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from fraudlab.errors import RunError
from fraudlab.runs import Run
from fraudlab.runs.find import without_collection
from fraudlab.runs.record import RECORD
from fraudlab.runs.run_parameters import ParameterReader

#: how old what was read may be, seconds
_FRESH = 0.5
_ENDED = ("completed", "failed", "interrupted", "pruned")

_Stamp = tuple[int, int, int]


class RunCatalog:
    """The runs of a folder, oldest first; safe to be asked by several threads.

    Parameters
    ----------
    folder : Path
        Where runs are; it need not be there yet.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.parameters = ParameterReader()
        self._lock = threading.Lock()
        self._known: dict[str, tuple[_Stamp, Run]] = {}
        self._runs: list[Run] = []
        self._left_out: list[str] = []
        self._read_at = float("-inf")
        self._state: frozenset[tuple[str, _Stamp, str]] = frozenset()
        self._version = 0

    def runs(self) -> list[Run]:
        """Every run that can be read."""
        with self._lock:
            self._refresh()
            return self._runs

    def left_out(self) -> list[str]:
        """Why runs are left out, a sentence each."""
        with self._lock:
            self._refresh()
            return list(self._left_out)

    def version(self) -> int:
        """A number that grows whenever a run is made, changes or goes away."""
        with self._lock:
            self._refresh()
            return self._version

    def find(self, run_id: str) -> Run | None:
        """A run by its id; None where there is none."""
        return next((run for run in self.runs() if run.id == run_id), None)

    def _refresh(self) -> None:
        if time.monotonic() - self._read_at < _FRESH:
            return
        known: dict[str, tuple[_Stamp, Run]] = {}
        left_out = []
        with without_collection():
            for name in self._names():
                folder = f"{self.folder}/{name}"
                try:
                    facts = os.stat(f"{folder}/{RECORD}", follow_symlinks=False)  # noqa: PTH116
                except OSError:  # no run, or none any more
                    continue
                stamp = (facts.st_mtime_ns, facts.st_size, facts.st_ino)
                before = self._known.get(name)
                if before is not None and before[0] == stamp and before[1].status in _ENDED:
                    known[name] = before
                    continue
                try:
                    known[name] = stamp, Run(folder)
                except RunError as error:
                    left_out.append(error.message)
        state = frozenset((name, stamp, run.status) for name, (stamp, run) in known.items())
        if state != self._state or left_out != self._left_out:
            self._version += 1
            self._runs = sorted((run for _, run in known.values()), key=lambda run: str(run.head.started))
        self._known, self._left_out, self._state = known, left_out, state
        self._read_at = time.monotonic()

    def _names(self) -> list[str]:
        try:
            with os.scandir(self.folder) as entries:
                return [
                    entry.name
                    for entry in entries
                    if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
                ]
        except OSError:
            return []
