"""Runs side by side as one page, and as JSON beside it."""

from __future__ import annotations

import json
from pathlib import Path

from fraudlab.files import write_text
from fraudlab.report.comparison.comparison import METRICS, Comparison
from fraudlab.report.comparison.comparison_page import (
    interval_text,
    metric_text,
    pair_header,
    pair_headline,
    pair_metrics,
)
from fraudlab.report.comparison.lineup import Lineup, Row, line_up
from fraudlab.report.comparison.lineup_charts import overlaid_charts, style
from fraudlab.report.comparison.slices_page import compared_slices
from fraudlab.report.kit import numerals
from fraudlab.report.kit.blocks import fact, table, written
from fraudlab.report.kit.chart import Chart
from fraudlab.report.kit.markup import Child, Markup, element
from fraudlab.report.kit.page import page
from fraudlab.report.recorded.run_record import RunRecord, number

#: columns of the table that are in every importance list
_IMPORTANT = 12
_MATRIX = ("true_positives", "false_positives", "false_negatives", "true_negatives")


def render_comparison(comparison: Comparison, target: Path) -> Path:
    """Write a comparison of two runs as a page; see :func:`render_lineup`."""
    return render_lineup(line_up([comparison.a.folder, comparison.b.folder]), target)


def render_lineup(lineup: Lineup, target: Path) -> Path:
    """Write runs side by side as a self-contained page, and as JSON beside it.

    Parameters
    ----------
    lineup : Lineup
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
    write_text(target.with_suffix(".json"), json.dumps(lineup.as_json(), indent=2) + "\n")
    write_text(target, lineup_html(lineup))
    return target


def lineup_html(lineup: Lineup) -> str:
    """The page as text."""
    charts = overlaid_charts(lineup)
    ids = " and ".join(record.id for record in lineup.runs[:2])
    more = f" and {len(lineup.runs) - 2} more" if len(lineup.runs) > 2 else ""
    return page(
        title=f"{ids}{more} · fraud model comparison", body=_body(lineup, charts), charts=charts, data={}
    )


def _body(lineup: Lineup, charts: list[Chart]) -> list[Markup | None]:
    two = lineup.pairs[0] if len(lineup.pairs) == 1 else None
    return [
        pair_header(two) if two else _header(lineup),
        pair_headline(two) if two else _standings(lineup),
        _section("Parameters", _differences(lineup, lineup.parameters, "parameter")),
        _section("Metrics", pair_metrics(two) if two else _metrics(lineup)),
        _section("Curves", element("div", [chart.figure() for chart in charts], class_="pair"))
        if charts
        else None,
        _section("Slices", compared_slices(lineup.pairs)),
        _section("At the chosen thresholds", _matrices(lineup)),
        _section("What the models look at", _importance(lineup)),
        _section("Data and environment", _differences(lineup, lineup.circumstances, "fact")),
    ]


def _section(title: str, content: Child) -> Markup | None:
    return element("section", element("h2", title), content) if content else None


def _header(lineup: Lineup) -> Markup:
    return element(
        "header",
        element("p", f"Comparison of {len(lineup.runs)} fraud models", class_="eyebrow"),
        element("h1", lineup.title),
        element("p", f"{lineup.reason[:1].upper()}{lineup.reason[1:]}", class_="verdict"),
    )


def _standings(lineup: Lineup) -> Markup:
    """Every run with its average precision, and its difference to the first."""
    rows = []
    for index, record in enumerate(lineup.runs):
        pair = lineup.pairs[index - 1] if index else None
        rows.append(
            element(
                "tr",
                element("th", _key(index), f" {record.id}", scope="row"),
                element("td", numerals.decimal(number(record.metrics, "average_precision"))),
                element("td", interval_text(record)),
                element("td", _difference_text(pair)),
                element("td", "" if pair is None else pair.title),
            )
        )
    heads = ("Run", "Average precision", "95\u00a0% interval", "Difference to A (paired interval)", "Judged")
    return _scrolled(table(heads, rows, class_="wide standings"))


def _difference_text(pair: Comparison | None) -> str:
    if pair is None or pair.difference is None:
        return numerals.NOTHING
    found = pair.difference
    ends = f"{numerals.signed(found.low)} to {numerals.signed(found.high)}"
    return f"{numerals.signed(found.value)} ({ends})"


def _key(index: int) -> Markup:
    return element(
        "span", element("span", class_=f"key {style(index)}"), chr(ord("A") + index), class_="entry"
    )


def _scrolled(content: Markup) -> Markup:
    """As wide as it needs, within a page that is not: it can be moved sideways, also with keys."""
    return element("div", content, class_="scroll", tabindex="0", role="group", aria_label="table")


def _columns(lineup: Lineup) -> tuple[str, ...]:
    return ("", *lineup.letters)


def _line(name: Child, texts: list[str]) -> Markup:
    return element("tr", element("th", name, scope="row"), [element("td", text) for text in texts])


def _metrics(lineup: Lineup) -> Markup:
    rows = [
        _line(METRICS[row.name], [metric_text(row.name, value) for value in row.values])
        for row in lineup.metrics
    ]
    return _scrolled(table(_columns(lineup), rows, class_="wide many numbers"))


def _differences(lineup: Lineup, rows: tuple[Row, ...], what: str) -> list[Markup]:
    """Those that differ as a table, and the same folded below."""
    different = [_line(row.name, [written(value) for value in row.values]) for row in rows if row.differs]
    same = [fact(row.name, written(row.values[0])) for row in rows if not row.differs]
    class_ = "wide versus" if len(lineup.runs) == 2 else "wide many"
    found = [
        _scrolled(table(_columns(lineup), different, class_=class_))
        if different
        else element("p", _nothing_differs(lineup, rows, what), class_="lead")
    ]
    if same:
        summary = f"{numerals.counted(len(same), what)} {'is' if len(same) == 1 else 'are'} the same"
        facts = element("dl", same, class_="pairs many")
        found.append(element("details", element("summary", summary), facts))
    return found


def _nothing_differs(lineup: Lineup, rows: tuple[Row, ...], what: str) -> str:
    if what == "parameter":
        if len(lineup.pairs) == 1:
            return lineup.pairs[0].nothing_differs
        return "All runs were made with the same parameters." if rows else "No parameters are recorded."
    return "All of it is the same." if rows else "Nothing of it is recorded."


def _matrices(lineup: Lineup) -> list[Markup | None] | None:
    """The confusion matrix of each run, a line each."""
    rows = [
        _line(
            [_key(index), record.id],
            [numerals.score(record.threshold), *(_count(record, name) for name in _MATRIX)],
        )
        for index, record in enumerate(lineup.runs)
        if number(record.metrics, _MATRIX[0]) is not None
    ]
    heads = ("", "Threshold", "Frauds caught", "False alarms", "Frauds missed", "Rightly passed")
    if not rows:
        return None
    lead = element("p", _chosen_by_first_fits(lineup), class_="lead") if lineup.refitted else None
    return [lead, _scrolled(table(heads, rows, class_="wide many numbers"))]


def _chosen_by_first_fits(lineup: Lineup) -> str:
    return (
        f"Of {', '.join(lineup.refitted)}, the threshold was chosen on validation by the first fit’s scores; "
        "the model that is counted here was refitted on train and validation together."
    )


def _count(record: RunRecord, name: str) -> str:
    return numerals.count(number(record.metrics, name))


def _importance(lineup: Lineup) -> list[Markup] | None:
    """The share of all gain that columns have in each model; those that matter most in any."""
    shares = [
        {str(item.get("column")): number(item, "gain") or 0.0 for item in record.importance}
        for record in lineup.runs
    ]
    largest: dict[str, float] = {}
    for share in shares:
        for name, gain in share.items():
            largest[name] = max(gain, largest.get(name, 0.0))
    names = sorted(largest, key=lambda name: -largest[name])
    if not names:
        return None
    rows = [
        _line(
            name, [numerals.percent(share[name]) if name in share else numerals.NOTHING for share in shares]
        )
        for name in names[:_IMPORTANT]
    ]
    left = f", of {len(names)}" if len(names) > _IMPORTANT else ""
    lead = (
        f"Share of all gain; the {numerals.counted(len(rows), 'column')} that matter most in any model{left}."
    )
    return [
        element("p", lead, class_="lead"),
        _scrolled(table(_columns(lineup), rows, class_="wide many numbers")),
    ]
