"""Several processes behind one listening socket: started, watched, replaced, and stopped together."""

from __future__ import annotations

import ctypes
import logging
import mmap
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from fraudlab.container.endpoint.logs import log
from fraudlab.container.failure import JobError

#: what stops the endpoint: each means the same
STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
#: a worker that ends sooner than this has not served
_TOO_SOON_SECONDS = 5.0
#: how often in a row each worker may end so soon, and how long the next one then waits
_MAX_FAILURES, _FIRST_WAIT_SECONDS, _MAX_WAIT_SECONDS = 4, 0.25, 30.0
_PR_SET_PDEATHSIG = 1


class Shares:
    """How many connections each worker has; shared by all of them.

    Connections stay where they are while they are open. A worker that is started again would have none of
    them, and those of its neighbour would wait for one CPU while the other has nothing to do.
    """

    def __init__(self, workers: int) -> None:
        self._counts = memoryview(mmap.mmap(-1, 8 * workers)).cast("q")
        for worker in range(workers):
            self.leave(worker)

    def leave(self, worker: int) -> None:
        """Leave out a worker that does not run."""
        self._counts[worker] = -1

    def surplus(self, worker: int, connections: int) -> int:
        """Write down how many connections a worker has; how many of them should move to others."""
        self._counts[worker] = connections
        running = [count for count in self._counts if count >= 0]
        fair = -(-sum(running) // len(running))
        return connections - fair if connections > 1.2 * fair + 2 else 0


@dataclass(slots=True)
class _Place:
    """Where one worker after the other runs: its process, 0 where it waits to be started."""

    process: int = 0
    started: float = 0.0
    failures: int = 0
    due: float = 0.0


def supervise(
    count: int, work: Callable[[int, int], None], *, stop_listening: Callable[[], None], shares: Shares
) -> None:
    """Run `work` in `count` forked processes until one of ``STOPPING``, and stop them together.

    A worker that ends by itself is replaced, at once where it has served, else after a while that grows. The
    workers end with this process however it ends.

    Parameters
    ----------
    count : int
    work : callable
        Receives the number of the worker and a descriptor that can be read from when this process is gone.
        It is called with the signals of ``STOPPING`` held back, and returns once it has been told SIGTERM.
    stop_listening : callable
        Called before the workers are told to stop.
    shares : Shares
        Of the workers.

    Raises
    ------
    JobError
        If all workers end before they can have served anything, several times in a row each.
    """
    supervisor = _Supervisor(count, work, shares)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    for number in (*STOPPING, signal.SIGCHLD):
        signal.signal(number, supervisor.hear)
    # A worker's mask is this one: it takes signals once it knows what to do with them.
    supervisor.start_due()
    signal.pthread_sigmask(signal.SIG_SETMASK, before - set(STOPPING))
    while not supervisor.is_stopping:
        supervisor.wait()
        supervisor.replace_ended()
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        supervisor.start_due()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    stop_listening()
    supervisor.end_all()
    if supervisor.failure is not None:
        raise supervisor.failure


class _Supervisor:
    def __init__(self, count: int, work: Callable[[int, int], None], shares: Shares) -> None:
        self.is_stopping = False
        self.failure: JobError | None = None
        self._work = work
        self._shares = shares
        self._places = [_Place() for _ in range(count)]
        self._lifeline, self._held = os.pipe()
        self._woken, waker = os.pipe()
        for end in (self._woken, waker):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)

    def hear(self, number: int, _frame: object) -> None:
        self.is_stopping |= number in STOPPING

    def wait(self) -> None:
        """Wait for a signal, or for a worker's turn to be started again."""
        due = [place.due for place in self._places if not place.process]
        timeout = max(0.0, min(due) - time.monotonic()) if due else None
        select.select([self._woken], [], [], timeout)
        with suppress(BlockingIOError):
            os.read(self._woken, 4096)

    def start_due(self) -> None:
        now = time.monotonic()
        for number, place in enumerate(self._places):
            if place.process or place.due > now or self.is_stopping:
                continue
            sys.stdout.flush()
            sys.stderr.flush()
            parent = os.getpid()
            child = os.fork()
            if child == 0:
                os.close(self._held)
                _end_with(parent)
                _work_and_exit(lambda number=number: self._work(number, self._lifeline))  # type: ignore[misc]
            place.process, place.started = child, now

    def replace_ended(self) -> None:
        for number, place, code in self._ended():
            place.process = 0
            self._shares.leave(number)
            if self.is_stopping:
                continue
            lived = time.monotonic() - place.started
            place.failures = place.failures + 1 if lived < _TOO_SOON_SECONDS else 0
            wait = min(_FIRST_WAIT_SECONDS * 2 ** (place.failures - 1), _MAX_WAIT_SECONDS)
            wait = wait if place.failures else 0.0
            place.due = time.monotonic() + wait
            log(logging.ERROR, "worker ended", worker=number, code=code, again_in_seconds=wait)
            if min(other.failures for other in self._places) >= _MAX_FAILURES:
                self.is_stopping = True
                self.failure = JobError(
                    f"every worker ended at once, {_MAX_FAILURES} times in a row, the last with code {code}",
                    fix="read the log above this line",
                )

    def end_all(self) -> None:
        """Tell all workers to stop, and wait for them."""
        for place in self._places:
            if place.process:
                os.kill(place.process, signal.SIGTERM)
        while any(place.process for place in self._places):
            select.select([self._woken], [], [], 1.0)
            with suppress(BlockingIOError):
                os.read(self._woken, 4096)
            self.replace_ended()

    def _ended(self) -> list[tuple[int, _Place, int]]:
        found = []
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                found += [
                    (number, place, os.waitstatus_to_exitcode(ended[1]))
                    for number, place in enumerate(self._places)
                    if place.process == ended[0]
                ]
        return found


def _end_with(parent: int) -> None:
    """Make this process end when its parent is gone, and keep the terminal's signals to the parent."""
    # Ctrl-C goes to a whole group of processes: the parent alone says when to stop, and in which order.
    os.setpgid(0, 0)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)


def _work_and_exit(work: Callable[[], None]) -> NoReturn:
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        work()
        code = 0
    except BaseException:  # noqa: BLE001  (nothing may reach the parent's own code)
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
