"""``process`` as SageMaker runs it: an entrypoint that is overridden, and paths of its own."""

import pytest

from . import opt_ml, tables

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("docker_engine")]

RESOURCES = {"current_host": "algo-1", "hosts": ["algo-1"]}
JOB = {
    "ProcessingJobArn": "arn:aws:sagemaker:eu-west-1:123456789012:processing-job/p",
    "ProcessingJobName": "p",
    "AppSpecification": {"ImageUri": "i", "ContainerEntrypoint": ["process"], "ContainerArguments": None},
    "ProcessingInputs": [{"InputName": "raw", "S3Input": {"LocalPath": "/opt/ml/processing/input/raw"}}],
    "ProcessingOutputConfig": {"Outputs": [], "KmsKeyId": None},
    "ProcessingResources": {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge"}},
    "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
}
SPLITS = [f"processing/output/{name}/part-0.parquet" for name in ("train", "validation", "test")]


def test_the_same_splits_with_and_without_the_files_of_config(docker, tree, shelf):
    """The shelf's job had none, and no network."""
    tables.lay_out_processing(tree)
    tree.put("config/processingjobconfig.json", JOB)
    tree.put("config/resourceconfig.json", RESOURCES)
    done = docker.run(tree, "process", how=opt_ml.AS_ROOT)
    assert done.process.returncode == 0, done.output
    for name in [*SPLITS, "processing/output/manifest.json"]:
        assert tree.bytes(name) == (shelf.prepared / name).read_bytes()
    found = [
        path.relative_to(tree.root).as_posix() for path in (tree.root / "processing/output").rglob("*.*")
    ]
    assert sorted(found) == sorted([*SPLITS, "processing/output/manifest.json"])
    assert list((tree.root / "output").iterdir()) == []


def no_request(tree):
    (tree.root / "processing/input/config/process.json").unlink()


def no_table(tree):
    (tree.root / "processing/input/raw/transactions.csv").unlink()


def no_labels(tree):
    table = tree.bytes("processing/input/raw/transactions.csv").decode()
    tree.put("processing/input/raw/transactions.csv", table.replace(",1\n", ",2\n"))


REFUSED = [
    (no_request, 2, "/opt/ml/processing/input/config/process.json is missing"),
    (no_table, 3, "transactions.csv"),
    (no_labels, 3, "label column 'y' holds 2 in row 1; a label is 0 or 1"),
]


@pytest.mark.parametrize(
    ("spoil", "code", "sentence"), REFUSED, ids=[spoil.__name__ for spoil, _, _ in REFUSED]
)
def test_a_job_that_cannot_work_says_why(docker, tree, spoil, code, sentence):
    spoil(tables.lay_out_processing(tree))
    done = docker.run(tree, "process")
    assert done.process.returncode == code, done.output
    lines = (tree.root / "output/message").read_text().splitlines()
    assert sentence in lines[0]
    assert len(lines[0]) <= 200
    assert lines[1].startswith("fix: ")
    # The engine may mix what comes by stderr with what came by stdout just before.
    assert done.lines("fraudlab-failure: ") == [f"fraudlab-failure: {line}" for line in lines]
    assert "Traceback" not in done.output
    assert not (tree.root / "processing/output/manifest.json").exists()


def test_an_output_that_refuses_is_told_apart(docker, tree):
    tables.lay_out_processing(tree)
    (tree.root / "processing/output").rmdir()
    done = docker.run(tree, "process")
    assert done.process.returncode == 8, done.output
    assert done.lines("fraudlab-failure: cannot write /opt/ml/processing")
