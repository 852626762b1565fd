"""An AWS account for tests that moto keeps in this process: its records are as AWS's, and it runs nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fraudlab.aws.account import Account, open_account
from fraudlab.cloud_config import SageMakerConfig

from .seen_actions import note_calls

REGION = "eu-west-1"
PROJECT = {"Key": "fraudlab:project", "Value": "fraudlab"}


def tags(run: str = "r", **other: str) -> list[dict[str, str]]:
    """The tags that fraudlab gives."""
    return [
        PROJECT,
        {"Key": "fraudlab:run", "Value": run},
        *({"Key": k, "Value": v} for k, v in other.items()),
    ]


@pytest.fixture
def moto_account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An account with nothing in it."""
    from moto import mock_aws

    for name, value in (("ACCESS_KEY_ID", "testing"), ("SECRET_ACCESS_KEY", "testing"), ("REGION", REGION)):
        monkeypatch.setenv(f"AWS_{name}", value)
    with mock_aws():
        account = open_account(SageMakerConfig())
        make = account._made
        monkeypatch.setattr(account, "_made", lambda service: note_calls(make(service)))
        yield account


def make_role(
    account: Account, name: str = "fraudlab-execution", service: str = "sagemaker.amazonaws.com"
) -> str:
    """Make a role that a service may take on."""
    import json

    policy = {
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]
    }
    made = account.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(policy))
    return str(made["Role"]["Arn"])


def make_bucket(account: Account, name: str | None = None, region: str = REGION) -> str:
    """Make a bucket, the usual one where none is named."""
    name = name or account.bucket
    more: dict[str, Any] = {"CreateBucketConfiguration": {"LocationConstraint": region}}
    account.client("s3").create_bucket(Bucket=name, **({} if region == "us-east-1" else more))
    return name


def make_endpoint(account: Account, name: str, *, tagged: list[dict[str, str]] | None = None) -> None:
    """Make a model, a configuration and an endpoint of one name."""
    client, given = account.client("sagemaker"), tags() if tagged is None else tagged
    role = "arn:aws:iam::123456789012:role/fraudlab-execution"
    client.create_model(
        ModelName=name,
        ExecutionRoleArn=role,
        PrimaryContainer={
            "Image": "i",
            "ModelDataUrl": "s3://b/fraudlab/runs/r/training-output/model.tar.gz",
        },
        Tags=given,
    )
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": name,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], Tags=given)
    client.create_endpoint(EndpointName=name, EndpointConfigName=name, Tags=given)
