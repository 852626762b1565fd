"""The AWS account: by what moto answers, and where moto is too kind, by small accounts of our own."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from tests.moto_account import REGION, make_bucket, make_endpoint, make_role

from fraudlab.aws.account import Identity, open_account
from fraudlab.aws.answers import explained
from fraudlab.cloud_config import SageMakerConfig
from fraudlab.config import RunConfig, Via
from fraudlab.doctor.account_access import (
    check_credentials,
    check_pass_role,
    check_region,
    check_role,
    principal,
    told,
    trusts_sagemaker,
    with_identity,
)
from fraudlab.doctor.account_costs import check_costs
from fraudlab.doctor.account_storage import check_bucket, check_registry
from fraudlab.doctor.finding import State
from fraudlab.doctor.quota_checks import Wanted, check_quotas, compared, wanted_quotas
from fraudlab.plan.price_cache import keep
from fraudlab.plan.prices import Component, Price, PriceRow

USER = Identity("123456789012", "arn:aws:iam::123456789012:user/ann", "aws")
SESSION = Identity("123456789012", "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_x/ann", "aws")


def refusal(code, message="", operation="Operation", status=400):
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)


class FakeAccount:
    """Clients whose operations answer with what is given, or raise it."""

    def __init__(
        self, region=REGION, role_arn="arn:aws:iam::123456789012:role/fraudlab-execution", **answers
    ):
        self.region, self.role_arn, self.bucket, self.answers = region, role_arn, "fraudlab-x", answers
        self.identity, self.asked = USER, []

    def client(self, service):
        return SimpleNamespace(
            **{name: self._operation(name) for name in self.answers},
            get_paginator=lambda name: SimpleNamespace(paginate=lambda **_: self._operation(name)()),
        )

    def _operation(self, name):
        def call(**request):
            self.asked.append((name, request))
            answer = self.answers[name]
            if isinstance(answer, list) and answer and isinstance(answer[0], Exception | dict):
                answer = answer.pop(0) if len(answer) > 1 else answer[0]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


def one(findings):
    (finding,) = findings
    return finding


def test_credentials_that_work_say_whose_they_are(moto_account):
    lasting, who = check_credentials(moto_account)
    assert lasting.state is State.well
    assert "account 123456789012" in who.said


def test_without_credentials_the_first_finding_says_so_and_the_others_were_not_asked(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    account = open_account(SageMakerConfig(region=REGION))
    first = one(check_credentials(account))
    assert first.state is State.wrong
    assert "aws sso login" in first.fix
    other = one(with_identity("bucket", account, check_bucket)())
    assert (other.state, other.said) == (State.unknown, "not asked, because AWS did not say who you are")


@pytest.mark.parametrize(
    ("left", "state"),
    [(None, State.well), (timedelta(hours=8), State.well), (timedelta(minutes=20), State.note)],
)
def test_credentials_that_end_soon_are_told(left, state):
    end = None if left is None else datetime.now(UTC) + left
    account = SimpleNamespace(identity=SESSION, credentials_end=end)
    assert check_credentials(account)[0].state is state


def test_root_may_do_everything():
    root = Identity("123456789012", "arn:aws:iam::123456789012:root", "aws")
    assert check_credentials(SimpleNamespace(identity=root, credentials_end=None))[1].state is State.note


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (refusal("AccessDenied", "User: arn:x is not authorized to perform: iam:GetRole"), State.unknown),
        (refusal("ThrottlingException", "Rate exceeded"), State.unknown),
        (refusal("InternalFailure", "", status=500), State.unknown),
        (EndpointConnectionError(endpoint_url="https://x"), State.unknown),
        (refusal("InvalidClientTokenId", "no"), State.wrong),
        (refusal("ExpiredToken", "expired"), State.wrong),
    ],
)
def test_what_may_not_be_asked_is_unknown_and_never_well(error, state):
    fault = explained(error, doing="Asking")
    fault.__cause__ = error
    assert told("role", fault).state is state


@pytest.mark.parametrize(
    ("region", "state", "fix"),
    [
        ("eu-west-1", State.well, ""),
        ("cn-north-1", State.well, ""),
        ("us-gov-west-1", State.well, ""),
        ("eu-wset-1", State.wrong, "did you mean 'eu-west-1'?"),
    ],
)
def test_a_region_has_sagemaker(region, state, fix):
    finding = one(check_region(SimpleNamespace(region=region)))
    assert finding.state is state
    assert fix in finding.fix


def test_no_region_is_wrong(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    finding = one(check_region(open_account(SageMakerConfig())))
    assert finding.state is State.wrong
    assert "sagemaker.region=" in finding.fix


def test_the_role_is_there_and_sagemaker_may_take_it_on(moto_account):
    missing = one(check_role(moto_account, USER))
    assert missing.state is State.wrong
    assert "infra/" in missing.fix
    make_role(moto_account)
    assert one(check_role(moto_account, USER)).state is State.well


def test_a_role_of_another_service_is_wrong(moto_account):
    make_role(moto_account, service="lambda.amazonaws.com")
    finding = one(check_role(moto_account, USER))
    assert finding.state is State.wrong
    assert "update-assume-role-policy" in finding.fix


SAGEMAKER = {"Service": "sagemaker.amazonaws.com"}


def statement(effect, who, action="sts:AssumeRole"):
    return {"Effect": effect, "Principal": who, "Action": action}


@pytest.mark.parametrize(
    ("policy", "trusts"),
    [
        ({"Statement": statement("Allow", SAGEMAKER)}, True),
        ({"Statement": [statement("Allow", {"Service": ["x", "sagemaker.amazonaws.com"]})]}, True),
        ({"Statement": [statement("Allow", "*", ["sts:*"])]}, True),
        ({"Statement": [statement("Deny", SAGEMAKER)]}, False),
        ({"Statement": [statement("Allow", {"AWS": "arn:aws:iam::1:root"})]}, False),
        ({"Statement": [statement("Allow", SAGEMAKER, "sts:TagSession")]}, False),
        (json.dumps({"Statement": [statement("Allow", SAGEMAKER)]}), True),
        ({}, False),
    ],
)
def test_a_trust_policy_is_read(policy, trusts):
    assert trusts_sagemaker(policy) is trusts


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ({"EvaluationResults": [{"EvalDecision": "allowed"}]}, State.well),
        ({"EvaluationResults": [{"EvalDecision": "implicitDeny"}]}, State.wrong),
        ({"EvaluationResults": [{"EvalDecision": "explicitDeny"}]}, State.wrong),
        ({"EvaluationResults": []}, State.unknown),
        (refusal("AccessDenied", "is not authorized to perform: iam:SimulatePrincipalPolicy"), State.unknown),
        (refusal("InternalFailure", status=500), State.unknown),
    ],
)
def test_passing_the_role_is_as_the_simulator_says(answer, state):
    account = FakeAccount(simulate_principal_policy=answer)
    assert one(check_pass_role(account, USER)).state is state
    ((_, request),) = account.asked
    assert request["PolicySourceArn"] == USER.arn
    assert request["ContextEntries"][0]["ContextKeyValues"] == ["sagemaker.amazonaws.com"]


def test_a_session_is_asked_for_by_its_role():
    arn = "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_x"
    assert principal(FakeAccount(get_role={"Role": {"Arn": arn}}), SESSION) == arn
    denied = FakeAccount(get_role=refusal("AccessDenied"))
    assert principal(denied, SESSION) == "arn:aws:iam::123456789012:role/AWSReservedSSO_x"
    assert principal(denied, Identity("1", "arn:aws:iam::1:root", "aws")) is None


def test_a_bucket_of_ours(moto_account):
    assert one(check_bucket(moto_account, USER)).state is State.wrong
    make_bucket(moto_account)
    states = {finding.check: finding.state for finding in check_bucket(moto_account, USER)}
    assert states["bucket"] is State.well
    assert states["bucket: versioning"] is State.note
    assert states["bucket: object lock"] is State.well


def test_a_bucket_of_another_region(moto_account):
    make_bucket(open_account(SageMakerConfig(region="us-west-2")), moto_account.bucket, region="us-west-2")
    finding = one(check_bucket(moto_account, USER))
    assert finding.state is State.wrong
    assert "sagemaker.region=us-west-2" in finding.fix


@pytest.mark.parametrize(
    ("heads", "said"),
    [
        ([refusal("403"), {}], "is not of your account"),
        ([refusal("403"), refusal("403")], "or you may not use it"),
        ([refusal("404"), {}], "there is no bucket"),
    ],
)
def test_somebody_elses_bucket(heads, said):
    finding = one(check_bucket(FakeAccount(head_bucket=heads), USER))
    assert finding.state is State.wrong
    assert said in finding.said


LOCKED = {"ObjectLockConfiguration": {"Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 30}}}}


@pytest.mark.parametrize(
    ("lock", "state"),
    [
        (LOCKED, State.wrong),
        ({"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}}, State.well),
        (refusal("ObjectLockConfigurationNotFoundError"), State.well),
        (refusal("AccessDenied"), State.unknown),
    ],
)
def test_a_bucket_that_locks_its_objects(lock, state):
    account = FakeAccount(
        head_bucket={},
        get_bucket_location={"LocationConstraint": REGION},
        get_bucket_versioning={"Status": "Enabled"},
        get_object_lock_configuration=lock,
        get_bucket_encryption=refusal("ServerSideEncryptionConfigurationNotFoundError"),
    )
    states = {finding.check: finding.state for finding in check_bucket(account, USER)}
    assert states["bucket: object lock"] is state
    assert states["bucket: encryption"] is State.note


def test_a_registry_whose_tags_stay(moto_account):
    missing = one(check_registry(moto_account, USER, repository="fraudlab-xgboost"))
    assert missing.state is State.wrong
    assert "create-repository" in missing.fix
    ecr = moto_account.client("ecr")
    ecr.create_repository(repositoryName="fraudlab-xgboost", imageTagMutability="IMMUTABLE")
    ecr.create_repository(repositoryName="loose")
    assert one(check_registry(moto_account, USER, repository="fraudlab-xgboost")).state is State.well
    assert check_registry(moto_account, USER, repository="loose")[1].state is State.note


def test_every_component_and_type_has_its_quota():
    config = RunConfig()
    config.compute.train.instance_type, config.compute.train.instance_count = "ml.m5.4xlarge", 2
    counts = {quota.name: quota.count for quota in wanted_quotas(config)}
    assert counts == {
        "ml.m5.xlarge for processing job usage": 1,
        "ml.m5.4xlarge for training job usage": 2,
        "ml.m5.4xlarge for spot training job usage": 0,
        "ml.m5.4xlarge for training warm pool usage": 0,
        "ml.m5.xlarge for transform job usage": 1,
        "ml.m5.large for endpoint usage": 0,
    }
    config.sagemaker.spot, config.sagemaker.warm_pool_minutes = True, 10
    counts = {quota.name: quota.count for quota in wanted_quotas(config)}
    assert counts["ml.m5.4xlarge for training job usage"] == 0
    assert counts["ml.m5.4xlarge for spot training job usage"] == 2
    assert counts["ml.m5.4xlarge for training warm pool usage"] == 2


@pytest.mark.parametrize(
    ("via", "transform", "endpoint"), [(Via.auto, 1, 0), (Via.transform, 1, 0), (Via.endpoint, 0, 1)]
)
def test_a_run_takes_of_one_way_to_score_only(via, transform, endpoint):
    config = RunConfig()
    config.evaluation.via = via
    counts = {quota.name: quota.count for quota in wanted_quotas(config)}
    assert counts["ml.m5.xlarge for transform job usage"] == transform
    assert counts["ml.m5.large for endpoint usage"] == endpoint


@pytest.mark.parametrize(
    ("count", "value", "state"),
    [
        (1, 4.0, State.well),
        (2, 1.0, State.wrong),
        (1, 0.0, State.wrong),
        (0, 0.0, State.note),
        (0, 3.0, State.well),
        (1, None, State.unknown),
        (0, None, State.unknown),
    ],
)
def test_a_quota_is_enough_or_says_how_to_ask_for_more(count, value, state):
    quota = None if value is None else {"QuotaName": "q", "QuotaCode": "L-1", "Value": value}
    finding = compared(Wanted("q", count), quota, region=REGION)
    assert finding.state is state
    if state is State.wrong:
        assert f"--quota-code L-1 --desired-value {count} --region {REGION}" in finding.fix
        assert f"https://{REGION}.console.aws.amazon.com/servicequotas" in finding.fix


def test_quotas_that_nobody_changed_are_among_the_defaults():
    pages = FakeAccount(
        list_service_quotas=[{"Quotas": [{"QuotaName": "a", "QuotaCode": "L-1", "Value": 1.0}]}],
        list_aws_default_service_quotas=[{"Quotas": [{"QuotaName": "b", "QuotaCode": "L-2", "Value": 0.0}]}],
    )
    pages.client = lambda _: SimpleNamespace(
        get_paginator=lambda name: SimpleNamespace(paginate=lambda **_: pages.answers[name])
    )
    states = [
        one.state
        for one in check_quotas(pages, USER, wanted=[Wanted("a", 1), Wanted("b", 1), Wanted("c", 0)])
    ]
    assert states == [State.well, State.wrong, State.unknown]


def test_quotas_that_may_not_be_read_are_unknown():
    account = FakeAccount(list_service_quotas=refusal("AccessDeniedException", "no"))
    ask = with_identity("quotas", account, lambda a, i: check_quotas(a, i, wanted=[Wanted("a", 1)]))
    assert one(ask()).state is State.unknown


def test_costs_are_by_the_prices_that_aws_was_asked_for(moto_account, tmp_path):
    make_endpoint(moto_account, "fraudlab-r-endpoint")
    row = PriceRow("eu-west-1", Component.hosting, "ml.m5.large", Price(7.0, "live", "2026-11-27", "API"))
    keep(tmp_path, "eu-west-1", [row])
    assert "$7.00 per hour" in one(check_costs(moto_account, USER, cache=tmp_path)).said


def test_what_may_be_costing_money_is_said(moto_account):
    assert one(check_costs(moto_account, USER)).state is State.well
    make_endpoint(moto_account, "fraudlab-r-endpoint")
    finding = one(check_costs(moto_account, USER))
    assert (finding.state, finding.fix) == (State.note, "fraudlab clean --cloud")
    assert "MAY BE COSTING MONEY" in finding.said
    assert "1 × ml.m5.large" in finding.said


def test_what_may_be_costing_money_is_listed_once_and_said_whole(moto_account, monkeypatch):
    """Also where something else could not be listed, which is said beside it."""
    make_endpoint(moto_account, "fraudlab-a-endpoint")
    make_endpoint(moto_account, "fraudlab-b-endpoint")
    client, asked = moto_account.client("sagemaker"), []
    paginator = client.get_paginator

    def counting(name):
        asked.append(name)
        if name == "list_transform_jobs":
            raise refusal("AccessDeniedException", "no")
        return paginator(name)

    monkeypatch.setattr(client, "get_paginator", counting)
    costs, missing = check_costs(moto_account, USER)
    assert (costs.state, missing.state) == (State.note, State.unknown)
    assert costs.said.count("endpoint fraudlab-") == 2
    assert costs.said.endswith("so far by list")
    assert "Listing each transform job" in missing.said
    assert asked.count("list_endpoints") == 1
