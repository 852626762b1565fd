"""Whether a run is live is decided in about a second, whatever the network does."""

from __future__ import annotations

import importlib
import re
import socket
import sys
import time
from pathlib import Path
from subprocess import run

import pytest
from tests.comet_server import KEY

import fraudlab
from fraudlab.errors import TrackingError
from fraudlab.tracking.comet import internals, probe


@pytest.fixture
def listening():
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        yield silent.getsockname()[1]


@pytest.fixture
def account(monkeypatch):
    def at(port, key=KEY):
        monkeypatch.setenv("COMET_API_KEY", key)
        monkeypatch.setenv("COMET_URL_OVERRIDE", f"http://127.0.0.1:{port}/clientlib/")

    return at


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        return int(gone.getsockname()[1])


def test_a_server_that_is_not_there_costs_no_time(opened, account, monkeypatch):
    """It is asked once, and nobody waits; a busy machine changes neither that nor the process's seconds."""
    opened("offline")  # imports the SDK, which is not what is measured
    asked, connect = [], socket.socket.connect
    monkeypatch.setattr(socket.socket, "connect", lambda self, to: (asked.append(to), connect(self, to)))
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setattr(probe.why_not_online, "__defaults__", (60.0,))
    port = closed_port()
    account(port)
    began = time.process_time()
    experiment = opened("auto")

    assert time.process_time() - began < 1.5
    assert asked == [("127.0.0.1", port)]
    assert slept == []
    assert experiment.mode == "offline"
    assert experiment.note == "the Comet server cannot be reached (ConnectionError): offline archive"


def test_a_server_that_never_answers_costs_no_more_than_the_probe(opened, account, listening):
    account(listening)
    began = time.perf_counter()
    experiment = opened("auto")

    assert time.perf_counter() - began < 10  # the SDK alone would wait for minutes
    assert experiment.mode == "offline"
    assert experiment.note == "the Comet server did not answer in 1.5 s: offline archive"


def test_online_refuses_to_be_anything_else(opened, account, tmp_path):
    account(closed_port())

    with pytest.raises(
        TrackingError, match="tracking=online is not possible: the Comet server cannot"
    ) as caught:
        opened("online")

    assert caught.value.exit_code == 9
    assert "tracking=auto" in str(caught.value)
    assert list((tmp_path / "comet").iterdir()) == []


def test_online_without_a_key_names_the_variable(opened):
    with pytest.raises(TrackingError, match=r"no COMET_API_KEY\nfix: check COMET_API_KEY"):
        opened("online")


@pytest.mark.parametrize("key", ["not-the-key-of-anybody", "too*many*parts"])
def test_a_wrong_key_is_told_without_showing_it(opened, server, account, capfd, key):
    account(server.port, key)
    experiment = opened("auto")
    assert experiment.mode == "offline"
    assert "API key" in experiment.note or "COMET_API_KEY" in experiment.note

    with pytest.raises(TrackingError) as caught:
        opened("online")
    output = capfd.readouterr()
    assert key not in str(caught.value) + experiment.note + output.out + output.err


@pytest.mark.parametrize("mode", ["auto", "online", "offline"])
def test_a_key_that_cannot_be_read_is_refused_before_anything_starts(opened, account, mode):
    account(closed_port(), "malformed*key")

    with pytest.raises(TrackingError, match="COMET_API_KEY is malformed") as caught:
        opened(mode)

    assert "malformed*key" not in str(caught.value)


def test_a_gateway_that_answers_with_an_error_is_no_server(opened, server):
    server.broken = 503
    experiment = opened("auto")

    assert experiment.note == "the Comet server answered 503: offline archive"


def test_a_server_that_fails_after_the_probe_is_no_server_either(opened, server):
    server.refuses = {"sdk_error_code": 10001, "msg": "workspace risk does not exist"}
    began = time.perf_counter()
    experiment = opened("auto")

    assert time.perf_counter() - began < 20
    assert experiment.mode == "offline"
    assert "workspace risk does not exist" in experiment.note
    assert "\n" not in experiment.note


def test_the_key_may_carry_the_address_of_its_server(opened, server, monkeypatch):
    settings = importlib.import_module("comet_ml.config").CONFIG_MAP["comet.url_override"]
    monkeypatch.setitem(settings, "default", None)
    monkeypatch.delenv("COMET_URL_OVERRIDE")
    address = server.url.removesuffix("/clientlib/")
    monkeypatch.setenv("COMET_API_KEY", server.key_with_address(address))

    assert opened("auto").mode == "online"


def test_importing_tracking_imports_no_sdk():
    code = "import sys, fraudlab.tracking; sys.exit('comet_ml' in sys.modules)"

    assert run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_of_the_sdk_is_no_public_interface_is_in_one_file():
    private = re.compile(
        r"comet_ml(\.| import )(config|connection|offline|streamer|messages|authhook|file_uploader)\b"
    )
    users = {
        path.name
        for path in Path(fraudlab.__file__).parent.rglob("*.py")
        if private.search(path.read_text(encoding="utf-8"))
    }
    assert users == {"internals.py"}


@pytest.mark.parametrize("gone", ["get_backend_address", "get_api_key"])
def test_an_sdk_that_has_changed_costs_a_live_experiment_and_a_sentence(monkeypatch, gone):
    monkeypatch.setenv("AWS_PARTNER_APP_AUTH", "true")
    monkeypatch.setenv("AWS_PARTNER_APP_ARN", "arn:aws:sagemaker:eu-west-1:123456789012:partner-app/app-1")
    monkeypatch.setenv("AWS_PARTNER_APP_URL", "https://app.example")
    monkeypatch.setenv("COMET_API_KEY", "k" * 25)
    monkeypatch.delattr(importlib.import_module("comet_ml.config"), gone)
    monkeypatch.setattr(internals.importlib.metadata, "version", lambda _name: "3.59.0")
    reason = probe.why_not_online()
    assert reason.startswith("Comet's SDK cannot be asked for its server (AttributeError: ")
    assert "comet_ml 3.59.0 is installed, and tracking was tried with 3.58" in reason
