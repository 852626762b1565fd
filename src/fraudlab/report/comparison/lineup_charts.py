"""Curves of several runs on one another: ranking, calibration, cost, and training round by round."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict

from fraudlab.evaluation.calibration import reliability
from fraudlab.evaluation.cost_model import CostModel
from fraudlab.evaluation.thresholds import choose_threshold
from fraudlab.report.comparison.lineup import Lineup, letter
from fraudlab.report.kit import numerals
from fraudlab.report.kit.chart import Chart, legend
from fraudlab.report.kit.plot import Plot, across, upward
from fraudlab.report.kit.scales import Log, round_step
from fraudlab.report.recorded.ranking_charts import Curve, precision_recall, read_curve, roc
from fraudlab.report.recorded.reliability_chart import NOTE, reliability_chart
from fraudlab.report.recorded.run_record import dig, number, series
from fraudlab.report.recorded.scores import Scores

#: points of all ranking curves of one chart together, so that a page of twenty runs stays small
_POINTS = 4_000
_ROUND_POINTS = 3_000
#: up to so many curves, the pointer also reads their thresholds
_FEW = 4
_HUES = 7

_Line = tuple[str, list[float], list[float]]


def style(index: int) -> str:
    """The classes that colour and dash the line of a run."""
    return letter(index).lower() if index < 2 else f"hued h{index % _HUES} d{index // _HUES}"


def key(lineup: Lineup) -> str:
    """Which line is whose."""
    return legend({style(index): name for index, name in enumerate(lineup.letters)})


def overlaid_charts(lineup: Lineup) -> list[Chart]:
    """Every chart for which two runs have something to draw, or one."""
    found = [*_ranking(lineup), calibration(lineup), cost(lineup), rounds(lineup)]
    return [chart for chart in found if chart is not None]


def _ranking(lineup: Lineup) -> list[Chart | None]:
    many = len(lineup.runs) > _FEW
    limit = _POINTS // len(lineup.runs) if many else None
    curves: dict[str, list[Curve]] = {"pr": [], "roc": []}
    for index, record in enumerate(lineup.runs):
        for kind in curves:
            curve = read_curve(record, kind, name=letter(index), class_=f"curve {style(index)}", limit=limit)
            curves[kind] += [curve] if curve else []
    same_rows = any(pair.difference for pair in lineup.pairs)
    first = lineup.runs[0].metrics
    rows, positives = number(first, "rows"), number(first, "positives")
    return [
        precision_recall(
            curves["pr"], subtitle=key(lineup), prevalence=number(first, "prevalence") if same_rows else None
        )
        if curves["pr"]
        else None,
        roc(
            curves["roc"],
            subtitle=key(lineup),
            negatives=rows - positives if rows is not None and positives is not None else None,
        )
        if curves["roc"]
        else None,
    ]


def calibration(lineup: Lineup) -> Chart | None:
    """The share of fraud among rows of similar score; on the diagonal, scores are chances."""
    lines: list[_Line] = []
    left_out = []
    for index, scores in enumerate(lineup.scores):
        if scores is None or not scores.row.size:
            continue
        try:
            found = reliability(scores.label, scores.score)
        except ValueError:
            left_out.append(letter(index))
            continue
        lines.append((style(index), found["score"], found["share"]))
    note = NOTE
    if left_out:
        note += f" Scores outside 0 to 1 are no chances: {', '.join(left_out)}."
    return reliability_chart(lines, subtitle=key(lineup), note=note)


def cost(lineup: Lineup) -> Chart | None:
    """What every number of alerts costs on the test rows, at the costs of the first run."""
    config = lineup.runs[0].config
    alert = number(config, "evaluation", "alert_cost")
    priced = bool(dig(config, "data", "amount"))  # then a missed fraud costs its amount
    missed = None if priced else number(config, "evaluation", "missed_fraud_cost")
    share, fee = (number(config, "evaluation", name) for name in ("loss_share", "missed_fraud_fee"))
    model = CostModel(alert or 0.0, missed, 1.0 if share is None else share, fee or 0.0)
    lines: list[_Line] = []
    dots: list[tuple[float, float]] = []
    for index, (record, scores) in enumerate(zip(lineup.runs, lineup.scores, strict=True)):
        found = None if scores is None else _costs(scores, record.threshold, model)
        if found is not None:
            xs, ys, own = found
            lines.append((style(index), xs, ys))
            dots += [own] if own else []
    if not lines:
        return None
    drawn = {class_ for class_, _, _ in lines}
    highest = max(max(ys) for _, _, ys in lines)
    last = max(xs[-1] for _, xs, _ in lines)
    if last <= 1 or highest <= 0:
        return None
    step = round_step(highest / 4)
    plot = Plot(
        across(1, last, "Alerts on test (logarithmic)", numerals.tick, kind=Log),
        upward(0, math.ceil(highest / step) * step, "Cost on test", numerals.tick),
    )
    marks = [plot.line(xs, ys, f"curve {class_}") for class_, xs, ys in lines]
    marks += [plot.dot(x, y, "chosen") for x, y in dots if x <= last]
    price = "its amount" if missed is None else f"{missed:g}"
    price = price if model.loss_share == 1 else f"{model.loss_share * 100:g}\u00a0% of {price}"
    price += f" and {model.missed_fraud_fee:g} more" if model.missed_fraud_fee else ""
    note = f"A missed fraud costs {price}, an alert {alert or 0:g}: as run A was told. Rings: own thresholds."
    absent = [letter(index) for index in range(len(lineup.runs)) if style(index) not in drawn]
    if absent:
        note += f" Not drawn, for want of scores or amounts: {', '.join(absent)}."
    return Chart(
        "cost",
        "Cost by number of alerts",
        key(lineup),
        plot.drawing(*marks, summary=f"Cost on the test rows by number of alerts. {note}"),
        note=note,
    )


def _costs(
    scores: Scores, threshold: float | None, model: CostModel
) -> tuple[list[float], list[float], tuple[float, float] | None] | None:
    """Alerts and what they cost, up to a quarter more than alerting nothing; and both at a threshold."""
    if not scores.row.size or (model.missed_fraud_cost is None and scores.amount is None):
        return None
    try:
        decision = choose_threshold(
            scores.label,
            scores.score,
            scores.amount,
            policy="fixed",
            threshold=2.0 if threshold is None else threshold,
            **asdict(model),
        )
    except ValueError:
        return None
    points = [
        (alerts, price)
        for alerts, price in zip(decision.curve["alerts"], decision.curve.get("cost", []), strict=False)
        if alerts >= 1
    ]
    if len(points) < 2:
        return None
    dearest = 1.25 * points[0][1]
    end = next((at for at, (_, price) in enumerate(points) if price > dearest), len(points))
    points = points[: max(end, 2)]
    raised = 0 if threshold is None else int((scores.score >= threshold).sum())
    own = (float(raised), float(decision.cost)) if raised and decision.cost is not None else None
    return [float(x) for x, _ in points], [float(y) for _, y in points], own


def rounds(lineup: Lineup) -> Chart | None:
    """The watched metric after each round, of the runs that watched the same."""
    metrics = [str(record.history.get("metric") or "") for record in lineup.runs]
    watched = {
        index: [value for value in series(record.history, "validation") if value is not None]
        for index, record in enumerate(lineup.runs)
    }
    named = Counter(metrics[index] for index, values in watched.items() if len(values) > 1)
    if not named:
        return None
    metric = metrics[0] if metrics[0] in named else named.most_common(1)[0][0]
    shown = {index: vs for index, vs in watched.items() if metrics[index] == metric and len(vs) > 1}
    low, high = min(map(min, shown.values())), max(map(max, shown.values()))
    step = round_step((high - low) / 4) if high > low else 0.1
    low, high = math.floor(low / step) * step, math.ceil(high / step + 1e-9) * step
    places = min(6, max(1, math.ceil(-math.log10(step) - 1e-9)))
    name = metric.removeprefix("validation-")
    plot = Plot(
        across(1, max(map(len, shown.values())), "Rounds of boosting", numerals.count),
        upward(low, high, f"{name} on validation", lambda value: numerals.decimal(value, places)),
    )
    marks = []
    for index, values in shown.items():
        every = max(1, math.ceil(len(values) * len(shown) / _ROUND_POINTS))
        at = [*range(0, len(values) - 1, every), len(values) - 1]
        marks.append(plot.line([i + 1.0 for i in at], [values[i] for i in at], f"curve {style(index)}"))
    others = [letter(i) for i, values in watched.items() if i not in shown and values]
    notes = [f"Not drawn, because they watched another metric: {', '.join(others)}."] if others else []
    if first := [name for name in lineup.refitted if name in {letter(index) for index in shown}]:
        notes.append(f"Of {', '.join(first)}, the first fit’s: the model was then refitted with validation.")
    note = " ".join(notes)
    return Chart(
        "rounds",
        "Training, round by round",
        key(lineup),
        plot.drawing(*marks, summary=f"{name} on validation after each boosting round. {note}"),
        note=note,
    )
