"""The training job's archive, and that Comet's own uploader takes it."""

import json
import os
import subprocess
import sys
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.comet_server import KEY as API_KEY
from tests.comet_server import CometServer, comet_server

from fraudlab.container import experiment_archive
from fraudlab.container.runtime import limited_memory
from fraudlab.container.training import machine_load, tracking
from fraudlab.container.training.tracking import Archive

KEY = "fraudlabtrainingarchive0123456789"


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


LOAD = {
    "sys.cpu.percent.avg",
    "sys.load.avg",
    *(f"sys.ram.{name}" for name in ("total", "used", "available", "percent.used")),
    *(f"sys.disk.{name}" for name in ("read_bps", "write_bps", "root.used", "root.percent.used")),
}


def load(folder: Path) -> Counter[str]:
    """How often each figure of the machine was logged; none of them is of a round."""
    found = [one for one in logged(folder)[1] if one[0].startswith("sys.")]
    assert {step for _, _, step in found} <= {None}
    assert all(value >= 0 for _, value, _ in found)
    return Counter(name for name, _, _ in found)


def test_the_shortest_training_says_what_its_machine_did(tmp_path: Path) -> None:
    archive = Archive(KEY, tmp_path / "comet")
    archive.log_metrics({"validation_aucpr": 0.75}, step=0)
    archive.close()
    assert set(load(tmp_path / "comet")) == LOAD


def test_load_is_logged_at_the_start_in_between_and_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter(range(1000))
    enough = threading.Event()

    def probe() -> dict[str, float]:
        number = next(looks)
        if number == 3:
            enough.set()
        return {"sys.ram.used": float(number)}

    monkeypatch.setattr(tracking, "system_probe", lambda: probe)
    monkeypatch.setattr(tracking, "_PROBE_SECONDS", 0.01)
    monkeypatch.setattr(tracking, "_LEAST_SECONDS", 0.0)
    archive = Archive(KEY, tmp_path / "comet")
    archive.log_metrics({"validation_aucpr": 0.75}, step=3)
    assert enough.wait(60)
    archive.close()
    _, metrics = logged(tmp_path / "comet")
    assert [value for name, value, _ in metrics if name.startswith("sys.")] == list(range(next(looks)))
    assert ("validation_aucpr", 0.75, 3) in metrics


@pytest.mark.parametrize("when", ["at once", "later"])
def test_a_machine_that_cannot_be_looked_at_costs_a_line_and_no_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], when: str
) -> None:
    def broken() -> Any:
        raise AttributeError("no such logger")

    monkeypatch.setattr(tracking, "system_probe", broken if when == "at once" else lambda: broken)
    archive = Archive(KEY, tmp_path / "comet")
    for number in range(3):
        archive.log_metrics({"validation_aucpr": 0.5}, step=number)
    archive.close()
    assert capsys.readouterr().err.splitlines() == [
        "tracking: no more load of the machine: AttributeError: no such logger"
    ]
    assert load(tmp_path / "comet") == Counter()
    assert [step for name, _, step in logged(tmp_path / "comet")[1] if name == "validation_aucpr"] == [
        0,
        1,
        2,
    ]


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({}, None),
        ({"memory.max": "max", "memory.current": "70", "memory.stat": ""}, None),
        ({"memory.max": "100", "memory.current": "70"}, None),
        ({"memory.max": "100", "memory.current": "70", "memory.stat": "anon 50\n"}, (100, 70)),
        ({"memory.max": "100", "memory.current": "70", "memory.stat": "inactive_file 30\n"}, (100, 40)),
        ({"memory.max": "100", "memory.current": "20", "memory.stat": "inactive_file 30\n"}, (100, 0)),
        ({"memory.max": "100", "memory.current": "130", "memory.stat": "anon 1\n"}, (100, 100)),
        (
            {
                "memory/memory.limit_in_bytes": "100",
                "memory/memory.usage_in_bytes": "70",
                "memory/memory.stat": "inactive_file 5\ntotal_inactive_file 30\n",
            },
            (100, 40),
        ),
    ],
)
def test_the_memory_of_a_container_is_what_it_may_have(
    tmp_path: Path, files: dict[str, str], found: tuple[int, int] | None
) -> None:
    (tmp_path / "memory").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert limited_memory(tmp_path) == found


@pytest.mark.parametrize(
    ("limited", "expected"),
    [
        (None, {}),
        ((10**15, 5), {}),
        ((1 << 20, 1 << 18), {"total": 1 << 20, "used": 1 << 18, "percent.used": 25.0}),
    ],
)
def test_load_is_that_of_the_container_where_it_has_less_than_the_machine(
    monkeypatch: pytest.MonkeyPatch, limited: tuple[int, int] | None, expected: dict[str, float]
) -> None:
    monkeypatch.setattr(machine_load, "limited_memory", lambda: None)
    of_the_machine = machine_load.system_probe()()["sys.ram.total"]
    monkeypatch.setattr(machine_load, "limited_memory", lambda: limited)
    found = machine_load.system_probe()()
    assert found["sys.ram.total"] == expected.get("total", of_the_machine)
    assert all(found[f"sys.ram.{name}"] == value for name, value in expected.items())
    assert found["sys.ram.available"] <= found["sys.ram.total"] - expected.get("used", 0)


ROOT = Path(tracking.__file__).parents[4]


def test_archives_are_those_of_the_version_that_is_locked_to_upload_them() -> None:
    (line,) = [
        line
        for line in (ROOT / "requirements/launcher.txt").read_text().splitlines()
        if line.startswith(("comet_ml==", "comet-ml=="))
    ]
    assert line.split("==")[1].startswith(f"{experiment_archive.TRIED}.")


def test_a_job_needs_nothing_of_the_sdk(tmp_path: Path) -> None:
    job = (
        "import sys\nfrom pathlib import Path\nfrom fraudlab.container.training.tracking import Archive\n"
        f"archive = Archive({KEY!r}, Path(sys.argv[1]))\n"
        "archive.log_metrics({'validation_aucpr': 0.75}, step=3)\narchive.close()\n"
        "sys.exit('comet_ml' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", job, str(tmp_path)], check=False, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert ("validation_aucpr", 0.75, 3) in logged(tmp_path)[1]


def test_load_is_what_the_sdk_would_say(monkeypatch: pytest.MonkeyPatch) -> None:
    from comet_ml.system.cpu.cpu_metrics_data_logger import CPUMetricsDataLogger
    from comet_ml.system.disk.disk_metrics_data_logger import DiskMetricsDataLogger

    moved = psutil.disk_io_counters()
    assert moved is not None
    for name, stands in {
        "cpu_percent": [12.5, 50.0],
        "virtual_memory": psutil.virtual_memory(),
        "getloadavg": (0.75, 1.0, 1.0),
        "disk_usage": psutil.disk_usage("/"),
        "disk_io_counters": moved,
    }.items():
        monkeypatch.setattr(psutil, name, lambda *_, _stands=stands, **__: _stands)
    monkeypatch.setattr(machine_load, "limited_memory", lambda: None)
    options: dict[str, Any] = {"initial_interval": 60, "callback": print}
    theirs: list[Any] = [
        CPUMetricsDataLogger(include_cpu_per_core=False, include_compute_metrics=False, **options),
        DiskMetricsDataLogger(**options),
    ]
    probe = machine_load.system_probe()
    said: dict[str, float] = {}
    for _ in range(2):
        for one in theirs:
            said |= one.get_metrics()
    assert probe() == said
    assert set(said) == LOAD


@pytest.mark.parametrize("hidden", [None, RuntimeError("no /proc/diskstats"), OSError(13, "denied")])
def test_a_machine_that_hides_its_disks_says_the_rest(
    monkeypatch: pytest.MonkeyPatch, hidden: Exception | None
) -> None:
    def counted() -> None:
        if hidden is not None:
            raise hidden

    monkeypatch.setattr(psutil, "disk_io_counters", counted)
    assert set(machine_load.system_probe()()) == LOAD - {"sys.disk.read_bps", "sys.disk.write_bps"}


def test_what_is_no_number_costs_its_point_and_what_is_no_json_the_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = Archive(KEY, tmp_path)
    archive.log_metrics({"a": float("nan"), "b": float("inf"), "c": 0.5}, step=1)
    archive.close()
    found = [one for one in logged(tmp_path)[1] if not one[0].startswith("sys.")]
    assert found == [("c", 0.5, 1)]
    archive = Archive(KEY, tmp_path / "other")
    archive.log_metrics({"a": object()})  # type: ignore[dict-item]
    archive.log_metrics({"b": 1.0})
    archive.close()
    assert capsys.readouterr().err.startswith("tracking: the archive was not written: TypeError: ")


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
        env={
            **os.environ,
            "COMET_CONFIG": str(tmp_path / "none"),
            "COMET_URL_OVERRIDE": server.url,
            "COMET_API_KEY": API_KEY,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert server.experiments == {KEY}
    assert server.points("validation_aucpr") == [(3, 0.75)]
    assert {entry["parameterName"]: entry["parameterValue"] for entry in server.parameters}["max_depth"] == 6
    assert not any("error" in called for called in server.paths)
