"""The operating points that the slider of a report stops at."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from fraudlab.evaluation.operating import OperatingPoint, recorded_point
from fraudlab.report.recorded.run_prices import Prices
from fraudlab.report.recorded.run_record import Json, RunRecord, number, series
from fraudlab.report.recorded.scores import Scores

# From one stop of the slider to the next, alerts grow by the factor FINE while a team could still look at all
# of them, and by COARSE from WORKABLE alerts per fraud on.
FINE, COARSE, WORKABLE = 1.03, 1.25, 5


@dataclass(frozen=True)
class OperatingRange:
    """The stops of the threshold slider, most alerts first.

    Attributes
    ----------
    stops : tuple of OperatingPoint
    chosen : int
        Position of the threshold the model was shipped with.
    total_value : float or None
        Sum of the amounts of all frauds in the test rows.
    costs : tuple of float or None
        What each stop costs on the test rows; None where missed frauds have no price.
    without_model : float or None
        What it costs to alert nothing.
    before : float or None
        What the threshold cost that the model had before it was chosen again; None where it was not.
    incumbent : float or None
        What the incumbent costs on the same rows; None where it was not compared.
    """

    stops: tuple[OperatingPoint, ...]
    chosen: int
    total_value: float | None
    costs: tuple[float, ...] | None = None
    without_model: float | None = None
    before: float | None = None
    incumbent: float | None = None

    @property
    def cost(self) -> float | None:
        """What the threshold the model was shipped with costs on the test rows."""
        return None if self.costs is None else self.costs[self.chosen]

    @property
    def point(self) -> OperatingPoint:
        return self.stops[self.chosen]

    def as_json(self) -> Json:
        """Columns, one value per stop."""
        rows = [asdict(stop) for stop in self.stops]
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        money = {
            "cost": self.costs,
            "nothing": self.without_model,
            "before": self.before,
            "incumbent": self.incumbent,
        }
        return {**columns, **money, "chosen": self.chosen, "total": self.total_value}


def operating_range(
    record: RunRecord, scores: Scores | None, prices: Prices | None = None
) -> OperatingRange | None:
    """Thin the threshold table to the stops of a slider; None where a run was not evaluated."""
    chosen = recorded_point(record.metrics)
    if chosen is None:
        return None
    value_at, total = _money(scores) or (None, None)
    points = {point.threshold: point for point in _thin(_table(record))}
    points[chosen.threshold] = chosen
    ordered = sorted(points.values(), key=lambda point: (-point.alerts, point.threshold))
    if value_at:
        ordered = [replace(point, value=value_at(point.threshold)) for point in ordered]
    position = next(i for i, point in enumerate(ordered) if point.threshold == chosen.threshold)
    priced = None if prices is None else prices.of(scores)
    if priced is None or priced.missed.size != chosen.tp + chosen.fn + 1:
        return OperatingRange(tuple(ordered), position, total)
    costs = tuple(float(priced.missed[point.tp] + priced.alert * point.alerts) for point in ordered)
    older = number(record.model, "threshold_of", "threshold")
    before = None
    if older is not None and scores is not None:
        alerted = scores.score >= older
        before = float(priced.missed[int((alerted & (scores.label == 1)).sum())])
        before += priced.alert * int(alerted.sum())
    incumbent = number(record.incumbent, "cost")
    return OperatingRange(tuple(ordered), position, total, costs, priced.without_model, before, incumbent)


def _table(record: RunRecord) -> list[OperatingPoint]:
    columns = [series(record.curves, "thresholds", name) for name in ("threshold", "tp", "fp", "fn", "tn")]
    rows: list[OperatingPoint] = []
    for threshold, *counts in zip(*columns, strict=False):
        if threshold is None or not math.isfinite(threshold):
            continue
        tp, fp, fn, tn = (int(count or 0) for count in counts)
        rows.append(OperatingPoint(float(threshold), tp, fp, fn, tn))
    return rows


def _thin(rows: list[OperatingPoint]) -> list[OperatingPoint]:
    """Keep rows whose alerts grow by a noticeable share, and both ends."""
    kept: list[OperatingPoint] = []
    ordered = sorted(rows, key=lambda row: (row.alerts, -row.threshold))
    for row in ordered:
        if kept:
            workable = kept[-1].alerts <= WORKABLE * (row.tp + row.fn)
            if row.alerts < max(kept[-1].alerts + 1, kept[-1].alerts * (FINE if workable else COARSE)):
                continue
        kept.append(row)
    return kept + ordered[-1:]


def _money(scores: Scores | None) -> tuple[Callable[[float], float], float] | None:
    """A function from a threshold to the money caught, and the money at stake."""
    if scores is None or scores.amount is None:
        return None
    import numpy as np

    from fraudlab.evaluation.metrics import fraud_amounts, known_amounts

    frauds = scores.label == 1
    known = known_amounts(frauds, scores.amount)
    if known is None:  # no fraud has an amount: there is no money to speak of
        return None
    amounts = fraud_amounts(frauds, known)
    order = np.argsort(scores.score[frauds])
    ascending = scores.score[frauds][order]
    # From each position on, and past the last one, what lies at or above it.
    above = np.append(np.cumsum(amounts[order][::-1])[::-1], 0.0)
    return lambda threshold: float(above[np.searchsorted(ascending, threshold, side="left")]), float(above[0])
