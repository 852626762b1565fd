"""Requests at their limits in a container of little memory: answered or refused, and nothing is killed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from benchmarks import soak

from .opt_ml import HARDENED
from .opt_ml import docker as engine
from .tables import COLUMNS

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("docker_engine")]

#: of both versions of cgroups
KILLED = """
import pathlib
for name in ("memory.events", "memory/memory.oom_control"):
    path = pathlib.Path("/sys/fs/cgroup", name)
    if path.exists():
        print(*[line.split()[1] for line in path.read_text().splitlines() if line.startswith("oom_kill ")])
"""

#: the machine may be busy
PATIENT = {"FRAUDLAB_TIMEOUT": "600"}


def limited(memory: str) -> tuple[str, ...]:
    return (*HARDENED, f"--memory={memory}", f"--memory-swap={memory}")


def assert_lives(server: Any) -> None:
    assert server.ask("/ping").status == 200
    state = engine("inspect", "--format", "{{.State.OOMKilled}} {{.RestartCount}}", server.name)
    assert state.stdout.decode().split() == ["false", "0"]
    assert server.python(KILLED).decode().split() == ["0"]


def test_every_format_and_output_at_its_limit(docker: Any, model: Any) -> None:
    server = docker.serve(model, how=limited("512m"), environment=PATIENT)
    seen = soak.drive(
        server.port, list(COLUMNS), max_bytes=1 << 20, of=soak.OUTPUTS[-1:], accepts=soak.ACCEPTS[1::2]
    )
    answered = {name for name, status in seen if status == 200}
    assert {status for _, status in seen} <= {200, 400}
    assert {name for name, status in seen if status == 400} == {
        "json of nothing",
        "json lines of nothing",
    }
    assert len(answered) == 13
    assert_lives(server)


def test_four_at_once_of_what_ended_it(docker: Any, model: Any) -> None:
    server = docker.serve(model, how=limited("1g"), environment=PATIENT)
    body, port = b"0:1\n" * 900_000, server.port

    def ask(rows: bytes, outputs: str) -> tuple[int, bytes]:
        headers = {"Content-Type": "text/libsvm; base=0", soak.ATTRIBUTES: f"output={outputs}"}
        return soak.ask(port, "/invocations", rows, headers)

    with ThreadPoolExecutor(4) as clients:
        answers = list(clients.map(ask, [body] * 4, ["score,alert"] * 4))
    assert [status for status, _ in answers] == [200] * 4
    assert [answer.count(b"\n") for _, answer in answers] == [900_000] * 4
    status, refusal = ask(body, "score,alert,reasons")
    assert status == 413
    assert b"FRAUDLAB_MEMORY" in refusal
    assert_lives(server)
