"""Values of a study as its page needs them: what was measured, where a setting lies, how it is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fraudlab.report.recorded.run_record import Json


def completed(trials: Sequence[Json]) -> list[Json]:
    """The trials that were measured at their end, by number."""
    return [trial for trial in trials if trial["state"] == "completed" and trial["value"] is not None]


def best_of_all(done: Sequence[Json]) -> Json:
    """The completed trial with the largest value, the first of equal ones."""
    return max(done, key=lambda trial: (trial["value"], -trial["number"]))


def value_bounds(done: Sequence[Json]) -> tuple[float, float]:
    """Between which values an axis of completed trials lies: theirs, with some room."""
    values = [trial["value"] for trial in done]
    low, high = min(values), max(values)
    room = max(0.05 * (high - low), 0.002)
    return low - room, high + room


def choice_at(choices: Sequence[Any], value: Any) -> int | None:
    """Which of the choices a value is; of 1, 1.0 and true each is one of its own. None where it is none."""
    found = (at for at, choice in enumerate(choices) if choice == value and type(choice) is type(value))
    return next(found, None)


def written_value(value: Any) -> str:
    """A setting in a cell: four digits of what is no whole number."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.4g}" if isinstance(value, float) else str(value)
