"""The API key comes from the environment, from Comet's own file or from a guarded one, and goes nowhere."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tests.comet_server import KEY

from fraudlab.errors import TrackingError
from fraudlab.redaction import hide
from fraudlab.tracking.comet import internals
from fraudlab.tracking.comet.account import read_account
from fraudlab.tracking.comet.key_file import adopt_key_file


def written(path, content, mode=0o600):
    path.write_bytes(content)
    path.chmod(mode)
    return {"COMET_API_KEY_FILE": str(path)}


@pytest.mark.parametrize(
    "content", [b"planted-key-0123456789", b"planted-key-0123456789\n", b"  planted-key-0123456789\r\n"]
)
def test_a_key_is_read_from_its_file(tmp_path, content):
    environment = written(tmp_path / "key", content)
    adopt_key_file(environment)
    assert environment["COMET_API_KEY"] == "planted-key-0123456789"
    assert hide("with planted-key-0123456789 in it") == "with *** in it"


def test_the_environment_comes_first(tmp_path):
    environment = {**written(tmp_path / "key", b"of-the-file"), "COMET_API_KEY": "of-the-environment"}
    adopt_key_file(environment)
    assert environment["COMET_API_KEY"] == "of-the-environment"


REFUSED = {
    "group may read": (b"planted-key-0123456789", 0o640, "others may read it"),
    "everybody may read": (b"planted-key-0123456789", 0o604, "others may read it"),
    "others may write": (b"planted-key-0123456789", 0o602, "others may read it"),
    "empty": (b"", 0o600, "does not hold one API key"),
    "blank": (b" \n", 0o600, "does not hold one API key"),
    "two words": (b"planted-key-0123456789 more", 0o600, "does not hold one API key"),
    "no text": (b"\xff\xfe\x00planted-key", 0o600, "does not hold one API key"),
    "something large": (b"k" * 5000, 0o600, "does not hold one API key"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_that_is_not_guarded_or_holds_no_key_is_refused_without_showing_it(tmp_path, what):
    content, mode, said = REFUSED[what]
    environment = written(tmp_path / "key", content, mode)
    with pytest.raises(TrackingError, match=said) as caught:
        adopt_key_file(environment)
    assert "planted" not in str(caught.value)
    assert "COMET_API_KEY" not in environment


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe"])
def test_what_is_no_file_is_refused_at_once(tmp_path, kind):
    path = tmp_path / "key"
    if kind == "folder":
        path.mkdir(mode=0o700)
    if kind == "pipe":
        os.mkfifo(path, 0o600)
    with pytest.raises(TrackingError, match="COMET_API_KEY_FILE names"):
        adopt_key_file({"COMET_API_KEY_FILE": str(path)})


def test_a_key_of_comets_own_file_is_a_secret_too(in_tmp, monkeypatch):
    monkeypatch.setenv("HOME", str(in_tmp))
    (in_tmp / ".comet.config").write_text("[comet]\napi_key=planted-key-0123456789\n")
    assert read_account().has_key
    assert hide("planted-key-0123456789") == "***"


def contents(folder):
    """Every file's bytes, those inside archives too."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield path, path.read_bytes()
            if path.suffix == ".zip":
                with zipfile.ZipFile(path) as archive:
                    yield from ((f"{path}!{name}", archive.read(name)) for name in archive.namelist())


@pytest.mark.parametrize("source", ["key file", "Comet's file"])
def test_a_planted_key_is_nowhere_after_a_run_and_a_sync(server, in_tmp, monkeypatch, source):
    home = in_tmp / "home"
    home.mkdir()
    monkeypatch.delenv("COMET_API_KEY")
    monkeypatch.delenv("COMET_CONFIG")
    monkeypatch.setenv("HOME", str(home))
    if source == "key file":
        monkeypatch.setenv("COMET_API_KEY_FILE", written(home / "key", KEY.encode())["COMET_API_KEY_FILE"])
    else:
        written(home / ".comet.config", f"[comet]\napi_key={KEY}\n".encode())
    small = ["backend=process", "data.rows=20000", "data.fraud_rate=0.01", "model.num_round=3", "run.id=r"]
    said = ""
    for words in (["train", *small, "tracking=online"], ["sync"], ["doctor"]):
        done = subprocess.run(
            [sys.executable, "-m", "fraudlab", *words], capture_output=True, text=True, check=False
        )
        said += done.stdout + done.stderr
    assert "experiment online" in said
    assert server.points("average_precision")
    assert KEY not in said
    assert [path for path, content in contents(Path("runs")) if KEY.encode() in content] == []
    assert [asset.name for asset in server.assets if KEY.encode() in asset.content] == []


def test_an_sdk_that_tracking_was_not_tried_with_is_said(monkeypatch, opened):
    monkeypatch.setattr(internals.importlib.metadata, "version", lambda _name: "3.59.0")
    experiment = opened("offline")
    assert "comet_ml 3.59.0 is installed, and tracking was tried with 3.58" in experiment.note


@pytest.mark.parametrize(
    ("version", "tried"), [("3.58.8", True), ("3.58", True), ("3.580.1", False), ("4.0", False)]
)
def test_a_small_change_of_the_sdk_is_no_other_sdk(monkeypatch, version, tried):
    monkeypatch.setattr(internals.importlib.metadata, "version", lambda _name: version)
    assert (internals.untried_version() == "") is tried
