"""What machines and their volumes cost by list, in US dollars, and where each figure is from.

The packaged tables were read in public tables and on an invoice, or derived from EC2's prices by the factor
that holds for those; each row says which. ``requirements/prices.py`` writes them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import Any

#: what no figure of a plan holds
CAVEAT = "list price, before discounts and tax"
#: as AWS's own calculator counts
HOURS_PER_MONTH = 730
_TABLES = Path(__file__).parent


class Component(Enum):
    """What a machine is rented for; each has prices and quotas of its own."""

    processing = "processing"
    training = "training"
    transform = "transform"
    hosting = "hosting"


@dataclass(frozen=True, slots=True)
class Price:
    """A figure and where it is from.

    Attributes
    ----------
    usd : float
        Per hour, or of a volume per GB and month.
    kind : str
        ``"read"`` in a table or on an invoice, ``"derived"`` from EC2's price (``"derived, factor
        assumed"`` where that is one step further), or ``"live"`` from the Pricing API.
    date : str
        When it was so, as far as that is known; may be empty.
    source : str
    """

    usd: float
    kind: str
    date: str
    source: str

    def as_json(self) -> dict[str, Any]:
        """The price for scripts."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class PriceRow:
    """A price and what it is of: the machines of a type, or, where there is no type, their volumes."""

    region: str
    component: Component
    instance_type: str | None
    price: Price

    def as_json(self) -> dict[str, Any]:
        """The row for scripts, flat."""
        unit = "GB-month" if self.instance_type is None else "hour"
        return {
            "region": self.region,
            "component": self.component.value,
            "instance_type": self.instance_type,
            "unit": unit,
            **self.price.as_json(),
        }


class PriceList:
    """Prices by region, component and instance type.

    Parameters
    ----------
    rows : iterable of PriceRow
        Of two rows that are of the same, the later one counts.

    Examples
    --------
    >>> from fraudlab.plan.prices import Component, packaged_prices
    >>> prices = packaged_prices()
    >>> prices.hourly("eu-west-1", Component.training, "ml.m5.xlarge").usd
    0.257
    >>> prices.hourly("us-gov-west-1", Component.training, "ml.m5.xlarge") is None
    True
    """

    def __init__(self, rows: Iterable[PriceRow]) -> None:
        self._rows = {(row.region, row.component, row.instance_type): row for row in rows}

    def hourly(self, region: str | None, component: Component, instance_type: str) -> Price | None:
        """The price of a machine per hour; None where it is not known."""
        return self._price(region, component, instance_type)

    def volume(self, region: str | None, component: Component) -> Price | None:
        """The price of a volume per GB and month; None where it is not known."""
        return self._price(region, component, None)

    def with_rows(self, rows: Iterable[PriceRow]) -> PriceList:
        """A list in which these rows stand in place of older ones."""
        return PriceList([*self._rows.values(), *rows])

    def rows(self, region: str | None = None) -> list[PriceRow]:
        """All rows, or those of a region, in order of region, type and component."""
        found = [row for row in self._rows.values() if region in (None, row.region)]
        order = list(Component)
        return sorted(
            found, key=lambda row: (row.region, _size(row.instance_type), order.index(row.component))
        )

    @property
    def regions(self) -> list[str]:
        """The regions of which any machine's price is known."""
        return sorted({row.region for row in self._rows.values() if row.instance_type is not None})

    @property
    def dearest_volume(self) -> float:
        """The highest price of a volume that is known in any region."""
        return max((row.price.usd for row in self._rows.values() if row.instance_type is None), default=0.0)

    def _price(self, region: str | None, component: Component, instance_type: str | None) -> Price | None:
        row = self._rows.get((region, component, instance_type)) if region else None
        return row.price if row else None


def packaged_prices() -> PriceList:
    """The prices that came with fraudlab."""
    rows = [
        PriceRow(row["region"], Component(component), row["instance"], _read(row, "usd_per_hour"))
        for row in _table("list_prices.csv")
        for component in row["components"].split()
    ]
    rows += [
        PriceRow(row["region"], Component(component), None, _read(row, "usd_per_gb_month"))
        for row in _table("volume_prices.csv")
        for component in row["components"].split()
    ]
    return PriceList(rows)


def _table(name: str) -> list[dict[str, str]]:
    with (_TABLES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _read(row: Mapping[str, str], column: str) -> Price:
    return Price(float(row[column]), row["kind"], row["date"], row["source"])


def _size(instance_type: str | None) -> tuple[str, float]:
    """What sorts ``ml.m5.4xlarge`` behind ``ml.m5.xlarge``; volumes come last."""
    if instance_type is None:
        return ("~", 0.0)
    family, _, size = instance_type.rpartition(".")
    small = {"medium": 0.25, "large": 0.5, "xlarge": 1.0}
    number = size.removesuffix("xlarge")
    return (family, small.get(size, float(number) if number.isdecimal() else 0.0))
