"""``make up``: our own sentence where Compose has only the engine's, and otherwise Compose."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: stands for docker, and writes down what it is asked
DOCKER = """#!/bin/sh
echo "$FRAUDLAB_USER $*" >>"{tmp}/asked"
case "$*" in
    version*) exit {engine} ;;
    "compose version"*) exit {compose} ;;
    "compose ps"*) printf '%s' "{running}" ;;
    "compose up"*) exit {up} ;;
esac
"""


@pytest.fixture
def up(tmp_path):
    (tmp_path / "containers").mkdir()
    shutil.copy(ROOT / "containers" / "up.sh", tmp_path / "containers")
    (tmp_path / "bin").mkdir()
    (tmp_path / "containers" / "xgboost").mkdir()
    build = tmp_path / "containers" / "xgboost" / "build.sh"
    build.write_text(f'#!/bin/sh\necho "build.sh" >>"{tmp_path}/asked"\n')
    build.chmod(0o755)

    def call(*, model="runs/latest/model", engine=0, compose=0, running="", up=0, **variables):
        if model:
            (tmp_path / model).mkdir(parents=True)
            (tmp_path / model / "model.json").write_text("{}")
        docker = tmp_path / "bin" / "docker"
        docker.write_text(DOCKER.format(tmp=tmp_path, engine=engine, compose=compose, running=running, up=up))
        docker.chmod(0o755)
        kept = {
            k: v
            for k, v in os.environ.items()
            if not k.startswith("FRAUDLAB_") and k not in {"MODEL", "FOLLOW"}
        }
        environment = {**kept, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", **variables}
        done = subprocess.run(
            [tmp_path / "containers" / "up.sh"], capture_output=True, text=True, check=False, env=environment
        )
        asked = (tmp_path / "asked").read_text() if (tmp_path / "asked").exists() else ""
        return done, asked

    return call


REFUSED = {
    "no run": ({"model": None}, "there is no completed run to serve.", "make train-local"),
    "no model in the folder": (
        {"FRAUDLAB_MODEL": "elsewhere"}, "there is no model in elsewhere.", "FRAUDLAB_MODEL=runs/RUN/model"
    ),
    "no such version": (
        {"MODEL": "fraud:production"}, "there is no fraud:production in the registry.", "fraudlab models list"
    ),
    "nothing to follow there": (
        {"FOLLOW": "./reg", "MODEL": "fraud:production"}, "there is no fraud:production to follow in ./reg.",
        "fraudlab models list",
    ),
    "following what": (
        {"FOLLOW": "./registry"}, "FOLLOW=./registry says not which model.", "MODEL=NAME:production"
    ),
    "the container's word": (
        {"FRAUDLAB_FOLLOW": "true", "MODEL": "fraud:production", "model": "registry/fraud:production"},
        "FRAUDLAB_FOLLOW is for a container by itself.", "FOLLOW=./registry MODEL=NAME:production make up",
    ),
    "no port": ({"FRAUDLAB_PORT": "http"}, "FRAUDLAB_PORT=http is not a port.", "1 to 65535"),
    "too large": ({"FRAUDLAB_PORT": "65536"}, "is not a port.", "1 to 65535"),
    "zero": ({"FRAUDLAB_PORT": "0"}, "is not a port.", "1 to 65535"),
    "no engine": ({"engine": 1}, "no Docker engine answers.", "make serve"),
    "no Compose": ({"compose": 1}, "docker has no Compose.", "make serve"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_missing_is_said_and_nothing_is_started(up, kind):
    how, message, fix = REFUSED[kind]
    done, asked = up(**{"FRAUDLAB_PORT": "18999", **how})
    assert done.returncode == 1
    assert message in done.stderr.splitlines()[0]
    assert fix in done.stderr.splitlines()[1]
    assert "compose up" not in asked
    assert "build.sh" not in asked


def test_a_port_somebody_has_is_said_with_another(up):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done, asked = up(FRAUDLAB_PORT=str(port))
    assert done.returncode == 1
    assert done.stderr.startswith(f"up: somebody listens on port {port} already.\nfix: ")
    assert "FRAUDLAB_PORT=" in done.stderr
    assert "compose up" not in asked


def test_our_own_endpoint_may_have_the_port(up):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done, asked = up(FRAUDLAB_PORT=str(taken.getsockname()[1]), running="0123abcd")
    assert done.returncode == 0, done.stderr
    assert "compose up --detach --wait" in asked


def test_else_compose_starts_it_as_the_one_who_may_read_the_run(up):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    done, asked = up(FRAUDLAB_PORT=str(port))
    assert done.returncode == 0, done.stderr
    assert asked.index("build.sh") < asked.index("compose up")
    assert f"{os.getuid()}:{os.getgid()} compose up --detach --wait" in asked
    assert f"http://127.0.0.1:{port} " in done.stdout


@pytest.mark.parametrize("folder", [None, "elsewhere"])
def test_a_version_of_the_registry_is_served_by_its_link(up, folder):
    variables = {"FRAUDLAB_REGISTRY": folder} if folder else {}
    model = f"{folder or 'registry'}/fraud:production"
    done, _ = up(model=model, MODEL="fraud:production", FRAUDLAB_PORT="18997", **variables)
    assert done.returncode == 0, done.stderr
    assert f"{model} on http" in done.stdout


def test_what_is_followed_is_the_link_in_the_folder_that_is_named(up):
    done, asked = up(
        model="reg/fraud:production", FOLLOW="./reg", MODEL="fraud:production", FRAUDLAB_PORT="18996"
    )
    assert done.returncode == 0, done.stderr
    assert "./reg/fraud:production on http" in done.stdout
    assert "compose up" in asked


def test_an_endpoint_that_does_not_come_up_says_where_to_look(up):
    done, _ = up(up=1, FRAUDLAB_PORT="18998")
    assert done.returncode == 1
    assert "docker compose logs endpoint" in done.stderr
