"""A rehearsal for tests: a process of its own that is asked as anybody would ask it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from .conftest import engine_and_image, require


def client(facts: dict[str, Any], service: str, **options: Any) -> Any:
    """A boto3 client of a rehearsal."""
    import boto3

    session = boto3.Session(
        aws_access_key_id=facts["access_key"],
        aws_secret_access_key=facts["secret_key"],
        region_name=facts["region"],
    )
    return session.client(service, endpoint_url=facts["url"], **options)


def environment(facts: dict[str, Any]) -> dict[str, str]:
    """The variables by which any client of AWS finds a rehearsal."""
    return {
        "AWS_ENDPOINT_URL": facts["url"],
        "AWS_ACCESS_KEY_ID": facts["access_key"],
        "AWS_SECRET_ACCESS_KEY": facts["secret_key"],
        "AWS_DEFAULT_REGION": facts["region"],
        "AWS_REGION": facts["region"],
        "SAGEMAKER_USER_CONFIG_OVERRIDE": facts["sagemaker_config"],
    }


@contextlib.contextmanager
def started(folder: Path, *words: str, end: int = signal.SIGINT) -> Iterator[dict[str, Any]]:
    """A rehearsal whose state is below a folder; gives what it announced, and ends it with a signal.

    Skips the test where there is no engine: a rehearsal does not start without one.
    """
    require("docker", *engine_and_image())
    announce = folder / "announced.json"
    announce.unlink(missing_ok=True)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "fraudlab", "rehearsal", "--port", "0"),
            *("--state", str(folder / "state"), "--announce", str(announce), *words),
        ],
        stdout=subprocess.DEVNULL,
        stderr=(log := (folder / "rehearsal.log").open("ab")),
        env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        start_new_session=True,
    )
    try:
        while not announce.is_file():
            if process.poll() is not None:
                raise AssertionError((folder / "rehearsal.log").read_text())
            time.sleep(0.02)
        yield json.loads(announce.read_text())
    finally:
        process.send_signal(end)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        finally:
            log.close()


@pytest.fixture(scope="session")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What one rehearsal for all tests has announced: url, registry, role, bucket, …"""
    with started(tmp_path_factory.mktemp("rehearsal")) as facts:
        yield facts


def faulty(folder: Path, faults: Sequence[str], *, seed: int = 0) -> contextlib.AbstractContextManager[Any]:
    """A rehearsal of one's own, in which things go wrong."""
    return started(folder, *(word for name in faults for word in ("--fault", name)), "--seed", str(seed))
