"""An endpoint that stays: made, updated, taken back, taken away; and nothing of anybody else's."""

import pytest
from botocore.exceptions import ClientError
from tests.moto_account import make_endpoint

from fraudlab.api_requests import CloudOptions, Placement
from fraudlab.cloud.endpoint_states import Waiting, state_of
from fraudlab.cloud.standing_endpoint import Deployed, deploy, take_away
from fraudlab.cloud.standing_requests import endpoint_name, standing_requests
from fraudlab.config import RunConfig
from fraudlab.errors import BackendError, ConfigError, EndpointError

NAME = "fraudlab-scoring"
PLACEMENT = Placement(
    image="123456789012.dkr.ecr.eu-west-1.amazonaws.com/fraudlab-xgboost:0.1.0-abc",
    role_arn="arn:aws:iam::123456789012:role/fraudlab-execution",
    cloud=CloudOptions(root="s3://b/fraudlab", owner="ann", commit="c" * 40),
)


def wanted(run="r1", name=NAME, instance_type="ml.m5.large"):
    config = RunConfig()
    config.compute.serve.instance_type = instance_type
    data = f"s3://b/fraudlab/runs/{run}/deployed/x/model.tar.gz"
    return standing_requests(config, PLACEMENT, name=name, run_id=run, model_data=data)


def made(account):
    client = account.client("sagemaker")
    return (
        [one["EndpointName"] for one in client.list_endpoints()["Endpoints"]],
        [one["EndpointConfigName"] for one in client.list_endpoint_configs()["EndpointConfigs"]],
        [one["ModelName"] for one in client.list_models()["Models"]],
    )


@pytest.fixture
def account(moto_account, monkeypatch):
    """moto's, whose UpdateEndpoint, which moto has not, takes effect at once."""
    client = moto_account.client("sagemaker")
    describe, current, status = client.describe_endpoint, {}, {}

    def described(*, EndpointName):
        found = describe(EndpointName=EndpointName)
        return {
            **found,
            "EndpointConfigName": current.get(EndpointName, found["EndpointConfigName"]),
            **status,
        }

    def update(*, EndpointName, EndpointConfigName):
        current[EndpointName] = EndpointConfigName

    monkeypatch.setattr(client, "describe_endpoint", described)
    monkeypatch.setattr(client, "update_endpoint", update)
    moto_account.status = status
    return moto_account


QUICK = Waiting(poll_seconds=0, patience_seconds=0)


def test_it_is_made_with_a_model_and_a_configuration_of_its_own(account):
    first = wanted()
    assert deploy(account, first, waiting=QUICK) is Deployed.created
    name = first.model["ModelName"]
    assert made(account) == ([NAME], [name], [name])
    assert state_of(account, NAME).status == "InService"


def test_the_same_again_changes_nothing(account):
    deploy(account, wanted(), waiting=QUICK)
    before = made(account)
    assert deploy(account, wanted(), waiting=QUICK) is Deployed.unchanged
    assert made(account) == before


@pytest.mark.parametrize("new", [{"run": "r2"}, {"instance_type": "ml.m5.xlarge"}])
def test_an_update_leaves_only_what_answers(account, new):
    deploy(account, wanted(), waiting=QUICK)
    second = wanted(**new)
    assert deploy(account, second, waiting=QUICK) is Deployed.updated
    name = second.config["EndpointConfigName"]
    assert made(account) == ([NAME], [name], [name])
    assert state_of(account, NAME).config == name


def test_an_update_that_aws_takes_back_leaves_the_earlier_model(account, monkeypatch):
    first = wanted()
    deploy(account, first, waiting=QUICK)
    client = account.client("sagemaker")
    monkeypatch.setattr(
        client, "update_endpoint", lambda **_: account.status.update(FailureReason="no ping.")
    )
    with pytest.raises(EndpointError) as error:
        deploy(account, wanted("r2"), waiting=QUICK)
    assert (
        error.value.message
        == f"AWS took the update of {NAME} back (no ping); the earlier model answers as before."
    )
    name = first.config["EndpointConfigName"]
    assert made(account) == ([NAME], [name], [name])


def test_an_update_that_is_refused_leaves_the_earlier_model(account, monkeypatch):
    first = wanted()
    deploy(account, first, waiting=QUICK)

    def refuse(**_):
        words = (
            "The account-level service limit 'ml.m5.large for endpoint usage' is 1 Instances, with current"
        )
        raise ClientError({"Error": {"Code": "ResourceLimitExceeded", "Message": words}}, "UpdateEndpoint")

    monkeypatch.setattr(account.client("sagemaker"), "update_endpoint", refuse)
    with pytest.raises(BackendError, match="ml.m5.large for endpoint usage"):
        deploy(account, wanted("r2"), waiting=QUICK)
    name = first.config["EndpointConfigName"]
    assert made(account) == ([NAME], [name], [name])


def test_an_endpoint_that_does_not_come_up_leaves_nothing(account):
    account.status.update(EndpointStatus="Failed", FailureReason="did not pass the ping health check.")
    with pytest.raises(
        EndpointError, match=r"is Failed, not in service \(did not pass the ping health check\)"
    ):
        deploy(account, wanted(), waiting=QUICK)
    assert made(account) == ([], [], [])


def test_one_that_has_failed_is_made_anew(account):
    deploy(account, wanted(), waiting=QUICK)
    account.status.update(EndpointStatus="Failed", FailureReason="x")
    said = []

    def say(text):
        said.append(text)
        account.status.clear()

    assert deploy(account, wanted("r2"), waiting=Waiting(poll_seconds=0, say=say)) is Deployed.created
    assert said[0] == f"endpoint {NAME} had failed (x); it is made anew"


def test_an_interrupted_creation_leaves_nothing(account, monkeypatch):
    create = account.client("sagemaker").create_endpoint

    def interrupted(**request):
        create(**request)
        raise KeyboardInterrupt

    monkeypatch.setattr(account.client("sagemaker"), "create_endpoint", interrupted)
    with pytest.raises(KeyboardInterrupt):
        deploy(account, wanted(), waiting=QUICK)
    assert made(account) == ([], [], [])


@pytest.mark.parametrize("tagged", [[], [{"Key": "project", "Value": "fraud"}]])
def test_somebody_elses_endpoint_is_neither_updated_nor_taken_away(account, tagged):
    make_endpoint(account, NAME, tagged=tagged)
    for call in (
        lambda: deploy(account, wanted(), waiting=QUICK),
        lambda: take_away(account, NAME, waiting=QUICK),
    ):
        with pytest.raises(BackendError, match="that fraudlab did not make"):
            call()
    assert made(account) == ([NAME], [NAME], [NAME])


@pytest.mark.parametrize("status", ["OutOfService", "UpdateRollbackFailed"])
def test_what_cannot_be_updated_says_so(account, status):
    deploy(account, wanted(), waiting=QUICK)
    account.status.update(EndpointStatus=status)
    with pytest.raises(BackendError, match=status) as error:
        deploy(account, wanted("r2"), waiting=QUICK)
    assert "--undeploy" in error.value.fix


def test_undeploy_takes_all_of_it_and_nothing_else(account):
    deploy(account, wanted(), waiting=QUICK)
    deploy(account, wanted(name="fraudlab-other"), waiting=QUICK)
    others = tuple([name for name in names if "other" in name] for names in made(account))
    gone = take_away(account, NAME, waiting=QUICK)
    assert [line.rpartition(" ")[0] for line in gone] == ["endpoint", "endpoint configuration", "model"]
    assert made(account) == others
    assert take_away(account, NAME, waiting=QUICK) == []


def test_undeploy_waits_for_one_that_is_being_made(account):
    deploy(account, wanted(), waiting=QUICK)
    account.status.update(EndpointStatus="Creating")
    take_away(account, NAME, waiting=Waiting(poll_seconds=0, say=lambda _: account.status.clear()))
    assert made(account) == ([], [], [])


def test_undeploy_takes_what_an_interrupted_update_has_left(account):
    deploy(account, wanted(), waiting=QUICK)
    left, client = wanted("r2"), account.client("sagemaker")
    client.create_model(**left.model)
    client.create_endpoint_config(**left.config)
    assert len(take_away(account, NAME, waiting=QUICK)) == 5
    assert made(account) == ([], [], [])


@pytest.mark.parametrize(
    ("given", "run", "name"),
    [
        (None, "20261127-1-baseline", "fraudlab-20261127-1-baseline"),
        ("scoring", "r", "fraudlab-scoring"),
        ("fraudlab-scoring", "r", "fraudlab-scoring"),
        ("a" * 54, "r", "fraudlab-" + "a" * 54),
    ],
)
def test_a_name_begins_as_all_of_ours_do(given, run, name):
    assert endpoint_name(given, run) == name


@pytest.mark.parametrize(
    "given", ["", "my_model", "a b", "-a", "a-", "é", "a" * 55, "fraudlab-" + "a" * 55, "a/b"]
)
def test_a_name_that_sagemaker_would_refuse_is_refused(given):
    with pytest.raises(ConfigError):
        endpoint_name(given, "r")


def test_parts_of_a_long_name_fit_and_differ_by_what_is_in_them():
    name = endpoint_name("a" * 54, "r")
    one, two, same = wanted("r1", name), wanted("r2", name), wanted("r1", name)
    names = [found.model["ModelName"] for found in (one, two, same)]
    assert all(len(found) <= 63 for found in names)
    assert names[0] != names[1]
    assert names[0] == names[2]
    assert one.config["ProductionVariants"][0]["ModelName"] == names[0]
    keys = {tag["Key"] for tag in one.endpoint["Tags"]}
    assert {
        "fraudlab:project",
        "fraudlab:run",
        "fraudlab:commit",
        "fraudlab:owner",
        "fraudlab:endpoint",
    } <= keys
