"""How far a run's scores are chances, on its test rows."""

from __future__ import annotations

from fraudlab.evaluation.calibration import reliability
from fraudlab.evaluation.shares import wilson
from fraudlab.report.kit import numerals
from fraudlab.report.kit.chart import Chart
from fraudlab.report.kit.markup import Markup
from fraudlab.report.kit.plot import Plot
from fraudlab.report.recorded.reliability_chart import reliability_chart
from fraudlab.report.recorded.scores import Scores


def calibration(scores: Scores) -> Chart | None:
    """The share of fraud among test rows of similar score; None where scores are no chances, or all alike."""
    if not scores.row.size:
        return None
    try:
        found = reliability(scores.label, scores.score)
    except ValueError:
        return None
    groups = list(zip(found["score"], found["share"], found["rows"], strict=True))
    if len(groups) < 2:
        return None

    def dots(plot: Plot) -> list[Markup]:
        return [plot.dot(score, share, "one") for score, share, _ in groups if share > 0]

    return reliability_chart(
        [("a", found["score"], found["share"])],
        subtitle="Share of fraud among test rows of similar score",
        hover={"x": found["score"], "text": [_text(*group) for group in groups]},
        marks=dots,
    )


def _text(score: float, share: float, rows: float) -> str:
    ends = wilson(share * rows, rows)
    assert ends is not None  # a group has rows
    between = f"{numerals.percent(ends[0])} to {numerals.percent(ends[1])}"
    return (
        f"mean score {numerals.score(score)}: {numerals.percent(share)} of "
        f"{numerals.counted(rows, 'row')} are fraud (95\u00a0% interval {between})"
    )
