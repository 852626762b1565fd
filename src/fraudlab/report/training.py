"""What training left to look at: the metric round by round, and why the threshold is where it is."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fraudlab.evaluation.operating import NO_ALERTS
from fraudlab.report import numerals
from fraudlab.report.charts import Chart
from fraudlab.report.plot import Plot, across, upward
from fraudlab.report.record import RunRecord, number, series
from fraudlab.report.scales import Log, round_step

# Numbers of alerts whose cost, or F1, is within this factor of the chosen one are called as good.
AS_GOOD = 1.1


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
    best = number(record.history, "best_round")
    subtitle = f"{len(values)} rounds were trained"
    if best is not None and 0 <= best < len(values):
        at = int(best) + 1
        late = at > 0.7 * len(values)
        marks += [plot.upright(at, "best"), plot.dot(at, values[at - 1], "chosen")]
        marks.append(plot.beside(f"best: {at} rounds", at, low, left=late))
        level = numerals.decimal(values[at - 1])
        subtitle = f"Best {metric} {level} after {at} of {len(values)} rounds, which are kept"
    texts = [f"after {i} rounds: {metric} {numerals.decimal(value, 4)}" for i, value in enumerate(values, 1)]
    return Chart(
        "training",
        "Training, round by round",
        subtitle,
        plot.drawing(*marks, summary=f"{metric} on validation after each boosting round. {subtitle}."),
        hover={"x": rounds, "text": texts},
    )


@dataclass(frozen=True)
class _Choice:
    """Validation rows by rising number of alerts: what was judged, and where it was best.

    `chosen` is a position, and None where nothing is alerted, which `best` is the level of then too.
    """

    judged: str
    alerts: list[float]
    level: list[float]
    threshold: list[float]
    chosen: int | None
    best: float


def threshold_choice(record: RunRecord) -> Chart | None:
    """What every number of alerts would have cost on validation, and which one was chosen.

    Where missed frauds have no price, F1 stands for the cost.
    """
    choice = _read_choice(record)
    if choice is None:
        return None
    best = choice.best
    alerts = 0.0 if choice.chosen is None else choice.alerts[choice.chosen]
    priced = choice.judged == "cost"
    label = numerals.tick if priced else _tenths
    step = round_step(max(choice.level) / 4)
    plot = Plot(
        across(1, choice.alerts[-1], "Alerts on validation (logarithmic)", numerals.tick, kind=Log),
        upward(
            0,
            math.ceil(max(choice.level) / step) * step,
            f"{choice.judged[0].upper()}{choice.judged[1:]} on validation",
            label,
        ),
    )
    marks = [
        plot.line(choice.alerts, choice.level, "curve a"),
        # no alert has no place on a logarithmic axis: the level of it is marked at its left end
        plot.dot(max(alerts, 1.0), best, "chosen"),
        plot.dot(max(alerts, 1.0), best, "here", data_at="choice"),
    ]
    many = numerals.count(alerts) if alerts else "no"
    written = numerals.count if priced else numerals.decimal
    note = _sensitivity(record, choice, priced=priced)
    texts = [
        f"{numerals.count(alerts)} alerts: {choice.judged} {written(level)} at {numerals.score(threshold)}"
        for alerts, level, threshold in zip(choice.alerts, choice.level, choice.threshold, strict=True)
    ]
    return Chart(
        "choice",
        "Why this threshold",
        f"Chosen on validation: {many} alerts, {choice.judged} {written(best)}",
        plot.drawing(*marks, summary=f"{choice.judged} on the validation rows by number of alerts. {note}"),
        note=note,
        hover={"x": choice.alerts, "y": choice.level, "t": choice.threshold, "text": texts},
    )


def _sensitivity(record: RunRecord, choice: _Choice, *, priced: bool) -> str:
    """Say how far the number of alerts may move before it matters."""
    best = choice.best
    good = [
        alerts
        for alerts, level in zip(choice.alerts, choice.level, strict=True)
        if (level <= AS_GOOD * best if priced else level * AS_GOOD >= best)
    ]
    if not good:
        return "Alerting nothing costs less than any number of alerts."
    span = f"from {numerals.count(good[0])} to {numerals.count(good[-1])} alerts"
    if not priced:
        return f"F1 stays within 10\u00a0% of this {span}."
    price = number(record.model, "decision", "alert_cost")
    each = f", plus {price:g} an alert" if price else ""
    return f"What missed frauds cost{each}. It stays within 10\u00a0% of this {span}."


def _read_choice(record: RunRecord) -> _Choice | None:
    """The curve up to where it costs a quarter more than never alerting; None where there is none."""
    judged = "cost" if series(record.validation, "curve", "cost") else "f1"
    columns = [series(record.validation, "curve", name) for name in ("alerts", judged, "threshold")]
    rows = [
        (float(alerts), float(level), float(threshold))
        for alerts, level, threshold in zip(*columns, strict=False)
        if alerts is not None and level is not None and threshold is not None and alerts >= 1
    ]
    rows.sort()
    shipped = number(record.validation, "threshold")
    if not rows or shipped is None:
        return None
    if judged == "cost":
        dearest = 1.25 * rows[0][1]
        rows = rows[: next((i for i, row in enumerate(rows) if row[1] > dearest), len(rows))]
    chosen = min(range(len(rows)), key=lambda i: abs(rows[i][2] - shipped))
    best, cost = rows[chosen][1], number(record.validation, "cost")
    nothing = judged == "cost" and shipped >= NO_ALERTS and cost is not None
    if rows[-1][0] <= rows[0][0] or max(row[1] for row in rows) <= 0:
        return None
    alerts, level, threshold = (list(column) for column in zip(*rows, strict=True))
    if nothing:
        return _Choice(judged, alerts, level, threshold, None, float(cost or 0.0))
    return _Choice(judged.replace("f1", "F1"), alerts, level, threshold, chosen, best)


def _tenths(value: float) -> str:
    return f"{value:.1f}"
