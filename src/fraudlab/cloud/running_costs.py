"""What may be costing money now, said loudly; one place for all commands that talk to an account."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fraudlab.aws.account import Account
from fraudlab.aws.answers import explained_calls
from fraudlab.cloud.made_things import MadeThing, ThingKind, find_made
from fraudlab.errors import FraudlabError
from fraudlab.plan.costs import dollars, usd_of_seconds
from fraudlab.plan.price_cache import known_prices
from fraudlab.plan.prices import Component, PriceList, packaged_prices

if TYPE_CHECKING:
    from fraudlab.cloud.made_things import Inventory

#: what is billed while it is there
_BILLED = (
    ThingKind.endpoint,
    ThingKind.training_job,
    ThingKind.processing_job,
    ThingKind.transform_job,
    ThingKind.warm_pool,
)
#: states of an endpoint that has no machines
_UNBILLED_STATES = frozenset({"Failed", "Deleting"})
_COMPONENTS = {
    ThingKind.endpoint: Component.hosting,
    ThingKind.training_job: Component.training,
    ThingKind.warm_pool: Component.training,
    ThingKind.processing_job: Component.processing,
    ThingKind.transform_job: Component.transform,
}
_DAY = 86_400
#: the command that ends what costs money
CLEAN = "fraudlab clean --cloud"


@dataclass(frozen=True)
class Machines:
    """Machines of one type."""

    instance_type: str
    count: int


@dataclass(frozen=True)
class Costing:
    """Something that may be costing money.

    Attributes
    ----------
    thing : MadeThing
    machines : tuple of Machines
        Empty where they could not be told.
    usd_per_hour : float or None
        By list; None where a price is not known.
    usd_so_far : float or None
    """

    thing: MadeThing
    machines: tuple[Machines, ...]
    usd_per_hour: float | None
    usd_so_far: float | None


def find_costing(
    account: Account, *, prices: PriceList | None = None, now: datetime | None = None
) -> tuple[list[Costing], Inventory]:
    """What may be costing money, by the packaged prices or by others, and all that could not be asked."""
    found = find_made(account, kinds=_BILLED)
    prices = prices or packaged_prices()
    now = now or datetime.now(UTC)
    billed = [thing for thing in found.things if thing.status not in _UNBILLED_STATES]
    return [_costing(account, thing, prices, now) for thing in billed], found


def cost_lines(
    account: Account, *, prices: PriceList | None = None, now: datetime | None = None
) -> list[str]:
    """Sentences on what may be costing money, for the end of a command; empty where nothing is.

    What cannot be asked is said, and never raised: the command itself has ended by then.
    """
    return asked_costs(account, prices=prices, now=now)[1]


def asked_costs(
    account: Account, *, prices: PriceList | None = None, now: datetime | None = None
) -> tuple[list[Costing] | None, list[str]]:
    """What may be costing money, None where not all of it could be asked, and the sentences on it."""
    now = now or datetime.now(UTC)
    try:
        _ = account.identity  # where nobody is let in, each listing would fail by itself
        costing, found = find_costing(account, prices=prices, now=now)
        lines = costing_lines(account, costing, now=now)
    except FraudlabError as error:
        return None, [
            f"What may be costing money in AWS could not be asked: {error.message} (fix: {error.fix})"
        ]
    if lines:
        lines.append(f"  take it away: {CLEAN}")
    lines += [f"Not everything could be asked: {error.message}" for error in found.unasked]
    return (None if found.unasked else costing), lines


def costing_lines(account: Account, costing: Sequence[Costing], *, now: datetime | None = None) -> list[str]:
    """A headline and a line for each thing that may be costing money; empty where there is none."""
    if not costing:
        return []
    now = now or datetime.now(UTC)
    what = "REHEARSED, COSTS NOTHING" if is_rehearsed(account) else "MAY BE COSTING MONEY NOW"
    return [f"{what} (region {account.region}):", *(f"  {_line(one, now)}" for one in costing)]


def say_costs(account: Account, say: Callable[[str], object], *, cache: str | Path) -> None:
    """Say what may be costing money, one line after the other, by the prices that a cache has too."""
    for line in cost_lines(account, prices=known_prices(Path(cache))):
        say(line)


def is_rehearsed(account: Account) -> bool:
    """Whether an account is a rehearsal's: no account of AWS's has the number of nothing but zeros."""
    return not account.identity.account.strip("0")


def age(created: datetime, now: datetime) -> str:
    """How long something has been there, such as ``"3 d"``."""
    seconds = max(0.0, (now - created).total_seconds())
    for size, unit in ((_DAY, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _costing(account: Account, thing: MadeThing, prices: PriceList, now: datetime) -> Costing:
    try:
        machines = _machines(account, thing)
    except FraudlabError:
        return Costing(thing, (), None, None)
    hourly = so_far = 0.0
    for one in machines:
        price = prices.hourly(account.region, _COMPONENTS[thing.kind], one.instance_type)
        if price is None:
            return Costing(thing, machines, None, None)
        hourly += price.usd * one.count
        so_far += usd_of_seconds(price, seconds=(now - thing.created).total_seconds(), machines=one.count)
    return Costing(thing, machines, hourly, so_far) if machines else Costing(thing, (), None, None)


def _machines(account: Account, thing: MadeThing) -> tuple[Machines, ...]:
    client, name = account.client("sagemaker"), thing.name
    with explained_calls(doing=f"Describing {name}"):
        if thing.kind is ThingKind.endpoint:
            described = client.describe_endpoint(EndpointName=name)
            config = client.describe_endpoint_config(EndpointConfigName=described["EndpointConfigName"])
            return tuple(_of(one, "InitialInstanceCount") for one in config["ProductionVariants"])
        if thing.kind is ThingKind.processing_job:
            described = client.describe_processing_job(ProcessingJobName=name)
            return (_of(described["ProcessingResources"]["ClusterConfig"]),)
        if thing.kind is ThingKind.transform_job:
            return (_of(client.describe_transform_job(TransformJobName=name)["TransformResources"]),)
        return (_of(client.describe_training_job(TrainingJobName=name)["ResourceConfig"]),)


def _of(machine: Mapping[str, Any], count: str = "InstanceCount") -> Machines:
    return Machines(str(machine.get("InstanceType", "")), int(machine.get(count, 1)))


def _line(one: Costing, now: datetime) -> str:
    thing = one.thing
    machines = ", ".join(f"{one.count} × {one.instance_type}" for one in one.machines) or "unknown machines"
    cost = "price unknown"
    if one.usd_per_hour is not None:
        cost = f"{dollars(one.usd_per_hour)} per hour, about {dollars(one.usd_so_far)} so far by list"
    whose = f", of {thing.owner}" if thing.owner else ""
    state = f" {thing.status}" if thing.status else ""
    return f"{thing.kind.value} {thing.name}{state} for {age(thing.created, now)}: {machines}, {cost}{whose}"
