"""Two runs in each slice of their test rows, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from fraudlab.evaluation.slice_differences import (
    SliceDifference,
    corrected_differences,
    slice_differences,
)
from fraudlab.report.kit import numerals
from fraudlab.report.recorded.run_record import Json
from fraudlab.report.recorded.scores import Scores
from fraudlab.report.recorded.sliced_rows import SlicedRows, slice_words

#: differing slices that are named in words; the charts mark all
NAMED = 6
#: which run is better, by what the second is beside the first
_OUTCOMES = {"lower": "a", "higher": "b", "same": "same"}


@dataclass(frozen=True)
class ComparedSlice:
    """Two runs in one slice.

    Attributes
    ----------
    kind : {"value", "missing", "together"}
    value : str or None
    name : str
        What a page calls it.
    figures : SliceDifference
    """

    kind: str
    value: str | None
    name: str
    figures: SliceDifference

    @property
    def better(self) -> int | None:
        """0 where the first run is better beyond chance, 1 where the second is."""
        found = _OUTCOMES[self.figures.verdict or "same"]
        return None if found == "same" else "ab".index(found)

    def as_json(self) -> Json:
        """For other programs."""
        one, found = self.figures, self.figures.found
        return {
            "kind": self.kind,
            "value": self.value,
            "rows": one.rows,
            "positives": one.frauds,
            "average_precision": None if found is None else {"a": one.a, "b": one.b},
            "difference": found and found.difference,
            "low": found and found.low,
            "high": found and found.high,
            "p": one.adjusted,
            "outcome": None if one.verdict is None else _OUTCOMES[one.verdict],
        }


@dataclass(frozen=True)
class ComparedColumn:
    """Two runs in the slices of one column.

    Attributes
    ----------
    column : str
    values, together : int
        As :class:`~fraudlab.report.recorded.sliced_rows.SlicedRows` has them.
    slices : tuple of ComparedSlice
    """

    column: str
    values: int
    together: int
    slices: tuple[ComparedSlice, ...]

    def as_json(self) -> Json:
        """For other programs."""
        return {
            "column": self.column,
            "values": self.values,
            "together": self.together,
            "slices": [one.as_json() for one in self.slices],
        }


def compare_slices(
    a: Scores, b: Scores, sliced: Sequence[SlicedRows], *, same_cards: bool
) -> tuple[ComparedColumn, ...]:
    """Compare two runs in the slices of columns, corrected for how many slices there are.

    Parameters
    ----------
    a, b : Scores
        Of the same rows.
    sliced : sequence of SlicedRows
        Of these rows.
    same_cards : bool
        Whether both were told of the same cards; then these are resampled.
    """
    card = a.card if same_cards and b.card is not None else None
    found = [
        ComparedColumn(
            one.column,
            one.values,
            one.together,
            tuple(
                ComparedSlice(
                    one.kind(figures.group),
                    one.value(figures.group),
                    slice_words(one.kind(figures.group), one.value(figures.group), one.together),
                    figures,
                )
                for figures in slice_differences(a.label == 1, a.score, b.score, one.number, card=card)
            ),
        )
        for one in sliced
    ]
    (corrected,) = correct_together([found])
    return corrected


def correct_together(pairs: Sequence[Sequence[ComparedColumn]]) -> list[tuple[ComparedColumn, ...]]:
    """The slices of several comparisons that stand on one page, corrected for all that are looked at."""
    columns = [column for pair in pairs for column in pair]
    figures = iter(corrected_differences([[one.figures for one in column.slices] for column in columns]))

    def correct(column: ComparedColumn) -> ComparedColumn:
        both = zip(column.slices, next(figures), strict=True)
        return replace(column, slices=tuple(replace(one, figures=better) for one, better in both))

    return [tuple(correct(column) for column in pair) for pair in pairs]


def compared(columns: Sequence[ComparedColumn]) -> int:
    """How many slices have frauds enough to be compared."""
    return sum(one.figures.verdict is not None for column in columns for one in column.slices)


def slice_lead(columns: Sequence[ComparedColumn], letters: tuple[str, str], many: int | None = None) -> str:
    """What comes of it, in a sentence.

    Parameters
    ----------
    columns : sequence of ComparedColumn
    letters : tuple of str
        What the runs are called.
    many : int, optional
        How many comparisons it is corrected for; those of the columns where it is not said.
    """
    if not compared(columns):
        if any(one.figures.found for column in columns for one in column.slices):
            return (
                "No slice is compared by itself: there is one with frauds enough, and it has all test rows."
            )
        return f"No slice has frauds enough to compare {letters[0]} and {letters[1]} in it."
    better = [one.better for column in columns for one in column.slices]
    parts = [
        f"{letter} is better in {numerals.counted(better.count(index), 'slice')}"
        for index, letter in enumerate(letters)
        if index in better
    ]
    looked = numerals.counted(compared(columns) if many is None else many, "comparison")
    if not parts:
        return f"In no slice do {letters[0]} and {letters[1]} differ by more than chance, in {looked}."
    return f"{' and '.join(parts)} by more than chance, in {looked}."


def slice_sentences(columns: Sequence[ComparedColumn], letters: tuple[str, str]) -> list[str]:
    """Slices in which one of two runs is better, those where the first is before the others."""
    found = sorted(_better(columns), key=lambda entry: entry[1].better or 0)
    return [
        f"{column} {one.name}: average precision {numerals.decimal(one.figures.a)} for {letters[0]} and "
        f"{numerals.decimal(one.figures.b)} for {letters[1]}, {difference_words(one)}."
        for column, one in found
    ]


def difference_words(one: ComparedSlice) -> str:
    """The difference with its interval."""
    found = one.figures.found
    if found is None:
        return numerals.NOTHING
    ends = f"{numerals.signed(found.low)} to {numerals.signed(found.high)}"
    return f"{numerals.signed(found.difference)} ({ends})"


def _better(columns: Sequence[ComparedColumn]) -> Iterator[tuple[str, ComparedSlice]]:
    for column in columns:
        for one in column.slices:
            if one.better is not None:
                yield column.column, one
