"""What the model does, first in a sentence and then in a few figures."""

from __future__ import annotations

from fraudlab.evaluation.operating import OperatingPoint
from fraudlab.evaluation.shares import wilson
from fraudlab.report.kit import numerals
from fraudlab.report.kit.markup import Markup, element, fragment
from fraudlab.report.recorded.run_prices import Prices
from fraudlab.report.recorded.run_record import RunRecord, dig, number
from fraudlab.report.run.threshold_stops import OperatingRange


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


def money_line(reach: OperatingRange, prices: Prices) -> Markup | None:
    """What the threshold costs, against no model at all; None where missed frauds have no price."""
    if reach.cost is None or reach.without_model is None:
        return None
    saved = reach.without_model - reach.cost
    parts: list[Markup | str] = [
        "Missed frauds and alerts together cost ",
        element("strong", prices.money(reach.cost)),
        ", where without a model the frauds would cost ",
        element("strong", prices.money(reach.without_model)),
        ": it saves " if saved >= 0 else ": it loses ",
        element("strong", prices.money(abs(saved))),
        ". ",
    ]
    if reach.before is not None:
        parts += ["The threshold before cost ", element("strong", prices.money(reach.before)), ". "]
    return element("p", parts, prices.assumption() or prices.sentence(), class_="lead money")


def headline(
    record: RunRecord,
    point: OperatingPoint | None,
    reach: OperatingRange | None = None,
    prices: Prices | None = None,
) -> Markup:
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
    if reach and prices and reach.cost is not None and reach.without_model:
        saved = reach.without_model - reach.cost
        share = f"{numerals.percent(saved / reach.without_model)} of what no model costs"
        unit = f", {prices.currency}" if prices.currency else ""
        tiles.append(_tile(f"Saved{unit}", numerals.count(saved), share))
    against = number(record.incumbent, "saving")
    if prices and against is not None:
        low, high = (number(record.incumbent, f"saving_{end}") for end in ("low", "high"))
        unit = f", {prices.currency}" if prices.currency else ""
        ends = f"95\u00a0%: {numerals.count(low)} to {numerals.count(high)}"
        tiles.append(_tile(f"Against incumbent{unit}", numerals.count(against), f"saved; {ends}"))
    auc = number(metrics, "roc_auc")
    if auc is not None:
        low, high = number(metrics, "roc_auc_low"), number(metrics, "roc_auc_high")
        note = numerals.interval(low, high) if low is not None and high is not None else "ranking of all rows"
        tiles.append(_tile("ROC AUC", numerals.decimal(auc), note))
    return element("dl", tiles, class_="headline", style=f"--others:{len(tiles) - 1}")


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
        fragment(
            bar,
            f"95\u00a0% interval {numerals.interval(low, high)}",
            element("br"),
            "with cards as units" if number(metrics, "cards") else None,
            "; " if number(metrics, "cards") and random else None,
            random,
        ),
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
