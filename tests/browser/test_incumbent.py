"""Against the incumbent: its figures stand still, and what is saved against it follows the slider."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest

from fraudlab.evaluation.ranking import rank
from fraudlab.report import render_run
from fraudlab.report.kit import numerals
from fraudlab.stages.incumbent_figures import incumbent_figures
from fraudlab.stages.team_figures import TestRows

# Tests are no package that an absolute import could name.
from ..report.example_run import build_run
from .conftest import OpenPage
from .test_look import ALONE, at_every_width
from .test_threshold import live, place

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

THRESHOLD = 0.3


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run beside a model that scored its test rows too, with more noise."""
    folder = build_run(tmp_path_factory.mktemp("incumbent") / "run")
    scores = pq.read_table(folder / "evaluation" / "scores.parquet")
    label, score, amount = (scores[name].to_numpy() for name in ("label", "score", "amount"))
    metrics = json.loads((folder / "evaluation" / "metrics.json").read_text())
    noise = np.random.default_rng(1).random(label.size)
    content, _ = incumbent_figures(
        TestRows(rank(label, score), amount, None, 1.0),
        np.clip(score * 0.9 + noise * 0.25, 0, 1).astype(np.float32),
        {"compared": True, "name": "<b>fraud</b>:3 (production)", "threshold": THRESHOLD, "learned": 4_200},
        {"policy": "cost", "alert_cost": 5.0},
        threshold=metrics["threshold"],
        days=metrics["days"],
        resamples=200,
        seed=0,
    )
    (folder / "evaluation" / "incumbent.json").write_text(json.dumps(content))
    render_run(folder)
    return folder


@pytest.fixture
def page(run: Path, open_page: OpenPage) -> Page:
    return open_page(run / "report.html")


def test_what_is_saved_against_it_follows(page: Page, run: Path) -> None:
    scores = pq.read_table(run / "evaluation" / "scores.parquet")
    label, score, amount = (scores[name].to_numpy() for name in ("label", "score", "amount"))
    content = json.loads((run / "evaluation" / "incumbent.json").read_text())
    column = page.locator(".at.three td:last-child")
    before = column.all_inner_texts()
    for position in (0, 0.4, 0.9, 1):
        alerted = score.astype(float) >= place(page, position)
        cost = amount[(label == 1) & ~alerted].sum() + 5 * alerted.sum()
        assert live(page)["ahead"] == numerals.count(round(float(content["cost"] - cost), 6))
        assert column.all_inner_texts() == before
    assert numerals.count(content["alerts"]) in before
    assert numerals.decimal(content["recall"]) in before


def test_headline_and_section_say_the_same(page: Page, run: Path) -> None:
    content = json.loads((run / "evaluation" / "incumbent.json").read_text())
    saving = numerals.count(content["saving"])
    said = page.locator("#against-incumbent").inner_text()
    assert (
        f"The incumbent, <b>fraud</b>:3 (production), would have cost {numerals.count(content['cost'])}"
        in said
    )
    assert f"saves {saving} " in said
    assert "may have learned from 4,200 of the 42,000 test rows" in said
    assert page.locator(".headline dt", has_text="Against incumbent").count() == 1
    section = page.locator("#incumbent").inner_text()
    assert f"{saving} (95" in section
    assert "by paired bootstrap with rows as units" in section


def test_nothing_is_wider_than_the_page(page: Page) -> None:
    for width in at_every_width(page):
        wide = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wide) <= 0, width
        assert page.evaluate(ALONE) == 0, width
        cut = page.evaluate(
            "() => [...document.querySelectorAll('.at.three :is(td, th)')]"
            ".filter((cell) => cell.scrollWidth > cell.clientWidth + 1).map((cell) => cell.textContent)"
        )
        assert cut == [], width
