"""Ctrl-C, SIGTERM and a closed terminal: what stops is said at once, and what was started is taken down."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from fraudlab.backends.signals import stop_signals
from fraudlab.errors import AFTER_INTERRUPTION, Interrupted
from fraudlab.terminal import Terminal

#: signals this close together are one: a terminal, make and timeout may each send theirs
_TOGETHER_SECONDS = 1.0


@contextmanager
def interruptible(terminal: Terminal) -> Iterator[None]:
    """Make the first signal raise :class:`Interrupted`, so that all is taken down; the second ends at once.

    Parameters
    ----------
    terminal : Terminal
        Knows which stage goes on, and whether anybody is told.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    first: list[float] = []

    def stop(number: int, _frame: object) -> None:
        now = time.monotonic()
        name = signal.Signals(number).name
        if not first:
            first.append(now)
            _say(terminal, _stopping(name, terminal.current))
            raise Interrupted(f"Interrupted by {name}.", fix=AFTER_INTERRUPTION)
        if now - first[0] > _TOGETHER_SECONDS:
            _say(terminal, f"{name} again: ending at once. What is left goes with `fraudlab clean`.")
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)  # jobs end with their launcher

    before = {number: signal.signal(number, stop) for number in stop_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stopping(name: str, stage: str | None) -> str:
    doing = {
        None: "the run",
        "prepare": "the process job (prepare)",
        "train": "the train job",
        "score": "the endpoint (score)",
        "evaluate": "the evaluation",
        "report": "the report",
    }.get(stage, f"{stage}")
    return (
        f"{name}: stopping {doing}; this may take half a minute. The run will say `interrupted`. "
        "Again: end at once, and the run says `dead`."
    )


def _say(terminal: Terminal, text: str) -> None:
    """Write where progress is shown, without the buffer, which the interrupted code may be using."""
    if not terminal.quiet:
        with suppress(OSError):
            os.write(1, f"\n{text}\n".encode())
