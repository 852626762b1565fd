"""Which account a configuration means: a rehearsal's is never the real one."""

import pytest

from fraudlab.backends import rehearsal as rehearsal_backend
from fraudlab.backends.aws import rehearsal_process
from fraudlab.backends.aws.rehearsal_process import Announced
from fraudlab.cloud import cleaning, configured_account, deploying
from fraudlab.cloud.configured_account import account_of
from fraudlab.compose import compose
from fraudlab.doctor import checkup
from fraudlab.doctor.account_access import check_role
from fraudlab.doctor.account_storage import check_bucket, check_registry
from fraudlab.doctor.finding import State

URL = "http://127.0.0.1:9"
FOUND = Announced(
    url=URL, pid=1, region="us-east-1", account="000000000000", access_key="k", secret_key="s", registry=None,
    role="arn:aws:iam::000000000000:role/r", bucket="fraudlab-000000000000-us-east-1",
)  # fmt: skip


@pytest.fixture
def announced(monkeypatch, no_own_defaults):
    monkeypatch.setattr(rehearsal_backend, "_rehearsal", lambda config: FOUND)
    monkeypatch.setattr(rehearsal_process, "furnish", lambda account, *, repository: None)
    monkeypatch.setenv("AWS_PROFILE", "a-profile-that-is-not-there")


@pytest.mark.usefixtures("announced")
@pytest.mark.parametrize(
    "more",
    [
        [],
        ["sagemaker.profile=mine"],
        ["sagemaker.region=eu-west-1"],
        ["rehearsal.endpoint=http://127.0.0.1:9"],
    ],
)
def test_a_configuration_that_rehearses_means_the_rehearsal(more):
    account = account_of(compose(["backend=rehearsal", *more]))
    assert account.endpoint_url == URL
    assert (account.region, account.bucket) == ("us-east-1", FOUND.bucket)
    assert account.client("s3").meta.endpoint_url == URL


@pytest.mark.parametrize("backend", ["sagemaker", "local", "process"])
def test_every_other_means_the_account_of_sagemaker(no_own_defaults, monkeypatch, backend):
    monkeypatch.setattr(rehearsal_backend, "_rehearsal", lambda config: pytest.fail("a rehearsal was asked"))
    account = account_of(compose([f"backend={backend}", "sagemaker.region=eu-west-1"]))
    assert (account.endpoint_url, account.region) == (None, "eu-west-1")


def test_every_command_that_names_an_account_asks_here():
    """None of them opens one by itself."""
    assert cleaning.account_of is deploying.account_of is configured_account.account_of
    assert not hasattr(checkup, "open_account")


def test_a_rehearsals_account_has_what_a_run_would_find_there(rehearsal, no_own_defaults):
    """It is new to the repository, which is made where it is missing; no run was there before."""
    words = ["backend=rehearsal", f"rehearsal.endpoint={rehearsal['url']}", "sagemaker.repository=new-here"]
    account = account_of(compose(words))
    identity = account.identity
    for finding in (
        *check_registry(account, identity, repository="new-here"),
        *check_role(account, identity),
        check_bucket(account, identity)[0],
    ):
        assert finding.state is State.well, finding
