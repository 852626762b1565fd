"""A run whose model was refitted says so wherever a figure of validation stands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fraudlab.report.card.model_card import write_card
from fraudlab.report.concerns.too_good import validation_ahead
from fraudlab.report.recorded.refitted import refit_sentences
from fraudlab.report.recorded.run_record import read_run
from fraudlab.report.run.run_page import render_run
from fraudlab.report.run.threshold_choice import threshold_choice
from fraudlab.report.run.training_curve import training_curve

from ..example_run import build_run

REFIT = {
    "rounds": 2,
    "rows": 200_000,
    "frauds": 350,
    "first_fit": {"rows": 150_000, "frauds": 260},
    "validation_figures": "first_fit",
}
SAID = (
    "Refitted: a first fit on the 150,000 rows of train chose rounds and threshold on validation; the model "
    "then learned from 200,000 rows, train and validation together, with 350 frauds, for the same 2 rounds."
)


def change(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    built = build_run(tmp_path / "a")
    change(built / "training" / "history.json", validation=[0.5, 0.75, 0.7], best_round=1, rounds=3)
    change(built / "model" / "model.json", rounds=2, refit=REFIT)
    return built


def test_page_and_card_say_what_was_refitted(folder: Path) -> None:
    write_card(folder)
    page, card = render_run(folder).read_text(), (folder / "model" / "model_card.md").read_text()
    for text in (page, card):
        assert SAID in text
        assert "the validation rows, by the scores of the first fit" in text


def test_figures_of_validation_are_the_first_fits(folder: Path) -> None:
    record = read_run(folder)
    curve, choice = training_curve(record), threshold_choice(record)
    assert curve is not None
    assert (
        curve.subtitle == "Best aucpr 0.750 after 2 of 3 rounds of the first fit; the refit has 2 rounds too"
    )
    assert choice is not None
    assert choice.subtitle.startswith("Chosen on validation (first fit): ")
    change(folder / "evaluation" / "metrics.json", average_precision=0.3, average_precision_high=0.35)
    change(folder / "training" / "validation.json", average_precision=0.9, positives=500)
    concern = validation_ahead(read_run(folder))
    assert concern is not None
    assert concern.text.startswith("Average precision is 0.900 on validation (first fit) and 0.300 on test")


@pytest.mark.parametrize("refit", [None, {}, "no", 3])
def test_of_a_model_that_was_not_nothing_is_said(folder: Path, refit: object) -> None:
    change(folder / "model" / "model.json", refit=refit)
    assert refit_sentences(read_run(folder)) is None
    page = render_run(folder).read_text()
    assert "Refitted" not in page
    assert "first fit" not in page
