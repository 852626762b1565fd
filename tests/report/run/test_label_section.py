"""What the page says of labels that came late: how late, and which were not known when they were used."""

import json

import pytest

from fraudlab.report import render_run

from ..example_run import build_run
from ..page_text import Page

DAY = 86_400.0
QUANTILES = [DAY * day for day in range(21)]
USES = {
    "train": {"moment": 100_000.0, "frauds": 200, "late": 39},
    "validation": {"moment": 130_000.0, "frauds": 60, "late": 0},
    "refit": {"moment": 130_000.0, "frauds": 200, "late": 4},
}


def said(tmp_path, *, refit=False, **known):
    folder = build_run(tmp_path / "run", test_rows=500, frauds=40)
    path = folder / "data" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["label_known"] = {"frauds": 300, "lacking": 0, "quantiles": QUANTILES, **known}
    manifest.setdefault("roles", {})["label_known"] = "REPORTED_AT"
    manifest["split"]["labels"] = USES
    path.write_text(json.dumps(manifest))
    if refit:
        model = json.loads((folder / "model" / "model.json").read_text())
        model["refit"] = {"rows": 100, "frauds": 5, "rounds": 10}
        (folder / "model" / "model.json").write_text(json.dumps(model))
    page = Page(render_run(folder).read_text())
    return " ".join(" ".join(page.text).replace("\u00a0", " ").split())


def test_it_says_how_late_labels_were_and_what_was_not_known(tmp_path):
    text = said(tmp_path)
    assert "within 10 days of the transaction, 90 % within 18 days (column REPORTED_AT)" in text
    assert "95 % within 19 days, the last after 20 days" in text
    for words in (
        "Train, first fit",
        "200 39 19.5 %",
        "Validation: rounds, threshold, calibration",
        "60 0 0.0 %",
    ):
        assert words in text


@pytest.mark.parametrize("refit", [True, False])
def test_the_labels_of_a_refit_are_those_of_a_run_that_has_one(tmp_path, refit):
    assert ("Train, in the refit" in said(tmp_path, refit=refit)) is refit


@pytest.mark.parametrize(
    ("lacking", "words"),
    [(0, None), (1, "1 fraud had no time in the column"), (1234, "1,234 frauds had no time in the column")],
)
def test_frauds_without_a_time_are_counted(tmp_path, lacking, words):
    text = said(tmp_path, lacking=lacking)
    assert ("data.delay stood in for it" in text) is bool(lacking)
    assert words is None or words in text


@pytest.mark.parametrize(
    "quantiles", [[0.0] * 21, [5.0] * 21, [0.0] * 20 + [400 * DAY], [1e-9 * place for place in range(21)]]
)
def test_delays_of_any_size_are_drawn(tmp_path, quantiles):
    assert "How late labels of fraud were" in said(tmp_path, quantiles=quantiles)


@pytest.mark.parametrize("quantiles", [[], None, [1.0]])
def test_without_delays_there_is_no_section(tmp_path, quantiles):
    assert "When labels were known" not in said(tmp_path, quantiles=quantiles)
