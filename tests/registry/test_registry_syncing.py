"""``fraudlab sync`` and the registry: Comet, SageMaker where it is configured, and no call without a word."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from fraudlab import syncing
from fraudlab.cli import main
from fraudlab.cloud import model_packages
from fraudlab.errors import BackendError, RegistryError, TrackingError
from fraudlab.models import registry_syncing

from .version_runs import with_versions

Told = list[tuple[str, ...]]


@pytest.fixture
def told(no_own_defaults: None, in_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    """What was sent where, from a folder with a registry."""
    with_versions(in_tmp, 1)
    found: Told = []

    def mirror(overrides: Sequence[str], *, registry: Path, dry_run: bool) -> int:
        found.append(("sagemaker", *overrides, *(["dry"] if dry_run else [])))
        return 0

    def comet(*, registry: Path, dry_run: bool) -> int:
        found.append(("comet", *(["dry"] if dry_run else [])))
        return 0

    def sync(names: Sequence[str], **options: object) -> int:
        found.append(("runs", *names, *(["dry"] if options["dry_run"] else [])))
        return 0

    monkeypatch.setattr(model_packages, "mirror", mirror)
    monkeypatch.setattr(registry_syncing, "mirror_comet", comet)
    monkeypatch.setattr(syncing, "sync", sync)
    return found


def configure(text: str) -> None:
    """What a person says in ./conf/local/local.yaml."""
    folder = Path("conf") / "local"
    folder.mkdir(parents=True)
    (folder / "local.yaml").write_text(f"# @package _global_\n{text}\n", encoding="utf-8")


RUNS, COMET, SAGEMAKER = ("runs",), ("comet",), ("sagemaker",)
CONFIGURED = {
    "": [RUNS, COMET],
    "sagemaker: {bucket: fraud-models}": [RUNS, COMET, SAGEMAKER],
    "sagemaker: {role: fraud-jobs}": [RUNS, COMET, SAGEMAKER],
    "sagemaker: {region: eu-west-1}": [RUNS, COMET],
    "sagemaker: {profile: work}": [RUNS, COMET],
    "sagemaker: {bucket: null}": [RUNS, COMET],
}


@pytest.mark.parametrize("text", CONFIGURED)
def test_an_account_is_used_where_the_configuration_names_one(
    told: Told, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(text)
    assert main(["sync"]) == 0
    assert told == CONFIGURED[text]
    said = "is configured; --to comet leaves that out" in capsys.readouterr().out
    assert said is (SAGEMAKER in told)


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["--to", "comet"], [RUNS, COMET]),
        (["--to", "sagemaker"], [RUNS, COMET, SAGEMAKER]),
        (["--to", "sagemaker", "sagemaker.region=eu-west-1"],
         [RUNS, COMET, ("sagemaker", "sagemaker.region=eu-west-1")]),
        (["sagemaker.region=eu-west-1", "--to", "sagemaker", "a"],
         [("runs", "a"), COMET, ("sagemaker", "sagemaker.region=eu-west-1")]),
        (["--dry-run"], [("runs", "dry"), ("comet", "dry"), ("sagemaker", "dry")]),
        (["a", "--dry-run", "b"], [("runs", "a", "b", "dry")]),
        (["a"], [("runs", "a")]),
        (["--registry", "nowhere"], [RUNS]),
        (["--registry", "nowhere", "--to", "sagemaker"], [RUNS]),
    ],
)  # fmt: skip
def test_to_says_where_for_one_time(told: Told, words: list[str], wanted: Told) -> None:
    configure("sagemaker: {bucket: fraud-models}")
    assert main(["sync", *words]) == 0
    assert told == wanted


@pytest.mark.parametrize("words", [[], ["--to", "comet"]])
def test_an_account_that_nothing_is_sent_to_is_refused(
    told: Told, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sync", "sagemaker.region=eu-west-1", *words]) == 2
    assert "fix: add --to sagemaker" in capsys.readouterr().err
    assert told == []


def test_what_one_server_refuses_another_takes(
    told: Told, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_key(*_: object, **__: object) -> int:
        raise TrackingError("no COMET_API_KEY", fix="set one")

    def no_head(**_: object) -> int:
        raise RegistryError("the log was cut", fix="restore it")

    monkeypatch.setattr(syncing, "sync", no_key)
    monkeypatch.setattr(registry_syncing, "mirror_comet", no_head)
    assert main(["sync", "--to", "sagemaker"]) == TrackingError.exit_code
    found = capsys.readouterr()
    assert told == [SAGEMAKER]
    assert found.out == "the log was cut\n"
    assert "no COMET_API_KEY" in found.err


def test_a_failure_of_the_account_alone_is_the_exit_code(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_account(*_: object, **__: object) -> int:
        raise BackendError("no credentials", fix="log in")

    monkeypatch.setattr(model_packages, "mirror", no_account)
    assert main(["sync", "--to", "sagemaker"]) == BackendError.exit_code
    assert told == [RUNS, COMET]
