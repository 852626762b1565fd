"""Why the threshold is where it is: what every number of alerts would have cost on validation."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fraudlab.evaluation.operating import NO_ALERTS, recorded_point
from fraudlab.report.kit import numerals
from fraudlab.report.kit.chart import Chart
from fraudlab.report.kit.plot import Plot, across, upward
from fraudlab.report.kit.scales import Log, round_step
from fraudlab.report.recorded.refitted import by_first_fit
from fraudlab.report.recorded.run_record import RunRecord, dig, number, series

# Numbers of alerts whose cost, or F1, is within this factor of the chosen one are called as good.
AS_GOOD = 1.1


@dataclass(frozen=True)
class _Choice:
    """Validation rows by rising number of alerts: what is drawn, and where the threshold lies.

    `at` is the position of the point nearest to the threshold, and None where nothing is alerted; `many` and
    `own` are the alerts at the threshold itself, and the level there. `given` if nothing chose it.
    """

    judged: str
    alerts: list[float]
    level: list[float]
    threshold: list[float]
    at: int | None
    many: float
    own: float
    given: bool


def threshold_choice(record: RunRecord) -> Chart | None:
    """What every number of alerts would have cost on validation, and where the threshold lies.

    Where missed frauds have no price, or F1 was what chose it, F1 stands for the cost.
    """
    policy = dig(record.model, "decision", "policy")
    choice = _read_choice(record, policy)
    if choice is None:
        return None
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
        # a logarithmic axis has no place for 0 alerts: their level is marked at its left end
        plot.dot(max(choice.many, 1.0), choice.own, "chosen"),
        plot.dot(max(choice.many, 1.0), choice.own, "here", data_at="choice"),
    ]
    written = numerals.count if priced else numerals.decimal
    note = _sensitivity(record, choice, priced=priced)
    texts = [
        f"{numerals.counted(alerts, 'alert')}: {choice.judged} {written(level)} at {numerals.score(at)}"
        for alerts, level, at in zip(choice.alerts, choice.level, choice.threshold, strict=True)
    ]
    how = "Given, not chosen; on validation" if policy == "fixed" else "Chosen on validation"
    how += by_first_fit(record)
    return Chart(
        "choice",
        "What this threshold does on validation" if policy == "fixed" else "Why this threshold",
        f"{how}: {numerals.counted(choice.many, 'alert')}, {choice.judged} {written(choice.own)}",
        plot.drawing(*marks, summary=f"{choice.judged} on the validation rows by number of alerts. {note}"),
        note=note,
        hover={"x": choice.alerts, "y": choice.level, "t": choice.threshold, "text": texts},
    )


def _sensitivity(record: RunRecord, choice: _Choice, *, priced: bool) -> str:
    """Say how far the number of alerts may move before it matters."""
    what = ""
    if priced:
        price = number(record.model, "decision", "alert_cost")
        each = f", plus {price:g} per alert" if price else ""
        what = f"What missed frauds cost{each}. "
    if choice.given:
        best = (min if priced else max)(range(len(choice.level)), key=lambda i: choice.level[i])
        written = numerals.count if priced else numerals.decimal
        return (
            f"{what}{'Cheapest' if priced else 'Highest'} of the line: {written(choice.level[best])} "
            f"at {numerals.counted(choice.alerts[best], 'alert')}."
        )
    span = _as_good_around(choice, priced=priced)
    if span is None:
        return "Alerting nothing costs less than any number of alerts."
    few, most = (numerals.count(choice.alerts[end]) for end in span)
    alerts = numerals.counted(choice.alerts[span[1]], "alert")
    it = "It" if priced else "F1"
    if few == most:
        return f"{what}{it} stays within 10\u00a0% of this only at {alerts}."
    return f"{what}{it} stays within 10\u00a0% of this from {few} to {alerts}."


def _as_good_around(choice: _Choice, *, priced: bool) -> tuple[int, int] | None:
    """First and last position, without a worse one between, that are about as good as the threshold's own."""

    def good(position: int) -> bool:
        level = choice.level[position]
        return level <= AS_GOOD * choice.own if priced else level * AS_GOOD >= choice.own

    first = last = 0 if choice.at is None else choice.at
    if not good(first):
        return None if choice.at is None else (first, last)
    while first > 0 and good(first - 1):
        first -= 1
    while last + 1 < len(choice.level) and good(last + 1):
        last += 1
    return first, last


def _read_choice(record: RunRecord, policy: object) -> _Choice | None:
    """The curve up to where it costs a quarter more than never alerting; None where there is none."""
    priced = bool(series(record.validation, "curve", "cost")) and policy != "f1"
    name = "cost" if priced else "f1"
    columns = [series(record.validation, "curve", column) for column in ("alerts", name, "threshold")]
    rows = [
        (float(alerts), float(level), float(threshold))
        for alerts, level, threshold in zip(*columns, strict=False)
        if alerts is not None and level is not None and threshold is not None and alerts >= 1
    ]
    rows.sort()
    shipped = number(record.validation, "threshold")
    if not rows or shipped is None:
        return None
    recorded = _recorded(record, name)
    if priced:
        dearest = 1.25 * rows[0][1]
        end = next((i for i, row in enumerate(rows) if row[1] > dearest), len(rows))
        if recorded is not None:  # the threshold itself is always drawn
            end = max(end, next((i + 1 for i, row in enumerate(rows) if row[0] >= recorded[0]), len(rows)))
        rows = rows[:end]
    if rows[-1][0] <= rows[0][0] or max(row[1] for row in rows) <= 0:
        return None
    nearest = min(range(len(rows)), key=lambda i: abs(rows[i][2] - shipped))
    many, own = recorded or (rows[nearest][0], rows[nearest][1])
    alerts, level, threshold = (list(column) for column in zip(*rows, strict=True))
    if not many:
        return _Choice(name.replace("f1", "F1"), alerts, level, threshold, None, 0.0, own, policy == "fixed")
    if recorded is not None:
        nearest = min(range(len(rows)), key=lambda i: abs(rows[i][0] - many))
    return _Choice(name.replace("f1", "F1"), alerts, level, threshold, nearest, many, own, policy == "fixed")


def _recorded(record: RunRecord, name: str) -> tuple[float, float] | None:
    """Alerts on validation at the threshold itself, and the level there; None where they are not recorded."""
    shipped, level = number(record.validation, "threshold"), number(record.validation, name)
    point = recorded_point(record.validation)
    if point is not None and level is not None:
        return float(point.alerts), level
    if name == "cost" and shipped is not None and shipped >= NO_ALERTS and level is not None:
        return 0.0, level
    return None


def _tenths(value: float) -> str:
    return f"{value:.1f}"
