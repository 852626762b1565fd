"""Comet as a Partner AI App: every call is signed for it, and what is missing is said before the first.

The signatures are checked by a server of our own, from AWS's specification; no Partner AI App of AWS's has
answered.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator

import pytest
from tests.comet_server import KEY, CometServer, PartnerApp, comet_server

from fraudlab.doctor.comet import check_comet
from fraudlab.errors import TrackingError
from fraudlab.tracking import upload
from fraudlab.tracking.comet.account import unreadable
from fraudlab.tracking.comet.partner_app import is_partner_app, partner_address, partner_problems
from fraudlab.tracking.comet.probe import why_not_online

ARN = "arn:aws:sagemaker:eu-west-1:123456789012:partner-app/app-ABCDEF012345"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
APP = {
    "AWS_PARTNER_APP_AUTH": "true",
    "AWS_PARTNER_APP_ARN": ARN,
    "AWS_PARTNER_APP_URL": "https://app.example",
}


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[PartnerApp]:
    """An app that checks signatures, and somebody who may call it."""
    from comet_ml.authhook import aws_sagemaker

    with comet_server() as running:
        running.partner_app = PartnerApp(arn=ARN, secrets={"AKIDEXAMPLE": SECRET})
        for name, value in APP.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_PARTNER_APP_URL", f"http://127.0.0.1:{running.port}")
        monkeypatch.setenv("COMET_URL_OVERRIDE", "")
        monkeypatch.delenv("COMET_URL_OVERRIDE")  # the SDK is told by a variable, which ends with the test
        monkeypatch.setenv("COMET_API_KEY", KEY)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
        aws_sagemaker.logout_aws_sagemaker()  # what the SDK knows of an earlier test
        running.partner_app.server = running  # type: ignore[attr-defined]
        yield running.partner_app
        aws_sagemaker.logout_aws_sagemaker()


def seen(app: PartnerApp) -> CometServer:
    found: CometServer = app.server  # type: ignore[attr-defined]
    return found


def test_every_call_of_a_live_experiment_is_signed(opened, app, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.ubj").write_bytes(b"trees" * 1000)
    (tmp_path / "model" / "model.json").write_text("{}")
    experiment = opened("online")
    experiment.log_parameters({"model": {"max_depth": 6}})
    for number, value in enumerate([0.5, 0.75]):
        experiment.log_metric("validation_aucpr", value, step=number)
    experiment.log_curve("precision recall + more", [0.0, 1.0], [0.0, 1.0])
    experiment.log_model("fraudlab weighted+1", tmp_path / "model")
    experiment.end("completed")

    assert app.refused == []
    assert experiment.problems == []
    assert len(app.passed) > 5
    assert seen(app).points("validation_aucpr") == [(0, 0.5), (1, 0.75)]
    assert seen(app).asset("model.ubj") == b"trees" * 1000
    assert seen(app).paths == list(app.passed)


def test_an_archive_is_uploaded_with_signed_calls(opened, app, monkeypatch, tmp_path):
    with monkeypatch.context() as job:
        for name in (*APP, "COMET_API_KEY"):
            job.delenv(name)
        experiment = opened("offline")
        experiment.log_metric("validation_aucpr", 0.5, step=0)
        (archive,) = experiment.end()
    assert upload([archive], tmp_path / "uploaded.json") == [archive]
    assert app.refused == []
    assert seen(app).points("validation_aucpr") == [(0, 0.5)]


def test_the_registry_is_asked_with_signed_calls(app):
    from fraudlab.tracking.comet.sdk import load_sdk

    assert load_sdk().API().get_registry_model_names("risk") == []
    assert app.refused == []
    assert any("registry-model" in call for call in app.passed)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "another"}, "the Partner AI App refused a signed call (403)"),
        ({"AWS_ACCESS_KEY_ID": "AKIDNOBODY"}, "sagemaker:CallPartnerAppApi"),
        ({"AWS_PARTNER_APP_ARN": ARN.replace("eu-west-1", "us-east-1")}, "(403)"),
        ({"AWS_PARTNER_APP_ARN": ARN[:-1] + "6"}, "(403)"),
    ],
    ids=["another secret", "another person", "another region", "another app"],
)
def test_who_may_not_call_it_is_told_so_and_works_offline(opened, app, monkeypatch, changes, reason):
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    assert reason in why_not_online(timeout=30)
    assert app.passed == []
    assert seen(app).runs == {}
    monkeypatch.setattr("fraudlab.tracking.comet.probe.PROBE_SECONDS", 30)
    assert "(403)" in check_comet("auto")[0].said


def test_without_aws_credentials_nothing_is_sent(app, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    assert why_not_online() == "there are no AWS credentials to sign calls to the Partner AI App with"
    assert app.passed == app.refused == []


def carrying(url: str) -> str:
    return f"{'k' * 25}*{base64.b64encode(json.dumps({'baseUrl': url}).encode()).decode()}"


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({}, []),
        ({"AWS_PARTNER_APP_AUTH": " True "}, []),
        ({"AWS_PARTNER_APP_AUTH": "1"}, []),
        ({"AWS_PARTNER_APP_AUTH": "maybe"}, ["AWS_PARTNER_APP_AUTH=maybe is neither true nor false"]),
        ({"AWS_PARTNER_APP_AUTH": "false", "AWS_PARTNER_APP_ARN": "x"}, []),
        ({"AWS_PARTNER_APP_AUTH": "0", "AWS_PARTNER_APP_URL": ""}, []),
        ({"AWS_PARTNER_APP_AUTH": ""}, []),
        ({"AWS_PARTNER_APP_ARN": ""}, ["AWS_PARTNER_APP_AUTH is set, and AWS_PARTNER_APP_ARN is not"]),
        (
            {"AWS_PARTNER_APP_ARN": "arn:aws:sagemaker:eu-west-1:12:partner-app/a"},
            ["AWS_PARTNER_APP_ARN is not arn:aws:sagemaker:REGION:ACCOUNT:partner-app/ID"],
        ),
        ({"AWS_PARTNER_APP_ARN": ARN.replace("aws:", "aws-us-gov:", 1)}, []),
        ({"AWS_PARTNER_APP_ARN": ARN.replace("partner-app", "endpoint")}, ["AWS_PARTNER_APP_ARN is not"]),
        ({"AWS_PARTNER_APP_URL": "app.example"}, ["AWS_PARTNER_APP_URL is no https address"]),
        ({"AWS_PARTNER_APP_URL": "http://app.example"}, ["AWS_PARTNER_APP_URL is no https address"]),
        ({"AWS_PARTNER_APP_URL": "https://app.example:x"}, ["AWS_PARTNER_APP_URL is no https address"]),
        (
            {"AWS_PARTNER_APP_URL": "", "AWS_PARTNER_APP_ARN": ""},
            [
                "AWS_PARTNER_APP_ARN is not",
                "neither AWS_PARTNER_APP_URL nor the API key says where",
            ],
        ),
        ({"AWS_PARTNER_APP_URL": "", "COMET_API_KEY": carrying("https://app.example")}, []),
        ({"COMET_API_KEY": carrying("https://app.example/")}, []),
        (
            {"COMET_API_KEY": carrying("https://www.comet.com")},
            ["AWS_PARTNER_APP_URL and COMET_API_KEY name different servers"],
        ),
        ({"COMET_URL_OVERRIDE": "https://app.example:443/clientlib/"}, []),
        (
            {"COMET_URL_OVERRIDE": "https://www.comet.com/clientlib/"},
            ["AWS_PARTNER_APP_URL and COMET_URL_OVERRIDE name different servers"],
        ),
        ({"AWS_PARTNER_APP_URL": "", "COMET_URL_OVERRIDE": "https://app.example/clientlib/"}, []),
    ],
    ids=lambda value: (
        ",".join(f"{k[16:]}={v[:30]}" for k, v in value.items()) if isinstance(value, dict) else ""
    ),
)
def test_what_is_missing_or_contradicts_itself_is_said_at_once(changes, problems, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name, value in (APP | changes).items():
        monkeypatch.setenv(name, value)
    said = unreadable()
    assert bool(said) == bool(problems), said
    assert len(said.split("; ")) == max(1, len(problems))
    for problem in problems:
        assert problem in said
    assert "kkkkk" not in said


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://app.example", "https://app.example/clientlib/"),
        ("https://app.example/", "https://app.example/clientlib/"),
        (" https://app.example:8443 ", "https://app.example:8443/clientlib/"),
        ("https://app.example/comet/clientlib/", "https://app.example/comet/clientlib/"),
        ("", None),
    ],
)
def test_the_address_of_an_app_is_that_of_its_interface(url, address):
    assert partner_address(APP | {"AWS_PARTNER_APP_URL": url}) == address


@pytest.mark.parametrize("said", ["false", "no", "0", "off", "", "False"])
def test_a_no_is_a_no_for_the_sdk_too(said, monkeypatch):
    """The SDK signs wherever the variable is set at all."""
    from comet_ml.authhook import aws_sagemaker

    from fraudlab.tracking.comet.sdk import load_sdk

    monkeypatch.setenv("AWS_PARTNER_APP_AUTH", said)
    assert not is_partner_app()
    load_sdk()
    assert "AWS_PARTNER_APP_AUTH" not in os.environ
    assert not aws_sagemaker.is_in_aws_sagemaker()
    assert partner_problems({"AWS_PARTNER_APP_ARN": ARN}) == []


def test_online_is_refused_with_all_that_is_missing(opened, monkeypatch):
    monkeypatch.setenv("AWS_PARTNER_APP_AUTH", "true")
    monkeypatch.setenv("COMET_API_KEY", KEY)
    with pytest.raises(
        TrackingError, match="tracking=online is not possible: .*ARN is not; .*where the app is"
    ):
        opened("online")
