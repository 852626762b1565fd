"""Whether a run's model was trained once more on train and validation, in words."""

from __future__ import annotations

from fraudlab.report.kit import numerals
from fraudlab.report.recorded.run_record import Json, RunRecord, number, section


def refit_of(record: RunRecord) -> Json:
    """What ``model.json`` says of the refit; empty where the model is the fit that validation watched."""
    return section(record.model, "refit")


def by_first_fit(record: RunRecord) -> str:
    """What follows a figure of validation: whose it is where the model is another; with a space before it."""
    return " (first fit)" if refit_of(record) else ""


def refit_sentences(record: RunRecord) -> str | None:
    """What was refitted on which rows, and whose the figures of validation are; None where nothing was."""
    found = refit_of(record)
    if not found:
        return None
    rounds = numerals.counted(number(found, "rounds"), "round")
    rows, frauds = numerals.count(number(found, "rows")), numerals.counted(number(found, "frauds"), "fraud")
    first = numerals.count(number(found, "first_fit", "rows"))
    return (
        f"Refitted: a first fit on the {first} rows of train chose rounds and threshold on validation; the "
        f"model then learned from {rows} rows, train and validation together, with {frauds}, for the same "
        f"{rounds}. Figures and curves of validation are the first fit’s, because the model has learned from "
        "those rows. Figures of test are the model’s."
    )
