"""Docker, Compose, the image and its base, by what an engine answers."""

import subprocess
from pathlib import Path

import pytest

from fraudlab.doctor.containers import (
    DEBIAN_BASE,
    EngineFacts,
    check_base,
    check_compose,
    check_engine,
    check_image,
    default_base,
    image_inputs,
)
from fraudlab.doctor.finding import State
from fraudlab.errors import DockerUnavailable

ROOT = Path(__file__).parents[2]
IMAGE = "fraudlab-xgboost:1.2.3"
VERSION, INPUTS = "org.opencontainers.image.version", "fraudlab.inputs"


def engine(memory=8 << 30, **labels):
    return lambda images: EngineFacts(
        "27.0", memory, 4, {name: labels[name] for name in images if name in labels}
    )


def no_engine(images):
    raise DockerUnavailable("No Docker engine answers (connection refused).", fix="start Docker")


@pytest.mark.parametrize(("needed", "state"), [(True, State.wrong), (False, State.note)])
def test_no_engine_is_wrong_where_one_is_needed(needed, state):
    (finding,) = check_engine(no_engine, needed=needed)
    assert (finding.state, finding.fix) == (state, "start Docker, or run with backend=process")


def test_an_engine_says_what_it_has():
    (finding,) = check_engine(engine(), needed=True)
    assert (finding.state, finding.said) == (State.well, "engine 27.0, 4 CPUs, 8.0 GiB")
    (little,) = check_engine(engine(memory=1 << 30), needed=True)
    assert little.state is State.note


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ((0, "v2.26.1\n"), State.well),
        ((0, "2.26.1-4\n"), State.well),
        ((0, "5.0.0\n"), State.well),
        ((0, "v2.29.0-desktop.1\n"), State.well),
        ((0, "1.29.2\n"), State.wrong),
        ((1, ""), State.wrong),
        ((0, "Podman something\n"), State.unknown),
        ((0, ""), State.unknown),
    ],
)
def test_compose_is_2_or_newer(answer, state):
    (finding,) = check_compose(lambda: answer, needed=True)
    assert finding.state is state
    assert finding.fix or state is State.well


def image(ask, *, ours=True, root=Path("/nowhere"), needed=True):
    (finding,) = check_image(ask, IMAGE, version="1.2.3", root=root, ours=ours, needed=needed)
    return finding


@pytest.mark.parametrize(
    ("labels", "state", "said"),
    [
        ({IMAGE: {VERSION: "1.2.3"}}, State.well, "of version 1.2.3"),
        ({IMAGE: {VERSION: "1.2.2"}}, State.wrong, "is of version 1.2.2, and fraudlab is 1.2.3"),
        ({IMAGE: {}}, State.wrong, "is of version unknown"),
        ({}, State.wrong, "is not on this engine"),
        ({"fraudlab-xgboost:latest": {VERSION: "1.0.0"}}, State.wrong, "latest is of version 1.0.0"),
    ],
)
def test_an_image_is_of_this_version(labels, state, said):
    finding = image(engine(**labels))
    assert finding.state is state
    assert said in finding.said
    assert ("make image" in finding.fix) == (state is State.wrong)


def test_an_image_of_a_persons_own_may_be_of_any_version():
    assert image(engine(**{IMAGE: {VERSION: "9"}}), ours=False).state is State.note


def test_without_an_engine_nothing_is_known_of_an_image():
    assert image(no_engine).state is State.unknown
    assert check_base(no_engine, ROOT, image=IMAGE)[0].state is State.unknown


def test_an_image_of_other_sources_is_told():
    (finding,) = check_image(
        engine(**{IMAGE: {VERSION: "1.2.3", INPUTS: "0"}}),
        IMAGE,
        version="1.2.3",
        root=ROOT,
        ours=True,
        needed=True,
    )
    assert (finding.state, finding.fix) == (State.note, "make image")
    now = image_inputs(ROOT, base=default_base(ROOT))
    (same,) = check_image(
        engine(**{IMAGE: {VERSION: "1.2.3", INPUTS: now}}),
        IMAGE,
        version="1.2.3",
        root=ROOT,
        ours=True,
        needed=True,
    )
    assert same.state is State.well


def test_the_hash_of_the_sources_is_the_build_scripts():
    script = (ROOT / "containers/xgboost/build.sh").read_text()
    lines = script.splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("inputs=$({"))
    end = next(number for number, line in enumerate(lines) if number > begin and line.startswith("}"))
    sources = next(line for line in lines if line.startswith("sources=("))
    text = "\n".join(
        ["default_base=some-base:1", "unset BASE_IMAGE", sources, *lines[begin : end + 1], 'echo "$inputs"']
    )
    done = subprocess.run(["bash", "-c", text], cwd=ROOT, capture_output=True, text=True, check=True)
    assert image_inputs(ROOT, base="some-base:1") == done.stdout.strip()


@pytest.mark.parametrize(
    ("there", "state", "fix"),
    [
        ({DEBIAN_BASE: {}}, State.well, ""),
        ({default_base(ROOT): {}}, State.well, ""),
        ({IMAGE: {}}, State.note, ""),
        ({}, State.note, "make base-image"),
    ],
)
def test_a_base_is_needed_to_build_only(there, state, fix):
    (finding,) = check_base(engine(**there), ROOT, image=IMAGE)
    assert (finding.state, finding.fix) == (state, fix)


def test_an_installed_package_has_no_base(tmp_path):
    assert check_base(engine(), tmp_path, image=IMAGE) == []
