"""What this job uses of comet_ml that is no public interface, and the versions it was tried with.

The launcher's share of it is ``tracking/comet/internals.py``. Where another version has one of these parts no
more, the archive is written all the same, and the job's log has a sentence.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from fraudlab.container.runtime import limited_memory

#: of the SDK, up to the number that its makers raise for small changes; the launcher's is the same
TRIED = "3.58"


def untried_version(found: str) -> str:
    """What to say of a version of the SDK that this was not tried with, or an empty string."""
    if found == TRIED or found.startswith(f"{TRIED}."):
        return ""
    return f"comet_ml {found} is installed, and this was tried with {TRIED}"


def at_step(experiment: Any, step: int | None) -> None:
    """Let the next metrics be of that step, or of none: the SDK would go on with the last one."""
    experiment.curr_step = step


def finish_writing(experiment: Any, seconds: float) -> None:
    """Let the SDK's writer come to the end of its queue by itself.

    ``end()`` would wait for the writer's poll of one second, and could stop it with its last entry in hand.

    Raises
    ------
    AttributeError
        This version of the SDK has no such writer; ``end()`` waits for what it has.
    """
    writer = experiment.streamer
    writer.close()
    writer.stop()
    writer.join(seconds)


def system_probe() -> Callable[[], dict[str, float]]:
    """Load of CPU, memory and disk, by the SDK's own loggers and under its names.

    The SDK's switches for them log installed packages too, and ask the metadata services of clouds for the
    machine: a job makes no outbound call. Of memory it knows the machine's, whatever a container may have.

    Raises
    ------
    ImportError, AttributeError, TypeError
        This version of the SDK has no such loggers.
    """
    from comet_ml.system.cpu.cpu_metrics_data_logger import CPUMetricsDataLogger
    from comet_ml.system.disk.disk_metrics_data_logger import DiskMetricsDataLogger

    def sent_by_itself(_metrics: Any) -> None:
        """Nobody asks it to."""

    options: dict[str, Any] = {"initial_interval": 60, "callback": sent_by_itself}
    cpu = CPUMetricsDataLogger(include_cpu_per_core=False, include_compute_metrics=False, **options)
    loggers: list[Any] = [cpu, DiskMetricsDataLogger(**options)]
    for logger in list(loggers):
        try:
            logger.get_metrics()  # rates are of the time since they were asked for
        except Exception as error:  # noqa: BLE001 - a machine may hide its disks
            print(f"tracking: nothing of {logger.get_name()}: {type(error).__name__}: {error}")
            loggers.remove(logger)

    def probe() -> dict[str, float]:
        found: dict[str, float] = {}
        for logger in loggers:
            found |= logger.get_metrics()
        return {
            name: value
            for name, value in (found | _memory(found)).items()
            if math.isfinite(value) and value >= 0  # a clock that was set back
        }

    return probe


def _memory(found: dict[str, float]) -> dict[str, float]:
    """The figures of memory, where a container has less of it than the machine."""
    limited = limited_memory()
    if limited is None or "sys.ram.total" not in found or limited[0] >= found["sys.ram.total"]:
        return {}
    limit, used = limited
    return {
        "sys.ram.total": limit,
        "sys.ram.used": used,
        "sys.ram.available": min(limit - used, found["sys.ram.available"]),
        "sys.ram.percent.used": round(100 * used / limit, 1),
    }
