"""How late labels of fraud were, and what a team did not know yet when it trained and chose a threshold."""

from __future__ import annotations

import math

from fraudlab.report.kit import numerals
from fraudlab.report.kit.blocks import table
from fraudlab.report.kit.chart import Chart
from fraudlab.report.kit.markup import Markup, element
from fraudlab.report.kit.plot import Plot, across, upward
from fraudlab.report.recorded.refitted import refit_of
from fraudlab.report.recorded.run_record import RunRecord, dig, number, section, series

DAY = 86_400.0
#: the quantile up to which the chart is drawn: the last ones can be years away
_DRAWN = 0.95
_USES = {
    "train": "Train, first fit",
    "validation": "Validation: rounds, threshold, calibration",
    "refit": "Train, in the refit",
}


def label_delays(record: RunRecord) -> Chart | None:
    """The share of frauds known so long after the transaction; None where no column says it."""
    delays = _delays(record)
    if not delays:
        return None
    step = 1 / (len(delays) - 1)
    drawn = [(value, index * step) for index, value in enumerate(delays) if index * step <= _DRAWN + 1e-9]
    unit, name = (DAY, "Days") if drawn[-1][0] >= 2 * DAY else (3600.0, "Hours")
    waits, shares = [value / unit for value, _ in drawn], [share for _, share in drawn]
    plot = Plot(
        across(0.0, max(waits[-1], 1e-3), f"{name} after the transaction", lambda at: f"{at:g}"),
        upward(0.0, 1.0, "Share of the frauds that were known", _whole),
    )
    within = numerals.duration(drawn[-1][0])
    summary = f"{_whole(_DRAWN)} within {within}, the last after {numerals.duration(delays[-1])}"
    texts = [f"{_whole(share)} were known within {numerals.duration(value)}" for value, share in drawn]
    return Chart(
        "label-delay",
        "How late labels of fraud were",
        summary,
        plot.drawing(
            plot.line(waits, shares, "curve a"),
            summary=f"Share of frauds known by the time since the transaction. {summary}.",
        ),
        hover={"x": waits, "text": texts},
    )


def label_section(record: RunRecord, delays: Chart | None) -> Markup | None:
    """When labels were known, and which were not when they were used; None where no column says it."""
    if delays is None:
        return None
    lacking = number(record.manifest, "label_known", "lacking")
    stood_in = "had no time in the column: data.delay stood in for it."
    return element(
        "section",
        element("h2", "When labels were known"),
        element("p", _lead(record), class_="lead"),
        element("div", delays.figure(), class_="charts"),
        _uses(record),
        element("p", f"{numerals.counted(lacking, 'fraud')} {stood_in}", class_="note") if lacking else None,
        id="labels",
    )


def _delays(record: RunRecord) -> list[float]:
    """Quantiles of the seconds from a fraud to its label, in equal steps from the least to the most."""
    found = [value for value in series(record.manifest, "label_known", "quantiles") if value is not None]
    return found if len(found) > 1 else []


def _lead(record: RunRecord) -> str:
    delays, column = _delays(record), dig(record.manifest, "roles", "label_known")
    middle, most = (numerals.duration(_at(delays, share)) for share in (0.5, 0.9))
    return (
        f"Half of the frauds were known as such within {middle} of the transaction, 90\u00a0% within {most} "
        f"(column {column}). One that was not known yet counts as legitimate where the model learned, as it "
        "did then. Test has the true labels."
    )


def _uses(record: RunRecord) -> Markup | None:
    """At which moment which labels were used, and how many frauds were not known by then."""
    found = section(record.manifest, "split", "labels")
    heads = ["Labels of", "As\u00a0of", "Frauds", "Known too late", "Share"]
    dated = dig(record.manifest, "split", "time_kind") == "timestamp"
    first = number(record.manifest, "splits", "train", "time_start") or 0.0
    rows = []
    for use, name in _USES.items():
        facts = section(found, use)
        moment, frauds, late = (number(facts, key) for key in ("moment", "frauds", "late"))
        unused = use == "refit" and not refit_of(record)
        if unused or moment is None or frauds is None or late is None:
            continue
        when = numerals.timestamp(moment) if dated else f"{numerals.duration(moment - first)} after the start"
        share = numerals.percent(late / frauds if frauds else None)
        cells = [when, numerals.count(frauds), numerals.count(late), share]
        labelled = zip(heads[1:], cells, strict=True)
        rows.append(
            element(
                "tr",
                element("th", name, scope="row"),
                [element("td", cell, data_label=head) for head, cell in labelled],
            )
        )
    return table(heads, rows, class_="wide stack") if rows else None


def _at(delays: list[float], share: float) -> float:
    return delays[math.ceil(share * (len(delays) - 1) - 1e-9)]


def _whole(share: float) -> str:
    return f"{share * 100:.0f}\u00a0%"
