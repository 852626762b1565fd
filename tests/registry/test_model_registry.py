"""Versions: registered once, decided by whom it is asked, promoted through gates, and never taken away."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from fraudlab.errors import PromotionRefused, RegistryError, RunError
from fraudlab.registry import ModelRegistry, VersionReference, reference_in
from fraudlab.registry.verification import verify
from fraudlab.registry_config import Better

from .version_runs import ANA, BEN, answers, gates, make_run, promote, with_versions


def test_the_same_model_is_one_version_whichever_run_made_it(tmp_path: Path) -> None:
    registry = with_versions(tmp_path, 2)
    again = registry.register(make_run(tmp_path / "again", booster=b"booster 1"), name="fraud", actor=BEN)
    assert (again.version.number, again.changed) == (1, False)
    assert again.version.run == "run-1"
    assert len(registry.entries()) == 2
    other = registry.register(make_run(tmp_path / "other", booster=b"booster 1"), name="other", actor=BEN)
    assert (other.version.number, other.changed) == (1, True)


def test_a_version_outlives_its_run(tmp_path: Path) -> None:
    import shutil

    registry = with_versions(tmp_path, 1)
    shutil.rmtree(tmp_path / "run-1")
    version = registry.find(VersionReference("fraud", "latest"))
    assert (registry.run_of(version) / "model" / "model.ubj").read_bytes() == b"booster 1"
    assert (registry.folder / "fraud:1" / "model.ubj").read_bytes() == b"booster 1"
    assert version.facts["data"]["sha256"]


@pytest.mark.parametrize("name", ["", "a b", "a:b", "../x", "fraud_xgb", "-a", "a-", "ä", "x" * 64, "a\n"])
def test_a_name_that_a_mirror_would_refuse_is_refused_at_once(tmp_path: Path, name: str) -> None:
    with pytest.raises(RegistryError, match="cannot be the name of a model"):
        ModelRegistry(tmp_path / "r").register(make_run(tmp_path / "run"), name=name, actor=ANA)
    assert not (tmp_path / "r").exists()


def test_a_name_in_other_letters_is_the_same_to_some_file_systems(tmp_path: Path) -> None:
    registry = with_versions(tmp_path, 1)
    with pytest.raises(RegistryError, match="'fraud' already"):
        registry.register(make_run(tmp_path / "other"), name="Fraud", actor=ANA)


def test_what_is_no_completed_run_is_no_version(tmp_path: Path) -> None:
    registry = ModelRegistry(tmp_path / "r")
    failed = make_run(tmp_path / "failed", run={"status": "failed"})
    with pytest.raises(RunError, match="failed, not completed"):
        registry.register(failed, name="fraud", actor=ANA)
    changed = make_run(tmp_path / "changed")
    (changed.folder / "model" / "model.ubj").write_bytes(b"another")
    with pytest.raises(RegistryError, match="is not the one that its model.json names"):
        registry.register(changed, name="fraud", actor=ANA)
    assert registry.entries() == []
    assert list((registry.folder / "versions").iterdir()) == []


def test_a_link_in_a_run_is_not_followed(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    (run.folder / "model" / "secret").symlink_to("/etc/passwd")
    registry = ModelRegistry(tmp_path / "r")
    done = registry.register(run, name="fraud", actor=ANA)
    assert not (registry.run_of(done.version) / "model" / "secret").exists()


def test_stages_move_with_compare_and_set(tmp_path: Path) -> None:
    registry = with_versions(tmp_path, 3)
    promote(registry, 1, expect="none")
    promote(registry, 2, expect="1")
    for wrong in ("1", "v3", "none"):
        with pytest.raises(RegistryError, match="version 2 of fraud is in production"):
            promote(registry, 3, expect=wrong)
    for nothing in ("production", "latest", "x", ""):
        with pytest.raises(RegistryError, match="is no version"):
            promote(registry, 3, expect=nothing)
    before = len(registry.entries())
    promote(registry, 2)
    assert len(registry.entries()) == before, "what is so already is not written"
    done = registry.rollback("fraud", stage="production", actor=BEN, expect="2")
    assert done.model.holder("production") == 1
    assert (registry.folder / "fraud:production" / "model.ubj").read_bytes() == b"booster 1"
    with pytest.raises(RegistryError, match=r"No version of fraud was in production before"):
        registry.rollback("fraud", stage="production", actor=BEN)


def test_of_promotions_at_once_that_expect_the_same_one_wins(tmp_path: Path) -> None:
    registry = with_versions(tmp_path, 5)
    refused: list[RegistryError] = []

    def run(version: int) -> None:
        try:
            promote(registry, version, expect="none")
        except RegistryError as error:
            refused.append(error)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(1, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 4
    assert [entry.act.verb for entry in registry.entries()].count("promote") == 1


def test_what_changed_while_the_gates_were_asked_is_a_refusal(tmp_path: Path) -> None:
    registry = with_versions(tmp_path, 2)

    def meanwhile(_folder: Path) -> None:
        promote(registry, 1)

    with pytest.raises(RegistryError, match="changed by somebody else while the gates were asked"):
        registry.promote(
            "fraud",
            "2",
            to="production",
            actor=BEN,
            config=gates(endpoint_answers=True),
            silence=meanwhile,
        )
    assert registry.state().models["fraud"].holder("production") == 1


def test_a_version_with_a_stage_is_not_rejected_and_a_rejected_one_gets_none(tmp_path: Path) -> None:
    registry = with_versions(tmp_path, 2)
    promote(registry, 1, to="staging")
    with pytest.raises(RegistryError, match="is in staging"):
        registry.decide("reject", "fraud", "1", actor=BEN, reason="bad")
    registry.decide("reject", "fraud", "2", actor=BEN, reason="leaked labels")
    for force in (False, True):
        with pytest.raises(RegistryError, match="rejected by ben: leaked labels"):
            promote(registry, 2, force=force, reason="must")
    registry.decide("approve", "fraud", "2", actor=BEN, reason="mended")
    promote(registry, 2, to="staging")


def test_nothing_rolls_back_to_what_was_rejected_or_changed(tmp_path: Path) -> None:
    registry = with_versions(tmp_path, 3)
    promote(registry, 1)
    promote(registry, 2)
    registry.decide("reject", "fraud", "1", actor=BEN, reason="bad")
    with pytest.raises(RegistryError, match="rejected"):
        registry.rollback("fraud", stage="production", actor=BEN)
    registry.decide("approve", "fraud", "1", actor=BEN, reason="good")
    (registry.folder / "fraud:1" / "model.ubj").write_bytes(b"other")
    with pytest.raises(RegistryError, match=r"not what was registered.*model.ubj was changed"):
        registry.rollback("fraud", stage="production", actor=BEN)
    assert registry.state().models["fraud"].holder("production") == 2


@pytest.mark.parametrize("reason", ["", "  ", "\n"])
def test_a_decision_without_a_reason_is_none(tmp_path: Path, reason: str) -> None:
    registry = with_versions(tmp_path, 1)
    for verb in ("approve", "reject"):
        with pytest.raises(RegistryError, match="needs a reason"):
            registry.decide(verb, "fraud", "1", actor=BEN, reason=reason)
    with pytest.raises(RegistryError, match="needs a reason"):
        promote(registry, 1, force=True, reason=reason)


@pytest.mark.parametrize("word", ["0", "3", "-1", "v9", "1.0", "production", "staging", "x", "²", "9" * 30])
def test_a_version_that_is_not_there_is_said_with_those_that_are(tmp_path: Path, word: str) -> None:
    registry = with_versions(tmp_path, 1)
    with pytest.raises(RegistryError):
        registry.state().model("fraud").version(word)


# -- gates


def test_every_gate_that_fails_is_named_at_once(tmp_path: Path) -> None:
    registry = with_versions(tmp_path, 1)
    strict = gates(
        better=Better.better, min_frauds=1_000, allowed_cautions=[], needs_approval=["production"],
        endpoint_answers=True,
    )  # fmt: skip
    with pytest.raises(PromotionRefused) as raised:
        registry.promote(
            "fraud", "1", to="production", actor=ANA, config=strict, silence=lambda _: "it is silent"
        )
    for gate in ("needs_approval", "min_frauds", "allowed_cautions", "endpoint_answers: it is silent"):
        assert gate in raised.value.message
    assert "better" not in raised.value.message
    assert len(registry.entries()) == 1
    done = registry.promote(
        "fraud", "1", to="production", actor=ANA, config=strict, silence=lambda _: "it is silent",
        force=True, reason="incident 4711",
    )  # fmt: skip
    last = registry.entries()[-1].act
    assert (last.forced, last.reason) == (True, "incident 4711")
    assert [gate["gate"] for gate in last.facts["gates"] if not gate["passed"]] == [
        gate.gate for gate in done.gates if not gate.passed
    ]


@pytest.mark.parametrize(
    ("asked", "skill", "passes"),
    [
        (Better.better, 3.0, True),
        (Better.better, 0.0, False),
        (Better.better, -4.0, False),
        (Better.not_worse, 0.0, True),
        (Better.not_worse, -4.0, False),
        (Better.any, -4.0, True),
    ],
)
def test_better_is_judged_on_the_same_rows_against_who_has_the_stage(
    tmp_path: Path, asked: Better, skill: float, passes: bool
) -> None:
    registry = with_versions(tmp_path, 1)
    promote(registry, 1)
    registry.register(make_run(tmp_path / "new", booster=b"new", skill=skill), name="fraud", actor=ANA)

    def order() -> None:
        registry.promote(
            "fraud", "2", to="production", actor=ANA, config=gates(better=asked), silence=answers
        )

    if passes:
        order()
    else:
        with pytest.raises(PromotionRefused, match="better: A is version 1, B is version 2"):
            order()


def test_versions_that_were_tested_on_other_rows_are_not_called_better(tmp_path: Path) -> None:
    registry = with_versions(tmp_path, 1)
    promote(registry, 1)
    other = make_run(tmp_path / "new", booster=b"new", skill=3.0, test_rows=450)
    registry.register(other, name="fraud", actor=ANA)
    with pytest.raises(PromotionRefused, match="different rows"):
        registry.promote(
            "fraud", "2", to="production", actor=ANA, config=gates(better=Better.better), silence=answers
        )


ORIGINS = {
    "an image": ({"image": {"id": "sha256:1"}, "backend": "local"}, True),
    "packages of plain processes": (
        {"image": None, "backend": "process", "packages": {"xgboost": "3"}},
        True,
    ),
    "no image": ({"image": None, "backend": "local", "packages": {"xgboost": "3"}}, False),
    "nothing of plain processes": ({"image": None, "backend": "process", "packages": {}}, False),
    "no digest of the data": ({"image": {"id": "sha256:1"}, "data": {"source": "x"}}, False),
}


@pytest.mark.parametrize("what", ORIGINS)
def test_data_and_image_are_known(tmp_path: Path, what: str) -> None:
    record, passes = ORIGINS[what]
    registry = ModelRegistry(tmp_path / "registry")
    registry.register(make_run(tmp_path / "run", run=record), name="fraud", actor=ANA)
    if passes:
        promote(registry, 1)
    else:
        with pytest.raises(PromotionRefused, match="known_origin: nobody knows"):
            promote(registry, 1)


def test_cautions_are_closed_by_an_approver_by_name(tmp_path: Path) -> None:
    registry = with_versions(tmp_path, 1)
    config = gates(allowed_cautions=[])

    def order() -> None:
        registry.promote("fraud", "1", to="staging", actor=ANA, config=config, silence=answers)

    with pytest.raises(PromotionRefused, match="--accept") as raised:
        order()
    kinds = raised.value.message.split("--accept ")[1].splitlines()[0].split(",")
    with pytest.raises(RegistryError, match="no caution 'nothing'"):
        registry.decide("approve", "fraud", "1", actor=BEN, reason="seen", accepted=["nothing"])
    registry.decide("approve", "fraud", "1", actor=BEN, reason="seen", accepted=kinds)
    order()


def test_an_approval_by_the_registrant_does_not_count_where_another_is_asked_for(tmp_path: Path) -> None:
    registry = with_versions(tmp_path, 1)
    config = gates(needs_approval=["production"], other_approver=True)

    def order() -> None:
        registry.promote("fraud", "1", to="production", actor=ANA, config=config, silence=answers)

    with pytest.raises(RegistryError, match="somebody else has to approve"):
        registry.decide("approve", "fraud", "1", actor=ANA, reason="mine", other_approver=True)
    registry.decide("approve", "fraud", "1", actor=ANA, reason="mine")
    with pytest.raises(PromotionRefused, match="approved it alone"):
        order()
    registry.decide("approve", "fraud", "1", actor=BEN, reason="looked at it")
    order()


# -- what is kept


def test_verify_finds_every_change_and_makes_links_again(tmp_path: Path) -> None:
    registry = with_versions(tmp_path, 1)
    promote(registry, 1)
    assert verify(registry).objections == ()
    (registry.folder / "fraud:production").unlink()
    (registry.folder / "fraud:7").symlink_to("nowhere")
    assert set(verify(registry).mended) == {"fraud:production", "fraud:7"}
    folder = registry.run_of(registry.find(VersionReference("fraud", "1")))
    (folder / "model" / "more.bin").write_bytes(b"x")
    (folder / "run.json").write_text("{}")
    (folder / "model" / "model.ubj").unlink()
    words = " ".join(verify(registry).objections)
    for text in ("more.bin is no part", "run.json was changed", "model.ubj cannot be read"):
        assert text in words


def test_a_log_that_was_cut_short_is_noticed_by_whoever_kept_its_head(tmp_path: Path) -> None:
    registry = with_versions(tmp_path, 2)
    head = registry.state().head
    log = registry.folder / "log.jsonl"
    log.write_bytes(log.read_bytes().split(b"\n")[0] + b"\n")
    assert verify(registry).entries == 1, "a chain alone cannot tell"
    with pytest.raises(RegistryError, match="cut short"):
        verify(registry, head=head)


def test_secrets_in_a_reason_do_not_get_into_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMET_API_KEY", "planted-0123456789abcdef")
    registry = with_versions(tmp_path, 1)
    registry.decide("approve", "fraud", "1", actor=BEN, reason="key planted-0123456789abcdef works")
    assert b"planted" not in (registry.folder / "log.jsonl").read_bytes()


REFERENCES = {
    "fraud:production": VersionReference("fraud", "production"),
    "fraud-xgb:3": VersionReference("fraud-xgb", "3"),
    "fraud:v3": VersionReference("fraud", "v3"),
    "fraud:latest": VersionReference("fraud", "latest"),
    **dict.fromkeys(
        ["fraud", "fraud:", ":3", "runs/x:3", "a:b:3", "fraud:prod", "C:\\x", "http://h:80", "-a:1"]
    ),
}


@pytest.mark.parametrize("text", REFERENCES)
def test_what_a_reference_is(text: str) -> None:
    assert reference_in(text) == REFERENCES[text]


def test_the_log_holds_what_a_run_was(tmp_path: Path) -> None:
    registry = with_versions(tmp_path, 1)
    facts = json.loads((registry.folder / "log.jsonl").read_text())["facts"]
    assert facts["run"] == "run-1"
    assert facts["metrics"]["average_precision"] > 0
    assert {"commit", "image", "backend", "experiment", "content", "model"} < set(facts)
