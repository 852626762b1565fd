"""What a page says of two runs and not of several: a sentence, and differences in numbers."""

from __future__ import annotations

from fraudlab.report.comparison.comparison import METRICS, Comparison, Difference
from fraudlab.report.kit import numerals
from fraudlab.report.kit.blocks import table
from fraudlab.report.kit.markup import Markup, element
from fraudlab.report.recorded.run_record import RunRecord, dig, number

_COUNTS = ("positives", "rows")
_ENDS = ("average_precision_low", "average_precision_high")


def pair_header(comparison: Comparison) -> Markup:
    """Who is compared with whom, and what came of it."""
    return element(
        "header",
        element("p", "Comparison of two fraud models", class_="eyebrow"),
        element("h1", comparison.title),
        element("p", f"{comparison.reason[:1].upper()}{comparison.reason[1:]}", class_="verdict"),
        _who("a", comparison.a),
        _who("b", comparison.b),
    )


def metric_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """Write name, A, B and B − A of every metric, as both the page and the terminal show them."""
    rows: list[tuple[str, ...]] = []
    for metric in comparison.metrics:
        if metric.name in _ENDS:
            continue
        values = [metric_text(metric.name, value) for value in (metric.a, metric.b)]
        rows.append((METRICS[metric.name], *values, metric_text(metric.name, metric.difference, signed=True)))
        if metric.name == "average_precision":
            rows.append(("95\u00a0% interval", interval_text(comparison.a), interval_text(comparison.b), ""))
    return rows


def interval_text(record: RunRecord) -> str:
    """The 95 % interval of a run's average precision."""
    return numerals.interval(number(record.metrics, _ENDS[0]), number(record.metrics, _ENDS[1]))


def metric_text(name: str, value: float | None, *, signed: bool = False) -> str:
    """A metric, or a difference of it, with the digits that it deserves."""
    if name in _COUNTS:
        return numerals.signed(value, 0) if signed else numerals.count(value)
    if name == "alerts_per_day":
        return numerals.signed(value, 1) if signed else numerals.decimal(value, 1)
    places = 5 if name in {"brier", "log_loss", "accuracy"} else 4 if name == "threshold" else 3
    return numerals.signed(value, places) if signed else numerals.decimal(value, places)


def _who(letter: str, record: RunRecord) -> Markup:
    facts = (record.run.get("name"), dig(record.run, "data", "source"), dig(record.manifest, "split", "kind"))
    what = ", ".join(str(fact) for fact in facts if fact)
    return element(
        "p",
        element("span", class_=f"key {letter}"),
        element("strong", letter.upper()),
        f" {record.id}" + (f" ({what} split)" if what else ""),
        class_="byline",
    )


def pair_headline(comparison: Comparison) -> Markup:
    """Average precision of both, and their difference."""
    tiles = [_run_tile("A", comparison.a), _run_tile("B", comparison.b)]
    if comparison.difference:
        tiles.append(_difference_tile(comparison.difference))
    return element("dl", tiles, class_="headline even")


def _run_tile(letter: str, record: RunRecord) -> Markup:
    return element(
        "div",
        element("dt", f"Average precision of {letter}"),
        element("dd", numerals.decimal(number(record.metrics, "average_precision")), class_="figure"),
        element("dd", "95\u00a0% interval ", element("span", interval_text(record), class_="whole")),
    )


def _difference_tile(difference: Difference) -> Markup:
    """The interval drawn around zero: where it touches the middle, there is no difference."""
    reach = 1.25 * max(abs(difference.low), abs(difference.high), 0.01)

    def place(value: float) -> float:
        return 0.5 + value / (2 * reach)

    left, right = place(difference.low), place(difference.high)
    bar = element(
        "div",
        element("span", class_="band", style=f"left:{left:.2%};width:{right - left:.2%}"),
        element("span", class_="value", style=f"left:{place(difference.value):.2%}"),
        element("span", class_="zero"),
        class_="interval",
        aria_hidden="true",
    )
    ends = f"{numerals.signed(difference.low)} to {numerals.signed(difference.high)}"
    return element(
        "div",
        element("dt", "Difference, B − A"),
        element("dd", numerals.signed(difference.value), class_="figure"),
        element("dd", bar, f"paired 95\u00a0% interval {ends}"),
        element("dd", f"B ahead in {numerals.percent(difference.probability_b_better)} of resamples"),
    )


def pair_metrics(comparison: Comparison) -> Markup:
    """Metrics of both, and their difference."""
    rows = [
        element("tr", element("th", name, scope="row"), [element("td", text) for text in texts])
        for name, *texts in metric_rows(comparison)
    ]
    return table(("Metric", "A", "B", "B − A"), rows, class_="wide versus numbers")
