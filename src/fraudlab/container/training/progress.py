"""How far a training has come: the metrics of its rounds, and which round was the best."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fraudlab.container.contract import Fields
from fraudlab.container.failure import ConfigError
from fraudlab.container.hyperparameters import Hyperparameters


@dataclass(slots=True)
class Progress:
    """All that is kept of a training beside its booster.

    Attributes
    ----------
    rounds : int
        Trained so far.
    metrics : dict of list of float
        Each metric on validation after each round; empty where there is no validation.
    best_round : int or None
        The earliest round with the best value of the watched metric, counted from 0; None before any.
    best_value : float or None
    """

    rounds: int = 0
    metrics: dict[str, list[float]] = field(default_factory=dict)
    best_round: int | None = None
    best_value: float | None = None

    def add(
        self,
        metrics: Mapping[str, float],
        *,
        watched: str | None,
        direction: Literal["maximize", "minimize"],
    ) -> None:
        """Take down one more round.

        Only what is strictly better is a new best, as in XGBoost's ``EarlyStopping``.

        Parameters
        ----------
        metrics : mapping
            Values after the round.
        watched : str or None
            The one that decides.
        direction : {"maximize", "minimize"}
            Of the watched metric.
        """
        for name, value in metrics.items():
            self.metrics.setdefault(name, []).append(value)
        if watched is not None:
            value = metrics[watched]
            best = self.best_value
            if best is None or (value > best if direction == "maximize" else value < best):
                self.best_round, self.best_value = self.rounds, value
        self.rounds += 1

    def patience_lost(self, early_stopping_rounds: int) -> bool:
        """Whether so many rounds have brought nothing better; 0 has all the patience there is."""
        if not early_stopping_rounds or self.best_round is None:
            return False
        return self.rounds - 1 - self.best_round >= early_stopping_rounds

    def as_json(self) -> dict[str, Any]:
        """As a checkpoint holds it."""
        return {
            "rounds": self.rounds,
            "metrics": self.metrics,
            "best_round": self.best_round,
            "best_value": self.best_value,
        }


def is_over(progress: Progress, parameters: Hyperparameters) -> bool:
    """Whether a training has all its rounds, or has stopped early."""
    return progress.rounds >= parameters.num_round or progress.patience_lost(parameters.early_stopping_rounds)


def can_go_on(progress: Progress, parameters: Hyperparameters) -> bool:
    """Whether a training that has come so far can go on, and ends with the bytes of one that never stopped.

    A booster's random numbers are not saved with it: where rounds draw some, only the end of a segment will
    do, or that of the training.
    """
    length = parameters.checkpoint_rounds
    whole = length > 0 and progress.rounds % length == 0
    return whole or not parameters.samples or is_over(progress, parameters)


def as_printed(metrics: Mapping[str, float]) -> dict[str, float]:
    """The values that :func:`round_line` prints, without those that are no numbers.

    Whoever reads them out of the log keeps the same values as whoever is told them.
    """
    return {name: float(f"{value:.5f}") for name, value in metrics.items() if math.isfinite(value)}


def round_line(number: int, metrics: Mapping[str, float]) -> str:
    """What is printed after a round, as XGBoost prints it: tuning jobs look for exactly this.

    Parameters
    ----------
    number : int
        The round, counted from 0.
    metrics : mapping
        Values on validation; the round stands alone where there are none.
    """
    return f"[{number}]" + "".join(f"\tvalidation-{name}:{value:.5f}" for name, value in metrics.items())


def read_progress(fields: Fields) -> Progress:
    """The progress :meth:`Progress.as_json` describes.

    Raises
    ------
    ConfigError
        If it is not one.
    """
    metrics: dict[str, Any] = fields.get("metrics", dict)
    progress = Progress(
        fields.get("rounds", int),
        metrics,
        fields.optional("best_round", int),
        fields.optional("best_value", float),
    )
    for name, values in metrics.items():
        if not isinstance(values, list) or list(map(type, values)) != [float] * progress.rounds:
            raise ConfigError(f"metric {name!r} has no value a round", fix="remove the file")
    return progress
