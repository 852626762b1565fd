"""What would be cheapest were prices others, and what a budget of alerts leaves out."""

from __future__ import annotations

from fraudlab.report.kit import numerals
from fraudlab.report.kit.blocks import table
from fraudlab.report.kit.markup import Markup, element
from fraudlab.report.recorded.run_prices import Prices
from fraudlab.report.recorded.run_record import Json, RunRecord, dig, number, section

_TIMES = {0.5: "half as much", 2.0: "twice as much"}


def other_prices(record: RunRecord, prices: Prices | None) -> Markup | None:
    """A table of what validation says; None where it was not recorded."""
    found = dig(record.model, "decision", "sensitivity")
    rows = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    if prices is None or not rows:
        return None
    heads = ["If", "Cheapest", "Alerts", "Frauds caught", "Cost", "Cost as chosen"]
    body = [
        element(
            "tr",
            element("th", _case(row), scope="row"),
            [
                element("td", text, data_label=head)
                for head, text in zip(heads[1:], _cells(row, prices), strict=True)
            ],
        )
        for row in rows
    ]
    return element(
        "div",
        element("h3", "If prices were different"),
        element("p", f"On validation.{_budget(record, prices)}", class_="note"),
        table(heads, body, class_="wide stack"),
        class_="prices",
        id="prices",
    )


def _case(row: Json) -> str:
    loss, alert = number(row, "loss"), number(row, "alert")
    if loss in _TIMES:
        return f"a missed fraud cost {_TIMES[loss]}"
    if alert in _TIMES:
        return f"an alert cost {_TIMES[alert]}"
    return "prices as they are"


def _cells(row: Json, prices: Prices) -> list[str]:
    counts = [numerals.count(number(row, name)) for name in ("alerts", "true_positives")]
    money = [prices.money(number(row, name)) for name in ("cost", "cost_as_chosen")]
    return [numerals.score(number(row, "threshold")), *counts, *money]


def _budget(record: RunRecord, prices: Prices) -> str:
    """What the budget allows, and what there would be without."""
    budget = section(record.model, "decision", "budget")
    per_day, most = number(record.model, "decision", "alert_budget"), number(budget, "most_alerts")
    free = section(budget, "without")
    if per_day is None or most is None:
        return ""
    text = f" {numerals.quantity(per_day)} alerts per day are {numerals.counted(most, 'alert')} there."
    alerts, cost = number(free, "alerts"), number(free, "cost")
    if alerts is not None and alerts > most:
        price = f" and a cost of {prices.money(cost)}" if cost is not None else ""
        text += f" Without that limit there would be {numerals.count(alerts)}{price}."
    return text
