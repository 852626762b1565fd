"""How far a run's scores are chances, on its test rows, and how far they were before calibration."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fraudlab.evaluation.calibration import reliability
from fraudlab.evaluation.metrics import brier, log_loss
from fraudlab.evaluation.shares import wilson
from fraudlab.report.kit import numerals
from fraudlab.report.kit.chart import Chart, legend
from fraudlab.report.kit.markup import Markup, fragment
from fraudlab.report.kit.plot import Plot
from fraudlab.report.recorded.reliability_chart import NOTE, reliability_chart
from fraudlab.report.recorded.scores import Scores


def calibration(scores: Scores) -> Chart | None:
    """The share of fraud among test rows of similar score; None where scores are no chances, or all alike."""
    if not scores.row.size:
        return None
    own = scores.uncalibrated
    try:
        found = reliability(scores.label, scores.score)
        before = None if own is None else reliability(scores.label, own)
    except ValueError:
        return None
    groups = list(zip(found["score"], found["share"], found["rows"], strict=True))
    if len(groups) < 2:
        return None

    def dots(plot: Plot) -> list[Markup]:
        return [plot.dot(score, share, "one") for score, share, _ in groups if share > 0]

    lines = [("a", found["score"], found["share"])]
    subtitle: Markup | str = "Share of fraud among test rows of similar score"
    note = NOTE
    if own is not None and before is not None:
        lines.append(("b", before["score"], before["share"]))
        subtitle = fragment([f"{subtitle} ", legend({"a": "calibrated", "b": "before"})])
        note = f"{NOTE} {_worth(scores, own)}"
    return reliability_chart(
        lines,
        subtitle=subtitle,
        note=note,
        hover={"x": found["score"], "text": [_text(*group) for group in groups]},
        marks=dots,
    )


def _worth(scores: Scores, own: NDArray[np.float64]) -> str:
    """What calibration made of the test rows' figures."""
    figures = []
    for name, measure, places in (("Brier score", brier, 5), ("log-loss", log_loss, 5)):
        was, became = (measure(scores.label, score.astype(np.float32)) for score in (own, scores.score))
        figures.append(f"{name} {numerals.decimal(was, places)} \u2192 {numerals.decimal(became, places)}")
    return f"Calibration on these rows: {', '.join(figures)}."


def _text(score: float, share: float, rows: float) -> str:
    ends = wilson(share * rows, rows)
    assert ends is not None  # a group has rows
    between = f"{numerals.percent(ends[0])} to {numerals.percent(ends[1])}"
    return (
        f"mean score {numerals.score(score)}: {numerals.percent(share)} of "
        f"{numerals.counted(rows, 'row')} are fraud (95\u00a0% interval {between})"
    )
