"""Comet's configuration read without the SDK says what the SDK would have said."""

from __future__ import annotations

import base64
import importlib
import json
import sys

import pytest

from fraudlab.errors import TrackingError
from fraudlab.tracking.comet import account, probe
from fraudlab.tracking.comet.sdk import load_sdk


def carrying(about, *, padding=True):
    text = base64.b64encode(json.dumps(about).encode()).decode()
    return f"{'k' * 25}*{text if padding else text.rstrip('=')}"


def encoded(content):
    return "k*" + base64.b64encode(content).decode()


HOSTS = ["http://h" + "x" * extra for extra in range(4)]
KEYS = {
    "plain": "k" * 25,
    "with blanks": "  k  ",
    "empty": "",
    "a server": carrying({"baseUrl": "https://own.example"}),
    "a server and a path": carrying({"baseUrl": "https://own/x/"}),
    "no server": carrying({"other": 1}),
    "null": carrying(None),
    "a list": carrying([]),
    "a number": carrying(5),
    "a star at its end": "k*",
    "two stars": "too*many*parts",
    "no base64": "malformed*key",
    "base64 of no JSON": encoded(b"abc"),
    "base64 of no text": encoded(b"\xff\xfe\xfd"),
    **{f"no padding, {host}": carrying({"baseUrl": host}, padding=False) for host in HOSTS},
    **{f"too much padding, {host}": carrying({"baseUrl": host}) + "=" for host in HOSTS},
}
SERVERS = {
    "with a port": "http://h:81/clientlib/",
    "without a slash": "http://h:81/clientlib",
    "without a path": "https://h",
    "with a question": "https://h/a?b=1",
    "empty": "",
}
OWN_SERVER = {"COMET_API_KEY": KEYS["a server"]}
#: environment, content of .env, of ./.comet.config, of the file COMET_CONFIG names
CASES = {
    "nothing": ({}, "", "", ""),
    **{f"a key: {kind}": ({"COMET_API_KEY": key}, "", "", "") for kind, key in KEYS.items()},
    **{f"a server {kind}": ({"COMET_URL_OVERRIDE": url}, "", "", "") for kind, url in SERVERS.items()},
    **{
        f"a key's own server and one {kind}": ({"COMET_URL_OVERRIDE": url} | OWN_SERVER, "", "", "")
        for kind, url in SERVERS.items()
    },
    "an empty key hides that of a file": ({"COMET_API_KEY": ""}, "", "[comet]\napi_key=k\n", ""),
    "a key in .env": ({}, "COMET_API_KEY='k'\n", "", ""),
    ".env before a file": ({}, "COMET_URL_OVERRIDE=http://a\n", "[comet]\nurl_override=http://b\n", ""),
    "a key here": ({}, "", "[comet]\napi_key = k\nurl_override=https://h/clientlib\n", ""),
    "a named file before the one here": (
        {}, "", "[comet]\nurl_override=http://here/\n", "[comet]\napi_key=k\nurl_override=http://named/\n",
    ),
    "several files together": ({}, "", "[comet]\nurl_override=http://here/\n", "[comet]\napi_key=k\n"),
    "another section": ({}, "", "[other]\napi_key=k\n", ""),
    "the main section": ({}, "", "[main]\ncomet_api_key=k\n", ""),
    "certificates unchecked": ({"COMET_INTERNAL_CHECK_TLS_CERTIFICATE": "no"}, "", "", ""),
    "certificates unchecked by a file": ({}, "", "[comet_internal]\ncheck_tls_certificate = False\n", ""),
    "certificates checked": ({"COMET_INTERNAL_CHECK_TLS_CERTIFICATE": " TRUE "}, "", "", ""),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_it_says_what_the_sdk_says(in_tmp, monkeypatch, case):
    monkeypatch.setenv("HOME", str(in_tmp))
    environment, dot_env, here, named = CASES[case]
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for name, content in ((".env", dot_env), (".comet.config", here), ("named", named)):
        if content:
            (in_tmp / name).write_text(content)
    if named:
        monkeypatch.setenv("COMET_CONFIG", str(in_tmp / "named"))

    assert account.unreadable() == ""
    assert ours() == theirs(monkeypatch)


def ours():
    try:
        found = account.read_account()
    except TrackingError:
        return "malformed"
    assert not found.ask_sdk
    return found.has_key, found.address, found.check_certificates


def theirs(monkeypatch):
    load_sdk()
    config = importlib.import_module("comet_ml.config")
    monkeypatch.setitem(config.CONFIG_MAP["comet.url_override"], "default", None)
    settings = config.get_config()
    try:
        key = config.get_api_key(None, settings)
    except (ValueError, AttributeError):
        return "malformed"
    return bool(key), config.get_backend_address(settings), config.get_check_tls_certificate(settings)


def test_a_folder_may_be_named_as_the_configuration(in_tmp, monkeypatch):
    (in_tmp / "folder").mkdir()
    (in_tmp / "folder" / ".comet.config").write_text("[comet]\napi_key=k\n")
    for name in ("COMET_CONFIG", "COMET_INI"):
        with monkeypatch.context() as named:
            named.setenv(name, str(in_tmp / "folder"))
            assert ours() == theirs(named) == (True, "https://www.comet.com/clientlib/", True)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (".env", b"no equals sign\n", "{}/.env is not a configuration"),
        (".env", b"COMET_API_KEY=\xff\n", "{}/.env is not text"),
        (
            ".comet.config",
            b"[comet_internal]\ncheck_tls_certificate=perhaps\n",
            "COMET_INTERNAL_CHECK_TLS_CERTIFICATE is neither true nor false",
        ),
        (".comet.config", b"[comet]\nurl_override=http://h:port\n", "COMET_URL_OVERRIDE is not a URL"),
    ],
)
def test_what_the_sdk_would_stumble_over_is_a_line(in_tmp, name, content, said):
    (in_tmp / name).write_bytes(content)

    assert account.unreadable() == said.format(in_tmp)


@pytest.mark.parametrize(
    "environment",
    [
        {"COMET_API_KEY": "_SECRET_-e30="},
        {"COMET_INCLUDE_CUSTOM_CA_BUNDLE": "/nowhere.pem", "COMET_API_KEY": "k" * 25},
    ],
    ids=["a secret manager", "certificates of one's own"],
)
def test_what_only_the_sdk_can_tell_is_asked_of_the_sdk(monkeypatch, server, environment):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert account.read_account().ask_sdk
    told = probe.why_not_online(60.0)
    assert told == ("the Comet server cannot be reached (FileNotFoundError)" if len(environment) > 1 else "")


def test_streamlit_keeps_settings_of_its_own(monkeypatch):
    monkeypatch.setitem(sys.modules, "streamlit", importlib.import_module("json"))

    assert account.read_account().ask_sdk


def test_reading_it_imports_no_sdk(in_tmp):
    from subprocess import run

    code = (
        "import sys; from fraudlab.tracking import decide; from fraudlab.tracking.opening import prepare\n"
        "from pathlib import Path; prepare('auto', Path('comet')); print(decide('auto', key='k').note)\n"
        "sys.exit('comet_ml' in sys.modules)"
    )
    address = {"COMET_API_KEY": "k" * 25, "COMET_URL_OVERRIDE": "http://127.0.0.1:9/clientlib/"}
    done = run([sys.executable, "-c", code], check=False, env=address, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "the Comet server cannot be reached (ConnectionError): offline archive\n"
