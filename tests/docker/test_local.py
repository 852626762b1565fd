"""Whole runs in real containers: SageMaker local mode, and the endpoint of docker-compose.yml."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from fraudlab.backends import docker_engine
from fraudlab.cli import main
from fraudlab.runs import find_run, list_runs

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("docker_engine")]

ROOT = Path(__file__).parents[2]
SMALL = [
    "backend.fallback=error",
    "tracking=off",
    "data.rows=20000",
    "data.fraud_rate=0.01",
    "model.num_round=8",
]


def record(run: str) -> dict:
    return json.loads(Path("runs", run, "run.json").read_text())


def test_containers_and_processes_give_the_same_model_and_scores(in_tmp):
    for run, backend in (("l1", "local"), ("l2", "local"), ("p1", "process"), ("p2", "process")):
        assert main(["train", *SMALL, f"backend={backend}", f"run.id={run}", "force=true"]) == 0
    models = {Path("runs", run, "model", "model.ubj").read_bytes() for run in ("l1", "l2", "p1", "p2")}
    assert len(models) == 1
    metrics = [json.loads(Path("runs", r, "evaluation", "metrics.json").read_text()) for r in ("l1", "p1")]
    assert metrics[0] == metrics[1]
    assert record("l1")["backend"] == "local"
    assert record("l1")["image"]["id"].startswith("sha256:")


def test_derived_columns_are_the_same_in_containers_and_processes(in_tmp):
    derive = 'data.derive={r: "V1 / V2", l: "log(abs(V3) + 1e-3) * Amount", w: "where(V4 > r, log(V5), l)"}'
    for run, backend in (("l", "local"), ("p", "process")):
        # of so few rounds, only the first fit's have a split on one of them
        once = "model.refit=false"
        assert main(["train", *SMALL, f"backend={backend}", f"run.id={run}", derive, once]) == 0
    one, other = (Path("runs", run) for run in "lp")
    assert (one / "model/model.ubj").read_bytes() == (other / "model/model.ubj").read_bytes()
    name = "evaluation/metrics.json"
    assert json.loads((one / name).read_text()) == json.loads((other / name).read_text())
    importance = json.loads((one / "evaluation/importance.json").read_text())
    assert {"r", "l", "w"} & {found["column"] for found in importance if found["gain"]}


def test_nothing_is_left_of_a_run(in_tmp):
    assert main(["train", *SMALL, "run.id=gone"]) == 0
    assert running_containers(f"{docker_engine.RUN_LABEL}=gone") == []
    assert not any(Path("runs/.cache/jobs").iterdir())
    owners = {path.stat().st_uid for path in Path("runs").rglob("*")}
    assert owners == {os.getuid()}


def test_launcher_and_container_write_to_one_experiment(in_tmp):
    assert main(["train", *SMALL, "tracking=offline", "run.id=tracked"]) == 0
    key = record("tracked")["experiment"]["key"]
    archives = sorted(Path("runs/tracked/comet").glob("*.zip"))
    assert [path.name.startswith(key) for path in archives] == [True, True]
    load = {}
    for path in archives:
        with zipfile.ZipFile(path) as content:
            messages = [json.loads(line) for line in content.read("messages.json").splitlines()]
        metrics = [one["payload"]["metric"] for one in messages if one["type"] == "metric_msg"]
        load |= {
            one["metricName"]: one["metricValue"] for one in metrics if one["metricName"].startswith("sys.")
        }
    # The container may have seven eighths of what the engine has, and says so.
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 0 < load["sys.ram.used"] < load["sys.ram.total"] < machine
    assert {"sys.cpu.percent.avg", "sys.disk.root.used", "sys.disk.root.percent.used"} <= load.keys()


def test_no_secret_of_the_person_reaches_a_container_or_a_file(in_tmp, monkeypatch):
    secrets = {
        "COMET_API_KEY": "k" * 25,
        "AWS_ACCESS_KEY_ID": "AKIA" + "Z" * 16,
        "AWS_SECRET_ACCESS_KEY": "w" * 40,
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COMET_URL_OVERRIDE", "http://127.0.0.1:9/clientlib/")
    seen: list[str] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.1):
            for container in running_containers(f"{docker_engine.RUN_LABEL}=secret"):
                shown = subprocess.run(
                    ["docker", "inspect", container], capture_output=True, text=True, check=False
                )
                seen.append(shown.stdout)
            for folder, _, names in os.walk("runs/.cache"):  # which forgives what goes meanwhile
                if "docker-compose.yaml" in names:
                    with suppress(FileNotFoundError):
                        seen.append(Path(folder, "docker-compose.yaml").read_text(errors="replace"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        assert main(["train", *SMALL, "tracking=auto", "run.id=secret"]) == 0
    finally:
        stop.set()
        watcher.join()
    assert any("/opt/ml" in text for text in seen)
    everything = "".join(seen) + "".join(
        path.read_text(errors="replace") for path in Path("runs/secret").rglob("*") if path.is_file()
    )
    assert not [name for name, value in secrets.items() if value in everything]


def test_a_job_that_fails_in_its_container_speaks_in_its_own_words(in_tmp, capsys):
    Path("t.csv").write_text("a,y\n" + "".join(f"{i},{i}\n" for i in range(3)))
    described = ["data=table", "data.path=t.csv", "data.label=y", "backend.fallback=error", "tracking=off"]
    assert main(["train", *described, "run.id=bad"]) == 3
    error = capsys.readouterr().err
    assert "label column 'y' holds 2 in row 3; a label is 0 or 1" in error
    assert "exit code" not in error
    assert record("bad")["error"]["type"] == "DataError"
    assert running_containers(f"{docker_engine.RUN_LABEL}=bad") == []


def test_a_missing_image_is_an_error_or_one_line(in_tmp, capsys):
    absent = "backend.image=fraudlab-xgboost:absent"
    assert main(["train", *SMALL, absent]) == 4
    error = capsys.readouterr().err
    assert "The image fraudlab-xgboost:absent is not on this Docker engine." in error
    assert "fix: build it with `make image`" in error
    assert main(["train", *SMALL[1:], absent, "run.id=fell"]) == 0
    assert "is not on this Docker engine. Running as plain processes instead." in capsys.readouterr().out
    assert record("fell")["backend"] == "process"


def test_an_engine_that_goes_away_midway_is_named(in_tmp, tmp_path):
    """The engine behind a relay of ours; the relay goes away while the train job runs."""
    socket_path = tmp_path / "relay.sock"
    relay = subprocess.Popen([sys.executable, str(Path(__file__).with_name("relay.py")), str(socket_path)])
    environment = {**os.environ, "DOCKER_HOST": f"unix://{socket_path}"}
    try:
        wait_for(socket_path.exists)
        long = ["model.num_round=100000", "model.early_stopping_rounds=0", "run.id=lost"]
        run = subprocess.Popen(
            [sys.executable, "-m", "fraudlab", "train", *SMALL, *long],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        log = Path("runs/lost/logs/train.log")
        wait_for(lambda: log.exists() and "[5]\t" in log.read_text(), run)
        relay.kill()
        relay.wait()
        _, error = run.communicate(timeout=90)
        assert run.returncode == 4
        assert "The Docker engine went away while the train job ran." in error
        assert "fix: start Docker again and repeat the run" in error
        assert record("lost")["error"]["type"] == "DockerUnavailable"
        assert running_containers(f"{docker_engine.RUN_LABEL}=lost") != []
        assert main(["clean"]) == 0  # by the engine itself, which never went away
        assert running_containers(f"{docker_engine.RUN_LABEL}=lost") == []
        assert not any(Path("runs/.cache/jobs").iterdir())
    finally:
        relay.kill()
        remove(running_containers(f"{docker_engine.RUN_LABEL}=lost"))


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupted_run_leaves_no_container(in_tmp, sent):
    long = ["model.num_round=100000", "model.early_stopping_rounds=0", "run.id=cut"]
    run = subprocess.Popen(
        [sys.executable, "-m", "fraudlab", "train", *SMALL, *long],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        log = Path("runs/cut/logs/train.log")
        wait_for(lambda: log.exists() and "[5]\t" in log.read_text(), run, seconds=300)
        run.send_signal(sent)
        _, error = run.communicate(timeout=300)
    finally:
        run.kill()  # else it trains on beside the tests that follow
        run.communicate()
    assert run.returncode == 130, error
    assert record("cut")["status"] == "interrupted"
    assert running_containers(f"{docker_engine.RUN_LABEL}=cut") == []


def test_a_run_removes_only_what_it_started(in_tmp):
    """Two runs of one id, in two folders, on one engine: the first to end leaves the other alone."""
    for folder in ("a", "b"):
        Path(folder).mkdir()
    long = ["model.num_round=100000", "model.early_stopping_rounds=0", "run.id=v1"]
    words = [sys.executable, "-m", "fraudlab", "train", *SMALL]
    other = subprocess.Popen(
        [*words, *long], cwd="a", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        log = Path("a/runs/v1/logs/train.log")
        wait_for(lambda: log.exists() and "[5]\t" in log.read_text(), other, seconds=300)
        before = running_containers(f"{docker_engine.RUN_LABEL}=v1")
        done = subprocess.run([*words, "run.id=v1"], cwd="b", capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert running_containers(f"{docker_engine.RUN_LABEL}=v1") == before
        assert other.poll() is None
    finally:
        other.send_signal(signal.SIGTERM)
        _, error = other.communicate(timeout=90)
    assert other.returncode == 130, error
    assert running_containers(f"{docker_engine.RUN_LABEL}=v1") == []


@pytest.mark.parametrize("also", ["the watchdog takes them", "a clean takes them", "the next run takes them"])
def test_the_containers_of_a_killed_launcher_are_taken_away(in_tmp, also):
    long = ["model.num_round=100000", "model.early_stopping_rounds=0", "run.id=killed"]
    words = [sys.executable, "-m", "fraudlab", "train", *SMALL]
    run = subprocess.Popen([*words, *long], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    label = f"{docker_engine.RUN_LABEL}=killed"
    log = Path("runs/killed/logs/train.log")
    try:
        wait_for(lambda: log.exists() and "[5]\t" in log.read_text(), run, seconds=300)
        (workspace,) = Path("runs/.cache/jobs").iterdir()
        find = ["pgrep", "-f", f"watchdog.py {workspace.name}"]
        (watchdog,) = subprocess.run(find, capture_output=True, text=True, check=True).stdout.split()
        if also != "the watchdog takes them":
            os.kill(int(watchdog), signal.SIGKILL)
    finally:
        run.kill()
        run.communicate()
    if also == "a clean takes them":
        assert running_containers(label) != []
        assert main(["clean"]) == 0
    elif also == "the next run takes them":
        assert running_containers(label) != []
        assert main(["train", *SMALL, "run.id=next"]) == 0
    else:
        wait_for(lambda: running_containers(label) == [])
    assert running_containers(label) == []
    assert main(["clean"]) == 0
    assert not any(Path("runs/.cache/jobs").iterdir())
    assert find_run(Path("runs"), "killed").status == "dead"


def test_containers_that_are_going_or_gone_are_no_error(in_tmp):
    owner = "fraudlab-test-removal"
    for _ in range(3):
        start = ["docker", "run", "--detach", f"--label={docker_engine.OWNER_LABEL}={owner}"]
        image = docker_engine.default_image()
        subprocess.run([*start, "--entrypoint=sleep", image, "600"], check=True, capture_output=True)
    with ThreadPoolExecutor(8) as threads:
        for removal in [threads.submit(docker_engine.remove_containers, owner) for _ in range(8)]:
            removal.result()
    wait_for(lambda: running_containers(f"{docker_engine.OWNER_LABEL}={owner}") == [])


def test_runs_in_containers_go_side_by_side(in_tmp):
    words = [sys.executable, "-m", "fraudlab", "train", *SMALL]
    runs = [
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    ended = [(run.communicate()[1], run.returncode) for run in runs]
    assert [end for end in ended if end[1] != 0] == []
    assert [run.status for run in list_runs(Path("runs"))] == ["completed"] * 2


def test_compose_serves_the_newest_run(in_tmp):
    assert main(["train", *SMALL]) == 0
    port = "18480"
    environment = {**os.environ, "FRAUDLAB_MODEL": str(in_tmp / "runs/latest/model"), "FRAUDLAB_PORT": port}
    compose = ["docker", "compose", "-p", "fraudlab-test", "-f", str(ROOT / "docker-compose.yml")]
    try:
        subprocess.run([*compose, "up", "-d", "--wait"], env=environment, check=True, capture_output=True)
        Path("t.csv").write_bytes(b"")
        assert main(["data", "generate", "t.csv", "--rows", "2000"]) == 0
        url = f"http://localhost:{port}"
        assert main(["predict", "--endpoint", url, "t.csv", "--output", "scores.csv"]) == 0
        assert len(Path("scores.csv").read_text().splitlines()) == 2001
        row = ",".join(["0.1"] * 29)
        curl = ["curl", "-s", f"{url}/invocations", "-H", "Content-Type: text/csv", "-d", row]
        answer = subprocess.run(curl, capture_output=True, text=True, check=True).stdout
        assert 0.0 < float(answer) < 1.0
    finally:
        subprocess.run([*compose, "down", "--timeout", "5"], env=environment, check=True, capture_output=True)


@pytest.mark.data
@pytest.mark.slow
def test_the_handbook_table_trains_in_containers(in_tmp, data_dir):
    path = data_dir / "handbook.parquet"
    assert (
        main(["train", *SMALL[:2], "data=handbook", f"data.path={path}", "model.num_round=30", "run.id=h"])
        == 0
    )
    made = record("h")
    assert made["data"]["rows"] == 1_754_155
    assert made["metrics"]["average_precision"] > 0.5


def running_containers(label: str) -> list[str]:
    listed = subprocess.run(
        ["docker", "ps", "-aq", "--filter", f"label={label}"], capture_output=True, text=True, check=True
    )
    return listed.stdout.split()


def remove(containers: list[str]) -> None:
    if containers:
        subprocess.run(["docker", "rm", "-f", *containers], check=True, capture_output=True)


def wait_for(condition, process=None, seconds=300.0):
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.05)
