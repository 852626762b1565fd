"""The containers of one job from their start to the end of the last, and why they ended."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from enum import Enum

from fraudlab.rehearsal.job_progress import JobProgress
from fraudlab.rehearsal.work.container_engine import Box, ContainerEngine
from fraudlab.rehearsal.work.reasons import WorkLeft

#: seconds between SIGTERM and SIGKILL
GRACE = 120.0
#: seconds within which a stop is noticed; the end of a container is noticed at once
_TICK = 0.1
#: the fact of a job whose containers were started: the time in the names of their log streams
RAN = "_ran_from"


class Ending(Enum):
    """Why the containers of a job have ended."""

    COMPLETED = "all ended with code 0"
    FAILED = "one ended with another code"
    STOPPED = "Stop… was called"
    MAX_RUNTIME = "MaxRuntimeExceeded"
    MAX_WAIT = "MaxWaitTimeExceeded"
    INTERRUPTED = "the spot instance was taken away"


class HostGroup:
    """Runs containers side by side; one that fails ends all.

    Parameters
    ----------
    engine : ContainerEngine
    progress : JobProgress
    boxes : sequence of Box
    stream : str
        The name of their log streams begins with it: the job's name.
    on_lines : callable, optional
        Is given the lines of each container as they come, with its number, from any thread.

    Attributes
    ----------
    failed : tuple of Box and int, or None
        Which container failed first, and its exit code.
    """

    def __init__(
        self,
        engine: ContainerEngine,
        progress: JobProgress,
        boxes: Sequence[Box],
        *,
        stream: str,
        on_lines: Callable[[int, list[str]], None] | None = None,
    ) -> None:
        self.boxes = list(boxes)
        self.failed: tuple[Box, int] | None = None
        self._engine, self._progress = engine, progress
        self._stream, self._on_lines = stream, on_lines
        self._epoch = int(progress.record.facts.get(RAN) or time.time())
        self._events: queue.SimpleQueue[tuple[Box, int] | Ending] = queue.SimpleQueue()

    def run(self) -> None:
        """Let all of them run."""
        self._progress.note(**{RAN: self._epoch})
        for box in self.boxes:
            self._engine.run(box)
        self.watch()

    def watch(self) -> None:
        """Begin to watch containers that run already; lines that an earlier rehearsal wrote are not again."""
        for number, box in enumerate(self.boxes):
            threading.Thread(target=self._watch, args=(number, box), daemon=True).start()

    def interrupt(self) -> None:
        """Take the machines away: nobody in them is told."""
        self._events.put(Ending.INTERRUPTED)

    def until_end(
        self, *, deadlines: Sequence[tuple[float, Ending]], on_stop: Callable[[Ending], None]
    ) -> Ending:
        """Wait until all have ended.

        Parameters
        ----------
        deadlines : sequence of tuple of float and Ending
            Moments of the monotonic clock from which the job is stopped, and the reason.
        on_stop : callable
            Called before SIGTERM is sent.

        Raises
        ------
        WorkLeft
            The rehearsal ends before they do.
        """
        running, ending, kill_at = set(self.boxes), None, float("inf")
        while running:
            event = self._next()
            if event is None and self._progress.closing.is_set():
                raise WorkLeft
            if isinstance(event, tuple):
                running.discard(event[0])
                if event[1] != 0 and ending is None:
                    ending, self.failed = Ending.FAILED, event
                    self._signal(running, "KILL")
            elif ending is None and (ending := event or self._asked(deadlines)) is not None:
                if ending is Ending.INTERRUPTED:
                    self._signal(running, "KILL")
                else:
                    on_stop(ending)
                    self._signal(running, "TERM")
                    kill_at = time.monotonic() + GRACE
            if time.monotonic() > kill_at:
                self._signal(running, "KILL")
                kill_at = float("inf")
        return ending or Ending.COMPLETED

    def _next(self) -> tuple[Box, int] | Ending | None:
        try:
            return self._events.get(timeout=_TICK)
        except queue.Empty:
            return None

    def _asked(self, deadlines: Sequence[tuple[float, Ending]]) -> Ending | None:
        if self._progress.stopping.is_set():
            return Ending.STOPPED
        return next((ending for moment, ending in deadlines if time.monotonic() >= moment), None)

    def _signal(self, boxes: set[Box], name: str) -> None:
        for box in boxes:
            self._engine.signal(box, name)

    def _watch(self, number: int, box: Box) -> None:
        """Pass its lines on, then say that it has ended: its last line comes before its end."""
        code = 137
        try:
            follow(
                self._engine,
                box,
                self._progress,
                f"{self._stream}/{box.host}-{self._epoch}",
                self._lines(number),
            )
            code = self._engine.wait(box)
        finally:
            self._events.put((box, code))

    def _lines(self, number: int) -> Callable[[list[str]], None]:
        def passed_on(lines: list[str]) -> None:
            if self._on_lines is not None:
                self._on_lines(number, lines)

        return passed_on


def follow(
    engine: ContainerEngine,
    box: Box,
    progress: JobProgress,
    stream: str,
    on_lines: Callable[[list[str]], None] = lambda _: None,
) -> None:
    """Write what a container prints into its log stream until it ends.

    The engine gives all lines from the first on; as many as the stream has are left out.
    """
    arrived: queue.SimpleQueue[list[str] | None] = queue.SimpleQueue()
    known = progress.logged(stream)

    def write() -> None:
        nonlocal known
        ended = False
        while not ended and (batch := arrived.get()) is not None:
            while not arrived.empty():
                more = arrived.get()
                ended = more is None
                batch = batch + (more or [])
            progress.log(stream, *batch[known:])
            known = max(0, known - len(batch))

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    rest = b""
    try:
        for chunk in engine.lines(box):
            *whole, rest = (rest + chunk).split(b"\n")
            if lines := [line.decode(errors="replace").rstrip("\r") for line in whole]:
                arrived.put(lines)
                on_lines(lines)
        if rest:
            arrived.put([rest.decode(errors="replace")])
            on_lines([rest.decode(errors="replace")])
    finally:
        arrived.put(None)
        writer.join()
