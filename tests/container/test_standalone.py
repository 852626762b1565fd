"""A training job that has no process job before it and no launcher beside it."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost
from pyarrow import parquet

from fraudlab.container import train
from fraudlab.container.bodies import BodyError, finish, read_content_type
from fraudlab.container.contract import Tree, file_sha256
from fraudlab.container.failure import ConfigError, JobError, TableError
from fraudlab.container.scorer import load_scorer
from fraudlab.container.training import inputs
from fraudlab.container.training.digests import channel_sha256
from fraudlab.container.training.job import read_job
from fraudlab.evaluation.metrics import average_precision, confusion


def load(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def test_the_scoring_contract_is_complete(
    stand_alone: Any, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINING_JOB_NAME", "fraud-2024-05-01")
    tree = stand_alone(rows(), rows(400, seed=4), num_round=5)
    train.run(tree)
    model = load(tree.model / "model.json")
    assert model["run_id"] == "fraud-2024-05-01"
    assert [column["name"] for column in model["columns"]] == ["f0", "f1", "f2", "f3"]
    assert {column["type"] for column in model["columns"]} == {"number"}
    assert model["preprocessing"] == {"scale": None}
    assert model["label"] == "label"
    assert model["rounds"] == 5
    assert model["decision"]["policy"] == "f1"
    assert model["decision"]["measured_on"] == "validation"
    assert model["hashes"] == {
        "channels": {
            name: channel_sha256([tree.channel(name) / "part.csv"]) for name in ("train", "validation")
        },
        "model.ubj": file_sha256(tree.model / "model.ubj"),
    }
    scorer = load_scorer(tree.model)
    given = rows(400, seed=4)
    score = scorer.score(given[:, 1:].astype(np.float32))
    validation = load(tree.results / "validation.json")
    assert validation["average_precision"] == average_precision(given[:, 0], score)
    assert validation["threshold"] == scorer.threshold
    history = load(tree.results / "history.json")
    assert len(history["validation"]) == history["rounds"] == 5


def test_without_validation_nothing_is_measured_on_train(
    stand_alone: Any, rows: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = stand_alone(rows(), num_round=3)
    train.run(tree)
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("[")] == ["[0]", "[1]", "[2]"]
    assert "threshold=0.5 policy=fixed measured_on=nothing" in lines
    model, history = load(tree.model / "model.json"), load(tree.results / "history.json")
    assert model["run_id"] == "standalone"
    assert model["threshold"] == 0.5
    assert model["decision"] == {
        "policy": "fixed",
        "threshold": 0.5,
        "missed_fraud_cost": None,
        "alert_cost": 0.0,
        "loss_share": 1.0,
        "missed_fraud_fee": 0.0,
        "recall": None,
        "alert_budget": None,
        "currency": None,
        "measured_on": None,
        "validation": None,
        "budget": None,
        "sensitivity": [],
    }
    assert (history["metric"], history["validation"], history["metrics"]) == (None, [], {})
    assert (history["rounds"], history["best_round"]) == (3, 2)
    assert sorted(path.name for path in tree.results.iterdir()) == ["history.json"]


def test_the_model_is_what_xgboost_trains_on_the_same_rows(stand_alone: Any, rows: Any) -> None:
    tree = stand_alone(rows(), num_round=9, subsample=0.7, seed=5, scale_pos_weight=3)
    train.run(tree)
    given = rows().astype(np.float32)
    names = [f"f{position}" for position in range(4)]
    matrix = xgboost.QuantileDMatrix(given[:, 1:], given[:, 0], feature_names=names)
    chosen = {
        "objective": "binary:logistic",
        "max_depth": 3,
        "subsample": 0.7,
        "seed": 5,
        "scale_pos_weight": 3,
    }
    bare = xgboost.train(chosen, matrix, 9)
    score = load_scorer(tree.model).score(given[:, 1:].copy())
    np.testing.assert_array_equal(score, bare.inplace_predict(given[:, 1:]))


@pytest.mark.parametrize("word", ["true", "1", "", "false"])
def test_the_job_leaves_xgboost_model_where_it_is_asked_for(
    stand_alone: Any, rows: Any, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    monkeypatch.setenv("FRAUDLAB_XGBOOST_MODEL", word)
    tree = stand_alone(rows())
    train.run(tree)
    wanted = word in ("true", "1")
    assert sorted(path.name for path in tree.model.iterdir()) == [
        "model.json",
        "model.ubj",
        *(["xgboost-model"] if wanted else []),
    ]
    inputs_ = rows(seed=8)[:, 1:].astype(np.float32)
    score = load_scorer(tree.model).score(inputs_.copy())
    if wanted:
        found = xgboost.Booster(model_file=bytearray((tree.model / "xgboost-model").read_bytes()))
        assert found.feature_names is None
        np.testing.assert_array_equal(score, found.inplace_predict(inputs_))


def test_a_wish_for_xgboost_model_that_means_nothing_is_refused_at_once(
    stand_alone: Any, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRAUDLAB_XGBOOST_MODEL", "yes please")
    with pytest.raises(ConfigError, match="FRAUDLAB_XGBOOST_MODEL is 'yes please'"):
        read_job(stand_alone(rows()))


def test_a_decision_threshold_is_taken_and_measured(stand_alone: Any, rows: Any) -> None:
    tree = stand_alone(rows(), rows(400, seed=4), decision_threshold=0.25)
    train.run(tree)
    model = load(tree.model / "model.json")
    assert model["threshold"] == 0.25
    assert model["decision"]["policy"] == "fixed"
    assert load(tree.results / "validation.json")["threshold"] == 0.25


def test_the_test_channel_is_scored_once_by_the_final_model(
    stand_alone: Any, rows: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    held = rows(300, seed=9)
    tree = stand_alone(rows(), rows(400, seed=4), held)
    train.run(tree)
    scorer = load_scorer(tree.model)
    score = scorer.score(held[:, 1:].astype(np.float32))
    scores = parquet.read_table(tree.results / "test_scores.parquet")
    assert scores.column_names == ["row", "label", "score"]
    np.testing.assert_array_equal(scores["row"], np.arange(300))
    np.testing.assert_array_equal(scores["label"], held[:, 0])
    np.testing.assert_array_equal(scores["score"], score)
    found = load(tree.results / "test.json")
    at = confusion(held[:, 0], score, threshold=scorer.threshold)
    assert found["average_precision"] == average_precision(held[:, 0], score)
    assert (found["rows"], found["positives"], found["threshold"]) == (300, 60, scorer.threshold)
    assert (found["true_positives"], found["recall"]) == (at.tp, at.recall)
    assert f"test-average_precision={found['average_precision']:.6g}" in capsys.readouterr().out


def test_a_test_channel_of_one_class_has_no_ranking(stand_alone: Any, rows: Any) -> None:
    legitimate = rows(300, seed=9)
    tree = stand_alone(rows(), rows(400, seed=4), legitimate[legitimate[:, 0] == 0])
    train.run(tree)
    found = load(tree.results / "test.json")
    assert (found["average_precision"], found["roc_auc"], found["positives"]) == (None, None, 0)
    assert found["true_negatives"] + found["false_positives"] == 240


@pytest.mark.parametrize(
    ("channel", "kept", "sentence"),
    [
        ("validation", 0, "channel validation has no fraud among its 240 rows"),
        ("train", 0, "channel train has no fraud among its 960 rows"),
        ("train", 1, "channel train has nothing but fraud among its 240 rows"),
    ],
)
def test_one_class(stand_alone: Any, rows: Any, channel: str, kept: int, sentence: str) -> None:
    tables = {"train": rows(), "validation": rows(300, seed=9)}
    tables[channel] = tables[channel][tables[channel][:, 0] == kept]
    tree = stand_alone(**tables)
    with pytest.raises(TableError) as caught:
        train.run(tree)
    assert caught.value.sentence == sentence
    assert not tree.model.exists()


def test_no_input_file_but_the_rows(stand_alone: Any, rows: Any) -> None:
    tree = stand_alone(rows())
    tree.hyperparameters.unlink()
    train.run(tree)
    assert load(tree.model / "model.json")["rounds"] == 100


def test_every_field_of_a_channel_but_its_name_is_optional(stand_alone: Any, rows: Any) -> None:
    tree = stand_alone(rows(), rows(400, seed=4), num_round=2)
    for config in (
        {"train": {}, "validation": {}},
        {"train": {"ContentType": None}, "validation": {"TrainingInputMode": "FastFile"}},
        {
            "train": {
                "ContentType": "csv",
                "RecordWrapperType": "None",
                "S3DistributionType": "FullyReplicated",
            }
        },
    ):
        tree.input_data_config.write_text(json.dumps(config))
        train.run(tree)
        assert load(tree.model / "model.json")["rounds"] == 2


@pytest.mark.parametrize(
    ("config", "sentence", "fix"),
    [
        (
            {"train": {"TrainingInputMode": "Pipe"}},
            "channel 'train' is delivered by Pipe, which can be read only once",
            "set TrainingInputMode to File or FastFile",
        ),
        (
            {"train": {}, "validaton": {}},
            "unknown channel 'validaton' (did you mean 'validation'?)",
            "name channels as one of: train, validation, test, folds, config, checkpoints, code",
        ),
        (
            {"train": "text/csv"},
            "channel 'train' is 'text/csv' in inputdataconfig.json",
            "describe it as an object, or not at all",
        ),
        (
            {"train": {"ContentType": 3}},
            "'ContentType' in channel 'train' in inputdataconfig.json is 3, where str is expected",
            "set it to a value of type str",
        ),
    ],
)
def test_channels_refused(
    stand_alone: Any, rows: Any, config: dict[str, Any], sentence: str, fix: str
) -> None:
    tree = stand_alone(rows())
    tree.input_data_config.write_text(json.dumps(config))
    with pytest.raises(ConfigError) as caught:
        train.run(tree)
    assert (caught.value.sentence, caught.value.fix) == (sentence, fix)


def test_no_train_channel(stand_alone: Any, rows: Any, tree: Tree) -> None:
    with pytest.raises(ConfigError) as caught:
        train.run(tree)
    assert caught.value.sentence == "there is no train channel"
    stand_alone(rows())
    (tree.channel("train")).rename(tree.channel("test"))
    with pytest.raises(ConfigError) as caught:
        train.run(tree)
    assert caught.value.sentence == "there is no train channel; there is test"


def test_hidden_folders_are_no_channels(stand_alone: Any, rows: Any) -> None:
    tree = stand_alone(rows(), num_round=1)
    tree.channel(".cache").mkdir()
    train.run(tree)
    assert load(tree.model / "model.json")["rounds"] == 1


def test_early_stopping_needs_validation(stand_alone: Any, rows: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        train.run(stand_alone(rows(), early_stopping_rounds=5))
    assert caught.value.sentence == (
        "early_stopping_rounds=5 watches validation, and there is no validation channel"
    )


def test_weights_count_in_training_and_in_the_metrics_of_rounds(stand_alone: Any, rows: Any) -> None:
    given, held = rows(), rows(400, seed=4)
    weight = np.where(np.arange(1200) % 3 == 0, 5.0, 0.5)
    held_weight = np.where(np.arange(400) % 2 == 0, 3.0, 1.0)
    tree = stand_alone(
        np.insert(given, 1, weight, axis=1),
        np.insert(held, 1, held_weight, axis=1),
        num_round=6,
        csv_weights="true",
        eval_metric="logloss,aucpr",
    )
    train.run(tree)
    names = [f"f{position}" for position in range(4)]
    matrix = xgboost.QuantileDMatrix(
        given[:, 1:].astype(np.float32), given[:, 0], weight=weight, feature_names=names
    )
    watched = xgboost.QuantileDMatrix(
        held[:, 1:].astype(np.float32), held[:, 0], weight=held_weight, ref=matrix, feature_names=names
    )
    found: dict[str, Any] = {}
    bare = xgboost.train(
        {"objective": "binary:logistic", "max_depth": 3, "eval_metric": ["logloss", "aucpr"], "seed": 0},
        matrix,
        6,
        evals=[(watched, "validation")],
        evals_result=found,
        verbose_eval=False,
    )
    numbers = held[:, 1:].astype(np.float32)
    np.testing.assert_array_equal(load_scorer(tree.model).score(numbers), bare.inplace_predict(numbers))
    assert load(tree.results / "history.json")["metrics"] == found["validation"]


HOOKS = """
def focal(margin, label, weight):
    import numpy as np
    score = 1 / (1 + np.exp(-margin))
    return (score - label) * weight, score * (1 - score) * weight

def caught(label, score, weight):
    return label[score.argsort()[-50:]].mean()

caught.maximize = True
"""


def test_hooks_are_objective_and_metric(
    stand_alone: Any, rows: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = stand_alone(
        rows(),
        rows(400, seed=4),
        num_round=40,
        objective="hook:focal",
        eval_metric="aucpr,hook:caught",
        early_stopping_rounds=4,
    )
    tree.channel("code").mkdir()
    (tree.channel("code") / "hooks.py").write_text(HOOKS)
    train.run(tree)
    history, model = load(tree.results / "history.json"), load(tree.model / "model.json")
    assert list(history["metrics"]) == ["aucpr", "caught"]
    assert history["metric"] == "caught"
    assert history["validation"] == history["metrics"]["caught"]
    assert history["best_round"] == int(np.argmax(history["validation"]))
    assert model["rounds"] == history["best_round"] + 1
    assert history["rounds"] == model["rounds"] + 4
    assert model["hashes"]["hooks"] == file_sha256(tree.channel("code") / "hooks.py")
    first = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("[0]"))
    assert first.endswith(f"\tvalidation-caught:{history['validation'][0]:.5f}")
    held = rows(400, seed=4)
    score = load_scorer(tree.model).score(held[:, 1:].astype(np.float32))
    assert 0 < score.min() < score.max() < 1
    assert held[score.argsort()[-50:], 0].mean() == max(history["validation"])


def test_a_hook_that_fails(stand_alone: Any, rows: Any) -> None:
    tree = stand_alone(rows(), rows(400, seed=4), eval_metric="hook:broken")
    tree.channel("code").mkdir()
    (tree.channel("code") / "hooks.py").write_text("def broken(label, score, weight):\n    return 1 / 0\n")
    with pytest.raises(ConfigError) as caught:
        train.run(tree)
    assert (
        caught.value.sentence == "hook broken raised ZeroDivisionError: division by zero (line 2), in round 0"
    )
    assert not tree.model.exists()


def test_a_stop_while_reading_does_not_wait_for_the_end_of_it(
    stand_alone: Any, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    went_on = []

    def read_until_told(job: Any) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)
        went_on.append(job)

    monkeypatch.setattr(inputs, "_read_first", read_until_told)
    tree = stand_alone(rows())
    with pytest.raises(JobError) as caught:
        train.run(tree)
    assert caught.value.sentence == "the job was told to stop before its first round"
    assert not went_on
    assert not tree.model.exists()


def test_alerts_are_not_counted_where_libsvm_brings_weights(stand_alone: Any, rows: Any) -> None:
    given = rows(400, seed=4)
    tree = stand_alone(given, given, eval_metric="pre@20")
    for name in ("train", "validation"):
        lines = [
            f"{row[0]:g}:2.5 " + " ".join(f"{i}:{v:.9g}" for i, v in enumerate(row[1:])) for row in given
        ]
        (tree.channel(name) / "part.csv").unlink()
        (tree.channel(name) / "part.libsvm").write_text("\n".join(lines) + "\n")
    with pytest.raises(ConfigError) as caught:
        train.run(tree)
    assert caught.value.sentence == "eval_metric=pre@20 counts alerts, and the rows have weights"


@pytest.mark.parametrize("base", [0, 1, None])
def test_a_model_knows_from_where_its_libsvm_files_count(
    stand_alone: Any, rows: Any, base: int | None
) -> None:
    """The last rows have only columns that could be counted from 0 or from 1."""
    given = rows(400, seed=4)
    tree = stand_alone(given, num_round=2)

    def sparse(row: Any, first: int) -> str:
        return " ".join(f"{index}:{value:.9g}" for index, value in enumerate(row[1:], first))

    if base is not None:
        lines = [f"{row[0]:g} {sparse(row, base)}" for row in given]
        (tree.channel("train") / "part.csv").unlink()
        (tree.channel("train") / "part.libsvm").write_text("\n".join(lines) + "\n")
    train.run(tree)
    assert load(tree.model / "model.json")["libsvm_base"] == base
    scorer = load_scorer(tree.model)
    for said in (None, 0, 1):
        _, parse = read_content_type("text/libsvm" if said is None else f"text/libsvm; base={said}")
        unclear = b"\n".join([b"1:0.5 2:0.25"] * 3)
        count_from = base if said is None else said
        if count_from is None:
            with pytest.raises(BodyError):
                parse(unclear, scorer.features, 10)
        else:
            matrix = finish([parse(unclear, scorer.features, 10)], scorer.features)
            expected = np.full((3, 4), np.nan, np.float32)
            expected[:, 1 - count_from], expected[:, 2 - count_from] = 0.5, 0.25
            np.testing.assert_array_equal(matrix, expected)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [({}, True), ({"num_round": ""}, True), ({"num_round": 2}, False), ({"n_estimators": 2}, False)],
)
def test_rounds_nobody_asked_for_are_said(
    stand_alone: Any, rows: Any, parameters: Any, said: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    read_job(stand_alone(rows(), **{"num_round": None, **parameters}))
    assert (capsys.readouterr().out == "num_round is not set: 100 rounds are trained\n") == said


@pytest.mark.parametrize("name", ["validation", "test"])
@pytest.mark.parametrize(
    "content", [{}, {".hidden": "x"}, {"_SUCCESS": ""}, {"a.csv": ""}, {"deep/er/.keep": ""}], ids=str
)
@pytest.mark.parametrize("named", [False, True])
def test_an_empty_folder_that_nobody_named_is_no_channel(
    stand_alone: Any,
    rows: Any,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: dict[str, str],
    named: bool,
) -> None:
    tree = stand_alone(rows(300), num_round=3)
    for path, text in content.items():
        (tree.channel(name) / path).parent.mkdir(parents=True, exist_ok=True)
        (tree.channel(name) / path).write_text(text)
    tree.channel(name).mkdir(exist_ok=True)
    if named:
        tree.input_data_config.write_text(json.dumps({"train": {}, name: {"ContentType": "text/csv"}}))
        with pytest.raises(TableError, match=f"channel {name} has (no|only empty) files"):
            train.run(tree)
        return
    train.run(tree)
    assert (
        f"channel {name} is an empty folder that inputdataconfig.json does not name"
        in capsys.readouterr().out
    )
    assert not (tree.results / "validation.json").exists()
