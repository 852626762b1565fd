"""The operating point: a slider for the threshold, and what it changes."""

from __future__ import annotations

from collections.abc import Sequence

from fraudlab.evaluation.operating import OperatingPoint
from fraudlab.report.kit import numerals
from fraudlab.report.kit.chart import Chart
from fraudlab.report.kit.markup import Markup, element
from fraudlab.report.recorded.run_record import RunRecord
from fraudlab.report.recorded.threshold_reason import threshold_reason
from fraudlab.report.run.threshold_stops import OperatingRange


def operating_section(record: RunRecord, reach: OperatingRange, charts: Sequence[Chart]) -> Markup:
    """The threshold slider with what it changes, beside the curves it moves on."""
    return element(
        "section",
        element("h2", "Operating point"),
        element(
            "p",
            "Move the threshold to see what it would catch and miss on the test rows. The ring marks the "
            f"one the model was shipped with, {threshold_reason(record)}; the dot marks yours.",
            class_="lead",
        ),
        element(
            "div",
            element("div", _slider(reach), _matrix(reach.point), _table(record, reach), class_="panel"),
            element("div", [chart.figure() for chart in charts], class_="charts"),
            class_="operating",
        ),
    )


def _slider(reach: OperatingRange) -> Markup:
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


def _table(record: RunRecord, reach: OperatingRange) -> Markup:
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
    return element(
        "table",
        element("caption", "At this threshold, and at the chosen one"),
        element(
            "tr", element("td"), element("th", "here", scope="col"), element("th", "chosen", scope="col")
        ),
        [
            element(
                "tr",
                element("th", name, scope="row"),
                element("td", text, data_live=key),
                element("td", text, class_="quiet"),
            )
            for key, name, text in rows
        ],
        class_="at",
    )
