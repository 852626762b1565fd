"""Cross-validation: folds, their honesty, and what they leave behind."""

import json
from typing import Any

import numpy as np
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from fraudlab.container import train
from fraudlab.container.contract import Tree
from fraudlab.container.failure import ConfigError
from fraudlab.container.training import folds
from fraudlab.container.training.folds import stratified_folds
from fraudlab.evaluation.metrics import average_precision
from fraudlab.evaluation.thresholds import choose_threshold


def outcome(tree: Tree) -> tuple[dict[str, Any], dict[str, np.ndarray], dict[str, Any]]:
    table = parquet.read_table(tree.results / "out_of_fold.parquet")
    return (
        json.loads((tree.results / "k_fold.json").read_text()),
        {name: table[name].to_numpy() for name in table.column_names},
        json.loads((tree.model / "model.json").read_text()),
    )


@given(
    frauds=st.integers(2, 40),
    legitimate=st.integers(2, 200),
    count=st.integers(2, 12),
    seed=st.integers(0, 2**31 - 1),
)
@settings(max_examples=60, deadline=None)
def test_folds_have_equal_shares(frauds: int, legitimate: int, count: int, seed: int) -> None:
    label = np.zeros(frauds + legitimate, np.uint8)
    label[np.random.default_rng(seed).permutation(label.size)[:frauds]] = 1
    if count > min(frauds, legitimate):
        with pytest.raises(ConfigError):
            stratified_folds(label, count, seed=seed)
        return
    found = stratified_folds(label, count, seed=seed)
    for rows in (found, found[label == 1], found[label == 0]):
        sizes = np.bincount(rows, minlength=count)
        assert sizes.size == count
        assert sizes.max() - sizes.min() <= 1
    np.testing.assert_array_equal(found, stratified_folds(label, count, seed=seed))


def test_repeats_and_seeds_draw_other_folds() -> None:
    label = (np.arange(100) % 4 == 0).astype(np.uint8)
    drawn = [stratified_folds(label, 5, seed=s, repeat=r) for s, r in ((0, 0), (0, 1), (1, 0))]
    assert len({found.tobytes() for found in drawn}) == 3


def test_scores_are_those_of_folds_made_by_hand(
    stand_alone: Any, rows: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    table = rows(600)
    tree = stand_alone(table, k_fold=3, k_fold_repeats=2, num_round=8, subsample=0.8, seed=4)
    train.run(tree)
    content, scores, model = outcome(tree)
    names = [f"f{position}" for position in range(4)]
    chosen = {"objective": "binary:logistic", "max_depth": 3, "subsample": 0.8, "seed": 4}
    chosen |= {"eval_metric": ["aucpr", "logloss"]}
    numbers, label = table[:, 1:].astype(np.float32), table[:, 0].astype(np.uint8)
    lines, metrics = [], []
    for repeat in range(2):
        fold_of = stratified_folds(label, 3, seed=4, repeat=repeat)
        for fold in range(3):
            held = np.flatnonzero(fold_of == fold)
            rest = fold_of != fold
            bare = xgboost.train(
                chosen, xgboost.QuantileDMatrix(numbers[rest], label[rest], feature_names=names), 8
            )
            expected = bare.inplace_predict(numbers[held])
            data = xgboost.DMatrix(numbers[held], label[held], feature_names=names)
            metrics.append(
                [float(word.split(":")[1]) for word in bare.eval_set([(data, "v")]).split("\t")[1:]]
            )
            ours = (scores["repeat"] == repeat) & (scores["fold"] == fold)
            np.testing.assert_array_equal(scores["row"][ours], held)
            np.testing.assert_array_equal(scores["label"][ours], label[held])
            np.testing.assert_array_equal(scores["score"][ours], expected)
            measured = content["folds"][repeat * 3 + fold]
            assert measured["average_precision"] == average_precision(label[held], expected)
            assert (measured["rows"], measured["rounds"]) == (200, 8)
            value = measured["average_precision"]
            lines.append(f"fold={fold + 1}/3 repeat={repeat + 1}/2 out_of_fold-average_precision={value:.6f}")
    printed = capsys.readouterr().out.splitlines()
    assert [line for line in printed if line.startswith("fold=")] == lines
    # a tuning job without a validation channel reads the means over folds, in the last line of its kind
    means = np.mean(metrics, axis=0)
    assert [line for line in printed if "validation-" in line] == [
        f"[8]\tvalidation-aucpr:{means[0]:.5f}\tvalidation-logloss:{means[1]:.5f}"
    ]
    assert content["complete"] is True
    every = [fold["average_precision"] for fold in content["folds"]]
    assert content["over_folds"]["average_precision"] == {"mean": np.mean(every), "std": np.std(every)}
    assert content["pooled"]["average_precision"] == average_precision(scores["label"], scores["score"])
    assert content["pooled"]["rows"] == 1200
    assert model["rounds"] == 8


def test_the_threshold_is_chosen_on_rows_out_of_fold(stand_alone: Any, rows: Any) -> None:
    tree = stand_alone(rows(600), k_fold=4)
    train.run(tree)
    content, scores, model = outcome(tree)
    chosen = choose_threshold(scores["label"], scores["score"], policy="f1")
    assert model["threshold"] == chosen.threshold == content["pooled"]["threshold"]
    assert model["decision"]["policy"] == "f1"
    assert model["decision"]["measured_on"] == "out_of_fold"
    assert model["decision"]["out_of_fold"]["f1"] == content["pooled"]["f1"]
    assert model["decision"]["validation"] is None
    assert not (tree.results / "validation.json").exists()


def test_the_model_is_the_one_without_folds(stand_alone: Any, rows: Any) -> None:
    train.run(stand_alone(rows(600)))
    tree = stand_alone(rows(600), k_fold=2)
    alone = (tree.model / "model.ubj").read_bytes()
    train.run(tree)
    assert (tree.model / "model.ubj").read_bytes() == alone


def test_a_model_that_memorises_noise_is_no_better_than_chance(stand_alone: Any) -> None:
    """The official container measures folds on the rows they were trained on, and calls this near perfect."""
    random = np.random.default_rng(8)
    noise = np.column_stack([random.random(1500) < 0.3, random.normal(size=(1500, 4))])
    tree = stand_alone(noise, k_fold=5, num_round=200, max_depth=8, learning_rate=0.5, min_child_weight=0)
    train.run(tree)
    content, _, _ = outcome(tree)
    booster = xgboost.Booster(model_file=str(tree.model / "model.ubj"))
    on_train = booster.inplace_predict(noise[:, 1:].astype(np.float32))
    assert average_precision(noise[:, 0], on_train) > 0.99
    prevalence = noise[:, 0].mean()
    # Of 450 positives in 1500 random rows the average precision has a standard deviation of about 0.015.
    assert abs(content["pooled"]["average_precision"] - prevalence) < 0.06
    assert abs(content["pooled"]["roc_auc"] - 0.5) < 0.08


def test_folds_stop_early_by_validation_only(stand_alone: Any, rows: Any) -> None:
    tree = stand_alone(
        rows(600), rows(300, seed=4), k_fold=3, num_round=100, learning_rate=0.9, early_stopping_rounds=3
    )
    train.run(tree)
    content, scores, model = outcome(tree)
    assert all(fold["rounds"] < 90 for fold in content["folds"])
    assert model["decision"]["measured_on"] == "validation"
    table, watched = rows(600), rows(300, seed=4)
    fold_of = stratified_folds(table[:, 0].astype(np.uint8), 3, seed=0)
    rest = fold_of != 1
    names = [f"f{position}" for position in range(4)]
    numbers = table[:, 1:].astype(np.float32)
    matrix = xgboost.QuantileDMatrix(numbers[rest], table[rest, 0], feature_names=names)
    held = xgboost.QuantileDMatrix(
        watched[:, 1:].astype(np.float32), watched[:, 0], ref=matrix, feature_names=names
    )
    bare = xgboost.train(
        {"objective": "binary:logistic", "max_depth": 3, "learning_rate": 0.9, "eval_metric": "aucpr"},
        matrix,
        100,
        evals=[(held, "validation")],
        verbose_eval=False,
        callbacks=[xgboost.callback.EarlyStopping(rounds=3, data_name="validation", metric_name="aucpr")],
    )
    assert content["folds"][1]["rounds"] == bare.best_iteration + 1
    expected = bare[: bare.best_iteration + 1].inplace_predict(numbers[~rest])
    np.testing.assert_array_equal(scores["score"][scores["fold"] == 1], expected)


def test_folds_of_a_prepared_table(
    frauds: Any, prepare: Any, tree: Tree, hand_over: Any, roles_of_all: dict[str, Any]
) -> None:
    prepare(frauds, **roles_of_all, scale="standard", split={"kind": "time"})
    train.run(hand_over(tree, {"k_fold": "3"}))
    content, scores, model = outcome(tree)
    assert content["complete"]
    assert scores["row"].size == content["pooled"]["rows"] == 240
    assert model["decision"]["measured_on"] == "validation"


@pytest.fixture
def roles_of_all() -> dict[str, Any]:
    return {"id": ["tx"], "time": "t", "amount": "amount", "categorical": ["merchant"]}


def test_too_few_frauds_are_said_before_training(
    stand_alone: Any, rows: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    table = rows(100)
    table[:, 0] = np.arange(100) < 3
    with pytest.raises(ConfigError) as caught:
        train.run(stand_alone(table, k_fold=5))
    assert caught.value.sentence == "k_fold=5 needs 5 rows of each label in train, and there are 3 frauds"
    assert caught.value.fix == "set k_fold to at most 3"
    assert "[" not in capsys.readouterr().out


@pytest.mark.parametrize(("told_at", "complete"), [(0, 0), (2, 2)])
def test_a_stop_between_folds_keeps_the_model_and_the_folds_so_far(
    stand_alone: Any, rows: Any, monkeypatch: pytest.MonkeyPatch, told_at: int, complete: int
) -> None:
    import os
    import signal

    hold_out, calls = folds._hold_out, []

    def hold_out_until_told(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == told_at + 1:
            os.kill(os.getpid(), signal.SIGTERM)
        return hold_out(*arguments)

    monkeypatch.setattr(folds, "_hold_out", hold_out_until_told)
    tree = stand_alone(rows(600), k_fold=4, num_round=6)
    train.run(tree)
    content = json.loads((tree.results / "k_fold.json").read_text())
    model = json.loads((tree.model / "model.json").read_text())
    assert content["complete"] is False
    assert len(content["folds"]) == complete
    assert model["rounds"] == 6
    if complete:
        assert model["decision"]["measured_on"] == "out_of_fold"
        assert content["pooled"]["rows"] == 300
    else:
        assert (model["threshold"], model["decision"]["measured_on"]) == (0.5, None)
        assert content["pooled"] is None
        assert content["over_folds"] == {}
        assert not (tree.results / "out_of_fold.parquet").exists()
