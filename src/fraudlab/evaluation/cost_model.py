"""What a missed fraud and an alert cost, and with them every operating point of some rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fraudlab.evaluation.metrics import fraud_amounts, known_amounts
from fraudlab.evaluation.operating import OperatingPoints
from fraudlab.evaluation.ranking import BoolArray, Ranking

#: a price above it has no cents any more beside others, and the sum over all rows might have no number
MOST_MONEY = 1e15


@dataclass(frozen=True, slots=True)
class CostModel:
    """Prices, all in one currency.

    A missed fraud costs `loss_share` of its amount and `missed_fraud_fee`; an alert costs `alert_cost`,
    whether it is fraud or not. A fraud that is alerted costs no more than its alert.

    Attributes
    ----------
    alert_cost : float
        Of looking at one alert.
    missed_fraud_cost : float or None
        Stands for the amount of each fraud; None where amounts are known.
    loss_share : float
        How much of the amount of a missed fraud is lost, from 0 to 1: less where some is recovered.
    missed_fraud_fee : float
        On top for each missed fraud, such as what a chargeback costs.

    Raises
    ------
    ValueError
        Where a price is negative, no number, or above :data:`MOST_MONEY`.
    """

    alert_cost: float = 0.0
    missed_fraud_cost: float | None = None
    loss_share: float = 1.0
    missed_fraud_fee: float = 0.0

    def __post_init__(self) -> None:
        prices = {
            "cost of an alert": self.alert_cost,
            "cost of a missed fraud": self.missed_fraud_cost,
            "fee of a missed fraud": self.missed_fraud_fee,
        }
        for name, price in prices.items():
            if price is not None and not 0 <= price <= MOST_MONEY:
                raise ValueError(
                    f"the {name} must be a number of at least 0 and at most {MOST_MONEY:g}, not {price}"
                )
        if not 0 <= self.loss_share <= 1:
            raise ValueError(f"the share that is lost must be between 0 and 1, not {self.loss_share}")

    @classmethod
    def of_decision(cls, decision: Mapping[str, Any]) -> CostModel:
        """The prices in the ``decision`` of a ``model.json``; what an older one does not say is the default.

        Raises
        ------
        ValueError
            Where one is no price.
        """
        found = {name: decision[name] for name in asdict(cls()) if decision.get(name) is not None}
        if wrong := [name for name, price in found.items() if type(price) not in (int, float)]:
            raise ValueError(f"{wrong[0]} is no number")
        return cls(**found)

    def of_frauds(self, frauds: BoolArray, amount: ArrayLike | None) -> NDArray[np.float64] | None:
        """What each fraud costs where it is missed, shape (frauds,); None where not one has an amount."""
        if self.missed_fraud_cost is not None:
            lost = np.full(int(frauds.sum()), self.missed_fraud_cost, np.float64)
        elif (known := known_amounts(frauds, amount)) is None:
            return None
        else:
            lost = fraud_amounts(frauds, known)
        return np.asarray(lost * self.loss_share + self.missed_fraud_fee)

    def of(self, ranking: Ranking, amount: ArrayLike | None = None) -> Costs | None:
        """What every operating point of some rows costs; None where missed frauds have no price.

        Parameters
        ----------
        ranking : Ranking
        amount : array_like of float, shape (n,), optional
            As :func:`fraudlab.evaluation.metrics.fraud_amounts` takes it.

        Raises
        ------
        ValueError
            Where there are not as many amounts as rows.
        """
        if self.missed_fraud_cost is not None:
            # Whole numbers of one price: no sum of a million of them, with its last bits, is needed.
            each = self.missed_fraud_cost * self.loss_share + self.missed_fraud_fee
            return Costs(np.arange(ranking.positives, -1, -1, dtype=np.float64) * each, self.alert_cost)
        price = self.of_frauds(ranking.frauds, amount)
        if price is None:
            return None
        # Stable, so that sums over ties come out with the same last bit on every processor.
        falling = np.argsort(-ranking.score[ranking.frauds], kind="stable")
        saved = np.append(0.0, np.cumsum(price[falling]))
        return Costs(saved[-1] - saved, self.alert_cost)


@dataclass(frozen=True, slots=True)
class Costs:
    """What operating points of some rows cost.

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
        """Missed frauds and alerts together, shape (k,)."""
        return np.asarray(self.missed[points.tp] + self.alert * points.alerts)

    def at(self, ranking: Ranking, threshold: float) -> float:
        """The cost at one threshold of the rows that these are the costs of."""
        return float(self.of(ranking.at([threshold]))[0])

    @property
    def without_model(self) -> float:
        """What it costs to alert nothing: every fraud is missed."""
        return float(self.missed[0])

    def scaled(self, *, loss: float = 1.0, alert: float = 1.0) -> Costs:
        """The same where a missed fraud, or an alert, costs so many times as much."""
        return Costs(self.missed * loss, self.alert * alert)
