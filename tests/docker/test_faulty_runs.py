"""A rehearsed run under each fault: it gets over it with the same bytes, ends with words, or is taken up.

Whatever happens, no endpoint, no model and no job that runs is left, and the run's record says how it is.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.loopback_aws import client, faulty

from fraudlab.cloud_config import FAULTS

pytestmark = [pytest.mark.docker, pytest.mark.slow]

SMALL = ["tracking=off", "data.rows=3000", "data.fraud_rate=0.05", "model.num_round=4", "force=true"]
SMALL += ["evaluation.resamples=100"]
#: fault: overrides, exit code, and what is said; 0 is a run that gets over it
ENDS: dict[str, tuple[list[str], int, tuple[str, ...]]] = {
    "throttling": ([], 0, ()),
    "s3_slow_down": ([], 0, ()),
    "spot_interruption": (["sagemaker.spot=true"], 0, ()),
    "access_denied": ([], 4, ("may not sagemaker:Create", "docs/admin.md")),
    "quota": ([], 4, ("the quota 'ml.m5.xlarge for", "is 0", "Service Quotas")),
    "image_pull_failure": ([], 4, ("image",)),
    "capacity_error": ([], 5, ("CapacityError", "repeat the run later")),
    "endpoint_unhealthy": (["evaluation.via=endpoint"], 6, ("ping health check",)),
    "expired_token": ([], 11, ("runs attach",)),
    "launcher_killed": ([], -9, ()),
}
_FAILED = {4, 5, 6}
_LISTS = (
    ("list_processing_jobs", "ProcessingJobSummaries", "ProcessingJobStatus"),
    ("list_training_jobs", "TrainingJobSummaries", "TrainingJobStatus"),
    ("list_transform_jobs", "TransformJobSummaries", "TransformJobStatus"),
    ("list_endpoints", "Endpoints", "EndpointStatus"),
    ("list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"),
    ("list_models", "Models", "ModelName"),
)
_OVER = {"Completed", "Failed", "Stopped"}


def fraudlab(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fraudlab", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def left_over(facts: dict[str, Any]) -> list[str]:
    """What costs money, or is of no use any more."""
    sagemaker = client(facts, "sagemaker")
    try:
        return [
            f"{call}: {one[state]}"
            for call, key, state in _LISTS
            for one in getattr(sagemaker, call)()[key]
            if one[state] not in _OVER
        ]
    finally:
        sagemaker.close()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    runs = tmp_path_factory.mktemp("plain")
    done = fraudlab("train", "backend=process", *SMALL, f"paths.runs={runs}", "run.id=plain")
    assert done.returncode == 0, done.stderr
    return results(runs / "plain")


def results(folder: Path) -> tuple[bytes, bytes]:
    return (
        (folder / "model" / "model.ubj").read_bytes(),
        (folder / "evaluation" / "scores.parquet").read_bytes(),
    )


def test_every_fault_has_an_end_here() -> None:
    assert set(ENDS) == set(FAULTS)


@pytest.mark.parametrize("fault", ENDS)
def test_a_run_under_a_fault(fault: str, in_tmp: Path, plain: tuple[bytes, bytes]) -> None:
    more, code, said = ENDS[fault]
    with faulty(in_tmp, [fault]) as facts:
        here = ["backend=rehearsal", f"rehearsal.endpoint={facts['url']}"]
        run = fraudlab("train", *here, *SMALL, *more, "run.id=r")
        assert run.returncode == code, (run.stdout, run.stderr)
        record = json.loads((in_tmp / "runs" / "r" / "run.json").read_text())
        for words in said:
            assert words in run.stderr, run.stderr
        if code in _FAILED:
            assert record["status"] == "failed"
            assert "\nfix: " in run.stderr
        elif code:
            again = fraudlab("runs", "attach", "r", *here)
            assert again.returncode == 0, (run.stderr, again.stderr)
        assert left_over(facts) == []
    if code not in _FAILED:
        assert json.loads((in_tmp / "runs" / "r" / "run.json").read_text())["status"] == "completed"
        assert results(in_tmp / "runs" / "r") == plain
