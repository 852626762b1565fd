"""Claims on a run in S3 itself, as moto serves it: many processes want one, one has it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fraudlab.aws.account import Account, Keys, open_account
from fraudlab.backends.aws.state import StateObjects
from fraudlab.cloud_config import SageMakerConfig
from fraudlab.errors import BackendError, RunTaken
from fraudlab.runs.shared_state import SharedState

CLAIM = """
import sys
from fraudlab.errors import RunTaken
from test_state import state
sys.stdin.readline()
try:
    state(sys.argv[1], sys.argv[2]).claim()
    print("has it", flush=True)
    sys.stdin.readline()
except RunTaken as error:
    print(error.message, flush=True)
"""


def opened(url: str, bucket: str = "states") -> Account:
    config = SageMakerConfig(region="us-east-1", bucket=bucket)
    return open_account(config, endpoint_url=url, keys=Keys("testing", "testing"))


def state(url: str, run_id: str, *, lease_seconds: float = 120.0) -> SharedState:
    objects = StateObjects(opened(url), prefix=f"fraudlab/runs/{run_id}/state/")
    return SharedState(objects, run_id=run_id, lease_seconds=lease_seconds)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """One request at a time: moto looks and writes in two steps, which the service does in one."""
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=False)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    opened(address).client("s3").create_bucket(Bucket="states")
    yield address
    server.shutdown()
    thread.join()
    server.server_close()


def test_of_many_processes_at_once_one_has_the_run(url: str) -> None:
    words = [sys.executable, "-c", CLAIM, url, "many"]
    processes = [
        subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parent,
            env={
                "PYTHONPATH": str(Path(__file__).parent),
                "PATH": "",
                "AWS_CONFIG_FILE": "/dev/null",
                "AWS_EC2_METADATA_DISABLED": "true",
            },
        )
        for _ in range(5)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    told = [process.stdout.readline() for process in processes if process.stdout]
    for process in processes:
        process.communicate("\n")
    assert told.count("has it\n") == 1
    assert all("Run many is being carried out by" in text for text in told if text != "has it\n")


def test_what_is_saved_is_found_and_who_lets_go_is_followed(url: str) -> None:
    first = state(url, "saved")
    claim = first.claim()
    first.save("run.json", b"{}")
    first.save("requests/training-job.json", b"[]")
    with pytest.raises(RunTaken, match="Run saved is being carried out by .*, since 20"):
        state(url, "saved").claim()
    claim.release()
    second = state(url, "saved")
    found = opened(url).client("s3").list_objects_v2(Bucket="states", Prefix="fraudlab/runs/saved/")
    assert [one["Key"].removeprefix("fraudlab/runs/saved/state/") for one in found["Contents"]] == [
        *("owner.json", "requests/training-job.json", "run.json"),
    ]
    assert second.load("run.json") == b"{}"
    assert second.load("nothing") is None
    second.claim().release()


def test_a_claim_whose_time_is_over_is_taken_over_and_its_launcher_saves_nothing_more(url: str) -> None:
    asleep = state(url, "asleep", lease_seconds=0.0)
    asleep.claim().abandon()
    taken = state(url, "asleep").claim()
    with pytest.raises(RunTaken):
        asleep.save("run.json", b"of one that slept")
    assert state(url, "asleep").load("run.json") is None
    taken.release()


def test_without_its_bucket_it_says_so(url: str) -> None:
    objects = StateObjects(opened(url, bucket="none-of-ours"), prefix="p/")
    with pytest.raises(BackendError, match="there is no such bucket"):
        SharedState(objects, run_id="r").claim()
