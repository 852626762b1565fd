from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fraudlab.errors import RunError
from fraudlab.evaluation.intervals import PairedDifference
from fraudlab.report import compare_runs, print_comparison, render_comparison
from fraudlab.report.comparison.comparison import Comparison

from ..example_run import build_run
from ..page_text import Page

HOSTILE = "</script>[bold]<b>x"


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return build_run(tmp_path / "base")


@pytest.fixture
def better(tmp_path: Path) -> Path:
    return build_run(tmp_path / "better", skill=2.5, overrides={"model.max_depth": 8})


def test_the_better_run_is_named_whichever_way_round(base: Path, better: Path) -> None:
    forward, backward = compare_runs(base, better), compare_runs(better, base)
    assert (forward.outcome, backward.outcome) == ("b", "a")
    assert forward.difference is not None
    assert backward.difference is not None
    assert forward.difference.value == pytest.approx(-backward.difference.value)
    assert forward.difference.low > 0
    gain = forward.metrics[0]
    assert gain.name == "average_precision"
    assert gain.difference == pytest.approx(forward.difference.value)
    assert plain(forward.verdict).startswith(f"B is better: average precision {gain.a:.3f} for A")
    assert "on the same 75 test frauds." in forward.verdict


def with_cards(folder: Path, card: np.ndarray, *, column: str = "card") -> None:
    """Give a run's test rows cards, and its manifest the name of their column."""
    path = folder / "evaluation" / "scores.parquet"
    table = pq.read_table(path)
    pq.write_table(table.append_column("fraudlab.card", pa.array(card)), path)
    path = folder / "data" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["roles"] = {**manifest.get("roles", {}), "card": column}
    path.write_text(json.dumps(manifest))


def test_whole_cards_are_resampled_where_both_runs_know_them(base: Path, better: Path) -> None:
    by_row = compare_runs(base, better).difference
    assert by_row is not None
    assert by_row.cards is None
    label = pq.read_table(base / "evaluation" / "scores.parquet")["label"].to_numpy()
    card = np.arange(label.size)
    card[label == 1] = np.arange(int(label.sum())) // 5  # 75 frauds of 15 cards
    with_cards(base, card)
    assert compare_runs(base, better).difference == by_row  # one of the two knows of no cards
    with_cards(better, card)
    comparison = compare_runs(base, better)
    assert comparison.difference is not None
    assert comparison.difference.cards == 15
    assert comparison.difference.value == by_row.value
    assert (comparison.difference.low, comparison.difference.high) != (by_row.low, by_row.high)
    assert "on the same 75 test frauds, of 15 cards, which are resampled as wholes" in comparison.verdict


def test_other_columns_of_cards_are_no_common_units(base: Path, better: Path) -> None:
    size = pq.read_table(base / "evaluation" / "scores.parquet").num_rows
    with_cards(base, np.arange(size) % 500)
    with_cards(better, np.arange(size) % 500, column="customer")
    found = compare_runs(base, better).difference
    assert found is not None
    assert found.cards is None


def test_frauds_of_few_cards_are_too_few(base: Path, better: Path) -> None:
    size = pq.read_table(base / "evaluation" / "scores.parquet").num_rows
    for folder in (base, better):
        with_cards(folder, np.arange(size) % 5)
    comparison = compare_runs(base, better)
    assert comparison.outcome == "too few frauds"
    assert "fewer than 6 cards with fraud is beyond chance" in comparison.verdict


def test_a_run_against_itself_is_noise(base: Path) -> None:
    comparison = compare_runs(base, base)
    assert comparison.outcome == "noise"
    assert comparison.verdict.startswith("The difference is noise: ")
    assert not any(parameter.differs for parameter in comparison.parameters)


def test_an_interval_over_zero_is_noise(base: Path, tmp_path: Path) -> None:
    comparison = compare_runs(base, build_run(tmp_path / "b", sharpness=1.2))
    assert comparison.difference is not None
    assert comparison.difference.low < 0 < comparison.difference.high
    assert comparison.outcome == "noise"


def paired(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frauds: int, found: tuple[float, float, float]
) -> Comparison:
    """A comparison in which the paired bootstrap found difference, low and high."""
    difference = PairedDifference(*found, 0.5)
    monkeypatch.setattr("fraudlab.evaluation.intervals.paired_bootstrap", lambda *_: difference)
    runs = [build_run(tmp_path / name, frauds=frauds, test_rows=4_000) for name in "ab"]
    for run in runs:
        path = run / "evaluation" / "metrics.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"average_precision": 0.8}))
    return compare_runs(*runs)


@pytest.mark.parametrize(
    ("frauds", "found", "outcome", "words"),
    [
        (75, (0.02, 0.005, 0.04), "b", None),
        (75, (-0.02, -0.04, -0.005), "a", None),
        (
            75,
            (0.02, 0.0, 0.04),
            "too few frauds",
            "To tell a difference of 0.020 it would take about 76 test frauds.",
        ),
        # 75 × (0.07 / 0.03)²
        (
            75,
            (0.03, -0.04, 0.09),
            "too few frauds",
            "a difference of 0.030 it would take about 410 test frauds.",
        ),
        (
            75,
            (-0.03, -0.09, 0.04),
            "too few frauds",
            "a difference of 0.030 it would take about 410 test frauds.",
        ),
        # no difference was measured: 0.02 of 0.8 is one worth telling, 75 × (0.1 / 0.016)²
        (
            75,
            (0.0, -0.1, 0.1),
            "too few frauds",
            "a difference of 0.016 it would take about 3,000 test frauds.",
        ),
        # an interval of ± 0.016 hides nothing that matters, one of ± 0.017 may
        (75, (0.004, -0.012, 0.02), "noise", None),
        (2_000, (0.004, -0.012, 0.02), "noise", None),
        (
            2_000,
            (0.004, -0.013, 0.021),
            "too few frauds",
            "a difference of 0.016 it would take about 2,300 test",
        ),
        # one fraud that is ranked better is so in every resample
        (
            1,
            (0.5, 0.4, 0.6),
            "too few frauds",
            "0.600) on the same 1 test fraud. No order of fewer than 6 frauds",
        ),
        (5, (0.5, 0.4, 0.6), "too few frauds", "No order of fewer than 6 frauds is beyond chance."),
        (6, (0.5, 0.4, 0.6), "b", None),
    ],
)
def test_an_outcome_follows_from_the_interval_of_these_rows(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    frauds: int,
    found: tuple[float, float, float],
    outcome: str,
    words: str | None,
) -> None:
    comparison = paired(tmp_path, monkeypatch, frauds, found)
    assert comparison.outcome == outcome
    assert ("would take" in comparison.reason or "No order" in comparison.reason) == (words is not None)
    assert words is None or words in comparison.reason
    titles = {"a": "A is better", "b": "B is better", "noise": "The difference is noise"}
    assert comparison.title == titles.get(outcome, "Too few frauds to tell")


def test_few_frauds_are_too_few_to_tell(tmp_path: Path) -> None:
    """Of these 20 frauds the better model ranks some worse."""
    few = [build_run(tmp_path / f"{n}", frauds=20, skill=n / 3, sharpness=4 + n) for n in (0, 1)]
    comparison = compare_runs(*few)
    assert comparison.difference is not None
    assert comparison.difference.low < 0 < comparison.difference.high
    assert comparison.outcome == "too few frauds"


def test_runs_without_parameters_are_not_said_to_have_the_same(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text('{"id": "x"}')
    comparison = compare_runs(tmp_path / "a", tmp_path / "b")
    page = Page(render_comparison(comparison, tmp_path / "c.html").read_text(encoding="utf-8"))
    assert "No parameters are recorded." in page.text
    assert not any("same parameters" in text for text in page.text)


def test_other_tables_cannot_be_compared(base: Path, tmp_path: Path) -> None:
    run = {"data": {"source": "handbook", "sha256": "00" * 32}}
    comparison = compare_runs(base, build_run(tmp_path / "b", run=run))
    assert comparison.outcome == "not comparable"
    assert comparison.difference is None
    assert "different tables (synthetic and handbook)" in comparison.verdict


def test_other_rows_cannot_be_compared(base: Path, tmp_path: Path) -> None:
    comparison = compare_runs(base, build_run(tmp_path / "b", split="stratified", test_rows=40_000))
    assert comparison.outcome == "not comparable"
    assert "time against stratified split, 42,000 and 40,000 rows" in comparison.verdict


def test_the_same_rows_with_other_labels_are_other_rows(base: Path, tmp_path: Path) -> None:
    assert compare_runs(base, build_run(tmp_path / "b", seed=8)).outcome == "not comparable"


@pytest.mark.parametrize(
    ("missing", "words"),
    [("scores.parquet", "better has no scores"), ("metrics.json", "better was not evaluated")],
)
def test_what_was_not_scored_cannot_be_compared(base: Path, better: Path, missing: str, words: str) -> None:
    (better / "evaluation" / missing).unlink()
    comparison = compare_runs(base, better)
    assert comparison.outcome == "not comparable"
    assert words in comparison.verdict


def test_parameters_that_differ_come_first(base: Path, better: Path) -> None:
    parameters = compare_runs(base, better).parameters
    assert [(p.name, p.a, p.b) for p in parameters if p.differs] == [("model.max_depth", 6, 8)]
    assert parameters[0].name == "model.max_depth"
    assert not any(p.name.startswith(("paths.", "run.")) for p in parameters)


def test_a_folder_that_is_no_run(base: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError):
        compare_runs(base, tmp_path)


def test_the_page_and_the_json_beside_it(base: Path, better: Path, tmp_path: Path) -> None:
    comparison = compare_runs(base, better)
    target = render_comparison(comparison, tmp_path / "comparison.html")
    page = Page(target.read_text(encoding="utf-8"))
    assert target.stat().st_size < 300_000
    assert (page.unbalanced, page.open) == ([], [])
    assert "B is better" in page.text
    assert len(page.all("svg")) == 5
    assert len([p for p in page.all("path") if p["class"] in {"curve a", "curve b"}]) == 10
    assert page.index("Average precision") < page.index("Accuracy")

    found = json.loads((tmp_path / "comparison.json").read_text())
    assert (found["a"], found["b"], found["outcome"]) == ("base", "better", "b")
    assert found["parameters"]["different"] == {"model.max_depth": {"a": 6, "b": 8}}
    metric = found["metrics"]["average_precision"]
    assert metric["difference"] == pytest.approx(found["average_precision_difference"]["value"])
    assert found["average_precision_difference"]["low"] < metric["difference"]


def test_a_comparison_without_an_answer_has_a_page_too(base: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "run.json").write_text('{"id": "empty"}')
    target = render_comparison(compare_runs(base, tmp_path / "empty"), tmp_path / "c.html")
    page = Page(target.read_text(encoding="utf-8"))
    assert "Not comparable" in page.text
    assert page.unbalanced == []


def test_hostile_names_are_text_on_the_page(base: Path, tmp_path: Path) -> None:
    other = build_run(tmp_path / "b", overrides={"model.name": HOSTILE}, run={"id": HOSTILE})
    target = render_comparison(compare_runs(base, other), tmp_path / "c.html")
    page = Page(target.read_text(encoding="utf-8"))
    assert HOSTILE in page.text
    assert len(page.scripts) == 2
    assert page.all("b") == []


def test_the_terminal_shows_the_same(base: Path, tmp_path: Path) -> None:
    from rich.console import Console

    other = build_run(tmp_path / "b", skill=2.5, overrides={"model.name": HOSTILE}, run={"id": HOSTILE})
    console = Console(width=100, record=True, quiet=False, file=(tmp_path / "out").open("w"))
    comparison = compare_runs(base, other)
    print_comparison(comparison, console)
    console.file.close()
    shown = plain(console.export_text())
    assert plain(comparison.title) in shown
    assert HOSTILE in shown
    metrics = [line.split()[0] for line in shown.splitlines() if line.startswith((" Average", " Accuracy"))]
    assert metrics == ["Average", "Accuracy"]
    assert f"{comparison.metrics[0].a:.3f}" in shown
