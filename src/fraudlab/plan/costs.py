"""Seconds of machines into US dollars. Pure: a price that is not known stays unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import fsum

from fraudlab.plan.prices import HOURS_PER_MONTH, Component, Price, PriceList
from fraudlab.plan.steps import Step

#: of a volume whose price is not known, for the limit alone: so many times the dearest that is
_VOLUME_MARGIN = 2


@dataclass(frozen=True, slots=True)
class CostItem:
    """One line of a bill.

    Attributes
    ----------
    what : str
        ``"machines"``, ``"volumes"`` or ``"warm pool"``.
    how : str
        The arithmetic, for people.
    usd : float or None
        None where the price is not known.
    price : Price or None
    """

    what: str
    how: str
    usd: float | None
    price: Price | None


@dataclass(frozen=True, slots=True)
class StepCost:
    """The most that a step may cost.

    Attributes
    ----------
    items : sequence of CostItem
        Empty where the step is skipped.
    """

    step: Step
    items: Sequence[CostItem]

    @property
    def usd(self) -> float | None:
        """The sum of what is known; None where the price of its machines is not."""
        if any(item.usd is None and item.what != "volumes" for item in self.items):
            return None
        return fsum(item.usd for item in self.items if item.usd is not None)

    @property
    def unpriced(self) -> list[str]:
        """What has no price."""
        return [item.what for item in self.items if item.usd is None]


def most(step: Step, prices: PriceList, region: str | None) -> StepCost:
    """What a step costs that runs for as long as it may.

    Machines are billed by the second: rate × machines × time. A volume is billed by GB and month, in
    proportion (730 hours are a month, as in AWS's calculator). Waiting for spot machines is not billed,
    and they cost at most what others do. A warm pool is billed like the job it follows.

    Parameters
    ----------
    step : Step
    prices : PriceList
    region : str or None
        None where nobody has said one: then nothing is known.
    """
    if step.skipped:
        return StepCost(step, [])
    rate = prices.hourly(region, step.component, step.instance_type)
    items = [_machines("machines", step, rate, step.max_seconds)]
    if step.volume_gb:
        items.append(_volumes(step, prices.volume(region, step.component)))
    if step.warm_pool_seconds:
        items.append(_machines("warm pool", step, rate, step.warm_pool_seconds))
    return StepCost(step, items)


def probable(step: Step, seconds: float, prices: PriceList, region: str | None) -> float | None:
    """What a step costs that runs for some seconds, with its volumes and a warm pool that nobody takes over.

    Parameters
    ----------
    step : Step
    seconds : float
        Of each machine.
    prices : PriceList
    region : str or None

    Returns
    -------
    float or None
        None where the price of its machines is not known.
    """
    return most(replace(step, max_seconds=round(seconds)), prices, region).usd


def ceiling(cost: StepCost, prices: PriceList) -> float | None:
    """What a limit is compared with: a volume without a price counts twice the dearest one that is known."""
    if (known := cost.usd) is None:
        return None
    if "volumes" not in cost.unpriced:
        return known
    return known + _gb_months(cost.step) * prices.dearest_volume * _VOLUME_MARGIN


def usd_of_seconds(price: Price, *, seconds: float, machines: int = 1) -> float:
    """What machines cost for some seconds each.

    Parameters
    ----------
    price : Price
        Per hour.
    seconds : float
        As AWS bills them: ``BillableTimeInSeconds`` of a training job, which for spot is less than it took.
    machines : int
    """
    return price.usd * machines * seconds / 3600


def usd_per_month(
    prices: PriceList, region: str | None, instance_type: str, *, machines: int = 1
) -> float | None:
    """What an endpoint costs that stays for a month of 730 hours; None where its price is not known.

    Examples
    --------
    >>> from fraudlab.plan.costs import usd_per_month
    >>> from fraudlab.plan.prices import packaged_prices
    >>> round(usd_per_month(packaged_prices(), "us-east-1", "ml.m5.large"), 2)
    83.95
    """
    rate = prices.hourly(region, Component.hosting, instance_type)
    if rate is None:
        return None
    return rate.usd * machines * HOURS_PER_MONTH


def dollars(usd: float | None) -> str:
    """An amount for people: two digits behind the point, three where it is less than ten cents.

    Examples
    --------
    >>> from fraudlab.plan.costs import dollars
    >>> dollars(0.2304), dollars(0.0042), dollars(1234.5), dollars(None)
    ('$0.23', '$0.004', '$1,234.50', 'unknown')
    """
    if usd is None:
        return "unknown"
    return f"${usd:,.2f}" if usd == 0 or usd >= 0.1 else f"${usd:.3f}" if usd >= 0.0005 else "under $0.001"


def _machines(what: str, step: Step, rate: Price | None, seconds: int) -> CostItem:
    how = f"{step.instance_count} × {_hours(seconds)} × {dollars(rate.usd if rate else None)}"
    usd = usd_of_seconds(rate, seconds=seconds, machines=step.instance_count) if rate else None
    return CostItem(what, how, usd, rate)


def _volumes(step: Step, price: Price | None) -> CostItem:
    how = f"{step.instance_count} × {step.volume_gb:,} GB × {dollars(price.usd if price else None)} per month"
    return CostItem("volumes", how, price.usd * _gb_months(step) if price else None, price)


def _gb_months(step: Step) -> float:
    hours = (step.max_seconds + step.warm_pool_seconds) / 3600
    return step.volume_gb * step.instance_count * hours / HOURS_PER_MONTH


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.3g} h" if seconds >= 3600 else f"{seconds / 60:.3g} min"
