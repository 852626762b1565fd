"""One comparison with the threshold and one vocabulary, wherever alerts are raised, counted or written."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from fraudlab.container.endpoint.answers import Scored, render
from fraudlab.container.endpoint.prometheus import Metrics
from fraudlab.container.training.decision import measure
from fraudlab.evaluation.curves import threshold_table
from fraudlab.evaluation.metrics import confusion
from fraudlab.evaluation.operating import (
    NO_ALERTS,
    OperatingPoint,
    OperatingPoints,
    alerts,
    is_alert,
    recorded_point,
)
from fraudlab.evaluation.thresholds import choose_threshold

# A threshold that people write is seldom a float32: 0.7 and 0.13264236 lie between two of them.
WRITTEN = [0.7, 0.13264236, 0.1, 0.5, 1e-9, 0.99999999, 1.0, 0.0, NO_ALERTS]


def beside(threshold: float) -> np.ndarray:
    """The float32 nearest to a threshold, and those around it."""
    nearest = np.float32(threshold)
    near = [np.nextafter(nearest, np.float32(0)), nearest, np.nextafter(nearest, np.float32(1))]
    return np.clip(np.array(near, np.float32), 0, 1)


def test_a_threshold_keeps_its_digits():
    score = np.array([0.7], dtype=np.float32)
    assert float(score[0]) < 0.7
    assert not alerts(score, 0.7)[0]
    assert alerts(score, float(score[0]))[0]


@pytest.mark.parametrize("threshold", WRITTEN)
def test_everyone_raises_the_same_alerts(threshold: float) -> None:
    score = beside(threshold)
    expected = [float(value) >= threshold for value in score]
    label = np.array([0, 1, 1], np.uint8)
    assert alerts(score, threshold).tolist() == expected
    assert [is_alert(float(value), threshold) for value in score] == expected
    assert confusion(label, score, threshold=threshold).alerts == sum(expected)
    assert measure(label, score, threshold)["true_positives"] == sum(expected[1:])
    decision = choose_threshold(label, score, policy="fixed", threshold=threshold, missed_fraud_cost=1.0)
    assert decision.cost == 2 - sum(expected[1:])
    table = threshold_table(label, score, include=threshold)
    at = table["threshold"].index(threshold)
    assert table["tp"][at] + table["fp"][at] == sum(expected)

    scored = Scored(score, None, None, threshold, "m")
    as_csv = render(scored, outputs=("alert",), kind="text/csv").split()
    assert [word == b"1" for word in as_csv] == expected
    as_json = json.loads(render(scored, outputs=(), kind="application/json"))
    assert [row["alert"] for row in as_json["predictions"]] == expected
    assert as_json["threshold"] == threshold
    for row in range(3):  # one row takes a path of its own
        alone = Scored(score[row : row + 1], None, None, threshold, "m")
        answer = json.loads(render(alone, outputs=(), kind="application/json"))
        assert answer["predictions"][0]["alert"] == expected[row]
    figures = Metrics()
    figures.scored(score, threshold=threshold, unseen=0)
    assert f"fraudlab_alerts_total {float(sum(expected))}".encode() in figures.page().body


def test_no_probability_reaches_the_threshold_of_no_alerts() -> None:
    assert not alerts(np.array([0.0, 1.0], np.float32), NO_ALERTS).any()
    assert math.isfinite(NO_ALERTS)
    assert json.loads(json.dumps(NO_ALERTS)) == NO_ALERTS
    assert float(f"{NO_ALERTS!r}") == NO_ALERTS


counts = st.integers(0, 40)


@given(counts, counts, counts, counts)
def test_the_shares_are_those_of_scikit_learn(tp: int, fp: int, fn: int, tn: int) -> None:
    point = OperatingPoint(0.5, tp, fp, fn, tn)
    y = [1] * (tp + fn) + [0] * (fp + tn)
    predicted = [1] * tp + [0] * fn + [1] * fp + [0] * tn
    nothing = {"zero_division": np.nan}
    expected = {"precision": np.nan, "recall": np.nan, "f1": np.nan}
    if y:
        expected = {
            "precision": reference.precision_score(y, predicted, **nothing),
            "recall": reference.recall_score(y, predicted, **nothing),
            "f1": reference.f1_score(y, predicted, **nothing),
        }
    for name, value in expected.items():
        found = getattr(point, name)
        assert found is None if math.isnan(value) else found == pytest.approx(value)
    many = OperatingPoints(np.array([0.5]), np.array([tp]), np.array([fp]), tp + fn, fp + tn)
    assert many[0] == point
    for name in ("precision", "recall", "f1", "false_positive_rate"):
        one, several = getattr(point, name), float(getattr(many, name)[0])
        assert math.isnan(several) if one is None else several == one
    assert recorded_point(json.loads(json.dumps(point.as_metrics()))) == point


def test_a_share_of_nothing_is_no_number() -> None:
    nothing = confusion([0, 1], [0.1, 0.2], threshold=0.9)
    assert (nothing.precision, nothing.recall, nothing.f1, nothing.false_positive_rate) == (None, 0, 0, 0)
    legitimate = confusion([0, 0], [0.1, 0.2], threshold=0.15)
    assert (legitimate.precision, legitimate.recall, legitimate.f1) == (0, None, 0)


@pytest.mark.parametrize("missing", ["threshold", "true_positives", "true_negatives"])
def test_what_was_not_measured_is_no_point(missing: str) -> None:
    metrics = OperatingPoint(0.5, 1, 2, 3, 4).as_metrics()
    assert recorded_point(metrics) is not None
    assert recorded_point(metrics | {missing: None}) is None
    assert recorded_point({}) is None
