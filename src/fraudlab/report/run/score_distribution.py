"""How the scores of both classes lie, and where the threshold cuts them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from fraudlab.evaluation.operating import OperatingPoint
from fraudlab.report.kit import numerals
from fraudlab.report.kit.chart import Chart, legend
from fraudlab.report.kit.plot import Kind, Plot, across, upward
from fraudlab.report.kit.scales import Linear, Log, Logit
from fraudlab.report.recorded.run_record import RunRecord, series
from fraudlab.report.recorded.scores import Scores

BINS = 60
# Scores closer to 0 or 1 than this are counted in the outermost bins.
CLOSEST = 1e-5


@dataclass(frozen=True)
class _Histogram:
    edges: list[float]
    legitimate: list[float]
    fraud: list[float]
    kind: type[Kind]


def score_distribution(
    record: RunRecord, scores: Scores | None, chosen: OperatingPoint | None
) -> Chart | None:
    """Counts of both classes by score, both logarithmic: frauds are rare, and most scores are near 0 or 1.

    Without the scores themselves, or where they are not probabilities, the bins of ``curves.json`` are drawn.
    """
    bins = (_by_odds(scores) if scores else None) or _recorded(record)
    if bins is None:
        return None
    top = max(10.0, *bins.legitimate, *bins.fraud) * 1.5
    title = "Score (log odds)" if bins.kind is Logit else "Score"
    plot = Plot(
        across(bins.edges[0], bins.edges[-1], title, _plain, kind=bins.kind),
        upward(0.7, top, "Test rows (logarithmic)", numerals.tick, kind=Log),
    )
    marks = [
        plot.columns(bins.edges, bins.legitimate, "bars legitimate"),
        plot.columns(bins.edges, bins.fraud, "bars fraud"),
    ]
    if chosen:
        marks.append(plot.upright(chosen.threshold, "threshold", data_at="score"))
    pairs = list(itertools.pairwise(bins.edges))
    texts = [
        f"score {_short(low)}–{_short(high)}: {numerals.count(many)} legitimate, {numerals.count(few)} fraud"
        for (low, high), many, few in zip(pairs, bins.legitimate, bins.fraud, strict=True)
    ]
    return Chart(
        "scores",
        "Score distribution",
        legend({"legitimate": "legitimate", "fraud": "fraud", "threshold": "threshold"}),
        plot.drawing(*marks, summary="Number of legitimate and fraudulent test rows by score."),
        hover={"x": [(low + high) / 2 for low, high in pairs], "text": texts},
    )


def _by_odds(scores: Scores) -> _Histogram | None:
    import numpy as np

    score = scores.score
    if not score.size or score.min() < 0 or score.max() > 1:
        return None
    inside = np.clip(score, CLOSEST, 1 - CLOSEST)
    odds = np.log(inside) - np.log1p(-inside)
    low, high = float(odds.min()), float(odds.max())
    edges = np.linspace(min(low, -1.0), max(high, 1.0), BINS + 1)
    frauds = scores.label == 1
    return _Histogram(
        (1 / (1 + np.exp(-edges))).tolist(),
        np.histogram(odds[~frauds], edges)[0].tolist(),
        np.histogram(odds[frauds], edges)[0].tolist(),
        Logit,
    )


def _recorded(record: RunRecord) -> _Histogram | None:
    edges = [edge for edge in series(record.curves, "histogram", "edges") if edge is not None]
    legitimate, fraud = (
        _counts(series(record.curves, "histogram", name)) for name in ("legitimate", "fraud")
    )
    if len(edges) < 2 or not len(legitimate) == len(fraud) == len(edges) - 1 or edges[0] >= edges[-1]:
        return None
    return _Histogram(edges, legitimate, fraud, Linear)


def _counts(values: Sequence[float | None]) -> list[float]:
    return [value or 0.0 for value in values]


def _plain(value: float) -> str:
    return f"{value:.9f}".rstrip("0").rstrip(".") or "0"


def _short(value: float) -> str:
    """As many digits as tell neighbouring bins apart, from either end."""
    distance = min(value, 1 - value)
    return numerals.score(value) if distance > 0.001 or value < 0.5 else f"{value:.6f}"
