"""The rows worth looking at one by one: what was missed, and what was alerted for nothing."""

from __future__ import annotations

from fraudlab.report.kit import numerals
from fraudlab.report.kit.blocks import table
from fraudlab.report.kit.markup import Child, Markup, element
from fraudlab.report.recorded.run_record import Json, RunRecord, dig, number

_TITLES = {"missed": "Missed frauds", "false_alarms": "False alarms"}


def mistakes_section(record: RunRecord) -> Markup | None:
    """Tables of both kinds of mistakes at the threshold; None where none were recorded."""
    tables = [_table(record, kind) for kind in _TITLES]
    if not any(tables):
        return None
    missed = record.mistakes.get("missed")
    priced = isinstance(missed, list) and any(number(row, "amount") is not None for row in _rows(missed))
    first = "the largest amount" if priced else "the lowest score"
    return element(
        "section",
        element("h2", "What it got wrong"),
        element(
            "p",
            f"Test rows at the threshold: missed frauds, {first} first, and false alarms, the highest score "
            "first. Rows count from 0 in the raw table. What moved a score most is in log-odds (exact SHAP "
            "values): plus is towards fraud.",
            class_="lead",
        ),
        tables,
    )


def _table(record: RunRecord, kind: str) -> Markup | None:
    found = record.mistakes.get(kind)
    rows = _rows(found) if isinstance(found, list) else []
    if not rows:
        return None
    described = [_cells(record, row) for row in rows]
    heads = [
        head
        for head in ("Time", "Amount", "Score", "What moved it")
        if any(head in cells for cells in described)
    ]
    body = [
        element(
            "tr",
            element("th", numerals.count(number(row, "row")), scope="row"),
            [element("td", cells.get(head, numerals.NOTHING), data_label=head) for head in heads],
        )
        for row, cells in zip(rows, described, strict=True)
    ]
    return table(["Row", *heads], body, class_="wide stack mistakes", caption=_TITLES[kind])


def _cells(record: RunRecord, row: Json) -> dict[str, Child]:
    cells: dict[str, Child] = {"Score": numerals.score(number(row, "score"))}
    if (time := number(row, "time")) is not None:
        dated = dig(record.manifest, "split", "time_kind") == "timestamp"
        cells["Time"] = numerals.timestamp(time) if dated else f"{numerals.decimal(time / 3600, 1)}\u00a0h"
    if (amount := number(row, "amount")) is not None:
        cells["Amount"] = numerals.decimal(amount, 2)
    reasons = row.get("reasons")
    if isinstance(reasons, list) and reasons:
        parts = [
            element("span", f"{reason[0]}\u00a0{numerals.signed(reason[1], 2)}", class_="reason")
            for reason in reasons
            if isinstance(reason, list) and len(reason) == 2 and isinstance(reason[1], (int, float))
        ]
        cells["What moved it"] = element("span", parts)
    return cells


def _rows(found: list[object]) -> list[Json]:
    return [row for row in found if isinstance(row, dict)]
