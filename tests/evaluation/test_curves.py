"""Curves carry scikit-learn's points, few of them, and exact ends."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from fraudlab.evaluation.curves import (
    curves,
    histogram,
    precision_recall_curve,
    roc_curve,
    threshold_table,
)
from fraudlab.evaluation.metrics import average_precision, confusion, roc_auc

labelled_ticks = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 9)), min_size=2, max_size=50).filter(
    lambda table: {label for label, _ in table} == {0, 1}
)


def columns(table):
    y, tick = (np.array(column) for column in zip(*table, strict=True))
    return y, (tick / 9).astype(np.float32)


def large(rows=200_000, rate=0.002):
    rng = np.random.default_rng(4)
    y = (rng.random(rows) < rate).astype(np.uint8)
    return y, (1 / (1 + np.exp(4 - 4 * y - rng.normal(size=rows)))).astype(np.float32)


@given(labelled_ticks)
def test_short_curves_are_those_of_scikit_learn(table):
    y, score = columns(table)
    precision, recall, threshold = reference.precision_recall_curve(y, score)
    curve = precision_recall_curve(y, score)
    assert curve["precision"] == pytest.approx(precision[::-1])
    assert curve["recall"] == pytest.approx(recall[::-1])
    assert curve["threshold"][1:] == pytest.approx(threshold[::-1])
    fpr, tpr, threshold = reference.roc_curve(y, score, drop_intermediate=False)
    curve = roc_curve(y, score)
    assert curve["fpr"] == pytest.approx(fpr)
    assert curve["tpr"] == pytest.approx(tpr)
    assert curve["threshold"][1:] == pytest.approx(threshold[1:])


@given(labelled_ticks, st.sampled_from([None, 0.0, 0.25, 1 / 9, 2.0]))
def test_each_row_of_the_table_is_the_confusion_at_its_threshold(table, include):
    y, score = columns(table)
    found = threshold_table(y, score, include=include)
    assert found["threshold"] == sorted(found["threshold"], reverse=True)
    assert include is None or include in found["threshold"]
    for threshold, *counts in zip(*(found[k] for k in ("threshold", "tp", "fp", "fn", "tn")), strict=True):
        at = confusion(y, score, threshold=threshold)
        assert counts == [at.tp, at.fp, at.fn, at.tn]


def test_long_curves_are_thinned_and_keep_the_area():
    y, score = large()
    pr, roc = precision_recall_curve(y, score), roc_curve(y, score)
    assert len(pr["recall"]) <= 1001
    assert len(roc["fpr"]) <= 1001
    assert (pr["recall"][0], pr["recall"][-1]) == (0.0, 1.0)
    assert pr["precision"][-1] == y.mean()
    assert (roc["fpr"][0], roc["tpr"][0], roc["fpr"][-1], roc["tpr"][-1]) == (0, 0, 1, 1)
    steps = np.diff(pr["recall"]) @ np.array(pr["precision"][1:])
    assert steps == pytest.approx(average_precision(y, score), abs=2e-3)
    assert np.trapezoid(roc["tpr"], roc["fpr"]) == pytest.approx(roc_auc(y, score), abs=1e-4)


def test_an_alert_budget_of_ten_can_be_read_off_a_long_table():
    table = threshold_table(*large())
    alerts = np.add(table["tp"], table["fp"])
    assert alerts[0] == 0
    assert set(range(1, 11)) <= set(alerts.tolist())
    assert alerts[-1] == 200_000


def test_all_curves_come_as_json_of_a_bounded_size():
    y, score = large()
    found = curves(y, score, threshold=0.5, days=2.0)
    assert set(found) == {"pr", "roc", "thresholds", "histogram", "days"}
    assert found["pr"] == precision_recall_curve(y, score)
    assert found["roc"] == roc_curve(y, score)
    assert found["thresholds"] == threshold_table(y, score, include=0.5)
    text = json.dumps(found, allow_nan=False)
    assert json.loads(text) == found
    assert len(text) < 300_000


def test_histogram_counts_every_row_once():
    y, score = large()
    found = histogram(y, score)
    assert (found["edges"][0], found["edges"][-1]) == (0.0, 1.0)
    assert sum(found["fraud"]) == y.sum()
    assert sum(found["legitimate"]) == (1 - y).sum()
    outside = histogram([0, 1], [-3.0, 8.0], bins=11)
    assert outside["edges"] == pytest.approx(np.linspace(-3, 8, 12))
    assert (outside["legitimate"][0], outside["fraud"][-1]) == (1, 1)


@pytest.mark.parametrize("curve", [precision_recall_curve, roc_curve, curves])
@pytest.mark.parametrize("label", [0, 1])
def test_one_class_has_no_curve(curve, label):
    with pytest.raises(ValueError, match="nothing can be measured"):
        curve([label, label], [0.1, 0.2])
