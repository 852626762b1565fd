"""What may be costing money is said with its price, or that the price is not known."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError
from tests.moto_account import make_endpoint, tags

from fraudlab.aws.account import Identity
from fraudlab.cloud.running_costs import age, cost_lines, find_costing, is_rehearsed, say_costs
from fraudlab.plan.price_cache import keep
from fraudlab.plan.prices import Component, Price, PriceRow, packaged_prices

JOB = {
    "AlgorithmSpecification": {"TrainingImage": "i", "TrainingInputMode": "File"},
    "RoleArn": "arn:aws:iam::123456789012:role/fraudlab-execution",
    "OutputDataConfig": {"S3OutputPath": "s3://b/p"},
    "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 30},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
}


def test_nothing_is_nothing(moto_account):
    assert cost_lines(moto_account) == []


def test_an_endpoint_is_said_with_its_price_and_what_it_has_cost(moto_account):
    make_endpoint(moto_account, "fraudlab-r-endpoint", tagged=tags(**{"fraudlab:owner": "ann"}))
    later = datetime.now(UTC) + timedelta(days=3)
    rate = packaged_prices().hourly("eu-west-1", Component.hosting, "ml.m5.large").usd
    head, line, end = cost_lines(moto_account, now=later)
    assert head == "MAY BE COSTING MONEY NOW (region eu-west-1):"
    assert "endpoint fraudlab-r-endpoint InService for 3 d: 1 × ml.m5.large" in line
    assert f"${rate:.2f} per hour, about ${rate * 72:.2f} so far by list, of ann" in line
    assert end == "  take it away: fraudlab clean --cloud"


def test_a_price_that_is_not_known_is_said_to_be(moto_account):
    client = moto_account.client("sagemaker")
    make_endpoint(moto_account, "fraudlab-r-endpoint")
    variant = {"VariantName": "A", "ModelName": "fraudlab-r-endpoint", "InstanceType": "ml.inf1.xlarge"}
    client.create_endpoint_config(
        EndpointConfigName="other", ProductionVariants=[{**variant, "InitialInstanceCount": 1}]
    )
    client.delete_endpoint(EndpointName="fraudlab-r-endpoint")
    client.create_endpoint(EndpointName="fraudlab-r-endpoint", EndpointConfigName="other", Tags=tags())
    assert "price unknown" in cost_lines(moto_account)[1]


def test_the_prices_that_aws_was_asked_for_are_taken(moto_account, tmp_path):
    make_endpoint(moto_account, "fraudlab-r-endpoint")
    live = Price(7.0, "live", "2026-11-27", "AWS Pricing API")
    keep(tmp_path, "eu-west-1", [PriceRow("eu-west-1", Component.hosting, "ml.m5.large", live)])
    said = []
    say_costs(moto_account, said.append, cache=tmp_path)
    assert "$7.00 per hour" in said[1]


def test_models_and_configurations_cost_nothing(moto_account):
    make_endpoint(moto_account, "fraudlab-r-endpoint")
    moto_account.client("sagemaker").delete_endpoint(EndpointName="fraudlab-r-endpoint")
    assert cost_lines(moto_account) == []


def test_a_job_that_has_ended_costs_nothing_more(moto_account):
    """moto says Completed at once."""
    moto_account.client("sagemaker").create_training_job(
        TrainingJobName="fraudlab-r-train", Tags=tags(), **JOB
    )
    assert find_costing(moto_account)[0] == []


def test_what_could_not_be_asked_is_said(moto_account, monkeypatch):
    make_endpoint(moto_account, "fraudlab-r-endpoint")
    client = moto_account.client("sagemaker")
    refusal = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "ListTransformJobs")
    paginator = client.get_paginator

    def refusing(name):
        if name != "list_transform_jobs":
            return paginator(name)

        def paginate(**_):
            raise refusal

        return SimpleNamespace(paginate=paginate)

    monkeypatch.setattr(client, "get_paginator", refusing)
    lines = cost_lines(moto_account)
    assert lines[0].startswith("MAY BE COSTING MONEY NOW")
    assert lines[-1].startswith("Not everything could be asked: Listing each transform job failed")


def test_who_is_not_let_in_hears_it_once(moto_account, monkeypatch):
    refusal = ClientError({"Error": {"Code": "ExpiredToken", "Message": "expired"}}, "GetCallerIdentity")

    def refuse(*_, **__):
        raise refusal

    monkeypatch.setattr(moto_account.client("sts"), "get_caller_identity", refuse)
    monkeypatch.setattr(moto_account.client("sagemaker"), "get_paginator", pytest.fail)
    (line,) = cost_lines(moto_account)
    assert line.startswith(
        "What may be costing money in AWS could not be asked: Asking AWS who we are failed"
    )


@pytest.mark.parametrize(("number", "rehearsed"), [("000000000000", True), ("123456789012", False)])
def test_a_rehearsal_costs_nothing(number, rehearsed):
    assert is_rehearsed(SimpleNamespace(identity=Identity(number, "arn", "aws"))) is rehearsed


@pytest.mark.parametrize(
    ("seconds", "said"), [(-5, "0 s"), (12, "12 s"), (90, "2 min"), (7200, "2 h"), (86_400 * 2.4, "2 d")]
)
def test_an_age_is_said_in_its_unit(seconds, said):
    now = datetime(2026, 11, 27, tzinfo=UTC)
    assert age(now - timedelta(seconds=seconds), now) == said
