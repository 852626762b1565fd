"""What the threshold rests on, and what it does to a team."""

from __future__ import annotations

import math

from fraudlab.config import EvaluationConfig
from fraudlab.evaluation.operating import NO_ALERTS, recorded_point
from fraudlab.report.concerns.concern import Concern
from fraudlab.report.kit import numerals
from fraudlab.report.recorded.run_record import RunRecord, dig, number

#: One transaction in twenty. Teams that look at alerts by hand look at well under one in a hundred; a
#: threshold that alerts more is hardly meant, whatever an alert costs.
MANY_ALERTS = 0.05


def assumed_costs(record: RunRecord) -> Concern | None:
    """Costs that decided the threshold and that nobody gave."""
    if dig(record.model, "decision", "policy") != "cost":
        return None
    alert = number(record.model, "decision", "alert_cost")
    missed = number(record.model, "decision", "missed_fraud_cost")
    given = {item.lstrip("+~").split("=", 1)[0] for item in record.overrides}
    costs = {
        "missed_fraud_cost": (missed, "a missed fraud is taken to cost"),
        "alert_cost": (alert, "looking at an alert is taken to cost"),
    }
    assumed = {
        key: f"{words} {cost:g} (evaluation.{key})"
        for key, (cost, words) in costs.items()
        if cost == getattr(EvaluationConfig, key) and f"evaluation.{key}" not in given
    }
    if not assumed:
        return None
    text = ", ".join(assumed.values())
    are = "These are defaults" if len(assumed) > 1 else "This is a default"
    return Concern(
        "assumed_costs",
        "caution",
        "The threshold rests on assumed costs"
        if len(assumed) > 1
        else "The threshold rests on an assumed cost",
        f"{text[:1].upper()}{text[1:]}.",
        f"{are}: with your own figures the threshold, and all that follows from it, is another.",
    )


def nothing_caught(record: RunRecord) -> Concern | None:
    """A threshold that alerts nothing, by choice or by chance, or nothing that is fraud."""
    point = recorded_point(record.metrics)
    decision = dig(record.model, "decision", "policy")
    chosen = number(record.model, "threshold")
    over = number(record.model, "decision", "budget", "without", "alerts")
    if decision in ("cost", "f1") and chosen is not None and chosen >= NO_ALERTS and over:
        most = number(record.model, "decision", "budget", "most_alerts")
        rows = record.decided_on or "the rows it was chosen on"
        return Concern(
            "nothing_caught",
            "caution",
            "The model raises no alert",
            f"On {rows}, no threshold catches a fraud with at most {numerals.counted(most, 'alert')}."
            if most
            else f"evaluation.alert_budget allows less than one alert in all the time of {rows}.",
            "Raise evaluation.alert_budget.",
        )
    if decision == "cost" and chosen is not None and chosen >= NO_ALERTS:
        return Concern(
            "nothing_caught",
            "caution",
            "The model raises no alert",
            f"Alerting nothing is cheapest on {record.decided_on or 'the rows it was chosen on'}.",
            "Lower evaluation.alert_cost, or raise evaluation.missed_fraud_cost where there are no amounts.",
        )
    if point is None or point.tp:
        return None
    if point.alerts == 0:
        return Concern(
            "nothing_caught",
            "caution",
            "No test row reaches the threshold",
            f"No score is at or above {numerals.score(point.threshold)}: nothing is alerted or caught.",
        )
    alerts = numerals.count(point.alerts)
    false = "The only alert is false." if point.alerts == 1 else f"All {alerts} alerts are false."
    return Concern("nothing_caught", "caution", "No fraud is caught", false)


def over_budget(record: RunRecord) -> Concern | None:
    """More alerts on the test rows than the budget allows, and more than chance would make of it."""
    budget, days = number(record.model, "decision", "alert_budget"), record.days
    point = recorded_point(record.metrics)
    if budget is None or days is None or point is None:
        return None
    allowed = budget * days
    # so many are counted by chance alone in one of forty, where as many as allowed are expected
    if point.alerts <= allowed + 2 * math.sqrt(allowed):
        return None
    return Concern(
        "over_budget",
        "caution",
        "More alerts on the test rows than the budget allows",
        f"{numerals.quantity(point.alerts / days)} a day, where evaluation.alert_budget allows "
        f"{numerals.quantity(budget)}: it was kept on validation, and scores have moved since.",
        "A lower budget leaves room for that: fraudlab models threshold chooses again without training.",
    )


def many_alerts(record: RunRecord) -> Concern | None:
    """More alerts than anybody looks at."""
    point = recorded_point(record.metrics)
    rows = point.alerts + point.fn + point.tn if point else 0
    if point is None or not rows or point.alerts <= MANY_ALERTS * rows:
        return None
    false = ""
    if point.fp > point.tp > 0:
        false = f", {numerals.quantity(point.fp / point.tp)} false ones for each fraud"
    elif point.fp:
        false = f", {numerals.percent(point.fp / point.alerts)} of the alerts are false"
    frauds = (point.tp + point.fn) / rows
    advice = {
        "cost": "Raise evaluation.alert_cost to what looking at one costs.",
        "fixed": "Raise evaluation.threshold.",
        "f1": "evaluation=cost weighs alerts against missed frauds.",
    }.get(str(dig(record.model, "decision", "policy")), "")
    if frauds > MANY_ALERTS:
        advice = (
            f"{numerals.percent(frauds)} of the test rows are fraud: where frauds were picked out for the "
            "table, alerts and precision are not those of live traffic."
        )
    return Concern(
        "many_alerts",
        "caution",
        f"{numerals.percent(point.alerts / rows)} of transactions raise an alert",
        f"One in {numerals.quantity(rows / point.alerts)}{false}.",
        advice,
    )
