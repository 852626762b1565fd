"""Choosing the threshold: the lowest score that is an alert, and what that choice costs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fraudlab.evaluation.metrics import fraud_amounts
from fraudlab.evaluation.operating import NO_ALERTS, OperatingPoints
from fraudlab.evaluation.ranking import Ranking, rank, require_both_classes

Policy = Literal["cost", "f1", "fixed"]
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
    missed_fraud_cost: float | None = None,
    alert_cost: float = 0.0,
) -> Decision:
    """Choose an operating point on rows that neither trained nor test the model.

    ``cost`` minimises ``sum(price of missed frauds) + alert_cost * alerts``, in which every alert is paid
    for, true or false (Elkan 2001, "The foundations of cost-sensitive learning"). It also considers to alert
    nothing, and then the threshold is the first number above 1 and above every score, which no probability
    reaches. ``f1`` maximises F1. Both choose among all thresholds, and take the highest of equally good
    ones, which alerts least: it is the score of a fraud, as lower ones down to the next fraud only add false
    alarms. It is a score that occurred, not a midpoint, so that it means the same rows at any precision.
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
        missed_fraud_cost=missed_fraud_cost,
        alert_cost=alert_cost,
    )


def choose_threshold_of(
    ranking: Ranking,
    amount: ArrayLike | None = None,
    *,
    policy: Policy,
    threshold: float | None = None,
    missed_fraud_cost: float | None = None,
    alert_cost: float = 0.0,
) -> Decision:
    """:func:`choose_threshold` of scores that are sorted already."""
    _check(policy, threshold=threshold, missed_fraud_cost=missed_fraud_cost, alert_cost=alert_cost)
    missed = _price_of_missed(ranking, amount, missed_fraud_cost=missed_fraud_cost)
    costs = None if missed is None else _Costs(missed, alert_cost)
    if policy == "fixed":
        assert threshold is not None
        return _decision(ranking, costs, policy, threshold)
    require_both_classes(ranking.positives, ranking.negatives)
    if policy == "f1":
        chosen = float(ranking.steps.threshold[np.argmax(ranking.steps.f1)])
    elif costs is None:
        raise ValueError("the cost policy needs the amount of each row or one cost for a missed fraud")
    else:
        candidates = ranking.at(np.insert(ranking.steps.threshold, 0, _above_all(ranking)))
        chosen = float(candidates.threshold[np.argmin(costs.of(candidates))])
    return _decision(ranking, costs, policy, chosen)


@dataclass(frozen=True, slots=True)
class _Costs:
    """What an operating point costs.

    Attributes
    ----------
    missed : ndarray of float64, shape (frauds + 1,)
        Price of the frauds that are missed where so many, those with the highest scores, are alerted.
    alert : float
        Price of an alert.
    """

    missed: NDArray[np.float64]
    alert: float

    def of(self, points: OperatingPoints) -> NDArray[np.float64]:
        return np.asarray(self.missed[points.tp] + self.alert * points.alerts)


def _price_of_missed(
    ranking: Ranking, amount: ArrayLike | None, *, missed_fraud_cost: float | None
) -> NDArray[np.float64] | None:
    if missed_fraud_cost is not None:
        return np.arange(ranking.positives, -1, -1, dtype=np.float64) * missed_fraud_cost
    if amount is None or not ranking.positives:
        return None
    price = fraud_amounts(ranking.frauds, amount)
    # Stable, so that sums over ties come out with the same last bit on every processor.
    falling = np.argsort(-ranking.score[ranking.frauds], kind="stable")
    saved = np.append(0.0, np.cumsum(price[falling]))
    missed: NDArray[np.float64] = saved[-1] - saved
    return missed


def _decision(ranking: Ranking, costs: _Costs | None, policy: Policy, threshold: float) -> Decision:
    cost = None if costs is None else float(costs.of(ranking.at([threshold]))[0])
    drawn = ranking.spread(limit=CURVE_POINTS)
    if policy != "fixed":
        drawn = np.append(drawn, threshold)
    return Decision(threshold, policy, cost, _curve(ranking.at(np.unique(drawn)[::-1]), costs))


def _above_all(ranking: Ranking) -> float:
    """The lowest threshold that neither a probability nor any of these scores reaches."""
    return max(NO_ALERTS, float(np.nextafter(np.float64(ranking.ascending[-1]), np.inf)))


def _curve(points: OperatingPoints, costs: _Costs | None) -> dict[str, list[float]]:
    curve: dict[str, list[float]] = {
        "threshold": points.threshold.tolist(),
        "alerts": points.alerts.tolist(),
        "missed": (points.positives - points.tp).tolist(),
        "f1": np.nan_to_num(points.f1).tolist(),
    }
    if costs is not None:
        curve["cost"] = costs.of(points).tolist()
    return curve


def _check(
    policy: str, *, threshold: float | None, missed_fraud_cost: float | None, alert_cost: float
) -> None:
    *words, last = get_args(Policy)
    if policy not in (*words, last):
        raise ValueError(f"the policy is {', '.join(words)} or {last}, not {policy!r}")
    if policy == "fixed" and (threshold is None or not math.isfinite(threshold)):
        raise ValueError(f"the fixed policy needs a threshold, not {threshold}")
    for name, cost in (("a missed fraud", missed_fraud_cost), ("an alert", alert_cost)):
        if cost is not None and not (math.isfinite(cost) and cost >= 0):
            raise ValueError(f"the cost of {name} must be a number of at least 0, not {cost}")
