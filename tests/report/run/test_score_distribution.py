from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fraudlab.report.recorded.run_record import read_run
from fraudlab.report.recorded.scores import Scores, read_scores
from fraudlab.report.run.score_distribution import score_distribution

from ..example_run import build_run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return build_run(tmp_path / "a")


def counted(texts: list[str], name: str) -> int:
    return sum(int(text.split(": ")[1].replace(",", "").split(f" {name}")[0].split()[-1]) for text in texts)


@pytest.mark.parametrize("with_scores", [True, False])
def test_every_test_row_is_in_a_bin(folder: Path, with_scores: bool) -> None:
    scores = read_scores(folder) if with_scores else None
    chart = score_distribution(read_run(folder), scores, None)
    assert chart is not None
    assert counted(chart.hover["text"], "legitimate") == 42_000 - 75
    assert counted(chart.hover["text"], "fraud") == 75


def test_scores_that_are_no_probabilities_are_drawn_as_recorded(folder: Path) -> None:
    scores = Scores(np.arange(2), np.array([0, 1], np.uint8), np.array([-3.0, 4.0]), None)
    chart = score_distribution(read_run(folder), scores, None)
    assert chart is not None
    assert len(chart.hover["x"]) == 50


@pytest.mark.parametrize("values", [[0.0, 1.0], [0.5, 0.5], [1e-30, 1 - 1e-16]])
def test_extreme_scores_stay_in_the_chart(folder: Path, values: list[float]) -> None:
    scores = Scores(np.arange(2), np.array([0, 1], np.uint8), np.array(values), None)
    chart = score_distribution(read_run(folder), scores, None)
    assert chart is not None
    assert counted(chart.hover["text"], "legitimate") == counted(chart.hover["text"], "fraud") == 1


def test_nothing_to_draw(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    assert score_distribution(read_run(tmp_path), None, None) is None
