"""Every refusal, each with the service's code and words, asked through boto3 without its own validator."""

import secrets
import threading

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from fraudlab.rehearsal.announcement import ACCOUNT, BUCKET, ROLE
from fraudlab.rehearsal.resource import ResourceKind

from .test_training_calls import training

ARN = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:"
IMAGE = "mapped:1"


@pytest.fixture(scope="module")
def sagemaker(loopback):
    s3 = loopback.client("s3")
    s3.put_object(Bucket=BUCKET, Key="data/train.csv", Body=b"1,2\n")
    s3.put_object(Bucket=BUCKET, Key="model.tar.gz", Body=b"")
    iam = loopback.client("iam")
    iam.create_role(
        RoleName="for-lambda",
        AssumeRolePolicyDocument='{"Version":"2012-10-17","Statement":[{"Effect":"Allow",'
        '"Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}',
    )
    # an image that the engine of no test machine needs to have
    loopback.parts._images.resolve = _resolved
    made = loopback.client("sagemaker", config=Config(parameter_validation=False))
    model(made, "there")
    made.create_endpoint_config(EndpointConfigName="there", ProductionVariants=[variant()])
    return made


def _resolved(uri):
    from fraudlab.errors import ImageMissing

    if uri != IMAGE:
        raise ImageMissing("none", fix="none")
    return "sha256:0"


def model(sagemaker, name, **changes):
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/model.tar.gz"}
    asked = {"ModelName": name, "ExecutionRoleArn": ROLE, "PrimaryContainer": container, **changes}
    return sagemaker.create_model(**{key: value for key, value in asked.items() if value is not None})


def variant(**changes):
    asked = {
        "VariantName": "v",
        "ModelName": "there",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    return {**asked, **changes}


def channel(**changes):
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/data/"}
    return {"ChannelName": "train", "DataSource": {"S3DataSource": {**source, **changes}}}


def machine(**changes):
    return {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1, **changes}


def transform(**changes):
    asked = {
        "TransformJobName": f"t-{secrets.token_hex(4)}",
        "ModelName": "there",
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/data/"}},
            "ContentType": "text/csv",
        },
        "TransformOutput": {"S3OutputPath": f"s3://{BUCKET}/out"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }
    return {**asked, **changes}


def processing(**changes):
    asked = {
        "ProcessingJobName": f"p-{secrets.token_hex(4)}",
        "ProcessingResources": {"ClusterConfig": machine()},
        "AppSpecification": {"ImageUri": IMAGE},
        "RoleArn": ROLE,
    }
    return {**asked, **changes}


TAGS = [{"Key": f"k{n}", "Value": "v"} for n in range(51)]
TRAINING = {
    "a name of 64": ({"TrainingJobName": "a" * 64}, "length less than or equal to 63"),
    "a name with _": ({"TrainingJobName": "a_b"}, "regular expression pattern"),
    "no role": ({"RoleArn": None}, "Value null at 'roleArn'"),
    "a role that is not there": ({"RoleArn": ROLE + "2"}, "Could not assume role"),
    "a role of lambda's": (
        {"RoleArn": ROLE.replace("fraudlab-execution", "for-lambda")},
        "Could not assume role",
    ),
    "no output": ({"OutputDataConfig": None}, "Value null at 'outputDataConfig'"),
    "an output bucket that is not there": (
        {"OutputDataConfig": {"S3OutputPath": "s3://no-bucket/x"}},
        "no-bucket",
    ),
    "an empty channel": ({"InputDataConfig": [channel(S3Uri=f"s3://{BUCKET}/none/")]}, "No S3 objects found"),
    "a channel twice": ({"InputDataConfig": [channel(), channel()]}, "Duplicate channel names: train"),
    "no machine": ({"ResourceConfig": None}, "Value null at 'resourceConfig'"),
    "a type that is none": ({"ResourceConfig": machine(InstanceType="ml.nonsense.xlarge")}, "enum value set"),
    "no machines": ({"ResourceConfig": machine(InstanceCount=-1)}, "greater than or equal to"),
    "spot without a wait": ({"EnableManagedSpotTraining": True}, "Invalid MaxWaitTimeInSeconds"),
    "a wait below the run time": (
        {
            "EnableManagedSpotTraining": True,
            "StoppingCondition": {"MaxRuntimeInSeconds": 9, "MaxWaitTimeInSeconds": 8},
        },
        "Invalid MaxWaitTimeInSeconds",
    ),
    "a wait without spot": (
        {"StoppingCondition": {"MaxRuntimeInSeconds": 9, "MaxWaitTimeInSeconds": 10}},
        "EnableManagedSpotTraining",
    ),
    "101 hyperparameters": (
        {"HyperParameters": {f"h{n}": "1" for n in range(101)}},
        "length less than or equal to 100",
    ),
    "a long hyperparameter": ({"HyperParameters": {"h": "x" * 2501}}, "Map value must satisfy constraint"),
    "a long environment value": ({"Environment": {"A": "x" * 513}}, "Map value must satisfy constraint"),
    "a bad environment key": ({"Environment": {"1A": "x"}}, "Map keys must satisfy constraint"),
    "51 tags": ({"Tags": TAGS}, "length less than or equal to 50"),
    "a tag twice": ({"Tags": [TAGS[0], TAGS[0]]}, "Duplicate tag keys"),
    "a tag of AWS's": ({"Tags": [{"Key": "AWS:x", "Value": ""}]}, "aws:"),
    "no algorithm": ({"AlgorithmSpecification": None}, "Value null at 'algorithmSpecification'"),
    "a long image": (
        {"AlgorithmSpecification": {"TrainingImage": "x" * 256, "TrainingInputMode": "File"}},
        "length less than",
    ),
    "a repository that is not there": (
        {
            "AlgorithmSpecification": {
                "TrainingImage": f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/none:1",
                "TrainingInputMode": "File",
            }
        },
        "Cannot find repository: none",
    ),
}


@pytest.mark.parametrize("name", TRAINING)
def test_a_training_job_is_refused(sagemaker, name):
    changes, words = TRAINING[name]
    asked = {key: value for key, value in training(**changes).items() if value is not None}
    refused(sagemaker.create_training_job, asked, "ValidationException", words)


def refused(call, asked, code, words):
    with pytest.raises(ClientError) as error:
        call(**asked)
    assert error.value.response["Error"]["Code"] == code
    assert words in error.value.response["Error"]["Message"]


OTHERS = {
    "describe a training job": (
        "describe_training_job",
        {"TrainingJobName": "none"},
        "Requested resource not found.",
    ),
    "stop a training job": (
        "stop_training_job",
        {"TrainingJobName": "none"},
        "Requested resource not found.",
    ),
    "describe a processing job": (
        "describe_processing_job",
        {"ProcessingJobName": "none"},
        "Could not find requested job with name: none",
    ),
    "describe a transform job": ("describe_transform_job", {"TransformJobName": "none"}, "Could not find"),
    "describe a model": ("describe_model", {"ModelName": "none"}, f'Could not find model "{ARN}model/none".'),
    "delete a model": ("delete_model", {"ModelName": "none"}, f'Could not find model "{ARN}model/none".'),
    "describe a configuration": (
        "describe_endpoint_config",
        {"EndpointConfigName": "none"},
        f'Could not find endpoint configuration "{ARN}endpoint-config/none".',
    ),
    "delete an endpoint": (
        "delete_endpoint",
        {"EndpointName": "none"},
        f'Could not find endpoint "{ARN}endpoint/none".',
    ),
    "describe an endpoint": (
        "describe_endpoint",
        {"EndpointName": "none"},
        f'Could not find endpoint "{ARN}endpoint/none".',
    ),
    "an endpoint without a configuration": (
        "create_endpoint",
        {"EndpointName": "e", "EndpointConfigName": "none"},
        "Could not find endpoint configuration",
    ),
    "a model without a container": (
        "create_model",
        {"ModelName": "m", "ExecutionRoleArn": ROLE},
        "Exactly one of PrimaryContainer and Containers",
    ),
    "a model without a role": (
        "create_model",
        {"ModelName": "m", "PrimaryContainer": {"Image": IMAGE}},
        "executionRoleArn",
    ),
    "a model whose image nobody has": (
        "create_model",
        {"ModelName": "m", "ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": "none:1"}},
        "Requested image none:1 not found.",
    ),
    "a model whose artifact is not there": (
        "create_model",
        {
            "ModelName": "m",
            "ExecutionRoleArn": ROLE,
            "PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/no.tar.gz"},
        },
        f"Could not find model data at s3://{BUCKET}/no.tar.gz.",
    ),
    "a model's name that is taken": (
        "create_model",
        {"ModelName": "there", "ExecutionRoleArn": ROLE, "PrimaryContainer": {"Image": IMAGE}},
        f'Cannot create already existing model "{ARN}model/there".',
    ),
    "a configuration's name that is taken": (
        "create_endpoint_config",
        {"EndpointConfigName": "there", "ProductionVariants": [variant()]},
        f'Cannot create already existing endpoint configuration "{ARN}endpoint-config/there".',
    ),
    "a configuration whose model is not there": (
        "create_endpoint_config",
        {"EndpointConfigName": "c", "ProductionVariants": [variant(ModelName="none")]},
        "Could not find model",
    ),
    "a configuration with t3, which hosting has not": (
        "create_endpoint_config",
        {"EndpointConfigName": "c", "ProductionVariants": [variant(InstanceType="ml.t3.medium")]},
        "enum value set",
    ),
    "two variants of one name": (
        "create_endpoint_config",
        {"EndpointConfigName": "c", "ProductionVariants": [variant(), variant()]},
        "Duplicate variant names",
    ),
    "a serverless endpoint": (
        "create_endpoint_config",
        {
            "EndpointConfigName": "c",
            "ProductionVariants": [variant(ServerlessConfig={"MemorySizeInMB": 1024, "MaxConcurrency": 1})],
        },
        "no serverless endpoints",
    ),
    "a transform of no model": ("create_transform_job", transform(ModelName="none"), "Could not find model"),
    "a transform with too much on its way": (
        "create_transform_job",
        transform(MaxConcurrentTransforms=11, MaxPayloadInMB=10),
        "must not exceed 100 MB",
    ),
    "a transform with a long filter": (
        "create_transform_job",
        transform(DataProcessing={"InputFilter": "$" * 64}),
        "less than or equal to 63",
    ),
    "a transform with 17 variables": (
        "create_transform_job",
        transform(Environment={f"E{n}": "" for n in range(17)}),
        "less than or equal to 16",
    ),
    "a transform of r5, which transform has not": (
        "create_transform_job",
        transform(TransformResources={"InstanceType": "ml.r5.large", "InstanceCount": 1}),
        "enum value set",
    ),
    "processing with a long value": (
        "create_processing_job",
        processing(Environment={"A": "x" * 257}),
        "Map value must satisfy constraint",
    ),
    "tags of nothing": ("list_tags", {"ResourceArn": f"{ARN}model/none"}, "Could not find resource"),
    "a token that is none": ("list_models", {"NextToken": "?"}, "Invalid NextToken."),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_call_is_refused(sagemaker, name):
    operation, asked, words = OTHERS[name]
    refused(getattr(sagemaker, operation), asked, "ValidationException", words)


@pytest.mark.parametrize(
    ("asked", "quota"),
    [
        (
            {"ResourceConfig": machine(InstanceType="ml.p3.2xlarge")},
            "'ml.p3.2xlarge for training job usage' is 0",
        ),
        ({"ResourceConfig": machine(InstanceCount=21)}, "'ml.m5.large for training job usage' is 20"),
    ],
)
def test_more_machines_than_the_quota_are_refused(sagemaker, asked, quota):
    refused(sagemaker.create_training_job, training(**asked), "ResourceLimitExceeded", quota)


def test_a_name_that_is_taken_is_in_use(sagemaker):
    for call, asked, words in (
        (sagemaker.create_training_job, training(), "Training job names must be unique"),
        (sagemaker.create_processing_job, processing(), "already exists"),
        (sagemaker.create_transform_job, transform(), "already exists"),
    ):
        call(**asked)
        refused(call, asked, "ResourceInUse", words)


def test_a_job_that_has_ended_is_not_stopped_again(sagemaker, loopback):
    asked = training()
    sagemaker.create_training_job(**asked)
    loopback.work.started[asked["TrainingJobName"]].move("Completed", "Completed")
    name = {"TrainingJobName": asked["TrainingJobName"]}
    refused(sagemaker.stop_training_job, name, "ValidationException", "is in status Completed")


def test_a_job_that_ends_while_it_is_stopped_stays_ended(sagemaker, loopback, monkeypatch):
    """The end comes between the question for the state and the stop."""
    asked = training()
    sagemaker.create_training_job(**asked)
    progress, store = loopback.work.started[asked["TrainingJobName"]], loopback.parts._store
    change = store.change

    def ended_before(*given):
        monkeypatch.setattr(store, "change", change)
        progress.move("Completed", "Completed")
        return change(*given)

    monkeypatch.setattr(store, "change", ended_before)
    name = {"TrainingJobName": asked["TrainingJobName"]}
    refused(sagemaker.stop_training_job, name, "ValidationException", "is in status Completed")
    assert sagemaker.describe_training_job(**name)["TrainingJobStatus"] == "Completed"


def test_an_endpoint_keeps_what_was_deleted_and_what_it_has_until_an_update_is_made(
    sagemaker, loopback, monkeypatch
):
    model(sagemaker, "short-lived")
    variants = [variant(ModelName="short-lived")]
    sagemaker.create_endpoint_config(EndpointConfigName="short-lived", ProductionVariants=variants)
    sagemaker.create_endpoint(EndpointName="keeps", EndpointConfigName="short-lived")
    sagemaker.delete_endpoint_config(EndpointConfigName="short-lived")
    sagemaker.delete_model(ModelName="short-lived")
    monkeypatch.setattr(loopback.work, "update", lambda _progress: threading.current_thread())
    sagemaker.update_endpoint(EndpointName="keeps", EndpointConfigName="there")
    facts = loopback.work.started["keeps"].record.facts
    assert facts["_config"]["ProductionVariants"][0]["ModelName"] == "short-lived"
    assert facts["_models"]["short-lived"]["PrimaryContainer"]["Image"] == IMAGE
    assert (facts["EndpointConfigName"], facts["_next"]["EndpointConfigName"]) == ("short-lived", "there")


def test_an_endpoint_on_its_way_takes_no_call(sagemaker, loopback):
    sagemaker.create_endpoint(EndpointName="busy", EndpointConfigName="there")
    progress = loopback.work.started["busy"]
    progress.move("Creating")
    words = f'Cannot update in-progress endpoint "{ARN}endpoint/busy".'
    refused(sagemaker.delete_endpoint, {"EndpointName": "busy"}, "ValidationException", words)
    asked = {"EndpointName": "busy", "EndpointConfigName": "there"}
    refused(sagemaker.update_endpoint, asked, "ValidationException", words)
    words = f'Cannot create already existing endpoint "{ARN}endpoint/busy".'
    refused(sagemaker.create_endpoint, asked, "ValidationException", words)
    progress.move("InService")
    sagemaker.update_endpoint(**asked)
    sagemaker.delete_endpoint(EndpointName="busy")
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName="busy", WaiterConfig={"Delay": 0})


def test_a_role_that_may_not_be_passed_is_refused(sagemaker, loopback):
    iam = loopback.client("iam")
    iam.create_user(UserName="weak")
    iam.put_user_policy(
        UserName="weak",
        PolicyName="p",
        PolicyDocument='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sagemaker:*","Resource":"*"}]}',
    )
    key = iam.create_access_key(UserName="weak")["AccessKey"]
    import boto3

    weak = boto3.client(
        "sagemaker",
        endpoint_url=loopback.facts["url"],
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    words = f"arn:aws:iam::{ACCOUNT}:user/weak is not authorized to perform: iam:PassRole on resource: {ROLE}"
    refused(weak.create_training_job, training(), "AccessDeniedException", words)
    weak.close()


def test_what_is_not_implemented_is_no_success(sagemaker):
    refused(sagemaker.list_clusters, {}, "UnknownOperationException", "ListClusters is not implemented")


def test_the_runtime_refuses_an_endpoint_that_is_not_there(loopback):
    runtime = loopback.client("sagemaker-runtime")
    asked = {"EndpointName": "none", "Body": b""}
    refused(
        runtime.invoke_endpoint, asked, "ValidationError", f"Endpoint none of account {ACCOUNT} not found."
    )


def test_listings_filter_sort_and_turn_pages(sagemaker):
    for number in range(3):
        model(sagemaker, f"listed-{number}")
    found = sagemaker.get_paginator("list_models").paginate(
        NameContains="LISTED", SortBy="Name", SortOrder="Ascending", PaginationConfig={"PageSize": 2}
    )
    names = [[one["ModelName"] for one in page["Models"]] for page in found]
    assert names == [["listed-0", "listed-1"], ["listed-2"]]
    jobs = sagemaker.list_training_jobs(StatusEquals="Completed", MaxResults=100)["TrainingJobSummaries"]
    assert {job["TrainingJobStatus"] for job in jobs} <= {"Completed"}


def test_tags_are_added_and_taken_away(sagemaker):
    arn = model(sagemaker, "tagged", Tags=[{"Key": "a", "Value": "1"}])["ModelArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["a"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    more = {"ResourceArn": arn, "Tags": TAGS[:50]}
    refused(sagemaker.add_tags, more, "ValidationException", "maximum number of tags")


def test_every_call_is_recorded_with_what_it_needs(loopback, sagemaker):
    import json

    lines = (loopback.folder / "actions.jsonl").read_text().splitlines()
    seen = {(line["action"], line["by"]) for line in map(json.loads, lines)}
    wanted = {
        "sagemaker:CreateTrainingJob",
        "iam:PassRole",
        "sagemaker:AddTags",
        "s3:PutObject",
        "iam:CreateRole",
    }
    assert {(action, "launcher") for action in wanted} <= seen


def test_a_restart_knows_every_job_and_takes_up_what_had_not_ended(loopback, sagemaker):
    from fraudlab.rehearsal.resource_store import ResourceStore

    asked = training()
    sagemaker.create_training_job(**asked)
    again = ResourceStore(loopback.folder / "sagemaker").get(ResourceKind.TRAINING, asked["TrainingJobName"])
    assert (again.status, again.request["HyperParameters"]) == ("InProgress", {"max_depth": "5"})
