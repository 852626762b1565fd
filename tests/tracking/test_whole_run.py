"""One run, one experiment: the launcher live, the training job as an archive, merged once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from fraudlab.tracking.comet.logged_content import read

SMALL = ["backend=process", "data.rows=20000", "data.fraud_rate=0.01", "model.num_round=8", "run.id=live"]


def train(*overrides, **environment):
    return subprocess.run(
        [sys.executable, "-m", "fraudlab", "train", *SMALL, *overrides],
        env={**os.environ, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_an_online_run_is_one_experiment_with_everything_in_it_once(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = train("tracking=online")
    assert done.returncode == 0, done.stderr
    record = json.loads(Path("runs/live/run.json").read_text())
    assert record["experiment"]["mode"] == "online"
    assert record["experiment"]["problems"] == []
    assert record["experiment"]["url"]
    assert server.experiments == {record["experiment"]["key"]}
    history = json.loads(Path("runs/live/training/history.json").read_text())["validation"]
    points = server.points("validation_aucpr")
    assert [step for step, _ in points] == list(range(len(history)))
    assert len(server.points("average_precision")) == 1
    assert server.asset("report.html") == Path("runs/live/report.html").read_bytes()
    assert [artifact["artifactName"] for artifact in server.artifacts] == ["fraud-dataset"] * 2
    raw, prepared = (json.loads(artifact["versionMetadata"]) for artifact in server.artifacts)
    assert raw["facts"]["rows"] == 20_000
    assert 0 < raw["facts"]["fraud_share"] < 0.05
    assert prepared["facts"]["split"]["kind"] == "time"
    links = [asset.link for asset in server.assets if asset.link and asset.artifact]
    assert len(links) == 4
    assert all(Path(link.removeprefix("file://")).is_file() for link in links)


def test_the_key_is_in_no_file_of_the_run(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert train("tracking=online").returncode == 0
    key = os.environ["COMET_API_KEY"].encode()
    assert not [path for path in Path("runs").rglob("*") if path.is_file() and key in path.read_bytes()]


def test_insisting_on_comet_without_a_server_stops_before_any_job(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = train(
        "tracking=online", COMET_API_KEY="k" * 25, COMET_URL_OVERRIDE="http://127.0.0.1:9/clientlib/"
    )
    assert done.returncode == 9
    assert "\nfix: " in done.stderr
    assert json.loads(Path("runs/live/run.json").read_text())["status"] == "failed"
    assert not Path("runs/live/logs").exists()


def test_a_server_that_does_not_answer_costs_a_moment_and_an_archive(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = train("tracking=auto", COMET_API_KEY="k" * 25, COMET_URL_OVERRIDE="http://127.0.0.1:9/clientlib/")
    assert done.returncode == 0, done.stderr
    assert "experiment offline (" in done.stdout
    assert len(list(Path("runs/live/comet").glob("*.zip"))) == 2


FOLDS = [
    "data=table",
    "data.path=t.parquet",
    "data.label=y",
    "data.time=ts",
    "data.time_unit=s",
    "data.card=card",
]
FOLDS += ["split=prequential", "split.folds=3", "split.train_length=6d", "split.validation_length=4d"]
FOLDS += ["split.test_length=3d", "data.delay=1d", "evaluation.cards_per_day=9", "evaluation.resamples=100"]


@pytest.mark.parametrize("mode", ["online", "offline"])
def test_each_fold_and_what_they_say_together_are_in_the_experiment_once(server, tmp_path, monkeypatch, mode):
    monkeypatch.chdir(tmp_path)
    random, size = np.random.default_rng(3), 3000
    strength = random.normal(size=size)
    fraud = strength + random.normal(size=size) > 2.0
    columns = {"ts": np.arange(size) * 800, "a": strength, "card": random.integers(0, 900, size)}
    parquet.write_table(pa.table({**columns, "y": fraud.astype(int)}), "t.parquet")
    words = ["backend=process", "model.num_round=5", "run.id=folds", f"tracking={mode}", *FOLDS]
    done = subprocess.run(
        [sys.executable, "-m", "fraudlab", "train", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    run = Path("runs/folds")
    metrics = json.loads((run / "evaluation/metrics.json").read_text())
    figures = ("average_precision", "roc_auc", "card_precision_at_9_per_day")
    ends = ("mean", "std", "fold_1", "fold_2", "fold_3")
    expected = {f"{figure}_{end}": metrics[f"{figure}_{end}"] for figure in figures for end in ends}
    assert len(set(expected.values())) > len(ends)
    key = json.loads((run / "run.json").read_text())["experiment"]["key"]
    found, assets = logged(server, run / "comet", key, mode)
    assert {name: values for name, values in found.items() if name in expected} == {
        name: [pytest.approx(value)] for name, value in expected.items()
    }
    assert assets.count("folds.json") == 1


def logged(server, archives, key, mode):
    """The values of each metric, and the names of assets: the server's, or those of the run's archives."""
    found = {}
    if mode == "online":
        for metric in server.metrics:
            found.setdefault(metric["metricName"], []).append(float(metric["metricValue"]))
        return found, [asset.name for asset in server.assets]
    assert not server.metrics
    content = read(sorted(archives.glob("*.zip")), key).entries
    for entry in content.values():
        if entry.kind == "metric_msg":
            metric = entry.payload["metric"]
            found.setdefault(metric["metricName"], []).append(float(metric["metricValue"]))
    names = [what[2] for what in content if what[0] == "asset"]
    return found, names
