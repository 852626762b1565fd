"""`fraudlab runs list` shows detached runs and what they cost so far; who cannot be asked is said."""

import json
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from tests.moto_account import REGION, make_endpoint, tags

from fraudlab.aws.account import Account
from fraudlab.aws.answers import explained
from fraudlab.cli import main
from fraudlab.cloud import after_run
from fraudlab.errors import GateFailed
from fraudlab.plan.prices import Component, packaged_prices
from fraudlab.verbs import train

RATE = packaged_prices().hourly(REGION, Component.training, "ml.m5.xlarge").usd
CLOUD = {"region": REGION, "account": "123456789012", "bucket": "b", "prefix": "fraudlab"}
HANDLE = {"backend": "sagemaker", "job": "train", "output": "s3://b/o", "instance_type": "ml.m5.xlarge"}
#: an hour of one machine
RECORD = {
    "id": "r", "status": "detached", "backend": "sagemaker", "metrics": {}, "stages": {}, "ended": None,
    "error": {"message": "left", "fix": "f", "exit_code": 1}, "started": "2026-11-27T00:00:00Z",
    "cloud": CLOUD, "jobs": {"train": {**HANDLE, "name": "fraudlab-r-train", "instance_count": 1}},
    "billed_seconds": {"train": 3600},
}  # fmt: skip


@pytest.fixture
def account(moto_account, no_own_defaults):
    return moto_account


def write(name="r", **more):
    folder = Path("runs", name)
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({**RECORD, "id": name, **more}))
    return folder


def listed(capsys, *words):
    assert main(["runs", "list", *words]) == 0
    return capsys.readouterr()


def refuse_identity(monkeypatch):
    error = ClientError({"Error": {"Code": "ExpiredToken", "Message": "x"}}, "GetCallerIdentity")

    def refuse(_):
        raise explained(error, doing="Asking AWS who we are")

    monkeypatch.setattr(Account, "identity", property(refuse))


def test_a_detached_run_is_shown_with_what_it_has_cost(account, capsys):
    write()
    shown = listed(capsys)
    assert f"detached r: ${RATE:.2f} so far by list" in shown.out
    assert shown.err == ""


def test_what_goes_on_is_in_it_and_said_loudly(account, capsys):
    write()
    make_endpoint(account, "fraudlab-r-endpoint")
    make_endpoint(account, "fraudlab-s-endpoint", tagged=tags("s"))
    shown = listed(capsys)
    assert "so far by list; endpoint fraudlab-r-endpoint goes on\n" in shown.out
    assert "fraudlab-s-endpoint" not in shown.out
    assert "MAY BE COSTING MONEY NOW" in shown.err
    assert "fraudlab-s-endpoint" in shown.err


def test_a_job_that_has_ended_since_is_not_forgotten(account, capsys):
    write(billed_seconds={})
    assert "$0.00 so far by list; its train job has ended, which is not in it" in listed(capsys).out


@pytest.mark.parametrize("status", ["running", "dead", "detached"])
def test_every_run_that_has_not_ended_is_shown_so(account, capsys, status):
    write(status=status)
    assert f" r: ${RATE:.2f} so far by list" in listed(capsys).out


def test_an_account_that_cannot_be_asked_is_one_line_and_the_list_is_there(account, capsys, monkeypatch):
    write()
    write("s")
    refuse_identity(monkeypatch)
    shown = listed(capsys)
    assert f"detached r: ${RATE:.2f} by list when it was left; AWS could not be asked since" in shown.out
    (line,) = shown.err.splitlines()
    assert line.startswith("What may be costing money in AWS could not be asked: ")
    assert "fix: log in again" in line


def test_other_credentials_are_not_taken_for_nothing_running(account, capsys):
    write(cloud={**CLOUD, "account": "999999999999"})
    shown = listed(capsys)
    assert "AWS could not be asked since" in shown.out
    assert "account 999999999999 could not be asked: the credentials are of 123456789012" in shown.err


def test_json_has_the_figure(account, capsys):
    write()
    write("local", cloud=None)
    write("rehearsed", rehearsed=True)
    told = {one["id"]: one.get("usd_so_far", "none") for one in json.loads(listed(capsys, "--json").out)}
    assert told == {"r": pytest.approx(RATE), "local": "none", "rehearsed": 0}


@pytest.mark.parametrize("more", [{"cloud": None}, {"rehearsed": True}])
def test_runs_elsewhere_ask_nothing(no_own_defaults, capsys, monkeypatch, more):
    write(**more)
    monkeypatch.setattr(after_run, "open_account", lambda *_, **__: pytest.fail("AWS was asked"))
    assert listed(capsys).err == ""


@pytest.mark.parametrize("ends", [None, GateFailed("g", fix="f")])
def test_attach_says_what_may_be_costing_money_however_it_ends(account, capsys, monkeypatch, ends):
    folder = write()
    make_endpoint(account, "fraudlab-r-endpoint")

    def finished(*_, **__):
        if ends:
            raise ends
        from fraudlab.runs import Run

        return Run(folder)

    monkeypatch.setattr("fraudlab.workflow.finish_run", finished)
    assert main(["runs", "attach", "r"]) == (10 if ends else 0)
    assert "MAY BE COSTING MONEY NOW" in capsys.readouterr().err


@pytest.mark.parametrize("ends", [None, GateFailed("g", fix="f")])
def test_train_as_json_says_it_too_and_the_answer_stays_json(account, capsys, monkeypatch, ends):
    folder = write(status="running")
    make_endpoint(account, "fraudlab-r-endpoint")

    def carried_out(words, task):
        from fraudlab.runs import Run

        if ends:
            ends.run = folder
            task.failed(ends)
        else:
            task.completed(Run(folder))
        return 0

    monkeypatch.setattr(train, "_train", carried_out)
    monkeypatch.setattr("fraudlab.runs.Run.metrics", {})
    assert main(["train", "--json"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["run"] == "r"
    assert "MAY BE COSTING MONEY NOW" in shown.err


def test_attach_of_a_run_that_is_not_there_asks_nothing(no_own_defaults, monkeypatch):
    monkeypatch.setattr(after_run, "open_account", lambda *_, **__: pytest.fail("AWS was asked"))
    assert main(["runs", "attach", "runs/none"]) == 7
