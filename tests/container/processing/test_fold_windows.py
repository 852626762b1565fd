"""Folds in the order of time, against the protocol's own words and against a brute force."""

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from benchmarks import handbook
from hypothesis import given, settings
from hypothesis import strategies as st

from fraudlab.container.failure import TableError
from fraudlab.container.formats.times import Times
from fraudlab.container.processing.fold_windows import divide_folds
from fraudlab.container.roles import Split, Windows

DAY, HOUR = 86_400.0, 3_600.0
WEEK = 7 * DAY
FIRST = (date(2018, 4, 1) - date(1970, 1, 1)).days * DAY


def prequential(gap: float = WEEK, **changed: Any) -> Split:
    lengths = {"folds": 4, "train": WEEK, "validation": 0.0, "test": WEEK, "start": None, "dated": False}
    return Split("prequential", 0.0, 0.0, 0.0, gap, Windows(**{**lengths, **changed}))


def table(seed: int, *, days: int = 60, a_day: int = 40, cards: int = 120) -> dict[str, Any]:
    """Transactions at any second of so many days, a tenth of them fraud, of cards that come again."""
    random = np.random.default_rng(seed)
    time = FIRST + np.sort(random.integers(0, days * int(DAY), days * a_day)).astype(np.float64)
    time[[0, -1]] = FIRST, FIRST + days * DAY - 1
    return {
        "time": time,
        "label": (random.random(time.size) < 0.1).astype(np.uint8),
        "card": random.integers(0, cards, time.size),
    }


def cards(numbers: Any) -> pa.Array:
    return pa.array([None if number < 0 else f"c{number}" for number in numbers], pa.string())


@pytest.mark.parametrize("seed", range(5))
def test_folds_are_those_of_the_handbook(seed: int) -> None:
    rows = table(seed)
    day = ((rows["time"] - FIRST) // DAY).astype(np.int64)
    theirs = handbook.Table(
        np.zeros((day.size, 1), np.float32), rows["label"] == 1, rows["card"].astype(np.int32), day,
        date(2018, 4, 1),
    )  # fmt: skip
    start = date(2018, 4, 30)
    split = prequential(start=FIRST + 29 * DAY, dated=True)
    ours = divide_folds(split, rows["label"], Times(rows["time"], "timestamp"), cards(rows["card"]))
    removed = 0
    for found, (train, test) in zip(ours, handbook.folds(theirs, start), strict=True):
        assert found.rows.keys() == {"train", "test"}
        assert found.rows["train"].tolist() == train.tolist()
        assert found.rows["test"].tolist() == test.tolist()
        removed += found.known_rows
    assert removed  # the rule had something to do


def by_hand(split: Split, rows: dict[str, Any], fold: int, start: float) -> dict[str, list[int]]:
    """Each row by itself, from the words: windows, and cards that were known when the row's day began."""
    windows, gap = split.windows, split.gap_seconds
    assert windows is not None
    begin = start - fold * windows.test
    spans = {"train": (begin, begin + windows.train)}
    at = begin + windows.train + gap
    if windows.validation:
        spans["validation"] = (at, at + windows.validation)
        at += windows.validation + gap
    spans["test"] = (at, at + windows.test)
    found: dict[str, list[int]] = {name: [] for name in spans}
    frauds = np.flatnonzero(rows["label"])
    for row, (time, card) in enumerate(zip(rows["time"], rows["card"], strict=True)):
        for name, (first, end) in spans.items():
            if not first <= time < end:
                continue
            morning = time // DAY * DAY
            known = name != "train" and any(
                rows["card"][other] == card >= 0
                and begin <= rows["time"][other]
                and (rows["time"][other] < spans["train"][1] or rows["time"][other] < morning - gap)
                for other in frauds
            )
            if not known:
                found[name].append(row)
    return found


@settings(max_examples=10, deadline=None)
@given(
    st.integers(0, 1000),
    st.sampled_from([0.0, 6 * HOUR, DAY, 2 * DAY]),
    st.sampled_from([0.0, DAY, 3 * DAY]),
    st.sampled_from([DAY, 36 * HOUR, 2 * DAY]),
    st.integers(1, 3),
    st.booleans(),
)
def test_each_row_is_where_the_words_put_it(
    seed: int, gap: float, validation: float, test: float, folds: int, shuffled: bool
) -> None:
    rows = table(seed, days=20, a_day=40, cards=200)
    rows["card"][::5] = -1
    if shuffled:
        order = np.random.default_rng(seed).permutation(rows["time"].size)
        rows = {name: values[order] for name, values in rows.items()}
    start = FIRST + 9 * DAY
    split = prequential(
        gap, folds=folds, train=3 * DAY, validation=validation, test=test, start=start, dated=True
    )
    times = Times(rows["time"], "timestamp")
    rows["label"][::4] = 1  # so that no part is without
    found = divide_folds(split, rows["label"], times, cards(rows["card"]))
    for fold, division in enumerate(found):
        expected = by_hand(split, rows, fold, start)
        assert {name: sorted(part.tolist()) for name, part in division.rows.items()} == expected
        for part in division.rows.values():
            assert np.all(np.diff(rows["time"][part]) >= 0)


def test_without_cards_nobody_is_left_out() -> None:
    rows = table(1)
    (found, *_) = divide_folds(prequential(), rows["label"], Times(rows["time"], "timestamp"), None)
    assert found.known_rows == 0


WHEN = {
    "the newest fold ends with the last day": ({}, FIRST + 60 * DAY),
    "or with the last row, where lengths are no whole days": (
        {"test": 36 * HOUR}, FIRST + 60 * DAY - 1 + 1e-6,
    ),
    "or where it was asked to": ({"start": FIRST + 30 * DAY, "dated": True}, FIRST + 51 * DAY),
}  # fmt: skip


@pytest.mark.parametrize("name", WHEN)
def test_when_the_newest_fold_ends(name: str) -> None:
    changed, end = WHEN[name]
    rows = table(2)
    split = prequential(**changed)
    (found, older, *_) = divide_folds(split, rows["label"], Times(rows["time"], "timestamp"), None)
    newest = rows["time"][found.rows["test"]]
    assert newest[-1] == rows["time"][rows["time"] < end][-1]
    assert split.windows is not None
    assert rows["time"][older.rows["test"]][-1] < end - split.windows.test


REFUSED = {
    "a date for a count": ({"start": 1e6, "dated": True}, "number", "the table's times are a count"),
    "a count for dates": ({"start": 1e6}, "timestamp", "the table's times are dates"),
    "before the table": ({"start": 0.0, "dated": True}, "timestamp", "tests on no row"),
    "after the table": ({"start": FIRST + 50 * DAY, "dated": True}, "timestamp", "tests on no row"),
    "more folds than time": ({"folds": 9}, "timestamp", "split.folds=9 needs 77 days of rows"),
    "a window longer than the table": ({"train": 70 * DAY}, "timestamp", "split.folds=4 needs 105 days"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_windows_that_the_table_does_not_have(name: str) -> None:
    changed, kind, sentence = REFUSED[name]
    rows = table(3)
    with pytest.raises(TableError) as caught:
        divide_folds(prequential(**changed), rows["label"], Times(rows["time"], kind), None)
    assert sentence in caught.value.sentence
    assert "split." in caught.value.fix


def test_a_fold_without_fraud_is_named() -> None:
    rows = table(4)
    rows["label"][rows["time"] < FIRST + 25 * DAY] = 0
    with pytest.raises(TableError, match="the split leaves train of fold 4 of 4 without fraud"):
        divide_folds(prequential(), rows["label"], Times(rows["time"], "timestamp"), None)
