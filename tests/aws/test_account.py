"""An account by boto3's own configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from fraudlab.aws.account import Account, Identity, Keys, open_account
from fraudlab.cloud_config import SageMakerConfig
from fraudlab.errors import BackendError, ConfigError

OURS = Identity("111122223333", "arn:aws-cn:sts::111122223333:assumed-role/dev/ann", "aws-cn")


@pytest.fixture(autouse=True)
def no_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def opened(**config: str) -> Account:
    account = open_account(SageMakerConfig(region="eu-west-1", **config))  # type: ignore[arg-type]
    account.__dict__["identity"] = OURS
    return account


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_the_region_is_the_configuration_s_or_the_environment_s(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BackendError, match="no region is set"):
        open_account(SageMakerConfig()).client("s3")
    monkeypatch.setenv(variable, "eu-north-1")
    assert open_account(SageMakerConfig()).region == "eu-north-1"
    assert open_account(SageMakerConfig(region="us-east-2")).client("s3").meta.region_name == "us-east-2"


def test_role_and_bucket_have_the_names_of_the_template() -> None:
    assert opened().bucket == "fraudlab-111122223333-eu-west-1"
    assert opened().role_arn == "arn:aws-cn:iam::111122223333:role/fraudlab-execution"
    assert opened(role="service-role/own").role_arn.endswith(":role/service-role/own")
    assert opened(role="arn:aws-cn:iam::111122223333:role/r", bucket="b").bucket == "b"
    assert OURS.name == "ann"


def test_a_role_of_another_account_cannot_be_passed() -> None:
    with pytest.raises(ConfigError, match="is of account 999900001111, and you are in 111122223333"):
        _ = opened(role="arn:aws:iam::999900001111:role/r").role_arn


def test_without_credentials_it_says_so() -> None:
    with pytest.raises(BackendError, match="Asking AWS who we are failed: there are no AWS credentials"):
        _ = open_account(SageMakerConfig(region="eu-west-1")).identity
    with pytest.raises(BackendError, match="config profile"):
        open_account(SageMakerConfig(region="eu-west-1", profile="absent")).client("s3")


def test_keys_that_are_given_are_used_past_the_person_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "absent")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a-real-one")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    account = open_account(
        SageMakerConfig(region="us-east-1"), endpoint_url="http://127.0.0.1:9", keys=Keys("k", "s")
    )
    client = account.client("s3")
    assert client._request_signer._credentials.access_key == "k"
    assert client.meta.endpoint_url == "http://127.0.0.1:9"
    assert client.meta.config.proxies == {}
    assert "fraudlab-launcher/" in client.meta.config.user_agent_extra
    assert account.client("s3") is client
