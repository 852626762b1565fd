"""How jobs end that are told to end, and how a training goes on that was killed."""

import shutil
import zipfile

import pytest

from fraudlab.container.model_files.model_file import read_model

from . import opt_ml, tables

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("docker_engine")]

KEY = "fraudlabtrainingarchive0123456789"
FOREVER = {"num_round": "100000"}
CATCHES_SIGTERM = """
import pathlib, signal, time
def caught():
    lines = pathlib.Path("/proc/1/status").read_text().splitlines()
    mask = next(line.split()[1] for line in lines if line.startswith("SigCgt"))
    return bool(int(mask, 16) >> (signal.SIGTERM - 1) & 1)
for _ in range(1000):
    if caught():
        break
    time.sleep(0.01)
print(caught())
"""


def test_a_stopped_training_keeps_its_model_and_its_archive(docker, job):
    tree = job(hyperparameters=FOREVER, experiment_key=KEY)
    running = docker.start(tree, "train")
    running.until_round(20)
    seconds = running.stop()
    assert running.wait() == 0, running.output
    assert seconds < 30
    rounds = len(running.lines("["))
    assert 20 < rounds == tree.json("model/model.json")["rounds"] < 100_000
    assert read_model(tree.root / "model").sha256
    (archive,) = (tree.root / "output/data/comet").glob(f"{KEY}-*.zip")
    assert "validation_recall" in zipfile.ZipFile(archive).read("messages.json").decode()
    assert not (tree.root / "output/failure").exists()


def test_a_training_stopped_before_its_first_round_says_so(docker, tree):
    """It waits for a host that never comes; it is stopped as soon as it knows what a stop means."""
    tables.lay_out_standalone(tree)
    tree.put("input/config/resourceconfig.json", {"current_host": "algo-2", "hosts": ["algo-1", "algo-2"]})
    running = docker.start(tree, "train")
    running.until(lambda: opt_ml.docker("ps", "-q", "--filter", f"name={running.name}").stdout)
    assert running.python(CATCHES_SIGTERM) == b"True\n"
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


def test_checkpoints_lie_where_they_are_configured_and_belong_to_one_training(docker, tree):
    tables.lay_out_standalone(tree, num_round="25", checkpoint_rounds="10", subsample="0.5")
    folder = tree.writable("elsewhere")
    tree.put("input/config/checkpointconfig.json", {"LocalPath": "/opt/ml/elsewhere"})
    how = (*opt_ml.STRICT, f"--mount=type=bind,source={folder},target=/opt/ml/elsewhere")
    done = docker.run(tree, "train", how=how)
    assert done.process.returncode == 0, done.output
    assert sorted(path.name for path in folder.iterdir()) == [
        "rounds-000020.checkpoint",
        "rounds-000025.checkpoint",
    ]
    whole = tree.bytes("model/model.ubj")
    # as an input channel, which is read-only: it goes on from there, and writes none
    (tree.root / "input/config/checkpointconfig.json").unlink()
    shutil.copytree(folder, tree.root / "input/data/checkpoints")
    (tree.root / "input/data/checkpoints/rounds-000025.checkpoint").unlink()
    (tree.root / "model/model.ubj").unlink()
    resumed = docker.run(tree, "train")
    assert resumed.process.returncode == 0, resumed.output
    assert resumed.lines("[")[0].startswith("[20]\t")
    assert tree.bytes("model/model.ubj") == whole
    # another training must not go on from it
    tree.hyperparameters(num_round="25", checkpoint_rounds="10", subsample="0.6")
    refused = docker.run(tree, "train")
    assert refused.process.returncode == 2
    sentence = "the checkpoint rounds-000020.checkpoint is of another training: hyperparameters differ"
    assert tree.failure.startswith(f"{sentence} (subsample was 0.5, and is 0.6)\n")
