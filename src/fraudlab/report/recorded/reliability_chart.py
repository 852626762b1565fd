"""Whether scores are chances: the share of fraud among rows of similar score, drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from fraudlab.report.kit.chart import Chart
from fraudlab.report.kit.markup import Markup
from fraudlab.report.kit.plot import Plot, across, upward
from fraudlab.report.kit.scales import Log

_Line = tuple[str, Sequence[float], Sequence[float]]

NOTE = "Groups of rows with rising scores, each expecting as many frauds. Scores are too high below the line."


def reliability_chart(
    lines: Sequence[_Line],
    *,
    subtitle: Markup | str,
    note: str = NOTE,
    hover: dict[str, Any] | None = None,
    marks: Callable[[Plot], list[Markup]] = lambda _plot: [],
) -> Chart | None:
    """Lines of mean score against share of fraud; on the diagonal, scores are chances.

    Parameters
    ----------
    lines : sequence of (str, sequence of float, sequence of float)
        Classes of a line, its mean scores, rising, and its shares.
    subtitle : Markup or str
    note : str
    hover : dict, optional
        What the pointer reads.
    marks : callable
        What else is drawn on the plot.

    Returns
    -------
    Chart or None
        None where no line has a point that can be drawn.
    """
    values = [value for _, xs, ys in lines for value in (*xs, *ys) if value > 0]
    if not values or min(values) >= 1:
        return None
    low = 10.0 ** math.floor(math.log10(max(1e-7, min(values))) + 1e-9)
    plot = Plot(
        across(low, 1, "Mean score (logarithmic)", percent_tick, kind=Log),
        upward(low, 1, "Share of fraud (logarithmic)", percent_tick, kind=Log),
    )
    drawn = [plot.line([low, 1], [low, 1], "reference")]
    drawn += [plot.line(xs, ys, f"curve {class_}") for class_, xs, ys in lines]
    return Chart(
        "calibration",
        "Calibration",
        subtitle,
        plot.drawing(*drawn, *marks(plot), summary=f"Share of fraud against mean score. {note}"),
        note=note,
        hover=hover or {},
    )


def percent_tick(value: float) -> str:
    """A share at an axis, with as few digits as it has."""
    return f"{value * 100:.6g}\u00a0%"
