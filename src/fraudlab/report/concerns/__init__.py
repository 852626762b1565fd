"""What a reader must know before trusting a number, in plain words: on the page and in the terminal."""

from __future__ import annotations

from collections.abc import Callable

from fraudlab.report.concerns import circumstances, known_traps, score_quality, threshold, too_good
from fraudlab.report.concerns.concern import Concern
from fraudlab.report.recorded.run_record import RunRecord

__all__ = ["Concern", "concerns", "terminal_lines"]

#: in the order in which they are read, where they weigh the same
_CHECKS: tuple[Callable[[RunRecord], Concern | None], ...] = (
    circumstances.status,
    circumstances.endpoint,
    circumstances.generated,
    too_good.label_copy,
    too_good.one_column,
    too_good.nearly_perfect,
    too_good.validation_ahead,
    too_good.no_gap,
    too_good.random_split,
    too_good.shared_duplicates,
    score_quality.few_rounds,
    score_quality.no_probabilities,
    known_traps.known_trap,
    score_quality.few_frauds,
    score_quality.unseen,
    threshold.assumed_costs,
    threshold.nothing_caught,
    threshold.over_budget,
    threshold.many_alerts,
    score_quality.last_round,
    circumstances.fallback,
    circumstances.rehearsed,
    circumstances.uncommitted,
)


def concerns(record: RunRecord) -> list[Concern]:
    """Everything that should be read before the numbers, gravest first."""
    found = [concern for check in _CHECKS if (concern := check(record)) is not None]
    order = ("problem", "caution", "note")
    return sorted(found, key=lambda concern: order.index(concern.weight))


def terminal_lines(record: RunRecord) -> list[str]:
    """Problems and cautions, one line for each; notes stand on the page only.

    Why a run failed is not among them: its error says that.
    """
    return [
        f"{concern.weight}: {concern.title}. {concern.text}".replace("\u00a0", " ")
        for concern in concerns(record)
        if concern.weight != "note" and concern.kind != "status"
    ]
