"""The page's slices: which are named first, and what stands where there are too few."""

from typing import Any

import pytest

from fraudlab.report.recorded.run_record import RunRecord, read_run
from fraudlab.report.run.slice_section import slice_section

from ..example_run import build_run
from ..page_text import Page


def one(value: str | None, **changed: Any) -> dict[str, Any]:
    known = {
        "kind": "missing" if value is None else "value", "value": value, "rows": 4000, "positives": 40,
        "alerts": 50, "true_positives": 30, "average_precision": 0.7, "average_precision_low": 0.6,
        "average_precision_high": 0.8,
    }  # fmt: skip
    for name in ("recall", "precision"):
        known |= {name: 0.75, f"{name}_low": 0.6, f"{name}_high": 0.85, f"{name}_of_others": 0.8,
                  f"{name}_p": 1.0, f"{name}_verdict": "same"}  # fmt: skip
    return known | changed


FEW = {
    **{f"{name}{end}": None for name in ("recall", "average_precision") for end in ("", "_low", "_high")},
    "recall_verdict": None, "positives": 3,
}  # fmt: skip
FRAUD_ALONE = {f"average_precision{end}": None for end in ("", "_low", "_high")}
LOWER = {"recall": 0.3, "recall_low": 0.2, "recall_high": 0.4, "recall_verdict": "lower"}
HIGHER = {"precision": 0.95, "precision_low": 0.9, "precision_high": 0.99, "precision_verdict": "higher"}


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    return read_run(build_run(tmp_path_factory.mktemp("runs") / "r"))


def text(record: RunRecord, *slices: dict[str, Any], compared: int = 8, **changed: Any) -> str:
    column = {"column": "country", "values": len(slices), "together": 0, "slices": [*slices]}
    record.slices.clear()
    record.slices.update({"compared": compared, "units": "rows", "columns": [column | changed]})
    page = slice_section(record)
    assert page is not None
    return " ".join(Page(page).text)


def test_a_run_that_asked_for_none_has_no_section(record: RunRecord) -> None:
    record.slices.clear()
    assert slice_section(record) is None


LEADS = {
    "nothing": ((one("FR"), one("DE")), "No slice differs from all other rows by more than chance, in 8 "),
    "worse": ((one("FR", **LOWER), one("DE")), "1 slice is worse than all other rows by more than chance"),
    "better": ((one("FR", **HIGHER), one("DE", **HIGHER)), "2 slices are better than all other rows"),
    "both": ((one("FR", **HIGHER), one("DE", **LOWER)), "1 slice is worse and 1 slice is better than"),
    "a slice with both marks": ((one("FR", **LOWER, **HIGHER),), "1 slice is worse and 1 slice is better"),
}  # fmt: skip


@pytest.mark.parametrize("case", LEADS)
def test_the_lead_says_what_is_beyond_chance(record: RunRecord, case: str) -> None:
    slices, sentence = LEADS[case]
    assert sentence in text(record, *slices)


def test_what_is_worse_is_named_first_with_both_figures(record: RunRecord) -> None:
    said = text(record, one("FR", **HIGHER), one("DE", **LOWER))
    worse, better = (said.index(f"country {words}") for words in
                     ("DE: recall 0.300, all other rows 0.800.", "FR: precision 0.950"))  # fmt: skip
    assert worse < better
    assert said.count("lower 0.300") == said.count("higher 0.950") == 2  # chart and table
    many = text(record, *(one(f"v{number}", **LOWER) for number in range(9)))
    assert "And 3 more, marked below." in many


def test_too_few_is_said_where_a_figure_would_stand(record: RunRecord) -> None:
    said = text(record, one("FR", **FEW), compared=0)
    # recall in chart and table, average precision in the table; there are alerts enough
    assert said.count("too few") == 3
    assert "No slice has cases enough to be compared" in said
    alone = text(record, one("FR", **FRAUD_ALONE))
    assert "too few" not in alone
    assert "–" in alone


def test_names_of_what_is_missing_and_of_what_is_put_together(record: RunRecord) -> None:
    together = one(None, kind="together")
    said = text(record, one("<b>FR</b>"), one(None), together, values=34, together=28)
    assert "<b>FR</b>" in said  # as text
    assert "(missing)" in said
    assert "(other, 28 values)" in said
    assert "34 values; 28 of them, those of the fewest rows, are put together." in said


def test_cards_as_units_are_said(record: RunRecord) -> None:
    assert "one card count as fewer" not in text(record, one("FR"))
    record.slices["units"] = "cards"
    page = slice_section(record)
    assert page is not None
    assert "one card count as fewer than they are (Rao and Scott)" in " ".join(Page(page).text)
