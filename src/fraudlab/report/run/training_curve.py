"""How training went: the watched metric, round by round."""

from __future__ import annotations

import math

from fraudlab.report.kit import numerals
from fraudlab.report.kit.chart import Chart
from fraudlab.report.kit.plot import Plot, across, upward
from fraudlab.report.kit.scales import round_step
from fraudlab.report.recorded.refitted import refit_of
from fraudlab.report.recorded.run_record import RunRecord, number, series
from fraudlab.report.recorded.training_rounds import best_round


def training_curve(record: RunRecord) -> Chart | None:
    """The watched metric after each round, with the round that was kept."""
    values = [value for value in series(record.history, "validation") if value is not None]
    if len(values) < 2:
        return None
    metric = str(record.history.get("metric") or "metric").removeprefix("validation-")
    low, high = min(values), max(values)
    step = round_step((high - low) / 4) if high > low else 0.1
    low, high = math.floor(low / step) * step, math.ceil(high / step + 1e-9) * step
    places = min(6, max(1, math.ceil(-math.log10(step) - 1e-9)))
    rounds = [float(index) for index in range(1, len(values) + 1)]
    plot = Plot(
        across(1, len(values), "Rounds of boosting", numerals.count),
        upward(low, high, f"{metric} on validation", lambda value: numerals.decimal(value, places)),
    )
    marks = [plot.line(rounds, values, "curve a")]
    best = best_round(record)
    subtitle = f"{_rounds(len(values))} were trained"
    if best is not None and 0 <= best < len(values):
        at = best + 1
        late = at > 0.7 * len(values)
        marks += [plot.upright(at, "best"), plot.dot(at, values[at - 1], "chosen")]
        # the words stand at the top where the curve is low, so that they do not cover it
        top = values[at - 1] < (low + high) / 2
        marks.append(plot.beside(f"best: {_rounds(at)}", at, left=late, top=top))
        level = numerals.decimal(values[at - 1])
        subtitle = f"Best {metric} {level} after {at} of {_rounds(len(values))}" + _kept(
            record, at, len(values)
        )
    texts = [
        f"after {_rounds(i)}: {metric} {numerals.decimal(value, 4)}" for i, value in enumerate(values, 1)
    ]
    return Chart(
        "training",
        "Training, round by round",
        subtitle,
        plot.drawing(*marks, summary=f"{metric} on validation after each boosting round. {subtitle}."),
        hover={"x": rounds, "text": texts},
    )


def _rounds(many: float) -> str:
    return numerals.counted(many, "round")


def _kept(record: RunRecord, best: int, trained: int) -> str:
    """How many rounds the model has, where its contract says it."""
    kept = number(record.model, "rounds")
    if kept is None:
        return ""
    if refit_of(record):
        return (
            f" of the first fit; the refit has {_rounds(kept)} too"
            if kept == best
            else (f" of the first fit; the refit has {_rounds(kept)}")
        )
    if kept == best:
        return ", which are kept" if kept > 1 else ", which is kept"
    return "; all are kept" if kept == trained else f"; {_rounds(kept)} {'is' if kept == 1 else 'are'} kept"
