"""What a model costs less than the incumbent on the same test rows, and what both catch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fraudlab.files import write_json
from fraudlab.stages.incumbent import Incumbent, Uncompared
from fraudlab.stages.team_figures import TestRows

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from fraudlab.evaluation.intervals import PairedDifference

#: what says it in a run's folder
FILE = "incumbent.json"
_POINT = ("recall", "precision", "f1", "true_positives", "false_positives")

_MONEY = ("cost", "saving", "saving_low", "saving_high")


def facts_of_incumbent(incumbent: Incumbent, learned: int | None) -> dict[str, Any]:
    """What is known of an incumbent besides its scores, as ``incumbent.json`` has it.

    Parameters
    ----------
    incumbent : Incumbent
    learned : int or None
        How many test rows it may have learned from.
    """
    return {
        "compared": True,
        "name": incumbent.name,
        "reference": incumbent.reference,
        "run": incumbent.contract.get("run_id"),
        "threshold": incumbent.threshold,
        "learned": learned,
    }


def write_uncompared(folder: Path, uncompared: Uncompared) -> None:
    """Let a run's folder say why it was not compared."""
    content = {"compared": False, "name": uncompared.name, "reason": uncompared.reason}
    write_json(folder / "evaluation" / FILE, content)


def incumbent_figures(
    rows: TestRows,
    score: NDArray[np.float32],
    facts: Mapping[str, Any],
    decision: Mapping[str, Any],
    *,
    threshold: float,
    days: float | None,
    resamples: int,
    seed: int,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The content of ``incumbent.json``, and the metrics in it.

    Parameters
    ----------
    rows : TestRows
        With the scores of the run's own model.
    score : ndarray of float32, shape (n,)
        The incumbent's.
    facts : mapping
        As :func:`facts_of_incumbent` gives them.
    decision : mapping
        Of the run's own ``model.json``: its prices hold for both.
    threshold : float
        The run's own; the incumbent's is in `facts`.
    days : float or None
        Of the test rows.
    resamples, seed : int
    """
    from fraudlab.evaluation.metrics import average_precision_of, known_amounts, value_recall
    from fraudlab.evaluation.operating import alerts
    from fraudlab.evaluation.ranking import rank

    theirs = float(facts["threshold"])
    other = rank(rows.ranking.frauds, score)
    point = other.at([theirs])[0]
    own, before = alerts(rows.ranking.score, threshold), alerts(score, theirs)
    ahead = _ranked(rows, score, resamples=resamples, seed=seed)
    figures: dict[str, Any] = {
        "alerts": point.alerts,
        "alerts_per_day": point.alerts / days if days else None,
        **{name: value for name, value in point.as_metrics().items() if name in _POINT},
        "threshold": theirs,
        "average_precision": average_precision_of(other),
        "average_precision_difference": ahead.difference,
        "average_precision_difference_low": ahead.low,
        "average_precision_difference_high": ahead.high,
        "learned_rows": facts["learned"],
    }
    if (amount := known_amounts(rows.ranking.frauds, rows.amount)) is not None:
        figures["value_recall"] = value_recall(rows.ranking.frauds, score, amount, threshold=theirs)
    money = _money(rows, own, before, decision, threshold=threshold, resamples=resamples, seed=seed)
    kept: dict[str, Any] = {name: money[name] for name in _MONEY if name in money}
    content = {
        **facts,
        **figures,
        **money,
        "rows": int(own.size),
        "only_here": int((own & ~before).sum()),
        "only_incumbent": int((before & ~own).sum()),
        "units": "rows" if rows.card is None else "cards",
    }
    return content, {f"incumbent_{name}": value for name, value in {**figures, **kept}.items()}


def _ranked(rows: TestRows, score: NDArray[np.float32], *, resamples: int, seed: int) -> PairedDifference:
    """How much better the run's own model ranks, by the paired bootstrap."""
    from fraudlab.evaluation.card_intervals import paired_card_bootstrap
    from fraudlab.evaluation.intervals import paired_bootstrap

    label, own = rows.ranking.frauds, rows.ranking.score
    if rows.card is None:
        return paired_bootstrap(label, own, score, resamples=resamples, seed=seed)
    return paired_card_bootstrap(label, own, score, rows.card, resamples=resamples, seed=seed)


def _money(
    rows: TestRows,
    own: NDArray[np.bool_],
    before: NDArray[np.bool_],
    decision: Mapping[str, Any],
    *,
    threshold: float,
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    """What both cost by the run's own prices, and what is saved; empty where a fraud has no price."""
    from fraudlab.evaluation.cost_model import CostModel
    from fraudlab.evaluation.money_difference import money_difference, saved_per_row

    frauds = rows.ranking.frauds
    try:
        model = CostModel.of_decision(decision)
        price, costs = model.of_frauds(frauds, rows.amount), model.of(rows.ranking, rows.amount)
    except ValueError:  # not one fraud of these rows has an amount
        return {}
    if price is None or costs is None:
        return {}
    saved = saved_per_row(frauds, own, before, price, model.alert_cost)
    found = asdict(money_difference(saved, frauds, rows.card, resamples=resamples, seed=seed))
    low, high = found.pop("low"), found.pop("high")
    cost = costs.at(rows.ranking, threshold) + found["saving"]
    return {"cost": cost, "saving_low": low, "saving_high": high, **found}
