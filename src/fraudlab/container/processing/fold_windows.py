"""The folds of a prequential split: the same windows of time, each fold one test window earlier.

A fold trains, waits until labels would have arrived, and tests. As on a real day, cards that are known to be
compromised are no longer there to be tested on: those with a fraud among the rows trained on, and those with
one since then that is old enough to have been reported when the day began. This is the protocol of the
*Reproducible Machine Learning for Credit Card Fraud Detection* handbook, chapter 5.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fraudlab.container.failure import TableError
from fraudlab.container.formats.time_units import duration
from fraudlab.container.formats.times import Times
from fraudlab.container.prepared import card_numbers
from fraudlab.container.processing.split import Division, Rows, require_both_classes
from fraudlab.container.roles import Split, Windows

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class _Fold:
    """Where the windows of a fold begin and end, in seconds; `ends` are those of train and of validation."""

    start: float
    ends: tuple[float, ...]
    test: tuple[float, float]


def divide_folds(
    split: Split,
    label: NDArray[np.uint8],
    time: Times,
    card: pa.Array | None,
    *,
    known: NDArray[np.float64] | None = None,
) -> list[Division]:
    """Divide rows into folds, the newest first.

    Parameters
    ----------
    split : Split
        Of kind ``prequential``.
    label : ndarray of uint8, shape (n,)
    time : Times, of n rows
    card : Array, of n rows, or None
        None leaves no card out.
    known : ndarray of float64, shape (n,), optional
        When the label of each row was known, infinite where there is no fraud; without it, as late as the gap
        is long.

    Raises
    ------
    TableError
        If the folds do not lie within the table, or a part of one has no row, no fraud, or nothing else.
    """
    windows, gap = split.windows, split.gap_seconds
    assert windows is not None
    newest = _newest(windows, gap, time)
    order = np.argsort(time.seconds, kind="stable")
    if known is None:
        known = np.where(label == 1, time.seconds + gap, np.inf)
    numbers = None if card is None else card_numbers(card)[order]
    rows = _RowsInTime(order, time.seconds[order], known[order], numbers)
    divisions = []
    for number in range(windows.folds):
        fold = _moved(newest, -number * windows.test)
        found = rows.divided(fold, gap)
        for name, part in found.rows.items():
            which = f"{name} of fold {number + 1} of {windows.folds}"
            require_both_classes(which, label[part], fix=_FIX)
        divisions.append(found)
    return divisions


_FIX = (
    "set split.folds, split.start, split.train_length, split.validation_length and split.test_length"
    " to what the table has"
)


def _newest(windows: Windows, gap: float, time: Times) -> _Fold:
    """The fold that tests last; refuse windows that the table does not have."""
    lengths = [windows.train, *([windows.validation] if windows.validation else [])]
    before = sum(lengths) + gap * len(lengths)
    start = _begin(windows, gap, time, before + windows.test)
    first = start - (windows.folds - 1) * windows.test
    if start + before + windows.test <= time.first or start + before > time.last:
        raise TableError(
            "split.start begins a fold that tests on no row: the table has"
            f" {duration(time.last - time.first)} of time",
            fix="set split.start to a time of the table, or leave it out",
        )
    if first < np.floor(time.first / DAY) * DAY:
        end = start + before + windows.test
        raise TableError(
            f"split.folds={windows.folds} needs {duration(end - first)} of rows, from the first that is"
            f" trained on to the last that is tested on, and the table has {duration(end - time.first)}"
            " until then",
            fix="set split.folds to fewer, or shorten split.train_length, split.validation_length,"
            " split.test_length or split.gap",
        )
    ends = [start + windows.train]
    if windows.validation:
        ends.append(ends[0] + gap + windows.validation)
    return _Fold(start, tuple(ends), (start + before, start + before + windows.test))


def _begin(windows: Windows, gap: float, time: Times, length: float) -> float:
    """When the newest fold begins: as asked for, or so that it ends with the table's last day."""
    if windows.start is not None:
        if windows.dated != (time.kind == "timestamp"):
            given, held, example = "a date", "a count", "20d"
            if not windows.dated:
                given, held, example = "a count", "dates", "2018-08-15"
            raise TableError(
                f"split.start is {given}, and the table's times are {held}",
                fix=f"write it as split.start={example}, or leave it out",
            )
        return windows.start
    lengths = (windows.train, windows.validation, windows.test, gap)
    if any(part % DAY for part in lengths):
        return float(np.nextafter(time.last, np.inf)) - length
    return float(np.floor(time.last / DAY) + 1.0) * DAY - length


def _moved(fold: _Fold, by: float) -> _Fold:
    test = (fold.test[0] + by, fold.test[1] + by)
    return _Fold(fold.start + by, tuple(end + by for end in fold.ends), test)


@dataclass(frozen=True, slots=True)
class _RowsInTime:
    """All rows in the order of time: their places in the table, and what a fold asks of them."""

    place: Rows
    time: NDArray[np.float64]
    known: NDArray[np.float64]
    card: NDArray[np.integer] | None

    def divided(self, fold: _Fold, gap: float) -> Division:
        """The rows of each part of a fold."""
        spans = dict(self._spans(fold, gap))
        found = {name: np.arange(*self._between(*span)) for name, span in spans.items()}
        first, last = self._between(fold.start, fold.test[1])
        in_gaps = last - first - sum(part.size for part in found.values())
        known = self._known_since(fold)
        kept = dict(found)
        if known is not None:
            for name in [name for name in found if name != "train"]:
                kept[name] = found[name][~self._is_known(found[name], known, fold.ends[0] + gap)]
        removed = sum(found[name].size - kept[name].size for name in found)
        rows = {name: self.place[part] for name, part in kept.items()}
        return Division(rows, fold.ends, in_gaps, removed)

    def _spans(self, fold: _Fold, gap: float) -> Iterator[tuple[str, tuple[float, float]]]:
        yield "train", (fold.start, fold.ends[0])
        if len(fold.ends) > 1:
            yield "validation", (fold.ends[0] + gap, fold.ends[1])
        yield "test", fold.test

    def _between(self, start: float, end: float) -> tuple[int, int]:
        first, last = np.searchsorted(self.time, [start, end])
        return int(first), int(last)

    def _known_since(self, fold: _Fold) -> NDArray[np.float64] | None:
        """When each card was first known to be compromised, by a fraud since the fold began to train."""
        if self.card is None:
            return None
        first = np.full(int(self.card.max(initial=0)) + 1, np.inf)
        within = np.arange(*self._between(fold.start, fold.test[1]))
        frauds = within[np.isfinite(self.known[within])]
        np.minimum.at(first, self.card[frauds], self.known[frauds])
        return first

    def _is_known(self, rows: Rows, known: NDArray[np.float64], trained: float) -> NDArray[np.bool_]:
        """Whether a row's card was known when its day began: by what was trained on, or by a report."""
        assert self.card is not None
        morning = np.maximum(np.floor(self.time[rows] / DAY) * DAY, trained)
        is_known: NDArray[np.bool_] = known[self.card[rows]] < morning
        return is_known
