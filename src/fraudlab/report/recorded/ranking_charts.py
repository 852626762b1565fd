"""The curves of a ranking, as evaluation recorded them: precision and recall, and ROC."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from fraudlab.evaluation.operating import OperatingPoint
from fraudlab.report.kit import numerals
from fraudlab.report.kit.chart import Chart
from fraudlab.report.kit.markup import Markup, fragment
from fraudlab.report.kit.plot import Plot, across, upward
from fraudlab.report.kit.scales import Log
from fraudlab.report.recorded.run_record import Json, RunRecord, series


@dataclass(frozen=True)
class Curve:
    """One run's curve: finite points, and the threshold of each where it has one."""

    name: str
    class_: str
    x: list[float]
    y: list[float]
    threshold: list[float | None]


def read_curve(
    record: RunRecord, kind: str, *, name: str = "", class_: str = "curve a", limit: int | None = None
) -> Curve | None:
    """Read ``pr`` or ``roc`` from a run, ordered along x; None where there are no two points.

    With a limit, about so many points are left, without thresholds: the recorded ones are spread over recall
    and alerts, and every so many of them are so as well.
    """
    x_name, y_name = ("recall", "precision") if kind == "pr" else ("fpr", "tpr")
    xs, ys = series(record.curves, kind, x_name), series(record.curves, kind, y_name)
    thresholds = series(record.curves, kind, "threshold")
    thresholds += [None] * (len(xs) - len(thresholds))
    points = [
        (float(x), float(y), threshold)
        for x, y, threshold in zip(xs, ys, thresholds, strict=False)
        if x is not None and y is not None and math.isfinite(x) and math.isfinite(y)
    ]
    if len(points) < 2:
        return None
    if limit is not None and len(points) > limit:
        every = math.ceil(len(points) / limit)
        points = [(x, y, None) for x, y, _ in [*points[:-1:every], points[-1]]]
    # Along x; at one x, precision falls and the true positive rate rises as the threshold does.
    points.sort(key=lambda point: (point[0], -point[1] if kind == "pr" else point[1]))
    return Curve(name, class_, [p[0] for p in points], [p[1] for p in points], [p[2] for p in points])


def precision_recall(
    curves: Sequence[Curve],
    *,
    subtitle: Markup | str,
    prevalence: float | None,
    chosen: OperatingPoint | None = None,
) -> Chart:
    """Precision against recall, with what random alerts would reach."""
    plot = Plot(
        across(0, 1, "Recall: share of frauds caught", _tenths),
        upward(0, 1, "Precision: share of alerts that are fraud", _tenths),
    )
    marks = [plot.steps(curve.x, curve.y, curve.class_) for curve in curves]
    if prevalence:
        # move the name out of the corner in which the chosen point lies
        low = (
            chosen is not None and (chosen.recall or 0) < 0.5 and (chosen.precision or 1) < prevalence + 0.25
        )
        marks.insert(0, plot.level(prevalence, f"random alerts: {numerals.percent(prevalence)}", right=low))
    if chosen and chosen.recall is not None:
        marks.append(_markers(plot, chosen.recall, 1 if chosen.precision is None else chosen.precision))
    return Chart(
        "pr",
        "Precision and recall",
        subtitle,
        plot.drawing(
            *marks, summary="Precision against recall for every threshold." + _point_summary(chosen)
        ),
        hover=_curve_hover(curves, "recall", "precision"),
    )


def roc(
    curves: Sequence[Curve],
    *,
    subtitle: Markup | str,
    negatives: float | None,
    chosen: OperatingPoint | None = None,
) -> Chart:
    """True against false positive rate; logarithmic, because a fraud team works below one per cent."""
    smallest = min((x for curve in curves for x in curve.x if x > 0), default=1e-4)
    least = max(1e-6, min(smallest, 1 / negatives if negatives else smallest, 0.01))
    low = 10.0 ** math.floor(math.log10(least) + 1e-9)
    plot = Plot(
        across(low, 1, "False positive rate (logarithmic)", _percent_tick, kind=Log),
        upward(0, 1, "True positive rate: share of frauds caught", _tenths),
    )
    diagonal = [low * (1 / low) ** (step / 60) for step in range(61)]
    marks = [
        plot.line(diagonal, diagonal, "reference"),
        plot.name("random", 0.35, 0.35, anchor="end", dx=-6),
    ]
    marks += [plot.line(curve.x, curve.y, curve.class_) for curve in curves]
    if chosen and chosen.recall is not None and chosen.false_positive_rate is not None:
        marks.append(_markers(plot, chosen.false_positive_rate, chosen.recall))
    return Chart(
        "roc",
        "ROC curve",
        subtitle,
        plot.drawing(
            *marks,
            summary="True positive rate against false positive rate for every threshold."
            + _point_summary(chosen),
        ),
        hover=_curve_hover(curves, "false positive rate", "true positive rate"),
    )


def _markers(plot: Plot, x: float, y: float) -> Markup:
    return fragment(plot.dot(x, y, "chosen"), plot.dot(x, y, "here", data_at="point"))


def _point_summary(point: OperatingPoint | None) -> str:
    if point is None:
        return ""
    return (
        f" At the chosen threshold {numerals.score(point.threshold)}: "
        f"recall {numerals.decimal(point.recall)}, precision {numerals.decimal(point.precision)}."
    )


def _curve_hover(curves: Sequence[Curve], x_name: str, y_name: str) -> Json:
    return {
        "names": [x_name, y_name],
        "curves": [
            {
                "name": curve.name,
                "x": [_five(x) for x in curve.x],
                "y": [_five(y) for y in curve.y],
                "t": [None if t is None or not math.isfinite(t) else _five(t) for t in curve.threshold],
            }
            for curve in curves
        ],
    }


def _five(value: float) -> float:
    return float(f"{value:.5g}")


def _tenths(value: float) -> str:
    return f"{value:.1f}"


def _percent_tick(value: float) -> str:
    return f"{value * 100:.6g}\u00a0%" if value >= 1e-6 else f"{value:g}"
