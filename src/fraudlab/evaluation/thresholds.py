"""The score from which on a row is an alert, and what that choice costs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fraudlab.evaluation.metrics import fraud_amounts
from fraudlab.evaluation.ranking import Ranking, checked, descending, rank, require_both_classes, spread

Policy = Literal["cost", "f1", "fixed"]
CURVE_POINTS = 400


@dataclass(frozen=True, slots=True)
class Decision:
    """A chosen threshold and the trade-off it was chosen from.

    Attributes
    ----------
    threshold : float
        An alert is ``score >= threshold``.
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
    missed_fraud_cost: float | None = None,
    alert_cost: float = 0.0,
) -> Decision:
    """Choose an operating point on rows that neither trained nor test the model.

    ``cost`` minimises ``sum(price of missed frauds) + alert_cost * alerts``, in which every alert is paid
    for, true or false (Elkan 2001, "The foundations of cost-sensitive learning"). ``f1`` maximises F1.
    Both try every distinct score, and take the highest of equally good thresholds, which alerts least.
    The threshold is a score that occurred, not a midpoint, so that it means the same rows at any precision.
    ``fixed`` takes the one that is given.

    Parameters
    ----------
    y : array_like of {0, 1}, shape (n,)
    score : array_like of float, shape (n,)
    amount : array_like of float, shape (n,), optional
        Price of a missed fraud where `missed_fraud_cost` is None; see
        :func:`fraudlab.evaluation.metrics.fraud_amounts`.
    policy : {"cost", "f1", "fixed"}
    threshold : float, optional
        For ``fixed``.
    missed_fraud_cost : float, optional
        One price for every missed fraud, in place of its amount.
    alert_cost : float
        Price of investigating one alert, in the same currency.

    Raises
    ------
    ValueError
        If what the policy needs is absent: a class, a price, a threshold.
    """
    _check(policy, threshold=threshold, missed_fraud_cost=missed_fraud_cost, alert_cost=alert_cost)
    ranking = rank(y, score)
    costs = _costs(y, score, ranking, amount, missed_fraud_cost=missed_fraud_cost, alert_cost=alert_cost)
    if policy == "fixed":
        assert threshold is not None
        # The last distinct score that is still alerted; -1 where nothing is.
        chosen = int(np.searchsorted(-ranking.threshold, -threshold, side="right")) - 1
        cost = None if costs is None else costs.at(chosen)
        return Decision(threshold, policy, cost, _curve(ranking, costs, chosen))
    require_both_classes(ranking.positives, ranking.negatives)
    if policy == "f1":
        chosen = int(np.argmax(_f1(ranking)))
    elif costs is None:
        raise ValueError("the cost policy needs the amount of each row or one cost for a missed fraud")
    else:
        chosen = int(np.argmin(costs.cost))
    cost = None if costs is None else costs.at(chosen)
    return Decision(float(ranking.threshold[chosen]), policy, cost, _curve(ranking, costs, chosen))


@dataclass(frozen=True, slots=True)
class _Costs:
    cost: NDArray[np.float64]
    no_alert: float

    def at(self, index: int) -> float:
        return self.no_alert if index < 0 else float(self.cost[index])


def _costs(
    y: ArrayLike,
    score: ArrayLike,
    ranking: Ranking,
    amount: ArrayLike | None,
    *,
    missed_fraud_cost: float | None,
    alert_cost: float,
) -> _Costs | None:
    alerts = ranking.true_positives + ranking.false_positives
    if missed_fraud_cost is not None:
        missed = (ranking.positives - ranking.true_positives) * missed_fraud_cost
        return _Costs(missed + alert_cost * alerts, ranking.positives * missed_fraud_cost)
    if amount is None or not ranking.positives:
        return None
    frauds, scores = checked(y, score)
    price = fraud_amounts(frauds, amount)
    order = descending(scores[frauds])
    caught = np.cumsum(price[order])
    # Frauds are counted at every threshold already: that count is the position in their own order.
    saved = np.append(0.0, caught)[ranking.true_positives]
    return _Costs(caught[-1] - saved + alert_cost * alerts, float(caught[-1]))


def _f1(ranking: Ranking) -> NDArray[np.float64]:
    alerts = ranking.true_positives + ranking.false_positives
    return 2 * ranking.true_positives / (alerts + ranking.positives)


def _curve(ranking: Ranking, costs: _Costs | None, chosen: int) -> dict[str, list[float]]:
    keep = spread(ranking, limit=CURVE_POINTS)
    if chosen >= 0:
        keep = np.union1d(keep, [chosen])
    alerts = ranking.true_positives + ranking.false_positives
    curve: dict[str, list[float]] = {
        "threshold": ranking.threshold[keep].tolist(),
        "alerts": alerts[keep].tolist(),
        "missed": (ranking.positives - ranking.true_positives[keep]).tolist(),
        "f1": _f1(ranking)[keep].tolist(),
    }
    if costs is not None:
        curve["cost"] = costs.cost[keep].tolist()
    return curve


def _check(
    policy: str, *, threshold: float | None, missed_fraud_cost: float | None, alert_cost: float
) -> None:
    if policy not in ("cost", "f1", "fixed"):
        raise ValueError(f"the policy is cost, f1 or fixed, not {policy!r}")
    if policy == "fixed" and (threshold is None or not math.isfinite(threshold)):
        raise ValueError(f"the fixed policy needs a threshold, not {threshold}")
    for name, cost in (("a missed fraud", missed_fraud_cost), ("an alert", alert_cost)):
        if cost is not None and not (math.isfinite(cost) and cost >= 0):
            raise ValueError(f"the cost of {name} must be a number of at least 0, not {cost}")
