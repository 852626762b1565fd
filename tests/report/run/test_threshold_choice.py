from __future__ import annotations

import json
from pathlib import Path

from fraudlab.evaluation.operating import NO_ALERTS
from fraudlab.report.recorded.run_record import read_run
from fraudlab.report.run.threshold_choice import threshold_choice

from ..example_run import build_run


def change(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def choice(threshold: float) -> dict[str, object]:
    curve = {
        "threshold": [0.9, 0.5, 0.4, 0.3, 0.1],
        "alerts": [1, 10, 20, 30, 1000],
        "missed": [9, 2, 1, 1, 0],
        "f1": [0.2, 0.8, 0.6, 0.4, 0.02],
        "cost": [900.0, 200.0, 210.0, 260.0, 5000.0],
    }
    return {"threshold": threshold, "curve": curve}


def test_the_chosen_point_and_how_far_it_may_move(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "a")
    change(folder / "training" / "validation.json", **choice(0.5))
    chart = threshold_choice(read_run(folder))
    assert chart is not None
    assert chart.subtitle == "Chosen on validation: 10 alerts, cost 200"
    assert chart.note == (
        "What missed frauds cost, plus 5 per alert. It stays within 10\u00a0% of this from 10 to 20 alerts."
    )
    # a threshold that costs more than never alerting is nobody's choice
    assert chart.hover["x"] == [1, 10, 20, 30]


def test_without_a_price_f1_is_shown(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "a", amount=False)
    described = choice(0.5)
    del described["curve"]["cost"]  # type: ignore[attr-defined]
    change(folder / "training" / "validation.json", **described)
    chart = threshold_choice(read_run(folder))
    assert chart is not None
    assert chart.subtitle == "Chosen on validation: 10 alerts, F1 0.800"
    assert chart.note == "F1 stays within 10\u00a0% of this only at 10 alerts."


def test_alerting_nothing_is_a_choice_like_others(tmp_path: Path) -> None:
    folder = build_run(tmp_path / "a")
    curve = {"threshold": [0.9, 0.5, 0.1], "alerts": [1, 3, 9], "missed": [2, 1, 0], "f1": [0.1, 0.2, 0.3]}
    costs = {"curve": curve | {"cost": [60.0, 65.0, 70.0]}, "threshold": NO_ALERTS, "cost": 50.0}
    change(folder / "training" / "validation.json", **costs)
    chart = threshold_choice(read_run(folder))
    assert chart is not None
    assert chart.subtitle == "Chosen on validation: no alerts, cost 50"
    assert chart.note == "Alerting nothing costs less than any number of alerts."
    change(folder / "training" / "validation.json", **costs | {"cost": 58.0})
    chart = threshold_choice(read_run(folder))
    assert chart is not None
    assert "within 10\u00a0% of this only at 1 alert." in chart.note
