"""What strangers' endpoints use stays, also where they may not be looked at."""

import pytest
from tests.cloud.test_clearing import account, left, planned, refusal, removed
from tests.moto_account import make_endpoint

from fraudlab.cloud.in_use import find_uses
from fraudlab.errors import BackendError

__all__ = ["account"]

OURS = "fraudlab-r-endpoint"


def hide(monkeypatch, client, operation, hidden, code="AccessDeniedException"):
    """Refuse to describe some."""
    describe = getattr(client, operation)

    def described(**name):
        if next(iter(name.values())) in hidden:
            raise refusal(code, "no", operation)
        return describe(**name)

    monkeypatch.setattr(client, operation, described)


def test_an_endpoint_that_may_not_be_looked_at_may_use_everything(account, monkeypatch):
    make_endpoint(account, OURS)
    client = account.client("sagemaker")
    client.create_endpoint(EndpointName="theirs", EndpointConfigName=OURS)
    hide(monkeypatch, client, "describe_endpoint", {"theirs"})
    clearing = removed(account)
    assert clearing.hidden == ["endpoint theirs"]
    assert clearing.stays == [
        f"endpoint configuration {OURS}: an endpoint that may not be looked at may use it",
        f"model {OURS}: an endpoint configuration that stays uses it",
    ]
    assert [one["EndpointName"] for one in client.list_endpoints()["Endpoints"]] == ["theirs"]
    assert left(account) == {"theirs", OURS}


def test_a_configuration_that_may_not_be_looked_at_may_use_every_model(account, monkeypatch):
    make_endpoint(account, OURS)
    make_endpoint(account, "theirs", tagged=[])
    hide(monkeypatch, account.client("sagemaker"), "describe_endpoint_config", {"theirs"})
    clearing = removed(account)
    assert clearing.hidden == ["endpoint configuration theirs"]
    reason = "an endpoint configuration that may not be looked at may use it"
    assert clearing.stays == [f"model {OURS}: {reason}"]


def test_what_is_gone_meanwhile_uses_nothing(account, monkeypatch):
    make_endpoint(account, OURS)
    make_endpoint(account, "theirs", tagged=[])
    client = account.client("sagemaker")
    hide(monkeypatch, client, "describe_endpoint", {"theirs"}, code="ResourceNotFound")
    assert find_uses(account, {"none"}).hidden_endpoints == []


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalFailure", "ExpiredTokenException"])
def test_what_cannot_be_asked_just_now_is_an_error_and_what_it_may_use_stays(account, monkeypatch, code):
    make_endpoint(account, OURS)
    make_endpoint(account, "theirs", tagged=[])
    hide(monkeypatch, account.client("sagemaker"), "describe_endpoint", {"theirs"}, code=code)
    with pytest.raises(BackendError):
        find_uses(account, set())
    clearing = planned(account)
    assert [removal.what.partition(" fraudlab")[0] for removal in clearing.removals] == ["endpoint"]
    assert all("could not be asked" in line for line in clearing.stays)
    assert clearing.unasked
