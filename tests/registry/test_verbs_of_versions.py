"""The verbs as they are typed: a whole journey on a run that was really trained, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fraudlab.cli import main

from .version_runs import make_run

SMALL = [
    *("backend=process", "tracking=off", "data.rows=4000", "data.fraud_rate=0.03", "model.num_round=2"),
    *("evaluation.resamples=100", "run.id=small"),
]


@pytest.fixture
def two_runs(in_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FRAUDLAB_ACTOR", "ana")
    for number in (1, 2):
        make_run(in_tmp / "runs" / f"run-{number}", booster=b"booster %d" % number)
        assert main(["models", "register", f"run-{number}", "--name", "fraud"]) == 0
    return in_tmp


def test_a_trained_run_is_registered_approved_and_promoted_where_it_answers(
    in_tmp: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", *SMALL]) == 0
    assert main(["models", "register", "latest", "--name", "fraud", "--actor", "ana"]) == 0
    assert main(["models", "approve", "fraud", "1", "--reason", "seen", "--actor", "ben"]) == 0
    kinds = "registry.allowed_cautions=[any]"
    assert (
        main(["models", "promote", "fraud", "1", "--to", "production", "registry.min_frauds=1", kinds]) == 0
    )
    assert "passed  endpoint_answers" in capsys.readouterr().out
    contract = Path("registry/versions")
    (booster,) = contract.glob("*/small/model/model.ubj")
    booster.write_bytes(b"{}")
    assert main(["models", "verify"]) == 12
    assert "model.ubj was changed" in capsys.readouterr().err


@pytest.mark.usefixtures("two_runs")
def test_list_show_history_and_verify_say_the_same_to_people_and_programs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for version in ("1", "2"):
        words = ["models", "promote", "fraud", version, "--to", "staging", "--force", "--reason", "try it"]
        assert main([*words, "registry.endpoint_answers=false"]) == 0
    assert main(["models", "rollback", "fraud", "--from", "staging", "--expect", "2"]) == 0
    capsys.readouterr()
    assert main(["models", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [(one["version"], one["stages"], one["run"]) for one in listed] == [
        (1, ["staging"], "run-1"),
        (2, [], "run-2"),
    ]
    assert main(["models", "show", "fraud", "staging", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == listed[0]
    assert main(["models", "history", "--json"]) == 0
    history = json.loads(capsys.readouterr().out)
    assert history["stages"] == {"fraud": {"staging": 1, "production": None}}
    verbs = ["register", "register", "promote", "promote", "rollback"]
    assert [entry["verb"] for entry in history["entries"]] == verbs
    assert main(["models", "verify", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["head"] == history["entries"][-1]["digest"]
    for words in (["list"], ["show", "fraud"], ["history", "fraud"], ["verify", "--head", found["head"]]):
        assert main(["models", *words]) == 0
    shown = capsys.readouterr().out
    for text in ("fraud  1", "fraud:2", "rollback staging", "promote staging by force", "try it (failed: "):
        assert text in shown


@pytest.mark.usefixtures("two_runs")
def test_history_at_a_time_is_how_things_stood(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [json.loads(line) for line in Path("registry/log.jsonl").read_text().splitlines()]
    capsys.readouterr()
    for when, versions in (
        ("2020-01-01", 0),
        (lines[0]["time"], 1 + (lines[0]["time"] == lines[1]["time"])),
        (lines[1]["time"], 2),
        ("2999-12-31", 2),
        ("2999-12-31T10:00+02:00", 2),
        ("1d", 0),
    ):
        assert main(["models", "history", "fraud", "--at", when, "--json"]) == 0
        assert len(json.loads(capsys.readouterr().out)["entries"]) == versions, when
    for wrong in ("yesterday", "2026-13-01", "-1d", "99999999999d", ""):
        assert main(["models", "history", f"--at={wrong}"]) == 2
        assert "is no time" in capsys.readouterr().err


REFUSED = {
    "no such model": (["show", "frod"], 12, "did you mean 'fraud'?"),
    "no such version": (["show", "fraud", "9"], 12, "has no version '9'"),
    "no such run": (["register", "nothing", "--name", "fraud"], 7, "There is no run 'nothing'"),
    "a stage that nobody has": (["show", "fraud", "production"], 12, "No version of fraud is in production"),
    "a gate that is none": (
        ["promote", "fraud", "1", "--to", "staging", "registry.beter=any"],
        2,
        "did you mean 'better'?",
    ),
    "gates that are none": (
        ["promote", "fraud", "1", "--to", "staging", "registry=lax"],
        2,
        "Valid: default",
    ),
    "an approval for no stage": (
        ["promote", "fraud", "1", "--to", "staging", "registry.needs_approval=[prod]"],
        2,
        "which is no stage",
    ),
    "another key": (["promote", "fraud", "1", "--to", "staging", "model=weighted"], 2, "says nothing about"),
    "no reason": (["promote", "fraud", "1", "--to", "staging", "--force"], 12, "needs a reason"),
    "an actor that is none": (["reject", "fraud", "1", "--reason", "x", "--actor", "\n"], 2, "who acts"),
    "nothing to go back to": (["rollback", "fraud"], 12, "was in production before"),
    "a head that is none": (["verify", "--head", "00"], 12, "cut short"),
}


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.usefixtures("two_runs")
def test_what_is_refused_is_said_and_changes_nothing(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    words, code, text = REFUSED[what]
    before = Path("registry/log.jsonl").read_bytes()
    assert main(["models", *words]) == code
    assert text in capsys.readouterr().err
    assert Path("registry/log.jsonl").read_bytes() == before


def test_looking_makes_no_registry(in_tmp: Path) -> None:
    for words in (["list"], ["history"], ["verify"]):
        assert main(["models", *words]) == 0
    for words in (["show", "x"], ["rollback", "x"], ["approve", "x", "1", "--reason", "y"]):
        assert main(["models", *words]) == 12
    assert list(in_tmp.iterdir()) == []


def test_every_verb_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    verbs = [
        "register",
        "list",
        "show",
        "approve",
        "reject",
        "promote",
        "rollback",
        "history",
        "verify",
        "mirror",
    ]
    for verb in verbs:
        with pytest.raises(SystemExit):
            main(["models", verb, "--help"])
        assert f"  fraudlab models {verb}" in capsys.readouterr().out
