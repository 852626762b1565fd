"""CreateTrainingJob and its kin, asked through boto3."""

import secrets

import pytest

from fraudlab.rehearsal.announcement import BUCKET, ROLE


@pytest.fixture(scope="module")
def sagemaker(loopback):
    s3 = loopback.client("s3")
    s3.put_object(Bucket=BUCKET, Key="data/train.csv", Body=b"1,2\n")
    return loopback.client("sagemaker")


def training(**changes):
    request = {
        "TrainingJobName": f"job-{secrets.token_hex(4)}",
        "AlgorithmSpecification": {"TrainingImage": "some-image:1", "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "InputDataConfig": [
            {
                "ChannelName": "train",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/data/"}},
            }
        ],
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        "HyperParameters": {"max_depth": "5"},
    }
    return {**request, **changes}


def test_a_job_is_described_as_it_was_asked_for(sagemaker):
    request = training(Tags=[{"Key": "team", "Value": "risk"}])
    arn = sagemaker.create_training_job(**request)["TrainingJobArn"]
    shown = sagemaker.describe_training_job(TrainingJobName=request["TrainingJobName"])
    assert shown["TrainingJobArn"] == arn
    assert shown["HyperParameters"] == request["HyperParameters"]
    assert (shown["TrainingJobStatus"], shown["SecondaryStatus"]) == ("InProgress", "Starting")
    assert shown["OutputDataConfig"]["KmsKeyId"] == ""  # the SDK's attach reads it
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "risk"}]
