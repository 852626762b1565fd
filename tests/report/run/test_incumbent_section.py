"""What the page says of the incumbent: each verdict in its words, and nothing where there is none."""

import json

import pytest

from fraudlab.report import render_run

from ..example_run import build_run
from ..page_text import Page

FOUND = {
    "compared": True, "name": "fraud:3", "threshold": 0.25, "learned": 0, "rows": 500, "units": "rows",
    "only_here": 1, "only_incumbent": 12, "alerts": 30, "alerts_per_day": 15.0, "recall": 0.5,
    "precision": 0.8, "f1": 0.6, "true_positives": 20, "false_positives": 10, "average_precision": 0.6,
    "average_precision_difference": 0.1, "average_precision_difference_low": -0.05,
    "average_precision_difference_high": 0.2, "value_recall": 0.5,
    "cost": 1000.0, "saving": 250.0, "saving_low": 50.0, "saving_high": 400.0, "verdict": "saves",
    "needed": None,
}  # fmt: skip


def text_of(folder):
    return " ".join(" ".join(Page(render_run(folder).read_text()).text).replace("\u00a0", " ").split())


def said(tmp_path, **changes):
    folder = build_run(tmp_path / "run", test_rows=500, frauds=40)
    content = {name: value for name, value in {**FOUND, **changes}.items() if value != "absent"}
    (folder / "evaluation" / "incumbent.json").write_text(json.dumps(content))
    return text_of(folder)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "against it this model saves 250 (95 % interval 50 to 400). The saving is beyond chance."),
        ({"units": "cards"}, "The saving is beyond chance, with cards as units."),
        (
            {"verdict": "undecided", "saving_low": -90.0, "needed": 230},
            "may be chance; to tell one of this size it would take about 230 test frauds.",
        ),
        (
            {"verdict": "loses", "saving": -250.0, "saving_low": -400.0, "saving_high": -50.0},
            "this model loses 250 (95 % interval of the saving −400 to −50). The loss is beyond chance.",
        ),
        (
            {
                "verdict": "undecided",
                "saving": -250.0,
                "saving_low": -400.0,
                "saving_high": 50.0,
                "needed": 99,
            },
            "The loss may be chance; to tell one of this size it would take about 99 test frauds.",
        ),
        ({"verdict": "undecided", "saving": 0.0, "needed": None}, "The saving may be chance."),
        ({"verdict": "too few frauds"}, "No difference on fewer than 6 frauds is beyond chance."),
        (
            {"verdict": "too few frauds", "units": "cards"},
            "No difference on fewer than 6 cards with fraud is beyond chance.",
        ),
        (
            {"verdict": "same", "saving": 0.0, "saving_low": 0.0, "saving_high": 0.0},
            "saves 0 (95 % interval 0 to 0). Both alert the same rows, or what costs the same.",
        ),
        ({"learned": 100}, "may have learned from 100 of the 500 test rows (20.0 %): they flatter it"),
        ({"learned": None}, "Nothing tells whether the incumbent learned from these test rows"),
        ({}, "This model alone alerts 1 row, the incumbent alone 12 rows."),
        ({}, "Average precision differs by +0.100 (95 % interval −0.050 to +0.200, by paired bootstrap"),
        ({"name": "<i>x</i>"}, "The incumbent, <i>x</i>, would have cost 1,000"),
        (
            {"compared": False, "reason": "The incumbent a takes the column 'b'."},
            "Against the incumbent Not compared: The incumbent a takes the column 'b'.",
        ),
    ],
)
def test_each_verdict_has_its_words(tmp_path, changes, words):
    assert words in said(tmp_path, **changes)


def test_new_rows_are_not_said_to_be_known(tmp_path):
    assert "learned from" not in said(tmp_path).split("Against the incumbent")[-1].split("Bands of")[0]


def test_without_prices_there_is_no_money(tmp_path):
    money = dict.fromkeys(("cost", "saving", "saving_low", "saving_high", "verdict", "needed"), "absent")
    page = said(tmp_path, **money)
    assert "would have cost" not in page
    assert "Saved against the incumbent" not in page
    assert "Against the incumbent" in page


def test_without_an_incumbent_the_page_is_as_ever(tmp_path):
    folder = build_run(tmp_path / "run", test_rows=500, frauds=40)
    text = text_of(folder)
    assert not [words for words in ("The incumbent", "gainst the incumbent", "Incumbent") if words in text]
