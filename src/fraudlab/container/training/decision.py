"""The threshold a model ships with: chosen on rows it was not trained on, and measured there."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.failure import ConfigError
from fraudlab.container.training.job import DecisionRequest
from fraudlab.evaluation.metrics import average_precision_of, roc_auc_of
from fraudlab.evaluation.operating import NO_ALERTS
from fraudlab.evaluation.ranking import Ranking, rank
from fraudlab.evaluation.thresholds import choose_threshold_of

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
    """

    source: Literal["validation", "out_of_fold"]
    label: NDArray[np.uint8]
    score: NDArray[np.float32]
    amount: NDArray[np.float64] | None = None


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
    measured : dict or None
        The metrics there.
    curve : dict of list or None
        The trade-off the threshold was chosen from.
    """

    request: DecisionRequest
    threshold: float
    evidence: str | None
    measured: dict[str, Any] | None
    curve: dict[str, list[float]] | None

    @property
    def alerts_nothing(self) -> bool:
        """Whether the cheapest choice was to alert nothing at all."""
        return self.request.policy == "cost" and self.threshold >= NO_ALERTS

    def as_json(self) -> dict[str, Any]:
        """``decision`` as ``model.json`` holds it."""
        measured = {self.evidence: self.measured} if self.evidence else {}
        return {**asdict(self.request), "measured_on": self.evidence, "validation": None, **measured}


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
        return Decided(asked, asked.threshold, None, None, None)
    asked = request or DecisionRequest("f1")
    ranking = rank(evidence.label, evidence.score)
    try:
        decision = choose_threshold_of(ranking, evidence.amount, **asdict(asked))
    except ValueError as error:
        raise ConfigError(
            f"no threshold can be chosen: {error}",
            fix="set evaluation.policy to f1, or give the costs it needs",
        ) from error
    measured = _measure(ranking, decision.threshold) | {"cost": decision.cost}
    return Decided(asked, decision.threshold, evidence.source, measured, decision.curve)


def measure(label: NDArray[np.uint8], score: NDArray[np.float32], threshold: float) -> dict[str, Any]:
    """What a threshold does on some rows, and how well they are ranked.

    A ranking of rows of one label has no measure: both are None then.

    Parameters
    ----------
    label : ndarray of uint8, shape (rows,)
    score : ndarray of float32, shape (rows,)
    threshold : float
    """
    return _measure(rank(label, score), threshold)


def _measure(ranking: Ranking, threshold: float) -> dict[str, Any]:
    ranked = ranking.positives > 0 and ranking.negatives > 0
    return {
        "average_precision": average_precision_of(ranking) if ranked else None,
        "roc_auc": roc_auc_of(ranking) if ranked else None,
        "mean_score": float(ranking.score.mean(dtype=np.float64)),
        **ranking.at([threshold])[0].as_metrics(),
    }
