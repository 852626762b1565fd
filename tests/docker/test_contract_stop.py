"""How jobs end that are told to end, and how a training goes on that was killed."""

import random
import shutil
import time
import zipfile

import pytest

from fraudlab.container.model_file import read_model

from . import opt_ml, tables

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("docker_engine")]

KEY = "fraudlabtrainingarchive0123456789"
FOREVER = {"num_round": "100000"}


def test_a_stopped_training_keeps_its_model_and_its_archive(docker, job):
    tree = job(hyperparameters=FOREVER, experiment_key=KEY)
    running = docker.start(tree, "train")
    running.until_round(20)
    seconds = running.stop()
    assert running.wait() == 0, running.output
    assert seconds < 30
    rounds = len(running.lines("round="))
    assert 20 < rounds == tree.json("model/model.json")["rounds"] < 100_000
    assert read_model(tree.root / "model").sha256
    (archive,) = (tree.root / "output/data/comet").glob(f"{KEY}-*.zip")
    assert "validation_recall" in zipfile.ZipFile(archive).read("messages.json").decode()
    assert not (tree.root / "output/failure").exists()


def test_a_training_stopped_before_its_first_round_says_so(docker, tree):
    """It waits for a host that never comes."""
    tables.lay_out_standalone(tree)
    tree.put("input/config/resourceconfig.json", {"current_host": "algo-2", "hosts": ["algo-1", "algo-2"]})
    running = docker.start(tree, "train")
    time.sleep(2)
    assert running.stop() < 30
    assert running.wait() == 1, running.output
    assert tree.failure.splitlines()[0] == "the job was told to stop before its first round"
    assert list((tree.root / "model").iterdir()) == []


def test_a_stopped_processing_job_leaves_nothing_that_looks_complete(docker, tree):
    table = tables.transactions(4_000).partition("\n")
    tables.lay_out_processing(tree, table[0] + "\n" + table[2] * 300, duplicates="flag")
    running = docker.start(tree, "process")
    running.until(lambda: "stage=hash" in running.output)
    running.stop()
    assert running.wait() == 143, running.output
    assert not (tree.root / "processing/output/manifest.json").exists()
    assert not list((tree.root / "processing/output").rglob(".*.unfinished"))


#: sampling of rows and columns, and early stopping's memory: what makes going on hard to do exactly
SAMPLED = {
    "num_round": "500",
    "checkpoint_rounds": "20",
    "subsample": "0.7",
    "colsample_bynode": "0.8",
    "max_depth": "5",
    "eval_metric": "auc,logloss",
    "early_stopping_rounds": "200",
    "learning_rate": "0.02",
    "seed": "11",
}


def lay_out_long_training(tree):
    tree.put("input/data/train/rows.csv", tables.label_first(*tables.frauds(6_000, 12, seed=1)))
    tree.put("input/data/validation/rows.csv", tables.label_first(*tables.frauds(1_000, 12, seed=2)))
    tree.hyperparameters(**SAMPLED)
    return tree


def test_a_training_killed_again_and_again_ends_with_the_same_bytes(docker, tree, tmp_path):
    """The official container's defect a. Every kill is a SIGKILL at a round nobody chose."""
    whole = lay_out_long_training(opt_ml.Tree(tmp_path / "whole"))
    done = docker.run(whole, "train")
    assert done.process.returncode == 0, done.output
    assert not (whole.root / "checkpoints").exists()
    lay_out_long_training(tree)
    folder = tree.writable("checkpoints")
    kills = sorted(random.sample(range(3, 250), 3))
    for number in kills:
        running = docker.start(tree, "train")
        running.until(lambda number=number, running=running: reached(running, number))
        running.kill()
        assert running.wait() == 137, f"{kills}: {running.output}"
        assert not (tree.root / "model/model.ubj").exists()
        # what a kill may leave: a checkpoint half written, and one that was damaged on its way
        (folder / ".rounds-000499.checkpoint.unfinished").write_bytes(b"{")
        for newest in sorted(folder.glob("rounds-*"))[-1:]:
            (folder / "rounds-000480.checkpoint").write_bytes(newest.read_bytes()[:-100])
    last = docker.run(tree, "train")
    assert last.process.returncode == 0, f"{kills}: {last.output}"
    said = last.lines("checkpoint=")
    assert said[-1].endswith(" continues"), f"{kills}: {last.output}"
    assert "rounds-000480.checkpoint is passed over" in said[0]
    assert tree.bytes("model/model.ubj") == whole.bytes("model/model.ubj"), kills
    histories = [of.json("output/data/history.json") for of in (tree, whole)]
    assert histories[0]["metrics"] == histories[1]["metrics"], kills
    assert not list(folder.glob(".*"))


def reached(running, number):
    return any(int(line.split()[0].removeprefix("round=")) >= number for line in running.lines("round="))


def test_checkpoints_lie_where_they_are_configured_and_belong_to_one_training(docker, tree):
    tables.lay_out_standalone(tree, num_round="25", checkpoint_rounds="10", subsample="0.5")
    folder = tree.writable("elsewhere")
    tree.put("input/config/checkpointconfig.json", {"LocalPath": "/opt/ml/elsewhere"})
    how = (*opt_ml.STRICT, f"--mount=type=bind,source={folder},target=/opt/ml/elsewhere")
    done = docker.run(tree, "train", how=how)
    assert done.process.returncode == 0, done.output
    assert sorted(path.name for path in folder.iterdir()) == ["rounds-000010.checkpoint", "rounds-000020.checkpoint"]
    whole = tree.bytes("model/model.ubj")
    # as an input channel, which is read-only: it goes on from there, and writes none
    (tree.root / "input/config/checkpointconfig.json").unlink()
    shutil.copytree(folder, tree.root / "input/data/checkpoints")
    (tree.root / "model/model.ubj").unlink()
    resumed = docker.run(tree, "train")
    assert resumed.process.returncode == 0, resumed.output
    assert resumed.lines("round=")[0].startswith("round=20 ")
    assert tree.bytes("model/model.ubj") == whole
    # another training must not go on from it
    tree.hyperparameters(num_round="25", checkpoint_rounds="10", subsample="0.6")
    refused = docker.run(tree, "train")
    assert refused.process.returncode == 2
    sentence = "the checkpoint rounds-000020.checkpoint is of another training: hyperparameters differ"
    assert tree.failure.startswith(f"{sentence} (subsample was 0.5, and is 0.6)\n")
