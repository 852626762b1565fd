"""An account in the rehearsal of all tests, with a bucket of each test's own."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from fraudlab.aws.account import Account, Keys, open_account
from fraudlab.cloud_config import SageMakerConfig


@pytest.fixture
def account(rehearsal: dict[str, Any]) -> Account:
    config = SageMakerConfig(region=rehearsal["region"], bucket=f"fraudlab-{secrets.token_hex(6)}")
    keys = Keys(rehearsal["access_key"], rehearsal["secret_key"])
    made = open_account(config, endpoint_url=rehearsal["url"], keys=keys)
    made.client("s3").create_bucket(Bucket=made.bucket)
    return made
