"""Against the model in use: what both cost and catch on the same test rows, and whether that is chance."""

from __future__ import annotations

from fraudlab.evaluation.money_difference import MIN_FRAUDS
from fraudlab.report.kit import numerals
from fraudlab.report.kit.blocks import table
from fraudlab.report.kit.markup import Markup, element
from fraudlab.report.recorded.run_prices import Prices
from fraudlab.report.recorded.run_record import Json, RunRecord, number

_SPACE = "\u00a0"


def compared(record: RunRecord) -> Json | None:
    """The figures of the incumbent; None where there is none, or it was not compared."""
    return record.incumbent if record.incumbent.get("compared") is True else None


def incumbent_line(record: RunRecord, prices: Prices) -> Markup | None:
    """What the incumbent would have cost, and what is saved against it; None where that is not known."""
    found = compared(record)
    saving, cost = (number(found or {}, name) for name in ("saving", "cost"))
    if found is None or saving is None or cost is None:
        return None
    return element(
        "p",
        f"The incumbent, {_name(found)}, would have cost ",
        element("strong", prices.money(cost)),
        ": against it this model saves " if saving >= 0 else ": against it this model loses ",
        element("strong", prices.money(abs(saving))),
        f" ({_interval(found, prices)}). {_decided(found)}",
        f" {_learned(found)}" if _learned(found) else None,
        class_="lead money",
        id="against-incumbent",
    )


def incumbent_section(record: RunRecord, prices: Prices | None) -> Markup | None:
    """Both models beside each other; why they are not compared, where there is an incumbent; else None."""
    if not record.incumbent:
        return None
    found = compared(record)
    if found is None:
        reason = str(record.incumbent.get("reason") or "nothing tells why").rstrip(".")
        return _section(element("p", f"Not compared: {reason}.", class_="lead"))
    heads = ["", "This model", _name(found)]
    body = [
        element(
            "tr",
            element("th", name, scope="row"),
            [element("td", text, data_label=head) for head, text in zip(heads[1:], texts, strict=True)],
        )
        for name, *texts in _rows(record, found, prices)
    ]
    return _section(
        element("p", _lead(found), class_="lead"),
        table(heads, body, class_="wide stack"),
        element("p", _ranking(found), class_="note"),
        element("p", element("strong", _learned(found)), class_="note") if _learned(found) else None,
    )


def _section(*content: Markup | None) -> Markup:
    return element("section", element("h2", "Against the incumbent"), *content, id="incumbent")


def _name(found: Json) -> str:
    return str(found.get("name") or "another model")


def _lead(found: Json) -> str:
    here, there = (numerals.counted(number(found, name), "row") for name in ("only_here", "only_incumbent"))
    prices = " This run’s prices hold for both." if number(found, "cost") is not None else ""
    return (
        f"{_name(found)} scored the same test rows, with the threshold it was shipped with. This model alone "
        f"alerts {here}, the incumbent alone {there}.{prices} {_decided(found)}"
    ).rstrip()


def _rows(record: RunRecord, found: Json, prices: Prices | None) -> list[tuple[str, ...]]:
    own, daily = record.metrics, record.days is not None
    alerts = (number(own, "true_positives") or 0) + (number(own, "false_positives") or 0)
    rows: list[tuple[str, ...]] = [
        ("Recall", *(numerals.decimal(number(one, "recall")) for one in (own, found))),
        ("Precision", *(numerals.decimal(number(one, "precision")) for one in (own, found))),
        ("Frauds caught", *(numerals.count(number(one, "true_positives")) for one in (own, found))),
        ("Alerts", numerals.count(alerts), numerals.count(number(found, "alerts"))),
    ]
    if daily:
        each = (numerals.quantity(number(one, "alerts_per_day")) for one in (own, found))
        rows.append(("Alerts per day", *each))
    rows += [
        ("Threshold", *(numerals.score(number(one, "threshold")) for one in (own, found))),
        ("Average precision", *(numerals.decimal(number(one, "average_precision")) for one in (own, found))),
    ]
    saving = number(found, "saving")
    if prices is not None and saving is not None:
        unit = f", {prices.currency}" if prices.currency else ""
        both = (numerals.count(number(one, "cost")) for one in (own, found))
        interval = _interval(found, prices)
        rows = [
            (f"Cost{unit}", *both),
            (f"Saved against the incumbent{unit}", f"{numerals.count(saving)} ({interval})", "–"),
            *rows,
        ]
    return rows


def _interval(found: Json, prices: Prices) -> str:
    ends = (prices.money(number(found, name)) for name in ("saving_low", "saving_high"))
    of = "" if (number(found, "saving") or 0) >= 0 else "of the saving "
    return f"95{_SPACE}% interval {of}{' to '.join(ends)}"


def _decided(found: Json) -> str:
    """What the interval says, in words; nothing where there is no money."""
    cards = found.get("units") == "cards"
    verdict, needed = found.get("verdict"), number(found, "needed")
    if verdict == "same":
        return "Both alert the same rows, or what costs the same."
    if verdict in ("saves", "loses"):
        what = "saving" if verdict == "saves" else "loss"
        return f"The {what} is beyond chance{', with cards as units' if cards else ''}."
    if verdict == "too few frauds":
        of = "cards with fraud" if cards else "frauds"
        return f"No difference on fewer than {MIN_FRAUDS} {of} is beyond chance."
    if verdict != "undecided":
        return ""
    enough = (
        f"; to tell one of this size it would take about {numerals.count(needed)} test frauds"
        if needed
        else ""
    )
    what = "saving" if (number(found, "saving") or 0) >= 0 else "loss"
    return f"The {what} may be chance{', with cards as units' if cards else ''}{enough}."


def _ranking(found: Json) -> str:
    difference, low, high = (
        numerals.signed(number(found, f"average_precision_difference{end}")) for end in ("", "_low", "_high")
    )
    units = "cards" if found.get("units") == "cards" else "rows"
    return (
        f"Average precision differs by {difference} (95{_SPACE}% interval {low} to {high}, by paired "
        f"bootstrap with {units} as units)."
    )


def _learned(found: Json) -> str:
    """Whether the incumbent may know these rows; nothing where it does not."""
    learned, rows = number(found, "learned"), number(found, "rows")
    if learned is None:
        return "Nothing tells whether the incumbent learned from these test rows: if so, they flatter it."
    if not learned or not rows:
        return ""
    these = f"{numerals.count(learned)} of the {numerals.count(rows)} test rows"
    share = numerals.percent(learned / rows)
    return f"The incumbent may have learned from {these} ({share}): they flatter it, and more may be saved."
