"""Slices of two runs and of several: words, charts, JSON, and names that are hard to show."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from fraudlab.errors import RunError
from fraudlab.report import compare_runs, print_comparison
from fraudlab.report.comparison.comparison import Comparison
from fraudlab.report.comparison.lineup import line_up
from fraudlab.report.comparison.lineup_page import lineup_html
from fraudlab.report.recorded.sliced_rows import read_sliced_rows

from ..example_run import build_run
from ..page_text import Page

ROWS = 6000
HOSTILE = "</script><b>x"
LONG = "a merchant category of many words " * 12


def given(
    folder: Path, columns: dict[str, list[str | None]], *, better: tuple[str, int] | None = None
) -> Path:
    """Give a run's test rows slices, and its model perfect scores in one of them."""
    path = folder / "evaluation" / "scores.parquet"
    table = pq.read_table(path)
    size = table.num_rows
    for name, values in columns.items():
        texts = pa.array([values[row % len(values)] for row in range(size)], pa.string())
        table = table.append_column(f"fraudlab.slice.{name}", texts.dictionary_encode())
    if better is not None:
        name, place = better
        own = np.arange(size) % len(columns[name]) == place
        score = np.where(own, table["label"].to_numpy(), table["score"].to_numpy())
        table = table.set_column(table.column_names.index("score"), "score", pa.array(score))
    pq.write_table(table, path)
    return folder


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs ``a``, ``b`` and ``c`` of the same rows, without slices."""
    folder = tmp_path_factory.mktemp("plain")
    for name, noise in (("a", 1.0), ("b", 1.1), ("c", 1.2)):
        build_run(folder / name, frauds=240, test_rows=ROWS, sharpness=noise)
    return folder


@pytest.fixture
def runs(plain: Path, tmp_path: Path) -> Path:
    shutil.copytree(plain, tmp_path / "runs")
    return tmp_path / "runs"


COLUMNS: dict[str, list[str | None]] = {"country": ["FR", "DE", HOSTILE], "shop": ["x", None]}


@pytest.fixture
def better_in_de(runs: Path) -> Comparison:
    given(runs / "a", COLUMNS)
    given(runs / "b", COLUMNS, better=("country", 1))
    return compare_runs(runs / "a", runs / "b")


def text(page: str) -> str:
    return " ".join(Page(page).text).replace("\u00a0", " ")


def test_the_slice_in_which_one_is_better_is_named(runs: Path, better_in_de: Comparison) -> None:
    country, shop = better_in_de.slices
    assert {one.name: one.figures.verdict for one in country.slices} == {
        "FR": "same", "DE": "higher", HOSTILE: "same",
    }  # fmt: skip
    assert {one.name for one in shop.slices} == {"x", "(missing)"}
    said = text(lineup_html(line_up([runs / "a", runs / "b"])))
    assert "by more than chance, in 5 comparisons." in said
    assert "country DE: average precision 0." in said
    assert "1.000 for B, +0." in said
    assert "on the line there is no difference" in said
    assert HOSTILE in said  # as text
    assert "<b>x" not in lineup_html(line_up([runs / "a", runs / "b"]))
    turned = compare_runs(runs / "b", runs / "a")
    verdicts = {one.name: one.better for one in turned.slices[0].slices}
    assert verdicts["DE"] == 0
    backward = text(lineup_html(line_up([runs / "b", runs / "a"])))
    assert "A is better in" in backward
    assert "A better" in backward


def test_the_terminal_and_other_programs_hear_of_it(better_in_de: Comparison) -> None:
    stream = io.StringIO()
    print_comparison(better_in_de, Console(file=stream, width=200))
    assert "country DE: average precision" in stream.getvalue()
    found = json.loads(json.dumps(better_in_de.as_json(), allow_nan=False))["slices"]
    assert [column["column"] for column in found] == ["country", "shop"]
    (german,) = [one for one in found[0]["slices"] if one["value"] == "DE"]
    assert german["outcome"] == "b"
    assert german["low"] <= german["difference"] <= german["high"]
    assert german["p"] <= 0.05
    assert [one["kind"] for one in found[1]["slices"]] == ["value", "missing"]


CASES = {
    "one that has all rows": ({"c": ["all"]}, "there is one with frauds enough, and it has all test rows"),
    "tiny ones": ({"c": [f"v{at}" for at in range(15)] * 20 + ["t"]}, "too few: "),
    "forty": ({"c": [f"v{at:02d}" for at in range(40)]}, "40 values; 20 of them, those of the fewest rows"),
    "nothing but what is missing": ({"c": [None]}, "(missing)"),
    "an empty name": ({"c": ["", "y"]}, "In no slice do A and B differ by more than chance, in 2 "),
    "long names": ({"c": [LONG, "y"]}, LONG.strip()),
    "a hostile column": ({HOSTILE: ["x", "y"]}, HOSTILE),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_is_hard_to_show(runs: Path, case: str) -> None:
    columns, words = CASES[case]
    for name in "ab":
        given(runs / name, columns)
    page = lineup_html(line_up([runs / "a", runs / "b"]))
    assert words in text(page)
    assert "<b>x" not in page


def test_either_run_may_be_the_one_that_was_asked(runs: Path) -> None:
    given(runs / "a", {"country": ["FR", "DE"]})
    given(runs / "b", {"country": ["FR", "DE"], "shop": ["x", "y", "z"]})
    for pair in ("ab", "ba"):
        found = compare_runs(*(runs / name for name in pair)).slices
        assert {column.column for column in found} == {"country", "shop"}


def test_without_slices_or_without_the_same_rows_nothing_is_said(runs: Path, tmp_path: Path) -> None:
    assert compare_runs(runs / "a", runs / "b").slices == ()
    assert "Slices" not in text(lineup_html(line_up([runs / "a", runs / "b"])))
    given(runs / "a", COLUMNS)
    other = given(build_run(tmp_path / "other", test_rows=5000), COLUMNS)
    assert compare_runs(runs / "a", other).slices == ()


def test_of_several_runs_all_comparisons_are_corrected_together(runs: Path) -> None:
    for name in "ac":
        given(runs / name, COLUMNS)
    given(runs / "b", COLUMNS, better=("country", 1))
    folders = [runs / name for name in "abc"]
    lineup = line_up(folders)
    alone = compare_runs(*folders[:2]).slices[0]
    together = lineup.pairs[0].slices[0]
    for one, of_many in zip(alone.slices, together.slices, strict=True):
        assert one.figures.adjusted is not None
        assert of_many.figures.adjusted is not None
        assert one.figures.adjusted <= of_many.figures.adjusted
    said = text(lineup_html(lineup))
    assert said.count("in 10 comparisons.") == 2
    assert "In no slice do A and C differ by more than chance" in said
    assert "C − A" in said


def test_slices_come_in_the_order_of_the_raw_table(runs: Path) -> None:
    given(runs / "a", {"c": ["FR", "DE", "NL"]})
    path = runs / "a" / "evaluation" / "scores.parquet"
    (before,) = read_sliced_rows(runs / "a")
    table = pq.read_table(path)
    pq.write_table(table.take(np.random.default_rng(2).permutation(table.num_rows)), path)
    (after,) = read_sliced_rows(runs / "a")
    named = [[one.names[number] for number in one.number] for one in (before, after)]
    assert named[0] == named[1]


def test_a_column_that_is_no_slices_is_an_error_that_says_where(runs: Path) -> None:
    path = runs / "a" / "evaluation" / "scores.parquet"
    table = pq.read_table(path)
    lists = pa.array([[1]] * table.num_rows)
    pq.write_table(table.append_column("fraudlab.slice.c", lists), path)
    with pytest.raises(RunError, match="cannot be read"):
        compare_runs(runs / "a", runs / "b")
