"""What `clean --cloud` takes away, and above all what it leaves alone."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from tests.moto_account import make_bucket, make_endpoint, tags

from fraudlab.cloud import clearing
from fraudlab.cloud.clearing import plan_clearing
from fraudlab.cloud.endpoint_states import Waiting
from fraudlab.cloud.made_things import MadeThing, ThingKind
from fraudlab.cloud.removals import carry_out, partial_failure
from fraudlab.cloud.stale_objects import PrefixedBucket
from fraudlab.errors import BackendError

LATER = datetime.now(UTC) + timedelta(days=10)
WEEK = timedelta(days=7)
#: the folders of tables are named by a digest
K1, K2, K3 = ("1" * 32, "2" * 32, "f" * 32)


def planned(account, *, older_than=None, now=LATER, prefix="fraudlab", waiting=None):
    return plan_clearing(
        account, prefix=prefix, older_than=older_than, now=now, waiting=waiting or Waiting(poll_seconds=0)
    )


def removed(account, **options):
    clearing = planned(account, **options)
    assert carry_out(clearing.removals, say=lambda _: None) == []
    return clearing


def left(account):
    client = account.client("sagemaker")
    return {
        *(one["EndpointName"] for one in client.list_endpoints()["Endpoints"]),
        *(one["EndpointConfigName"] for one in client.list_endpoint_configs()["EndpointConfigs"]),
        *(one["ModelName"] for one in client.list_models()["Models"]),
    }


def put(account, *keys, body=b"x"):
    for key in keys:
        account.client("s3").put_object(Bucket=account.bucket, Key=key, Body=body)


def keys(account):
    answer = account.client("s3").list_objects_v2(Bucket=account.bucket)
    return {item["Key"] for item in answer.get("Contents", [])}


def seen_as_young(monkeypatch, key):
    """Let one folder be written to just now; moto dates all objects by this machine's clock."""
    folders = PrefixedBucket.folders

    def some_young(bucket):
        return [replace(one, newest=LATER) if one.key == key else one for one in folders(bucket)]

    monkeypatch.setattr(PrefixedBucket, "folders", some_young)


def refusal(code, message, operation="DeleteEndpoint"):
    return ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": {}}, operation)


def refuse_listing(monkeypatch, client, *operations):
    paginator = client.get_paginator

    def refusing(name):
        if name not in operations:
            return paginator(name)

        def paginate(**_):
            raise refusal("AccessDeniedException", "no", name)

        return SimpleNamespace(paginate=paginate)

    monkeypatch.setattr(client, "get_paginator", refusing)


@pytest.fixture
def account(moto_account):
    make_bucket(moto_account)
    return moto_account


def test_an_empty_account_has_nothing_to_remove(account):
    clearing = planned(account)
    assert (clearing.removals, clearing.stays, clearing.unasked) == ([], [], [])


def test_what_we_made_goes_and_its_neighbours_stay(account):
    make_endpoint(account, "fraudlab-r-endpoint")
    neighbours = {
        "fraudlab-untagged": [],
        "fraudlab-of-another": [{"Key": "project", "Value": "x"}, {"Key": "fraudlab:run", "Value": "r"}],
        "fraudlab2-r-endpoint": tags(),
        "my-fraudlab-endpoint": tags(),
    }
    for name, given in neighbours.items():
        make_endpoint(account, name, tagged=given)
    clearing = removed(account)
    assert len(clearing.removals) == 3
    assert left(account) == set(neighbours)


def test_what_is_younger_stays(account):
    make_endpoint(account, "fraudlab-r-endpoint")
    assert planned(account, older_than=WEEK, now=datetime.now(UTC)).removals == []
    assert len(planned(account, older_than=WEEK).removals) == 3


def test_a_model_that_a_strangers_endpoint_uses_stays(account):
    client = account.client("sagemaker")
    make_endpoint(account, "fraudlab-r-endpoint")
    variant = {"VariantName": "A", "ModelName": "fraudlab-r-endpoint", "InstanceType": "ml.m5.large"}
    client.create_endpoint_config(
        EndpointConfigName="theirs", ProductionVariants=[{**variant, "InitialInstanceCount": 1}]
    )
    client.create_endpoint(EndpointName="theirs", EndpointConfigName="theirs")
    clearing = removed(account)
    assert clearing.stays == ["model fraudlab-r-endpoint: an endpoint configuration that stays uses it"]
    assert [one["ModelName"] for one in client.list_models()["Models"]] == ["fraudlab-r-endpoint"]


def test_a_configuration_of_ours_that_a_strangers_endpoint_uses_stays_with_its_model(account):
    make_endpoint(account, "fraudlab-r-endpoint")
    account.client("sagemaker").create_endpoint(
        EndpointName="theirs", EndpointConfigName="fraudlab-r-endpoint"
    )
    clearing = removed(account)
    assert len(clearing.stays) == 2
    assert left(account) == {"theirs", "fraudlab-r-endpoint"}


def test_old_outputs_go_and_other_prefixes_stay(account):
    ours = ["fraudlab/runs/a/training-output/model.tar.gz", "fraudlab/runs/a/state/run.json"]
    others = [
        "fraudlab2/runs/a/x",
        "other/runs/a/x",
        "runs/a/x",
        "fraudlab/notes.txt",
        "fraudlab/own/folder/x",
    ]
    put(account, *ours, *others)
    clearing = removed(account)
    assert len(clearing.removals) == 1
    assert keys(account) == set(others)


def test_outputs_of_less_than_a_week_stay_where_nobody_says_how_old(account):
    put(account, "fraudlab/runs/a/state/x")
    assert planned(account, now=datetime.now(UTC)).removals == []
    assert len(planned(account, now=datetime.now(UTC), older_than=timedelta(0)).removals) == 1


def test_what_a_model_reads_that_stays_is_kept(account):
    make_endpoint(account, "someone-elses", tagged=[])
    client = account.client("sagemaker")
    role = "arn:aws:iam::123456789012:role/r"
    data = f"s3://{account.bucket}/fraudlab/runs/used/training-output/model.tar.gz"
    client.create_model(
        ModelName="theirs", ExecutionRoleArn=role, PrimaryContainer={"Image": "i", "ModelDataUrl": data}
    )
    used = ["fraudlab/runs/used/training-output/model.tar.gz", "fraudlab/runs/used/state/run.json"]
    put(account, *used, "fraudlab/runs/unused/state/x")
    clearing = removed(account)
    assert clearing.stays == [f"s3://{account.bucket}/fraudlab/runs/used/: a model reads it"]
    assert keys(account) == set(used)


def test_a_model_that_goes_needs_its_data_no_more(account):
    client = account.client("sagemaker")
    data = f"s3://{account.bucket}/fraudlab/runs/r/training-output/model.tar.gz"
    client.create_model(
        ModelName="fraudlab-r-model",
        ExecutionRoleArn="arn:aws:iam::123456789012:role/r",
        PrimaryContainer={"Image": "i", "ModelDataUrl": data},
        Tags=tags(),
    )
    put(account, "fraudlab/runs/r/training-output/model.tar.gz", "fraudlab/runs/r/state/run.json")
    removed(account)
    assert keys(account) == set()


def test_tables_stay_while_a_run_that_stays_reads_them(account, monkeypatch):
    request = {"S3Uri": f"s3://{account.bucket}/fraudlab/prepared/{K1}/train"}
    put(
        account,
        f"fraudlab/prepared/{K1}/train/part-0.parquet",
        f"fraudlab/prepared/{K2}/x",
        f"fraudlab/raw/{K3}/t.csv",
    )
    put(account, "fraudlab/runs/young/state/requests/train.json", body=json.dumps(request).encode())
    seen_as_young(monkeypatch, "fraudlab/runs/young/")
    clearing = removed(account)
    assert clearing.stays == [f"s3://{account.bucket}/fraudlab/prepared/{K1}/: a run that stays reads it"]
    assert keys(account) == {
        f"fraudlab/prepared/{K1}/train/part-0.parquet",
        "fraudlab/runs/young/state/requests/train.json",
    }


def test_tables_stay_where_a_run_that_stays_does_not_say_what_it_reads(account, monkeypatch):
    make_endpoint(account, "x", tagged=[])
    data = f"s3://{account.bucket}/fraudlab/runs/used/training-output/model.tar.gz"
    account.client("sagemaker").create_model(
        ModelName="theirs",
        ExecutionRoleArn="arn:aws:iam::123456789012:role/r",
        PrimaryContainer={"Image": "i", "ModelDataUrl": data},
    )
    used = ["fraudlab/runs/used/training-output/model.tar.gz", "fraudlab/runs/used/state/run.json"]
    put(account, *used, f"fraudlab/raw/{K3}/t.csv")
    clearing = removed(account)
    assert clearing.removals == []
    assert "does not say which tables" in " ".join(clearing.stays)


def test_more_than_a_thousand_objects_go(account):
    put(account, *(f"fraudlab/runs/a/state/{number}" for number in range(1100)))
    removed(account)
    assert keys(account) == set()


def test_an_upload_that_never_ended_is_given_up(account):
    s3 = account.client("s3")
    for key in (f"fraudlab/raw/{K3}/t.csv", "other/t.csv"):
        s3.create_multipart_upload(Bucket=account.bucket, Key=key)
    removed(account)
    uploads = s3.list_multipart_uploads(Bucket=account.bucket).get("Uploads", [])
    assert [upload["Key"] for upload in uploads] == ["other/t.csv"]


def test_that_versions_stay_is_said(account):
    account.client("s3").put_bucket_versioning(
        Bucket=account.bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    put(account, "fraudlab/runs/a/state/x")
    assert planned(account).stays == [
        "earlier versions of objects: the bucket keeps them until its lifecycle rule"
    ]


def test_a_folder_that_is_written_to_meanwhile_stays(account):
    put(account, "fraudlab/runs/a/state/x")
    clearing = planned(account)
    (removal,) = clearing.removals
    folder = removal.remove.args[0]
    older = replace(folder, newest=folder.newest - timedelta(seconds=5))
    with pytest.raises(BackendError, match="was written to just now"):
        removal.remove.func(older)
    assert keys(account) == {"fraudlab/runs/a/state/x"}


def test_without_a_prefix_nothing_in_the_bucket_is_touched(account):
    put(account, "runs/a/x")
    clearing = planned(account, prefix="")
    assert clearing.removals == []
    assert "sagemaker.prefix is empty" in clearing.unasked[0].message


def test_without_a_bucket_the_rest_is_removed(moto_account):
    make_endpoint(moto_account, "fraudlab-r-endpoint")
    clearing = planned(moto_account)
    assert len(clearing.removals) == 3
    assert "there is no such bucket" in clearing.unasked[0].message


def test_an_endpoint_that_is_being_made_is_waited_for(account, monkeypatch):
    make_endpoint(account, "fraudlab-r-endpoint")
    client = account.client("sagemaker")
    describe, told = client.describe_endpoint, []
    states = iter(["Creating", "Creating", "Updating"])
    monkeypatch.setattr(
        client,
        "describe_endpoint",
        lambda **name: {**describe(**name), "EndpointStatus": next(states, "InService")},
    )
    removed(account, waiting=Waiting(poll_seconds=0, say=told.append))
    assert told == ["endpoint fraudlab-r-endpoint is Creating", "endpoint fraudlab-r-endpoint is Updating"]
    assert left(account) == set()


def test_an_endpoint_that_stays_in_creating_is_told_and_the_rest_goes(account, monkeypatch):
    make_endpoint(account, "fraudlab-r-endpoint")
    client = account.client("sagemaker")
    describe = client.describe_endpoint
    monkeypatch.setattr(
        client, "describe_endpoint", lambda **name: {**describe(**name), "EndpointStatus": "Creating"}
    )
    clearing = planned(account, waiting=Waiting(poll_seconds=0, patience_seconds=0))
    (error,) = carry_out(clearing.removals, say=lambda _: None)
    assert error.message == "The endpoint fraudlab-r-endpoint is still Creating after 0 s."


def test_all_failures_are_told_at_once(account, monkeypatch):
    make_endpoint(account, "fraudlab-r-endpoint")
    client, said = account.client("sagemaker"), []

    def denied(**_):
        words = "User: arn:x is not authorized to perform: sagemaker:DeleteModel on resource: arn:y"
        raise refusal("AccessDeniedException", words)

    def throttled(**_):
        raise refusal("ThrottlingException", "Rate exceeded", "DeleteEndpointConfig")

    monkeypatch.setattr(client, "delete_model", denied)
    monkeypatch.setattr(client, "delete_endpoint_config", throttled)
    clearing = planned(account)
    failed = carry_out(clearing.removals, say=said.append)
    error = partial_failure(failed, of=len(clearing.removals))
    assert error.message.startswith("2 of 3 could not be removed: ")
    assert "sagemaker:DeleteModel" in error.message
    assert "called less often" in error.message
    assert [line.partition(":")[0] for line in said] == ["removed", "not removed", "not removed"]


@pytest.mark.parametrize("kind", ["training", "processing", "transform"])
def test_jobs_that_go_on_are_stopped(account, monkeypatch, kind):
    client, noun = account.client("sagemaker"), f"{kind.title()}Job"
    arn = f"arn:aws:sagemaker:eu-west-1:123456789012:{kind}-job/fraudlab-r-{kind}"
    summary = {f"{noun}Name": f"fraudlab-r-{kind}", f"{noun}Arn": arn, f"{noun}Status": "InProgress"}
    summary["CreationTime"] = datetime.now(UTC)
    ended = {**summary, f"{noun}Name": "fraudlab-old", f"{noun}Arn": f"{arn}x", f"{noun}Status": "Completed"}
    stopped, paginator = [], client.get_paginator

    class Pages:
        def __init__(self, name):
            self.name = name

        def paginate(self, **request):
            if self.name == f"list_{kind}_jobs" and "WarmPoolStatusEquals" not in request:
                return [{f"{noun}Summaries": [summary]}, {f"{noun}Summaries": [ended]}]
            if self.name == "list_tags" and request["ResourceArn"].startswith(arn):
                return [{"Tags": tags()}]
            return paginator(self.name).paginate(**request)

    monkeypatch.setattr(client, "get_paginator", Pages)
    monkeypatch.setattr(client, f"stop_{kind}_job", lambda **request: stopped.append(request))
    put(account, "fraudlab/runs/r/checkpoints/c", "fraudlab/runs/r/state/run.json")
    clearing = removed(account)
    assert stopped == [{f"{noun}Name": f"fraudlab-r-{kind}"}]
    assert clearing.stays == [f"s3://{account.bucket}/fraudlab/runs/r/: a job of this run goes on"]


def test_a_warm_pool_is_ended(account, monkeypatch):
    client, asked, paginator = account.client("sagemaker"), [], account.client("sagemaker").get_paginator
    arn = "arn:aws:sagemaker:eu-west-1:123456789012:training-job/fraudlab-r-train"
    pool = {
        "TrainingJobName": "fraudlab-r-train",
        "TrainingJobArn": arn,
        "TrainingJobStatus": "Completed",
        "WarmPoolStatus": {"Status": "Available"},
        "CreationTime": datetime.now(UTC),
    }

    class Pages:
        def __init__(self, name):
            self.name = name

        def paginate(self, **request):
            if self.name == "list_training_jobs":
                return [{"TrainingJobSummaries": [pool] if "WarmPoolStatusEquals" in request else []}]
            if self.name == "list_tags":
                return [{"Tags": tags()}]
            return paginator(self.name).paginate(**request)

    monkeypatch.setattr(client, "get_paginator", Pages)
    monkeypatch.setattr(client, "update_training_job", lambda **request: asked.append(request))
    removed(account)
    assert asked == [
        {"TrainingJobName": "fraudlab-r-train", "ResourceConfig": {"KeepAlivePeriodInSeconds": 0}}
    ]


@pytest.mark.parametrize("listed", [True, False])
def test_a_job_that_is_not_stopped_has_ended_only_where_a_listing_says_so(account, monkeypatch, listed):
    client = account.client("sagemaker")
    arn = "arn:aws:sagemaker:eu-west-1:123456789012:training-job/fraudlab-r-train"
    job = MadeThing(ThingKind.training_job, "fraudlab-r-train", arn, "InProgress", datetime.now(UTC))

    def stop(**_):
        raise refusal("AccessDeniedException", "no", "StopTrainingJob")

    monkeypatch.setattr(client, "stop_training_job", stop)
    if listed:
        clearing._remove(account, job, Waiting(poll_seconds=0))
        return
    refuse_listing(monkeypatch, client, "list_training_jobs")
    with pytest.raises(BackendError, match="StopTrainingJob"):
        clearing._remove(account, job, Waiting(poll_seconds=0))


@pytest.mark.parametrize("kind", ["training", "processing", "transform"])
def test_objects_stay_where_jobs_could_not_be_listed(account, monkeypatch, kind):
    """One of them may be reading, or writing, what looks old."""
    make_endpoint(account, "fraudlab-r-endpoint")
    put(account, "fraudlab/runs/a/state/run.json", f"fraudlab/raw/{K1}/t.csv")
    refuse_listing(monkeypatch, account.client("sagemaker"), f"list_{kind}_jobs")
    found = removed(account)
    assert keys(account) == {"fraudlab/runs/a/state/run.json", f"fraudlab/raw/{K1}/t.csv"}
    assert left(account) == set()
    assert "objects in the bucket: what may read them could not all be asked" in found.stays
    assert found.unasked


def test_what_an_endpoint_stands_on_stays_with_it(account, monkeypatch):
    make_endpoint(account, "fraudlab-a-endpoint")
    make_endpoint(account, "fraudlab-b-endpoint")
    client, said = account.client("sagemaker"), []
    delete = client.delete_endpoint

    def refused(**request):
        if request["EndpointName"] == "fraudlab-a-endpoint":
            raise refusal("AccessDeniedException", "no")
        return delete(**request)

    monkeypatch.setattr(client, "delete_endpoint", refused)
    failed = carry_out(planned(account).removals, say=said.append)
    assert len(failed) == 1
    assert [one["EndpointName"] for one in client.list_endpoints()["Endpoints"]] == ["fraudlab-a-endpoint"]
    assert left(account) == {"fraudlab-a-endpoint"}
    assert len(list(client.list_models()["Models"])) == 1
    assert len([line for line in said if line.startswith("stays: ")]) == 2
