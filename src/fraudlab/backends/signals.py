"""What asks a run to stop, and how taking down is not stopped by it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


def stop_signals() -> list[signal.Signals]:
    """What asks a run to stop: Ctrl-C, SIGTERM, and a terminal that closes unless ``nohup`` was asked for."""
    hung_up = getattr(signal, "SIGHUP", signal.SIGTERM)  # Windows has none
    return [
        signal.SIGINT,
        signal.SIGTERM,
        *([] if signal.getsignal(hung_up) is signal.SIG_IGN else [hung_up]),
    ]


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold a second Ctrl-C back until all that must be taken down is."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in stop_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
