"""What is kept of an account's answers does not tell whose account it is."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from fraudlab.aws.call_record import AnsweredCall
from fraudlab.cloud.scrubbing import scrubbed

NAMES = {"acme-models": "BUCKET", "jane.doe": "PERSON", "acme": "TAG"}


def clean(answer: dict[str, Any]) -> Any:
    return scrubbed(AnsweredCall("sagemaker", "DescribeX", 200, "", answer), NAMES)["answer"]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (
            "arn:aws:sagemaker:eu-west-1:418295711234:training-job/x",
            "arn:aws:sagemaker:eu-west-1:ACCOUNT:training-job/x",
        ),
        (
            "arn:aws-cn:sts::418295711234:assumed-role/Dev/jane.doe",
            "arn:aws-cn:sts::ACCOUNT:assumed-role/Dev/PERSON",
        ),
        ("s3://acme-models/fraudlab/runs/x", "s3://BUCKET/fraudlab/runs/x"),
        ("acme", "TAG"),
        ("AKIAIOSFODNN7EXAMPLE", "KEY"),
        ("AROAIOSFODNN7EXAMPLE:jane.doe", "KEY:PERSON"),
        ("418295711234.dkr.ecr.eu-west-1.amazonaws.com/r", "ACCOUNT.dkr.ecr.eu-west-1.amazonaws.com/r"),
        ("https://h/x?X-Amz-Algorithm=A&X-Amz-Signature=abc", "https://h/x?***"),
        ("10.0.12.7", "ADDRESS"),
        ("8d3f2c1a-0b1c-4d2e-9f00-aabbccddeeff", "UUID"),
        ("InProgress", "InProgress"),
        ("20261127-104233", "20261127-104233"),
        (datetime(2026, 11, 27, 10, 42, tzinfo=UTC), "2026-11-27T10:42:00+00:00"),
        (b"abc", "3 bytes"),
        (60, 60),
        (None, None),
        (True, True),
        (["acme-models", {"a": "418295711234"}], ["BUCKET", {"a": "ACCOUNT"}]),
    ],
)
def test_a_value_is_kept_without_whose_it_is(given: Any, kept: Any) -> None:
    assert clean({"Value": given}) == {"Value": kept}


@pytest.mark.parametrize(
    "key",
    [
        *(
            "SecretAccessKey",
            "SessionToken",
            "AccessKeyId",
            "authorizationToken",
            "NextToken",
            "nextForwardToken",
        ),
        *(
            "Owner",
            "OwnerId",
            "DisplayName",
            "UserId",
            "AuthorizedUrl Signature",
            "uploadUrl",
            "PresignedNotebookUrl",
        ),
    ],
)
def test_what_its_name_says_is_secret_is_not_kept(key: str) -> None:
    assert clean({"Deep": [{key: "anything"}]}) == {"Deep": [{key: "***"}]}


def test_headers_and_secrets_of_the_environment_do_not_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMET_API_KEY", "planted-key-0123456789")
    text = json.dumps(
        clean(
            {"ResponseMetadata": {"HTTPHeaders": {"x-amz-id-2": "id"}}, "Message": "k=planted-key-0123456789"}
        )
    )
    assert json.loads(text) == {"Message": "k=***"}
