"""The test rows in bands of scores: how many are fraud, what missing them costs, and what looking costs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from fraudlab.evaluation.shares import wilson
from fraudlab.report.kit import numerals
from fraudlab.report.kit.blocks import table
from fraudlab.report.kit.markup import Markup, element
from fraudlab.report.recorded.run_prices import Prices
from fraudlab.report.recorded.scores import Scores

#: where bands end, besides at the threshold: finer where teams choose
_EDGES = (0.0, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)


@dataclass(frozen=True)
class _Band:
    """Rows whose score is at least `low` and below `high`; the last has no end."""

    low: float
    high: float | None
    rows: int
    frauds: int
    missed: float | None


def bands_section(scores: Scores | None, threshold: float | None, prices: Prices | None) -> Markup | None:
    """A row for each band that has some rows, highest first; None without scores that are chances."""
    if scores is None or threshold is None or not scores.score.size:
        return None
    if scores.score.min() < 0 or scores.score.max() > 1:
        return None
    bands = list(_bands(scores, threshold, prices))
    priced = prices is not None and all(band.missed is not None for band in bands)
    heads = ["Score", "Rows", "Frauds", "Rate"]
    if priced:
        heads += ["Missing costs", "Looking costs", "Looking saves"]
    body = [
        element(
            "tr",
            element("th", _range(band), scope="row"),
            [
                element("td", cell, data_label=head)
                for head, cell in zip(heads[1:], _cells(band, prices if priced else None), strict=True)
            ],
            class_="alerted" if band.low >= threshold else None,
        )
        for band in bands
    ]
    money = ""
    if priced and prices is not None:
        unit = f", in {prices.currency}" if prices.currency else ""
        money = f" What missing the frauds of a band costs, against looking at all its rows{unit}."
    return element(
        "section",
        element("h2", "Bands of scores"),
        element(
            "p",
            f"The test rows by their score. Shaded bands are alerted: at the threshold or above.{money}",
            class_="lead",
        ),
        table(heads, body, class_="wide stack bands"),
        id="bands",
    )


def _bands(scores: Scores, threshold: float, prices: Prices | None) -> Iterator[_Band]:
    import numpy as np

    edges = np.unique([*_EDGES, threshold] if threshold <= 1 else [*_EDGES])
    band = np.searchsorted(edges, scores.score, side="right") - 1
    frauds = scores.label == 1
    missed = None if prices is None else prices.model.of_frauds(frauds, scores.amount)
    rows = np.bincount(band, minlength=edges.size)
    caught = np.bincount(band[frauds], minlength=edges.size)
    costs = None if missed is None else np.bincount(band[frauds], missed, minlength=edges.size)
    ends = itertools.chain(edges[1:].tolist(), [None])
    listed = list(enumerate(zip(edges.tolist(), ends, strict=True)))
    for at, (low, high) in reversed(listed):
        if rows[at]:
            money = None if costs is None else float(costs[at])
            yield _Band(low, high, int(rows[at]), int(caught[at]), money)


def _range(band: _Band) -> str:
    if band.high is None:
        return f"{numerals.score(band.low)} or more"
    return f"{numerals.score(band.low)} to {numerals.score(band.high)}"


def _cells(band: _Band, prices: Prices | None) -> list[str | Markup]:
    ends = wilson(band.frauds, band.rows)
    rate = numerals.percent(band.frauds / band.rows)
    shown: str | Markup = rate
    if ends is not None and band.frauds:
        low, high = (numerals.percent(end) for end in ends)
        shown = element("span", rate, " ", element("small", f"{low} to {high}"), class_="whole")
    cells: list[str | Markup] = [numerals.count(band.rows), numerals.count(band.frauds), shown]
    if prices is not None and band.missed is not None:
        looking = prices.model.alert_cost * band.rows
        cells += [numerals.count(band.missed), numerals.count(looking), numerals.count(band.missed - looking)]
    return cells
