"""Load of CPU, memory and disk of where a job runs, under the names that Comet's SDK gives them.

The SDK's own switches for them log installed packages too, and ask the metadata services of clouds for the
machine: a job makes no outbound call. Of memory it knows the machine's, whatever a container may have.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from fraudlab.container.runtime import limited_memory


def system_probe() -> Callable[[], dict[str, float]]:
    """What says the load there is; rates are of the time since it was asked before, or made.

    What a machine hides is left out: a container may have no disks.
    """
    import psutil

    psutil.cpu_percent(percpu=True)
    before, moved = time.time(), _moved()

    def probe() -> dict[str, float]:
        nonlocal before, moved
        each = psutil.cpu_percent(percpu=True)
        memory, disk = psutil.virtual_memory(), psutil.disk_usage("/")
        now, moved_now = time.time(), _moved()
        found = {
            "sys.cpu.percent.avg": sum(each) / len(each),
            "sys.load.avg": psutil.getloadavg()[0],
            "sys.ram.total": memory.total,
            "sys.ram.used": memory.total - memory.available,
            "sys.ram.available": memory.available,
            "sys.ram.percent.used": memory.percent,
            "sys.disk.root.used": disk.used,
            "sys.disk.root.percent.used": disk.percent,
        }
        if moved and moved_now and now > before:
            read, written = (after - earlier for after, earlier in zip(moved_now, moved, strict=True))
            found["sys.disk.read_bps"] = read / (now - before)
            found["sys.disk.write_bps"] = written / (now - before)
        before, moved = now, moved_now
        return {
            name: value
            for name, value in (found | _memory(found)).items()
            if math.isfinite(value) and value >= 0  # a counter that was set back
        }

    return probe


def _moved() -> tuple[int, int] | None:
    """How many bytes the disks have read and written, where a machine says so."""
    import psutil

    try:
        counted = psutil.disk_io_counters()
    except (OSError, RuntimeError, NotImplementedError):
        return None
    return None if counted is None else (counted.read_bytes, counted.write_bytes)


def _memory(found: dict[str, float]) -> dict[str, float]:
    """The figures of memory, where a container has less of it than the machine."""
    limited = limited_memory()
    if limited is None or limited[0] >= found["sys.ram.total"]:
        return {}
    limit, used = limited
    return {
        "sys.ram.total": limit,
        "sys.ram.used": used,
        "sys.ram.available": min(limit - used, found["sys.ram.available"]),
        "sys.ram.percent.used": round(100 * used / limit, 1),
    }
