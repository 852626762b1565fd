"""docker-compose.yml: what it asks of the engine, and that a container under it is held to that."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fraudlab.backends.docker_engine import default_image
from fraudlab.cli import main

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("docker_engine")]

ROOT = Path(__file__).parents[2]
PORT, OTHER_PORT, FOLLOWED_PORT = "18483", "18484", "18485"
SMALL = ["backend=process", "tracking=off", "data.rows=20000", "data.fraud_rate=0.01", "model.num_round=8"]

Compose = Callable[..., subprocess.CompletedProcess[str]]


def compose_with(folder: Path, model: Path, *, project: str = "other", port: str = OTHER_PORT) -> Compose:
    """Call Compose on the repository's file, as a project of the tests' own."""
    override = folder / "override.yml"
    override.write_text(
        f"services: {{endpoint: {{image: {os.environ.get('FRAUDLAB_TEST_IMAGE', default_image())}}}}}\n"
    )
    files = [f"--file={ROOT / 'docker-compose.yml'}", f"--file={override}"]
    environment = {**os.environ, "FRAUDLAB_MODEL": str(model), "FRAUDLAB_PORT": port}

    def run(*words: str, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["docker", "compose", f"--project-name=fraudlab-test-{project}", *files, *words],
            env={**environment, **variables},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0 or not check, done.stderr
        return done

    return run


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("composed")
    assert main(["train", *SMALL, f"paths.runs={folder}", "run.id=small"]) == 0
    return folder / "small/model"


@pytest.fixture
def compose(tmp_path: Path, model: Path) -> Iterator[Compose]:
    run = compose_with(tmp_path, model)
    yield run
    run("down", "--timeout=5", "--volumes")


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Iterator[Compose]:
    """The service, up and healthy."""
    run = compose_with(tmp_path_factory.mktemp("override"), model, project="endpoint", port=PORT)
    run("up", "--detach", "--wait")
    yield run
    run("down", "--timeout=5", "--volumes")


def wait_until(holds: Callable[[], bool], *, seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.2)


def inside(endpoint: Compose, code: str) -> Any:
    return json.loads(endpoint("exec", "-T", "endpoint", "python", "-c", code).stdout)


@pytest.fixture(scope="module")
def engine_view(endpoint: Compose) -> dict[str, Any]:
    """The container, as the engine sees it."""
    identity = endpoint("ps", "--quiet", "endpoint").stdout.strip()
    seen = subprocess.run(["docker", "inspect", identity], check=True, capture_output=True, text=True).stdout
    document: dict[str, Any] = json.loads(seen)[0]
    return document


def test_the_file_is_valid_and_its_defaults_are_what_it_says(tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FRAUDLAB_")}
    described = subprocess.run(
        ["docker", "compose", f"--file={ROOT / 'docker-compose.yml'}", "config", "--format=json"],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    service = json.loads(described.stdout)["services"]["endpoint"]
    assert described.stderr == ""
    assert service["image"] == "fraudlab-xgboost:latest"
    assert [(port["host_ip"], port["published"]) for port in service["ports"]] == [("127.0.0.1", "8080")]
    (mount,) = service["volumes"]
    assert mount["source"] == str(ROOT / "runs/latest/model")
    assert mount["read_only"] is True
    assert mount["bind"] in ({}, {"create_host_path": False})


@pytest.mark.parametrize(
    ("variables", "source"),
    [
        ({"MODEL": "fraud:production"}, str(ROOT / "registry/fraud:production")),
        ({"MODEL": "fraud:3", "FRAUDLAB_REGISTRY": "/data/models"}, "/data/models/fraud:3"),
        ({"FRAUDLAB_REGISTRY": "/data/models"}, str(ROOT / "runs/latest/model")),
        ({"FRAUDLAB_MODEL": "/a/model", "MODEL": "fraud:3"}, "/a/model"),
    ],
)
def test_a_version_of_the_registry_is_mounted_by_its_link(variables, source):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FRAUDLAB_")}
    words = ["docker", "compose", f"--file={ROOT / 'docker-compose.yml'}", "config", "--format=json"]
    described = subprocess.run(words, env={**kept, **variables}, check=True, capture_output=True, text=True)
    (mount,) = json.loads(described.stdout)["services"]["endpoint"]["volumes"]
    assert mount["source"] == source


@pytest.mark.parametrize(
    ("variables", "source", "folder", "follows"),
    [
        ({}, str(ROOT / "runs/latest/model"), "/opt/ml/model", ""),
        ({"MODEL": "fraud:1"}, str(ROOT / "registry/fraud:1"), "/opt/ml/model", ""),
        ({"FOLLOW": "./registry", "MODEL": "fraud:production"}, str(ROOT / "registry"),
         "/opt/ml/model/fraud:production", "true"),
        ({"FOLLOW": "/r", "MODEL": "fraud:staging", "FRAUDLAB_MODEL": "/a/model", "FRAUDLAB_REGISTRY": "/b"},
         "/r", "/opt/ml/model/fraud:staging", "true"),
        ({"FOLLOW": "./runs", "MODEL": "latest/model"}, str(ROOT / "runs"),
         "/opt/ml/model/latest/model", "true"),
    ],
)  # fmt: skip
def test_what_is_followed_is_mounted_whole_and_read_only(variables, source, folder, follows):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FRAUDLAB_")}
    words = ["docker", "compose", f"--file={ROOT / 'docker-compose.yml'}", "config", "--format=json"]
    described = subprocess.run(words, env={**kept, **variables}, check=True, capture_output=True, text=True)
    assert described.stderr == ""
    service = json.loads(described.stdout)["services"]["endpoint"]
    (mount,) = service["volumes"]
    assert (mount["source"], mount["target"], mount["read_only"]) == (source, "/opt/ml/model", True)
    assert service["environment"]["FRAUDLAB_MODEL_DIR"] == folder
    assert service["environment"]["FRAUDLAB_FOLLOW"] == follows


def answered_by(port: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/model", timeout=10) as answer:
        return str(json.load(answer)["run_id"])


def test_a_promotion_is_followed_without_a_restart(tmp_path, model):
    """Two versions of one name, as a registry links them; the container stays the same."""
    registry = tmp_path / "registry"
    for number in (1, 2):
        shutil.copytree(model, registry / "versions" / str(number) / "model")
    contract = json.loads((model / "model.json").read_text())
    second = registry / "versions" / "2" / "model" / "model.json"
    second.write_text(json.dumps({**contract, "run_id": "second"}))
    for folder in [registry, *registry.rglob("*")]:
        folder.chmod(0o755 if folder.is_dir() else 0o644)  # for nobody
    (registry / "fraud:production").symlink_to("versions/1/model")
    run = compose_with(tmp_path, model, project="followed", port=FOLLOWED_PORT)
    variables = {"FOLLOW": str(registry), "MODEL": "fraud:production"}
    try:
        run("up", "--detach", "--wait", **variables)
        container = run("ps", "--quiet", "endpoint").stdout
        assert answered_by(FOLLOWED_PORT) == contract["run_id"]
        (registry / ".next").symlink_to("versions/2/model")
        (registry / ".next").replace(registry / "fraud:production")
        wait_until(lambda: answered_by(FOLLOWED_PORT) == "second")
        assert run("ps", "--quiet", "endpoint").stdout == container
    finally:
        run("down", "--timeout=5", "--volumes")


def test_the_service_becomes_healthy_and_scores(endpoint):
    row = ",".join(["0.1"] * 29)
    curl = ["curl", "-s", f"http://127.0.0.1:{PORT}/invocations", "-H", "Content-Type: text/csv", "-d", row]
    assert 0.0 < float(subprocess.run(curl, capture_output=True, text=True, check=True).stdout) < 1.0


def test_it_is_nobody_without_any_capability(endpoint):
    status = inside(endpoint, "import json; print(json.dumps(open('/proc/1/status').read()))")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["Uid"].split() == ["65534"] * 4
    assert fields["Gid"].split() == ["65534"] * 4
    assert {fields[f"Cap{kind}"] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}
    assert fields["NoNewPrivs"] == "1"
    assert fields["Seccomp"] == "2"


@pytest.mark.parametrize(
    "folder", ["/", "/opt/fraudlab", "/opt/venv/bin", "/opt/ml", "/opt/ml/model", "/var/tmp", "/etc"]
)
def test_only_tmp_can_be_written(endpoint, folder):
    code = f"""
import json, os
try:
    os.close(os.open({folder!r} + "/probe", os.O_CREAT | os.O_WRONLY))
    print(json.dumps("written"))
except OSError as error:
    print(json.dumps(os.strerror(error.errno)))
"""
    assert inside(endpoint, code) in ("Read-only file system", "Permission denied")


def test_tmp_is_small_and_runs_nothing(endpoint):
    code = """
import json, os, subprocess
path = "/tmp/probe"
with open(path, "w") as file:
    file.write("#!/bin/sh\\nexit 0\\n")
os.chmod(path, 0o4755)
try:
    subprocess.run([path])
    ran = "ran"
except OSError as error:
    ran = os.strerror(error.errno)
os.unlink(path)
mounts = [line.split() for line in open("/proc/mounts")]
(options,) = [mount[3].split(",") for mount in mounts if mount[1] == "/tmp"]
space = os.statvfs("/tmp")
print(json.dumps([ran, options, space.f_blocks * space.f_frsize]))
"""
    ran, options, size = inside(endpoint, code)
    assert ran == "Permission denied"
    assert {"noexec", "nosuid", "nodev"} <= set(options)
    assert size == 64 << 20


def test_it_is_limited(engine_view):
    host = engine_view["HostConfig"]
    assert (host["NanoCpus"], host["Memory"], host["MemorySwap"]) == (10**9, 1 << 30, 1 << 30)
    assert host["PidsLimit"] == 256
    assert host["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}
    assert host["ReadonlyRootfs"] is True
    assert host["Privileged"] is False


def test_it_is_published_on_loopback_only(engine_view):
    assert engine_view["HostConfig"]["PortBindings"] == {
        "8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": PORT}]
    }


def test_the_health_check_costs_next_to_nothing(endpoint, engine_view):
    """It runs every five seconds for as long as the service lives."""
    code = f"""
import json, resource, subprocess
command = {engine_view["Config"]["Healthcheck"]["Test"][1:]!r}
spent = []
for _ in range(5):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done
    spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
print(json.dumps(sorted(spent)))
"""
    assert inside(endpoint, code)[2] < 0.05


def test_the_health_check_fails_where_nothing_answers(engine_view):
    test = engine_view["Config"]["Healthcheck"]["Test"]
    assert test[0] == "CMD"
    image = engine_view["Config"]["Image"]
    words = ["docker", "run", "--rm", "--network=none", f"--entrypoint={test[1]}", image, *test[2:]]
    assert subprocess.run(words, capture_output=True, check=False).returncode == 1


def test_settings_are_handed_on(compose):
    compose(
        "up", "--detach", "--wait", FRAUDLAB_MAX_BODY="4", FRAUDLAB_USER="12345:12345", FRAUDLAB_MEMORY="700m"
    )
    code = "import json, os; print(json.dumps([os.getuid(), dict(os.environ)]))"
    user, environment = inside(compose, code)
    assert user == 12345
    assert environment["FRAUDLAB_MAX_BODY"] == "4"
    assert "FRAUDLAB_WORKERS" not in environment
    curl = [
        "curl",
        "-s",
        "-o",
        os.devnull,
        "-w",
        "%{http_code}",
        f"http://127.0.0.1:{OTHER_PORT}/invocations",
    ]
    asked = subprocess.run(
        [*curl, "-H", "Content-Type: text/csv", "-d", "1,2,3"], capture_output=True, text=True, check=True
    )
    assert asked.stdout == "413"


def test_a_folder_without_a_model_ends_the_wait_with_a_sentence(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    compose = compose_with(tmp_path, empty)
    try:
        assert compose("up", "--detach", "--wait", check=False).returncode != 0
        assert "there is no model." in compose("logs", "endpoint").stdout
    finally:
        compose("down", "--timeout=5")


def test_a_missing_folder_is_not_made(tmp_path):
    compose = compose_with(tmp_path, tmp_path / "absent")
    try:
        done = compose("up", "--detach", check=False)
        assert done.returncode != 0
        assert str(tmp_path / "absent") in done.stderr
        assert not (tmp_path / "absent").exists()
    finally:
        compose("down", "--timeout=5")
