"""The operating point: a slider for the threshold, and what it changes."""

from __future__ import annotations

from collections.abc import Sequence

from fraudlab.evaluation.operating import OperatingPoint
from fraudlab.report.kit import numerals
from fraudlab.report.kit.chart import Chart
from fraudlab.report.kit.markup import Markup, element
from fraudlab.report.recorded.run_prices import Prices
from fraudlab.report.recorded.run_record import RunRecord, number
from fraudlab.report.recorded.threshold_reason import threshold_reason
from fraudlab.report.run.other_prices import other_prices
from fraudlab.report.run.threshold_stops import OperatingRange


def operating_section(
    record: RunRecord, reach: OperatingRange, charts: Sequence[Chart], prices: Prices | None = None
) -> Markup:
    """The threshold slider with what it changes, beside the curves it moves on."""
    return element(
        "section",
        element("h2", "Operating point"),
        element(
            "p",
            "Move the threshold to see what it would catch and miss on the test rows. The ring marks the "
            f"one the model was shipped with, {threshold_reason(record)}; the dot marks yours. A click on a "
            "curve brings it there.",
            class_="lead",
        ),
        _assumed(prices) if prices and reach.costs else None,
        element(
            "div",
            element(
                "div",
                _slider(record, reach),
                _matrix(reach.point),
                _table(record, reach, prices),
                class_="panel",
            ),
            element("div", [chart.figure() for chart in charts], class_="charts"),
            class_="operating",
        ),
        other_prices(record, prices),
    )


def _assumed(prices: Prices) -> Markup:
    """What costs what, and which of it nobody gave."""
    assumption = prices.assumption()
    return element(
        "p",
        prices.sentence(),
        element("strong", f" {assumption}") if assumption else None,
        class_="lead costs",
    )


def _field(name: str, words: str, value: str, **attributes: object) -> Markup:
    """A number that can be typed, in place of the slider."""
    return element(
        "div",
        element("label", words, for_=name),
        element("input", type="number", id=name, value=value, autocomplete="off", **attributes),
    )


def _slider(record: RunRecord, reach: OperatingRange) -> Markup:
    return element(
        "div",
        element(
            "div",
            element("label", "Threshold", for_="threshold"),
            element("output", numerals.score(reach.point.threshold), id="threshold-value", for_="threshold"),
        ),
        element(
            "input",
            type="range",
            id="threshold",
            min=0,
            max=len(reach.stops) - 1,
            value=reach.chosen,
            step=1,
            autocomplete="off",
        ),
        element("div", element("span", "more alerts"), element("span", "fewer alerts"), class_="ends"),
        element(
            "div",
            _field("typed-threshold", "Threshold", f"{reach.point.threshold:.6g}", step="any", min=0),
            _field(
                "typed-daily",
                "Alerts per day",
                f"{reach.point.alerts / record.days:.3g}",
                step="any",
                min=0,
            )
            if record.days
            else None,
            class_="typed",
        ),
        element("button", "Back to the chosen threshold", type="button", id="reset", disabled=True),
        class_="slider",
    )


def _matrix(point: OperatingPoint) -> Markup:
    def cell(key: str, value: int, what: str, class_: str) -> Markup:
        return element(
            "td",
            element("span", numerals.count(value), data_live=key),
            element("small", what),
            class_=class_,
        )

    return element(
        "table",
        element("caption", "Confusion matrix of the test rows"),
        element("tr", element("td"), [element("th", name, scope="col") for name in ("Alert", "No alert")]),
        element(
            "tr",
            element("th", "Fraud", scope="row"),
            cell("tp", point.tp, "caught", "right fraud"),
            cell("fn", point.fn, "missed", "wrong fraud"),
        ),
        element(
            "tr",
            element("th", "Legitimate", scope="row"),
            cell("fp", point.fp, "false alarms", "wrong"),
            cell("tn", point.tn, "passed", "right"),
        ),
        class_="matrix",
    )


def _table(record: RunRecord, reach: OperatingRange, prices: Prices | None) -> Markup:
    point = reach.point
    rows = [
        ("precision", "Precision", numerals.decimal(point.precision)),
        ("recall", "Recall", numerals.decimal(point.recall)),
        ("f1", "F1", numerals.decimal(point.f1)),
        ("alerts", "Alerts", numerals.count(point.alerts)),
    ]
    if record.days:
        rows.append(("daily", "Alerts per day", numerals.quantity(point.alerts / record.days)))
    if reach.total_value and point.value is not None:
        rows.append(("value", "Value caught", numerals.count(point.value)))
        rows.append(("share", "Share of value", numerals.percent(point.value / reach.total_value)))
    if prices and reach.cost is not None and reach.without_model is not None:
        unit = f", {prices.currency}" if prices.currency else ""
        rows.append(("cost", f"Cost{unit}", numerals.count(reach.cost)))
        saved = numerals.count(reach.without_model - reach.cost)
        rows.append(("saving", f"Saved against no model{unit}", saved))
        if reach.before is not None:
            gained = numerals.count(reach.before - reach.cost)
            rows.append(("gained", f"Saved against the threshold before{unit}", gained))
        if reach.incumbent is not None:
            ahead = numerals.count(reach.incumbent - reach.cost)
            rows.append(("ahead", f"Saved against the incumbent{unit}", ahead))
    theirs = _of_incumbent(record, reach.total_value)
    return element(
        "table",
        element("caption", "At this threshold, and at the chosen one"),
        element(
            "tr",
            element("td"),
            [
                element("th", name, scope="col")
                for name in ("here", "chosen", *(["incumbent"] if theirs else []))
            ],
        ),
        [
            element(
                "tr",
                element("th", name, scope="row"),
                element("td", text, data_live=key),
                element("td", text, class_="quiet"),
                element("td", theirs.get(key, "–"), class_="quiet") if theirs else None,
            )
            for key, name, text in rows
        ],
        class_="at three" if theirs else "at",
    )


def _of_incumbent(record: RunRecord, total: float | None) -> dict[str, str]:
    """The incumbent's figures by the keys of the table's rows; empty where it was not compared."""
    found = record.incumbent
    if found.get("compared") is not True:
        return {}
    shown = {name: numerals.decimal(number(found, name)) for name in ("precision", "recall", "f1")}
    share = number(found, "value_recall")
    if share is not None and total:
        shown |= {"share": numerals.percent(share), "value": numerals.count(share * total)}
    return {
        **shown,
        "alerts": numerals.count(number(found, "alerts")),
        "daily": numerals.quantity(number(found, "alerts_per_day")),
        "cost": numerals.count(number(found, "cost")),
    }
