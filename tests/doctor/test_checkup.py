"""``fraudlab doctor`` as it is called."""

import json
import subprocess
import sys

import pytest

from fraudlab.cli import main
from fraudlab.config import RunConfig
from fraudlab.doctor import checkup, containers
from fraudlab.doctor.containers import EngineFacts
from fraudlab.doctor.finding import State
from fraudlab.errors import DockerUnavailable

VERSION = {"org.opencontainers.image.version": checkup.__version__}


@pytest.fixture
def whole(monkeypatch, no_own_defaults):
    """An engine with the image, whatever this machine has."""
    facts = EngineFacts("27.0", 8 << 30, 4, {f"fraudlab-xgboost:{checkup.__version__}": VERSION})
    monkeypatch.setattr(containers, "ask_engine", lambda images: facts)
    monkeypatch.setattr(containers, "_compose_version", lambda: (0, "v2.29.0\n"))
    monkeypatch.setenv("HOME", "/nonexistent")


def no_engine(images):
    raise DockerUnavailable("No Docker engine answers (its socket does not exist).", fix="start Docker")


@pytest.mark.usefixtures("whole")
def test_all_well_is_0_and_one_line_per_check(capsys):
    assert main(["doctor"]) == 0
    shown = capsys.readouterr().out
    for check in (
        "Python",
        "packages",
        "configuration",
        "Docker",
        "Compose",
        "image",
        "disk",
        "data",
        "Comet",
    ):
        assert any(line[2:].startswith(f"{check} ") for line in shown.splitlines()), check
    assert "✗" not in shown
    assert shown.splitlines()[-1].startswith("doctor: ")


@pytest.mark.usefixtures("whole")
def test_without_docker_it_is_4_and_says_what_mends_it(monkeypatch, capsys):
    monkeypatch.setattr(containers, "ask_engine", no_engine)
    assert main(["doctor"]) == 4
    lines = capsys.readouterr().out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("✗ Docker"))
    assert "fix: start Docker, or run with backend=process" in lines[at + 1]
    assert any(line.startswith("? image") for line in lines)


@pytest.mark.usefixtures("whole")
def test_a_run_of_plain_processes_needs_no_docker(monkeypatch):
    monkeypatch.setattr(containers, "ask_engine", no_engine)
    assert main(["doctor", "backend=process"]) == 11  # nothing is known of the image, and nothing is wrong


@pytest.mark.usefixtures("whole")
def test_a_mistake_in_an_override_is_one_finding_among_the_others(capsys):
    assert main(["doctor", "model.max_dpeth=3"]) == 4
    shown = capsys.readouterr().out
    assert "✗ configuration" in shown
    assert "did you mean 'max_depth'?" in shown
    assert "✓ Docker" in shown


@pytest.mark.usefixtures("whole")
def test_a_table_that_is_not_there_is_wrong(capsys):
    assert main(["doctor", "data=table", "data.path=t.csv", "data.label=y"]) == 4
    assert "✗ data" in capsys.readouterr().out


@pytest.mark.usefixtures("whole")
def test_json_is_one_object_with_every_finding(capsys):
    assert main(["doctor", "--json", "data=table", "data.path=t.csv", "data.label=y"]) == 4
    told = json.loads(capsys.readouterr().out)
    assert told["exit_code"] == 4
    assert {"check", "state", "said", "fix"} == set(told["findings"][0])
    assert [one["check"] for one in told["findings"] if one["state"] == "wrong"] == ["data"]


@pytest.mark.usefixtures("whole")
def test_a_key_is_not_shown(monkeypatch, capsys):
    monkeypatch.setenv("COMET_API_KEY", "planted-secret-1234")
    monkeypatch.setenv("COMET_URL_OVERRIDE", "http://127.0.0.1:9/")
    main(["doctor"])
    main(["doctor", "--json"])
    assert "planted" not in capsys.readouterr().out


def test_doctor_imports_nothing_heavy_before_it_is_called():
    code = (
        "import sys\nfrom fraudlab.cli import main\n"
        "try:\n    main(['doctor', '--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'boto3', 'docker', 'hydra', 'packaging', 'numpy'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/fraudlab-xgboost@sha256:0f"


@pytest.mark.usefixtures("whole")
@pytest.mark.parametrize(
    ("backend", "image", "wrong"),
    [
        ("process", None, set()),
        ("local", None, {"Docker", "Compose", "image"}),
        ("rehearsal", None, {"Docker", "image"}),  # runs the image there
        ("sagemaker", None, {"Docker", "image"}),  # pushes it from there
        ("sagemaker", "own:1", {"Docker", "image"}),
        ("sagemaker", URI, set()),
        ("rehearsal", URI, {"Docker"}),
    ],
)
def test_what_a_run_would_stop_at_is_wrong(monkeypatch, backend, image, wrong):
    config = RunConfig()
    config.backend.kind, config.backend.image = backend, image
    config.data.path, config.paths.cache = None, "runs/.cache"
    checks = ("Docker", "Compose", "image")

    def missing(images):
        if images:
            return EngineFacts("27.0", 8 << 30, 4, {})
        return no_engine(images)

    monkeypatch.setattr(containers, "ask_engine", missing)
    monkeypatch.setattr(containers, "_compose_version", lambda: (1, ""))
    found = [f for check in checkup._run_checks(config) if check.name in checks for f in check.ask()]
    assert {finding.check for finding in found if finding.state is State.wrong} == wrong
