"""Memory and time that a process may take which reads a stranger's file."""

from __future__ import annotations

import resource

#: what Python, numpy and XGBoost map before they read anything, and some for small models
_MEMORY = 3 << 30
#: a model becomes objects many times its size (measured: 16 for JSON, 19 for UBJSON), and folds one more JSON
_MEMORY_FACTOR = 40
_SECONDS, _BYTES_A_SECOND = 60, 1 << 20


def limits_for(size: int) -> tuple[int, int]:
    """Bytes of memory and seconds of CPU that reading files of `size` bytes may take."""
    return _MEMORY + _MEMORY_FACTOR * size, _SECONDS + size // _BYTES_A_SECOND


def confine(size: int) -> None:
    """Let this process take no more than :func:`limits_for` says, nor write much more than it reads."""
    memory, seconds = limits_for(size)
    for what, limit in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, (64 << 20) + 8 * size),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        most = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        # The signal that says why it ended comes before the one that ends whatever ignores it.
        grace = 5 if what == resource.RLIMIT_CPU and hard == resource.RLIM_INFINITY else 0
        resource.setrlimit(what, (most, most + grace))
