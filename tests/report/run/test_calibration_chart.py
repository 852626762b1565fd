"""How far scores are chances, on the page of one run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from fraudlab.report.recorded.scores import Scores
from fraudlab.report.run.calibration_chart import calibration


def scored(score: list[float], label: list[int]) -> Scores:
    rows = np.arange(len(score))
    return Scores(rows, np.array(label, np.uint8), np.array(score, np.float64), None)


def test_each_group_is_read_with_its_interval() -> None:
    chart = calibration(scored([0.01] * 400 + [0.5] * 8, [0] * 398 + [1] * 2 + [0, 1] * 4))
    assert chart is not None
    low, high = chart.hover["text"]
    assert low.startswith("mean score 0.01")
    assert "of 400 rows are fraud (95\u00a0% interval " in low
    assert "of 8 rows are fraud" in high
    assert chart.hover["x"] == [pytest.approx(0.01), 0.5]


def test_of_a_calibrated_model_what_was_before_is_drawn_too() -> None:
    label = [0] * 398 + [1] * 2 + [0, 1] * 4
    plain = scored([0.005] * 400 + [0.5] * 8, label)
    before = np.array([0.2] * 400 + [0.9] * 8)
    chart = calibration(replace(plain, uncalibrated=before))
    alone = calibration(plain)
    assert chart is not None
    assert alone is not None
    assert "before" in str(chart.subtitle)
    assert str(chart.drawing).count("curve b") == 1
    assert str(alone.drawing).count("curve b") == 0
    worth = [brier_score_loss(label, score) for score in (before, plain.score)]
    assert f"Brier score {worth[0]:.5f} \u2192 {worth[1]:.5f}" in str(chart.note)
    assert "before" not in str(alone.subtitle)


@pytest.mark.parametrize(
    ("score", "label"),
    [
        ([], []),
        ([0.2, 0.2, 0.2], [0, 0, 1]),  # all alike: one group
        ([0.2, 1.5], [0, 1]),
        ([-3.0, 2.0], [0, 1]),
        ([0.0, 1.0], [0, 1]),  # nothing between the ends of a logarithmic axis
    ],
)
def test_where_there_is_nothing_to_draw_there_is_no_chart(score: list[float], label: list[int]) -> None:
    assert calibration(scored(score, label)) is None
