"""What a run's record says of its machines: which, how many, and for how long they are paid. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fraudlab.plan.steps import COMPONENTS, StepName


@dataclass(frozen=True, slots=True)
class BilledJob:
    """Machines that were paid for.

    Attributes
    ----------
    name : {"process", "train", "transform", "endpoint"}
    instance_type : str
    machines : int
    seconds : float
        Of each machine. Of a job as AWS bills them: of spot machines fewer than they worked. Of an endpoint
        as the launcher measured them, from its request until it was gone.
    spot : bool
    """

    name: StepName
    instance_type: str
    machines: int
    seconds: float
    spot: bool = False


def billed_jobs(record: Mapping[str, Any]) -> Iterator[BilledJob]:
    """The jobs and the endpoint of a run for which its record has machines and seconds.

    Parameters
    ----------
    record : mapping
        Of ``run.json``, read without trusting it: ``billed_seconds`` are those of all machines of a job.
    """
    jobs, billed = _mapping(record.get("jobs")), _mapping(record.get("billed_seconds"))
    for name in COMPONENTS:
        if name == "endpoint":
            machine = _mapping(record.get("endpoint_use"))
            seconds, shared = _number(machine.get("seconds")), False
        else:
            machine = _mapping(jobs.get(name))
            seconds, shared = _number(billed.get(name)), True
        instance_type, count = machine.get("instance_type"), _number(machine.get("instance_count"))
        if isinstance(instance_type, str) and count and seconds is not None:
            each = seconds / count if shared else seconds
            yield BilledJob(name, instance_type, int(count), each, spot=machine.get("spot") is True)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9:
        return float(value)
    return None
