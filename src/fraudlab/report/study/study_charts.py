"""Drawings of a study: how its best value rose, and what each parameter had to do with it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from fraudlab.report.kit import numerals
from fraudlab.report.kit.blocks import bar, bar_figure
from fraudlab.report.kit.chart import Chart
from fraudlab.report.kit.markup import Markup
from fraudlab.report.kit.plot import Axis, Plot, across, upward
from fraudlab.report.kit.scales import Linear, Log
from fraudlab.report.recorded.run_record import Json
from fraudlab.report.study.study_values import (
    best_of_all,
    choice_at,
    completed,
    value_bounds,
    written_value,
)

_VALUE = "Average precision on validation"


def history_chart(trials: Sequence[Json]) -> Chart | None:
    """The value of each completed trial, and the best so far; None where none has completed."""
    done = completed(trials)
    if not done:
        return None
    last = max(trial["number"] for trial in trials) + 1
    plot = Plot(across(1, max(last, 2), "Trial", _whole), _upward(done))
    dots = [plot.dot(trial["number"] + 1, trial["value"], "one") for trial in done]
    early = [trial for trial in trials if trial["state"] == "pruned"]
    dots += [plot.dot(trial["number"] + 1, plot.y.scale.low, "one few") for trial in early]
    best = list(accumulate((trial["value"] for trial in done), max))
    line = plot.steps(*_rising([trial["number"] + 1 for trial in done], best, last), "curve a")
    top = numerals.decimal(best[-1], 4)
    return Chart(
        "history",
        "Best so far",
        "Each dot is a trial that was trained to its end"
        + ("; hollow ones, at the bottom, were ended early" if early else ""),
        plot.drawing(line, *dots, summary=f"{len(done)} trials completed; the best has {top} on validation."),
    )


def slice_chart(name: str, entry: Json, trials: Sequence[Json]) -> Chart | None:
    """The value of each completed trial by one parameter; None where none has completed."""
    done = [trial for trial in completed(trials) if name in trial["params"]]
    if not done:
        return None
    choices = entry.get("choices")
    x = _along(name, entry)
    plot = Plot(x, _upward(done))
    dots = []
    for trial in done:
        value = trial["params"][name]
        place = choice_at(choices, value) if choices else float(value)
        if place is not None:
            dots.append(plot.dot(place, trial["value"], "one"))
    best = best_of_all(done)
    words = f"The best trial has {written_value(best['params'][name])}"
    return Chart(
        f"slice-{name}".replace("_", "-"),
        name,
        words,
        plot.drawing(*dots, summary=f"{_VALUE} by {name}. {words}."),
    )


def importance_figure(importance: Json) -> Markup | None:
    """What each parameter explains of the differences among the trials; None of too few of them."""
    if not importance:
        return None
    shares = sorted(importance.items(), key=lambda pair: -pair[1])
    bars = [bar(name, share, numerals.percent(share)) for name, share in shares]
    note = "What a parameter explains in these trials and ranges; in others it may be another."
    return bar_figure(
        "What made the difference", "Share of the better trials' setting apart (PED-ANOVA)", bars, note=note
    )


def _along(name: str, entry: Json) -> Axis:
    if choices := entry.get("choices"):
        return across(-0.5, len(choices) - 0.5, name, lambda at: _chosen(choices, at))
    kind = Log if entry.get("log") else Linear
    return across(float(entry["low"]), float(entry["high"]), name, written_value, kind=kind)


def _chosen(choices: Sequence[Any], at: float) -> str:
    near = round(at)
    return written_value(choices[near]) if abs(at - near) < 1e-9 and 0 <= near < len(choices) else ""


def _upward(done: Sequence[Json]) -> Axis:
    return upward(*value_bounds(done), _VALUE, numerals.decimal)


def _rising(xs: list[int], ys: list[float], last: int) -> tuple[list[float], list[float]]:
    """Steps that rise where a better trial has ended, up to the last trial."""
    ends = [*map(float, xs[1:]), float(max(last, xs[-1] + 1))]
    return [float(xs[0]), *ends], [ys[0], *ys]


def _whole(value: float) -> str:
    return str(round(value)) if abs(value - round(value)) < 1e-9 else ""
