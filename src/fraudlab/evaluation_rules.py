"""What of ``evaluation`` cannot be measured: budgets of alerts, and slices, that are out of range."""

from __future__ import annotations

from fraudlab.config import EvaluationConfig
from fraudlab.config_ranges import TEXTS
from fraudlab.errors import ConfigError

#: of ``evaluation.incumbent``: what the registry has in production
AUTO = "auto"
_MOST_BUDGETS, _MOST_ALERTS, _MOST_SLICED = 8, 1_000_000, 20


def check_evaluation(evaluation: EvaluationConfig) -> None:
    """Refuse budgets of alerts, and slices, that are out of range, and an incumbent without a name.

    Raises
    ------
    ConfigError
    """
    sizes = evaluation.alerts_per_day
    sound = len({*sizes}) == len(sizes) <= _MOST_BUDGETS
    if not sound or not all(1 <= size <= _MOST_ALERTS for size in sizes):
        raise ConfigError(
            f"evaluation.alerts_per_day={sizes} is out of range.",
            fix=f"valid: {TEXTS['evaluation.alerts_per_day']}, each once; [] measures none",
        )
    if len(evaluation.slices) > _MOST_SLICED:
        raise ConfigError(
            f"evaluation.slices names {len(evaluation.slices)} columns.",
            fix=f"valid: {TEXTS['evaluation.slices']}; the more are looked at, the less can be told of each",
        )
    if evaluation.incumbent is not None and not evaluation.incumbent.strip():
        raise ConfigError(
            "evaluation.incumbent is empty.", fix=f"valid: {TEXTS['evaluation.incumbent']}; null is none"
        )
