"""What a trial of a study is judged by: average precision on validation, over all folds if there are some."""

from __future__ import annotations

from statistics import fmean
from typing import Any

from fraudlab.container.contract import FOLDS, VALIDATION_FIGURE
from fraudlab.errors import DataError
from fraudlab.files import read_json
from fraudlab.stages.context import Context
from fraudlab.tracking.study_group import judged


def log_trial(context: Context) -> None:
    """Record and log a trial's figures.

    Raises
    ------
    DataError
        Where validation has none: a split or a fold of it without frauds, or without anything else.
    """
    folder = context.folder.path / "training"
    measured: dict[str, Any] = read_json(folder / "validation.json")
    figures = [measured["average_precision"]]
    if context.config.split.kind.value == "prequential" and context.config.split.folds > 1:
        older = read_json(folder / "prequential.json")
        figures += [fold[VALIDATION_FIGURE] for fold in older[FOLDS]]
        if not older["complete"]:
            figures.append(None)
    if any(figure is None for figure in figures):
        raise DataError(
            "Validation has no average precision: frauds or other rows are missing, or a fold was cut short.",
            fix="give split.validation, or split.validation_length, more rows",
        )
    metrics = {VALIDATION_FIGURE: fmean(figures)}
    if len(figures) > 1:
        metrics |= {f"{VALIDATION_FIGURE}_fold_{number}": figure for number, figure in enumerate(figures, 1)}
    context.folder.note(metrics=metrics)
    context.tracker.tell(lambda e: e.log_metrics(metrics))
    context.tracker.tell(lambda e: e.log_others(judged(metrics[VALIDATION_FIGURE])))
