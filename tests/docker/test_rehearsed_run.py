"""A run against a loopback AWS that runs the image: the bytes of plain processes, and nothing of a secret."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.infra.policies import read_calls
from tests.seen_actions import VARIABLE

from fraudlab.plan.permissions import permissions
from fraudlab.tracking.comet.logged_content import read

pytestmark = [pytest.mark.docker, pytest.mark.slow]

SMALL = ["data.rows=3000", "data.fraud_rate=0.05", "model.num_round=4"]
SMALL += ["evaluation.resamples=100", "yes=true"]
#: secrets of whoever starts a run; none of them may be anywhere else
PLANTED = {
    "AWS_ACCESS_KEY_ID": "AKIAPLANTEDPLANTED00",
    "AWS_SECRET_ACCESS_KEY": "planted-secret-of-aws-0123456789",
    "AWS_SESSION_TOKEN": "planted-token-of-aws-0123456789",
    "AWS_PROFILE": "a-profile-that-is-not-there",
    "COMET_API_KEY": "planted-key-of-comet-0123456789",
}
#: what is asked before a run, so that a rehearsal has what an account has
FURNISHING = {
    *("ecr:CreateRepository", "iam:CreateRole", "iam:GetRole", "s3:CreateBucket", "s3:ListAllMyBuckets"),
}
SECRETS = [value.encode() for name, value in PLANTED.items() if name != "AWS_PROFILE"]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where this module's rehearsal writes what it was asked; all tests know of it in the end."""
    file, together = tmp_path_factory.mktemp("asked") / "actions.jsonl", Path(os.environ[VARIABLE])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(file))
        yield file
    with together.open("a", encoding="utf-8") as stream:
        stream.write(file.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, asked: Path) -> Iterator[Path]:
    """A folder of runs; its rehearsal ends with the module."""
    folder = tmp_path_factory.mktemp("rehearsed") / "runs"
    yield folder
    announced = folder / ".cache" / "rehearsal" / "announced.json"
    if announced.exists():
        os.kill(json.loads(announced.read_text())["pid"], signal.SIGTERM)


def train(runs: Path, run_id: str, *words: str, tracking: str = "off") -> str:
    where = [f"tracking={tracking}", f"paths.runs={runs}", f"run.id={run_id}"]
    done = subprocess.run(
        [sys.executable, "-m", "fraudlab", "train", *SMALL, *where, *words],
        env={**os.environ, **PLANTED}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout


def results(folder: Path) -> tuple[bytes, bytes]:
    return (
        (folder / "model" / "model.ubj").read_bytes(),
        (folder / "evaluation" / "scores.parquet").read_bytes(),
    )


def record(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return found


@pytest.fixture(scope="module")
def expected(runs: Path) -> tuple[bytes, bytes]:
    train(runs, "plain", "backend=process")
    return results(runs / "plain")


@pytest.fixture(scope="module")
def first(runs: Path, expected: tuple[bytes, bytes]) -> str:
    return train(runs, "first", "backend=rehearsal", tracking="offline")


def test_a_rehearsed_run_has_the_bytes_of_plain_processes(
    runs: Path, first: str, expected: tuple[bytes, bytes]
) -> None:
    assert "through a transform job" in first
    assert results(runs / "first") == expected
    found = record(runs / "first")
    assert found["rehearsed"] is True
    assert found["cloud"] == {
        "region": "us-east-1",
        "account": "000000000000",
        "bucket": "fraudlab-000000000000-us-east-1",
        "prefix": "fraudlab",
    }
    assert set(found["jobs"]) == set(found["costs"]["jobs"]) == {"process", "train", "transform"}
    assert (found["costs"]["usd"], found["costs"]["rehearsed"], found["plan"]["rehearsed"]) == (0, True, True)
    assert "Rehearsed, not run in AWS" in (runs / "first" / "report.html").read_text()


def test_comets_own_integration_says_what_it_knows_of_the_job(runs: Path, first: str) -> None:
    found = record(runs / "first")
    assert found["experiment"]["problems"] == []
    content = read(sorted((runs / "first" / "comet").glob("*.zip")), found["experiment"]["key"])
    facts = {what[1]: entry.payload["value"] for what, entry in content.entries.items() if what[0] == "other"}
    assert facts["TrainingJobName"] == found["jobs"]["train"]["name"]
    assert facts["TrainingJobStatus"] == "Completed"
    assert facts["ResourceConfig.InstanceType"] == found["jobs"]["train"]["instance_type"]
    assert facts["InputDataConfig.0.ChannelName"] == "train"
    assert facts["ModelArtifacts.S3ModelArtifacts"].endswith("/model.tar.gz")
    # beside what the job says of itself, each once
    kinds = {what[0] for what in content.entries}
    assert {"moment", "metric", "parameter", "asset"} <= kinds
    parameters = {what[1] for what in content.entries if what[0] == "parameter"}
    assert {"model.max_depth", "max_depth"} <= parameters
    assert not [name for name in facts if "hyper" in name.lower() or "environment" in name.lower()]


def test_the_second_run_sends_and_prepares_nothing_again(
    runs: Path, first: str, expected: tuple[bytes, bytes]
) -> None:
    train(runs, "second", "backend=rehearsal", "paths.cache=${paths.runs}/.cache", "evaluation.via=endpoint")
    found = record(runs / "second")
    assert found["stages"]["prepare"]["cached"] is True
    assert "process" not in found["jobs"]
    assert found["costs"]["jobs"]["endpoint"]["seconds"] > 0
    assert results(runs / "second") == expected


def test_a_plan_names_every_action_that_was_asked_for(runs: Path, first: str, asked: Path) -> None:
    """Of both runs, one through a transform job and one through an endpoint."""
    operations = {f"Create{name}" for name in ("ProcessingJob", "TrainingJob", "TransformJob", "Model")}
    operations |= {"CreateEndpointConfig", "CreateEndpoint"}
    plan = permissions(operations, push=True, kms=False, vpc=False, checkpoints=False)
    calls = read_calls(asked)
    assert {"sagemaker:CreateTrainingJob", "s3:PutObject"} <= {call.action for call in calls}
    launcher = {call.action for call in calls if call.by == "launcher"}
    assert launcher - FURNISHING - set(plan.launcher) == set()
    assert {call.action for call in calls if call.by == "role"} - set(plan.role) == set()


def test_no_secret_is_anywhere(runs: Path, first: str) -> None:
    """Requests, logs, report, the state of the rehearsal with its bucket, and everything else on disk."""
    files = [path for path in runs.rglob("*") if path.is_file()]
    assert any("rehearsal" in path.parts for path in files)
    found = [path for path in files if any(secret in path.read_bytes() for secret in SECRETS)]
    assert found == []


def test_two_hosts_make_the_bytes_of_one(runs: Path, first: str, expected: tuple[bytes, bytes]) -> None:
    two = ("backend=rehearsal", "paths.cache=${paths.runs}/.cache", "compute.train.instance_count=2")
    train(runs, "two", *two)
    assert results(runs / "two") == expected
    log = (runs / "two" / "logs" / "train.log").read_text()
    assert "algo-2" in log, log
