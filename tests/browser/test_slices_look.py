"""What a reader sees of slices: every name in its place, nothing over the edge, on every width."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fraudlab.evaluation.ranking import rank
from fraudlab.report import compare_runs, render_comparison, render_run
from fraudlab.stages.slice_content import slice_content
from fraudlab.stages.team_figures import TestRows

from ..report.example_run import build_run
from .conftest import OpenPage

pytestmark = pytest.mark.browser

NAMES = ["FR", "<img src=x onerror=alert(1)>", "long words of a merchant " * 9, "unbroken" * 20, None, "rare"]
#: what sticks out of the page, or of the chart it belongs to
OUTSIDE = """() => [
  document.documentElement.scrollWidth > innerWidth ? "the page" : null,
  ...[...document.querySelectorAll(".estimates *")]
    .filter((part) => {
      const chart = part.closest(".estimates").getBoundingClientRect(), box = part.getBoundingClientRect();
      // a point at the end of its track is half outside of that
      return box.left < chart.left - 6 || box.right > chart.right + 6 || box.bottom > chart.bottom + 1;
    })
    .map((part) => part.className + ": " + part.textContent),
].filter((found) => found !== null)"""
#: names and numbers that stand on one another
TOUCHING = """() => [...document.querySelectorAll(".estimates li:not(.scale)")].filter((line) => {
  const name = line.querySelector(".name").getBoundingClientRect();
  const value = line.querySelector(".value").getBoundingClientRect();
  return name.right > value.left && name.bottom > value.top + 1 && value.bottom > name.top + 1;
}).map((line) => line.textContent)"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``run/report.html`` and ``compared.html``."""
    folder = tmp_path_factory.mktemp("slices")
    for name, noise in (("run", 1.0), ("other", 1.3)):
        run = build_run(folder / name, frauds=400, test_rows=9000, sharpness=noise)
        path = run / "evaluation" / "scores.parquet"
        table = pq.read_table(path)
        random = np.random.default_rng(3)
        drawn = random.choice(len(NAMES), table.num_rows, p=[0.5, 0.2, 0.1, 0.1, 0.09, 0.01])
        columns = {
            "country": pa.array([NAMES[place] for place in drawn]).dictionary_encode(),
            "shop": pa.array([f"shop {at % 40:02d}" for at in range(table.num_rows)]).dictionary_encode(),
        }
        slices = pa.table({f"fraudlab.slice.{name}": values for name, values in columns.items()})
        rows = TestRows(rank(table["label"].to_numpy(), table["score"].to_numpy()), None, None, 1.0, None)
        found, _ = slice_content(rows, slices, list(columns), threshold=0.4, resamples=30, seed=1)
        (run / "evaluation" / "slices.json").write_text(json.dumps(found))
        for column in slices.column_names:
            table = table.append_column(column, slices[column])
        pq.write_table(table, path)
        render_run(run)
    render_comparison(compare_runs(folder / "run", folder / "other"), folder / "compared.html")
    return folder


@pytest.mark.parametrize("page", ["run/report.html", "compared.html"])
def test_nothing_of_a_chart_of_slices_is_cut_or_covered(pages: Path, open_page: OpenPage, page: str) -> None:
    opened = open_page(pages / page)
    assert opened.locator(".estimates").count() == (4 if page.startswith("run") else 2)
    for width in (320, 390, 620, 820, 1120, 1440):
        opened.set_viewport_size({"width": width, "height": 900})
        assert opened.evaluate(OUTSIDE) == [], width
        assert opened.evaluate(TOUCHING) == [], width
    opened.set_viewport_size({"width": 688, "height": 900})
    opened.emulate_media(media="print")
    assert opened.evaluate(OUTSIDE) == []
    assert opened.evaluate(TOUCHING) == []
