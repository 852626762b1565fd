from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fraudlab.report.concerns import Concern, concerns
from fraudlab.report.recorded.run_record import read_run

from ..example_run import build_run

# a table and a cost of one's own
SOUND: dict[str, Any] = {
    "frauds": 250,
    "overrides": {"evaluation.alert_cost": 5.0},
    "run": {"data": {"source": "table", "path": "transactions.csv", "sha256": "7f" * 32, "rows": 284_807}},
}

Change = Callable[[dict[str, Any]], object]


def found(folder: Path, **changes: Change) -> list[Concern]:
    """Concerns of a run after its files were changed, by the name of the file."""
    files = {
        "run": "run.json",
        "metrics": "evaluation/metrics.json",
        "manifest": "data/manifest.json",
        "history": "training/history.json",
        "model": "model/model.json",
    }
    for name, change in changes.items():
        path = folder / files[name]
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))
    return concerns(read_run(folder))


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """A run nobody has to be warned about."""
    return build_run(tmp_path / "a", **SOUND)


def test_a_sound_run_has_none(sound: Path) -> None:
    assert found(sound) == []


@pytest.mark.parametrize(
    ("file", "change", "weight", "words"),
    [
        ("metrics", {"positives": 75}, "caution", "Only 75 frauds in the test rows"),
        ("metrics", {"endpoint_max_difference": 0.01}, "problem", "up to 1.0e-02"),
        ("metrics", {"unseen_categories": 1234}, "caution", "1,234 values of the test rows"),
        ("run", {"fallback": "no Docker engine answers."}, "note", "No Docker engine answers."),
        ("run", {"rehearsed": True}, "note", "Rehearsed, not run in AWS"),
        ("run", {"git": {"commit": "c", "dirty": True}}, "note", "uncommitted changes"),
        ("run", {"status": "interrupted"}, "problem", "was interrupted"),
        (
            "run",
            {"status": "failed", "error": {"message": "The disk is full."}},
            "problem",
            "The disk is full.",
        ),
        ("history", {"best_round": 299, "rounds": 300}, "note", "still improving"),
    ],
)
def test_what_there_is_to_know_is_said(
    sound: Path, file: str, change: dict[str, Any], weight: str, words: str
) -> None:
    (concern,) = found(sound, **{file: lambda content: content.update(change)})
    assert concern.weight == weight
    assert words in f"{concern.title}. {concern.text}"


BASELINE: dict[str, Any] = {
    "objective": "binary:logistic",
    "tree_method": "hist",
    "max_bin": 512,
    "fraud_bins": 0.9,
    "base_score": 0.5,
    "min_child_weight": 1.0,
    "early_stopping_rounds": 30,
    "scale_pos_weight": 1.0,
}


@pytest.mark.parametrize(
    ("told", "watched", "words"),
    [
        ({}, "logloss", []),
        ({"max_bin": 256, "fraud_bins": 0}, "logloss", ["256 bins placed by all rows alike"]),
        ({"max_bin": 64, "fraud_bins": 0.0}, "logloss", ["64 bins placed by all rows alike"]),
        ({"max_bin": 257, "fraud_bins": 0}, "logloss", []),
        ({"max_bin": 256}, "logloss", []),
        ({"tree_method": "exact", "max_bin": 256, "fraud_bins": 0}, "logloss", []),
        ({"base_score": None}, "logloss", ["Starting from the prevalence"]),
        ({"base_score": None, "min_child_weight": 0.0}, "logloss", []),
        ({"base_score": None, "objective": "hook:mine"}, "logloss", []),
        ({}, "aucpr", ["Early stopping that watches aucpr"]),
        ({}, "auc", ["Early stopping that watches auc"]),
        ({"early_stopping_rounds": 0}, "aucpr", []),
        ({"scale_pos_weight": 24.0}, "logloss", []),
        ({"scale_pos_weight": 1500.0}, "logloss", ["Frauds that weigh as much as all other rows"]),
        (
            {"max_bin": 256, "fraud_bins": 0, "base_score": None},
            "auc",
            ["256 bins", "Starting from the prevalence", "Early stopping that watches auc"],
        ),
    ],
)
def test_a_known_trap_is_named(sound: Path, told: Any, watched: str, words: list[str]) -> None:
    def model(content: dict[str, Any]) -> None:
        content["hyperparameters"] = {**BASELINE, **told}

    said = found(sound, model=model, history=lambda history: history.update(metric=watched))
    traps = [concern.text for concern in said if concern.kind == "known_trap"]
    assert len(traps) == (1 if words else 0)
    assert all(word in traps[0] for word in words)


@pytest.mark.parametrize("share", [0.3, 0.0])
def test_where_fraud_is_not_rare_no_setting_is_a_trap(sound: Path, share: float) -> None:
    def manifest(content: dict[str, Any]) -> None:
        train = content["splits"]["train"]
        train["positives"] = round(train["rows"] * share)

    def model(content: dict[str, Any]) -> None:
        content["hyperparameters"] = {**BASELINE, "max_bin": 256, "fraud_bins": 0}

    assert "known_trap" not in {concern.kind for concern in found(sound, manifest=manifest, model=model)}


def test_unseen_categories_are_named_by_column(sound: Path) -> None:
    (concern,) = found(
        sound,
        manifest=lambda m: m["splits"]["test"].update(unseen={"merchant": 7, "country": 30, "quiet": 0}),
    )
    assert "37 values" in concern.text
    assert "country (30), merchant (7)" in concern.text
    assert "quiet" not in concern.text


def test_copies_matter_only_where_a_random_split_can_part_them(tmp_path: Path) -> None:
    stratified = build_run(tmp_path / "a", split="stratified", time=None, **SOUND)
    random, copies = found(stratified)
    assert random.kind == "random_split"
    assert "1,081 rows repeat another" in copies.text
    assert found(stratified, manifest=lambda m: m["duplicates"].update(policy="drop")) == [random]


@pytest.mark.parametrize(
    ("time", "card", "words"),
    [
        (None, None, "Rows of the same card or the same hour may be on both sides"),
        ("number", None, "Rows of the same days are on both sides"),
        (None, "card", "Rows of the same card are on both sides"),
        ("timestamp", "card", "Rows of the same card and of the same days are on both sides"),
    ],
)
def test_a_random_split_says_what_it_hides(tmp_path: Path, time: Any, card: Any, words: str) -> None:
    folder = build_run(tmp_path / "a", split="stratified", time=time, **SOUND)
    (said,) = (
        concern
        for concern in found(folder, manifest=lambda m: m.setdefault("roles", {}).update(card=card))
        if concern.kind == "random_split"
    )
    assert said.weight == "caution"
    assert words in said.text


def test_stopping_early_is_not_still_improving(sound: Path) -> None:
    assert found(sound, history=lambda h: h.update(best_round=140, rounds=141)) == []


def test_the_gravest_come_first(sound: Path) -> None:
    weights = [
        concern.weight
        for concern in found(
            sound,
            run=lambda r: r.update(fallback="why", status="failed"),
            metrics=lambda m: m.update(positives=10),
        )
    ]
    assert weights == ["problem", "caution", "note"]


@pytest.mark.parametrize(("budget", "over"), [(1.0, True), (20.0, True), (100_000.0, False), (None, False)])
def test_a_budget_that_test_does_not_keep(sound: Path, budget: float | None, over: bool) -> None:
    kinds = {
        concern.kind: concern.text
        for concern in found(sound, model=lambda model: model["decision"].update(alert_budget=budget))
    }
    assert ("over_budget" in kinds) == over
    if over:
        assert "a day, where evaluation.alert_budget allows" in kinds["over_budget"]


def test_chance_is_no_breach_of_a_budget(sound: Path) -> None:
    metrics = json.loads((sound / "evaluation" / "metrics.json").read_text())
    alerts, days = metrics["true_positives"] + metrics["false_positives"], metrics["days"]
    for allowed, over in ((alerts - 1, False), (alerts - 3 * alerts**0.5, True)):
        changed = found(sound, model=lambda model: model["decision"].update(alert_budget=allowed / days))  # noqa: B023
        assert any(concern.kind == "over_budget" for concern in changed) == over


def test_no_threshold_within_the_budget_is_named_so(sound: Path) -> None:
    def change(model: dict[str, Any]) -> None:
        budget = {"days": 2.0, "most_alerts": 1, "without": {"alerts": 40}}
        model.update(threshold=1.0000000000000002)
        model["decision"].update(alert_budget=0.5, budget=budget)

    (concern,) = [one for one in found(sound, model=change) if one.kind == "nothing_caught"]
    assert "no threshold catches a fraud with at most 1 alert." in concern.text
    assert concern.more == "Raise evaluation.alert_budget."
