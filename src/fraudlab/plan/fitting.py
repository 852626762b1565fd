"""Whether the input fits: into the volumes that are asked for, and into the memory of the machines.

Refused is only what cannot be: a table larger than the volume it is copied to, or rows that need more memory
than the machine has by what was measured of our own jobs. What may become tight is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fraudlab.objections import Objection
from fraudlab.plan.machines import memory_gib
from fraudlab.plan.steps import Step

#: bytes of memory for each value of the table, measured with 20 million rows of 31 columns: 300 bytes
#: per row in the process job, 380 per row that is trained on or validated with
PROCESS_BYTES_PER_VALUE = 300 / 31
TRAIN_BYTES_PER_VALUE = 380 / 31
#: the share of the memory or of a volume from which on a job is said to be tight
_TIGHT = 0.7
#: what a machine keeps for itself
_SYSTEM_GIB = 0.5
_KEYS = {"process": "compute.process", "train": "compute.train"}


@dataclass(frozen=True, slots=True)
class TableSize:
    """How large a table is.

    Attributes
    ----------
    bytes : int or None
        On disk; None of a table that the run makes.
    rows : int or None
    exact : bool
        The rows were counted, not estimated.
    columns : int or None
    trained_share : float
        Share of the rows in the train and validation splits.
    """

    bytes: int | None
    rows: int | None
    exact: bool
    columns: int | None
    trained_share: float


def unfitting(size: TableSize, steps: Iterable[Step]) -> Iterator[Objection]:
    """What cannot fit, whatever happens."""
    for step in steps:
        if step.skipped or step.name not in _KEYS:
            continue
        key = _KEYS[step.name]
        if step.name == "process" and size.bytes is not None and size.bytes > step.volume_gb * 2**30:
            needed = -(-size.bytes // 2**30) + 1
            yield Objection(
                f"{key}.volume_gb",
                f"The table has {size.bytes / 2**30:.1f} GiB, and {key}.volume_gb={step.volume_gb} cannot"
                " hold it.",
                f"{key}.volume_gb={2 * needed} holds it and what the job writes",
            )
        need, has = needed_gib(size, step), memory_gib(step.instance_type)
        if size.exact and need is not None and has is not None and need > has - _SYSTEM_GIB:
            yield Objection(
                f"{key}.instance_type",
                f"{size.rows:,} rows × {size.columns} columns need about {need:.0f} GiB of memory in the"
                f" {step.name} job, and {key}.instance_type={step.instance_type} has {has:.0f} GiB.",
                "choose a type with more memory, such as ml.m5.4xlarge (64 GiB) or ml.m5.12xlarge (192 GiB)",
            )


def tight(size: TableSize, steps: Iterable[Step]) -> Iterator[str]:
    """What may not fit, as sentences."""
    for step in steps:
        if step.skipped or step.name not in _KEYS:
            continue
        need, has = needed_gib(size, step), memory_gib(step.instance_type)
        if need is not None and has is not None and need > _TIGHT * has:
            estimated = "" if size.exact else " (its rows are an estimate)"
            yield (
                f"The {step.name} job may need {need:.1f} of the {has:.0f} GiB that {step.instance_type}"
                f" has{estimated}."
            )
        if step.name == "process" and size.bytes is not None:
            both = 2 * size.bytes / 2**30
            if _TIGHT * step.volume_gb < both <= 2 * step.volume_gb:
                yield (
                    f"The table and what the process job writes may need {both:.1f} GiB, and"
                    f" compute.process.volume_gb is {step.volume_gb}."
                )


def needed_gib(size: TableSize, step: Step) -> float | None:
    """The memory a job of ours takes for a table, in GiB per machine; None where its rows are not known."""
    if size.rows is None or size.columns is None or step.name not in _KEYS:
        return None
    values = size.rows * size.columns
    if step.name == "process":  # one machine does the work, however many there are
        return values * PROCESS_BYTES_PER_VALUE / 2**30
    return values * size.trained_share * TRAIN_BYTES_PER_VALUE / 2**30 / step.instance_count
