"""Calibration in a train job: when there is one, what it is worth, and what stays as it was."""

import json
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import xgboost

from fraudlab.container import train
from fraudlab.container.calibrated import Calibration, read_calibration
from fraudlab.container.contract import Tree
from fraudlab.container.failure import ConfigError
from fraudlab.container.scorer import load_scorer
from fraudlab.container.training.calibrating import LEAST_FRAUDS, calibrate
from fraudlab.container.training.decision import Evidence, decide
from fraudlab.container.training.job import DecisionRequest
from fraudlab.evaluation.metrics import average_precision, log_loss
from fraudlab.evaluation.operating import alerts

#: scores far above chances, as class weights make them
WEIGHTED = {"scale_pos_weight": 20, "learning_rate": 0.5, "num_round": 20}


def evidence(count: int = 6000, *, shift: float = 2.0, slope: float = 0.6, seed: int = 1) -> Evidence:
    random = np.random.default_rng(seed)
    margin = random.normal(-3, 2, count)
    label = (random.random(count) < 1 / (1 + np.exp(-margin))).astype(np.uint8)
    score = (1 / (1 + np.exp(-(margin * slope + shift)))).astype(np.float32)
    return Evidence("validation", label, score, random.lognormal(3, 1, count))


def contract(tree: Tree) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((tree.model / "model.json").read_text())
    return content


@pytest.mark.parametrize("kind", ["auto", "beta", "platt", "isotonic"])
def test_scores_become_chances_and_keep_their_order(kind: str) -> None:
    rows = evidence()
    found = calibrate(kind, rows)
    assert found.curve is not None
    assert found.reason is None
    assert found.curve.kind == ("beta" if kind == "auto" else kind)
    measured = found.measured
    assert measured is not None
    assert (measured["asked"], measured["on"], measured["rows"]) == (kind, "validation", 6000)
    assert measured["frauds"] == rows.label.sum()
    assert measured["log_loss"]["before"] == pytest.approx(log_loss(rows.label, rows.score), rel=1e-6)
    assert measured["log_loss"]["after"] < 0.7 * measured["log_loss"]["before"]
    assert measured["brier"]["after"] < measured["brier"]["before"]
    fresh = evidence(seed=2)
    chance = found.of(fresh.score)
    assert chance.mean() == pytest.approx(fresh.label.mean(), abs=0.01)
    assert average_precision(fresh.label, chance) == pytest.approx(
        average_precision(fresh.label, fresh.score), abs=1e-9
    )


def test_what_it_is_worth_is_of_rows_it_was_not_fitted_on() -> None:
    """Labels of pure chance: on its own rows a fit gains by as much as it has numbers, on others it loses."""
    random = np.random.default_rng(3)
    gains = []
    for _ in range(30):
        score = random.uniform(0.1, 0.9, 400).astype(np.float32)
        label = (random.random(400) < score).astype(np.uint8)
        measured = calibrate("beta", Evidence("validation", label, score)).measured
        assert measured is not None
        gains.append(measured["log_loss"]["before"] - measured["log_loss"]["after"])
    assert np.mean(gains) < 0


def test_auto_leaves_scores_alone_that_are_chances() -> None:
    kept = [calibrate("auto", evidence(2000, shift=0.0, slope=1.0, seed=seed)).curve for seed in range(20)]
    assert sum(curve is None for curve in kept) >= 12


def few(frauds: int, legitimate: int) -> Evidence:
    label = np.repeat([1, 0], [frauds, legitimate]).astype(np.uint8)
    return Evidence("validation", label, np.linspace(0.9, 0.1, label.size, dtype=np.float32))


REFUSED = {
    "few frauds": (few(LEAST_FRAUDS - 1, 900), "validation rows have 29 frauds, and it takes 30"),
    "few others": (few(900, 3), "validation rows have 3 legitimate rows, and it takes 30"),
    "no fraud": (few(0, 900), "validation rows have 0 frauds, and it takes 30"),
    "no rows": (None, "there are no rows to fit it on that the model was not trained on"),
    "upside down": (
        Evidence("validation", evidence().label, 1 - evidence().score),
        "more fraud does not come with higher scores at one end of them",
    ),
}


@pytest.mark.parametrize(("rows", "reason"), REFUSED.values(), ids=REFUSED)
def test_auto_says_why_there_is_none(rows: Evidence | None, reason: str) -> None:
    found = calibrate("auto", rows)
    assert found.curve is None
    assert found.as_json() is None
    assert found.reason == reason
    assert found.line == f"calibration=none: {reason}"


def test_none_is_none() -> None:
    found = calibrate("none", evidence())
    assert (found.curve, found.reason, found.as_json()) == (None, "not asked for", None)
    rows = evidence()
    assert found.of(rows.score) is rows.score


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (few(0, 90), "calibration=beta needs rows of both labels, and validation has no frauds"),
        (few(90, 0), "calibration=beta needs rows of both labels, and validation has no legitimate rows"),
        (None, "calibration=beta: there are no rows to fit it on that the model was not trained on"),
    ],
)
def test_what_is_asked_for_by_name_is_not_left_out_in_silence(rows: Evidence | None, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        calibrate("beta", rows)
    assert caught.value.sentence == sentence


def test_a_job_that_was_told_to_stop_does_without() -> None:
    assert calibrate("beta", None, stopped=True).curve is None


def test_too_few_rows_to_hold_any_out_are_said_not_to_measure() -> None:
    found = calibrate("beta", few(4, 50))
    assert found.curve is not None
    assert found.measured is not None
    assert found.measured["log_loss"]["after"] is None


POLICIES = {
    "f1": DecisionRequest("f1"),
    "cost": DecisionRequest("cost", alert_cost=5.0),
    "cost of a fraud": DecisionRequest("cost", missed_fraud_cost=120.0, alert_cost=3.0),
    "nothing pays": DecisionRequest("cost", missed_fraud_cost=0.01, alert_cost=50.0),
}


@pytest.mark.parametrize("request_", POLICIES.values(), ids=POLICIES)
@pytest.mark.parametrize("kind", ["beta", "platt", "isotonic"])
def test_decisions_stay_the_same(kind: str, request_: DecisionRequest) -> None:
    rows = evidence()
    found = calibrate(kind, rows)
    seen = found.seen(rows)
    assert seen is not None
    before, after = decide(request_, rows), decide(request_, seen)
    assert before.measured is not None
    assert after.measured is not None
    np.testing.assert_array_equal(alerts(rows.score, before.threshold), alerts(seen.score, after.threshold))
    for name in ("cost", "true_positives", "false_positives", "average_precision"):
        assert after.measured[name] == pytest.approx(before.measured[name], abs=1e-9)


@pytest.mark.parametrize("kind", ["beta", "platt", "isotonic"])
@pytest.mark.parametrize("refit", ["true", "false"])
def test_a_job_ships_what_its_scores_were_measured_with(
    stand_alone: Any, rows: Any, kind: str, refit: str
) -> None:
    tree = stand_alone(
        rows(), rows(600, seed=4), rows(500, seed=5), **WEIGHTED, calibration=kind, refit=refit
    )
    train.run(tree)
    found = contract(tree)
    assert found["calibration"]["kind"] == kind
    assert found["calibration"]["measured"]["on"] == "validation"
    assert found["uncalibrated"] is None
    assert found["hyperparameters"]["calibration"] == kind
    scorer = load_scorer(tree.model)
    test = pq.read_table(tree.results / "test_scores.parquet")
    inputs = np.ascontiguousarray(rows(500, seed=5)[:, 1:].astype(np.float32))
    assert scorer.score(inputs).tobytes() == test["score"].to_numpy().astype(np.float32).tobytes()
    own = xgboost.Booster(model_file=str(tree.model / "model.ubj")).inplace_predict(inputs)
    curve = read_calibration(found, source="model.json")
    assert curve is not None
    assert Calibration(curve)(own).tobytes() == scorer.score(inputs).tobytes()
    label = test["label"].to_numpy()
    assert log_loss(label, scorer.score(inputs)) < log_loss(label, own)
    validation = json.loads((tree.results / "validation.json").read_text())
    assert validation["threshold"] == found["threshold"]
    assert validation["mean_score"] == pytest.approx(0.2, abs=0.02)


def test_calibration_changes_neither_booster_nor_alerts(stand_alone: Any, rows: Any) -> None:
    seen = []
    for kind in ("none", "beta"):
        tree = stand_alone(rows(), rows(600, seed=4), **WEIGHTED, calibration=kind, refit="true")
        train.run(tree)
        scorer = load_scorer(tree.model)
        inputs = np.ascontiguousarray(rows(500, seed=5)[:, 1:].astype(np.float32))
        flagged = alerts(scorer.score(inputs), scorer.threshold)
        seen.append(((tree.model / "model.ubj").read_bytes(), flagged.tolist()))
    assert seen[0] == seen[1]


def test_rows_of_test_change_nothing(stand_alone: Any, rows: Any) -> None:
    found = []
    for test in (rows(400, seed=5), rows(400, seed=6)[:, [0, 4, 3, 2, 1]] * [1, -9, 1e6, 0, 3]):
        tree = stand_alone(rows(), rows(600, seed=4), test, **WEIGHTED, calibration="auto")
        train.run(tree)
        found.append(contract(tree))
        assert found[-1]["hashes"]["channels"].pop("test")
    assert found[0] == found[1]
    assert found[0]["calibration"] is not None


def test_without_validation_it_is_fitted_out_of_fold(stand_alone: Any, rows: Any) -> None:
    tree = stand_alone(rows(), None, rows(500, seed=5), **WEIGHTED, calibration="beta", k_fold=4)
    train.run(tree)
    found = contract(tree)["calibration"]
    assert found["measured"]["on"] == "out_of_fold"
    assert found["measured"]["rows"] == 1200
    shown = pq.read_table(tree.results / "out_of_fold.parquet")
    assert shown["score"].to_numpy().mean() == pytest.approx(0.2, abs=0.02)
    pooled = json.loads((tree.results / "k_fold.json").read_text())["pooled"]
    assert pooled["mean_score"] == pytest.approx(0.2, abs=0.02)


def test_with_neither_it_is_refused_before_anything_is_read(stand_alone: Any, rows: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        train.run(stand_alone(rows(), calibration="isotonic"))
    assert caught.value.sentence.startswith("calibration=isotonic is fitted on validation, and there is no")


def test_a_job_that_stands_alone_calibrates_where_it_is_asked_to(
    stand_alone: Any, rows: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = stand_alone(rows(), rows(600, seed=4), **WEIGHTED)
    train.run(tree)
    assert contract(tree)["calibration"] is None
    assert contract(tree)["uncalibrated"] == "not asked for"
    assert "calibration=none: not asked for\n" in capsys.readouterr().out
