"""What the model does for each value of the columns that the run asked about, and where that is no chance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fraudlab.evaluation.groups import FEW_FRAUDS
from fraudlab.report.kit import numerals
from fraudlab.report.kit.blocks import table
from fraudlab.report.kit.interval_chart import Estimate, Ruler, interval_chart
from fraudlab.report.kit.markup import Markup, element
from fraudlab.report.recorded.run_record import Json, RunRecord, number
from fraudlab.report.recorded.sliced_rows import slice_words

_HEADS = ("Rows", "Frauds", "Alerts", "Recall", "Precision", "Average precision")
_COMPARED = ("recall", "precision")
_FIGURES = (*_COMPARED, "average_precision")
#: differing slices that are named in the lead; the tables mark all
_NAMED = 6


@dataclass(frozen=True)
class _Mark:
    """A figure of a slice that differs from all other rows by more than chance."""

    slice: str
    figure: str
    lower: bool
    value: float | None
    others: float | None

    def sentence(self) -> str:
        than = f"{self.figure} {numerals.decimal(self.value)}, all other rows {numerals.decimal(self.others)}"
        return f"{self.slice}: {than}."


def slice_section(record: RunRecord) -> Markup | None:
    """Charts and a table for each column, below the slices that differ; None where none was asked about."""
    columns = _mappings(record.slices.get("columns"))
    if not columns:
        return None
    marks = [mark for column in columns for mark in _marks(column)]
    marks.sort(key=lambda mark: not mark.lower)  # what is worse is said first
    more = len(marks) - _NAMED
    return element(
        "section",
        element("h2", "Slices"),
        element("p", _lead(record, marks), class_="lead"),
        element("ul", [element("li", mark.sentence()) for mark in marks[:_NAMED]], class_="lead marks")
        if marks
        else None,
        element("p", f"And {more} more, marked below.", class_="note") if more > 0 else None,
        [_column(column, record) for column in columns],
        element("p", _how(record), class_="note"),
    )


def _lead(record: RunRecord, marks: list[_Mark]) -> str:
    compared = int(number(record.slices, "compared") or 0)
    if not compared:
        return "No slice has cases enough to be compared with all other rows."
    many = numerals.counted(compared, "comparison")
    if not marks:
        return f"No slice differs from all other rows by more than chance, in {many}."
    worse = len({mark.slice for mark in marks if mark.lower})
    better = len({mark.slice for mark in marks if not mark.lower})
    parts = [
        f"{numerals.counted(count, 'slice')} {'is' if count == 1 else 'are'} {word}"
        for count, word in ((worse, "worse"), (better, "better"))
        if count
    ]
    joined = " and ".join(parts)
    return f"{joined} than all other rows by more than chance, in {many}."


def _how(record: RunRecord) -> str:
    units = (
        " Cases of one card count as fewer than they are (Rao and Scott)."
        if record.slices.get("units") == "cards"
        else ""
    )
    of = "frauds, or cards with one," if units else "frauds"
    return (
        "Recall and precision at the threshold with 95\u00a0% intervals, each compared with all other rows "
        f"by Fisher’s exact test.{units} With Holm’s correction for the number of comparisons, where no "
        f"slice differs one page in twenty has a mark, at most. Below {FEW_FRAUDS} {of} recall and average "
        f"precision would say too little, and below {FEW_FRAUDS} alerts precision would. Average precision "
        "is not compared: it rises with the share of fraud."
    )


def _marks(column: Json) -> Iterator[_Mark]:
    for one in _mappings(column.get("slices")):
        for figure in _COMPARED:
            if one.get(f"{figure}_verdict") in ("lower", "higher"):
                yield _Mark(
                    f"{column.get('column')} {_name(column, one)}",
                    figure,
                    one[f"{figure}_verdict"] == "lower",
                    number(one, figure),
                    number(one, f"{figure}_of_others"),
                )


def _name(column: Json, one: Json) -> str:
    kind = one.get("kind")
    return slice_words(kind, one.get("value"), number(column, "together"))


def _column(column: Json, record: RunRecord) -> Markup:
    slices = _mappings(column.get("slices"))
    body = [
        element(
            "tr",
            element("th", _name(column, one), scope="row"),
            [
                element("td", numerals.count(number(one, name)), data_label=head)
                for name, head in zip(("rows", "positives", "alerts"), _HEADS, strict=False)
            ],
            [
                element("td", _figure(one, name), data_label=head)
                for name, head in zip(_FIGURES, _HEADS[3:], strict=True)
            ],
        )
        for one in slices
    ]
    together = int(number(column, "together") or 0)
    values = numerals.counted(number(column, "values"), "value")
    note = f"{values}; {numerals.count(together)} of them, those of the fewest rows, are put together."
    return element(
        "div",
        element("h3", str(column.get("column"))),
        element("p", note, class_="subtitle") if together else None,
        element("div", [_chart(column, record, name) for name in _COMPARED], class_="pair"),
        element(
            "details",
            element("summary", f"{numerals.counted(len(slices), 'slice')} in numbers"),
            table(["Value", *_HEADS], body, class_="wide stack single slices"),
        ),
        class_="sliced",
    )


def _chart(column: Json, record: RunRecord, name: str) -> Markup:
    """A figure of each slice, beside that of all test rows."""
    base = number(record.metrics, name)
    line = "" if base is None else f"; the line is all test rows, {numerals.decimal(base)}"
    ticks = [(share, f"{share:g}") for share in (0.0, 0.5, 1.0)]
    return interval_chart(
        f"{name.capitalize()}",
        f"At the threshold, with 95\u00a0% intervals{line}",
        [_estimate(column, one, name) for one in _mappings(column.get("slices"))],
        Ruler(0.0, 1.0, ticks, base),
    )


def _estimate(column: Json, one: Json, name: str) -> Estimate:
    value, low, high = (number(one, f"{name}{end}") for end in ("", "_low", "_high"))
    if value is None or low is None or high is None:
        return Estimate(_name(column, one), None, None, None, "too few", class_="few")
    verdict = one.get(f"{name}_verdict")
    mark = str(verdict) if verdict in ("lower", "higher") else ""
    return Estimate(_name(column, one), value, low, high, numerals.decimal(value), mark, mark)


def _figure(one: Json, name: str) -> Markup:
    """A figure with its interval and its mark; words where there is none."""
    value, low, high = (number(one, f"{name}{end}") for end in ("", "_low", "_high"))
    if value is None or low is None or high is None:
        return element("span", "too few" if _few(one, name) else numerals.NOTHING, class_="quiet")
    verdict = one.get(f"{name}_verdict")
    mark = (
        element("strong", str(verdict), class_=f"mark {verdict}") if verdict in ("lower", "higher") else None
    )
    return element(
        "div",
        mark,
        element(
            "span",
            numerals.decimal(value),
            element("small", numerals.interval(low, high)),
            class_="whole",
        ),
        class_="measured",
    )


def _few(one: Json, name: str) -> bool:
    """Whether cases are missing; else the slice has fraud alone, which has no average precision."""
    return name != "average_precision" or number(one, "recall") is None


def _mappings(found: object) -> list[Json]:
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
