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
        wait_for(lambda: answers(client), process)
        yield client.service()  # type: ignore[attr-defined]
    finally:
        os.environ.pop("MEMORY_CLOUD", None)
        process.kill()
        process.communicate()


def answers(client: Cloud) -> bool:
    """Whether somebody listens: the socket is there a moment before."""
    try:
        client.connect()
    except (OSError, EOFError):
        return False
    return True


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
    assert "valid    process, local, rehearsal, sagemaker, memory" in run(
        checkout, "train", "--help", "backend.kind"
    )
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


@pytest.mark.parametrize("via", ["auto", "transform", "endpoint"])
def test_a_whole_run_whose_files_are_objects(
    checkout: Path, cloud: Any, in_tmp: Path, expected: tuple[bytes, bytes, dict[str, Any]], via: str
) -> None:
    """Scored by a transform job or an endpoint, the scores are those of plain processes to the bit."""
    ways = ["evaluation.batch_rows=250", f"evaluation.via={via}"]
    shown = run(checkout, "train", "backend=memory", *SMALL, *ways, f"run.id=whole-{via}")
    assert f"run whole-{via} · baseline on synthetic · a cloud in memory" in shown
    folder = in_tmp / "runs" / f"whole-{via}"
    assert results(folder) == expected
    requests = {path.stem: path.read_text() for path in (folder / "requests").iterdir()}
    assert f"memory://whole-{via}/training-output" in requests["training-job"]
    assert "file://" not in "".join(requests.values())
    page = (folder / "report.html").read_text()
    assert "memory (jobs of a service, files in its memory)" in page
    assert not any((in_tmp / "runs" / ".cache" / "jobs").iterdir())
    if via == "endpoint":
        assert set(record(folder)["jobs"]) == {"process", "train"}
        assert "514 test rows through the endpoint" in shown
        assert "scores through the endpoint are exactly" in page
        return
    assert set(record(folder)["jobs"]) == {"process", "train", "transform"}
    assert record(folder)["scored_via"] == "transform"
    assert "514 test rows through a transform job" in shown
    assert "scores through a transform job are exactly" in page
    assert set(requests) == {"processing-job", "training-job", "model", "transform-job"}
    sent = cloud.names(f"memory://whole-{via}/transform-input/")
    scored = cloud.names(f"memory://whole-{via}/transform-output/")
    assert len(sent) == 3
    assert [name.rpartition("/")[2] for name in scored] == [f"{name.rpartition('/')[2]}.out" for name in sent]


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
    [("process", False), ("train", True), ("transform", True), ("transform", False)],
    ids=["process, before the handle was written", "train", "transform", "transform, before it was written"],
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
        f"fraudlab.errors.RunTaken: Run {run_id} is being carried out by another process of this machine.",
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


def attach(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    process = launch(checkout, "runs", "attach", *words)
    shown, error = process.communicate()
    return subprocess.CompletedProcess(words, process.returncode, shown, error)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda n: n.name)
def test_who_is_left_by_a_signal_is_finished_on_another_machine(
    checkout: Path,
    cloud: Any,
    in_tmp: Path,
    expected: tuple[bytes, bytes, dict[str, Any]],
    number: signal.Signals,
) -> None:
    """No folder of the first is there, and nobody answers a question."""
    run_id = f"left-{number.name}"
    cloud.hold("train")
    first = launch(checkout, "train", "backend=memory", *SMALL, f"run.id={run_id}", "paths.runs=one")
    folder = in_tmp / "one" / run_id
    wait_for(lambda: "train" in record(folder).get("jobs", {}), first)
    refused = attach(checkout, run_id, "backend=memory", "--runs", "two")
    assert refused.returncode == 7
    assert f"Run {run_id} is being carried out by " in refused.stderr
    assert not (in_tmp / "two" / run_id).exists()
    first.send_signal(number)
    shown, error = first.communicate()
    assert first.returncode == 11, (shown, error)
    assert f"fraudlab runs attach {run_id}" in error
    assert record(folder)["status"] == "detached"
    assert "detached" in run(checkout, "runs", "list", "--runs", "one", "--status", "detached")
    assert not [name for name in cloud.which_stopped() if f"-{run_id}-" in name]

    cloud.release("train")
    (in_tmp / "one" / ".cache").rename(in_tmp / "elsewhere")
    done = attach(checkout, run_id, "backend=memory", "--runs", "two")
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert results(in_tmp / "two" / run_id) == expected
    assert len([name for name in cloud.started() if f"-{run_id}-train" in name]) == 1

    again = attach(checkout, run_id, "--runs", "one")
    assert again.returncode == 0, again.stderr
    assert f"Run {run_id} is completed: another machine has finished it." in again.stdout
    assert results(folder) == expected


#: a launcher that is sent SIGTERM the first time it comes to a function
AT = """
import os, signal, sys
from importlib import import_module
module, _, path = sys.argv[1].partition(":")
*owners, name = path.split(".")
owner = import_module(module)
for each in owners:
    owner = getattr(owner, each)
function = getattr(owner, name)
class Dropped:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
def now(*given, **named):
    setattr(owner, name, function)
    if sys.argv[2] == "finalizer":
        Dropped()
    else:
        os.kill(os.getpid(), signal.SIGTERM)
    return function(*given, **named)
setattr(owner, name, now)
from fraudlab.cli import main
sys.exit(main(sys.argv[3:]))
"""
MOMENTS = {
    "while the table's description is sent": ("fraudlab.backends.memory:MemoryFiles.stage", "", "auto"),
    "while a job is started": ("fraudlab.backends.memory:MemoryBackend.start", "", "auto"),
    "while the handle is saved": ("fraudlab.stages.context:Context.wait", "", "auto"),
    "while a job is waited for": ("fraudlab.backends.memory:MemoryBackend.wait", "", "auto"),
    "while what a job wrote is fetched": ("fraudlab.backends.memory:MemoryFiles.fetch", "", "auto"),
    "between two jobs": ("fraudlab.workflow:train", "", "auto"),
    "between two jobs, unheard": ("fraudlab.workflow:train", "finalizer", "auto"),
    "after all jobs, unheard": ("fraudlab.workflow:publish_report", "finalizer", "auto"),
    "while an endpoint is taken down": ("fraudlab.backends.deployment:_Thing.delete", "", "endpoint"),
    "while it is being deleted": (
        "fraudlab.backends.process_client:ProcessClient.delete_endpoint", "", "endpoint",
    ),
    "while it is evaluated": ("fraudlab.workflow:measure", "", "auto"),
    "while its experiment ends": ("fraudlab.lifecycle:_end_experiment", "", "auto"),
}  # fmt: skip


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_signal_is_heard_at_any_moment_and_leaves_a_run_that_can_be_finished(
    checkout: Path, cloud: Any, in_tmp: Path, expected: tuple[bytes, bytes, dict[str, Any]], moment: str
) -> None:
    function, how, via = MOMENTS[moment]
    run_id = f"at-{list(MOMENTS).index(moment)}"
    words = [*SMALL, f"evaluation.via={via}", f"run.id={run_id}"]
    left = subprocess.run(
        [sys.executable, "-c", AT, function, how, "train", "backend=memory", *words],
        env={**os.environ, "PYTHONPATH": str(checkout / "src")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    folder = in_tmp / "runs" / run_id
    if moment == "while the table's description is sent":  # nothing of it goes on
        assert (left.returncode, record(folder)["status"]) == (130, "interrupted"), left.stderr
        return
    assert (left.returncode, record(folder)["status"]) == (11, "detached"), (left.stdout, left.stderr)
    assert f"fraudlab runs attach {run_id}" in left.stderr
    assert not [name for name in cloud.which_stopped() if f"-{run_id}-" in name]
    done = attach(checkout, run_id)
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert results(folder) == expected


@pytest.mark.parametrize(
    "function",
    ["fraudlab.runs.folder:RunFolder.complete", "fraudlab.runs.folder:RunFolder._save_last",
     "fraudlab.runs.shared_copy:SharedCopy.let_go"],
)  # fmt: skip
def test_a_signal_after_the_end_changes_nothing_of_it(
    checkout: Path, cloud: Any, in_tmp: Path, function: str
) -> None:
    run_id = f"ended-{function.rpartition('.')[2].strip('_').replace('_', '-')}"
    ended = subprocess.run(
        [sys.executable, "-c", AT, function, "", "train", "backend=memory", *SMALL, f"run.id={run_id}"],
        env={**os.environ, "PYTHONPATH": str(checkout / "src")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, (ended.stdout, ended.stderr)
    assert "SIGTERM: the run is ending, and is only being recorded." in ended.stdout
    assert record(in_tmp / "runs" / run_id)["status"] == "completed"
    assert json.loads(cloud.get(f"state://{run_id}/run.json"))["status"] == "completed"
    assert json.loads(cloud.get(f"state://{run_id}/owner.json"))["released"]


@pytest.mark.parametrize("moment", ["process", "train", "transform", "evaluate", "report"])
def test_a_run_killed_in_any_stage_is_finished_with_the_same_bytes(
    checkout: Path,
    cloud: Any,
    in_tmp: Path,
    expected: tuple[bytes, bytes, dict[str, Any]],
    moment: str,
) -> None:
    run_id = f"killed-{moment}"
    folder = in_tmp / "runs" / run_id
    waits_for = {
        "evaluate": (folder / "evaluation" / "importance.json").exists,
        "report": lambda: "evaluate" in record(folder).get("stages", {}),
    }
    if moment not in waits_for:
        cloud.hold(moment)
    first = launch(checkout, "train", "backend=memory", *SMALL, f"run.id={run_id}")
    wait_for(waits_for.get(moment, lambda: moment in record(folder).get("jobs", {})), first)
    first.kill()
    first.communicate()
    if moment not in waits_for:
        cloud.release(moment)
    assert Run(folder).status == "dead"
    done = attach(checkout, run_id)
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert results(folder) == expected
    started = [name for name in cloud.started() if f"-{run_id}-" in name]
    assert len(started) == len(set(started)) == 3
    assert "there is nothing to go on with" in attach(checkout, run_id).stderr


def test_of_two_who_attach_at_once_one_finishes(checkout: Path, cloud: Any, in_tmp: Path) -> None:
    cloud.hold("train")
    first = launch(checkout, "train", "backend=memory", *SMALL, "run.id=twice", "paths.runs=one")
    folder = in_tmp / "one" / "twice"
    wait_for(lambda: "train" in record(folder).get("jobs", {}), first)
    first.terminate()
    first.communicate()
    both = [
        launch(checkout, "runs", "attach", "twice", "backend=memory", "--runs", f"m{n}") for n in range(2)
    ]
    ended = []

    def one_has_ended() -> bool:
        ended[:] = [process for process in both if process.poll() is not None]
        return bool(ended)

    while not one_has_ended():
        time.sleep(0.02)
    assert ended[0].returncode == 7
    assert "Run twice is being carried out by" in ended[0].communicate()[1]
    cloud.release("train")
    other = next(process for process in both if process is not ended[0])
    shown, error = other.communicate()
    assert other.returncode == 0, (shown, error)
