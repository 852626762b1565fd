"""What below the prefix is fraudlab's, and what only lies beside it."""

import json

import pytest
from tests.cloud.test_clearing import (
    K1,
    K2,
    K3,
    account,
    keys,
    planned,
    put,
    refusal,
    removed,
    seen_as_young,
)
from tests.moto_account import make_endpoint

from fraudlab.cloud.removals import carry_out

__all__ = ["account"]

NOT_OURS = [
    "fraudlab/raw/2025/t.csv",
    "fraudlab/raw/notes.txt",
    "fraudlab/raw/" + "A" * 32 + "/t.csv",
    "fraudlab/raw/" + "a" * 31 + "/t.csv",
    "fraudlab/raw/" + "a" * 33 + "/t.csv",
    "fraudlab/raw/" + "a" * 32,
    "fraudlab/prepared/by-hand/train.parquet",
    "fraudlab/prepared/" + "g" * 32 + "/train.parquet",
    "fraudlab/runs/holiday/photo.jpg",
    "fraudlab/runs/holiday/statement/x",
    "fraudlab/runs/holiday/state",
    "fraudlab/runs/summary.csv",
    "fraudlab/runs/my_model/state/x",
    "fraudlab/other/state/x",
]


@pytest.mark.parametrize("key", NOT_OURS)
def test_what_has_no_name_or_part_of_ours_is_not_ours(account, key):
    put(account, key)
    clearing = planned(account)
    assert (clearing.removals, clearing.stays) == ([], [])


@pytest.mark.parametrize(
    "key",
    [
        f"fraudlab/raw/{K1}/t.csv",
        f"fraudlab/raw/{K1}/.complete",
        f"fraudlab/prepared/{K2}/train/part-0.parquet",
        "fraudlab/runs/a/state/run.json",
        "fraudlab/runs/a/deployed/0123456789abcdef/model.tar.gz",
    ],
)
def test_what_fraudlab_writes_is_ours(account, key):
    put(account, key, *NOT_OURS)
    removed(account)
    assert keys(account) == set(NOT_OURS)


def test_an_upload_that_goes_nowhere_of_ours_is_not_ours(account):
    s3 = account.client("s3")
    for key in NOT_OURS:
        s3.create_multipart_upload(Bucket=account.bucket, Key=key)
    assert planned(account).removals == []


def test_what_tells_whose_a_folder_is_goes_last(account, monkeypatch):
    """A removal that is cut short is gone on with the next time."""
    put(account, *(f"fraudlab/runs/a/{part}/x" for part in ("checkpoints", "state", "training-output")))
    s3, asked = account.client("s3"), []
    delete = s3.delete_objects
    monkeypatch.setattr(
        s3,
        "delete_objects",
        lambda **request: asked.extend(request["Delete"]["Objects"]) or delete(**request),
    )
    removed(account)
    assert asked[-1] == {"Key": "fraudlab/runs/a/state/x"}


def test_a_deployed_model_alone_keeps_no_table(account):
    """A run of another machine whose model was deployed: it reads no table here."""
    make_endpoint(account, "fraudlab-x", tagged=[])
    account.client("sagemaker").create_model(
        ModelName="theirs",
        ExecutionRoleArn="arn:aws:iam::123456789012:role/r",
        PrimaryContainer={
            "Image": "i",
            "ModelDataUrl": f"s3://{account.bucket}/fraudlab/runs/a/deployed/0f/model.tar.gz",
        },
    )
    put(account, "fraudlab/runs/a/deployed/0f/model.tar.gz", f"fraudlab/raw/{K1}/t.csv")
    clearing = removed(account)
    assert clearing.stays == [f"s3://{account.bucket}/fraudlab/runs/a/: a model reads it"]
    assert keys(account) == {"fraudlab/runs/a/deployed/0f/model.tar.gz"}


def test_a_run_with_its_state_says_which_tables_it_keeps(account, monkeypatch):
    """Also where its model was deployed."""
    request = {"S3Uri": f"s3://{account.bucket}/fraudlab/raw/{K1}/"}
    put(account, "fraudlab/runs/a/state/requests/process.json", body=json.dumps(request).encode())
    put(account, "fraudlab/runs/a/deployed/0f/model.tar.gz")
    put(account, f"fraudlab/raw/{K1}/t.csv", f"fraudlab/raw/{K3}/t.csv")
    seen_as_young(monkeypatch, "fraudlab/runs/a/")
    removed(account)
    assert f"fraudlab/raw/{K1}/t.csv" in keys(account)
    assert f"fraudlab/raw/{K3}/t.csv" not in keys(account)


def test_a_model_that_could_not_be_removed_keeps_what_it_reads(account, monkeypatch):
    client = account.client("sagemaker")
    make_endpoint(account, "fraudlab-r-endpoint")
    client.delete_model(ModelName="fraudlab-r-endpoint")
    client.create_model(
        ModelName="fraudlab-r-endpoint",
        ExecutionRoleArn="arn:aws:iam::123456789012:role/r",
        PrimaryContainer={
            "Image": "i",
            "ModelDataUrl": f"s3://{account.bucket}/fraudlab/runs/r/training-output/model.tar.gz",
        },
        Tags=[{"Key": "fraudlab:project", "Value": "fraudlab"}],
    )
    put(account, "fraudlab/runs/r/state/run.json")

    def denied(**_):
        raise refusal("AccessDeniedException", "no", "DeleteModel")

    monkeypatch.setattr(client, "delete_model", denied)
    said = []
    (error,) = carry_out(planned(account).removals, say=said.append)
    assert "DeleteModel" in error.message
    assert keys(account) == {"fraudlab/runs/r/state/run.json"}
    assert "model fraudlab-r-endpoint could not be removed, and uses it" in said[-1]
