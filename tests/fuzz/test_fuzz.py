"""What fuzzing found stays found; and a short run of each target finds nothing new."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import sysconfig
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from fraudlab.backends.docker_engine import default_image

from ..conftest import ROOT, require
from .targets import TARGETS

FINDINGS = sorted(path for path in Path(__file__).with_name("findings").rglob("*") if path.is_file())
#: where the fuzzer publishes wheels for: requirements/dev.in
FUZZER = sys.platform == "linux" and platform.machine() == "x86_64" and sys.version_info < (3, 14)
#: the system's own Python, where it is another of the same kind: Debian 12 has 3.11.2
OTHER = f"/usr/bin/python{sys.version_info[0]}.{sys.version_info[1]}"
if not Path(OTHER).exists() or Path(OTHER).samefile(Path(sys.executable).resolve()):
    OTHER = ""


def bounded(name: str, data: bytes) -> bool:
    start = time.process_time()
    parsed = TARGETS[name].check(data)
    assert time.process_time() - start < 10
    return parsed


@pytest.mark.parametrize("path", FINDINGS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_was_found(path: Path) -> None:
    bounded(path.parent.name, path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_inputs_that_are_right(name: str) -> None:
    for seed in TARGETS[name].seeds():
        assert bounded(name, seed), seed
        for end in (0, 1, len(seed) // 2, len(seed) - 1):
            bounded(name, seed[:end])


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_a_short_run(name: str, tmp_path: Path) -> None:
    require("fuzzer", FUZZER, "atheris has wheels for Linux on x86-64, up to Python 3.13")
    command = [sys.executable, "-m", "fuzz", name, "--seconds=10", "--seed=1"]
    command += [f"--corpus={tmp_path / 'corpus'}", f"--findings={tmp_path / 'findings'}"]
    paths = (str(ROOT / "tests"), *sys.path)
    ended = subprocess.run(
        command,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
        cwd=ROOT,
        capture_output=True,
        timeout=300,
        check=False,
    )
    said = (ended.stdout + ended.stderr).decode(errors="replace")
    assert ended.returncode == 0, said[-4000:]
    runs = next(line for line in said.splitlines() if line.startswith("stat::number_of_executed_units"))
    assert int(runs.split()[1]) > 100
    assert not (tmp_path / "findings" / name).exists()


@pytest.mark.skipif(not OTHER, reason="no other Python here that takes the packages of this one")
def test_seeds_under_another_python() -> None:
    paths = (str(ROOT / "tests"), str(ROOT / "src"), sysconfig.get_path("platlib"))
    assert_replays([OTHER], os.environ | {"PYTHONPATH": os.pathsep.join(paths)})


@pytest.mark.docker
@pytest.mark.usefixtures("docker_engine")
def test_seeds_under_the_images_own_python() -> None:
    mounts = [f"--volume={ROOT / name}:/{name}:ro" for name in ("src", "tests")]
    how = ["--rm", "--network=none", "--env=PYTHONPATH=/src:/tests", "--env=PYTHONDONTWRITEBYTECODE=1"]
    image = os.environ.get("FRAUDLAB_TEST_IMAGE") or default_image()
    assert_replays(["docker", "run", *how, *mounts, "--entrypoint=python", image], os.environ)


def assert_replays(python: list[str], environment: Mapping[str, str]) -> None:
    command = [*python, "-m", "fuzz.replay"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-4000:]
    given = dict(line.split() for line in ended.stdout.splitlines())
    assert given.keys() == TARGETS.keys()
    assert min(map(int, given.values())) > 200
