"""The archive of a run without an account holds everything about it, and none of its secrets."""

from __future__ import annotations

import json
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from fraudlab.errors import StorageError
from fraudlab.tracking import DatasetVersion, new_key

RAW = DatasetVersion(name="synthetic-raw", hashes={"table.csv": "ab" * 32}, facts={"rows": 10})


def test_without_a_key_the_experiment_is_an_archive_and_says_why(opened):
    experiment = opened("auto")

    assert experiment.mode == "offline"
    assert experiment.note == "no COMET_API_KEY: offline archive"
    assert not experiment.streams_rounds
    assert experiment.url is None


def test_off_keeps_nothing(opened, tmp_path):
    experiment = opened("off")
    experiment.log_metric("average_precision", 0.8)
    experiment.log_dataset(RAW)

    assert experiment.key is None
    assert experiment.end("completed") == []
    assert not (tmp_path / "comet").exists()


def test_everything_logged_is_in_the_archive(opened, read_archive, tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.ubj").write_bytes(b"trees")
    (model / "model.json").write_text('{"threshold": 0.4}')
    (model / "model.tar.gz").write_bytes(b"both")
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG")

    experiment = opened("offline", key=(key := new_key()))
    experiment.log_parameters({"model": {"max_depth": 6, "seed": None}, "data": {"id": ["tx", "row"]}})
    for number, value in enumerate([0.5, 0.75]):
        experiment.log_metric("validation_aucpr", value, step=number)
    experiment.log_metrics({"average_precision": 0.8, "rows": 57, "value_recall": None, "bad": float("nan")})
    experiment.log_curve("precision-recall", [0.0, 1.0], [1.0, 0.1])
    experiment.log_confusion_matrix([[90, 1], [2, 7]], labels=["legitimate", "fraud"])
    experiment.log_dataset(RAW)
    experiment.log_model("fraudlab-weighted", model)
    experiment.log_asset(picture)
    experiment.log_others({"git": {"commit": "abc123", "dirty": False}, "image.id": "sha256:1"})
    (path,) = experiment.end("completed")

    assert experiment.problems == []
    archive = read_archive(path)
    assert archive.about["offline_id"] == key
    assert (archive.about["workspace"], archive.about["project_name"]) == ("risk", "cards")
    assert archive.about["tags"] == ["nightly"]
    assert archive.parameters["model.max_depth"] == 6
    assert archive.parameters["model.seed"] == "null"
    assert archive.parameters["data.id"] == '["tx", "row"]'
    assert archive.points("validation_aucpr") == [(0, 0.5), (1, 0.75)]
    assert [value for _, value in archive.points("average_precision")] == [0.8]
    assert archive.points("value_recall") == archive.points("bad") == []
    assert json.loads(archive.asset("precision-recall"))["y"] == [1.0, 0.1]
    assert json.loads(archive.asset("confusion-matrix.json"))["matrix"] == [[90, 1], [2, 7]]
    assert json.loads(archive.asset("datasets.json")) == [RAW.as_dict()]
    assert archive.asset("model.ubj") == b"trees"
    assert json.loads(archive.asset("model.json")) == {"threshold": 0.4}
    assert archive.asset("picture.png") == b"\x89PNG"
    assert archive.others["git.commit"] == "abc123"
    assert archive.others["image.id"] == "sha256:1"
    assert archive.others["dataset.synthetic-raw"] == "abababababab"
    assert archive.others["Name"] == "run-1"
    assert archive.others["status"] == "completed"
    (packages,) = archive.payloads("installed_packages")
    assert any(line.startswith("xgboost") for line in packages["installed_packages"])
    uploads = {p["additional_params"]["fileName"] for p in archive.payloads("file_upload")}
    assert "model.tar.gz" not in uploads


def test_no_file_of_the_archive_holds_a_secret(opened, monkeypatch, tmp_path):
    secrets = {
        "COMET_API_KEY": "k3y-of-the-account",
        "DB_PASSWORD": "hunter2hunter2",
        "GITHUB_TOKEN": "ghp_123456",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    config = tmp_path / "config.yaml"
    config.write_text("path: s3://k3y-of-the-account/t.csv\nurl: https://me:letmein123@host/t.csv\n")

    experiment = opened("offline")
    experiment.log_parameters({"db": {"password": "letmein123"}, "path": "https://me:letmein123@host/t"})
    experiment.log_others(
        {"command": "train --key hunter2hunter2", "git": {"origin": "https://ghp_123456@host"}}
    )
    experiment.log_asset(config)
    experiment.log_dataset(DatasetVersion(name="x", hashes={"hunter2hunter2": "ab"}))
    (path,) = experiment.end("failed", "cannot read https://me:letmein123@host/t.csv with ghp_123456")

    everything = b"".join(file.read_bytes() for file in (tmp_path / "comet").iterdir())
    with zipfile.ZipFile(path) as archive:
        everything += b"".join(archive.read(name) for name in archive.namelist())
    assert b"cannot read https://***@host/t.csv" in everything
    for secret in [*secrets.values(), "letmein123"]:
        assert secret.encode() not in everything


def test_ending_can_be_repeated(opened, read_archive):
    experiment = opened("offline")
    for number in range(500):
        experiment.log_metric("validation_aucpr", number / 500, step=number)
    first = experiment.end("failed", "disk full")
    assert experiment.end("completed") == first
    archive = read_archive(first[0])
    assert len(archive.points("validation_aucpr")) == 500
    assert archive.others["status"] == "failed"
    assert archive.others["error"] == "disk full"


def test_what_cannot_be_kept_is_told_and_the_rest_is_kept(opened, read_archive, tmp_path):
    experiment = opened("offline")
    experiment.log_asset(tmp_path / "missing.png")
    experiment.log_asset(tmp_path / "missing.yaml")
    experiment.log_metric("average_precision", 0.8)
    (path,) = experiment.end()

    assert len(experiment.problems) == 2
    assert all(problem.startswith("Comet: ") and "\n" not in problem for problem in experiment.problems)
    assert any("missing.yaml" in problem for problem in experiment.problems)
    assert read_archive(path).points("average_precision")


def test_one_experiment_follows_another(opened, read_archive):
    keys = [new_key(), new_key()]
    paths = [path for key in keys for path in opened("offline", key=key).end()]

    assert [read_archive(path).about["offline_id"] for path in paths] == keys


def test_a_folder_that_cannot_be_made_is_a_storage_error(opened, tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageError, match="Comet archives cannot be written") as caught:
        opened("offline", folder=tmp_path / "file" / "comet")

    assert "paths.runs" in str(caught.value)


def test_it_works_on_a_thread_of_its_own(opened, read_archive):
    """The launcher opens and writes its experiment in the background."""
    with ThreadPoolExecutor(1) as thread:
        experiment = thread.submit(opened, "offline").result()
        thread.submit(experiment.log_metric, "average_precision", 0.8).result()
        (path,) = thread.submit(experiment.end, "completed").result()

    assert experiment.problems == []
    assert read_archive(path).points("average_precision") == [(None, 0.8)]


def test_nothing_is_left_in_the_temporary_folder(opened, monkeypatch, tmp_path):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))

    experiment = opened("offline")
    experiment.log_curve("roc", [0.0, 1.0], [0.0, 1.0])
    experiment.end()

    assert list(temporary.iterdir()) == []
