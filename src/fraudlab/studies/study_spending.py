"""What the runs of a study have cost at most, and whether what is left is enough for another trial.

A figure is never too small: a job of which nobody knows the seconds that are billed counts as long as it may
have run. So a maximum that these figures keep to is kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil
from typing import Any

from fraudlab.plan.billed_jobs import billed_jobs
from fraudlab.plan.costs import ceiling, dollars, most
from fraudlab.plan.prices import PriceList
from fraudlab.plan.run_plan import total
from fraudlab.plan.steps import Step, StepName
from fraudlab.studies.study_runs import study_runs
from fraudlab.studies.tuning_request import TuningRequest

#: how long a job is billed at most after it was asked to stop: 120 s until it is killed, and what it uploads
_STOPPING_SECONDS = 300
#: of US dollars, so that no sum of fractions is above what it is
_NOTHING = 1e-9


@dataclass(frozen=True)
class Rates:
    """What steps cost.

    Attributes
    ----------
    steps : mapping of str to Step
        Those that a run of the study may rent, by name.
    prices : PriceList
    region : str or None
    rehearsed : bool
        Rehearsed runs count what they would have cost; else they cost nothing.
    """

    steps: Mapping[StepName, Step]
    prices: PriceList
    region: str | None
    rehearsed: bool


def most_of_run(record: Mapping[str, Any], rates: Rates) -> float | None:
    """The most that a run has cost, by its record; None where a price is not known.

    Parameters
    ----------
    record : mapping
        Of ``run.json``.
    rates : Rates
    """
    place = record.get("cloud")
    if not isinstance(place, Mapping) or (record.get("rehearsed") is True) != rates.rehearsed:
        return 0.0
    region = str(place.get("region") or rates.region)
    return total(_most_of_step(step, rates, region) for step in _rented(record, rates.steps))


def _most_of_step(step: Step | None, rates: Rates, region: str) -> float | None:
    return None if step is None else ceiling(most(step, rates.prices, region), rates.prices)


def _rented(record: Mapping[str, Any], steps: Mapping[StepName, Step]) -> Iterator[Step | None]:
    """What a run has rented, each for as long as it can have been; None for what nobody knows."""
    jobs, asked = record.get("jobs") or {}, record.get("asked") or {}
    going = {**jobs, **({asked["job"]: asked} if asked.get("job") else {})}
    if record.get("endpoint"):
        going["endpoint"] = {}
    for job in billed_jobs(record):
        if job.name != "endpoint":  # one that may be up still adds to what it was up before
            going.pop(job.name, None)
        yield replace(
            steps.get(job.name) or _step(job.name),
            instance_type=job.instance_type,
            instance_count=job.machines,
            max_seconds=ceil(job.seconds),
            skipped=None,
        )
    for name, about in going.items():
        planned = steps.get(name)
        yield None if planned is None else _at_most(planned, about)


def _step(name: StepName) -> Step:
    """A step that the study would not rent any more: its machines are known, its volumes are not."""
    return Step(name=name, instance_type="", instance_count=1, volume_gb=0, max_seconds=0)


def _at_most(step: Step, about: Mapping[str, Any]) -> Step:
    """A job whose billed seconds are not known: as long as it may run, or until a while after its end."""
    seconds = step.max_seconds
    try:
        began, ended = (datetime.fromisoformat(str(about[key])) for key in ("started", "ended"))
        seconds = min(seconds, max(0, ceil((ended - began).total_seconds())) + _STOPPING_SECONDS)
    except (KeyError, ValueError, TypeError):
        pass  # it may be going on
    machine, count = about.get("instance_type"), about.get("instance_count")
    return replace(
        step,
        instance_type=machine if isinstance(machine, str) else step.instance_type,
        instance_count=count if isinstance(count, int) else step.instance_count,
        max_seconds=seconds,
        skipped=None,
    )


class Spending:
    """What a study has spent so far, read from its runs: nothing of it is kept elsewhere.

    Parameters
    ----------
    request : TuningRequest
    rates : Rates
    """

    def __init__(self, request: TuningRequest, rates: Rates) -> None:
        self._request, self._rates = request, rates
        self._settled: dict[str, float | None] = {}

    def usd(self, *, besides: Collection[str] = ()) -> float | None:
        """The most that all runs have cost; None where a price is not known.

        Parameters
        ----------
        besides : collection of str
            Ids of runs that are left out, since they are going on.
        """
        found = []
        for run in study_runs(self._request):
            if run.id in besides:
                continue
            if run.id in self._settled:
                found.append(self._settled[run.id])
                continue
            usd = most_of_run(run.record, self._rates)
            if run.status in ("completed", "pruned", "failed", "interrupted"):
                self._settled[run.id] = usd
            found.append(usd)
        return total(found)


@dataclass(frozen=True)
class Allowance:
    """The maximum that a study keeps to: what its final run may cost is kept back for it.

    Attributes
    ----------
    limit : float
        ``sagemaker.max_usd``.
    trial, final : float
        The most that one trial, and the final run, may cost.
    spending : Spending
    """

    limit: float
    trial: float
    final: float
    spending: Spending

    def covers_trial(self, going: Collection[str]) -> bool:
        """Whether one more trial may begin beside those that go on, whatever all of them come to cost."""
        left = self.left(besides=going) - self.final
        return left - (len(going) + 1) * self.trial >= -_NOTHING

    def covers_final(self) -> bool:
        """Whether the final run may begin."""
        return self.left() - self.final >= -_NOTHING

    def left(self, *, besides: Collection[str] = ()) -> float:
        """What has not been spent; nothing where that cannot be told."""
        spent = self.spending.usd(besides=besides)
        return 0.0 if spent is None else self.limit - spent

    @property
    def no_further(self) -> str:
        """Why no further trial begins."""
        left, kept = dollars(max(0.0, self.left())), dollars(self.final)
        return (
            f"no further trial begins: one may cost {dollars(self.trial)}, and of sagemaker.max_usd="
            f"{self.limit:g} {left} are left, of which {kept} are kept for the final run"
        )
