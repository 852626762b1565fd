"""The training job's archive, and that Comet's own uploader takes it."""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.comet_server import KEY as API_KEY
from tests.comet_server import CometServer, comet_server

from fraudlab.container.training import tracking
from fraudlab.container.training.tracking import Archive

KEY = "fraudlabtrainingarchive0123456789"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the archive sets stays in the test."""
    for name in tracking._QUIET:
        monkeypatch.setenv(name, os.environ.get(name, ""))
    monkeypatch.setenv("COMET_CONFIG", str(tmp_path / "none"))


def messages(folder: Path) -> list[dict[str, Any]]:
    (archive,) = folder.glob(f"{KEY}-*.zip")
    with zipfile.ZipFile(archive) as content:
        about = json.loads(content.read("experiment.json"))
        assert about["offline_id"] == KEY
        assert about["resume_strategy"] == "get_or_create"
        return [json.loads(line) for line in content.read("messages.json").splitlines()]


def logged(folder: Path) -> tuple[dict[str, Any], list[tuple[str, float, int | None]]]:
    parameters = {}
    metrics = []
    for message in messages(folder):
        if "param" in message["payload"]:
            parameters[message["payload"]["param"]["paramName"]] = message["payload"]["param"]["paramValue"]
        if "metric" in message["payload"]:
            metric = message["payload"]["metric"]
            metrics.append((metric["metricName"], metric["metricValue"], metric["step"]))
    return parameters, metrics


def test_everything_logged_is_in_the_archive(tmp_path: Path) -> None:
    archive = Archive(KEY, tmp_path / "comet")
    archive.log_parameters({"max_depth": 6, "eval_metric": ["aucpr"]})
    for number in range(500):
        archive.log_metrics({"validation_aucpr": number / 1000, "validation_auc": 0.9}, step=number)
    archive.log_metrics({"validation_recall": 0.8})
    archive.close()
    archive.close()
    parameters, metrics = logged(tmp_path / "comet")
    assert parameters["max_depth"] == 6
    curve = [(value, step) for name, value, step in metrics if name == "validation_aucpr"]
    assert curve == [(number / 1000, number) for number in range(500)]
    assert sum(name == "validation_auc" for name, _, _ in metrics) == 500
    assert any(name == "validation_recall" and value == 0.8 for name, value, _ in metrics)
    assert [path.suffix for path in (tmp_path / "comet").iterdir()] == [".zip"]


def test_nothing_that_identifies_a_machine_or_its_user_is_logged(tmp_path: Path) -> None:
    archive = Archive(KEY, tmp_path / "comet")
    archive.log_parameters({"seed": 1})
    archive.close()
    kinds = {message["type"] for message in messages(tmp_path / "comet")}
    assert kinds <= {"parameter_msg", "metric_msg", "log_other"}


def test_without_a_key_there_is_no_archive(tmp_path: Path) -> None:
    archive = Archive(None, tmp_path / "comet")
    archive.log_metrics({"a": 1.0}, step=1)
    archive.close()
    assert not (tmp_path / "comet").exists()


def test_an_archive_that_cannot_be_written_does_not_end_the_job(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "comet").write_text("a file where the folder should be")
    archive = Archive(KEY, tmp_path / "comet")
    archive.log_metrics({"a": 1.0})
    archive.close()
    assert "tracking: the archive was not written: FileExistsError" in capsys.readouterr().err


@pytest.fixture
def server() -> Iterator[CometServer]:
    with comet_server() as running:
        yield running


def test_comet_takes_the_archive(tmp_path: Path, server: CometServer) -> None:
    archive = Archive(KEY, tmp_path / "comet")
    archive.log_parameters({"max_depth": 6})
    archive.log_metrics({"validation_aucpr": 0.75}, step=3)
    archive.close()
    (path,) = (tmp_path / "comet").glob("*.zip")
    uploader = (
        "import sys; from comet_ml.offline import main_upload; main_upload([sys.argv[1]], force_upload=True)"
    )
    done = subprocess.run(
        [sys.executable, "-c", uploader, str(path)],
        env={**os.environ, "COMET_URL_OVERRIDE": server.url, "COMET_API_KEY": API_KEY},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert server.experiments == {KEY}
    assert server.points("validation_aucpr") == [(3, 0.75)]
    assert {entry["parameterName"]: entry["parameterValue"] for entry in server.parameters}["max_depth"] == 6
    assert not any("error" in called for called in server.paths)
