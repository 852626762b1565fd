"""The service quotas that a run takes up, by the names that AWS's Service Quotas page has for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from fraudlab.plan.steps import Step, StepName

_USES: dict[StepName, str] = {
    "process": "processing job usage",
    "train": "training job usage",
    "transform": "transform job usage",
    "endpoint": "endpoint usage",
}


@dataclass(frozen=True, slots=True)
class Quota:
    """A quota, and how much of it a run needs beside what the account uses already.

    Attributes
    ----------
    name : str
        Such as ``"ml.m5.xlarge for training job usage"``.
    needed : int
        Machines at once.
    zero_by_default : bool
        A new account has none of it, and has to ask.
    """

    name: str
    needed: int
    zero_by_default: bool = False

    def as_json(self) -> dict[str, Any]:
        """The quota for scripts."""
        return asdict(self)


def quotas(steps: Iterable[Step]) -> list[Quota]:
    """The quotas that steps need, which are taken one after another."""
    found: list[Quota] = []
    for step in steps:
        if step.skipped:
            continue
        use = "spot training job usage" if step.spot else _USES[step.name]
        found.append(Quota(f"{step.instance_type} for {use}", step.instance_count, step.spot))
        if step.warm_pool_seconds:
            name = f"{step.instance_type} for training warm pool usage"
            found.append(Quota(name, step.instance_count, zero_by_default=True))
    return found
