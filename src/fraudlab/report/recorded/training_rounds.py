"""How training was asked to go, and which of its rounds was the best."""

from __future__ import annotations

from fraudlab.report.recorded.run_record import RunRecord, dig, number, series


def best_round(record: RunRecord) -> int | None:
    """The round with the best value of the watched metric, counted from 0; None where that is not known.

    ``history.json`` names it where training stopped early; without early stopping it names the last round,
    whichever was the best.
    """
    values = series(record.history, "validation")
    if len(values) < 2 or any(value is None for value in values):
        return None
    recorded = number(record.history, "best_round")
    if stops_early(record):
        return None if recorded is None else int(recorded)
    from fraudlab.container.hyperparameters import direction

    watched = dig(record.model, "hyperparameters", "eval_metric") or record.history.get("metric") or ""
    metric = str(watched[-1] if isinstance(watched, list) and watched else watched)
    if metric.startswith("hook:"):
        return None  # only the hook knows which way is up
    known = [value for value in values if value is not None]
    best = max(known) if direction(metric) == "maximize" else min(known)
    return known.index(best)


def stops_early(record: RunRecord) -> bool:
    """Whether the run was asked to stop where validation no longer improves."""
    return bool(hyperparameter(record, "early_stopping_rounds"))


def hyperparameter(record: RunRecord, name: str) -> float | None:
    """A hyperparameter, as the model's contract has it, else as the run was told."""
    found = number(record.model, "hyperparameters", name)
    return number(record.config, "model", name) if found is None else found
