"""A threshold as it is asked for, and all that is known of it on the rows it was chosen on."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fraudlab.evaluation.budgets import Traffic
from fraudlab.evaluation.cost_model import CostModel, Costs
from fraudlab.evaluation.metrics import average_precision_of, roc_auc_of
from fraudlab.evaluation.operating import NO_ALERTS
from fraudlab.evaluation.ranking import Ranking
from fraudlab.evaluation.thresholds import Decision, Policy, best_of, choose_threshold_of

#: more than there are rows; a number that counts of rows can be compared with
_MOST_ROWS = 2**53
#: by how much a price is wrong in the table of what would follow
_SCALES = ((1.0, 1.0), (0.5, 1.0), (2.0, 1.0), (1.0, 0.5), (1.0, 2.0))


@dataclass(frozen=True, slots=True)
class DecisionRequest:
    """How the threshold is to be chosen; costs in the currency of the amounts.

    Attributes
    ----------
    policy : {"cost", "f1", "fixed", "recall"}
    threshold, recall : float or None
        What ``fixed`` and ``recall`` are given.
    missed_fraud_cost, alert_cost, loss_share, missed_fraud_fee
        As in :class:`~fraudlab.evaluation.cost_model.CostModel`.
    alert_budget : float or None
        How many alerts per day there may be on average; None for any number.
    currency : str or None
        What people call the money.
    """

    policy: Policy
    threshold: float | None = None
    missed_fraud_cost: float | None = None
    alert_cost: float = 0.0
    loss_share: float = 1.0
    missed_fraud_fee: float = 0.0
    recall: float | None = None
    alert_budget: float | None = None
    currency: str | None = None

    @property
    def costs(self) -> CostModel:
        """Its prices.

        Raises
        ------
        ValueError
            Where one is no price.
        """
        return CostModel(self.alert_cost, self.missed_fraud_cost, self.loss_share, self.missed_fraud_fee)

    def most_alerts(self, traffic: Traffic | None) -> int | None:
        """How many of the rows may be alerted; None for any number.

        Raises
        ------
        ValueError
            Where there is a budget per day, and no day.
        """
        if self.alert_budget is None:
            return None
        if not (math.isfinite(self.alert_budget) and self.alert_budget > 0):
            raise ValueError(f"the alerts of a day must be a number above 0, not {self.alert_budget}")
        if traffic is None:
            raise ValueError("a number of alerts per day needs the time of each row, and there is none")
        return math.floor(min(round(self.alert_budget * traffic.days, 9), _MOST_ROWS))


@dataclass(frozen=True, slots=True)
class Chosen:
    """A threshold with what is known of it.

    Attributes
    ----------
    decision : Decision
    measured : dict
        The metrics of the rows at it; money and days where they are known.
    budget : dict or None
        What the budget allows, and what would have been chosen without; None where there is none.
    sensitivity : list of dict
        What would be cheapest were prices halved or doubled, and what this threshold would cost then.
    """

    decision: Decision
    measured: dict[str, Any]
    budget: dict[str, Any] | None
    sensitivity: list[dict[str, Any]]

    @property
    def alerts_nothing(self) -> bool:
        """Whether the choice was to alert nothing at all."""
        return self.decision.policy in ("cost", "f1") and self.decision.threshold >= NO_ALERTS

    @property
    def held_back(self) -> bool:
        """Whether more would be alerted without the budget."""
        return self.budget is not None and bool(self.budget["without"]["alerts"])

    @property
    def why_nothing(self) -> str:
        """Why nothing is alerted, in words, where nothing is."""
        if self.budget is not None and self.held_back:
            most = self.budget["most_alerts"]
            if not most:
                return f"the budget allows less than one alert in {self.budget['days']:.3g} days"
            alerts = "1 alert" if most == 1 else f"{most:,} alerts"
            return f"no threshold catches a fraud with at most {alerts}"
        return "alerting nothing is cheapest"


def decide_on(
    request: DecisionRequest,
    ranking: Ranking,
    amount: ArrayLike | None = None,
    traffic: Traffic | None = None,
) -> Chosen:
    """Choose a threshold on some rows, and measure it there.

    Parameters
    ----------
    request : DecisionRequest
    ranking : Ranking
    amount : array_like of float, shape (n,), optional
    traffic : Traffic or None
        The days of the rows.

    Raises
    ------
    ValueError
        Where what is asked for needs what is not there.
    """
    most, prices = request.most_alerts(traffic), request.costs
    decision = choose_threshold_of(
        ranking,
        amount,
        policy=request.policy,
        threshold=request.threshold,
        recall=request.recall,
        costs=prices,
        most_alerts=most,
    )
    costs = prices.of(ranking, amount)
    measured = measured_at(ranking, decision.threshold)
    measured |= money_at(ranking, costs, decision.threshold) | _per_day(ranking, decision.threshold, traffic)
    budget = None
    if most is not None and traffic is not None:
        free = best_of(ranking, costs, policy=decision.policy)
        point = ranking.at([free])[0]
        without = {
            "threshold": free,
            "alerts": point.alerts,
            "true_positives": point.tp,
            "cost": None if costs is None else costs.at(ranking, free),
        }
        budget = {"days": traffic.days, "most_alerts": most, "without": without}
    return Chosen(decision, measured, budget, _sensitivity(ranking, costs, decision.threshold, most))


def measured_at(ranking: Ranking, threshold: float) -> dict[str, Any]:
    """What a threshold does on some rows, and how well they are ranked.

    A ranking of rows of one label has no measure: both are None then.
    """
    ranked = ranking.positives > 0 and ranking.negatives > 0
    return {
        "average_precision": average_precision_of(ranking) if ranked else None,
        "roc_auc": roc_auc_of(ranking) if ranked else None,
        "mean_score": float(ranking.score.mean(dtype=np.float64)),
        **ranking.at([threshold])[0].as_metrics(),
    }


def money_at(ranking: Ranking, costs: Costs | None, threshold: float) -> dict[str, Any]:
    """The cost at a threshold, without a model, and the difference; all None where there is no price."""
    if costs is None:
        return dict.fromkeys(("cost", "cost_without_model", "saving"))
    cost = costs.at(ranking, threshold)
    return {
        "cost": cost,
        "cost_without_model": costs.without_model,
        "saving": costs.without_model - cost,
    }


def _per_day(ranking: Ranking, threshold: float, traffic: Traffic | None) -> dict[str, Any]:
    if traffic is None:
        return {}
    alerted = ranking.score.astype(np.float64) >= threshold
    _, busy = np.unique(traffic.day[alerted], return_counts=True)
    return {
        "days": traffic.days,
        "alerts_per_day": int(alerted.sum()) / traffic.days,
        "busiest_day_alerts": int(busy.max(initial=0)),
    }


def _sensitivity(
    ranking: Ranking, costs: Costs | None, threshold: float, most: int | None
) -> list[dict[str, Any]]:
    if costs is None or not ranking.positives or not ranking.negatives:
        return []
    rows = []
    for loss, alert in _SCALES:
        if (alert != 1 and not costs.alert) or (loss != 1 and not costs.without_model):
            continue
        scaled = costs.scaled(loss=loss, alert=alert)
        cheapest = best_of(ranking, scaled, policy="cost", most_alerts=most)
        point = ranking.at([cheapest])[0]
        rows.append(
            {
                "loss": loss,
                "alert": alert,
                "threshold": cheapest,
                "alerts": point.alerts,
                "true_positives": point.tp,
                "cost": scaled.at(ranking, cheapest),
                "cost_as_chosen": scaled.at(ranking, threshold),
            }
        )
    return rows


def request_of(decision: dict[str, Any]) -> DecisionRequest:
    """What was asked for, by the ``decision`` of a ``model.json``; an older one says less.

    Raises
    ------
    ValueError
        Where it is not what a training job writes.
    """
    known = asdict(DecisionRequest("fixed"))
    given = {name: decision[name] for name in known if decision.get(name) is not None}
    texts = {"policy", "currency"}
    for name, value in given.items():
        if not isinstance(value, str) if name in texts else type(value) not in (int, float):
            raise ValueError(f"{name} is {value!r}")
    return DecisionRequest(**{"policy": "fixed", **given})
