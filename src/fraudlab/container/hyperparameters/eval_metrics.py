"""The metrics a round may be measured by: names, which way is better, what early stopping can follow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

#: metrics of XGBoost that suit two classes and have no parameter; more is better where it says so
METRICS: Mapping[str, bool] = {"aucpr": True, "auc": True, "logloss": False, "error": False, "rmse": False}
#: log-loss of the scores from which ``scale_pos_weight`` is taken back: computed here, not by XGBoost
UNWEIGHTED = "unweighted_logloss"
#: of alerts at a threshold of 0.5, as the official container's tuning jobs call them; more is better
OF_ALERTS = (
    "accuracy",
    "balanced_accuracy",
    "f1",
    "f1_binary",
    "f1_macro",
    "precision",
    "precision_macro",
    "precision_micro",
    "recall",
    "recall_macro",
    "recall_micro",
)
#: of the differences between scores and labels; more is better where it says so
OF_SCORES: Mapping[str, bool] = {"mae": False, "mse": False, "rmsle": False, "r2": True}
#: computed here, not by XGBoost
COMPUTED: Mapping[str, bool] = {UNWEIGHTED: False, **dict.fromkeys(OF_ALERTS, True), **OF_SCORES}
#: what that means for early stopping; so does XGBoost's own ``error``
COUNTS_ALERTS = "counts alerts at a threshold, and stands still while no score crosses it"
_HOOK = re.compile(r"hook:[A-Za-z_]\w{0,63}", re.ASCII)


def direction(metric: str) -> Literal["maximize", "minimize"]:
    """Whether more of a metric is better; a hook says it itself (``Hooks.direction``)."""
    more = metric.startswith("pre@") or METRICS.get(metric, COMPUTED.get(metric, False))
    return "maximize" if more else "minimize"


def is_hook(text: str) -> bool:
    """Whether a value names a function of ``hooks.py``."""
    return _HOOK.fullmatch(text) is not None


def printed(metric: str) -> str:
    """How a metric is called after ``validation-`` in a round's line: a hook's without ``hook:``."""
    return metric.removeprefix("hook:")


def owner(name: str) -> str | None:
    """Whose a metric of this name is, for a hook that would be taken for it; None where it is nobody's."""
    if name in COMPUTED:
        return "fraudlab's"
    return "XGBoost's" if name in METRICS else None


def misleads(metric: str) -> str | None:
    """Why early stopping cannot watch a metric; None where it can.

    It needs a number that every better round moves, and that is best where scores are probabilities.
    """
    if metric in OF_ALERTS:
        return COUNTS_ALERTS
    if metric in ("mae", "rmsle"):
        return "goes on improving where scores become more extreme than probabilities are"
    return None
