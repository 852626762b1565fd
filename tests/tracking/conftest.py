from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.comet_server import KEY, CometServer, comet_server

from fraudlab.tracking import Experiment, new_key, open_experiment


@pytest.fixture(autouse=True)
def no_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test may find the account of whoever runs it."""
    for name in os.environ:
        if name.startswith(("COMET_", "AWS_PARTNER_APP")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COMET_CONFIG", str(tmp_path / "no.comet.config"))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[CometServer]:
    """A Comet server, and an account on it."""
    with comet_server() as running:
        monkeypatch.setenv("COMET_URL_OVERRIDE", running.url)
        monkeypatch.setenv("COMET_API_KEY", KEY)
        yield running


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Experiment]]:
    """Open experiments that are ended with the test."""
    running: list[Experiment] = []

    def open_one(mode: str = "auto", **changes: Any) -> Experiment:
        arguments = {
            "mode": mode,
            "workspace": "risk",
            "project": "cards",
            "name": "run-1",
            "key": new_key(),
            "folder": tmp_path / "comet",
            "tags": ("nightly",),
        }
        running.append(open_experiment(**(arguments | changes)))
        return running[-1]

    yield open_one
    for experiment in running:
        experiment.end()


class Archive:
    """What an offline archive says was logged."""

    def __init__(self, path: Path) -> None:
        self.zip = zipfile.ZipFile(path)
        self.about = json.loads(self.zip.read("experiment.json"))
        self.messages = [json.loads(line) for line in self.zip.read("messages.json").splitlines()]

    def payloads(self, kind: str) -> list[dict[str, Any]]:
        return [message["payload"] for message in self.messages if message["type"] == kind]

    @property
    def parameters(self) -> dict[str, Any]:
        return {p["param"]["paramName"]: p["param"]["paramValue"] for p in self.payloads("parameter_msg")}

    @property
    def others(self) -> dict[str, Any]:
        return {p["key"]: p["value"] for p in self.payloads("log_other")}

    def points(self, name: str) -> list[tuple[int | None, float]]:
        metrics = [payload["metric"] for payload in self.payloads("metric_msg")]
        return [(m["step"], m["metricValue"]) for m in metrics if m["metricName"] == name]

    def asset(self, name: str) -> bytes:
        (found,) = [p for p in self.payloads("file_upload") if p["additional_params"]["fileName"] == name]
        return self.zip.read(found["file_path"])


@pytest.fixture
def read_archive() -> Iterator[Callable[[Path], Archive]]:
    read: list[Archive] = []

    def open_one(path: Path) -> Archive:
        read.append(Archive(path))
        return read[-1]

    yield open_one
    for archive in read:
        archive.zip.close()
