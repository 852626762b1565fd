"""A backend that is added to a checkout: three files, a whole run, and one that two processes share."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fraudlab.runs import Run

from .third.service import KEY, Cloud

THIRD = Path(__file__).with_name("third")
ROOT = Path(__file__).parents[2]
SMALL = ["tracking=off", "data.rows=3000", "data.fraud_rate=0.05", "model.num_round=4"]
SMALL += ["evaluation.resamples=100", "force=true"]
REGISTRY = "src/fraudlab/backend_registry.py"
LINE = '    "memory": "fraudlab.backends.memory",\n'
FINISH = "import sys; from pathlib import Path; from fraudlab.workflow import finish_run; "
FINISH += "print(finish_run(Path(sys.argv[1])).status)"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """fraudlab's own files, and a backend added to them: all that must be touched for one."""
    root = tmp_path_factory.mktemp("checkout")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src" / "fraudlab", root / "src" / "fraudlab", ignore=ignored)
    shutil.copytree(ROOT / "conf", root / "conf", ignore=ignored)
    shutil.copy(THIRD / "memory.py", root / "src" / "fraudlab" / "backends" / "memory.py")
    shutil.copy(THIRD / "memory.yaml", root / "conf" / "backend" / "memory.yaml")
    registry = (root / REGISTRY).read_text()
    before, bracket, after = registry.partition("\n}\n")
    (root / REGISTRY).write_text(f"{before}\n{LINE.rstrip()}{bracket}{after}")
    return root


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The service, in a process of its own; its address is in the environment."""
    socket = tmp_path_factory.mktemp("cloud") / "s"
    process = subprocess.Popen(
        [sys.executable, str(THIRD / "service.py"), str(socket)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        wait_for(socket.exists, process)
        os.environ["MEMORY_CLOUD"] = str(socket)
        Cloud.register("service")
        client = Cloud(address=str(socket), authkey=KEY)
        client.connect()
        yield client.service()  # type: ignore[attr-defined]
    finally:
        os.environ.pop("MEMORY_CLOUD", None)
        process.kill()
        process.communicate()


def wait_for(holds: Callable[[], bool], process: subprocess.Popen[Any]) -> None:
    """Wait for a condition; a process that ends meanwhile says why."""
    while not holds():
        if process.poll() is not None:
            raise AssertionError(process.communicate())
        time.sleep(0.02)


def launch(checkout: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "fraudlab", *words],
        env={**os.environ, "PYTHONPATH": str(checkout / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(checkout: Path, *words: str) -> str:
    process = launch(checkout, *words)
    shown, error = process.communicate()
    assert process.returncode == 0, (shown, error)
    return shown


def finish(checkout: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(checkout / "src")}
    return subprocess.run(
        [sys.executable, "-c", FINISH, str(folder)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def record(folder: Path) -> dict[str, Any]:
    path = folder / "run.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def results(folder: Path) -> tuple[bytes, bytes, dict[str, Any]]:
    metrics = json.loads((folder / "evaluation" / "metrics.json").read_text())
    model = folder / "model"
    return (
        (model / "model.ubj").read_bytes(),
        (folder / "evaluation" / "scores.parquet").read_bytes(),
        metrics,
    )


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes, dict[str, Any]]:
    """What the same run gives as plain processes."""
    folder = tmp_path_factory.mktemp("expected")
    words = ["train", "backend=process", *SMALL, "run.id=p", f"paths.runs={folder}"]
    subprocess.run([sys.executable, "-m", "fraudlab", *words], check=True, stdout=subprocess.DEVNULL)
    return results(folder / "p")


def test_adding_a_backend_touches_three_files_and_one_line_of_the_registry(checkout: Path) -> None:
    def files(root: Path) -> dict[str, bytes]:
        tops = [root / "src" / "fraudlab", root / "conf"]
        found = [path for top in tops for path in top.rglob("*") if path.is_file()]
        return {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in found
            if "__pycache__" not in path.parts and "local" not in path.relative_to(root).parts[:2]
        }

    before, after = files(ROOT), files(checkout)
    touched = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert touched == {"src/fraudlab/backends/memory.py", "conf/backend/memory.yaml", REGISTRY}
    lines = (checkout / REGISTRY).read_text().splitlines(keepends=True)
    lines.remove(LINE)
    assert "".join(lines) == (ROOT / REGISTRY).read_text()


def test_it_is_known_wherever_backends_are(checkout: Path, in_tmp: Path) -> None:
    assert "valid    process, local, memory" in run(checkout, "train", "--help", "backend.kind")
    assert "backend=memory" in run(checkout, "train", "--help", "backend")
    limited = launch(checkout, "train", "backend=memory", "backend.memory=4g")
    assert "backend.memory=4g limits a container, and backend=memory has none." in limited.communicate()[1]
    assert "removed" in run(checkout, "clean")


def test_without_its_service_it_says_so_in_a_line(checkout: Path, in_tmp: Path) -> None:
    process = launch(checkout, "train", "backend=memory", *SMALL)
    _, error = process.communicate()
    assert (process.returncode, error) == (
        4, "error: No service answers (No such file or directory).\nfix: set MEMORY_CLOUD\n"
    )  # fmt: skip
    assert not list((in_tmp / "runs").glob("[!.]*"))


def test_a_whole_run_whose_files_are_objects(
    checkout: Path, cloud: Any, in_tmp: Path, expected: tuple[bytes, bytes, dict[str, Any]]
) -> None:
    shown = run(checkout, "train", "backend=memory", *SMALL, "run.id=whole")
    assert "run whole · baseline on synthetic · a cloud in memory" in shown
    folder = in_tmp / "runs" / "whole"
    assert results(folder) == expected
    requests = "".join(path.read_text() for path in (folder / "requests").iterdir())
    assert "memory://whole/training-output" in requests
    assert "file://" not in requests
    assert "memory (jobs of a service, files in its memory)" in (folder / "report.html").read_text()
    assert set(record(folder)["jobs"]) == {"process", "train"}
    assert not any((in_tmp / "runs" / ".cache" / "jobs").iterdir())


def test_what_a_job_has_written_and_what_was_sent_is_not_sent_again(
    checkout: Path, cloud: Any, in_tmp: Path
) -> None:
    words = ["train", "backend=memory", *SMALL[:-1], "data.fraud_rate=0.04"]
    run(checkout, *words, "run.id=first")
    assert not [name for name in cloud.names("memory://prepared-") if "/" in name.removeprefix("memory://")]
    sent = []
    for name in ("second", "third"):
        before = cloud.how_many_sent()
        assert "(cached)" in run(checkout, *words, f"run.id={name}")
        sent.append(cloud.how_many_sent() - before)
    assert sent[1] < sent[0]  # the prepared splits were there
    assert f"fraudlab-{name}-process" not in cloud.started()


def test_a_job_that_fails_there_speaks_in_its_own_words(checkout: Path, cloud: Any, in_tmp: Path) -> None:
    Path("t.csv").write_text("a,y\n" + "".join(f"{i},{i}\n" for i in range(3)))
    described = ["data=table", "data.path=t.csv", "data.label=y", "tracking=off", "run.id=bad"]
    process = launch(checkout, "train", "backend=memory", *described)
    _, error = process.communicate()
    assert process.returncode == 3
    assert "label column 'y' holds 2 in row 3; a label is 0 or 1" in error


@pytest.mark.parametrize(
    ("job", "written_down"),
    [("process", False), ("train", True)],
    ids=["process, before the handle was written", "train"],
)
def test_a_run_that_one_process_starts_and_another_finishes(
    checkout: Path,
    cloud: Any,
    in_tmp: Path,
    expected: tuple[bytes, bytes, dict[str, Any]],
    job: str,
    written_down: bool,
) -> None:
    """The first is killed; its job goes on and ends while nobody waits; the second starts nothing again."""
    run_id = f"{job}-{written_down}"
    folder = in_tmp / "runs" / run_id
    cloud.hold(job)
    own = [f"run.id={run_id}", "tracking=offline", "--fail-if", "average_precision>2"]
    first = launch(checkout, "train", "backend=memory", *SMALL, *own)
    wait_for(lambda: job in record(folder).get("jobs", {}), first)
    experiment = record(folder)["experiment"]
    assert finish(checkout, folder).stderr.splitlines()[-2:] == [
        f"fraudlab.errors.RunError: Run {run_id} is being carried out by another process.",
        "fix: see `fraudlab runs list`",
    ]
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    if not written_down:
        found = record(folder)
        del found["jobs"][job]
        (folder / "run.json").write_text(json.dumps(found))
    started = [name for name in cloud.started() if f"-{run_id}-" in name]
    assert Run(folder).status == "dead"

    cloud.release(job)
    while cloud.status(f"fraudlab-{run_id}-{job}") == "InProgress":
        time.sleep(0.02)
    assert cloud.status(f"fraudlab-{run_id}-{job}") == "Completed"

    second = finish(checkout, folder)
    assert second.stdout.splitlines()[-1] == "completed", (second.stdout, second.stderr)
    assert results(folder) == expected
    assert [name for name in cloud.started() if f"-{run_id}-" in name][: len(started)] == started
    kept = record(folder)
    assert set(kept["stages"]) == {"prepare", "train", "score", "evaluate", "report"}
    assert [gate["condition"] for gate in kept["gates"]] == ["average_precision>2"]
    assert (folder / "logs" / f"{job}.log").read_text()
    assert (folder / "report.html").exists()
    assert kept["experiment"]["key"] == experiment["key"]
    archives = [path.name for path in (folder / "comet").glob("*.zip")]
    assert len(archives) >= 2  # of the second launcher, of the train job, and what the first has left
    assert all(name.startswith(experiment["key"]) for name in archives)
    again = finish(checkout, folder)
    assert f"Run {run_id} is completed: there is nothing to go on with." in again.stderr


def test_a_run_whose_table_has_changed_is_not_gone_on_with(checkout: Path, cloud: Any, in_tmp: Path) -> None:
    rows = "".join(f"{number * 7919 % 1009},{int(number % 10 == 0)}\n" for number in range(2000))
    Path("t.csv").write_text("a,y\n" + rows)
    cloud.hold("process")
    described = ["data=table", "data.path=t.csv", "data.label=y", "tracking=off", "run.id=changed"]
    first = launch(checkout, "train", "backend=memory", *described)
    folder = in_tmp / "runs" / "changed"
    wait_for(lambda: "process" in record(folder).get("jobs", {}), first)
    first.kill()
    first.communicate()
    Path("t.csv").write_text("a,y\n" + rows + "7,1\n")
    done = finish(checkout, folder)
    assert "t.csv is not the table run changed began with." in done.stderr
    assert Run(folder).status == "dead"  # it can still be gone on with
    Path("t.csv").write_text("a,y\n" + rows)
    cloud.release("process")
    assert finish(checkout, folder).stdout.splitlines()[-1] == "completed"


def test_the_jobs_of_plain_processes_end_with_their_launcher_and_that_is_said(in_tmp: Path) -> None:
    many = ["model.num_round=100000", "model.early_stopping_rounds=0", "run.id=gone"]
    first = launch(ROOT, "train", "backend=process", *SMALL, *many)
    folder = in_tmp / "runs" / "gone"
    log = folder / "logs" / "train.log"
    wait_for(lambda: log.exists() and "[0]" in log.read_text(), first)
    first.kill()
    first.communicate()
    assert "jobs" not in record(folder)
    done = finish(ROOT, folder)
    assert "The jobs of run gone have ended with its launcher (backend=process)." in done.stderr
    assert Run(folder).status == "dead"
