"""What a team of a given size would catch, and whether days and hours differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from fraudlab.evaluation.groups import FEW_FRAUDS
from fraudlab.evaluation.shares import wilson
from fraudlab.report.kit import numerals
from fraudlab.report.kit.blocks import table
from fraudlab.report.kit.chart import Chart
from fraudlab.report.kit.markup import Child, Markup, element
from fraudlab.report.recorded.run_record import Json, RunRecord, number
from fraudlab.report.run.stability_charts import group_name, stability_groups

_HEADS = ("Alerts", "Recall", "Precision", "Value caught", "Card precision")
#: name of a row, and its cells by their heading
_Row: TypeAlias = tuple[str, dict[str, Child]]


def team_section(record: RunRecord, charts: Sequence[Chart]) -> Markup | None:
    """Budgets of alerts and their catch, then days and hours; None where no budget was measured."""
    rows = [*_daily(record), *_rates(record)]
    if not rows:
        return None
    heads = [head for head in _HEADS if any(head in cells for _, cells in rows)]
    body = [
        element(
            "tr",
            element("th", name, scope="row"),
            [element("td", cells.get(head, numerals.NOTHING), data_label=head) for head in heads],
        )
        for name, cells in rows
    ]
    return element(
        "section",
        element("h2", "What a team would catch"),
        element("p", _lead(record), class_="lead"),
        table(["Looked at", *heads], body, class_="wide stack single"),
        element("div", [chart.figure() for chart in charts], class_="charts wide") if charts else None,
        [_groups(record, kind) for kind in ("days", "hours")],
    )


def _lead(record: RunRecord) -> str:
    daily = record.budgets.get("per_day")
    if not daily:
        return "The transactions with the highest scores, as many as leave so few false alarms."
    sampled = number(record.budgets, "sampled") or 1.0
    of = ""
    if sampled < 1:
        of = (
            f" The test rows are {numerals.percent(sampled)} of the transactions of their days, "
            "and have that share of the alerts."
        )
    return (
        "The transactions with the highest scores of each day. A day that the test rows cover in part has "
        f"that part of the alerts, at least one.{of} Of equal scores, each is as likely to be looked at."
    )


def _daily(record: RunRecord) -> Iterator[_Row]:
    positives = number(record.budgets, "positives")
    for found in _mappings(record.budgets.get("per_day")):
        alerts, caught = number(found, "alerts"), number(found, "true_positives")
        if alerts and caught is not None:
            name = f"{numerals.count(number(found, 'per_day'))} per day"
            yield name, _cells(found, alerts=alerts, caught=caught, positives=positives)


def _rates(record: RunRecord) -> Iterator[_Row]:
    positives = number(record.budgets, "positives")
    for found in _mappings(record.budgets.get("false_positive_rates")):
        caught, false = number(found, "true_positives"), number(found, "false_positives")
        if caught is None or false is None:
            continue
        name = f"{(number(found, 'rate') or 0) * 100:g}\u00a0% false positives"
        ends = number(found, "recall_low"), number(found, "recall_high")
        cells = _cells(found, alerts=caught + false, caught=caught, positives=positives, recall=ends)
        yield name, cells


def _cells(
    found: Json,
    *,
    alerts: float,
    caught: float,
    positives: float | None,
    recall: tuple[float | None, float | None] | None = None,
) -> dict[str, Child]:
    shown: dict[str, Child] = {
        "Alerts": numerals.count(alerts),
        "Recall": _with_ends(number(found, "recall"), recall or wilson(caught, positives or 0)),
        "Precision": _with_ends(number(found, "precision"), wilson(caught, alerts)),
    }
    if (value := number(found, "value_recall")) is not None:
        shown["Value caught"] = numerals.percent(value)
    if (of_cards := number(found, "card_precision")) is not None:
        shown["Card precision"] = numerals.decimal(of_cards)
    return shown


def _with_ends(value: float | None, ends: tuple[float | None, float | None] | None) -> Markup:
    shown = element("small", numerals.interval(*ends)) if ends else None
    return element("span", numerals.decimal(value), " " if shown else None, shown, class_="whole")


def _groups(record: RunRecord, kind: str) -> Markup | None:
    """Every day, or every hour, in a table that opens."""
    groups = stability_groups(record, kind)
    if len(groups) < 2:
        return None
    heads = [kind[:-1].capitalize(), "Rows", "Frauds", "Alerts", "Recall", "Precision", "Average precision"]
    body = []
    for group in groups:
        cells = [numerals.count(number(group, name)) for name in ("rows", "positives", "alerts")]
        cells += [
            numerals.decimal(number(group, name)) for name in ("recall", "precision", "average_precision")
        ]
        few = (number(group, "positives") or 0) < FEW_FRAUDS
        body.append(
            element(
                "tr",
                element("th", group_name(record, kind, group), scope="row"),
                [element("td", cell) for cell in cells],
                class_="few" if few else None,
            )
        )
    return element(
        "details",
        element("summary", f"Every {kind[:-1]}"),
        element("p", f"Pale where there are fewer than {FEW_FRAUDS} frauds.", class_="note"),
        element("div", table(heads, body, class_="wide many"), class_="scroll"),
    )


def _mappings(found: object) -> list[Json]:
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
