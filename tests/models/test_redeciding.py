"""``fraudlab models threshold``: another decision for the same booster, and what it refuses."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from fraudlab.cli import main

PRICES = ["evaluation.currency=EUR", "evaluation.missed_fraud_fee=15"]
SMALL = [
    "backend=process", "tracking=off", "data.rows=6000", "data.fraud_rate=0.03", "model.num_round=6",
    "evaluation.resamples=100", "run.id=first", *PRICES,
]  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["train", *SMALL]) == 0
    return folder / "runs" / "first"


@pytest.fixture
def first(trained: Path, in_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FRAUDLAB_ACTOR", "ana")
    shutil.copytree(trained, in_tmp / "runs" / "first")
    return in_tmp / "runs" / "first"


def load(path: Path) -> Any:
    return json.loads(path.read_text())


def choose(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    capsys.readouterr()
    assert main(["models", "threshold", *words, "--json"]) == code
    said = capsys.readouterr()
    return json.loads(said.out) if code == 0 else said.err


def archived(run: Path) -> dict[str, bytes]:
    with tarfile.open(run / "model" / "model.tar.gz") as tar:
        files = [(member.name, tar.extractfile(member)) for member in tar if member.isfile()]
        return {name: file.read() for name, file in files if file is not None}


def test_the_next_version_has_the_same_booster_and_another_decision(
    first: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "register", "first", "--name", "fraud"]) == 0
    days = load(first / "training" / "validation.json")["days"]
    budget = 20 / days
    found = choose(capsys, "first", "--alerts-per-day", f"{budget:.6f}")
    assert found["version"] == "fraud:2"
    second = Path(found["folder"])
    assert (second / "model" / "model.ubj").read_bytes() == (first / "model" / "model.ubj").read_bytes()
    before, after = (load(run / "model" / "model.json") for run in (first, second))
    differing = {name for name in after if after[name] != before.get(name)}
    assert differing == {"run_id", "threshold", "decision", "threshold_of"}
    assert after["threshold_of"] == {"run": "first", "threshold": before["threshold"]}
    assert after["run_id"] == second.name
    archive = archived(second)
    assert archive["model.ubj"] == archived(first)["model.ubj"]
    assert json.loads(archive["model.json"]) == after
    assert (
        b"first" in archive["model_card.md"] or archive["model_card.md"] != archived(first)["model_card.md"]
    )

    scores = pq.read_table(first / "training" / "validation_scores.parquet")
    score = scores["score"].to_numpy().astype(np.float64)
    assert 0 < (score >= after["threshold"]).sum() <= 20
    assert after["decision"]["alert_budget"] == pytest.approx(budget, abs=1e-5)
    assert after["decision"]["missed_fraud_fee"] == 15.0  # what was not asked for stays

    test = pq.read_table(second / "evaluation" / "scores.parquet")
    alerted = test["score"].to_numpy().astype(np.float64) >= after["threshold"]
    metrics, old = (load(run / "evaluation" / "metrics.json") for run in (second, first))
    assert metrics["true_positives"] + metrics["false_positives"] == alerted.sum()
    fraud = test["label"].to_numpy() == 1
    missed = (test["amount"].to_numpy() + 15)[fraud & ~alerted].sum()
    assert metrics["cost"] == pytest.approx(missed + 5 * alerted.sum())
    assert metrics["average_precision"] == old["average_precision"]
    assert set(metrics) == set(old)
    assert load(second / "run.json")["threshold_of"] == "first"
    page = (second / "report.html").read_text()
    assert f"The threshold before cost <strong>{old['cost']:,.0f}\u00a0EUR</strong>" in page
    asked = yaml.safe_load((second / "config.yaml").read_text())["evaluation"]
    assert asked["alert_budget"] == pytest.approx(budget, abs=1e-5)
    assert load(first / "model" / "model.json") == before


def test_what_a_threshold_changes_nothing_of_is_what_an_evaluation_makes(
    first: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Choosing what was chosen before, in another way, writes the files that the run has."""
    threshold = load(first / "model" / "model.json")["threshold"]
    second = Path(choose(capsys, "first", "--threshold", repr(threshold))["folder"])
    for name in ("metrics", "curves", "mistakes", "stability", "budgets", "importance"):
        assert load(second / "evaluation" / f"{name}.json") == load(first / "evaluation" / f"{name}.json"), (
            name
        )


def test_a_version_is_chosen_again_without_its_run(first: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "register", "first", "--name", "fraud"]) == 0
    shutil.rmtree(first)
    found = choose(capsys, "fraud:1", "--recall", "0.5", "--reason", "incident 4711")
    assert (found["of"], found["version"]) == ("first", "fraud:2")
    second = Path(found["folder"])
    again = choose(capsys, "fraud:2", "--recall", "0.9")
    assert again["threshold"] < found["threshold"]
    assert load(Path(again["folder"]) / "model" / "model.json")["threshold_of"]["run"] == found["run"]
    capsys.readouterr()
    assert main(["models", "history", "fraud"]) == 0
    assert "incident 4711" in capsys.readouterr().out
    assert main(["models", "lineage", again["run"], "--json"]) == 0
    nodes = {node["name"] for node in json.loads(capsys.readouterr().out)["nodes"] if node["kind"] == "run"}
    assert {"first", found["run"], again["run"]} <= nodes
    assert load(second / "run.json")["threshold_of"] == "first"


def test_a_dry_run_writes_nothing(first: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = choose(capsys, "first", "--alert-cost", "20", "--name", "fraud", "--dry-run")
    assert (found["run"], found["version"], found["dry_run"]) == (None, None, True)
    assert sorted(path.name for path in first.parent.iterdir()) == ["first"]
    assert not Path("registry").exists()


def test_a_run_that_only_has_another_threshold_is_not_reproduced(
    first: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    second = choose(capsys, "first", "--policy", "f1")["run"]
    assert main(["runs", "reproduce", second]) == 7
    assert "trained nothing: it is run first with another threshold" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "was chosen so already"),
        (["--alerts-per-day", "any"], "was chosen so already"),
        (["--alerts-per-day", "0.0001"], "the budget allows less than one alert in"),
        (["--alerts-per-day", "0"], "the alerts of a day must be a number above 0, not 0"),
        (["--alerts-per-day", "nan"], "the alerts of a day must be a number above 0, not nan"),
        (["--threshold", "1"], "No validation row has a score of 1 or more"),
        (["--threshold", "-0.1"], "is no probability"),
        (["--threshold", "nan"], "is no probability"),
        (["--recall", "0"], "needs a recall above 0 and at most 1"),
        (["--recall", "80"], "needs a recall above 0 and at most 1"),
        (["--recall", "0.5", "--threshold", "0.5"], "each say how the threshold is found"),
        (["--recall", "0.5", "--alerts-per-day", "9"], "keeps to no number of alerts per day"),
        (["--alert-cost", "-1"], "the cost of an alert must be a number of at least 0"),
        (["--alert-cost", "1e12"], "alerting nothing is cheapest on validation"),
        (["--alert-cost", "1e308"], "must be a number of at least 0 and at most 1e+15"),
        (["--missed-fraud-fee", "1e16"], "must be a number of at least 0 and at most 1e+15"),
        (["--alert-cost", "1e12", "--alerts-per-day", "9"], "give a lower --alert-cost"),
        (["--alerts-per-day", "1e300", "--alert-cost", "1e12"], "alerting nothing is cheapest"),
        (["--loss-share", "1.1"], "must be between 0 and 1"),
        (["--currency", " "], "is no name of money"),
        (["--name", "no name"], "no name"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    first: Path, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    capsys.readouterr()
    assert main(["models", "threshold", "first", *words]) != 0
    said = capsys.readouterr().err
    assert sentence in said
    assert "fix: " in said
    assert [path.name for path in first.parent.iterdir()] == ["first"]


def rewritten(run: Path, **columns: Any) -> None:
    path = run / "training" / "validation_scores.parquet"
    table = pq.read_table(path)
    kept = {name: table[name] for name in table.column_names}
    made = {name: value for name, value in {**kept, **columns}.items() if value is not None}
    pq.write_table(pa.table(made, metadata=table.schema.metadata), path)


def test_scores_that_are_not_the_ones_are_refused(first: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = pq.read_table(first / "training" / "validation_scores.parquet")
    flipped = 1 - table["score"].to_numpy()
    cases = [
        ({"score": flipped}, "is not what the model was decided on"),
        ({"label": np.zeros(table.num_rows, np.uint8)}, "is not what the model was decided on"),
        ({"score": table["score"].to_numpy().astype(np.float64)}, "its columns are"),
        ({"score": np.full(table.num_rows, np.nan, np.float32)}, "not finite numbers"),
        ({"other": np.zeros(table.num_rows)}, "its columns are"),
    ]
    path = first / "training" / "validation_scores.parquet"
    whole = path.read_bytes()
    for columns, sentence in cases:
        rewritten(first, **columns)
        assert sentence in choose(capsys, "first", "--recall", "0.5", code=7)
        path.write_bytes(whole)
    path.write_bytes(whole[:100])
    assert "cannot be read" in choose(capsys, "first", "--recall", "0.5", code=7)
    path.unlink()
    assert "kept no validation scores" in choose(capsys, "first", "--recall", "0.5", code=7)


def test_without_times_there_is_no_number_per_day(first: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rewritten(first, day=None)
    capsys.readouterr()
    assert main(["models", "threshold", "first", "--alerts-per-day", "9"]) != 0
    said = capsys.readouterr().err
    assert "a number of alerts per day needs the time of each row" in said
    assert "data.time" in said
    choose(capsys, "first", "--recall", "0.5")


def test_few_frauds_are_a_caution(first: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = choose(capsys, "first", "--alerts-per-day", "100000", "--dry-run")
    frauds = found["decision"]["validation"]["positives"]
    assert any("frauds" in caution for caution in found["cautions"]) == (frauds < 10)


def test_slices_and_cards_are_measured_at_the_new_threshold(
    first: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = first / "evaluation" / "scores.parquet"
    table = pq.read_table(path)
    shop = pa.array(np.array(["a", "b"])[np.arange(table.num_rows) % 2]).dictionary_encode()
    table = table.append_column("fraudlab.slice.shop", shop)
    pq.write_table(table.append_column("fraudlab.card", pa.array(np.arange(table.num_rows) // 3)), path)
    found = choose(capsys, "first", "--threshold", "0.2")
    second = Path(found["folder"])
    slices, metrics = (load(second / "evaluation" / f"{name}.json") for name in ("slices", "metrics"))
    assert (slices["threshold"], slices["units"]) == (0.2, "cards")
    (column,) = slices["columns"]
    assert [one["value"] for one in column["slices"]] == ["a", "b"]
    assert sum(one["true_positives"] for one in column["slices"]) == metrics["true_positives"]
    assert sum(one["alerts"] for one in column["slices"]) == (
        metrics["true_positives"] + metrics["false_positives"]
    )
    assert metrics["slices"] == 2
    assert "<h2>Slices</h2>" in (second / "report.html").read_text()
