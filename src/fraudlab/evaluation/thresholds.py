"""Choosing the threshold: the lowest score that is an alert, and what that choice costs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from fraudlab.evaluation.cost_model import CostModel, Costs
from fraudlab.evaluation.operating import NO_ALERTS, OperatingPoints
from fraudlab.evaluation.ranking import Ranking, rank, require_both_classes

Policy = Literal["cost", "f1", "fixed", "recall"]
CURVE_POINTS = 400


@dataclass(frozen=True, slots=True)
class Decision:
    """A chosen threshold and the trade-off it was chosen from.

    Attributes
    ----------
    threshold : float
        An alert is ``score >= threshold``. Above every score where nothing is alerted.
    policy : str
    cost : float or None
        Cost of the rows at the threshold; None where missed frauds have no price.
    curve : dict of list
        ``threshold``, ``alerts``, ``missed`` (frauds) and ``f1`` at a few hundred thresholds, highest first,
        with both ends and the choice among them; and ``cost`` where missed frauds have a price.
    """

    threshold: float
    policy: Policy
    cost: float | None
    curve: dict[str, list[float]]


def choose_threshold(
    y: ArrayLike,
    score: ArrayLike,
    amount: ArrayLike | None = None,
    *,
    policy: Policy,
    threshold: float | None = None,
    recall: float | None = None,
    missed_fraud_cost: float | None = None,
    alert_cost: float = 0.0,
    loss_share: float = 1.0,
    missed_fraud_fee: float = 0.0,
    most_alerts: int | None = None,
) -> Decision:
    """Choose an operating point on rows that neither trained nor test the model.

    ``cost`` minimises ``sum(price of missed frauds) + alert_cost * alerts``, in which every alert is paid
    for, true or false (Elkan 2001, "The foundations of cost-sensitive learning"). It also considers to alert
    nothing, and then the threshold is the first number above 1 and above every score, which no probability
    reaches. ``f1`` maximises F1. Both choose among all thresholds, and take the highest of equally good
    ones, which alerts least: it is the score of a fraud, as lower ones down to the next fraud only add false
    alarms. It is a score that occurred, not a midpoint, so that it means the same rows at any precision.
    With `most_alerts` both choose among the thresholds that alert at most so many rows; where not even the
    highest score does, as many share it, nothing is alerted. ``recall`` takes the highest threshold that
    catches that share of the frauds, and ``fixed`` the one that is given.

    Parameters
    ----------
    y : array_like of {0, 1}, shape (n,)
    score : array_like of float, shape (n,)
    amount : array_like of float, shape (n,), optional
        Price of a missed fraud where `missed_fraud_cost` is None; see
        :func:`fraudlab.evaluation.metrics.fraud_amounts`.
    policy : {"cost", "f1", "fixed", "recall"}
    threshold : float, optional
        For ``fixed``.
    recall : float, optional
        For ``recall``, above 0 and at most 1.
    missed_fraud_cost : float, optional
        One price for every missed fraud, in place of its amount.
    alert_cost : float
        Price of investigating one alert, in the same currency.
    loss_share, missed_fraud_fee : float
        As in :class:`~fraudlab.evaluation.cost_model.CostModel`.
    most_alerts : int, optional
        How many rows may be alerted; for ``cost`` and ``f1``.

    Raises
    ------
    ValueError
        If what the policy needs is absent: a class, a price, a threshold.

    Examples
    --------
    Looking at an alert costs 5. The fraud of 3 is not worth it, the one of 200 is:

    >>> y, score, amount = [0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], [20.0, 30.0, 3.0, 200.0]
    >>> chosen = choose_threshold(y, score, amount, policy="cost", alert_cost=5.0)
    >>> chosen.threshold, chosen.cost
    (0.8, 8.0)
    >>> choose_threshold(y, score, policy="f1").threshold
    0.35
    """
    return choose_threshold_of(
        rank(y, score),
        amount,
        policy=policy,
        threshold=threshold,
        recall=recall,
        costs=CostModel(alert_cost, missed_fraud_cost, loss_share, missed_fraud_fee),
        most_alerts=most_alerts,
    )


def choose_threshold_of(
    ranking: Ranking,
    amount: ArrayLike | None = None,
    *,
    policy: Policy,
    threshold: float | None = None,
    recall: float | None = None,
    costs: CostModel,
    most_alerts: int | None = None,
) -> Decision:
    """:func:`choose_threshold` of scores that are sorted already, with the prices as one."""
    _check(policy, threshold=threshold, recall=recall, most_alerts=most_alerts)
    priced = costs.of(ranking, amount)
    if policy == "fixed":
        assert threshold is not None
        return _decision(ranking, priced, policy, threshold)
    require_both_classes(ranking.positives, ranking.negatives)
    if policy == "recall":
        assert recall is not None
        # recall as a whole number of frauds: 0.7 of 10 is 7, not 7.000000000000001
        wanted = max(1, math.ceil(round(recall * ranking.positives, 9)))
        chosen = float(ranking.caught[ranking.positives - wanted])
    else:
        chosen = best_of(ranking, priced, policy=policy, most_alerts=most_alerts)
    return _decision(ranking, priced, policy, chosen)


def best_of(
    ranking: Ranking, costs: Costs | None, *, policy: Policy, most_alerts: int | None = None
) -> float:
    """The cheapest threshold, or the one with the best F1, of those that alert at most so many rows.

    Parameters
    ----------
    ranking : Ranking
        With frauds.
    costs : Costs or None
        Of its rows; only F1 can do without.
    policy : {"cost", "f1"}
    most_alerts : int or None

    Raises
    ------
    ValueError
        Where ``cost`` has no price to go by.
    """
    candidates = ranking.at(np.insert(ranking.steps.threshold, 0, _above_all(ranking)))
    if most_alerts is not None:
        candidates = candidates.first(int(np.searchsorted(candidates.alerts, most_alerts, side="right")))
    if policy == "f1":
        # to alert nothing has the F1 of 0, and is chosen only where nothing else may be
        return float(candidates.threshold[np.argmax(candidates.f1)])
    if costs is None:
        raise ValueError(
            "the cost policy needs the amount of each row or one cost for a missed fraud, and no fraud has a "
            "known amount"
        )
    return float(candidates.threshold[np.argmin(costs.of(candidates))])


def _decision(ranking: Ranking, costs: Costs | None, policy: Policy, threshold: float) -> Decision:
    cost = None if costs is None else costs.at(ranking, threshold)
    drawn = ranking.spread(limit=CURVE_POINTS)
    if policy != "fixed":
        drawn = np.append(drawn, threshold)
    return Decision(threshold, policy, cost, _curve(ranking.at(np.unique(drawn)[::-1]), costs))


def _above_all(ranking: Ranking) -> float:
    """The lowest threshold that neither a probability nor any of these scores reaches."""
    return max(NO_ALERTS, float(np.nextafter(np.float64(ranking.ascending[-1]), np.inf)))


def _curve(points: OperatingPoints, costs: Costs | None) -> dict[str, list[float]]:
    curve: dict[str, list[float]] = {
        "threshold": points.threshold.tolist(),
        "alerts": points.alerts.tolist(),
        "missed": (points.positives - points.tp).tolist(),
        "f1": np.nan_to_num(points.f1).tolist(),
    }
    if costs is not None:
        curve["cost"] = costs.of(points).tolist()
    return curve


def _check(policy: str, *, threshold: float | None, recall: float | None, most_alerts: int | None) -> None:
    *words, last = get_args(Policy)
    if policy not in (*words, last):
        raise ValueError(f"the policy is {', '.join(words)} or {last}, not {policy!r}")
    if policy == "fixed" and (threshold is None or not math.isfinite(threshold)):
        raise ValueError(f"the fixed policy needs a threshold, not {threshold}")
    if policy == "recall" and (recall is None or not 0 < recall <= 1):
        raise ValueError(f"the recall policy needs a recall above 0 and at most 1, not {recall}")
    if most_alerts is not None and policy in ("fixed", "recall"):
        raise ValueError(f"the {policy} policy chooses nothing, so it cannot keep to {most_alerts} alerts")
    if most_alerts is not None and most_alerts < 0:
        raise ValueError(f"there cannot be {most_alerts} alerts")
