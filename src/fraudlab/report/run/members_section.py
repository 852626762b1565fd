"""The members of an average: what sets each apart, and what averaging them brought."""

from __future__ import annotations

from fraudlab.report.kit import numerals
from fraudlab.report.kit.blocks import table
from fraudlab.report.kit.markup import Markup, element
from fraudlab.report.recorded.run_record import Json, RunRecord, dig, number, section, series


def members_section(record: RunRecord) -> Markup | None:
    """Each member with its rounds and its average precision on validation; None where the model is one."""
    members = dig(record.history, "members")
    if not isinstance(members, list) or not all(isinstance(one, dict) for one in members) or not members:
        return None
    apart = sorted({name for one in members for name in section(one, "parameters")} - {"rounds"})
    alone = series(record.history, "average", "members") or [None] * len(members)
    heads = ["Member", *apart, "Rounds kept", "Rounds trained", "Average precision on validation"]
    body = [
        _row(at, one, apart, precision)
        for at, (one, precision) in enumerate(zip(members, alone, strict=False), start=1)
    ]
    return element(
        "section",
        element("h2", "Members"),
        element(
            "p",
            f"The model is the average of {numerals.counted(len(members), 'model')}: {_gain(record)}",
            class_="lead",
        ),
        element(
            "div",
            table(heads, body, class_="wide"),
            class_="scroll",
            tabindex="0",
            role="group",
            aria_label="members of the average",
        ),
    )


def _gain(record: RunRecord) -> str:
    found = section(record.history, "average")
    best, middle = section(found, "best"), section(found, "middle")
    if not best or not middle:
        return "their raw scores are averaged."
    own = numerals.decimal(number(found, "average_precision"), 4)
    return (
        f"average precision {own} on validation. {_against('The best member alone', best)}"
        f" {_against('the one in the middle', middle)} The best is known by these rows, which flatters it."
    )


def _against(who: str, found: Json) -> str:
    ends = numerals.interval(number(found, "low"), number(found, "high"), 4)
    low, high = number(found, "low") or 0.0, number(found, "high") or 0.0
    noise = ": within noise" if low <= 0.0 <= high else ""
    precision = numerals.decimal(number(found, "average_precision"), 4)
    more = numerals.signed(number(found, "difference"), 4)
    end = "." if who.startswith("the") else ";"
    return f"{who} has {precision}, so averaging brought {more} (95 % {ends}){noise}{end}"


def _row(at: int, one: Json, apart: list[str], precision: float | None) -> Markup:
    own = section(one, "parameters")
    cells = [
        *(numerals.NOTHING if own.get(name) is None else str(own[name]) for name in apart),
        numerals.count(number(own, "rounds")),
        numerals.count(number(one, "rounds")),
        numerals.decimal(precision, 4),
    ]
    return element("tr", element("th", str(at), scope="row"), [element("td", cell) for cell in cells])
