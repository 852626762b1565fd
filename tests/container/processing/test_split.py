from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from fraudlab.container.failure import TableError
from fraudlab.container.processing.split import NAMES, divide
from fraudlab.container.roles import Split


def split(
    kind: str, train: float = 0.6, validation: float = 0.2, test: float = 0.2, gap: float = 0.0
) -> Split:
    return Split(kind, train, validation, test, gap)


def both(rows: int) -> Any:
    return (np.arange(rows) % 2).astype(np.uint8)


def test_time_split_by_the_times_of_rows() -> None:
    time = np.arange(100.0)
    found = divide(split("time", 0.7, 0.15, 0.15), both(100), time, seed=0)
    assert found.cuts == (70.0, 85.0)
    assert [found.rows[name].size for name in NAMES] == [70, 15, 15]
    assert found.gap_rows == 0


def test_shares_are_meant_as_decimals() -> None:
    time = np.arange(20.0)
    assert divide(split("time", 0.6, 0.3, 0.1), both(20), time, seed=0).cuts == (12.0, 18.0)


def test_gap_rows_are_in_no_split() -> None:
    time = np.arange(100.0)
    found = divide(split("time", gap=5.0), both(100), time, seed=0)
    assert found.rows["train"][-1] == 59
    assert found.rows["validation"].tolist() == list(range(65, 80))
    assert found.rows["test"].tolist() == list(range(85, 100))
    assert found.gap_rows == 10


def test_rows_are_sorted_by_time_and_ties_by_row() -> None:
    time = np.array([3.0, 1.0, 2.0, 1.0] * 10)
    found = divide(split("time"), np.repeat(both(10), 4), time, seed=0)
    order = np.concatenate([found.rows[name] for name in NAMES])
    assert order.tolist() == np.argsort(time, kind="stable").tolist()


@given(
    st.lists(st.integers(0, 30), min_size=30, max_size=80),
    st.sampled_from([(0.6, 0.2, 0.2), (0.7, 0.15, 0.15), (0.5, 0.25, 0.25)]),
    st.integers(0, 4),
)
def test_time_split_properties(times: list[int], shares: tuple[float, float, float], gap: int) -> None:
    time = np.array(times, np.float64)
    label = both(time.size)
    try:
        found = divide(split("time", *shares, gap=float(gap)), label, time, seed=0)
    except TableError:
        assume(False)
    parts = [found.rows[name] for name in NAMES]
    every = np.concatenate(parts)
    assert every.size == np.unique(every).size == time.size - found.gap_rows
    for earlier, later in pairwise(parts):
        assert time[earlier].max() < time[later].min()
        assert time[later].min() - time[earlier].max() > gap or gap == 0
    outside = np.setdiff1d(np.arange(time.size), every)
    assert found.cuts is not None
    assert all(any(cut <= moment < cut + gap for cut in found.cuts) for moment in time[outside])


@pytest.mark.parametrize(
    ("rows", "seed", "shares"),
    [
        (1000, 42, (0.8, 0.1, 0.1)),
        (284_807, 42, (0.8, 0.1, 0.1)),
        (1003, 7, (0.7, 0.15, 0.15)),
        (517, 1, (0.6, 0.3, 0.1)),
        (60, 3, (0.5, 0.25, 0.25)),
    ],
)
def test_stratified_rows_are_those_of_scikit_learn(
    rows: int, seed: int, shares: tuple[float, float, float]
) -> None:
    label = (np.random.default_rng(rows).random(rows) < max(0.0017, 10 / rows)).astype(np.uint8)
    every = np.arange(rows)
    train, rest = train_test_split(
        every, test_size=round(1 - shares[0], 12), stratify=label, random_state=seed
    )
    validation, test = train_test_split(
        rest,
        test_size=round(shares[2] / (shares[1] + shares[2]), 12),
        stratify=label[rest],
        random_state=seed,
    )
    found = divide(split("stratified", *shares), label, None, seed=seed).rows
    for name, expected in (("train", train), ("validation", validation), ("test", test)):
        assert found[name].tolist() == sorted(expected.tolist())


@pytest.mark.parametrize(
    ("how", "label", "time", "sentence"),
    [
        (
            split("time"),
            both(100),
            np.zeros(100),
            "the split leaves train without rows: all 100 have the same time",
        ),
        (split("time", gap=30.0), both(100), np.arange(100.0), "the split leaves validation without rows"),
        (split("time", gap=20.5), both(100), np.arange(100.0), "the split leaves validation without rows"),
        (
            split("time"),
            np.repeat([0, 1], [80, 20]).astype(np.uint8),
            np.arange(100.0),
            "the split leaves train without fraud (60 rows)",
        ),
        (
            split("time"),
            np.repeat([0, 1, 0], [50, 10, 40]).astype(np.uint8),
            np.arange(100.0),
            "the split leaves validation without fraud (20 rows)",
        ),
        (
            split("time"),
            np.repeat([0, 1], [70, 30]).astype(np.uint8) | (np.arange(100) == 3),
            np.arange(100.0),
            "the split leaves test with nothing but fraud (20 rows)",
        ),
        (
            split("stratified"),
            np.repeat([0, 1], [40, 1]).astype(np.uint8),
            None,
            "too few frauds (1 in 41 rows) to have some in each of three splits",
        ),
    ],
)
def test_splits_that_cannot_be_evaluated(how: Split, label: Any, time: Any, sentence: str) -> None:
    with pytest.raises(TableError) as caught:
        divide(how, label, time, seed=1)
    assert caught.value.sentence.startswith(sentence)
    assert ("split.gap" in caught.value.fix) == bool(how.gap_seconds)
