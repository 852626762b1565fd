"""The processes that carry out trials beside each other, each on its share of the cores."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from fraudlab.backends.signals import uninterrupted
from fraudlab.children import environment, python
from fraudlab.files import private_folder, storage

#: what a trial is given to stop its jobs and say so
_PATIENCE_SECONDS = 90.0


@dataclass(frozen=True)
class Event:
    """What a worker says.

    Attributes
    ----------
    slot : int
        Which worker.
    content : dict or None
        None where it has ended without a word.
    """

    slot: int
    content: dict[str, Any] | None


class _Worker:
    """One process, and the thread that reads what it says."""

    def __init__(self, slot: int, cores: str, log: Path, events: SimpleQueue[Event]) -> None:
        reading, writing = os.pipe()
        with storage(log), log.open("ab") as output:
            self.process = subprocess.Popen(
                python("fraudlab.studies.trial_worker", str(writing), cores),
                env=environment(),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                text=True,
                encoding="utf-8",
                start_new_session=True,  # Ctrl-C is ours: it is told by the end of its input
                pass_fds=(writing,),
            )
        os.close(writing)
        self._reader = threading.Thread(target=self._read, args=(slot, reading, events), daemon=True)
        self._reader.start()

    @staticmethod
    def _read(slot: int, reading: int, events: SimpleQueue[Event]) -> None:
        with os.fdopen(reading, encoding="utf-8") as lines:
            for line in lines:
                with suppress(ValueError):  # half a line of a process that was killed
                    events.put(Event(slot, json.loads(line)))
        events.put(Event(slot, None))

    def tell(self, content: Mapping[str, Any]) -> None:
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):  # that it has ended is said by its reader
            self.process.stdin.write(json.dumps(content) + "\n")
            self.process.stdin.flush()

    def hang_up(self) -> None:
        """Say that nothing more comes: a trial that goes on is stopped."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()

    def wait(self) -> None:
        try:
            self.process.wait(timeout=_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join()


class WorkerPool:
    """Workers by their slot; one that has ended is replaced when its slot is used again.

    Parameters
    ----------
    size : int
    logs : Path
        Folder for what they print.
    """

    def __init__(self, size: int, logs: Path) -> None:
        private_folder(logs)
        self.events: SimpleQueue[Event] = SimpleQueue()
        self._shares = cores_of(size)
        self._logs = logs
        self._workers: dict[int, _Worker] = {}

    def begin(self, slot: int, request: Mapping[str, Any]) -> None:
        """Give a slot a trial."""
        if slot not in self._workers:
            log = self._logs / f"worker-{slot + 1}.log"
            self._workers[slot] = _Worker(slot, self._shares[slot], log, self.events)
        self._workers[slot].tell(request)

    def tell(self, slot: int, *, prune: bool) -> None:
        """Answer what a round was measured at."""
        self._workers[slot].tell({"prune": prune})

    def lost(self, slot: int) -> int:
        """Take note of a worker that has ended; its exit code."""
        worker = self._workers.pop(slot)
        worker.hang_up()
        worker.wait()
        return int(worker.process.returncode)

    def close(self) -> None:
        """End all of them; trials that go on are stopped, and their runs say so."""
        with uninterrupted():
            for worker in self._workers.values():
                worker.hang_up()
            for worker in self._workers.values():
                worker.wait()
        self._workers.clear()


@contextmanager
def open_pool(size: int, logs: Path) -> Iterator[WorkerPool]:
    """A pool for the length of a ``with`` block."""
    pool = WorkerPool(size, logs)
    try:
        yield pool
    finally:
        pool.close()


def cores_of(size: int) -> list[str]:
    """The cores of each of some workers, with commas; empty where it may use all, or cannot be told."""
    if size == 1 or not hasattr(os, "sched_setaffinity"):
        return [""] * size
    cores = sorted(os.sched_getaffinity(0))
    share = max(1, len(cores) // size)
    return [
        ",".join(str(cores[(slot * share + at) % len(cores)]) for at in range(share)) for slot in range(size)
    ]
