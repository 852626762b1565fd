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
        The times validation and test are cut at, before the gap.
    gap_rows : int
        Rows in no split, because they lie in a gap.
    """

    rows: dict[str, Rows]
    cuts: tuple[float, float] | None
    gap_rows: int


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
        division = _by_time(split, time)
    else:
        division = Division(_stratified(split, label, seed), None, 0)
    for name in NAMES:
        _require_both_classes(name, label[division.rows[name]], split)
    return division


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
    """Rows drawn with equal shares of each class, as two calls of scikit-learn's ``train_test_split`` do.

    First train against the rest, then validation against test, each with ``stratify`` and
    ``random_state=seed``. Its 0.8 s of imports stay out of the job; a test holds the rows equal to its own.
    """
    test_share = round(split.test / (split.validation + split.test), 12)
    train, rest = _draw(label, round(1 - split.train, 12), seed)
    validation, test = _draw(label[rest], test_share, seed)
    rows = {"train": train, "validation": rest[validation], "test": rest[test]}
    return {name: np.sort(part) for name, part in rows.items()}


def _draw(label: NDArray[np.uint8], test_share: float, seed: int) -> tuple[Rows, Rows]:
    """``StratifiedShuffleSplit(test_size=test_share, random_state=seed)``: rows of train and of test."""
    random = np.random.RandomState(seed)
    tests = math.ceil(test_share * label.size)
    sizes = np.bincount(label, minlength=2)
    in_train = _approximate_mode(sizes, label.size - tests, random)
    in_test = _approximate_mode(sizes - in_train, tests, random)
    train: list[Rows] = []
    test: list[Rows] = []
    for value in (0, 1):
        rows = np.flatnonzero(label == value)[random.permutation(sizes[value])]
        train.append(rows[: in_train[value]])
        test.append(rows[in_train[value] :][: in_test[value]])
    return random.permutation(np.concatenate(train)), random.permutation(np.concatenate(test))


def _approximate_mode(sizes: Rows, draws: int, random: np.random.RandomState) -> Rows:
    """The likeliest number of draws from each class (hypergeometric), ties broken at random."""
    exact = sizes / sizes.sum() * draws
    counts: Rows = np.floor(exact).astype(np.int64)
    left = draws - int(counts.sum())
    for remainder in np.unique(exact - counts)[::-1]:
        if left <= 0:
            break
        classes = np.flatnonzero(exact - np.floor(exact) == remainder)
        chosen = random.choice(classes, size=min(classes.size, left), replace=False)
        counts[chosen] += 1
        left -= chosen.size
    return counts


def _require_both_classes(name: str, label: NDArray[np.uint8], split: Split) -> None:
    frauds = int(label.sum())
    if 0 < frauds < label.size:
        return
    if not label.size:
        sentence = f"the split leaves {name} without rows"
    elif not frauds:
        sentence = f"the split leaves {name} without fraud ({label.size:,} rows)"
    else:
        sentence = f"the split leaves {name} with nothing but fraud ({label.size:,} rows)"
    gap = " or shorten split.gap" if split.gap_seconds else ""
    raise TableError(
        sentence, fix=f"give a larger table, change split.train, split.validation and split.test{gap}"
    )
