"""Averages: several models trained in one job, and one booster that scores as their mean."""

import json
import re
import signal
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xgboost

from fraudlab.api_requests import read_refit, read_round
from fraudlab.container import train
from fraudlab.container.contract import Fields, Tree
from fraudlab.container.described_features import read_features
from fraudlab.container.failure import ConfigError
from fraudlab.container.hyperparameters.member_parameters import member_seed
from fraudlab.container.prepared import read_split
from fraudlab.container.runtime import StopRequest
from fraudlab.container.scorer import load_scorer
from fraudlab.container.training import members as averages
from fraudlab.evaluation.metrics import average_precision

from .test_checkpoints import DART, SAMPLED, names, results

ROUNDS = {"num_round": 40, "learning_rate": 0.3, "early_stopping_rounds": 4, "checkpoint_rounds": 6}
HELD = 400
#: what is asked for, and what each member is as a job of its own
CASES: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "counted": ({"members": 3, **SAMPLED}, [SAMPLED] * 3),
    "counted, and nothing said of sampling": (
        {"members": 3},
        [{"subsample": 0.8, "colsample_bytree": 0.8}] * 3,
    ),
    "exact": ({"members": 2, "tree_method": "exact", **SAMPLED}, [{"tree_method": "exact", **SAMPLED}] * 2),
    "approx": (
        {"members": 2, "tree_method": "approx", **SAMPLED},
        [{"tree_method": "approx", **SAMPLED}] * 2,
    ),
    "dart": (
        {"members": 2, "early_stopping_rounds": 0, "num_round": 9, **DART},
        [{"early_stopping_rounds": 0, "num_round": 9, **DART}] * 2,
    ),
    "forest": (
        {"members": 2, "num_parallel_tree": 3, "subsample": 0.5},
        [{"num_parallel_tree": 3, "subsample": 0.5}] * 2,
    ),
    "monotone": (
        {"members": 2, "monotone_constraints": "(1,-1,0,0)", **SAMPLED},
        [{"monotone_constraints": "(1,-1,0,0)", **SAMPLED}] * 2,
    ),
    "listed": (
        {"members": '[{"max_depth": 2, "eta": 0.5}, {"max_depth": 5}, {}]'},
        [{"max_depth": 2, "learning_rate": 0.5}, {"max_depth": 5}, {}],
    ),
    "one listed": ({"members": '[{"max_depth": 2}]'}, [{"max_depth": 2}]),
    "listed, of other bins": (
        {"fraud_bins": 0.9, "max_bin": 16, "members": '[{}, {"max_bin": 64}, {"fraud_bins": 0}]'},
        [
            {"fraud_bins": 0.9, "max_bin": 16},
            {"fraud_bins": 0.9, "max_bin": 64},
            {"fraud_bins": 0, "max_bin": 16},
        ],
    ),
    "listed, of other methods": (
        {"members": '[{"tree_method": "exact"}, {"max_bin": 16}, {"tree_method": "approx"}]'},
        [{"tree_method": "exact"}, {"max_bin": 16}, {"tree_method": "approx"}],
    ),
    "listed, of other starts and weights": (
        {"members": '[{"base_score": 0.5}, {"scale_pos_weight": 4}, {"base_score": 0.001}]'},
        [{"base_score": 0.5}, {"scale_pos_weight": 4}, {"base_score": 0.001}],
    ),
    "listed, trees and dropped trees": (
        {
            "early_stopping_rounds": 0,
            "num_round": 8,
            "members": '[{}, {"booster": "dart", "rate_drop": 0.3, "num_round": 5}]',
        },
        [
            {"early_stopping_rounds": 0, "num_round": 8},
            {"early_stopping_rounds": 0, "num_round": 5, "booster": "dart", "rate_drop": 0.3},
        ],
    ),
    "listed, of forests and trees": (
        {"subsample": 0.5, "members": '[{}, {"num_parallel_tree": 3}]'},
        [{"subsample": 0.5}, {"subsample": 0.5, "num_parallel_tree": 3}],
    ),
}


@pytest.fixture
def job(stand_alone: Any, rows: Any) -> Callable[..., Tree]:
    def lay_out(*, validation: bool = True, **hyperparameters: Any) -> Tree:
        held = rows(HELD, seed=4) if validation else None
        return stand_alone(rows(), held, **{**ROUNDS, **hyperparameters})

    return lay_out


def model(tree: Tree) -> bytes:
    return (tree.model / "model.ubj").read_bytes()


def content(tree: Tree, name: str) -> dict[str, Any]:
    folder = tree.model if name == "model.json" else tree.results
    found: dict[str, Any] = json.loads((folder / name).read_text())
    return found


def alone(job: Any, given: list[dict[str, Any]], *, counted: bool, **beside: Any) -> list[bytes]:
    """The models of jobs that train one member each."""
    found = []
    for number, own in enumerate(given):
        seed = member_seed(int(own.get("seed", 0)), number if counted else 0)
        tree = job(**{**own, **beside, "seed": seed})
        train.run(tree)
        found.append(model(tree))
    return found


def margins(booster: bytes, matrix: Any) -> Any:
    found = xgboost.Booster({"nthread": 1}, model_file=bytearray(booster))
    return found.inplace_predict(matrix, predict_type="margin")


def probes(rows: Any) -> Any:
    matrix = rows(500, seed=9)[:, 1:].astype(np.float32)
    matrix[np.random.default_rng(2).random(matrix.shape) < 0.15] = np.nan
    return matrix


@pytest.mark.parametrize("refit", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_its_raw_score_is_the_mean_of_those_of_jobs_of_their_own(
    job: Any, rows: Any, case: str, refit: bool
) -> None:
    asked, given = CASES[case]
    beside = {"refit": "true"} if refit else {}
    tree = job(**asked, **beside)
    train.run(tree)
    shipped, matrix = model(tree), probes(rows)
    trees = xgboost.Booster(model_file=bytearray(shipped)).num_boosted_rounds()
    found = content(tree, "model.json")
    assert found["rounds"] == trees == sum(member["rounds"] for member in found["members"])
    scorer = load_scorer(tree.model)
    raw, score = scorer.raw_score(matrix), scorer.score(matrix)
    each = alone(job, given, counted=isinstance(asked["members"], int), **beside)
    rounds = [xgboost.Booster(model_file=bytearray(one)).num_boosted_rounds() for one in each]
    assert [member["rounds"] for member in found["members"]] == rounds
    mean = np.mean([margins(one, matrix) for one in each], axis=0, dtype=np.float64)
    np.testing.assert_allclose(raw, mean, rtol=0, atol=2e-6)
    np.testing.assert_allclose(score, 1 / (1 + np.exp(-mean)), rtol=0, atol=1e-6)
    assert len(each) == 1 or all(shipped != one for one in each)


@pytest.mark.parametrize("case", ["counted", "listed, of other bins", "listed, trees and dropped trees"])
def test_the_same_bytes_again_and_with_other_threads(job: Any, case: str) -> None:
    found = []
    for threads in (1, 1, 2):
        tree = job(**CASES[case][0], nthread=threads, refit="true")
        train.run(tree)
        found.append(model(tree))
    assert found[0] == found[1] == found[2]


def test_the_reasons_are_those_of_its_trees(job: Any, rows: Any) -> None:
    tree = job(members=3, max_depth=4, **SAMPLED)
    train.run(tree)
    matrix = probes(rows)
    booster = xgboost.Booster(model_file=bytearray(model(tree)))
    expected = booster.predict(xgboost.DMatrix(matrix), pred_contribs=True, validate_features=False)
    found = load_scorer(tree.model).contributions(matrix)
    np.testing.assert_allclose(found, expected[:, :-1], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "name",
    ["Betrag", "Ø 30 Tage", "e\u0301te\u0301", "日本語", "😀", "\u2028", "\x01", "\x7f", "a\tb", "a\nb",
     'q"q', "a\\", "a\\u00d8", "a/b", "x" * 300],
)  # fmt: skip
def test_an_average_has_the_names_of_its_members(name: str, rows: Any) -> None:
    table = rows(200, seed=3).astype(np.float32)
    matrix = xgboost.DMatrix(table[:, 1:3], table[:, 0], feature_names=[name, "other"])
    boosters = [
        xgboost.train({"max_depth": depth, "objective": "binary:logistic"}, matrix, 2) for depth in (1, 2)
    ]
    written = averages.mean_booster(boosters, nthread=1).save_raw("ubj")
    again = xgboost.Booster({"nthread": 1}, model_file=written)
    assert again.feature_names == [name, "other"]
    again.predict(matrix)


def test_an_average_rises_where_its_members_do(job: Any) -> None:
    tree = job(members=3, monotone_constraints="(1,0,0,0)", **SAMPLED)
    train.run(tree)
    matrix = np.zeros((200, 4), np.float32)
    matrix[:, 0] = np.linspace(-4, 4, 200)
    assert (np.diff(load_scorer(tree.model).raw_score(matrix)) >= -1e-6).all()


def test_categories_missing_values_and_scaling(frauds: Any, prepare: Any, hand_over: Any, tree: Tree) -> None:
    manifest = prepare(
        frauds, id=["tx"], time="t", categorical=["merchant"], scale="standard", split={"kind": "time"}
    )
    features = read_features(Fields(manifest, source="manifest.json"))
    matrix = read_split(tree.prepared / "test", features).matrix
    assert np.isnan(matrix).any()
    found = []
    listed = [{"max_depth": 2}, {"max_depth": 5, "max_cat_to_onehot": 1}]
    for given in ({"members": json.dumps(listed)}, *listed):
        texts = {name: value if isinstance(value, str) else str(value) for name, value in given.items()}
        train.run(hand_over(tree, texts))
        found.append(load_scorer(tree.model).raw_score(matrix).astype(np.float64))
    np.testing.assert_allclose(found[0], (found[1] + found[2]) / 2, rtol=0, atol=1e-6)


def test_what_is_printed_and_what_it_is_named(job: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tree = job(members=2, refit="true", eval_metric="auc,logloss", **SAMPLED)
    train.run(tree)
    printed = capsys.readouterr().out.splitlines()
    rounds = [found for line in printed if (found := read_round(line))]
    history = content(tree, "history.json")
    first, second = history["members"]
    assert history["rounds"] == first["rounds"] + second["rounds"]
    named = [set(values) for _, values in rounds]
    assert named == [
        *[{"member1_auc", "member1_logloss"}] * first["rounds"],
        *[{"member2_auc", "member2_logloss"}] * second["rounds"],
        {"auc", "logloss"},
    ]
    for member, at in ((first, 0), (second, first["rounds"])):
        shown = [values for _, values in rounds[at : at + member["rounds"]]]
        numbers = [number for number, _ in rounds[at : at + member["rounds"]]]
        assert numbers == [*range(member["rounds"])]
        name = f"member{1 if member is first else 2}_logloss"
        assert [one[name] for one in shown] == pytest.approx(member["metrics"]["logloss"], abs=1e-5)
    # What a tuning job looks for is there once: the average's.
    regex = r"\[[0-9]+\].*(?:\t|#011)validation-logloss:([0-9.]+)"
    watched = [found[1] for line in printed if (found := re.search(regex, line))]
    assert watched == [f"{history['average']['metrics']['logloss']:.5f}"]
    kept = content(tree, "model.json")["rounds"]
    refitted = [found for line in printed if (found := read_refit(line))]
    assert refitted[-1] == (kept, kept)
    assert [done for done, _ in refitted] == sorted({done for done, _ in refitted})


def test_the_threshold_and_what_averaging_brought(job: Any, rows: Any) -> None:
    tree = job(members=3, **SAMPLED)
    train.run(tree)
    held = rows(HELD, seed=4)
    label, matrix = held[:, 0], held[:, 1:].astype(np.float32)
    score = load_scorer(tree.model).score(matrix)
    measured, average = content(tree, "validation.json"), content(tree, "history.json")["average"]
    precision = average_precision(label, score)
    assert measured["average_precision"] == average["average_precision"] == precision
    threshold = content(tree, "model.json")["threshold"]
    flagged = measured["true_positives"] + measured["false_positives"]
    assert flagged == (score >= threshold).sum()
    booster = xgboost.Booster({"eval_metric": ["logloss"]}, model_file=bytearray(model(tree)))
    each = alone(job, [SAMPLED] * 3, counted=True)
    precisions = [average_precision(label, margins(one, matrix)) for one in each]
    assert average["members"] == pytest.approx(precisions, abs=1e-12)
    assert average["mean"] == pytest.approx(np.mean(precisions))
    best, middle = average["best"], average["middle"]
    assert best["average_precision"] == pytest.approx(max(precisions))
    assert middle["average_precision"] == pytest.approx(np.median(precisions))
    for one in (best, middle):
        assert one["average_precision"] == average["members"][one["member"] - 1]
        assert one["difference"] == pytest.approx(precision - one["average_precision"])
        assert one["low"] <= one["difference"] <= one["high"]
    names = [f"f{at}" for at in range(4)]
    word = booster.eval_set([(xgboost.DMatrix(matrix, label, feature_names=names), "x")]).rpartition(":")[2]
    assert average["metrics"]["logloss"] == pytest.approx(float(word), abs=1e-6)


@pytest.mark.parametrize("refit", ["false", "true"])
@pytest.mark.parametrize("case", ["counted", "listed, of other bins", "listed, trees and dropped trees"])
def test_killed_within_a_member_it_goes_on_with_the_same_bytes(
    job: Any, case: str, refit: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = job(**CASES[case][0], refit=refit)
    folder = tree.root / "checkpoints"
    folder.mkdir()
    train.run(tree)
    expected, kept = results(tree), names(tree)
    of_members = sorted({name.partition("-")[0] for name in kept})
    assert of_members == [f"member{number:02d}" for number in range(1, len(CASES[case][1]) + 1)]
    # As they stood within each member of each fit: what came later is not there.
    order = sorted(kept, key=lambda name: (("refit" in name), name))
    for many in range(1, len(order)):
        for name in order[many:]:
            (folder / name).unlink()
        capsys.readouterr()
        train.run(tree)
        assert results(tree) == expected, order[:many]
        assert names(tree) == kept
        assert f"{order[many - 1]} rounds=" in capsys.readouterr().out


def test_more_members_go_on_from_those_there_are(job: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tree = job(members=4, **SAMPLED)
    train.run(tree)
    expected = results(tree)
    (tree.root / "checkpoints").mkdir()
    train.run(job(members=2, **SAMPLED))
    capsys.readouterr()
    train.run(job(members=4, **SAMPLED))
    assert capsys.readouterr().out.count("continues") == 2
    assert results(tree) == expected


@pytest.mark.parametrize(("complete", "kept"), [(0, 1), (1, 1), (2, 2)])
def test_told_to_stop_it_keeps_the_members_that_are_complete(
    job: Any, complete: int, kept: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = StopRequest()
    inner = averages.fit

    def fit(*args: Any, on_round: Any, **named: Any) -> Any:
        fits.append(None)

        def stopping(number: int, metrics: Any) -> None:
            on_round(number, metrics)
            if number == 2 and len(fits) == complete + 1:
                signal.raise_signal(signal.SIGTERM)

        return inner(*args, on_round=stopping, **named)

    fits: list[None] = []
    monkeypatch.setattr(averages, "fit", fit)
    tree = job(members=3, refit="true", **SAMPLED)
    train.run(tree, stop)
    found = content(tree, "model.json")
    assert len(found["members"]) == kept
    assert found["refit"] is None
    assert f"told to stop: the model is the average of {kept} of 3 members" in capsys.readouterr().out
    if not complete:
        assert found["members"][0]["rounds"] <= 3


def test_members_that_are_the_same_model_are_named(job: Any, capsys: pytest.CaptureFixture[str]) -> None:
    # two patiences that come to the same: only training shows it
    tree = job(members='[{"num_round": 5}, {"num_round": 5, "early_stopping_rounds": 3}]', **{"num_round": 9})
    train.run(tree)
    line = "member 2 is the same model as member 1: averaging them brings nothing"
    assert line in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("validation", [True, False])
def test_folds_are_averages_too(job: Any, rows: Any, validation: bool) -> None:
    chosen = {**SAMPLED, "k_fold": 3, "num_round": 8, "early_stopping_rounds": 0}
    tree = job(members=2, validation=validation, **chosen)
    train.run(tree)
    found = content(tree, "k_fold.json")
    assert [fold["rounds"] for fold in found["folds"]] == [16] * 3
    one = job(validation=validation, **chosen)
    train.run(one)
    assert found["pooled"]["average_precision"] != content(one, "k_fold.json")["pooled"]["average_precision"]


def test_without_validation_it_has_all_its_rounds(job: Any, capsys: pytest.CaptureFixture[str]) -> None:
    tree = job(members=2, validation=False, num_round=5, early_stopping_rounds=0)
    train.run(tree)
    assert content(tree, "model.json")["rounds"] == 10
    assert content(tree, "history.json")["average"] is None
    line = "members=2, and nothing is said of sampling: subsample=0.8 and colsample_bytree=0.8 set them apart"
    assert line in capsys.readouterr().out


def test_one_member_is_the_model_without_any(job: Any) -> None:
    found = []
    for given in ({}, {"members": 1}, {"members": "[{}]"}):
        tree = job(**SAMPLED, **given)
        train.run(tree)
        found.append(model(tree))
        if given.get("members") != "[{}]":
            assert "members" not in content(tree, "model.json")
            assert "members" not in content(tree, "history.json")
    assert found[0] == found[1] == found[2]


def test_a_member_that_stops_early_needs_validation(job: Any) -> None:
    tree = job(members='[{}, {"early_stopping_rounds": 7}]', validation=False, early_stopping_rounds=0)
    with pytest.raises(ConfigError, match="early_stopping_rounds=7 watches validation"):
        train.run(tree)
