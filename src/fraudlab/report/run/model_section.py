"""Which columns the model uses, beside how training went."""

from __future__ import annotations

from fraudlab.report.kit import numerals
from fraudlab.report.kit.blocks import bar, bar_figure
from fraudlab.report.kit.chart import Chart
from fraudlab.report.kit.markup import Markup, element
from fraudlab.report.recorded.refitted import refit_sentences
from fraudlab.report.recorded.run_record import Json, RunRecord, number

SHOWN_FEATURES = 15


def model_section(record: RunRecord, training: Chart | None) -> Markup | None:
    """Which columns the model uses, beside how training went, and whether it was refitted."""
    parts = [_importance(record.importance), training.figure() if training else None]
    if not any(parts):
        return None
    refitted = refit_sentences(record)
    said = element("p", refitted) if refitted else None
    return element("section", element("h2", "Model"), said, element("div", parts, class_="pair"))


def _importance(importance: list[Json]) -> Markup | None:
    gains = [(str(item.get("column")), number(item, "gain") or 0.0) for item in importance]
    if not gains:
        return None
    if not any(gain for _, gain in gains):
        return bar_figure(
            "Feature importance", "No tree splits on any column: every row gets the same score", []
        )
    largest = max(gain for _, gain in gains) or 1.0
    bars = [bar(name, gain / largest, numerals.percent(gain)) for name, gain in gains[:SHOWN_FEATURES]]
    rest = gains[SHOWN_FEATURES:]
    note = (
        f"{'The other column has' if len(rest) == 1 else f'{len(rest)} more columns share'} "
        f"{numerals.percent(sum(gain for _, gain in rest))}."
        if rest
        else None
    )
    return bar_figure("Feature importance", "Share of what all splits of the trees gained", bars, note=note)
