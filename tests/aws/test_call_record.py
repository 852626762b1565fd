"""What an account answers is taken down while somebody asks for it, and no longer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from fraudlab.aws.account import open_account
from fraudlab.aws.call_record import CallRecord, recording
from fraudlab.cloud_config import SageMakerConfig


def test_calls_of_all_threads_are_recorded_with_their_errors(moto_account: Any) -> None:
    account, record = open_account(SageMakerConfig(region="us-east-1")), CallRecord()
    s3 = account.client("s3")
    s3.create_bucket(Bucket="kept")
    with recording(record):
        s3.put_object(Bucket="kept", Key="k", Body=b"secret content")
        with pytest.raises(ClientError):
            s3.head_object(Bucket="kept", Key="none")
        assert s3.get_object(Bucket="kept", Key="k")["Body"].read() == b"secret content"
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: account.client("sts").get_caller_identity(), range(20)))
    s3.list_objects_v2(Bucket="kept")
    seen = [(call.operation, call.status, call.code) for call in record.calls]
    assert seen[:3] == [("PutObject", 200, ""), ("HeadObject", 404, "404"), ("GetObject", 200, "")]
    assert seen[3:] == [("GetCallerIdentity", 200, "")] * 20
    assert all(call.service == "s3" for call in record.calls[:3])
    assert "Body" not in record.calls[2].answer
