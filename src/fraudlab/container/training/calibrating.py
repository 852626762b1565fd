"""Whether scores are made chances, and with which numbers: decided on rows the booster was not trained on.

The numbers are fitted on all of these rows. What they are worth is said of rows they were not fitted on: the
rows are cut into five stretches, each of which is judged by the numbers of the other four.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.calibrated import Calibration, CentredSteps, Curve, Kind
from fraudlab.container.expressions.logarithm import natural_logarithm
from fraudlab.container.failure import ConfigError
from fraudlab.container.training.calibration_fits import LEAST_SLOPE, counted, fit_curve
from fraudlab.container.training.decision import Evidence
from fraudlab.evaluation.metrics import average_precision, brier

#: ten for each of the numbers of beta calibration
LEAST_FRAUDS = 30
_STRETCHES = 5
#: how far average precision may move by scores that are one in 32 bits
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Chances:
    """What becomes of a booster's scores.

    Attributes
    ----------
    curve : LogOddsCurve, CentredSteps, or None
        None where scores stay as they are.
    reason : str or None
        Why they stay; None where they do not.
    measured : dict or None
        What it is worth, on which rows.
    """

    curve: Curve | None
    reason: str | None
    measured: dict[str, Any] | None = None

    def of(self, score: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores as the model gives them, from the booster's."""
        return score if self.curve is None else Calibration(self.curve)(score)

    def seen(self, evidence: Evidence | None) -> Evidence | None:
        """The rows a threshold is chosen on, with scores as the model gives them."""
        return None if evidence is None else replace(evidence, score=self.of(evidence.score))

    def as_json(self) -> dict[str, Any] | None:
        """``calibration`` as ``model.json`` holds it."""
        return None if self.curve is None else {**self.curve.as_json(), "measured": self.measured}

    @property
    def line(self) -> str:
        """What the job says of it."""
        if self.curve is None:
            return f"calibration=none: {self.reason}"
        numbers = {k: v for k, v in self.curve.as_json().items() if isinstance(v, float)}
        if isinstance(self.curve, CentredSteps):
            numbers = {"places": len(self.curve.score)}
        said = " ".join(f"{name}={value:.6g}" for name, value in numbers.items())
        measured = self.measured or {}
        losses: Mapping[str, float | None] = measured.get("log_loss") or {}
        after = losses.get("after")
        worth = "" if after is None else f" log_loss={losses['before']:.6g}->{after:.6g}"
        return f"calibration={self.curve.kind} {said} measured_on={measured.get('on')}{worth}"


def calibrate(asked: str, evidence: Evidence | None, *, stopped: bool = False) -> Chances:
    """Fit what is asked for, or what the rows support.

    Parameters
    ----------
    asked : {"auto", "none", "beta", "platt", "isotonic"}
        ``auto`` is beta calibration where there are rows enough for three numbers, where the log-loss of rows
        they were not fitted on falls by it, and the order of rows stays as it was.
    evidence : Evidence or None
        Scores of the booster.
    stopped : bool
        Whether the job was told to stop: then what cannot be fitted is left out.

    Raises
    ------
    ConfigError
        If a calibration is asked for by name, and the rows have one label, or there are none.
    """
    if asked == "none":
        return Chances(None, "not asked for")
    if evidence is None:
        reason = "there are no rows to fit it on that the model was not trained on"
        if asked != "auto" and not stopped:
            raise ConfigError(
                f"calibration={asked}: {reason}", fix="add a validation channel, set k_fold, or use auto"
            )
        return Chances(None, reason)
    frauds = int(evidence.label.sum())
    fewest, what = min((frauds, "frauds"), (evidence.label.size - frauds, "legitimate rows"))
    if asked == "auto" and fewest < LEAST_FRAUDS:
        rows = f"{evidence.source.replace('_', '-')} rows have {fewest} {what}"
        return Chances(None, f"{rows}, and it takes {LEAST_FRAUDS}")
    if not fewest:
        raise ConfigError(
            f"calibration={asked} needs rows of both labels, and {evidence.source} has no {what}",
            fix="give validation more rows, or use calibration=auto",
        )
    kind = cast(Kind, "beta" if asked == "auto" else asked)
    curve = fit_curve(kind, counted(evidence.score, evidence.label))
    measured = _measure(kind, curve, asked, evidence)
    objection = _objection(curve, measured) if asked == "auto" else None
    return Chances(None if objection else curve, objection, measured)


def _objection(curve: Curve, measured: Mapping[str, Any]) -> str | None:
    """Why beta calibration is better left out; None where it is not."""
    loss, order = measured["log_loss"], measured["average_precision"]
    if loss["after"] >= loss["before"]:
        return (
            f"the log-loss of rows it was not fitted on would be {loss['after']:.6g}, "
            f"and it is {loss['before']:.6g} without"
        )
    if min(curve.as_json()["a"], curve.as_json()["b"]) <= LEAST_SLOPE:
        return "more fraud does not come with higher scores at one end of them"
    if abs(order["after"] - order["before"]) > _SAME:
        return "it would tie rows that the booster has ordered"
    return None


def _measure(kind: Kind, curve: Curve, asked: str, evidence: Evidence) -> dict[str, Any]:
    """What `curve` does to the order of rows, and what its kind is worth on rows it was not fitted on."""
    label, score = evidence.label, evidence.score
    after = _cross_fitted(kind, evidence)
    return {
        "asked": asked,
        "on": evidence.source,
        "rows": int(label.size),
        "frauds": int(label.sum()),
        "log_loss": {
            "before": _log_loss(label, score.astype(np.float64)),
            "after": None if after is None else _log_loss(label, after),
        },
        "brier": {"before": brier(label, score), "after": None if after is None else brier(label, after)},
        "average_precision": {
            "before": average_precision(label, score),
            "after": average_precision(label, Calibration(curve)(score)),
        },
    }


def _cross_fitted(kind: Kind, evidence: Evidence) -> NDArray[np.float64] | None:
    """The chance of each row by numbers it had no part in; None where a label has too few rows for that."""
    label, score = evidence.label, evidence.score
    stretch = np.empty(label.size, np.int64)
    for value in (0, 1):
        rows = np.flatnonzero(label == value)
        if rows.size < _STRETCHES:
            return None
        stretch[rows] = np.arange(rows.size) * _STRETCHES // rows.size
    chance = np.empty(label.size, np.float64)
    for number in range(_STRETCHES):
        held = stretch == number
        curve = fit_curve(kind, counted(score, label, ~held))
        exact = np.clip(score[held].astype(np.float64), 2.0**-126, 1.0 - 2.0**-25)
        chance[held] = curve.chances(exact, 1.0 - exact)
    return chance


def _log_loss(label: NDArray[np.uint8], chance: NDArray[np.float64]) -> float:
    """Mean negative log-likelihood in nats, the same to the last bit on any processor."""
    right = np.where(label == 1, chance, 1.0 - chance)
    return float(-natural_logarithm(np.maximum(right, 2.0**-25)).mean())
