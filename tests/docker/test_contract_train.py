"""``train`` as SageMaker runs it: its configuration files, its channels, what it leaves, and how it fails."""

import json
import shutil

import pytest

from fraudlab.api_requests import read_round
from fraudlab.container.model_files.model_file import read_model

from . import tables

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("docker_engine")]

CHOSEN = {
    "num_round": "10",
    "max_depth": "3",
    "eval_metric": "logloss,aucpr",
    "subsample": "0.8",
    "seed": "3",
}
ENCODED = {
    "num_round": '"10"',
    "max_depth": "3",
    "eval_metric": '["logloss", "aucpr"]',
    "subsample": 0.8,
    "seed": 3,
}
#: all fields that SageMaker has, with names that are not algo-1 and eth0
RESOURCES = {
    "current_host": "worker-b",
    "hosts": ["worker-b"],
    "network_interface_name": "ethwe0",
    "current_instance_type": "ml.m5.xlarge",
    "current_group_name": "homogeneousCluster",
    "instance_groups": [
        {"instance_group_name": "homogeneousCluster", "instance_type": "ml.m5.xlarge", "hosts": ["worker-b"]}
    ],
}
FULL = {
    "ContentType": "text/csv",
    "TrainingInputMode": "FastFile",
    "S3DistributionType": "FullyReplicated",
    "RecordWrapperType": "None",
}


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_job_without_one_configuration_file(docker, tree):
    tables.lay_out_standalone(tree)
    done = docker.run(tree, "train")
    assert done.process.returncode == 0, done.output
    assert files(tree.root / "model") == ["model.json", "model.ubj"]
    kept = ["data/history.json", "data/validation.json", "data/validation_scores.parquet"]
    assert files(tree.root / "output") == kept
    contract, history = tree.json("model/model.json"), tree.json("output/data/history.json")
    assert contract["rounds"] == history["rounds"] == 100
    # a line a round that a metric definition matches, with the value of the history
    found = [read for line in done.output.splitlines() if (read := read_round(line))]
    metrics = history["metrics"]
    assert list(metrics) == ["aucpr", "logloss"]
    assert found == [
        (number, {name: float(f"{values[number]:.5f}") for name, values in metrics.items()})
        for number in range(100)
    ]
    assert read_model(tree.root / "model").threshold == contract["threshold"]


def plain(tree):
    """Nothing but the parameters, as plain strings."""


def encoded(tree):
    """Strings that hold JSON, as the SageMaker SDK sends them, and values that are no strings at all."""
    tree.hyperparameters(**ENCODED)


def described(tree):
    """Every file, with every field it can have."""
    tree.put("input/config/resourceconfig.json", RESOURCES)
    tree.put("input/config/inputdataconfig.json", {"train": FULL, "validation": FULL})
    tree.put("input/config/metadata.json", {"TrainingJobName": "j"})
    tree.put("input/config/trialcomponent.json", {})
    tree.put("input/data/train-manifest", "[]")


def hardly_described(tree):
    """Files that say next to nothing."""
    tree.put("input/config/resourceconfig.json", {"current_host": "algo-1-x9k2q", "hosts": ["algo-1-x9k2q"]})
    tree.put("input/config/inputdataconfig.json", {"train": {}, "validation": {"ContentType": "csv"}})


def nested(tree):
    """The same rows in nested folders, among files that are hidden, empty, or somebody's markers."""
    folder = tree.root / "input/data/train"
    lines = (folder / "part-0.csv").read_text().splitlines(keepends=True)
    (folder / "part-0.csv").unlink()
    tree.put("input/data/train/2024/01/a.csv", "".join(lines[:100]))
    tree.put("input/data/train/2024/01/b", "".join(lines[100:101]))
    tree.put("input/data/train/2024/02/a.csv", "".join(lines[101:]))
    tree.put("input/data/train/2024/03/nothing.csv", "")
    tree.put("input/data/train/_SUCCESS", "")
    tree.put("input/data/train/.DS_Store", b"\0\0\0\1Bud1")
    tree.put("input/data/train/.ipynb_checkpoints/a.csv", "9,9,9,9,9\n")


@pytest.mark.parametrize("lay_out", [encoded, described, hardly_described, nested], ids=lambda f: f.__name__)
def test_one_model_however_the_job_is_described(docker, tree, shelf, lay_out):
    lay_out(tables.lay_out_standalone(tree, **CHOSEN))
    done = docker.run(tree, "train")
    assert done.process.returncode == 0, done.output
    reference = shelf.standalone(CHOSEN) / "model"
    assert tree.bytes("model/model.ubj") == (reference / "model.ubj").read_bytes()
    contract, expected = tree.json("model/model.json"), json.loads((reference / "model.json").read_text())
    # which data it was is told by the files, as they were given
    assert {**contract, "hashes": None} == {**expected, "hashes": None}


FORMATS = {
    "csv": ("text/csv", tables.label_first),
    "csv-with-a-parameter": ("text/csv; label_size=1", tables.label_first),
    "libsvm": ("text/libsvm", lambda *rows: tables.libsvm(*rows, first=0)),
    "parquet": ("application/x-parquet", tables.parquet),
    "recordio": ("application/x-recordio-protobuf", tables.recordio),
}


@pytest.mark.parametrize(("kind", "write"), FORMATS.values(), ids=FORMATS)
def test_the_conventional_formats(docker, tree, shelf, kind, write):
    """The same rows in each format, in files whose names say nothing: the same metrics after every round."""
    for name, rows, seed in (("train", 240, 1), ("validation", 120, 2)):
        tree.put(f"input/data/{name}/rows", write(*tables.frauds(rows, 4, seed=seed)))
    tree.put(
        "input/config/inputdataconfig.json", {name: {"ContentType": kind} for name in ("train", "validation")}
    )
    tree.hyperparameters(**CHOSEN)
    done = docker.run(tree, "train")
    assert done.process.returncode == 0, done.output
    reference = json.loads((shelf.standalone(CHOSEN) / "output/data/history.json").read_text())
    assert tree.json("output/data/history.json")["metrics"] == reference["metrics"]


def test_a_job_on_what_a_processing_job_left(docker, job):
    """The run's own channels, with the archive of the run's experiment, and test beside validation."""
    key = "fraudlabtrainingarchive0123456789"
    tree = job(experiment_key=key)
    done = docker.run(tree, "train")
    assert done.process.returncode == 0, done.output
    (archive,) = (tree.root / "output/data/comet").iterdir()
    assert archive.name.startswith(key)
    assert archive.suffix == ".zip"
    assert files(tree.root / "model") == ["model.json", "model.ubj"]


def nothing(tree):
    shutil.rmtree(tree.root / "input")


def only_validation(tree):
    shutil.rmtree(tree.root / "input/data/train")


def pipe(tree):
    tree.put("input/config/inputdataconfig.json", {"train": {"TrainingInputMode": "Pipe"}})


def no_files(tree):
    (tree.root / "input/data/train/part-0.csv").unlink()


def only_hidden_files(tree):
    # One that nobody names is no channel at all.
    tree.put("input/config/inputdataconfig.json", {"train": {}, "validation": {}})
    (tree.root / "input/data/validation/part-0.csv").rename(tree.root / "input/data/validation/.part-0.csv")


def misspelt(tree):
    tree.hyperparameters(max_dept="3")


def no_object(tree):
    tree.put("input/config/hyperparameters.json", "[1, 2]")


def no_json(tree):
    tree.put("input/config/inputdataconfig.json", "{'train': {}}")


def stranger(tree):
    tree.put("input/config/resourceconfig.json", {"current_host": "algo-3", "hosts": ["algo-1", "algo-2"]})


def header(tree):
    tree.put(
        "input/data/train/part-0.csv", "label,a,b,c,d\n" + tree.bytes("input/data/train/part-0.csv").decode()
    )


def counter(tree):
    lines = tree.bytes("input/data/train/part-0.csv").decode().splitlines()
    tree.put(
        "input/data/train/part-0.csv", "".join(f"{number},{line}\n" for number, line in enumerate(lines))
    )


def another_width(tree):
    tree.put("input/data/validation/part-0.csv", "0,1.5,2,0.3\n1,2,3,4\n")


def text(tree):
    tree.put("input/data/train/part-1.csv", "0,0.1,2,3,4\n1,2,FR,4,5\n")


REFUSED = [
    (nothing, 2, "there is no train channel"),
    (only_validation, 2, "there is no train channel; there is validation"),
    (pipe, 2, "channel 'train' is delivered by Pipe"),
    (no_files, 3, "channel train has no files"),
    (only_hidden_files, 3, "channel validation has no files"),
    (misspelt, 2, "unknown hyperparameter 'max_dept' (did you mean 'max_depth'"),
    (no_object, 2, "/opt/ml/input/config/hyperparameters.json does not hold a JSON object"),
    (no_json, 2, "/opt/ml/input/config/inputdataconfig.json is not JSON"),
    (stranger, 2, "current_host in resourceconfig.json is 'algo-3', not one of algo-1, algo-2"),
    (header, 3, "row 1 of part-0.csv is a header ('label', …)"),
    (counter, 3, "the label of channel train is an index column: it counts the rows from 0"),
    (another_width, 3, "channel validation"),
    (text, 3, "row 2 of part-1.csv"),
]


@pytest.mark.parametrize(
    ("spoil", "code", "sentence"), REFUSED, ids=[spoil.__name__ for spoil, _, _ in REFUSED]
)
def test_a_job_that_cannot_work_says_why(docker, tree, spoil, code, sentence):
    spoil(tables.lay_out_standalone(tree))
    done = docker.run(tree, "train")
    assert done.process.returncode == code, done.output
    lines = tree.failure.splitlines()
    assert sentence in lines[0]
    assert len(lines[0]) <= 200
    assert lines[1].startswith("fix: ")
    assert lines[2] == f"kind: { {2: 'config', 3: 'data'}[code] }"
    # The engine may mix what comes by stderr with what came by stdout just before.
    assert done.lines("fraudlab-failure: ") == [f"fraudlab-failure: {line}" for line in lines]
    assert "Traceback" not in done.output + tree.failure
    assert files(tree.root / "model") == []


def test_a_disk_that_refuses_is_told_apart(docker, tree):
    """No writable model folder: the reason is where SageMaker looks for it, and the exit code is its own."""
    tables.lay_out_standalone(tree, num_round="2")
    shutil.rmtree(tree.root / "model")
    done = docker.run(tree, "train")
    assert done.process.returncode == 8, done.output
    lines = tree.failure.splitlines()
    assert lines[0].startswith("cannot write /opt/ml/model")
    assert lines[2] == "kind: storage"


def test_without_a_place_for_the_reason_the_log_has_it(docker, tree):
    tables.lay_out_standalone(tree, max_dept="2")
    shutil.rmtree(tree.root / "output")
    done = docker.run(tree, "train")
    assert done.process.returncode == 2
    assert done.lines("fraudlab-failure: unknown hyperparameter 'max_dept'")
