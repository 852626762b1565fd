"""The progress of what is sent and brought, shown in MiB."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType

from fraudlab.terminal import Meter

_MIB = 1 << 20

#: shows the progress of something counted: what it is called, and how much of it there is
ShowMeter = Callable[..., AbstractContextManager[Meter]]


class _Unseen:
    def reach(self, count: int) -> None:
        """Show nothing."""


def unseen(_what: str, *, total: int) -> AbstractContextManager[Meter]:  # noqa: ARG001
    """A meter that nobody looks at."""
    return nullcontext(_Unseen())


class Transfer:
    """Counts the bytes of a transfer, whose threads say how many more there are, and shows them in MiB."""

    def __init__(self, meter: ShowMeter, what: str, size: int) -> None:
        self._showing = meter(f"{what} (MiB)", total=-(-size // _MIB))
        self._lock = threading.Lock()
        self._bytes = 0

    def __enter__(self) -> Callable[[int], None]:
        self._shown = self._showing.__enter__()
        return self._more

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._showing.__exit__(kind, error, trace)

    def _more(self, count: int) -> None:
        with self._lock:
            self._bytes += count
            self._shown.reach(self._bytes // _MIB)
