"""`fraudlab clean --cloud` as it is called."""

import pytest
from tests.moto_account import make_bucket, make_endpoint

from fraudlab.cli import main
from fraudlab.cloud import agreement, cleaning

NAME = "fraudlab-r-endpoint"


@pytest.fixture
def account(moto_account, no_own_defaults):
    make_bucket(moto_account)
    return moto_account


def endpoints(account):
    return [one["EndpointName"] for one in account.client("sagemaker").list_endpoints()["Endpoints"]]


def test_nothing_is_said_to_be_nothing(account, capsys):
    assert main(["clean", "--cloud"]) == 0
    assert capsys.readouterr().out == "nothing to remove in account 123456789012, region eu-west-1\n"


def test_without_a_terminal_it_only_lists(account, capsys):
    make_endpoint(account, NAME)
    assert main(["clean", "--cloud"]) == 0
    shown = capsys.readouterr().out
    assert f"  endpoint {NAME} InService, " in shown
    assert "nothing was removed: add --yes to remove these 3" in shown
    assert endpoints(account) == [NAME]


def test_yes_removes_without_asking(account, capsys):
    make_endpoint(account, NAME)
    assert main(["clean", "--cloud", "--yes"]) == 0
    assert capsys.readouterr().out.count("removed: ") == 3
    assert endpoints(account) == []


@pytest.mark.parametrize(
    ("answer", "stays"), [("y", []), ("YES", []), ("", [NAME]), ("n", [NAME]), ("of course", [NAME])]
)
def test_at_a_terminal_it_asks(account, monkeypatch, answer, stays):
    make_endpoint(account, NAME)
    monkeypatch.setattr(cleaning, "can_ask", lambda: True)
    monkeypatch.setattr(
        cleaning, "agrees", lambda question: agreement.agrees(question, read=lambda _: answer)
    )
    assert main(["clean", "--cloud"]) == 0
    assert endpoints(account) == stays


def test_older_than_is_a_duration(account, capsys):
    make_endpoint(account, NAME)
    assert main(["clean", "--cloud", "--older-than", "7d", "--yes"]) == 0
    assert endpoints(account) == [NAME]
    assert main(["clean", "--cloud", "--older-than", "soon"]) == 2
    assert "--older-than" in capsys.readouterr().err


def test_what_could_not_be_looked_at_is_an_error_after_the_rest(moto_account, no_own_defaults, capsys):
    make_endpoint(moto_account, NAME)
    assert main(["clean", "--cloud", "--yes"]) == 4
    shown = capsys.readouterr()
    assert endpoints(moto_account) == []
    assert "no such bucket" in shown.err
    assert "1 of 4 could not be removed" in shown.err


@pytest.mark.parametrize("words", [["--yes"], ["--older-than", "7d"], ["sagemaker.region=eu-west-1"]])
def test_what_is_for_the_cloud_is_refused_without_it(words, capsys, in_tmp):
    assert main(["clean", *words]) == 2
    assert "fix: add --cloud" in capsys.readouterr().err
