"""Where an engine answers and no image can be built: make says which, and the run goes on or refuses."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from fraudlab.backends import open_backend
from fraudlab.compose import compose
from fraudlab.errors import ImageMissing

ROOT = Path(__file__).parents[2]
ENGINE = """#!/bin/sh
case "$1 $2" in
    "version "*) exit {answers} ;;
    "image inspect") case "$*" in *{base}*) echo sha256:0 ;; *) exit 1 ;; esac ;;
    "build "*) printf '%s\\n' "step 3 of 9" "{said}" >&2; exit 1 ;;
    *) exit 1 ;;
esac
"""


@pytest.fixture
def tree(tmp_path):
    """A copy of what the image is built by, since the scripts write beside themselves."""
    shutil.copytree(ROOT / "containers", tmp_path / "containers")
    for source in ("container", "evaluation"):
        (tmp_path / "src" / "fraudlab" / source).mkdir(parents=True)
    for name in ("__init__.py", "_version.py"):
        shutil.copy(ROOT / "src" / "fraudlab" / name, tmp_path / "src" / "fraudlab")
    (tmp_path / "bin").mkdir()
    return tmp_path


def call(tree, script, *, answers=0, base="nothing", said="", uid="0"):
    tools = {
        "docker": ENGINE.format(answers=answers, base=base, said=said),
        "id": f"#!/bin/sh\necho {uid}\n",
    }
    for name, text in tools.items():
        (tree / "bin" / name).write_text(text)
        (tree / "bin" / name).chmod(0o755)
    kept = {k: v for k, v in os.environ.items() if k not in {"BASE_IMAGE", "IMAGE_NAME"}}
    environment = {**kept, "PATH": f"{tree / 'bin'}:/usr/bin:/bin"}  # without /usr/sbin, where debootstrap is
    return subprocess.run(
        [tree / "containers" / "xgboost" / script],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


BUILDX = "ERROR: BuildKit is enabled but the buildx component is missing or broken."
KINDS = {
    "no registry, not root": ({"uid": "1000"}, "must run as root", "sudo make base-image"),
    "no registry, no debootstrap": ({}, "debootstrap, which is not installed", "apt-get install debootstrap"),
    "disk full": ({"said": "write /x: no space left on device"}, "the disk is full", "docker system prune"),
    "no buildx": ({"said": BUILDX}, "buildx, which is missing or broken", "apt-get install docker-buildx"),
    "anything else": ({"said": "it rained"}, "docker build failed: it rained", "make image"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_image_fails_with_what_mends_it_and_a_run_is_told(tree, kind):
    how, why, fix = KINDS[kind]
    if "said" in how:
        how = {**how, "base": "python:3.11"}
    failed = call(tree, "build.sh", **how)
    assert failed.returncode == 1
    told = call(tree, "build-or-say.sh", **how)
    assert told.returncode == 0
    first, second = (tree / "build" / "image-problem").read_text().splitlines()
    assert why in first
    assert fix in second
    for output in (failed.stderr, told.stderr):
        assert f"image: {first}\nfix: {second}\n" in output


def test_without_an_engine_the_run_finds_out_for_itself(tree):
    (tree / "build").mkdir()
    (tree / "build" / "image-problem").write_text("of the last time\n")
    told = call(tree, "build-or-say.sh", answers=1)
    assert (told.returncode, told.stdout) == (
        0, "image: no Docker engine answers: no image is built, and runs use plain processes\n",
    )  # fmt: skip
    assert not (tree / "build" / "image-problem").exists()
    failed = call(tree, "build.sh", answers=1)
    assert failed.returncode == 1
    assert "fix: start Docker" in failed.stderr


def test_a_run_falls_back_or_refuses_and_says_why(tmp_path, monkeypatch):
    """Also where an image of that name is there: it may be of other sources."""
    monkeypatch.setenv("FRAUDLAB_IMAGE_PROBLEM", "the disk is full\nfree some space")
    opened = open_backend(compose(["backend=local"]), run_id="r", workspace=tmp_path)
    assert opened.backend.name == "process"
    assert opened.fallback.endswith(" cannot be built: the disk is full.")
    assert opened.fix == "free some space, or run with backend=process"
    with pytest.raises(ImageMissing, match="cannot be built: the disk is full"):
        open_backend(compose(["backend=local", "backend.fallback=error"]), run_id="r", workspace=tmp_path)
