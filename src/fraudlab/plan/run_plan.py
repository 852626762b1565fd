"""The plan of a run: its requests, what they rent, and what that costs. Pure: facts in, figures out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any

from fraudlab.api_requests.check import find
from fraudlab.config import RunConfig
from fraudlab.objections import Objection, refuse
from fraudlab.plan.costs import StepCost, ceiling, dollars, most, probable
from fraudlab.plan.expectation import Expected, expected
from fraudlab.plan.fitting import tight, unfitting
from fraudlab.plan.permissions import Permissions, permissions
from fraudlab.plan.plan_facts import Facts
from fraudlab.plan.prices import Component, Price
from fraudlab.plan.quotas import Quota, quotas
from fraudlab.plan.spot import SpotRange, spot_saving
from fraudlab.plan.steps import Step, endpoint_step, processing_step, training_step, transform_step


@dataclass(frozen=True, kw_only=True)
class PlannedStep:
    """A step with its figures.

    Attributes
    ----------
    cost : StepCost
        The most it may cost.
    expected : Expected or None
        How long it will probably take.
    likely_usd : float or None
        None where either is not known; 0 where it is skipped.
    """

    step: Step
    cost: StepCost
    expected: Expected | None
    likely_usd: float | None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run would send, rent and cost.

    Attributes
    ----------
    facts : Facts
    steps : tuple of PlannedStep
        Empty of figures where nothing is rented.
    most_usd : float or None
        The most it may cost, of what is known; None where a machine has no price. 0 where nothing is rented.
    ceiling_usd : float or None
        The same with a margin for volumes that have no price: what a limit is compared with.
    likely_usd : float or None
        What it will probably cost; None where that is not known of every step.
    likely_seconds : float or None
        How long its steps will probably take.
    unpriced : tuple of str
        What has no price and is not in the sums.
    spot : SpotRange or None
        What spot machines were seen to save of the train job.
    quotas : tuple of Quota
    permissions : Permissions or None
        None where no account is used.
    notes : tuple of str
        What a person should know, one sentence for each.
    """

    facts: Facts
    steps: tuple[PlannedStep, ...]
    most_usd: float | None
    ceiling_usd: float | None
    likely_usd: float | None
    likely_seconds: float | None
    unpriced: tuple[str, ...]
    spot: SpotRange | None
    quotas: tuple[Quota, ...]
    permissions: Permissions | None
    notes: tuple[str, ...]

    @property
    def prices(self) -> list[Price]:
        """Every price behind the figures, once."""
        used = [item.price for planned in self.steps for item in planned.cost.items if item.price]
        return list(dict.fromkeys(used))

    def as_record(self) -> dict[str, Any]:
        """What ``run.json`` keeps of the plan."""
        return {
            "most_usd": self.most_usd,
            "likely_usd": self.likely_usd,
            "rehearsed": self.facts.rehearsed,
            "unpriced": list(self.unpriced),
            "region": self.facts.region,
            "prices": [price.as_json() for price in self.prices],
        }


def make_plan(config: RunConfig, facts: Facts) -> Plan:
    """Put a plan together, and refuse what cannot work, all of it at once.

    Raises
    ------
    ConfigError
        For a type that is not offered, a limit of AWS's, a job that cannot fit, and what may cost more than
        ``sagemaker.max_usd``.
    """
    steps = _steps(config, facts)
    size = facts.table.size
    planned = tuple(planned_step(step, facts) for step in steps)
    if not facts.in_cloud:
        return _of_this_machine(facts, planned)
    costs = [one.cost for one in planned]
    most_usd = total(cost.usd for cost in costs)
    ceiling_usd = total(ceiling(cost, facts.prices) for cost in costs)
    findings = [*find(config, facts.requests), *unfitting(size, steps)]
    if not facts.rehearsed:
        findings += _too_dear(config, facts, ceiling_usd)
    refuse(findings)
    return Plan(
        facts=facts,
        steps=planned,
        most_usd=most_usd,
        ceiling_usd=ceiling_usd,
        likely_usd=total(one.likely_usd for one in planned),
        likely_seconds=_likely_seconds(planned),
        unpriced=tuple(f"{cost.step.name} {what}" for cost in costs for what in cost.unpriced),
        spot=spot_saving(facts.region, config.compute.train.instance_type),
        quotas=tuple(quotas(steps)),
        permissions=permissions(
            facts.requests.keys(),
            push=facts.image.is_local,
            kms=config.sagemaker.kms is not None,
            vpc=bool(config.sagemaker.vpc.subnets),
            checkpoints=config.sagemaker.spot,
        ),
        notes=(*facts.notes, *tight(size, steps), *_notes(facts, steps)),
    )


def consent_needed(config: RunConfig, plan: Plan) -> bool:
    """Whether a person has to agree before money is spent."""
    return plan.facts.in_cloud and not plan.facts.rehearsed and not config.yes


def _steps(config: RunConfig, facts: Facts) -> list[Step]:
    requests, compute = facts.requests, config.compute
    found = [
        processing_step(requests["CreateProcessingJob"], skipped=facts.prepared),
        training_step(requests["CreateTrainingJob"]),
    ]
    if facts.via == "transform":
        request = requests["CreateTransformJob"]
        found.append(transform_step(request, max_seconds=compute.transform.max_minutes * 60))
    else:
        request = requests["CreateEndpointConfig"]
        found.append(endpoint_step(request, max_seconds=compute.serve.max_minutes * 60))
    return found


def planned_step(step: Step, facts: Facts) -> PlannedStep:
    """A step with its figures, by the prices and the earlier runs among the facts."""
    cost = most(step, facts.prices, facts.region) if facts.in_cloud else StepCost(step, [])
    found = expected(step, facts.earlier, rows=facts.table.size.rows)
    likely: float | None = None
    if step.skipped:
        likely = 0.0
    elif found and not facts.rehearsed:  # rehearsed seconds are those of this machine
        likely = probable(step, found.seconds, facts.prices, facts.region)
    return PlannedStep(step=step, cost=cost, expected=found, likely_usd=likely)


def _of_this_machine(facts: Facts, planned: tuple[PlannedStep, ...]) -> Plan:
    return Plan(
        facts=facts, steps=planned, most_usd=0.0, ceiling_usd=0.0, likely_usd=0.0,
        likely_seconds=_likely_seconds(planned), unpriced=(), spot=None, quotas=(), permissions=None,
        notes=tuple(facts.notes),
    )  # fmt: skip


def _too_dear(config: RunConfig, facts: Facts, ceiling_usd: float | None) -> list[Objection]:
    limit = config.sagemaker.max_usd
    if limit is None or (ceiling_usd is not None and ceiling_usd <= limit):
        return []
    key = "sagemaker.max_usd"
    if ceiling_usd is None:
        return [
            Objection(
                key,
                f"{key}={limit:g} cannot be kept: {without_price(facts)}.",
                "`fraudlab plan --ask` asks AWS for its prices; or leave sagemaker.max_usd out",
            )
        ]
    return [
        Objection(
            key,
            f"The run may cost {dollars(ceiling_usd)}, more than {key}={limit:g}.",
            f"lower compute.*.max_minutes or choose smaller machines (see `fraudlab plan`), or raise {key}",
        )
    ]


def without_price(facts: Facts) -> str:
    """Why there is no figure: no region, or none of its prices is known, or not of these machines."""
    if facts.region is None:
        return "no region is set, and prices differ by region"
    if facts.region not in facts.prices.regions:
        known = ", ".join(facts.prices.regions)
        return f"prices of region {facts.region} are not known, only of {known}"
    return f"not every machine of the run has a known price in {facts.region}"


def _likely_seconds(planned: Sequence[PlannedStep]) -> float | None:
    return total(
        0.0 if one.step.skipped else one.expected.seconds if one.expected else None for one in planned
    )


def total(values: Iterable[float | None]) -> float | None:
    """The sum; None where any of it is not known."""
    found = list(values)
    known = [value for value in found if value is not None]
    return fsum(known) if len(known) == len(found) else None


def _notes(facts: Facts, steps: Sequence[Step]) -> list[str]:
    notes = []
    if facts.prepared_unknown:
        notes.append(facts.prepared_unknown)
    for step in steps:
        if step.name in ("transform", "endpoint"):
            what = "transform job" if step.name == "transform" else "endpoint"
            notes.append(
                f"AWS knows no limit of time for the {what}: fraudlab ends it after"
                f" {step.max_seconds // 60} minutes, if it is there to do so."
            )
    if any(step.component is Component.training and step.warm_pool_seconds for step in steps):
        notes.append("A warm pool's quota is 0 by default, and then nothing is kept, silently.")
    return notes
