from __future__ import annotations

import json
from pathlib import Path

import pytest

from fraudlab.report.recorded.run_record import read_run
from fraudlab.report.run.training_curve import training_curve

from ..example_run import build_run


def change(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_the_best_round_is_counted_from_one(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "a")
    change(folder / "training" / "history.json", validation=[0.5, 0.75, 0.7], best_round=1, rounds=3)
    change(folder / "model" / "model.json", rounds=2)
    chart = training_curve(read_run(folder))
    assert chart is not None
    assert chart.subtitle == "Best aucpr 0.750 after 2 of 3 rounds, which are kept"
    assert chart.hover["text"][1] == "after 2 rounds: aucpr 0.7500"


@pytest.mark.parametrize("values", [[], [0.5]])
def test_a_curve_needs_two_points(tmp_path: Path, values: list[float]) -> None:
    folder = build_run(tmp_path / "a")
    change(folder / "training" / "history.json", validation=values)
    assert training_curve(read_run(folder)) is None


def test_a_metric_that_never_moves_is_drawn(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "a")
    change(folder / "training" / "history.json", validation=[0.5, 0.5, 0.5], best_round=0)
    assert training_curve(read_run(folder)) is not None
