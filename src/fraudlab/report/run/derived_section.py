"""The columns a run declared: what each is, and what the model makes of it."""

from __future__ import annotations

from fraudlab.report.kit import numerals
from fraudlab.report.kit.blocks import table
from fraudlab.report.kit.markup import Markup, element
from fraudlab.report.recorded.run_record import Json, RunRecord, number
from fraudlab.report.run.proposal_table import proposal_table


def derived_section(record: RunRecord) -> Markup | None:
    """Every derived column with its expression and its share of the gain, and what was tried to choose some.

    Nothing where none is declared and nobody asked for a proposal.
    """
    declared, proposed = _declared(record), proposal_table(record)
    if not declared and proposed is None:
        return None
    return element("section", element("h2", "Derived columns"), *declared, proposed)


def _declared(record: RunRecord) -> list[Markup]:
    derived = record.model.get("derived")
    if not isinstance(derived, list) or not all(isinstance(one, dict) for one in derived) or not derived:
        return []
    gains = {str(item.get("column")): number(item, "gain") for item in record.importance}
    known = [gain for one in derived if (gain := gains.get(str(one.get("name")))) is not None]
    share = f" Together they have {numerals.percent(sum(known))} of the gain." if known else ""
    return [
        element(
            "p",
            "Computed of the other columns of a row, in training and at the endpoint by the same function: "
            f"rows are sent without them.{share}",
            class_="lead",
        ),
        element(
            "div",
            table(("column", "expression", "gain"), [_row(one, gains) for one in derived], class_="derived"),
            class_="scroll",
            tabindex="0",
            role="group",
            aria_label="derived columns",
        ),
    ]


def _row(one: Json, gains: dict[str, float | None]) -> Markup:
    name = str(one.get("name"))
    return element(
        "tr",
        element("th", name, scope="row"),
        element("td", element("code", str(one.get("expression")))),
        element("td", "no split" if gains.get(name) == 0 else numerals.percent(gains.get(name))),
    )
