"""Dividing rows into train, validation and test."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.failure import TableError
from fraudlab.container.roles import Split

NAMES = ("train", "validation", "test")
Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Division:
    """Where each row went.

    Attributes
    ----------
    rows : dict of ndarray of int64
        Rows of each split: in time order, or ascending where the split is not by time.
    cuts : tuple of float or None
        The times validation and test are cut at, before the gap; without validation, the one of test.
    gap_rows : int
        Rows in no split, because they lie in a gap.
    known_rows : int
        Rows in no split, because their cards were known to be compromised by then.
    """

    rows: dict[str, Rows]
    cuts: tuple[float, ...] | None
    gap_rows: int
    known_rows: int = 0


def divide(
    split: Split, label: NDArray[np.uint8], time: NDArray[np.float64] | None, *, seed: int
) -> Division:
    """Divide rows as `split` says.

    Parameters
    ----------
    split : Split
    label : ndarray of uint8, shape (n,)
    time : ndarray of float64, shape (n,), optional
        Seconds; needed by a split of kind ``time``.
    seed : int
        Of the draw of a stratified split.

    Raises
    ------
    TableError
        If a split would be empty or hold one class only.
    """
    if split.kind == "time":
        assert time is not None
        _refuse_one_time(time)
        division = _by_time(split, time)
    else:
        division = Division(_stratified(split, label, seed), None, 0)
    gap = " or shorten split.gap" if split.gap_seconds else ""
    fix = f"give a larger table, change split.train, split.validation and split.test{gap}"
    for name in NAMES:
        require_both_classes(name, label[division.rows[name]], fix=fix)
    return division


def _refuse_one_time(time: NDArray[np.float64]) -> None:
    if time.size > 1 and time.min() == time.max():
        raise TableError(
            f"the split leaves train without rows: all {time.size:,} have the same time",
            fix="set data.time to the column that says when each transaction was, or use split=stratified",
        )


def _by_time(split: Split, time: NDArray[np.float64]) -> Division:
    in_order = bool(np.all(time[1:] >= time[:-1]))
    order = np.arange(time.size) if in_order else np.argsort(time, kind="stable")
    sorted_time = time[order]
    first, second = (
        float(sorted_time[min(_count(share, time.size), time.size - 1)])
        for share in (split.train, split.train + split.validation)
    )
    gap = split.gap_seconds
    # Searching by value keeps equal times on one side of a cut.
    ends = np.searchsorted(sorted_time, [first, first + gap, second, second + gap])
    pieces = np.split(order, ends)
    rows = {"train": pieces[0], "validation": pieces[2], "test": pieces[4]}
    if second < first + gap:
        rows["validation"] = order[:0]
    return Division(rows, (first, second), time.size - sum(piece.size for piece in rows.values()))


def _count(share: float, rows: int) -> int:
    """Rows in a share of all; 0.6 + 0.3 is meant to be 0.9."""
    return math.floor(round(share, 12) * rows + 1e-9)


def _stratified(split: Split, label: NDArray[np.uint8], seed: int) -> dict[str, Rows]:
    """Rows drawn with equal shares of each class, by scikit-learn, so that they are the reference notebook's.

    First train against the rest, then validation against test, each with ``random_state=seed``.
    """
    from sklearn.model_selection import train_test_split

    rest_share = round(1 - split.train, 12)
    test_share = round(split.test / (split.validation + split.test), 12)
    every = np.arange(label.size)
    try:
        train, rest = train_test_split(every, test_size=rest_share, stratify=label, random_state=seed)
        validation, test = train_test_split(
            rest, test_size=test_share, stratify=label[rest], random_state=seed
        )
    except ValueError as error:
        raise TableError(
            f"too few frauds ({label.sum():,} in {label.size:,} rows) to have some in each of three splits",
            fix="give a table with more frauds, or change split.train, split.validation and split.test",
        ) from error
    parts = {"train": train, "validation": validation, "test": test}
    return {name: np.sort(part) for name, part in parts.items()}


def require_both_classes(name: str, label: NDArray[np.uint8], *, fix: str) -> None:
    """Refuse a part of a split without a row, without fraud, or with nothing else.

    Parameters
    ----------
    name : str
        Of the part, for people.
    label : ndarray of uint8, shape (rows,)
        Of its rows.
    fix : str

    Raises
    ------
    TableError
    """
    frauds = int(label.sum())
    if 0 < frauds < label.size:
        return
    if not label.size:
        sentence = f"the split leaves {name} without rows"
    elif not frauds:
        sentence = f"the split leaves {name} without fraud ({label.size:,} rows)"
    else:
        sentence = f"the split leaves {name} with nothing but fraud ({label.size:,} rows)"
    raise TableError(sentence, fix=fix)
