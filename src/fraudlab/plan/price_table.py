"""The prices of a region for people, and for scripts. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from fraudlab.plan.prices import CAVEAT, Component, PriceList, PriceRow

_NONE = "-"
_VOLUME = "volume, GB-month"
_MEANINGS = {
    "read": "read in a public table or on an invoice",
    "derived": "derived from EC2's price by the factor that holds for those that were read",
    "derived, factor assumed": "derived so, with the factor of a like family",
    "live": "answered by AWS's Pricing API on that date",
}


def table_lines(prices: PriceList, region: str) -> Iterator[str]:
    """A region's prices: a line for each machine and kind of figure, and what the kinds mean."""
    rows = prices.rows(region)
    if not rows:
        yield f"no prices of {region} are known, only of {', '.join(prices.regions)}"
        yield f"ask AWS for them: fraudlab cloud prices --region {region} --refresh"
        return
    lines = list(_lines(rows))
    width = max(len(name) for name, *_ in lines)
    yield f"{region}: US dollars per hour, {CAVEAT}"
    for name, *cells, origin in [("", *(component.value for component in Component), ""), *lines]:
        shown = "".join(f"{cell:>12}" for cell in cells)
        yield f"{name:<{width}}{shown}  {origin}".rstrip()
    for kind in sorted({row.price.kind for row in rows}):
        yield f"{kind}: {_MEANINGS.get(kind, 'as its source says')}"
    yield f"{_NONE}: not known, or not offered"


def as_json(prices: PriceList, region: str | None) -> dict[str, Any]:
    """The prices of a region, or of all, with the source of each figure."""
    return {
        "region": region,
        "currency": "USD",
        "caveat": CAVEAT,
        "known_regions": prices.regions,
        "prices": [row.as_json() for row in prices.rows(region)],
    }


def _lines(rows: Sequence[PriceRow]) -> Iterator[tuple[str, ...]]:
    """Name, a figure for each component, and where they are from; rows are in order of their types."""
    together: dict[tuple[str | None, str], dict[Component, str]] = {}
    for row in rows:
        origin = f"{row.price.kind}{f', {row.price.date}' if row.price.date else ''}"
        together.setdefault((row.instance_type, origin), {})[row.component] = f"{row.price.usd:.4f}"
    for (instance_type, origin), figures in together.items():
        cells = [figures.get(component, _NONE) for component in Component]
        yield (instance_type or _VOLUME, *cells, origin)
