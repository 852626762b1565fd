"""A comparison as one page, and as JSON beside it."""

from __future__ import annotations

import json
from pathlib import Path

from fraudlab.files import write_text
from fraudlab.report.comparison.comparison import METRICS, Comparison, Difference, Setting
from fraudlab.report.kit import numerals
from fraudlab.report.kit.blocks import fact, table, written
from fraudlab.report.kit.chart import Chart, legend
from fraudlab.report.kit.markup import Markup, element
from fraudlab.report.kit.page import page
from fraudlab.report.recorded.ranking_charts import precision_recall, read_curve, roc
from fraudlab.report.recorded.run_record import RunRecord, dig, number

_COUNTS = ("positives", "rows")
_ENDS = ("average_precision_low", "average_precision_high")


def render_comparison(comparison: Comparison, target: Path) -> Path:
    """Write a comparison as a self-contained page, and as JSON beside it.

    Parameters
    ----------
    comparison : Comparison
    target : Path
        The page; the JSON has the same name with the ending ``.json``.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    StorageError
        If one of the two cannot be written.
    """
    a, b = comparison.a, comparison.b
    charts = _charts(comparison)
    body = [
        element(
            "header",
            element("p", "Comparison of two fraud models", class_="eyebrow"),
            element("h1", comparison.title),
            element("p", f"{comparison.reason[:1].upper()}{comparison.reason[1:]}", class_="verdict"),
            _who("a", a),
            _who("b", b),
        ),
        _headline(comparison),
        element("section", element("h2", "Curves"), _pair(charts)) if charts else None,
        element("section", element("h2", "Metrics"), _metrics(comparison)),
        _parameters(comparison),
    ]
    text = page(title=f"{a.id} and {b.id} · fraud model comparison", body=body, charts=charts, data={})
    write_text(target.with_suffix(".json"), json.dumps(comparison.as_json(), indent=2) + "\n")
    write_text(target, text)
    return target


def metric_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """Write name, A, B and B − A of every metric, as both the page and the terminal show them."""
    rows: list[tuple[str, ...]] = []
    for metric in comparison.metrics:
        if metric.name in _ENDS:
            continue
        values = [_text(metric.name, value) for value in (metric.a, metric.b)]
        rows.append((METRICS[metric.name], *values, _text(metric.name, metric.difference, signed=True)))
        if metric.name == "average_precision":
            rows.append(("95\u00a0% interval", _interval(comparison.a), _interval(comparison.b), ""))
    return rows


def _interval(record: RunRecord) -> str:
    return numerals.interval(number(record.metrics, _ENDS[0]), number(record.metrics, _ENDS[1]))


def _text(name: str, value: float | None, *, signed: bool = False) -> str:
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


def _headline(comparison: Comparison) -> Markup:
    tiles = [_run_tile("A", comparison.a), _run_tile("B", comparison.b)]
    if comparison.difference:
        tiles.append(_difference_tile(comparison.difference))
    return element("dl", tiles, class_="headline even")


def _run_tile(letter: str, record: RunRecord) -> Markup:
    return element(
        "div",
        element("dt", f"Average precision of {letter}"),
        element("dd", numerals.decimal(number(record.metrics, "average_precision")), class_="figure"),
        element("dd", "95\u00a0% interval ", element("span", _interval(record), class_="whole")),
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


def _charts(comparison: Comparison) -> list[Chart]:
    key = legend({"a": "A", "b": "B"})
    runs = (("A", "curve a", comparison.a), ("B", "curve b", comparison.b))
    pr, receiver = (
        [curve for name, class_, run in runs if (curve := read_curve(run, kind, name=name, class_=class_))]
        for kind in ("pr", "roc")
    )
    prevalence = number(comparison.a.metrics, "prevalence") if comparison.difference else None
    rows, positives = (number(comparison.a.metrics, name) for name in ("rows", "positives"))
    negatives = rows - positives if rows is not None and positives is not None else None
    charts = [
        precision_recall(pr, subtitle=key, prevalence=prevalence) if pr else None,
        roc(receiver, subtitle=key, negatives=negatives) if receiver else None,
    ]
    return [chart for chart in charts if chart]


def _pair(charts: list[Chart]) -> Markup:
    return element("div", [chart.figure() for chart in charts], class_="pair")


def _metrics(comparison: Comparison) -> Markup:
    rows = [
        element("tr", element("th", name, scope="row"), [element("td", text) for text in texts])
        for name, *texts in metric_rows(comparison)
    ]
    return table(("Metric", "A", "B", "B − A"), rows, class_="wide versus numbers")


def _parameters(comparison: Comparison) -> Markup:
    parameters = comparison.parameters
    different = [_parameter(parameter) for parameter in parameters if parameter.differs]
    same = [fact(parameter.name, written(parameter.a)) for parameter in parameters if not parameter.differs]
    return element(
        "section",
        element("h2", "Parameters"),
        table(("Parameter", "A", "B"), different, class_="wide versus")
        if different
        else element("p", comparison.nothing_differs, class_="lead"),
        element(
            "details",
            element(
                "summary",
                f"{numerals.counted(len(same), 'parameter')} {'is' if len(same) == 1 else 'are'} the same",
            ),
            element("dl", same, class_="pairs many"),
        )
        if same
        else None,
    )


def _parameter(parameter: Setting) -> Markup:
    return element(
        "tr",
        element("th", parameter.name, scope="row"),
        element("td", written(parameter.a)),
        element("td", written(parameter.b)),
    )
