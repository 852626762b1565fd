"""What a reader must know before trusting a number, in plain words: on the page and in the terminal."""

from __future__ import annotations

from collections.abc import Callable

from fraudlab.report.concerns import circumstances, leaks, scores, threshold
from fraudlab.report.concerns.concern import Concern
from fraudlab.report.record import RunRecord

__all__ = ["Concern", "concerns", "terminal_lines"]

#: in the order in which they are read, where they weigh the same
_CHECKS: tuple[Callable[[RunRecord], Concern | None], ...] = (
    circumstances.status,
    circumstances.endpoint,
    circumstances.generated,
    leaks.label_copy,
    leaks.one_column,
    leaks.nearly_perfect,
    leaks.validation_ahead,
    leaks.no_gap,
    leaks.shared_duplicates,
    scores.few_rounds,
    scores.no_probabilities,
    scores.few_frauds,
    scores.unseen,
    threshold.assumed_costs,
    threshold.nothing_caught,
    threshold.many_alerts,
    scores.last_round,
    circumstances.fallback,
    circumstances.uncommitted,
)


def concerns(record: RunRecord) -> list[Concern]:
    """Return everything that should be read before the numbers, gravest first."""
    found = [concern for check in _CHECKS if (concern := check(record)) is not None]
    order = ("problem", "caution", "note")
    return sorted(found, key=lambda concern: order.index(concern.weight))


def terminal_lines(record: RunRecord) -> list[str]:
    """Problems and cautions, a line each; notes are for who reads the page.

    Why a run failed is not among them: its error says that.
    """
    return [
        f"{concern.weight}: {concern.title}. {concern.text}".replace("\u00a0", " ")
        for concern in concerns(record)
        if concern.weight != "note" and concern.kind != "status"
    ]
