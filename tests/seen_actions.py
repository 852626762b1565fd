"""Gathers what rehearsals were asked in a run of tests, for the test that compares it with the policies.

What fraudlab asks of an account that moto keeps in a test's process is gathered as well.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

#: rehearsals write each action to the file that this variable names
VARIABLE = "FRAUDLAB_SEEN_ACTIONS"
FOLDER = Path(__file__).parents[1] / "build"
LAST = "test_seen_actions.py"
LEFT_OUT = pytest.StashKey[bool]()


#: names of operations that are not those of the permission (Service Authorization Reference)
PERMISSIONS = {
    "s3:CompleteMultipartUpload": "s3:PutObject",
    "s3:CopyObject": "s3:PutObject",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetObjectLockConfiguration": "s3:GetBucketObjectLockConfiguration",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "s3:ListObjectVersions": "s3:ListBucketVersions",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListParts": "s3:ListMultipartUploadParts",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:PutObjectLockConfiguration": "s3:PutBucketObjectLockConfiguration",
    "s3:UploadPart": "s3:PutObject",
}
#: services whose permissions begin otherwise
PREFIXES = {"sagemaker-runtime": "sagemaker", "service-quotas": "servicequotas"}


def permission(service: str, operation: str) -> str:
    """The permission that an operation of boto3 needs."""
    action = f"{PREFIXES.get(service, service)}:{operation}"
    return PERMISSIONS.get(action, action)


def note_calls(client: Any) -> Any:
    """Write down what a client asks from now on, as a rehearsal would; gives the client."""

    def note(model: Any, **_: Any) -> None:
        action = permission(model.service_model.service_name, model.name)
        with Path(os.environ[VARIABLE]).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"action": action, "by": "launcher", "key": "moto"}) + "\n")

    client.meta.events.register("before-call", note)
    return client


def pytest_configure(config: pytest.Config) -> None:
    """Name a file of this run's own; two runs may share a checkout."""
    config.stash[LEFT_OUT] = config.args_source is not pytest.Config.ArgsSource.TESTPATHS
    FOLDER.mkdir(exist_ok=True)
    os.environ[VARIABLE] = str(FOLDER / f"seen-actions-{os.getpid()}.jsonl")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Keep what a whole run has seen, for whoever writes policies."""
    file = Path(os.environ.pop(VARIABLE))
    if not file.exists():
        return
    if config.stash[LEFT_OUT]:
        file.unlink()
    else:
        file.replace(FOLDER / "seen-actions.jsonl")


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Remember that a part of the tests was left out by a word or a mark."""
    items[0].config.stash[LEFT_OUT] = True


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Look at what was seen after everything that is seen."""
    items.sort(key=lambda item: item.path.name == LAST)
    if config.option.ignore or config.option.ignore_glob or config.option.maxfail:
        config.stash[LEFT_OUT] = True


@pytest.fixture
def seen_actions() -> Path:
    """Where rehearsals write; not there where there was no rehearsal."""
    return Path(os.environ[VARIABLE])


@pytest.fixture
def whole_run(request: pytest.FixtureRequest, docker_engine: None) -> None:
    """All tests ran, with an engine, and none failed: what was not seen now is not done."""
    if request.config.stash[LEFT_OUT]:
        pytest.skip("some tests were left out, and what they do was not seen")
    if request.session.testsfailed:
        pytest.skip("tests failed, and what they do after that was not seen")
