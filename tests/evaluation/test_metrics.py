"""Metrics agree with scikit-learn, ties and all, and refuse what they cannot measure."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from fraudlab.evaluation.metrics import (
    average_precision,
    brier,
    confusion,
    log_loss,
    roc_auc,
    value_recall,
)
from fraudlab.evaluation.ranking import rank


@st.composite
def splits(draw):
    """Labels of both classes, and float32 scores that tie heavily or hardly at all."""
    size = draw(st.integers(2, 60))
    y = np.array(draw(st.lists(st.integers(0, 1), min_size=size, max_size=size)), dtype=np.uint8)
    y[:2] = 0, 1
    top = draw(st.sampled_from([2, 3, 10, 10_000]))
    ticks = draw(st.lists(st.integers(0, top), min_size=size, max_size=size))
    return y, (np.array(ticks) / top).astype(np.float32)


@given(splits())
def test_ranking_metrics_are_those_of_scikit_learn(split):
    y, score = split
    assert average_precision(y, score) == pytest.approx(
        reference.average_precision_score(y, score), abs=1e-12
    )
    assert roc_auc(y, score) == pytest.approx(reference.roc_auc_score(y, score), abs=1e-12)


@given(splits())
def test_probability_metrics_are_those_of_scikit_learn(split):
    y, score = split
    assert brier(y, score) == pytest.approx(reference.brier_score_loss(y, score), abs=1e-6)
    assert log_loss(y, score) == pytest.approx(reference.log_loss(y, score), rel=1e-5, abs=1e-6)


@given(splits(), st.sampled_from([0.0, 0.1, 0.5, 0.7, 1.0, 1.5]))
def test_confusion_is_that_of_scikit_learn(split, threshold):
    y, score = split
    predicted = score.astype(np.float64) >= threshold
    found = confusion(y, score, threshold=threshold)
    assert [[found.tn, found.fp], [found.fn, found.tp]] == reference.confusion_matrix(y, predicted).tolist()
    if predicted.any():
        assert found.precision == pytest.approx(reference.precision_score(y, predicted))
    assert found.recall == pytest.approx(reference.recall_score(y, predicted))
    assert found.f1 == pytest.approx(reference.f1_score(y, predicted, zero_division=0))
    assert found.accuracy == pytest.approx(reference.accuracy_score(y, predicted))


@given(splits(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(split, random):
    y, score = split
    order = list(range(len(y)))
    random.shuffle(order)
    assert average_precision(y[order], score[order]) == average_precision(y, score)
    assert roc_auc(y[order], score[order]) == roc_auc(y, score)


@given(splits(), st.sampled_from([np.float16, np.float32, np.float64]), st.floats(-2, 2))
def test_counts_at_any_threshold_are_those_of_comparing_every_row(split, dtype, threshold):
    y, score = split[0], split[1].astype(dtype)
    ranking = rank(y, score)
    every = np.unique(np.append(score.astype(np.float64), threshold))[::-1]
    points = ranking.at(every)
    for index, at in enumerate(every):
        assert points[index] == confusion(y, score, threshold=float(at))
    assert ranking.steps.tp.tolist() == [
        confusion(y, score, threshold=float(at)).tp for at in np.unique(score[y == 1])[::-1]
    ]


def test_a_threshold_beyond_the_scores_own_precision_alerts_nothing_or_all():
    points = rank([0, 1], np.array([0.2, 0.9], np.float32)).at([1e300, -1e300])
    assert points.alerts.tolist() == [0, 2]


def test_one_score_for_all_rows_ranks_nothing():
    y = np.array([1, 0, 0, 0])
    assert average_precision(y, np.full(4, 0.3)) == 0.25
    assert roc_auc(y, np.full(4, 0.3)) == 0.5


def test_scores_may_be_any_finite_numbers_for_a_ranking():
    y = [0, 1, 0, 1]
    assert average_precision(y, [-7, 3, -2, 1000]) == 1.0
    assert roc_auc(y, [2, -1, 3, -5]) == 0.0


@pytest.mark.parametrize("metric", [average_precision, roc_auc])
@pytest.mark.parametrize(
    ("y", "score", "sentence"),
    [
        ([0, 0], [0.1, 0.2], "there are no frauds among the labels"),
        ([1, 1], [0.1, 0.2], "every label is fraud"),
        ([], [], "there are no rows to evaluate"),
        ([0, 2], [0.1, 0.2], "labels must be 0 or 1"),
        ([0, math.nan], [0.1, 0.2], "labels must be 0 or 1"),
        ([0, 1], [0.1, math.nan], "1 of 2 scores are not finite numbers"),
        ([0, 1], [math.inf, math.nan], "2 of 2 scores are not finite numbers"),
        ([0, 1], [0.1], r"one length, not \(2,\) and \(1,\)"),
        ([[0, 1]], [[0.1, 0.2]], "two columns"),
    ],
)
def test_what_cannot_be_ranked_says_why(metric, y, score, sentence):
    with pytest.raises(ValueError, match=sentence):
        metric(y, score)


@pytest.mark.parametrize("metric", [brier, log_loss])
def test_margins_are_not_probabilities(metric):
    with pytest.raises(ValueError, match=r"scores run from -2 to 0.5; probabilities are needed"):
        metric([0, 1], [-2.0, 0.5])


def test_a_certain_wrong_row_costs_a_finite_amount():
    assert math.isfinite(log_loss([1, 0], np.array([0.0, 1.0], dtype=np.float32)))
    assert math.isfinite(log_loss([1, 0], [0, 1]))


def test_value_recall_weighs_frauds_by_their_money():
    y = [1, 1, 0, 1]
    score = [0.9, 0.1, 0.8, 0.6]
    assert value_recall(y, score, [30.0, 60.0, 1e9, 10.0], threshold=0.5) == pytest.approx(0.4)


def test_value_recall_counts_refunds_by_magnitude_and_unknown_amounts_as_the_mean():
    y = [1, 1, 1]
    score = [0.9, 0.1, 0.9]
    assert value_recall(y, score, [-10.0, 30.0, math.nan], threshold=0.5) == pytest.approx(30 / 60)


def test_value_recall_of_worthless_frauds_is_zero():
    assert value_recall([1, 0], [0.9, 0.1], [0.0, 5.0], threshold=0.5) == 0.0


@pytest.mark.parametrize(
    ("amount", "sentence"),
    [([1.0], "there are 1 amounts for 2 rows"), ([5.0, math.nan], "no fraud has a known amount")],
)
def test_value_recall_says_why_it_cannot_price(amount, sentence):
    with pytest.raises(ValueError, match=sentence):
        value_recall([0, 1], [0.1, 0.2], amount, threshold=0.5)
