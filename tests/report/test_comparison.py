from __future__ import annotations

import json
from pathlib import Path

import pytest

from fraudlab.errors import RunError
from fraudlab.report import compare_runs, print_comparison, render_comparison

from .example_run import build_run
from .page_text import Page

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


def test_a_small_difference_is_not_believed_on_few_frauds(tmp_path: Path) -> None:
    few = [build_run(tmp_path / f"few-{skill}", skill=skill) for skill in (0.0, 0.5)]
    many = [build_run(tmp_path / f"many-{skill}", skill=skill, frauds=2_000) for skill in (0.0, 0.5)]
    unsure, sure = compare_runs(*few), compare_runs(*many)
    for comparison in (unsure, sure):
        assert comparison.difference is not None
        assert 0 < comparison.difference.low < comparison.difference.value < 0.03
    assert unsure.outcome == "noise"
    assert "With fewer than 200 frauds, less than 0.03 is noise." in unsure.verdict
    assert sure.outcome == "b"


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
    assert len(page.all("svg")) == 2
    assert len([p for p in page.all("path") if p["class"] in {"curve a", "curve b"}]) == 4
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
