"""The threshold a model ships with: chosen on rows it was not trained on, and measured there."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.failure import ConfigError
from fraudlab.evaluation.budgets import Traffic
from fraudlab.evaluation.decisions import Chosen, DecisionRequest, decide_on, measured_at
from fraudlab.evaluation.ranking import rank

_WITHOUT_EVIDENCE = DecisionRequest("fixed", 0.5)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Scores of rows that did not train the booster that scored them.

    Attributes
    ----------
    source : {"validation", "out_of_fold"}
    label : ndarray of uint8, shape (rows,)
    score : ndarray of float32, shape (rows,)
    amount : ndarray of float64, shape (rows,), or None
    traffic : Traffic or None
        The day of each row, and how many there are; None where no time is known.
    """

    source: Literal["validation", "out_of_fold"]
    label: NDArray[np.uint8]
    score: NDArray[np.float32]
    amount: NDArray[np.float64] | None = None
    traffic: Traffic | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """A threshold and where it comes from.

    Attributes
    ----------
    request : DecisionRequest
        What was asked for, or what was done where nothing was.
    threshold : float
        An alert is ``score >= threshold``.
    evidence : str or None
        What it was measured on; None where there was nothing.
    chosen : Chosen or None
        What is known of it there.
    """

    request: DecisionRequest
    threshold: float
    evidence: str | None
    chosen: Chosen | None

    @property
    def measured(self) -> dict[str, Any]:
        """The metrics of the rows it was measured on; empty where there were none."""
        return {} if self.chosen is None else self.chosen.measured

    def as_json(self) -> dict[str, Any]:
        """``decision`` as ``model.json`` holds it."""
        measured = {self.evidence: self.measured} if self.evidence else {}
        return {
            **asdict(self.request),
            "measured_on": self.evidence,
            "validation": None,
            "budget": None if self.chosen is None else self.chosen.budget,
            "sensitivity": [] if self.chosen is None else self.chosen.sensitivity,
            **measured,
        }


def decide(request: DecisionRequest | None, evidence: Evidence | None) -> Decided:
    """Choose a threshold, and measure it.

    Parameters
    ----------
    request : DecisionRequest or None
        None chooses by F1 on what evidence there is, and without any alerts from a probability of 0.5 on.
    evidence : Evidence or None

    Raises
    ------
    ConfigError
        If the policy needs what is not there: rows, a price, a threshold.
    """
    if evidence is None:
        asked = request or _WITHOUT_EVIDENCE
        if asked.threshold is None:
            raise ConfigError(
                f"no threshold can be chosen: the {asked.policy} policy has nothing to choose one on",
                fix="add a validation channel, or use the fixed policy with a threshold",
            )
        return Decided(asked, asked.threshold, None, None)
    asked = request or DecisionRequest("f1")
    try:
        chosen = decide_on(asked, rank(evidence.label, evidence.score), evidence.amount, evidence.traffic)
    except ValueError as error:
        raise ConfigError(
            f"no threshold can be chosen: {error}",
            fix="set evaluation.policy to f1, or data.amount to null for evaluation.missed_fraud_cost",
        ) from error
    return Decided(asked, chosen.decision.threshold, evidence.source, chosen)


def measure(label: NDArray[np.uint8], score: NDArray[np.float32], threshold: float) -> dict[str, Any]:
    """What a threshold does on some rows, and how well they are ranked.

    A ranking of rows of one label has no measure: both are None then.

    Parameters
    ----------
    label : ndarray of uint8, shape (rows,)
    score : ndarray of float32, shape (rows,)
    threshold : float
    """
    return measured_at(rank(label, score), threshold)
