"""What a page of compared runs says of slices: words, differences with intervals, and numbers."""

from __future__ import annotations

from collections.abc import Sequence

from fraudlab.evaluation.groups import FEW_FRAUDS
from fraudlab.report.comparison.compared_slices import (
    NAMED,
    ComparedColumn,
    ComparedSlice,
    compared,
    difference_words,
    slice_lead,
    slice_sentences,
)
from fraudlab.report.comparison.comparison import Comparison
from fraudlab.report.kit import numerals
from fraudlab.report.kit.blocks import table
from fraudlab.report.kit.interval_chart import Estimate, Ruler, interval_chart
from fraudlab.report.kit.markup import Markup, element
from fraudlab.report.kit.scales import round_step


def compared_slices(pairs: Sequence[Comparison]) -> list[Markup | None] | None:
    """Slices of runs that are each compared with the first; None where no run has any."""
    shown = [pair for pair in pairs if pair.slices]
    if not shown:
        return None
    many = sum(compared(pair.slices) for pair in shown)
    return [
        *[_words(pair, many, alone=len(shown) == 1) for pair in shown],
        *(
            [_column(column, shown[0]) for column in shown[0].slices]
            if len(shown) == 1
            else _side_by_side(shown)
        ),
        element("p", _how(shown), class_="note"),
    ]


def _words(pair: Comparison, many: int, *, alone: bool) -> Markup:
    sentences = slice_sentences(pair.slices, pair.letters)
    more = len(sentences) - NAMED
    return element(
        "div",
        element("p", slice_lead(pair.slices, pair.letters, many), class_="lead"),
        element("ul", [element("li", text) for text in sentences[:NAMED]], class_="lead marks")
        if sentences
        else None,
        element("p", f"And {more} more, marked below.", class_="note") if more > 0 else None,
        class_=None if alone else "sliced",
    )


def _how(pairs: Sequence[Comparison]) -> str:
    cards = any(pair.difference is not None and pair.difference.cards is not None for pair in pairs)
    of = "frauds, or cards with one," if cards else "frauds"
    units = " Whole cards are resampled." if cards else ""
    return (
        "Paired differences of average precision on the rows of each slice, with 95\u00a0% intervals, "
        f"which are not corrected for how many there are.{units} Marks are, by Holm’s method: where no slice "
        f"differs, one page in twenty has a mark, at most. Below {FEW_FRAUDS} {of} a slice is not compared."
    )


def _column(column: ComparedColumn, pair: Comparison) -> Markup:
    first, second = pair.letters
    reach = _reach(column)
    ticks = [(-reach, numerals.signed(-reach, 2)), (0.0, "0"), (reach, numerals.signed(reach, 2))]
    chart = interval_chart(
        None,
        f"Average precision, {second} − {first}; on the line there is no difference",
        [_estimate(one, pair.letters) for one in column.slices],
        Ruler(-reach, reach, ticks, 0.0),
    )
    heads = ("Value", "Rows", "Frauds", first, second, f"{second} − {first} (paired interval)", "Adjusted p")
    body = [_row(one, heads) for one in column.slices]
    return element(
        "div",
        element("h3", column.column),
        element("p", _put_together(column), class_="subtitle") if column.together else None,
        chart,
        element(
            "details",
            element("summary", f"{numerals.counted(len(body), 'slice')} in numbers"),
            table(heads, body, class_="wide stack single slices"),
        ),
        class_="sliced",
    )


def _put_together(column: ComparedColumn) -> str:
    values = numerals.counted(column.values, "value")
    return f"{values}; {numerals.count(column.together)} of them, those of the fewest rows, are put together."


def _reach(column: ComparedColumn) -> float:
    """How far the chart goes to either side: the farthest end, rounded up."""
    ends = [
        abs(end) for one in column.slices if (found := one.figures.found) for end in (found.low, found.high)
    ]
    return min(1.0, round_step(max([0.01, *ends])))


def _estimate(one: ComparedSlice, letters: tuple[str, str]) -> Estimate:
    found, better = one.figures.found, one.better
    if found is None:
        return Estimate(one.name, None, None, None, _missing(one), class_="few")
    if better is None:
        return Estimate(one.name, found.difference, found.low, found.high, difference_words(one))
    mark, class_ = f"{letters[better]} better", "ab"[better]
    return Estimate(one.name, found.difference, found.low, found.high, difference_words(one), mark, class_)


def _missing(one: ComparedSlice) -> str:
    frauds = one.figures.frauds
    return "fraud alone" if frauds == one.figures.rows else f"too few: {numerals.counted(frauds, 'fraud')}"


def _row(one: ComparedSlice, heads: Sequence[str]) -> Markup:
    figures = one.figures
    cells = [
        numerals.count(figures.rows),
        numerals.count(figures.frauds),
        numerals.decimal(figures.a),
        numerals.decimal(figures.b),
        difference_words(one) if figures.found else _missing(one),
        numerals.decimal(figures.adjusted),
    ]
    labelled = zip(heads[1:], cells, strict=True)
    return element(
        "tr",
        element("th", one.name, scope="row"),
        [element("td", cell, data_label=head) for head, cell in labelled],
    )


def _side_by_side(pairs: Sequence[Comparison]) -> list[Markup]:
    """A table for each column: a line for each slice, and in it the difference of each run to the first."""
    heads = ("", *(f"{pair.letters[1]} − {pair.letters[0]}" for pair in pairs))
    names = dict.fromkeys(column.column for pair in pairs for column in pair.slices)
    found = []
    for name in names:
        columns = [next((own for own in pair.slices if own.column == name), None) for pair in pairs]
        first = next(column for column in columns if column is not None)
        body = [
            element(
                "tr",
                element("th", one.name, scope="row"),
                [
                    _cell(None if column is None else column.slices[at], pair)
                    for column, pair in zip(columns, pairs, strict=True)
                ],
            )
            for at, one in enumerate(first.slices)
        ]
        wide = table(heads, body, class_="wide many numbers")
        scrolled = element("div", wide, class_="scroll", tabindex="0", role="group", aria_label="table")
        found.append(element("div", element("h3", name), scrolled, class_="sliced"))
    return found


def _cell(one: ComparedSlice | None, pair: Comparison) -> Markup:
    if one is None or one.figures.found is None:
        return element("td", numerals.NOTHING if one is None else _missing(one), class_="quiet")
    better = one.better
    mark = None if better is None else element("strong", f"{pair.letters[better]} better ", class_="mark")
    return element("td", mark, difference_words(one))
