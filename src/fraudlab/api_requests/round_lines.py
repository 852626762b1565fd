"""The lines a training job prints after each round: how they are read here, and by SageMaker."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fraudlab import model_rules
from fraudlab.config import RunConfig
from fraudlab.container.hyperparameters import printed, read_hyperparameters

_NUMBER = r"[+-]?[0-9][0-9.eE+-]*"
#: what comes before a metric: CloudWatch shows a tab as #011
_BEFORE = r"(?:\t|#011)validation-"
#: what a training job prints after a round: ``[12]\tvalidation-auc:0.98000\tvalidation-logloss:0.10000``
_ROUND_LINE = re.compile(rf"(?:^|[| ])\[(\d+)\]((?:{_BEFORE}[\w@.]+:\S+?)+)\s*$")
_ROUND_METRIC = re.compile(rf"{_BEFORE}([\w@.]+):({_NUMBER})(?=\t|#011|\s|$)")
#: of a member of an average: two of them have a round of the same number
_OF_MEMBER = re.compile(r"^member(\d{1,2})_")
#: what it prints as it trains once more on train and validation; no metric, and no round of the first fit
_REFIT_LINE = re.compile(r"(?:^|[| ])refit-round=(\d+)/(\d+)\s*$")


def read_round(line: str) -> tuple[int, dict[str, float]] | None:
    """The round, counted from 0, and the metrics that a line of a training job's log is about.

    None where it is about something else; values that are not numbers (``nan``) are left out.
    """
    found = _ROUND_LINE.search(line)
    if not found:
        return None
    return int(found[1]), {name: float(value) for name, value in _ROUND_METRIC.findall(found[2])}


def member_of(metrics: Mapping[str, float]) -> int:
    """Which member of an average has a round of such metrics, counted from 1; 0 where it is no member's."""
    found = [int(match[1]) for name in metrics if (match := _OF_MEMBER.match(name))]
    return found[0] if found else 0


def without_member(metrics: Mapping[str, float]) -> dict[str, float]:
    """The metrics of a round under their own names, whichever member of an average has it."""
    return {_OF_MEMBER.sub("", name, count=1): value for name, value in metrics.items()}


def read_refit(line: str) -> tuple[int, int] | None:
    """How many rounds the refit has, and how many it will have, where a line of a job's log says it."""
    found = _REFIT_LINE.search(line)
    return (int(found[1]), int(found[2])) if found else None


def metric_definitions(config: RunConfig) -> list[dict[str, str]]:
    """How SageMaker reads each metric out of a round's line, under the name a tuning job may watch."""
    metrics = read_hyperparameters(model_rules.hyperparameters(config)).eval_metric
    return [
        {"Name": f"validation:{name}", "Regex": rf"\[[0-9]+\].*{_BEFORE}{re.escape(name)}:({_NUMBER})"}
        for name in map(printed, metrics)
    ]
