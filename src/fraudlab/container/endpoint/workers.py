"""Several processes behind one listening socket: started, watched, replaced, and stopped together."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from fraudlab.container.endpoint.logs import log
from fraudlab.container.failure import JobError

#: a worker that ends sooner than this has not served: another one would not either
_TOO_SOON_SECONDS = 5.0


def supervise(count: int, work: Callable[[], None]) -> None:
    """Run `work` in `count` forked processes until SIGTERM or SIGINT, which they are handed on.

    A worker that ends by itself is replaced.

    Parameters
    ----------
    count : int
    work : callable
        Returns once it has been told to stop.

    Raises
    ------
    JobError
        If a worker ends before it can have served anything; the others are stopped first.
    """
    workers: dict[int, float] = {}
    stopping = False

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        _tell(workers, signal.SIGTERM)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    for _ in range(count):
        _start(workers, work)
    while workers:
        ended, status = os.wait()
        started = workers.pop(ended, None)
        if started is None or stopping:
            continue
        code = os.waitstatus_to_exitcode(status)
        log(logging.ERROR, "worker ended", worker=ended, code=code)
        if time.monotonic() - started < _TOO_SOON_SECONDS:
            stopping = True
            _tell(workers, signal.SIGTERM)
            while workers:
                workers.pop(os.wait()[0], None)
            raise JobError(f"a worker ended at once, with code {code}", fix="read the log above this line")
        _start(workers, work)


def _start(workers: dict[int, float], work: Callable[[], None]) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    # Held back while the process does not know yet which of the two it is.
    waiting = {signal.SIGTERM, signal.SIGINT}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, waiting)
    child = os.fork()
    if child == 0:
        _work_and_exit(work, before)
    workers[child] = time.monotonic()
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work_and_exit(work: Callable[[], None], mask: set[signal.Signals] | set[int]) -> NoReturn:
    code = 1
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: os._exit(0))
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        work()
        code = 0
    except BaseException:  # noqa: BLE001  (nothing may reach the parent's own code)
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _tell(workers: dict[int, float], number: signal.Signals) -> None:
    for worker in list(workers):
        os.kill(worker, number)
