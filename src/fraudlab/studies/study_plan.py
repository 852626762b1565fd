"""What a whole study may cost: the run it starts from, all trials, and the final run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from math import floor
from typing import Any

from fraudlab.config import RunConfig
from fraudlab.objections import Objection, refuse
from fraudlab.plan.costs import ceiling, dollars
from fraudlab.plan.plan_facts import Facts
from fraudlab.plan.run_plan import Plan, PlannedStep, planned_step, total, without_price
from fraudlab.plan.steps import Step
from fraudlab.plan.survey import plan_of
from fraudlab.studies.study_runs import Standing, read_standing
from fraudlab.studies.study_spending import Allowance, Rates, Spending
from fraudlab.studies.tuning_request import TuningRequest

_KEY = "sagemaker.max_usd"


@dataclass(frozen=True)
class RunCost:
    """What one run of a study costs.

    Attributes
    ----------
    most, ceiling, likely : float or None
        As of :class:`fraudlab.plan.run_plan.Plan`.
    """

    most: float | None
    ceiling: float | None
    likely: float | None

    def times(self, count: int) -> RunCost:
        """The cost of so many of them; of none it is known."""
        if not count:
            return RunCost(0.0, 0.0, 0.0)
        each = (None if usd is None else usd * count for usd in (self.most, self.ceiling, self.likely))
        return RunCost(*each)


@dataclass(frozen=True, kw_only=True)
class StudyPlan:
    """What a study would rent and cost, from where it stands.

    Attributes
    ----------
    run : Plan
        Of the run that it starts from.
    trials : int
        Trials that are missing.
    asked : int
        ``tune.trials``.
    parallel : int
    start, trial, final : RunCost
        Of one run each.
    standing : Standing
    spent : float or None
        The most that its runs have cost so far.
    limit : float or None
        ``sagemaker.max_usd``.
    """

    run: Plan
    trials: int
    asked: int
    parallel: int
    start: RunCost
    trial: RunCost
    final: RunCost
    standing: Standing
    spent: float | None
    limit: float | None

    @property
    def costs_nothing(self) -> bool:
        """Nothing more is begun: all has ended, or the maximum leaves no further trial."""
        return self.standing.closed and self.affordable == 0

    @property
    def affordable(self) -> int:
        """How many of the missing trials fit the maximum if each costs the most it may."""
        if self.limit is None or not self.trials:
            return self.trials
        kept = total((self.spent, self._before, self.final.ceiling))
        if kept is None or self.trial.ceiling is None:
            return 0
        if not self.trial.ceiling:
            return self.trials
        return max(0, min(self.trials, floor((self.limit - kept) / self.trial.ceiling + 1e-9)))

    @property
    def most(self) -> float | None:
        """The most that all of it may cost, what is spent included, were there no maximum."""
        parts = (
            self.start.times(self._starts),
            self.trial.times(self.trials),
            self.final.times(self._finals),
        )
        return total((self.spent, *(part.most for part in parts)))

    @property
    def at_most(self) -> float | None:
        """The most that all of it costs, as the maximum is kept to."""
        if self.most is None or self.limit is None:
            return self.most
        return min(self.most, max(self.limit, self.spent or 0.0))

    @property
    def likely(self) -> float | None:
        """What all of it will probably cost, what is spent included."""
        parts = (
            self.start.times(self._starts),
            self.trial.times(self.trials),
            self.final.times(self._finals),
        )
        found = total((self.spent, *(part.likely for part in parts)))
        return found if found is None or self.at_most is None else min(found, self.at_most)

    @property
    def is_cut(self) -> bool:
        """Whether the maximum may end the study before all trials have been tried."""
        return self.affordable < self.trials

    @property
    def _starts(self) -> int:
        return 0 if self.standing.started else 1

    @property
    def _finals(self) -> int:
        return 0 if self.standing.closed and not self.trials else 1

    @property
    def _before(self) -> float | None:
        return self.start.times(self._starts).ceiling

    def as_record(self) -> dict[str, Any]:
        """What ``outcome.json`` keeps of it, and what a script is told."""
        facts = self.run.facts
        return {
            "trials": self.trials,
            "affordable_trials": self.affordable,
            "start_usd": self.start.most,
            "trial_usd": self.trial.most,
            "final_usd": self.final.most,
            "spent_usd": self.spent,
            "most_usd": self.at_most,
            "likely_usd": self.likely,
            "max_usd": self.limit,
            "rehearsed": facts.rehearsed,
            "region": facts.region,
        }


def run_of_study(request: TuningRequest) -> RunConfig:
    """One run of a study, for its plan: the maximum is not of it, but of the study."""
    config = deepcopy(request.config)
    config.sagemaker.max_usd, config.force = None, False
    return config


def plan_study(request: TuningRequest, *, run: Plan | None = None) -> tuple[StudyPlan, Spending]:
    """Survey a study and plan it, and refuse what could have no outcome within ``sagemaker.max_usd``.

    Parameters
    ----------
    request : TuningRequest
    run : Plan, optional
        Of :func:`run_of_study`, where AWS was asked about it.

    Raises
    ------
    ConfigError
        Where AWS would refuse it, or where the maximum cannot be kept.
    """
    run, standing = run or plan_of(run_of_study(request)), read_standing(request)
    facts = run.facts
    steps = {one.step.name: one.step for one in run.steps}
    spending = Spending(request, Rates(steps, facts.prices, facts.region, facts.rehearsed))
    start, trial, final = _costs(run, forced=request.config.force, started=standing.started)
    options = request.options
    found = StudyPlan(
        run=run,
        trials=max(options.trials - standing.ended, standing.left_trials),
        asked=options.trials,
        parallel=options.parallel,
        start=start,
        trial=trial,
        final=final,
        standing=standing,
        spent=spending.usd(besides=standing.left),
        limit=request.config.sagemaker.max_usd if facts.in_cloud else None,
    )
    refuse(list(_too_dear(found)))
    return found, spending


def allowance_of(plan: StudyPlan, spending: Spending) -> Allowance | None:
    """What the search keeps to; None where there is no maximum."""
    if plan.limit is None or plan.trial.ceiling is None or plan.final.ceiling is None:
        return None
    return Allowance(plan.limit, plan.trial.ceiling, plan.final.ceiling, spending)


def _costs(run: Plan, *, forced: bool, started: bool) -> tuple[RunCost, RunCost, RunCost]:
    """The costs of a start, of a trial and of a final run.

    Only the first run prepares the table: the others find it prepared. Where the start has ended and what it
    prepared is not on this machine any more, each may have to, as far as can be told here.
    """
    facts, steps = run.facts, [one.step for one in run.steps]
    process = [step for step in steps if step.name == "process"]
    anew = [replace(step, skipped=None) for step in process]
    train = [step for step in steps if step.name == "train"]
    scoring = [step for step in steps if step.name in ("transform", "endpoint")]
    lost = process if started else []
    return (
        _cost([*(anew if forced else process), *train, *scoring], facts),
        _cost([*lost, *train], facts),
        _cost([*(anew if forced else lost), *train, *scoring], facts),
    )


def _cost(steps: Iterable[Step], facts: Facts) -> RunCost:
    planned: list[PlannedStep] = [planned_step(step, facts) for step in steps]
    return RunCost(
        total(one.cost.usd for one in planned),
        total(ceiling(one.cost, facts.prices) for one in planned),
        total(one.likely_usd for one in planned),
    )


def _too_dear(plan: StudyPlan) -> Iterator[Objection]:
    """What of a maximum cannot be kept, or leaves the study without an outcome."""
    if plan.limit is None or plan.costs_nothing:
        return
    first = plan.trial.times(0 if plan.standing.completed else 1)
    parts = (plan.start.times(plan._starts), first, plan.final.times(plan._finals))
    needed = total((plan.spent, *(part.ceiling for part in parts)))
    if needed is None:
        yield Objection(
            _KEY,
            f"{_KEY}={plan.limit:g} cannot be kept: {without_price(plan.run.facts)}.",
            f"`fraudlab plan --ask` asks AWS for its prices; or leave {_KEY} out",
        )
    elif needed > plan.limit:
        names = ("start", "one trial", "the final run")
        each = [
            f"{name} {dollars(part.ceiling)}" for name, part in zip(names, parts, strict=True) if part.most
        ]
        what = "What is left of the study" if plan.standing.completed else "A study of one trial"
        spent = [f"{dollars(plan.spent)} spent so far"] if plan.spent else []
        yield Objection(
            _KEY,
            f"{what} may cost {dollars(needed)} ({', '.join([*spent, *each])}),"
            f" more than {_KEY}={plan.limit:g}.",
            f"lower compute.*.max_minutes or choose smaller machines (see `fraudlab plan`), or raise {_KEY}",
        )
