"""Prices that AWS was asked for, kept beside what can be made again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fraudlab.files import private_folder, write_json
from fraudlab.plan.prices import Component, Price, PriceList, PriceRow, packaged_prices

_KIND = "prices"


def known_prices(cache: Path) -> PriceList:
    """The packaged prices, and over them whatever AWS was asked for and answered.

    Parameters
    ----------
    cache : Path
        Folder of the cache; a file in it that is damaged counts for nothing.
    """
    prices = packaged_prices()
    folder = cache / _KIND
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else []:
        try:
            rows = [_row(record) for record in json.loads(path.read_text(encoding="utf-8"))]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        prices = prices.with_rows(rows)
    return prices


def keep(cache: Path, region: str, rows: Iterable[PriceRow]) -> Path:
    """Write down the prices of a region in place of older ones."""
    private_folder(cache)
    path = cache / _KIND / f"{region}.json"
    write_json(path, [row.as_json() for row in rows])
    return path


def _row(record: dict[str, Any]) -> PriceRow:
    price = Price(float(record["usd"]), str(record["kind"]), str(record["date"]), str(record["source"]))
    if not 0 <= price.usd < 1e6:
        raise ValueError(f"no price: {price.usd}")
    instance_type = record["instance_type"]
    return PriceRow(
        str(record["region"]),
        Component(record["component"]),
        None if instance_type is None else str(instance_type),
        price,
    )
