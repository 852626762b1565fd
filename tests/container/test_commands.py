"""The image's commands as processes: exit codes, failures, signals, a real server, what is imported."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fraudlab.container.contract import Tree
from fraudlab.container.scorer import load_scorer

from .served import Server, children, environment

ALL_ROLES = {"id": ["tx"], "time": "t", "amount": "amount", "categorical": ["merchant"]}
KEY = "fraudlabtrainingarchive0123456789"


def command(
    tree: Tree, *words: str, limit: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "fraudlab.container", *words],
        env=environment(tree),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,
    )


def test_the_three_commands_one_after_the_other(place: Any, frauds: pa.Table, hand_over: Any) -> None:
    tree = place(frauds, **ALL_ROLES, duplicates="flag", split={"kind": "time"})
    done = command(tree, "process")
    assert (done.returncode, done.stderr) == (0, "")
    assert "stage=write" in done.stdout
    assert (tree.prepared / "manifest.json").is_file()
    hand_over(tree, experiment_key=KEY)
    done = command(tree, "train")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\n[11]\tvalidation-aucpr:" in done.stdout
    assert load_scorer(tree.model).features.names == ["a", "b", "merchant", "amount"]
    (archive,) = (tree.results / "comet").glob(f"{KEY}-*.zip")
    messages = zipfile.ZipFile(archive).read("messages.json").decode()
    assert messages.count("validation_aucpr") == 12
    assert "validation_average_precision" in messages
    assert not tree.training_failure.exists()


@pytest.mark.parametrize(
    ("table", "roles", "code", "lines"),
    [
        ("", {}, 3, ["table.csv is empty", "fix: give it a header and rows", "kind: data"]),
        (
            "a,y\n1,0\n2,1\n",
            {"label": "z"},
            3,
            ["table.csv has no column 'z'", "fix: set data.label to one of its columns: a, y", "kind: data"],
        ),
        (
            "a,y\n1,0\n2,1\n",
            {"split": {"kind": "time"}},
            2,
            [
                "a time split needs a time column",
                "fix: set data.time to the column, or use split=stratified",
                "kind: config",
            ],
        ),
    ],
)
def test_a_processing_job_says_why_it_failed(
    place: Any, table: str, roles: dict[str, Any], code: int, lines: list[str]
) -> None:
    tree = place(table, **roles)
    done = command(tree, "process")
    assert done.returncode == code
    assert tree.processing_message.read_text().splitlines() == lines
    assert done.stderr == "".join(f"fraudlab-failure: {line}\n" for line in lines)


def test_a_training_job_says_why_it_failed(trained: Tree, hand_over: Any) -> None:
    done = command(hand_over(trained, {"max_dept": "3"}), "train")
    assert done.returncode == 2
    sentence, fix, kind = trained.training_failure.read_text().splitlines()
    assert sentence.startswith("unknown hyperparameter 'max_dept' (did you mean 'max_depth' or ")
    assert fix.startswith("fix: use one of: ")
    assert kind == "kind: config"


def test_a_failing_training_job_leaves_its_archive(trained: Tree, hand_over: Any) -> None:
    decision = {"policy": "fixed", "threshold": None, "missed_fraud_cost": None, "alert_cost": 0}
    done = command(hand_over(trained, experiment_key=KEY, decision=decision), "train")
    assert done.returncode == 2
    (archive,) = (trained.results / "comet").glob(f"{KEY}-*.zip")
    assert "validation_aucpr" in zipfile.ZipFile(archive).read("messages.json").decode()


def no_room() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, 6_000))


def test_a_disk_without_room(place: Any, frauds: pa.Table) -> None:
    tree = place(frauds, **ALL_ROLES)
    done = command(tree, "process", limit=no_room)
    assert done.returncode == 8
    assert done.stderr.splitlines()[-1] == "fraudlab-failure: kind: storage"
    assert tree.processing_message.read_text().splitlines()[0] == "cannot write: File too large"
    assert [path for path in tree.prepared.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_line_is_written_at_once_and_as_a_whole(trained: Tree, hand_over: Any, unbuffered: str) -> None:
    """Where both streams end in one log, no line of one is cut in two by a line of the other."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    writes = []
    with here, there:
        for parameters in ({"num_round": "3"}, {"max_dept": "2"}):
            hand_over(trained, parameters)
            subprocess.run(
                [sys.executable, "-m", "fraudlab.container", "train"],
                env=environment(trained, PYTHONUNBUFFERED=unbuffered),
                stdout=there,
                stderr=there,
                check=False,
            )
        there.close()
        while write := here.recv(1 << 16):
            writes.append(write.decode())
    text = "".join(writes)
    assert "[2]\t" in text
    assert "fraudlab-failure: unknown hyperparameter" in text
    assert all(write.endswith("\n") for write in writes)
    assert len([write for write in writes if write.startswith("[")]) == 3


def test_an_unknown_command(tree: Tree) -> None:
    done = command(tree, "trian")
    assert done.returncode == 2
    assert done.stderr == "fraudlab.container knows process, train, serve, not 'trian'\n"


def test_training_is_what_happens_where_no_command_is_given(tree: Tree) -> None:
    assert "fraudlab-failure: there is no train channel\n" in command(tree).stderr


def test_a_stopped_training_job_keeps_model_and_archive(trained: Tree, hand_over: Any) -> None:
    hand_over(trained, {"num_round": "100000"}, experiment_key=KEY)
    (trained.model / "model.ubj").unlink()
    with subprocess.Popen(
        [sys.executable, "-m", "fraudlab.container", "train"],
        env=environment(trained),
        stdout=subprocess.PIPE,
        text=True,
    ) as job:
        assert job.stdout is not None
        for line in job.stdout:
            if line.startswith("[20]"):
                job.send_signal(signal.SIGTERM)
                break
        job.stdout.read()
        assert job.wait(60) == 0
    contract = json.loads((trained.model / "model.json").read_text())
    assert 20 < contract["rounds"] < 100_000
    assert load_scorer(trained.model).features
    (archive,) = (trained.results / "comet").glob(f"{KEY}-*.zip")
    assert "validation_recall" in zipfile.ZipFile(archive).read("messages.json").decode()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_real_server(trained: Tree, start: Callable[..., Server], workers: str) -> None:
    server = start(trained, FRAUDLAB_WORKERS=workers)
    scorer = load_scorer(trained.model)
    raw = scorer.features.scaled(np.float32([[1.5, 0.25, 0, 80]]))
    assert server.invoke(b"1.5,0.25,casino,80\n") == f"{scorer.score(raw)[0]!s}\n".encode()
    with pytest.raises(urllib.error.HTTPError) as caught:
        server.invoke(b"1,2\n")
    assert caught.value.code == 400
    caught.value.close()
    server.job.send_signal(signal.SIGTERM)
    output = server.job.communicate(timeout=40)[0]
    assert server.job.returncode == 0
    lines = [json.loads(line) for line in output.splitlines()]
    events = [line["event"] for line in lines]
    assert [event for event in events if event != "stopping"] == ["serving", "refused", "stopped"]
    # A second worker that had not begun to serve when it was told to stop has nothing to say.
    assert 1 <= events.count("stopping") <= int(workers)
    told = {key: lines[0][key] for key in ("model", "folder", "host", "port", "workers")}
    assert told == {
        "model": scorer.model_id,
        "folder": str(trained.model),
        "host": "127.0.0.1",
        "port": server.port,
        "workers": int(workers),
    }


def test_a_stopped_server_finishes_what_is_in_flight(trained: Tree, start: Callable[..., Server]) -> None:
    server = start(trained)
    body = b"1.5,0.25,casino,80\n" * 400_000
    head = "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\n"
    head += f"Content-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client:
        client.sendall(head.encode() + body[:-10])
        time.sleep(0.3)
        server.job.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", server.port), timeout=5)
        client.sendall(body[-10:])
        answer = b""
        while piece := client.recv(1 << 20):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.count(b"\n0.") > 399_000
    server.job.communicate(timeout=40)
    assert server.job.returncode == 0


def test_workers_score_large_bodies_and_reasons_and_are_replaced(
    trained: Tree, start: Callable[..., Server]
) -> None:
    server = start(trained, FRAUDLAB_WORKERS="2", FRAUDLAB_OUTPUT="score,reasons")
    workers = children(server.job.pid)
    assert len(workers) == 2
    for _ in range(8):
        assert server.invoke(b"1.5,0.25,casino,80\n" * 5_000).count(b"\n") == 5_000
    os.kill(workers[0], signal.SIGKILL)
    give_up = time.monotonic() + 20
    while workers[0] in children(server.job.pid) or len(children(server.job.pid)) < 2:
        assert time.monotonic() < give_up
        time.sleep(0.05)
    for _ in range(8):
        assert server.invoke(b"1.5,0.25,casino,80\n").startswith(b"0.")
    server.job.send_signal(signal.SIGTERM)
    server.job.communicate(timeout=40)
    assert server.job.returncode == 0


def test_a_port_that_is_taken(trained: Tree) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "fraudlab.container", "serve"],
            env=environment(trained, FRAUDLAB_HOST="127.0.0.1", SAGEMAKER_BIND_TO_PORT=str(port)),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert f"fraudlab-failure: cannot listen on 127.0.0.1:{port}: Address already in use\n" in done.stderr


def test_the_log_says_which_of_two_variables_counts(trained: Tree, start: Callable[..., Server]) -> None:
    server = start(trained, FRAUDLAB_OUTPUT="alert", SAGEMAKER_INFERENCE_OUTPUT="probability")
    assert server.invoke(b"1.5,0.25,casino,80\n") in (b"0\n", b"1\n")
    server.job.send_signal(signal.SIGTERM)
    log, _ = server.job.communicate(timeout=40)
    assert "FRAUDLAB_OUTPUT is used, and SAGEMAKER_INFERENCE_OUTPUT is not" in str(log)


def test_a_script_is_not_run(trained: Tree) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fraudlab.container", "serve"],
        env=environment(trained, SAGEMAKER_PROGRAM="inference.py"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "fraudlab-failure: SAGEMAKER_PROGRAM is 'inference.py': this image runs no code" in done.stderr


def test_a_damaged_model_is_not_served(trained: Tree) -> None:
    (trained.model / "model.ubj").write_bytes(b"junk")
    done = command(trained, "serve")
    assert done.returncode == 2
    assert "fraudlab-failure: model.ubj is not the file model.json was written for" in done.stderr


IMPORTED = """
import sys
from pathlib import Path
from fraudlab.container.__main__ import main
import fraudlab.container.serve as serve
row = b"1.5,0.25,casino,80"
import fraudlab.container.endpoint.routes
from fraudlab.container.bodies import finish
from fraudlab.container.bodies.csv_rows import parse_csv
def run():
    scorer = serve.load_scorer(serve.read_settings().model)
    scorer.score(finish([parse_csv(row, scorer.features, 1)], scorer.features))
serve.run = run
sys.argv = ["serve", "serve"]
assert main() == 0
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_what_the_endpoint_imports(trained: Tree) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED],
        env=environment(trained), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    imported = set(done.stdout.split())
    assert {"xgboost", "numpy", "orjson"} <= imported
    assert not imported & {
        "pandas",
        "sklearn",
        "sagemaker",
        "boto3",
        "hydra",
        "omegaconf",
        "comet_ml",
        "pyarrow",
    }
