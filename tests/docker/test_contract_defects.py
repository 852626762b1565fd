"""The seven defects of the official XGBoost container, a to g: a test each that ours has none of them."""

import hashlib
import json
import random

import numpy as np
import pytest
from pyarrow import parquet

from fraudlab.evaluation.metrics import average_precision, roc_auc

from . import opt_ml, tables

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("docker_engine")]

#: sampling of rows and columns, and early stopping's memory: what makes going on hard to do exactly
SAMPLED = {
    "num_round": "400",
    "checkpoint_rounds": "20",
    "subsample": "0.7",
    "colsample_bynode": "0.8",
    "max_depth": "4",
    "eval_metric": "auc,logloss",
    "early_stopping_rounds": "200",
    "learning_rate": "0.02",
    "seed": "11",
    "nthread": "1",  # on a busy machine two wait for each other, and the bytes are the same
}


def lay_out_long_training(tree):
    tree.put("input/data/train/rows.csv", tables.label_first(*tables.frauds(2_000, 8, seed=1)))
    tree.put("input/data/validation/rows.csv", tables.label_first(*tables.frauds(500, 8, seed=2)))
    tree.hyperparameters(**SAMPLED)
    return tree


def test_a_checkpoints_are_gone_on_from(docker, tree, tmp_path):
    """A training killed at rounds nobody chose ends with the bytes of one that was not."""
    whole = lay_out_long_training(opt_ml.Tree(tmp_path / "whole"))
    done = docker.run(whole, "train")
    assert done.process.returncode == 0, done.output
    assert not (whole.root / "checkpoints").exists()
    lay_out_long_training(tree)
    folder = tree.writable("checkpoints")
    kills = [random.randrange(3, 20), *sorted(random.sample(range(25, 150), 2))]
    for number in kills:
        running = docker.start(tree, "train")
        running.until(lambda number=number, running=running: reached(running, number))
        running.kill()
        assert running.wait() == 137, f"{kills}: {running.output}"
        assert not (tree.root / "model/model.ubj").exists()
        # what a kill may leave: a checkpoint half written, and one that was damaged on its way
        (folder / ".rounds-000399.checkpoint.unfinished").write_bytes(b"{")
        for newest in sorted(folder.glob("rounds-*"))[-1:]:
            (folder / "rounds-000380.checkpoint").write_bytes(newest.read_bytes()[:-100])
    last = docker.run(tree, "train")
    assert last.process.returncode == 0, f"{kills}: {last.output}"
    said = last.lines("checkpoint=")
    assert said[-1].endswith(" continues"), f"{kills}: {last.output}"
    assert "rounds-000380.checkpoint is passed over" in said[0]
    assert tree.bytes("model/model.ubj") == whole.bytes("model/model.ubj"), kills
    histories = [of.json("output/data/history.json") for of in (tree, whole)]
    assert histories[0]["metrics"] == histories[1]["metrics"], kills
    assert not list(folder.glob(".*"))


def reached(running, number):
    return any(int(line[1:].partition("]")[0]) >= number for line in running.lines("["))


@pytest.mark.parametrize("first", [0, 1])
def test_b_libsvm_means_the_same_when_serving(docker, tree, first):
    """Files that count from 0 and from 1, rows without their first value: serve says what train said."""
    label, features = tables.frauds(400, 4, seed=3)
    features[np.random.default_rng(4).random(features.shape) < 0.2] = np.nan
    rows = tables.libsvm(label, features, first=first)
    for channel in ("train", "test"):
        tree.put(f"input/data/{channel}/rows", rows)
    described = {"ContentType": "text/libsvm"}
    tree.put("input/config/inputdataconfig.json", {"train": described, "test": described})
    tree.hyperparameters(num_round="15")
    done = docker.run(tree, "train")
    assert done.process.returncode == 0, done.output
    trained = parquet.read_table(tree.root / "output/data/test_scores.parquet").column("score").to_numpy()
    assert average_precision(label, trained) > 0.9
    server = docker.serve(tree)
    for body in (rows, tables.libsvm(None, features, first=first)):
        answer = server.ask(body=body, kind="text/libsvm")
        assert answer.status == 200, answer.body
        served = np.float32([line.split(b",")[0] for line in answer.body.splitlines()])
        assert served.tolist() == trained.tolist()
    # one row alone, whose smallest index is not the first
    (alone,) = np.flatnonzero(np.isnan(features[:, 0]))[:1]
    answer = server.ask(body=tables.libsvm(None, features[[alone]], first=first), kind="text/libsvm")
    assert np.float32(answer.body) == trained[alone]


def test_c_a_row_with_a_missing_column_is_refused(docker, model):
    server = docker.serve(model)
    whole = {"a": 1.5, "b": 0.25, "merchant": "casino", "amount": 80}
    short = {name: value for name, value in whole.items() if name != "b"}
    for kind, body, column in (
        ("text/csv", f"{tables.ROW}\n1.5,casino,80\n", None),
        ("application/json", json.dumps([whole, short]), "b"),
        (
            "application/json",
            json.dumps({"instances": [[1.5, 0.25, "casino", 80], [1.5, 0.25, "casino"]]}),
            None,
        ),
        ("application/jsonlines", f"{json.dumps(whole)}\n{json.dumps(short)}\n", "b"),
    ):
        answer = server.ask(body=body, kind=kind)
        assert answer.status == 400, answer.body
        assert answer.json()["row"] == 2
        assert answer.json().get("column") == column


#: makes a folder when it is unpickled
PICKLE = b"cos\nmkdir\n(S'/opt/ml/output/ran'\ntR."
UNPICKLE = "import pickle; pickle.load(open('/opt/ml/model/model.ubj', 'rb'))"


def test_d_a_pickle_is_refused_and_not_run(docker, model):
    model.put("model/model.ubj", PICKLE)
    output = f"--mount=type=bind,source={model.root / 'output'},target=/opt/ml/output"
    how = (*opt_ml.STRICT, output)
    marker = model.root / "output/ran"
    docker.run(model, "serve", how=how, words=["python", "-c", UNPICKLE])
    assert marker.is_dir()
    marker.rmdir()
    for forged in (False, True):
        if forged:
            forge(model)
        done = docker.run(model, "serve", how=how)
        assert done.process.returncode == 2
        assert done.lines("fraudlab-failure: model.ubj ")
        assert not marker.exists()
    (model.root / "model/model.ubj").rename(model.root / "model/xgboost-model")
    done = docker.run(model, "serve", how=how)
    assert done.process.returncode == 2
    assert "there is no model.ubj" in done.output
    assert not marker.exists()


def forge(tree):
    """Let ``model.json`` vouch for whatever ``model.ubj`` is."""
    contract = tree.json("model/model.json")
    contract["hashes"]["model.ubj"] = hashlib.sha256(tree.bytes("model/model.ubj")).hexdigest()
    tree.put("model/model.json", contract)


def test_e_folds_are_measured_on_rows_they_have_not_seen(docker, tree):
    """Labels that nothing explains: who measures on the rows of training finds them explained."""
    label, features = tables.frauds(600, 6, seed=5)
    label = np.random.default_rng(6).permutation(label)
    tree.put("input/data/train/rows.csv", tables.label_first(label, features))
    tree.put("input/data/test/rows.csv", tables.label_first(label, features))
    tree.hyperparameters(num_round="60", max_depth="8", k_fold="4", k_fold_repeats="2", nthread="1")
    done = docker.run(tree, "train")
    assert done.process.returncode == 0, done.output
    assert tree.json("output/data/test.json")["average_precision"] > 0.95
    found = tree.json("output/data/k_fold.json")
    assert found["complete"]
    assert found["pooled"]["average_precision"] < 0.4
    assert len(done.lines("fold=")) == len(found["folds"]) == 8
    table = parquet.read_table(tree.root / "output/data/out_of_fold.parquet").to_pandas()
    assert (table.label.to_numpy() == label[table.row.to_numpy()]).all()
    for repeat, rows in table.groupby("repeat"):
        assert sorted(rows.row) == list(range(600)), repeat
    for fold in found["folds"]:
        rows = table[(table.repeat == fold["repeat"]) & (table.fold == fold["fold"])]
        label_there, score = rows.label.to_numpy(), rows.score.to_numpy()
        assert fold["average_precision"] == pytest.approx(average_precision(label_there, score))
        assert fold["roc_auc"] == pytest.approx(roc_auc(label_there, score))


def test_f_channels_as_local_mode_describes_them(docker, tree):
    """Without S3DistributionType."""
    tables.lay_out_standalone(tree, num_round="3")
    described = {"TrainingInputMode": "File", "ContentType": "text/csv"}
    tree.put("input/config/inputdataconfig.json", {"train": described, "validation": described})
    done = docker.run(tree, "train")
    assert done.process.returncode == 0, done.output


def test_g_what_is_shown_of_a_failure_is_what_a_person_needs(docker, tree):
    tables.lay_out_standalone(tree, max_depth="-1")
    done = docker.run(tree, "train")
    assert done.process.returncode == 2
    shown = tree.failure[:200]
    assert shown.startswith("hyperparameter 'max_depth' is '-1', not auto, or a whole number")
    assert "Traceback" not in tree.failure
    assert "rror:" not in shown
