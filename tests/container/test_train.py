"""Prepared splits to a model folder."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xgboost
from pyarrow import parquet

from fraudlab.container import train
from fraudlab.container.contract import Tree, file_sha256
from fraudlab.container.failure import ConfigError, JobError, TableError
from fraudlab.container.hosts import Hosts
from fraudlab.container.hyperparameters import read_hyperparameters
from fraudlab.container.prepared import read_split
from fraudlab.container.runtime import StopRequest
from fraudlab.container.scorer import load_scorer
from fraudlab.container.training import boosting, members, rounds
from fraudlab.container.training.inputs import read_inputs
from fraudlab.container.training.job import read_job
from fraudlab.evaluation.metrics import average_precision, confusion
from fraudlab.evaluation.operating import NO_ALERTS, alerts

ALL_ROLES = {"id": ["tx"], "time": "t", "amount": "amount", "categorical": ["merchant"]}


@pytest.fixture
def ready(frauds: pa.Table, prepare: Any, tree: Tree) -> Tree:
    prepare(frauds, **ALL_ROLES, scale="standard", split={"kind": "time"})
    return tree


def results(tree: Tree) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    model, history, validation = (
        json.loads(path.read_text())
        for path in (
            tree.model / "model.json",
            tree.results / "history.json",
            tree.results / "validation.json",
        )
    )
    return model, history, validation


def test_the_contract_of_a_model(ready: Tree, hand_over: Any) -> None:
    train.run(hand_over(ready, {"max_depth": "3", "num_round": "5"}, run_id="r-7"))
    model, history, validation = results(ready)
    manifest = json.loads((ready.prepared / "manifest.json").read_text())
    assert model["schema"] == 1
    assert model["run_id"] == "r-7"
    assert model["label"] == "y"
    assert model["columns"] == manifest["columns"]
    assert model["preprocessing"] == manifest["preprocessing"]
    assert model["calibration"] is None
    assert model["rounds"] == 5
    assert model["hyperparameters"]["max_depth"] == 3
    assert model["versions"]["xgboost"] == xgboost.__version__
    assert set(model["versions"]) == {"fraudlab", "xgboost", "numpy", "python"}
    assert model["hashes"] == {
        "data": "d",
        "prepared": {name: split["sha256"] for name, split in manifest["splits"].items()},
        "model.ubj": file_sha256(ready.model / "model.ubj"),
    }
    assert model["threshold"] == validation["threshold"] == model["decision"]["validation"]["threshold"]
    assert (history["metric"], history["rounds"], history["best_round"]) == ("logloss", 5, 4)
    assert len(history["validation"]) == 5
    assert {"load", "matrix", "train"} <= set(history["seconds"])
    assert sorted(path.name for path in ready.model.iterdir()) == ["model.json", "model.ubj"]


def test_validation_metrics_are_those_of_the_shipped_model(trained: Tree) -> None:
    model, _, validation = results(trained)
    scorer = load_scorer(trained.model)
    split = read_split(trained.prepared / "validation", scorer.features)
    score = scorer.score(split.matrix)
    assert validation["average_precision"] == average_precision(split.label, score)
    at = confusion(split.label, score, threshold=model["threshold"])
    assert (validation["recall"], validation["true_positives"]) == (at.recall, at.tp)
    assert validation["curve"]["threshold"]


def test_every_round_is_one_line_for_a_regex(
    ready: Tree, hand_over: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    train.run(hand_over(ready, {"num_round": "4", "eval_metric": "auc,aucpr"}))
    _, history, _ = results(ready)
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("[")]
    assert [int(re.findall(r"^\[(\d+)\]\t", line)[0]) for line in lines] == [0, 1, 2, 3]
    printed = [float(re.findall(r"\tvalidation-aucpr:([0-9]\.[0-9]{5})(?=\t|$)", line)[0]) for line in lines]
    np.testing.assert_allclose(printed, history["validation"], atol=5.1e-6)
    assert all("\tvalidation-auc:" in line for line in lines)


def test_early_stopping_keeps_the_best_round(ready: Tree, hand_over: Any) -> None:
    train.run(hand_over(ready, {"num_round": "200", "early_stopping_rounds": "5", "learning_rate": "0.9"}))
    model, history, _ = results(ready)
    assert list(history["metrics"]) == ["aucpr", "logloss"]
    best = int(np.argmin(history["validation"]))
    assert history["best_round"] == best
    assert history["rounds"] == best + 6 < 200
    booster = xgboost.Booster(model_file=str(ready.model / "model.ubj"))
    assert booster.num_boosted_rounds() == model["rounds"] == best + 1


def test_alerting_nothing_travels_from_training_to_the_scorer(
    ready: Tree, hand_over: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    request = hand_over(ready, {"num_round": "12"}, decision={"policy": "cost", "alert_cost": 1e9})
    train.run(request)
    model, _, validation = results(ready)
    assert "alerting nothing is cheapest on validation" in capsys.readouterr().out
    assert model["threshold"] == NO_ALERTS
    assert [validation[name] for name in ("true_positives", "false_positives", "precision")] == [0, 0, None]
    assert validation["cost"] == validation["curve"]["cost"][0] < validation["curve"]["cost"][1]
    scorer = load_scorer(ready.model)
    assert scorer.threshold == NO_ALERTS
    assert not alerts(np.ones(1, np.float32), scorer.threshold).any()


def test_early_stopping_watches_the_last_metric(ready: Tree, hand_over: Any) -> None:
    chosen = {
        "num_round": "60",
        "early_stopping_rounds": "3",
        "eval_metric": "aucpr,logloss",
        "learning_rate": "0.9",
    }
    train.run(hand_over(ready, chosen))
    _, history, _ = results(ready)
    assert history["metric"] == "logloss"
    assert history["best_round"] == int(np.argmin(history["validation"]))


@pytest.mark.parametrize("sampling", [{}, {"subsample": "0.7", "colsample_bytree": "0.7", "seed": "5"}])
def test_the_same_inputs_give_the_same_bytes_on_any_number_of_threads(
    ready: Tree, hand_over: Any, monkeypatch: pytest.MonkeyPatch, sampling: dict[str, str]
) -> None:
    found = set()
    for threads in (1, 1, 2, 3):
        monkeypatch.setattr(boosting, "cpu_count", lambda count=threads: count)
        train.run(hand_over(ready, {"num_round": "15", "early_stopping_rounds": "4", **sampling}))
        found.add((ready.model / "model.ubj").read_bytes())
    assert len(found) == 1


def test_nothing_is_pickled(trained: Tree) -> None:
    for path in trained.root.rglob("*"):
        if path.is_file():
            assert path.suffix in {".json", ".parquet", ".ubj"}
            assert not path.read_bytes().startswith(b"\x80")


@pytest.mark.parametrize("method", ["hist", "approx", "exact"])
def test_tree_methods(frauds: pa.Table, prepare: Any, tree: Tree, hand_over: Any, method: str) -> None:
    prepare(frauds, id=["tx"], drop=["merchant"])
    train.run(hand_over(tree, {"tree_method": method, "num_round": "3"}))
    assert results(tree)[0]["rounds"] == 3


def test_exact_cannot_learn_from_categories(ready: Tree, hand_over: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        train.run(hand_over(ready, {"tree_method": "exact"}))
    assert caught.value.sentence == "tree_method=exact cannot learn from categories"


@pytest.mark.parametrize(("last", "inside"), [("amount", "a(0)"), ("a(0)", "f1")])
def test_names_xgboost_forbids_are_columns_all_the_same(
    frauds: pa.Table, prepare: Any, tree: Tree, hand_over: Any, last: str, inside: str
) -> None:
    names = ["tx", "t", "a[0]", "b<5", "merchant", last, "y"]
    prepare(frauds.rename_columns(names), id=["tx"], drop=["merchant"])
    train.run(hand_over(tree))
    assert [column["name"] for column in results(tree)[0]["columns"]] == ["t", "a[0]", "b<5", last]
    booster = xgboost.Booster(model_file=str(tree.model / "model.ubj"))
    assert booster.feature_names is not None
    assert booster.feature_names[1] == inside
    assert load_scorer(tree.model).features.names == ["t", "a[0]", "b<5", last]


def decision(**changes: Any) -> dict[str, Any]:
    return {"policy": "cost", "threshold": None, "missed_fraud_cost": None, "alert_cost": 5.0, **changes}


def test_policies(ready: Tree, hand_over: Any) -> None:
    train.run(hand_over(ready, decision=decision(policy="fixed", threshold=0.3)))
    assert results(ready)[0]["threshold"] == 0.3
    train.run(hand_over(ready, decision=decision(missed_fraud_cost=1e9)))
    assert results(ready)[2]["recall"] == 1.0
    train.run(hand_over(ready, decision=decision(missed_fraud_cost=0.0)))
    assert results(ready)[2]["true_positives"] + results(ready)[2]["false_positives"] < 10


def test_a_budget_is_kept_and_what_it_was_chosen_on_is_recorded(
    frauds: pa.Table, prepare: Any, tree: Tree, hand_over: Any
) -> None:
    prepare(frauds, **ALL_ROLES, split={"kind": "time"})
    train.run(hand_over(tree, decision=decision(alert_cost=0.01, currency="EUR")))
    free, _, validation = results(tree)
    scored = parquet.read_table(tree.results / "validation_scores.parquet")
    assert {field.name: str(field.type) for field in scored.schema} == {
        "label": "uint8", "score": "float", "amount": "double", "day": "int32",
    }  # fmt: skip
    days = float(scored.schema.metadata[b"days"])
    assert days == free["decision"]["validation"]["days"]
    alerted = int((scored["score"].to_numpy().astype(float) >= free["threshold"]).sum())
    assert alerted == validation["true_positives"] + validation["false_positives"] > 4
    assert validation["saving"] == validation["cost_without_model"] - validation["cost"] > 0
    assert free["decision"]["currency"] == "EUR"
    assert free["decision"]["sensitivity"][0]["threshold"] == free["threshold"]

    budget = 4 / days
    train.run(hand_over(tree, decision=decision(alert_cost=0.01, alert_budget=budget)))
    kept, _, validation = results(tree)
    assert kept["threshold"] > free["threshold"]
    assert 0 < validation["true_positives"] + validation["false_positives"] <= 4
    assert validation["alerts_per_day"] <= budget
    found = kept["decision"]["budget"]
    assert (found["most_alerts"], found["days"]) == (4, days)
    assert found["without"]["threshold"] == free["threshold"]
    assert kept["hashes"]["model.ubj"] == free["hashes"]["model.ubj"]


def test_a_budget_without_days_is_refused_before_training(
    frauds: pa.Table, prepare: Any, tree: Tree, hand_over: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare(frauds, id=["tx"], drop=["merchant", "t"], amount="amount")
    with pytest.raises(ConfigError, match="5 alerts per day cannot be kept to: the validation rows have no"):
        train.run(hand_over(tree, decision=decision(alert_budget=5)))
    assert "[0]" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        ({"decision": decision(policy="best")}, "'policy' in 'decision' in train.json is 'best'"),
        (
            {"decision": decision(policy="fixed")},
            "no threshold can be chosen: the fixed policy needs a threshold",
        ),
        ({"decision": decision(alert_cost=-1.0)}, "no threshold can be chosen: the cost of an alert must be"),
        ({"decision": decision(cost=1)}, "'decision' in train.json has an unknown field 'cost'"),
        ({"runid": "x"}, "train.json has an unknown field 'runid' (did you mean 'run_id'?)"),
        ({"run_id": 7}, "'run_id' in train.json is 7, where str is expected"),
    ],
)
def test_requests_refused(ready: Tree, hand_over: Any, request_: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        train.run(hand_over(ready, {"num_round": "1"}, **request_))
    assert caught.value.sentence.startswith(sentence)


def test_costs_by_amount_need_amounts(frauds: pa.Table, prepare: Any, tree: Tree, hand_over: Any) -> None:
    prepare(frauds, id=["tx"], drop=["merchant"])
    with pytest.raises(ConfigError, match="the cost policy needs the amount of each row or one cost"):
        train.run(hand_over(tree, decision=decision()))


def test_an_empty_channel(ready: Tree, hand_over: Any, tmp_path: Path) -> None:
    hand_over(ready)
    ready.channel("validation").unlink()
    ready.channel("validation").mkdir()
    # An empty folder that nobody names is no channel at all: see test_standalone.py.
    named = {name.name: {} for name in ready.channels.iterdir()}
    ready.input_data_config.write_text(json.dumps(named))
    with pytest.raises(TableError) as caught:
        train.run(ready)
    assert caught.value.sentence == "channel validation has no rows"


def test_a_stop_on_request_saves_the_rounds_so_far(
    ready: Tree, hand_over: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os
    import signal

    calls = []

    fit = rounds.fit

    def fit_until_told(*arguments: Any, on_round: Any, **more: Any) -> Any:
        def tell(number: int, metrics: Any) -> None:
            on_round(number, metrics)
            if number == 2:
                os.kill(os.getpid(), signal.SIGTERM)

        calls.append(1)
        return fit(*arguments, on_round=tell, **more)

    monkeypatch.setattr(members, "fit", fit_until_told)
    train.run(hand_over(ready, {"num_round": "5000"}))
    assert calls == [1]
    model, history, _ = results(ready)
    assert model["rounds"] in (3, 4)
    assert history["rounds"] == model["rounds"]
    assert load_scorer(ready.model).model_id == model["hashes"]["model.ubj"][:12]


def test_a_stop_before_the_first_round_leaves_no_model(ready: Tree, hand_over: Any) -> None:
    job = job_of(hand_over(ready))
    stop = StopRequest()
    stop.make()
    with pytest.raises(JobError) as caught:
        rounds.fit(job, stop=stop)
    assert caught.value.sentence == "the job was told to stop before its first round"
    assert not ready.model.exists()


def job_of(tree: Tree) -> rounds.Training:
    """The training a tree describes, with its matrices."""
    job = read_job(tree)
    split, inputs = read_inputs(job, Hosts(), None)
    return rounds.set_up(job, split, inputs, Hosts())


def test_scores_do_not_depend_on_how_a_row_reaches_the_model(trained: Tree, frauds: pa.Table) -> None:
    from fraudlab.container.bodies import MEDIA_TYPES, finish

    scorer = load_scorer(trained.model)
    test = frauds.slice(320)
    expected = read_split(trained.prepared / "test", scorer.features).matrix
    names = scorer.features.names
    rows = [[row[name] for name in names] for row in test.to_pylist()]
    text = "\n".join(",".join("" if value is None else str(value) for value in row) for row in rows)
    objects = [dict(zip(names, row, strict=True)) for row in rows]
    for kind, body in (
        ("text/csv", text),
        ("application/json", json.dumps(rows)),
        ("application/json", json.dumps(objects)),
    ):
        matrix = finish([MEDIA_TYPES[kind](body.encode(), scorer.features, len(rows))], scorer.features)
        assert matrix.tobytes() == expected.tobytes()


def test_bins_placed_by_the_frauds_tell_apart_what_equal_bins_do_not(fraud_in_the_tail):
    """Frauds are a sliver of the upper tail: 16 bins of equal rows hold the whole tail in one."""
    split, features = fraud_in_the_tail
    found = {}
    for share in ("0", "0.9"):
        parameters = read_hyperparameters(
            {"num_round": "20", "max_bin": "16", "max_depth": "2", "fraud_bins": share, "base_score": "0.5"}
        )
        bins = boosting.train_matrix(split, features, parameters)
        assert set(bins.get_weight()) <= {1.0}
        training = rounds.Training(parameters, parameters.for_xgboost(features.names, cpus=2), bins)
        fitted = rounds.fit(training, stop=StopRequest())
        found[share] = average_precision(split.label, fitted.booster.inplace_predict(split.matrix))
    assert found["0"] < 0.5 < found["0.9"]


@pytest.fixture
def fraud_in_the_tail():
    from fraudlab.container.features import Column, Features
    from fraudlab.container.prepared import Prepared

    value = np.random.default_rng(1).lognormal(size=(20_000, 1)).astype(np.float32)
    low, high = np.quantile(value, [0.985, 0.990])
    label = ((value[:, 0] > low) & (value[:, 0] < high)).astype(np.uint8)
    return Prepared(value, label, None), Features([Column("amount")])
