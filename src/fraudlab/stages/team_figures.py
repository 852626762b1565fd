"""What the test rows say to a team: its budget of alerts, and whether days and hours differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fraudlab.evaluation.groups import GroupFigures
    from fraudlab.evaluation.intervals import Interval
    from fraudlab.evaluation.ranking import Ranking

#: the longest list of days; more are put together
_MOST_DAYS = 62
_STEPS = (1, 7, 28, 91, 364)


@dataclass(frozen=True)
class TestRows:
    """The scored test rows, as arrays of one length.

    Attributes
    ----------
    ranking : Ranking
        Labels and scores.
    amount, time : ndarray of float64, shape (n,), or None
        None where the table has none.
    sampled : float
        Which share of the transactions of their days they are; below 1 where rows were dealt at random.
    card : ndarray of int, shape (n,), or None
        The same number for the same card.
    """

    #: pytest collects no class of this name
    __test__ = False

    ranking: Ranking
    amount: NDArray[np.float64] | None
    time: NDArray[np.float64] | None
    sampled: float
    card: NDArray[np.integer] | None = None


def intervals(rows: TestRows, *, resamples: int, seed: int) -> tuple[Interval, list[Interval]]:
    """Intervals of average precision, and of recall at each rate; with cards as units where there are any."""
    from fraudlab.evaluation.budgets import FALSE_POSITIVE_RATES
    from fraudlab.evaluation.card_intervals import card_intervals_of
    from fraudlab.evaluation.intervals import intervals_of

    if rows.card is None:
        found = intervals_of(rows.ranking, FALSE_POSITIVE_RATES, resamples=resamples, seed=seed)
    else:
        found = card_intervals_of(
            rows.ranking, rows.card, FALSE_POSITIVE_RATES, resamples=resamples, seed=seed
        )
    return found[0], found[1:]


def sampled_share(manifest: dict[str, Any]) -> float:
    """Which share of the transactions of their days a preparation's test rows are."""
    splits = manifest["splits"]
    if manifest.get("split", {}).get("kind") != "stratified":
        return 1.0
    return float(splits["test"]["rows"] / sum(facts["rows"] for facts in splits.values()))


def budget_figures(
    rows: TestRows, *, recalls: Sequence[Interval], per_day: Sequence[int], cards_per_day: int | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The content of ``budgets.json``, and the metrics in it.

    Parameters
    ----------
    rows : TestRows
    recalls : sequence of Interval
        Of recall at each of :data:`~fraudlab.evaluation.budgets.FALSE_POSITIVE_RATES`.
    per_day : sequence of int
        Alerts per day.
    cards_per_day : int, optional
        Cards per day; card precision is measured at these, and at each of `per_day`.
    """
    import numpy as np

    from fraudlab.evaluation.budgets import FALSE_POSITIVE_RATES, caught_per_day, point_at_fpr
    from fraudlab.evaluation.cards import card_precision_per_day
    from fraudlab.evaluation.metrics import known_amounts, value_recall

    ranking, amount = rows.ranking, known_amounts(rows.ranking.frauds, rows.amount)
    metrics: dict[str, Any] = {}
    at_rates = []
    for rate, interval in zip(FALSE_POSITIVE_RATES, recalls, strict=True):
        point = point_at_fpr(ranking, rate)
        name = f"recall_at_fpr_{rate:g}"
        metrics |= {name: point.recall, f"{name}_low": interval.low, f"{name}_high": interval.high}
        found = {**point.as_metrics(), "rate": rate, "recall_low": interval.low, "recall_high": interval.high}
        if amount is not None:
            found["value_recall"] = value_recall(
                ranking.frauds, ranking.score, amount, threshold=point.threshold
            )
        at_rates.append(found)
    daily = []
    if rows.time is not None and per_day:
        for caught in caught_per_day(
            ranking.frauds, ranking.score, rows.time, amount, per_day=list(per_day), sampled=rows.sampled
        ):
            of_one = {"precision": caught.precision, "recall": caught.recall}
            if caught.value is not None:
                of_one["value_recall"] = caught.value
            if rows.card is not None and rows.sampled == 1:  # else a card's rows are torn apart
                of_one["card_precision"] = card_precision_per_day(
                    ranking.frauds, ranking.score, rows.time, rows.card, per_day=caught.per_day
                )
            metrics |= {f"{name}_at_{caught.per_day}_per_day": value for name, value in of_one.items()}
            daily.append(
                {
                    "per_day": caught.per_day,
                    "alerts": caught.alerts,
                    "true_positives": caught.frauds,
                    **of_one,
                }
            )
    if cards_per_day and rows.time is not None and rows.card is not None and rows.sampled == 1:
        metrics[f"card_precision_at_{cards_per_day}_per_day"] = card_precision_per_day(
            ranking.frauds, ranking.score, rows.time, rows.card, per_day=cards_per_day
        )
    if rows.card is not None:
        metrics["cards"] = int(np.unique(rows.card).size)
    budgets = {
        "false_positive_rates": at_rates,
        "per_day": daily,
        "sampled": rows.sampled,
        "positives": ranking.positives,
    }
    return budgets, metrics


def stability_figures(rows: TestRows, *, threshold: float) -> dict[str, Any] | None:
    """The content of ``stability.json``: figures of every day and every hour of the day; None without times.

    Days and hours are those of UTC; of times that are counted, they are counted from where those begin.
    """
    import numpy as np

    from fraudlab.evaluation.groups import figures_by_group

    if rows.time is None:
        return None
    ranking = rows.ranking
    day = np.floor(rows.time / 86_400).astype(np.int64)
    first = int(day.min())
    span = int(day.max()) - first + 1
    step = next((step for step in _STEPS if span <= step * _MOST_DAYS), -(-span // _MOST_DAYS))
    hour = (np.floor(rows.time / 3600).astype(np.int64) % 24).astype(np.uint8)
    by_day = figures_by_group(ranking.frauds, ranking.score, (day - first) // step, threshold=threshold)
    by_hour = figures_by_group(ranking.frauds, ranking.score, hour, threshold=threshold)
    return {
        "threshold": threshold,
        "days_together": step,
        "days": [{"day": first + step * found.group, **_as_json(found)} for found in by_day],
        "hours": [{"hour": found.group, **_as_json(found)} for found in by_hour],
    }


def _as_json(found: GroupFigures) -> dict[str, Any]:
    return {
        "rows": found.rows,
        "positives": found.frauds,
        "alerts": found.alerts,
        "true_positives": found.caught,
        "precision": found.precision,
        "recall": found.recall,
        "average_precision": found.average_precision,
    }
