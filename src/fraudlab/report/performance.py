"""The upper half of a report: the verdict, the headline numbers and the operating point."""

from __future__ import annotations

from collections.abc import Sequence

from fraudlab.evaluation.operating import NO_ALERTS, OperatingPoint
from fraudlab.report import numerals
from fraudlab.report.charts import Chart
from fraudlab.report.concerns import Concern
from fraudlab.report.markup import Markup, element, fragment
from fraudlab.report.operating import OperatingRange, wilson
from fraudlab.report.record import RunRecord, dig, number


def verdict(record: RunRecord, point: OperatingPoint) -> Markup:
    """Say in one sentence what the model does at its threshold."""
    days = record.days
    frauds = f"{numerals.count(point.tp) if point.tp else 'none'} of {_frauds(point.tp + point.fn)}"
    parts: list[Markup | str] = ["At its threshold the model catches ", element("strong", frauds)]
    value = number(record.metrics, "value_recall")
    if value is not None and point.tp:
        parts += [" and ", element("strong", numerals.percent(value), " of their value")]
    parts += [f" {_span(record)}, raising ", element("strong", numerals.counted(point.alerts, "alert"))]
    if days and point.alerts:
        parts += [" (", element("strong", numerals.quantity(point.alerts / days), " per day"), ")"]
    if point.precision is not None:
        parts += [_how_many_are_fraud(point)]
    return element("p", parts, ".", class_="verdict")


def _how_many_are_fraud(point: OperatingPoint) -> Markup:
    if point.alerts == 1:
        return fragment(", which is ", element("strong", "fraud" if point.tp else "no fraud"))
    if not point.tp:
        return fragment(", of which ", element("strong", "none is fraud"))
    are = "is" if point.tp == 1 else "are"
    return fragment(", of which ", element("strong", numerals.percent(point.precision), f" {are} fraud"))


def _frauds(many: int) -> str:
    return numerals.counted(many, "fraud")


def _span(record: RunRecord) -> str:
    """Which rows a verdict speaks of."""
    if not record.days:
        return "in the test rows"
    length = numerals.duration(record.days * 86400)
    if dig(record.manifest, "split", "kind") == "stratified":
        return f"in test rows drawn at random, as many as come in {length}"
    return f"in {length} of test data"


def _choice(record: RunRecord) -> str:
    """How the threshold came about, as it follows "the one the model was shipped with"."""
    policy, rows = dig(record.model, "decision", "policy"), record.decided_on
    if policy == "fixed":
        given = number(record.model, "decision", "threshold")
        return (
            f"given, not chosen (evaluation.threshold={given:g})"
            if given is not None
            else "given, not chosen"
        )
    if policy == "f1" and rows:
        return f"chosen where F1 is highest on {rows}"
    if policy != "cost" or not rows:
        return "stored with the model"
    alert, missed = (number(record.model, "decision", f"{what}_cost") for what in ("alert", "missed_fraud"))
    price = f"{missed:g} each" if missed is not None else "their amounts"
    work = f"{alert:g} each" if alert is not None else "their price"
    if (number(record.model, "threshold") or 0.0) >= NO_ALERTS:
        return f"which alerts nothing: on {rows} missed frauds ({price}) cost less than alerts ({work}) would"
    return f"chosen where missed frauds ({price}) and alerts ({work}) together cost least on {rows}"


def headline(record: RunRecord, point: OperatingPoint | None) -> Markup:
    """Average precision with its interval first; then what the threshold makes of it."""
    metrics = record.metrics
    tiles = [_average_precision(record)]
    if point:
        tiles += [
            _tile("Recall", numerals.decimal(point.recall), _share(point.tp, point.tp + point.fn, "fraud")),
            _tile("Precision", numerals.decimal(point.precision), _share(point.tp, point.alerts, "alert")),
            _alerts(record, point),
        ]
    value = number(metrics, "value_recall")
    if value is not None:
        tiles.append(_tile("Value caught", numerals.percent(value), "share of the frauds’ amounts"))
    auc = number(metrics, "roc_auc")
    if auc is not None:
        low, high = number(metrics, "roc_auc_low"), number(metrics, "roc_auc_high")
        note = numerals.interval(low, high) if low is not None and high is not None else "ranking of all rows"
        tiles.append(_tile("ROC AUC", numerals.decimal(auc), note))
    return element("dl", tiles, class_="headline", style=f"--others:{len(tiles) - 1}")


def concern_list(found: Sequence[Concern]) -> Markup | None:
    """The things to know before reading on; None where there are none."""
    if not found:
        return None
    names = {"problem": "Problem", "caution": "Caution", "note": "Note"}
    items = [
        element(
            "li",
            element("span", names[concern.weight], class_="weight"),
            element("div", element("strong", concern.title, "."), f" {concern.text} {concern.more}".rstrip()),
            class_=f"weight-{concern.weight} {concern.kind.replace('_', '-')}",
        )
        for concern in found
    ]
    return element("ul", items, class_="concerns", aria_label="Before reading the numbers")


def operating_section(record: RunRecord, reach: OperatingRange, charts: Sequence[Chart]) -> Markup:
    """The threshold slider with what it changes, beside the curves it moves on."""
    return element(
        "section",
        element("h2", "Operating point"),
        element(
            "p",
            "Move the threshold to see what it would catch and miss on the test rows. The ring marks the "
            f"one the model was shipped with, {_choice(record)}; the dot marks yours.",
            class_="lead",
        ),
        element(
            "div",
            element("div", _slider(reach), _matrix(reach.point), _table(record, reach), class_="panel"),
            element("div", [chart.figure() for chart in charts], class_="charts"),
            class_="operating",
        ),
    )


def _average_precision(record: RunRecord) -> Markup:
    metrics = record.metrics
    value = number(metrics, "average_precision")
    low, high = number(metrics, "average_precision_low"), number(metrics, "average_precision_high")
    if value is None or low is None or high is None:
        return _tile("Average precision", numerals.decimal(value), "no interval was computed", class_="first")
    bar = element(
        "div",
        element("span", class_="band", style=f"left:{low:.2%};width:{high - low:.2%}"),
        element("span", class_="value", style=f"left:{value:.2%}"),
        class_="interval",
        aria_hidden="true",
    )
    prevalence = number(metrics, "prevalence")
    random = f"random alerts: {numerals.decimal(prevalence, 4)}" if prevalence else None
    return _tile(
        "Average precision",
        numerals.decimal(value),
        fragment(bar, f"95\u00a0% interval {numerals.interval(low, high)}", element("br"), random),
        class_="first",
    )


def _alerts(record: RunRecord, point: OperatingPoint) -> Markup:
    rows = number(record.metrics, "rows")
    share = f"{numerals.percent(point.alerts / rows)} of transactions" if rows else ""
    if record.days is None:
        return _tile("Alerts", numerals.count(point.alerts), share)
    return _tile("Alerts per day", numerals.quantity(point.alerts / record.days), share)


def _share(part: int, whole: int, of: str) -> str | Markup:
    ends = wilson(part, whole)
    if ends is None:
        return f"no {of}s"
    interval = element("span", f"95\u00a0%: {numerals.interval(*ends)}", class_="whole")
    return fragment(interval, element("br"), f"{numerals.count(part)} of {numerals.counted(whole, of)}")


def _tile(name: str, value: str, note: str | Markup, *, class_: str | None = None) -> Markup:
    return element(
        "div", element("dt", name), element("dd", value, class_="figure"), element("dd", note), class_=class_
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
