"""Comet's key and server; the key is never shown."""

import pytest

from fraudlab.doctor.comet import check_comet
from fraudlab.doctor.finding import State
from fraudlab.errors import TrackingError


def malformed():
    raise TrackingError(
        "COMET_API_KEY is malformed", fix="copy it again from the account's settings, or unset it"
    )


@pytest.mark.parametrize(
    ("mode", "unreadable", "why", "state"),
    [
        ("off", "broken", "no COMET_API_KEY", State.well),
        ("offline", "", "no COMET_API_KEY", State.well),
        ("auto", "", "", State.well),
        ("online", "", "", State.well),
        ("auto", "", "no COMET_API_KEY", State.note),
        ("online", "", "no COMET_API_KEY", State.wrong),
        ("online", "", "the Comet server cannot be reached (ConnectionError)", State.wrong),
        ("auto", ".comet.config is not text", "", State.wrong),
    ],
)
def test_comet(mode, unreadable, why, state):
    (finding,) = check_comet(mode, unreadable=lambda: unreadable, why_not_online=lambda: why)
    assert finding.state is state


def test_a_malformed_key_is_wrong_and_not_shown(monkeypatch):
    monkeypatch.setenv("COMET_API_KEY", "planted-secret*with*stars")
    (finding,) = check_comet("auto", unreadable=str, why_not_online=malformed)
    assert finding.state is State.wrong
    assert "planted" not in finding.said + finding.fix


def test_without_a_key_no_server_is_asked(monkeypatch, in_tmp):
    monkeypatch.setenv("HOME", str(in_tmp))
    (finding,) = check_comet("auto")
    assert finding.said == "no COMET_API_KEY: experiments are kept offline"
