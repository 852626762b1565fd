"""The registry in Comet's, through the real SDK: what the log adds up to, told once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fraudlab.cli import main
from fraudlab.errors import RegistryError, TrackingError
from fraudlab.registry import ModelRegistry
from fraudlab.registry.comet_mirror import mirror_to_comet
from fraudlab.registry.log_entries import BEGINNING
from fraudlab.registry.mirror_steps import Mirrored, anchored, comet_form, steps_to

from ..comet_server import KEY, CometServer, Fault, PartnerApp, comet_server
from .version_runs import ANA, BEN, make_run, promote, with_versions

SMALL = ["backend=process", "data.rows=4000", "data.fraud_rate=0.03", "model.num_round=2", "run.id=small"]
STATUSES = ("None", "Staging", "Production", "Archived")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[CometServer]:
    with comet_server() as started:
        monkeypatch.setenv("COMET_API_KEY", KEY)
        monkeypatch.setenv("COMET_URL_OVERRIDE", started.url)
        yield started
        assert started.misunderstood == []


def in_comet(server: CometServer, registry: ModelRegistry, *numbers: int) -> None:
    """The experiments of versions, each with the model that it logged."""
    for number in numbers:
        key = registry.state().models["fraud"].versions[number - 1].facts["experiment"]
        server.runs[key] = {"workspace": "risk", "project": "fraudlab", "experimentKey": key}
        server.models.append({"experimentKey": key, "modelName": "fraudlab-xgb", "remoteAssets": []})


@pytest.fixture
def registry(tmp_path: Path) -> ModelRegistry:
    made = ModelRegistry(tmp_path / "registry")
    for number in (1, 2):
        experiment = {"key": f"{number}" * 32, "mode": "online"}
        run = make_run(tmp_path / f"r{number}", booster=b"%d" % number, run={"experiment": experiment})
        made.register(run, name="fraud", actor=ANA)
    return made


def shown(server: CometServer) -> dict[str, tuple[str, list[str]]]:
    return {one["version"]: (one["status"], sorted(one["tags"])) for one in server.registered}


def test_what_the_log_adds_up_to_is_in_comet_and_told_once(
    server: CometServer, registry: ModelRegistry
) -> None:
    in_comet(server, registry, 1, 2)
    registry.decide("approve", "fraud", "1", actor=BEN, reason="seen")
    promote(registry, 1)
    promote(registry, 2, to="staging")
    assert mirror_to_comet(registry) > 0
    assert shown(server) == {
        "1.0.0": ("Production", ["approved", "production"]),
        "2.0.0": ("Staging", ["pending", "staging"]),
    }
    assert registry.state().head in server.registered[0]["notes"]
    assert (
        server.registered[0]["metadata"]["fraudlab_content"]
        == registry.state().models["fraud"].versions[0].content
    )
    sent = [path for path in server.paths if "write" in path]
    assert mirror_to_comet(registry) == 0
    assert [path for path in server.paths if "write" in path] == sent

    server.registered[0]["tags"].append("checked by risk")
    promote(registry, 2)
    registry.rollback("fraud", stage="production", actor=BEN)
    promote(registry, 2)
    registry.decide("reject", "fraud", "1", actor=BEN, reason="old")
    mirror_to_comet(registry)
    assert shown(server) == {
        "1.0.0": ("Archived", ["checked by risk", "rejected"]),
        "2.0.0": ("Production", ["pending", "production", "staging"]),
    }


def test_a_run_that_is_not_in_comet_waits_and_the_others_do_not(
    server: CometServer, registry: ModelRegistry
) -> None:
    in_comet(server, registry, 2)
    lines: list[str] = []
    mirror_to_comet(registry, say=lines.append)
    assert list(shown(server)) == ["2.0.0"]
    assert "waits: fraud:1, whose run r1 is not in Comet with its model" in lines
    in_comet(server, registry, 1)
    mirror_to_comet(registry)
    assert sorted(shown(server)) == ["1.0.0", "2.0.0"]


@pytest.mark.parametrize(
    ("kind", "path"),
    [("lost", "item/create"), ("lost", "item/stage"), ("refused", "item/status"), ("cut", "model/notes")],
)
def test_whatever_a_call_meets_the_next_time_it_is_as_it_should_be(
    server: CometServer, registry: ModelRegistry, kind: Any, path: str
) -> None:
    in_comet(server, registry, 1, 2)
    promote(registry, 1)
    server.faults.append(Fault(kind, path, times=50))
    with pytest.raises(TrackingError, match="did not take all of it") as raised:
        mirror_to_comet(registry)
    assert KEY not in str(raised.value)
    server.faults.clear()
    mirror_to_comet(registry)
    assert shown(server) == {
        "1.0.0": ("Production", ["pending", "production"]),
        "2.0.0": ("None", ["pending"]),
    }
    assert mirror_to_comet(registry) == 0


def test_a_dry_run_tells_nothing(server: CometServer, registry: ModelRegistry) -> None:
    in_comet(server, registry, 1)
    lines: list[str] = []
    assert mirror_to_comet(registry, say=lines.append, dry_run=True) == 2
    assert "would tell Comet: create fraud:1" in lines
    assert server.registered == []


def test_a_log_that_was_cut_short_is_noticed_by_the_head_in_comet(
    server: CometServer, registry: ModelRegistry
) -> None:
    in_comet(server, registry, 1, 2)
    promote(registry, 1)
    mirror_to_comet(registry)
    log = registry.folder / "log.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))
    before = shown(server)
    with pytest.raises(RegistryError, match="cut short"):
        mirror_to_comet(registry)
    assert shown(server) == before, "a log that is not believed is not shown either"


def test_sync_shows_a_version_whose_offline_run_it_has_just_sent(
    server: CometServer, in_tmp: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", *SMALL, "tracking=offline"]) == 0
    assert main(["models", "register", "latest", "--name", "fraud"]) == 0
    capsys.readouterr()
    assert main(["sync"]) == 0
    assert "tells Comet: create fraud:1" in capsys.readouterr().out
    assert shown(server) == {"1.0.0": ("None", ["pending"])}
    assert main(["sync"]) == 0
    assert "Comet has all that can be told" in capsys.readouterr().out


def test_every_call_to_the_registry_of_a_partner_app_is_signed(
    server: CometServer, registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By SigV4, as a server of our own checks it; no Partner AI App of AWS's has answered."""
    from comet_ml.authhook import aws_sagemaker

    arn, secret = "arn:aws:sagemaker:eu-west-1:123456789012:partner-app/app-ABCDEF012345", "s" * 40
    monkeypatch.setenv("COMET_URL_OVERRIDE", "")
    monkeypatch.delenv("COMET_URL_OVERRIDE")  # the SDK is told by a variable, which ends with the test
    for name, value in {
        "AWS_PARTNER_APP_AUTH": "true",
        "AWS_PARTNER_APP_ARN": arn,
        "AWS_PARTNER_APP_URL": f"http://127.0.0.1:{server.port}",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": secret,
    }.items():
        monkeypatch.setenv(name, value)
    aws_sagemaker.logout_aws_sagemaker()
    in_comet(server, registry, 1)
    try:
        server.partner_app = PartnerApp(arn=arn, secrets={"AKIDEXAMPLE": "another"})
        with pytest.raises(TrackingError):
            mirror_to_comet(registry)
        assert server.registered == []
        server.partner_app = PartnerApp(arn=arn, secrets={"AKIDEXAMPLE": secret})
        assert mirror_to_comet(registry) == 2
    finally:
        aws_sagemaker.logout_aws_sagemaker()
    assert shown(server) == {"1.0.0": ("None", ["pending"])}


def test_without_a_key_or_a_registry_nothing_is_told(registry: ModelRegistry, tmp_path: Path) -> None:
    with pytest.raises(TrackingError, match="nothing was mirrored"):
        mirror_to_comet(registry)
    assert mirror_to_comet(ModelRegistry(tmp_path / "none")) == 0


# -- pure


def test_a_status_that_a_workspace_does_not_allow_is_left_to_the_tags(tmp_path: Path) -> None:
    registry = with_versions(tmp_path, 1)
    promote(registry, 1)
    model = registry.state().models["fraud"]
    told = [str(step) for step in steps_to(model, {}, ["None"])]
    assert told == ["create fraud:1", "tag fraud:1 pending", "tag fraud:1 production"]
    assert steps_to(model, {1: comet_form(model, model.versions[0])}, STATUSES) == []
    strange = Mirrored("Production", frozenset({"pending", "production", "staging", "theirs"}))
    assert [str(step) for step in steps_to(model, {1: strange}, STATUSES)] == ["untag fraud:1 staging"]


def test_notes_of_people_stay_beside_the_head(tmp_path: Path) -> None:
    entries = with_versions(tmp_path, 2).entries()
    first = anchored("Ask risk first.\n", entries[:1])
    assert first.splitlines()[0] == "Ask risk first."
    second = anchored(first, entries)
    assert second == f"Ask risk first.\nfraudlab registry: line 2, head {entries[1].digest}"
    assert anchored(second, entries) == second
    with pytest.raises(RegistryError, match="cut short"):
        anchored(second, entries[:1])
    with pytest.raises(RegistryError, match="cut short"):
        anchored(f"fraudlab registry: line 0, head {BEGINNING}", entries)
