"""What ``data.derive=auto`` tried, and what each column brought on validation."""

from __future__ import annotations

from fraudlab.report.kit import numerals
from fraudlab.report.kit.blocks import table
from fraudlab.report.kit.markup import Markup, element
from fraudlab.report.recorded.run_record import Json, RunRecord, number


def proposal_table(record: RunRecord) -> Markup | None:
    """The candidates in the order they were tried; nothing where nobody asked for them."""
    answer = record.proposed
    if not answer:
        return None
    tried = [one for one in answer.get("tried") or [] if isinstance(one, dict)]
    lead = element("p", _sentence(answer, tried), class_="lead")
    if not tried:
        return lead
    names = ("tried", "expression", "gain in average precision", "at least", "")
    return element(
        "div",
        lead,
        element(
            "div",
            table(names, [_row(one) for one in tried], class_="derived proposed"),
            class_="scroll",
            tabindex="0",
            role="group",
            aria_label="columns that were tried",
        ),
    )


def _sentence(answer: Json, tried: list[Json]) -> str:
    why = answer.get("why")
    if not tried:
        return f"data.derive=auto declares no column: {why}."
    before, after, noise = (number(answer, name) for name in ("before", "after", "noise"))
    kept = sum(one.get("kept") is True for one in tried)
    return (
        f"data.derive=auto chose {kept} of {answer.get('candidates')} candidates on validation, by small "
        "models that learnt from some rows of train: their average precision went from "
        f"{numerals.decimal(before)} to {numerals.decimal(after)}. The standard deviation of what shuffled "
        f"columns bring is {numerals.decimal(noise, 4)}. The rows that chose a column show "
        "its gain too large; test rows were not read."
    )


def _row(one: Json) -> Markup:
    gain, low = (number(one, name) for name in ("gain", "low"))
    return element(
        "tr",
        element("th", str(one.get("name")), scope="row"),
        element("td", element("code", str(one.get("expression")))),
        element("td", "" if gain is None else f"{gain:+.4f}"),
        element("td", "" if low is None else f"{low:+.4f}"),
        element("td", "kept" if one.get("kept") is True else "left out"),
    )
