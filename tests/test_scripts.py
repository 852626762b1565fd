"""What scripts are given: a JSON object per run on standard output, exit codes, and how runs are stopped."""

import json
import signal
import subprocess
import sys
import time

import pytest

import fraudlab
from fraudlab.cli import main
from fraudlab.errors import GateFailed
from fraudlab.gates import METRICS, is_metric

SMALL = [
    "backend=process", "tracking=off", "data.rows=5000", "data.fraud_rate=0.02", "model.num_round=3",
    "evaluation.resamples=100",
]  # fmt: skip
LONG = [*SMALL, "model.num_round=100000", "model.early_stopping_rounds=0"]
#: metrics that a run has whose split has several folds, whose table has cards, or that asks about slices
OF_MORE_THAN_ROWS = {"cards", "slices", "slices_worse", "brier_uncalibrated", "log_loss_uncalibrated"} | {
    f"{name}_{end}" for name in ("average_precision", "roc_auc") for end in ("mean", "std")
}
KEYS = {"run", "folder", "status", "exit_code", "metrics", "gates", "report", "model", "error"}


def start(*words):
    return subprocess.Popen(
        [sys.executable, "-m", "fraudlab", "train", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def answer(text):
    """The one object that is printed."""
    assert text.count("\n") == 1
    found = json.loads(text)
    assert set(found) == KEYS
    if found["error"]:
        assert all(found["error"].values())
        assert found["error"]["exit_code"] == found["exit_code"]
    return found


def test_a_run_is_one_object_and_its_progress_is_elsewhere(in_tmp, capfd):
    conditions = ["--fail-if", "average_precision<0.1", "--fail-if=days>1e6"]
    assert main(["train", "--json", "-v", *SMALL, *conditions, "run.id=a"]) == 0
    shown = capfd.readouterr()
    found = answer(shown.out)
    folder = in_tmp / "runs" / "a"
    assert found["metrics"] == json.loads((folder / "evaluation" / "metrics.json").read_text())
    assert [name for name in found["metrics"] if not is_metric(name)] == []
    without = {name for name in METRICS if not name.startswith("incumbent_")}
    assert without - set(found["metrics"]) == OF_MORE_THAN_ROWS
    assert (found["run"], found["status"], found["exit_code"], found["error"]) == ("a", "completed", 0, None)
    assert found["folder"] == str(folder)
    assert found["report"] == str(folder / "report.html")
    assert found["model"] == str(folder / "model")
    assert [gate["failed"] for gate in found["gates"]] == [False, False]
    assert json.loads((folder / "run.json").read_text())["gates"] == found["gates"]
    assert "  evaluate " in shown.err
    assert "    train | " in shown.err


def test_every_run_of_a_sweep_is_a_line_and_a_failed_gate_an_exit_code(in_tmp):
    run = start("run.id=a,b", *SMALL, "--fail-if", "recall<=1", "--json", "-m", "--fail-if", "rows<0")
    out, error = run.communicate()
    assert run.returncode == 10
    lines = [answer(line + "\n") for line in out.splitlines()]
    assert [(found["run"], found["status"], found["exit_code"]) for found in lines] == [
        ("a", "completed", 10),
        ("b", "completed", 10),
    ]
    assert [gate["failed"] for gate in lines[0]["gates"]] == [True, False]
    assert lines[0]["error"]["type"] == "GateFailed"
    assert error.count("and --fail-if says recall<=1.\n") == 2
    assert (in_tmp / "runs" / "latest" / "report.html").is_file()


REFUSED = {
    "a key": (["model.max_dpeth=3"], 2, "ConfigError"),
    "a key of a sweep": (["-m", "model.max_dpeth=3,4"], 2, "ConfigError"),
    "a metric": (["--fail-if", "recal<0.5"], 2, "ConfigError"),
    "a condition that is missing": (["--fail-if"], 2, "ConfigError"),
    "a metric without its column": (
        ["data=table", "data.path=t.csv", "data.label=y", "--fail-if", "value_recall<1"], 2, "ConfigError"
    ),
    "a table": (["data=table", "data.path=none.csv", "data.label=y"], 3, "DataError"),
    "a question that starts no run": (["--cfg", "job"], 2, "ConfigError"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_refused_is_one_object_too(in_tmp, capfd, kind):
    words, code, name = REFUSED[kind]
    assert main(["train", "--json", "backend=process", *words]) == code
    shown = capfd.readouterr()
    found = answer(shown.out)
    assert (found["status"], found["exit_code"], found["error"]["type"]) == ("failed", code, name)
    assert found["run"] is None
    assert shown.err.count("error: ") == 1
    assert not list(in_tmp.glob("runs/[!.]*"))


def test_a_run_that_fails_has_its_folder_in_the_object(in_tmp, capfd):
    (in_tmp / "t.csv").write_text("a,y\n" + "".join(f"{n},0\n" for n in range(300)))
    words = ["data=table", "data.path=t.csv", "data.label=y", "backend=process", "tracking=off", "run.id=a"]
    assert main(["train", "--json", *words]) == 3
    found = answer(capfd.readouterr().out)
    record = json.loads((in_tmp / "runs" / "a" / "run.json").read_text())
    assert (found["run"], found["status"], found["error"]) == ("a", "failed", record["error"])


def test_a_fault_of_ours_is_an_object_and_a_traceback(in_tmp, capfd, monkeypatch):
    def broken(*_words, **_options):
        raise ZeroDivisionError

    monkeypatch.setattr("fraudlab.workflow.run_workflow", broken)
    with pytest.raises(ZeroDivisionError):
        main(["train", "--json", *SMALL])
    found = answer(capfd.readouterr().out)
    assert (found["status"], found["exit_code"]) == ("failed", 1)
    assert "report it" in found["error"]["fix"]


def test_python_has_gates_too(in_tmp):
    with pytest.raises(GateFailed) as raised:
        fraudlab.train([*SMALL, "run.id=a"], quiet=True, fail_if=["recall<=1"])
    assert raised.value.run == in_tmp / "runs" / "a"


def training(run, folder):
    give_up = time.monotonic() + 60
    while not (log := folder / "logs" / "train.log").exists() or not log.stat().st_size:
        assert time.monotonic() < give_up
        assert run.poll() is None, run.communicate()
        time.sleep(0.05)


def test_ctrl_c_says_what_stops_and_ends_a_sweep(in_tmp):
    run = start("-m", "--json", *LONG, "run.id=a,b")
    training(run, in_tmp / "runs" / "a")
    run.send_signal(signal.SIGINT)
    run.send_signal(signal.SIGINT)  # at once: a terminal and make may each send one
    out, error = run.communicate(timeout=60)
    assert run.returncode == 130
    found = answer(out)
    assert (found["run"], found["status"], found["exit_code"]) == ("a", "interrupted", 130)
    assert "\nSIGINT: stopping the train job; " in error
    assert not (in_tmp / "runs" / "b").exists()


def test_ctrl_c_again_ends_at_once_and_no_job_is_left(in_tmp):
    run = start(*LONG, "run.id=a")
    training(run, in_tmp / "runs" / "a")
    jobs = subprocess.run(["ps", "axww"], capture_output=True, text=True, check=True).stdout
    assert any("fraudlab.container" in line for line in jobs.splitlines())
    # the job is held, so that it cannot be stopped in the meantime
    held = [int(line.split()[0]) for line in _children(run.pid)]
    for pid in held:
        subprocess.run(["kill", "-STOP", str(pid)], check=True)
    run.send_signal(signal.SIGINT)
    time.sleep(1.3)
    run.send_signal(signal.SIGINT)
    out, _ = run.communicate(timeout=60)
    assert run.returncode == -signal.SIGINT
    assert "SIGINT again: ending at once." in out
    assert fraudlab.Run(in_tmp / "runs" / "a").status == "dead"
    give_up = time.monotonic() + 60
    while any(_exists(pid) for pid in held):
        assert time.monotonic() < give_up
        time.sleep(0.1)


def _children(pid):
    shown = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(pid)], capture_output=True, text=True, check=True
    ).stdout
    return [line for line in shown.splitlines() if "fraudlab.container" in line]


def _exists(pid):
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return state.stdout.strip()[:1] not in {"", "Z"}
