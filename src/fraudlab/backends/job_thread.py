"""A job whose client waits for its end: it runs on a thread, and whoever waits for it reads its lines."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Protocol

from fraudlab.backends.joblog import JobLog


class Lines(Protocol):
    """What takes what a job prints, and what the engine says of it."""

    def write(self, text: str) -> None: ...
    def keep(self, line: str) -> None: ...


class JobThread:
    """A job on a thread of its own.

    Parameters
    ----------
    work : callable
        Runs the job to its end; given what takes its lines.
    after : sequence of JobThread
        Jobs that must have ended before.
    stop : callable
        Makes `work` return soon; called by another thread.
    """

    def __init__(
        self, work: Callable[[Lines], None], *, after: Sequence[JobThread], stop: Callable[[], None]
    ) -> None:
        self._lines = _Queue()
        self._error: BaseException | None = None
        self._stop = stop
        # a launcher that ends without a word does not wait for it: jobs end with their launcher
        self._thread = threading.Thread(target=self._run, args=(work, tuple(after)), daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[Lines], None], after: Sequence[JobThread]) -> None:
        try:
            for job in after:
                job._thread.join()
            work(self._lines)
        except BaseException as error:  # noqa: BLE001  (raised again in wait())
            self._error = error
        finally:
            self._lines.end()

    def wait(self, log: JobLog) -> None:
        """Write the job's lines to a log, as they come, until it ends; raise what it ended with."""
        try:
            self._lines.pass_on(log)
            self._thread.join()
        except BaseException:
            self.stop()
            raise
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """End the job, and wait until it has ended."""
        if self._thread.is_alive():
            self._stop()
            self._thread.join()


class _Queue:
    """Lines on their way from one thread to another."""

    def __init__(self) -> None:
        self._lines: SimpleQueue[tuple[bool, str] | None] = SimpleQueue()

    def write(self, text: str) -> None:
        self._lines.put((True, text))

    def keep(self, line: str) -> None:
        self._lines.put((False, line))

    def end(self) -> None:
        self._lines.put(None)

    def pass_on(self, log: JobLog) -> None:
        while (found := self._lines.get()) is not None:
            is_the_jobs, text = found
            if is_the_jobs:
                log.write(text)
            else:
                log.keep(text)
