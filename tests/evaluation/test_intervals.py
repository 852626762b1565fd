"""Bootstraps of counts agree with bootstraps of rows, and the paired one sees what the plain one cannot."""

import time
import tracemalloc

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from fraudlab.evaluation import intervals, poisson
from fraudlab.evaluation.intervals import bootstrap_interval, paired_bootstrap
from fraudlab.evaluation.metrics import average_precision
from fraudlab.evaluation.ranking import rank


def split(rows, rate, *, seed=0, levels=None):
    """Labels, scores of a model, and scores of the same model with noise."""
    rng = np.random.default_rng(seed)
    y = (rng.random(rows) < rate).astype(np.uint8)
    margin = rng.normal(size=rows) - 4 + 3 * y
    found = [1 / (1 + np.exp(-m)) for m in (margin, margin + 0.4 * rng.normal(size=rows))]
    if levels:
        found = [np.round(score * levels) / levels for score in found]
    return y, *(score.astype(np.float32) for score in found)


def resampled_counts(y, resamples, *, seed=9):
    """How often each row is in stratified resamples that are drawn the plain way; shape (resamples, rows)."""
    rng = np.random.default_rng(seed)
    counts = np.zeros((resamples, y.size), np.int32)
    for rows in (np.flatnonzero(y), np.flatnonzero(y == 0)):
        counts[:, rows] = rng.multinomial(rows.size, np.full(rows.size, 1 / rows.size), size=resamples)
    return counts


def average_precisions(y, score, counts):
    """Average precision of each resample, rows counted as often as it has them."""
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), y.size - 1)
    alerts = counts[:, order].cumsum(axis=1)[:, ends]
    frauds = (counts * y)[:, order].cumsum(axis=1)[:, ends]
    precision = frauds / np.maximum(alerts, 1)
    return (precision * np.diff(frauds, axis=1, prepend=0)).sum(axis=1) / frauds[:, -1]


def test_average_precisions_of_resamples_are_those_of_scikit_learn():
    y, score, _ = split(2000, 0.02, levels=40)
    counts = resampled_counts(y, 20)
    rows = [np.repeat(np.arange(y.size), count) for count in counts]
    assert np.allclose(
        average_precisions(y, score, counts),
        [average_precision_score(y[r], score[r]) for r in rows],
        rtol=1e-12,
    )


# One case is sparse in bins, where bins' counts are drawn; one dense, where members are; one ties heavily.
CASES = [(2000, 0.01, None), (300, 0.3, None), (400, 0.1, 12)]


@pytest.mark.parametrize(("rows", "rate", "levels"), CASES)
def test_interval_is_that_of_resampling_rows(rows, rate, levels):
    y, score, _ = split(rows, rate, levels=levels)
    plain = average_precisions(y, score, resampled_counts(y, 1500))
    found = bootstrap_interval(y, score, resamples=6000)
    spread = np.std(plain)
    assert found.standard_error == pytest.approx(spread, rel=0.08)
    assert found.low == pytest.approx(np.quantile(plain, 0.025), abs=0.2 * spread)
    assert found.high == pytest.approx(np.quantile(plain, 0.975), abs=0.2 * spread)


@pytest.mark.parametrize(("rows", "rate", "levels"), CASES)
def test_paired_difference_is_that_of_resampling_rows(rows, rate, levels):
    y, a, b = split(rows, rate, levels=levels)
    counts = resampled_counts(y, 1500)
    plain = average_precisions(y, a, counts) - average_precisions(y, b, counts)
    found = paired_bootstrap(y, a, b, resamples=6000)
    spread = np.std(plain)
    assert found.difference == pytest.approx(average_precision(y, a) - average_precision(y, b), abs=1e-12)
    assert found.low == pytest.approx(np.quantile(plain, 0.025), abs=0.2 * spread)
    assert found.high == pytest.approx(np.quantile(plain, 0.975), abs=0.2 * spread)
    assert found.probability_a_better == pytest.approx(np.mean(plain > 0), abs=0.04)


@pytest.mark.parametrize(("rows", "rate", "levels"), [(4000, 0.01, None), (4000, 0.05, 12)])
def test_counts_that_are_drawn_one_by_one_give_the_same_difference(rows, rate, levels, monkeypatch):
    """What very many rows are compared by is checked against resampling rows, where that is quick."""
    y, a, b = split(rows, rate, levels=levels)
    counts = resampled_counts(y, 1500)
    plain = average_precisions(y, a, counts) - average_precisions(y, b, counts)
    by_cells = paired_bootstrap(y, a, b, resamples=3000)
    monkeypatch.setattr(intervals, "MANY_ROWS", 1)
    found = paired_bootstrap(y, a, b, resamples=3000)
    spread = np.std(plain)
    assert found.difference == by_cells.difference
    assert (found.low, found.high) != (by_cells.low, by_cells.high)
    assert found.low == pytest.approx(np.quantile(plain, 0.025), abs=0.2 * spread)
    assert found.high == pytest.approx(np.quantile(plain, 0.975), abs=0.2 * spread)
    assert paired_bootstrap(y, a, b, resamples=50) == paired_bootstrap(y, a, b, resamples=50)


def test_intervals_of_models_that_are_equally_good_hold_zero(monkeypatch):
    """Of 60 pairs of models with equal skill, about 57 intervals of 95 % hold a difference of zero."""
    monkeypatch.setattr(intervals, "MANY_ROWS", 1)
    held = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        y = (rng.random(3000) < 0.03).astype(np.uint8)
        hidden = 2.5 * y + rng.normal(size=3000)
        a, b = (hidden + 0.7 * rng.normal(size=3000) for _ in range(2))
        found = paired_bootstrap(y, a, b, resamples=300, seed=seed)
        held += found.low <= 0 <= found.high
    assert 52 <= held <= 60


def test_sixteen_bits_are_a_poisson_number():
    table = poisson.POISSON.astype(np.float64)
    assert table.size == 65_536
    assert table.mean() == 1.0
    assert table.var() == pytest.approx(1.0, abs=2e-4)


def test_pairing_tells_apart_what_separate_intervals_cannot():
    y, a, b = split(40_000, 0.002)
    paired = paired_bootstrap(y, a, b)
    assert bootstrap_interval(y, b).high > bootstrap_interval(y, a).low
    assert paired.low > 0
    assert paired.probability_a_better > 0.99
    turned = paired_bootstrap(y, b, a)
    assert turned.difference == -paired.difference
    assert turned.high < 0


def test_a_model_is_no_better_than_itself():
    y, score, _ = split(3000, 0.02)
    found = paired_bootstrap(y, score, score * 0.5)
    assert (found.difference, found.low, found.high, found.probability_a_better) == (0, 0, 0, 0.5)


def test_seed_and_level_decide_the_interval():
    y, score, _ = split(3000, 0.02)
    first = bootstrap_interval(y, score, seed=1)
    assert first == bootstrap_interval(y, score, seed=1)
    assert first != bootstrap_interval(y, score, seed=2)
    narrow = bootstrap_interval(y, score, seed=1, level=0.5)
    assert first.low < narrow.low < average_precision(y, score) < narrow.high < first.high


def test_a_perfect_ranking_has_no_spread():
    found = bootstrap_interval([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])
    assert (found.low, found.high, found.standard_error) == (1.0, 1.0, 0.0)


@pytest.mark.parametrize("rate", [0.0017, 0.1])
def test_an_interval_at_the_size_of_a_test_split_takes_no_time(rate):
    y, score, _ = split(57_000, rate)
    started = time.process_time()
    bootstrap_interval(y, score)
    # Measured 0.03 s and 0.35 s; the room is for a slower machine.
    assert time.process_time() - started < 2.0


def test_a_million_rows_need_bounded_memory():
    y, a, b = split(1_000_000, 0.02)
    tracemalloc.start()
    paired_bootstrap(y, a, b, resamples=100)
    bootstrap_interval(y, a, resamples=100)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 150e6


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_has_no_interval(label):
    with pytest.raises(ValueError, match="nothing can be measured"):
        bootstrap_interval([label, label], [0.1, 0.2])
    with pytest.raises(ValueError, match="nothing can be measured"):
        paired_bootstrap([label, label], [0.1, 0.2], [0.1, 0.2])


def test_arguments_out_of_range_are_refused():
    with pytest.raises(ValueError, match="at least 2 resamples, not 1"):
        bootstrap_interval([0, 1], [0.1, 0.2], resamples=1)
    with pytest.raises(ValueError, match="the level lies between 0 and 1, not 95"):
        bootstrap_interval([0, 1], [0.1, 0.2], level=95)
    with pytest.raises(ValueError, match="one length"):
        paired_bootstrap([0, 1], [0.1, 0.2], [0.1, 0.2, 0.3])


@pytest.mark.parametrize(("rows", "rate", "levels"), CASES)
def test_intervals_of_recall_are_those_of_resampling_rows(rows, rate, levels):
    y, score, _ = split(rows, rate, levels=levels)
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), y.size - 1)
    counts = resampled_counts(y, 1500)[:, order].astype(np.int64)
    caught = (counts * y[order]).cumsum(axis=1)[:, ends]
    false = (counts * (1 - y[order])).cumsum(axis=1)[:, ends]
    within = false / false[:, -1:] <= 0.05
    plain = np.where(within, caught, 0).max(axis=1) / caught[:, -1]
    found = intervals.intervals_of(rank(y, score), [0.0, 0.05, 1.0], resamples=6000)
    assert found[0] == bootstrap_interval(y, score, resamples=6000)
    assert found[2].low == pytest.approx(np.quantile(plain, 0.025), abs=0.25 * np.std(plain) + 1 / y.sum())
    assert found[2].high == pytest.approx(np.quantile(plain, 0.975), abs=0.25 * np.std(plain) + 1 / y.sum())
    assert found[2].standard_error == pytest.approx(np.std(plain), rel=0.1)
    assert (found[3].low, found[3].high) == (1.0, 1.0)
