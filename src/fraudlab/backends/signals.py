"""What asks a run to stop, and how taking down is not stopped by it."""

from __future__ import annotations

import signal
import sys
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
    """Hold signals back while something is taken down.

    A second Ctrl-C, while an error is on its way already, is forgotten; a first one is delivered afterwards.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    is_first, held = sys.exception() is None, []
    before = {number: signal.signal(number, lambda taken, _: held.append(taken)) for number in stop_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if is_first and held:
            signal.raise_signal(held[0])
