"""`fraudlab deploy` as it is called."""

import hashlib
import json
from pathlib import Path

import pytest
from tests.cloud.test_standing_endpoint import PLACEMENT

from fraudlab.cli import main
from fraudlab.cloud import agreement, deploying, local_endpoint
from fraudlab.cloud.standing_endpoint import Deployed
from fraudlab.plan.price_cache import keep
from fraudlab.plan.prices import Component, Price, PriceRow

RECORD = {"id": "r1", "status": "completed", "metrics": {}, "stages": {}, "error": None, "started": None}


@pytest.fixture
def run(no_own_defaults, monkeypatch):
    """A completed run, and a place in an account that has its image and its model."""
    folder = Path("runs", "r1")
    (folder / "model").mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({**RECORD, "ended": None}))
    for name in ("model.json", "model.tar.gz"):
        (folder / "model" / name).write_text("{}")
    monkeypatch.setattr(
        deploying, "_staged", lambda *_: (PLACEMENT, "s3://b/fraudlab/runs/r1/deployed/model.tar.gz")
    )
    return folder


def endpoints(account):
    return [one["EndpointName"] for one in account.client("sagemaker").list_endpoints()["Endpoints"]]


def test_it_shows_the_price_of_a_month_and_what_to_do_next(moto_account, run, capsys):
    assert main(["deploy", "r1", "--to", "sagemaker", "--name", "scoring", "--yes"]) == 0
    shown = capsys.readouterr().out
    assert "endpoint fraudlab-scoring: 1 × ml.m5.large in eu-west-1, $0.13 per hour, $" in shown
    assert "per month until it is taken away (list price, before discounts and tax)" in shown
    assert "ask it: fraudlab predict --endpoint fraudlab-scoring transactions.csv" in shown
    assert "fraudlab deploy --to sagemaker --name fraudlab-scoring --undeploy" in shown
    assert "MAY BE COSTING MONEY NOW" in shown
    assert endpoints(moto_account) == ["fraudlab-scoring"]


def test_the_prices_that_aws_was_asked_for_are_taken(moto_account, run, capsys):
    live = Price(7.0, "live", "2026-11-27", "AWS Pricing API")
    row = PriceRow("eu-west-1", Component.hosting, "ml.m5.large", live)
    keep(Path("runs", ".cache"), "eu-west-1", [row])
    assert main(["deploy", "r1", "--to", "sagemaker", "--yes"]) == 0
    price, *_, costing, _end = capsys.readouterr().out.splitlines()
    assert "$7.00 per hour, $5,110.00 per month" in price  # 730 hours
    assert "$7.00 per hour" in costing


def test_a_price_that_is_not_known_is_said_to_be(moto_account, run, capsys):
    words = ["compute.serve.instance_type=ml.inf1.xlarge", "--yes"]
    assert main(["deploy", "r1", "--to", "sagemaker", *words]) == 0
    assert "ml.inf1.xlarge in eu-west-1, price unknown" in capsys.readouterr().out


def test_without_a_terminal_and_without_yes_it_refuses(moto_account, run, capsys):
    assert main(["deploy", "r1", "--to", "sagemaker"]) == 2
    assert "fix: add --yes" in capsys.readouterr().err
    assert endpoints(moto_account) == []


@pytest.mark.parametrize(("answer", "made"), [("y", ["fraudlab-r1"]), ("", [])])
def test_at_a_terminal_it_asks(moto_account, run, monkeypatch, answer, made):
    monkeypatch.setattr(agreement, "can_ask", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: answer)
    monkeypatch.setattr(agreement.agrees, "__kwdefaults__", {"read": lambda _: answer})
    assert main(["deploy", "r1", "--to", "sagemaker"]) == 0
    assert endpoints(moto_account) == made


def test_undeploy_needs_no_run_on_this_disk(moto_account, run, capsys):
    main(["deploy", "r1", "--to", "sagemaker", "--yes"])
    assert main(["deploy", "r1", "--to", "sagemaker", "--undeploy", "--runs", "elsewhere"]) == 0
    assert endpoints(moto_account) == []
    assert main(["deploy", "--to", "sagemaker", "--name", "scroing", "--undeploy"]) == 6
    assert "There is no endpoint fraudlab-scroing in eu-west-1." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--to", "sagemaker"], 2, "Which run?"),
        (["--to", "sagemaker", "--undeploy"], 2, "Which endpoint?"),
        (["r1", "r2", "--to", "sagemaker"], 2, "are two runs"),
        (["none", "--to", "sagemaker", "--yes"], 7, "There is no run 'none'"),
        (["r1", "--to", "sagemaker", "--name", "my_model"], 2, "cannot be the name of an endpoint"),
        (["r1", "--to", "sagemaker", "backend=local"], 2, "--to say the same"),
        (["r1", "--to", "local", "--name", "x"], 2, "takes neither --name nor overrides"),
        (["none", "--to", "local"], 7, "There is no run 'none'"),
        (["none:production", "--to", "local"], 12, "There is no model 'none' in the registry"),
        (["none:3", "--to", "sagemaker", "--yes"], 12, "There is no model 'none' in the registry"),
    ],
)
def test_what_cannot_be_meant_is_refused(moto_account, run, capsys, words, code, said):
    assert main(["deploy", *words]) == code
    assert said in capsys.readouterr().err
    assert endpoints(moto_account) == []


def test_a_run_that_did_not_complete_is_not_deployed(moto_account, run, capsys):
    (run / "run.json").write_text(json.dumps({**RECORD, "status": "failed", "ended": None}))
    assert main(["deploy", "r1", "--to", "sagemaker", "--yes"]) == 7
    assert "is failed, not completed" in capsys.readouterr().err


def test_locally_it_is_the_script_of_make_up(run, tmp_path, monkeypatch):
    root = tmp_path / "checkout"
    (root / "containers").mkdir(parents=True)
    script = root / "containers" / "up.sh"
    script.write_text('#!/bin/sh\necho "$FRAUDLAB_MODEL" >asked\nexit 3\n')
    script.chmod(0o755)
    assert local_endpoint.deploy_locally("r1", runs=None, registry=Path("registry"), root=root) == 3
    assert (root / "asked").read_text().strip() == str((run / "model").resolve())


def test_an_installed_package_has_no_compose_file(run, tmp_path):
    with pytest.raises(local_endpoint.BackendError, match="needs a checkout"):
        local_endpoint.deploy_locally("r1", runs=None, registry=Path("registry"), root=tmp_path)


@pytest.fixture
def versions(run):
    """Two versions of a model, the second of them in production."""
    gates = ["registry=open", "registry.endpoint_answers=false"]
    for number in (1, 2):
        booster = b"booster %d" % number
        contract = {"hashes": {"model.ubj": hashlib.sha256(booster).hexdigest()}}
        (run / "model" / "model.ubj").write_bytes(booster)
        (run / "model" / "model.json").write_text(json.dumps(contract))
        (run / "model" / "model.tar.gz").write_text(f"archive {number}")
        assert main(["models", "register", "r1", "--name", "fraud"]) == 0
        assert main(["models", "promote", "fraud", "latest", "--to", "production", *gates]) == 0


def test_a_stage_has_one_endpoint_whichever_version_has_it(moto_account, versions, monkeypatch):
    sent, staged = [], deploying._staged

    def noted(config, found, archive, work):
        sent.append(archive.read_text())
        return staged()

    def deployed(_account, wanted, **_):
        sent.append(wanted.name)
        return Deployed.updated

    monkeypatch.setattr(deploying, "_staged", noted)
    monkeypatch.setattr(deploying, "deploy", deployed)
    for word in ("production", "1"):
        assert main(["deploy", f"fraud:{word}", "--to", "sagemaker", "--yes"]) == 0
    assert main(["models", "rollback", "fraud"]) == 0
    assert main(["deploy", "fraud:production", "--to", "sagemaker", "--yes"]) == 0
    standing, own = "fraudlab-fraud-production", "fraudlab-r1"
    assert sent == ["archive 2", standing, "archive 1", own, "archive 1", standing]
    assert main(["models", "verify"]) == 0, "a deployment leaves nothing in a version"


@pytest.mark.parametrize("word", ["fraud:production", "fraud:2"])
def test_what_a_version_was_deployed_as_is_taken_away_by_the_same_words(moto_account, versions, word):
    assert main(["deploy", word, "--to", "sagemaker", "--yes"]) == 0
    assert len(endpoints(moto_account)) == 1
    assert main(["deploy", word, "--to", "sagemaker", "--undeploy"]) == 0
    assert endpoints(moto_account) == []


def test_lineage_knows_the_endpoint_until_it_is_taken_away(moto_account, run, capsys):
    digest = "d" * 64
    (run / "model" / "model.json").write_text(json.dumps({"hashes": {"model.ubj": digest}}))
    assert main(["deploy", "r1", "--to", "sagemaker", "--name", "scoring", "--yes"]) == 0
    capsys.readouterr()
    assert main(["models", "lineage", digest]) == 0
    known = capsys.readouterr().out
    assert "run r1: completed" in known
    assert "endpoint fraudlab-scoring: sagemaker eu-west-1; deployed; since " in known
    assert main(["deploy", "--to", "sagemaker", "--name", "scoring", "--undeploy"]) == 0
    capsys.readouterr()
    assert main(["models", "lineage", digest]) == 0
    assert "fraudlab-scoring" not in capsys.readouterr().out
