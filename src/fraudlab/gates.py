"""Gates: conditions on a run's metrics that make ``fraudlab train`` fail, as ``average_precision<0.7``."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fraudlab.config import SplitKind
from fraudlab.errors import ConfigError, GateFailed, nearest

if TYPE_CHECKING:
    from fraudlab.config import RunConfig

#: every metric of ``evaluation/metrics.json``
METRICS = (
    "accuracy", "alerts_per_day", "average_precision", "average_precision_high", "average_precision_low",
    "average_precision_mean", "average_precision_std", "brier", "brier_uncalibrated", "cards", "cost",
    "cost_without_model", "days", "endpoint_max_difference", "f1", "false_negatives", "false_positives",
    *(f"incumbent_{name}" for name in (
        "alerts", "average_precision", "average_precision_difference", "average_precision_difference_high",
        "average_precision_difference_low", "cost", "f1", "false_positives", "learned_rows", "precision",
        "recall", "saving", "saving_high", "saving_low", "threshold", "true_positives", "value_recall",
        "alerts_per_day",
    )),
    "log_loss", "log_loss_uncalibrated", "mean_score", "positives", "precision", "prevalence", "recall",
    *(f"recall_at_fpr_{rate:g}{end}" for rate in (0.001, 0.01) for end in ("", "_high", "_low")),
    "roc_auc", "roc_auc_mean", "roc_auc_std", "rows", "saving", "slices", "slices_worse", "threshold",
    "true_negatives", "true_positives", "unseen_categories", "value_recall",
)  # fmt: skip
#: metrics for each of ``evaluation.alerts_per_day``
_DAILY = re.compile(r"(?:card_precision|precision|recall|value_recall)_at_([1-9][0-9]{0,6})_per_day")
#: of the folds of a prequential split, at `evaluation.cards_per_day`
_CARDS_OF_FOLDS = re.compile(r"card_precision_at_([1-9][0-9]{0,6})_per_day_(?:mean|std)")
#: what a metric cannot be without
_NEEDS = {
    "value_recall": ("data.amount",),
    "incumbent_value_recall": ("data.amount",),
    "incumbent_alerts_per_day": ("data.time",),
    "days": ("data.time",),
    "alerts_per_day": ("data.time",),
    "cards": ("data.card",),
    "slices": ("evaluation.slices",),
    "slices_worse": ("evaluation.slices",),
    "card_precision_at": ("data.time", "data.card"),
    "precision_at": ("data.time",),
    "recall_at": ("data.time",),
    "value_recall_at": ("data.time", "data.amount"),
}
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_SPELLED = {"≤": "<=", "≥": ">=", "≠": "!=", "=<": "<=", "=>": ">="}
_SIGNS = "|".join(re.escape(sign) for sign in sorted({*_OPERATORS, *_SPELLED, "="}, key=len, reverse=True))
_CONDITION = re.compile(rf"\s*([^\s<>=!≤≥≠]+)\s*({_SIGNS})\s*([^\s<>=!≤≥≠]+)\s*")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_EXAMPLE = '--fail-if "average_precision<0.7"'


@dataclass(frozen=True)
class Gate:
    """A condition under which a run fails.

    Attributes
    ----------
    metric : str
        As :func:`is_metric` knows it.
    sign : str
        ``<``, ``<=``, ``>``, ``>=``, ``==`` or ``!=``.
    limit : float
        In the metric's unit.
    """

    metric: str
    sign: str
    limit: float

    def __str__(self) -> str:
        return f"{self.metric}{self.sign}{self.limit:.15g}"

    def judge(self, metrics: Mapping[str, Any]) -> dict[str, Any]:
        """What became of it: ``condition``, the metric's ``value``, whether it ``failed``, and ``reason``.

        A metric that is null fails the gate: nobody can say that the model is good enough.
        """
        value = metrics.get(self.metric)
        if value is None:
            reason = f"{self.metric} is null: this run has none"
            if self.metric == "precision":
                reason = "precision is null: nothing was alerted"
            return {"condition": str(self), "value": None, "failed": True, "reason": reason}
        failed = _OPERATORS[self.sign](float(value), self.limit)
        return {
            "condition": str(self),
            "value": value,
            "failed": failed,
            "reason": f"{self.metric} is {value:.6g}",
        }


def is_metric(name: str) -> bool:
    """Whether ``evaluation/metrics.json`` may have it: of :data:`METRICS`, or ``recall_at_50_per_day``."""
    return name in METRICS or any(kind.fullmatch(name) for kind in (_DAILY, _CARDS_OF_FOLDS))


def parse_gates(texts: Iterable[str]) -> list[Gate]:
    """Read conditions.

    Parameters
    ----------
    texts : iterable of str
        As ``average_precision<0.7``.

    Raises
    ------
    ConfigError
        For all that are no conditions, or name no metric, at once.
    """
    gates, problems = [], []
    for text in texts:
        try:
            gates.append(_parsed(text))
        except ConfigError as error:
            problems.append(error)
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise ConfigError(
            " ".join(problem.message for problem in problems),
            fix="; ".join(dict.fromkeys(problem.fix for problem in problems)),
        )
    return gates


def check_gates(gates: Sequence[Gate], config: RunConfig) -> None:
    """Refuse a gate that no run of this configuration can pass, before there is one.

    Raises
    ------
    ConfigError
        Where its metric needs a column, a number of alerts per day, or folds, that are not there.
    """
    data = config.data
    column = {"data.amount": data.amount, "data.time": data.time, "data.card": data.card}
    given = {**column, "evaluation.slices": config.evaluation.slices}
    for gate in gates:
        if gate.metric.endswith(("_mean", "_std")) and config.split.kind is not SplitKind.prequential:
            raise ConfigError(
                f"--fail-if {gate}: there is no {gate.metric} without folds.",
                fix="add split=prequential, or leave this condition out",
            )
        if gate.metric.startswith("incumbent_") and config.evaluation.incumbent is None:
            raise ConfigError(
                f"--fail-if {gate}: there is no {gate.metric} without an incumbent.",
                fix="add evaluation.incumbent=NAME:production, or leave this condition out",
            )
        daily, of_folds = _DAILY.fullmatch(gate.metric), _CARDS_OF_FOLDS.fullmatch(gate.metric)
        kind = gate.metric.removesuffix(f"_{daily[1]}_per_day") if daily else gate.metric
        kind = "card_precision_at" if of_folds else kind
        for need in _NEEDS.get(kind, ()):
            if not given[need]:
                example = "COLUMN" if need in column else "[COLUMN]"
                raise ConfigError(
                    f"--fail-if {gate}: there is no {gate.metric} without {need}.",
                    fix=f"add {need}={example}, or leave this condition out",
                )
        measured, cards = config.evaluation.alerts_per_day, config.evaluation.cards_per_day
        of_cards = kind == "card_precision_at" and (of_folds or daily)
        if of_cards and int(of_cards[1]) not in (cards, *(() if of_folds else measured)):
            raise ConfigError(
                f"--fail-if {gate}: evaluation.cards_per_day is {cards}.",
                fix=f"add evaluation.cards_per_day={of_cards[1]}",
            )
        if daily and not of_cards and int(daily[1]) not in measured:
            raise ConfigError(
                f"--fail-if {gate}: evaluation.alerts_per_day does not have {daily[1]}.",
                fix=f'add "evaluation.alerts_per_day={sorted([*measured, int(daily[1])])}"',
            )


def require_passed(gates: Sequence[Mapping[str, Any]], *, run: str) -> None:
    """Raise where a gate has failed.

    Parameters
    ----------
    gates : sequence of mapping
        As :meth:`Gate.judge` gives them.
    run : str
        The run's id.

    Raises
    ------
    GateFailed
        With all that failed.
    """
    failed = [gate for gate in gates if gate["failed"]]
    if failed:
        reasons = "; ".join(map(why, failed))
        raise GateFailed(
            f"Run {run} completed, but does not pass: {reasons}.",
            fix=f"see `fraudlab runs show {run}` and its report; change the model, or the condition",
        )


def why(gate: Mapping[str, Any]) -> str:
    """Why a judged gate fails its run."""
    return f"{gate['reason']}, and --fail-if says {gate['condition']}"


def _parsed(text: str) -> Gate:
    found = _CONDITION.fullmatch(text)
    if not found:
        raise _no_condition(text)
    name, sign, number = found.groups()
    sign = _SPELLED.get(sign, sign)
    if _NUMBER.fullmatch(name) and not _NUMBER.fullmatch(number):
        turned = f"{number}{_TURNED.get(sign, sign)}{name}"
        raise ConfigError(
            f"--fail-if {text!r} begins with a number.", fix=f'the metric comes first: --fail-if "{turned}"'
        )
    if sign == "=":
        raise ConfigError(
            f"--fail-if {text!r} has one equals sign.", fix=f'write --fail-if "{name}=={number}"'
        )
    if not is_metric(name):
        raise ConfigError(f"--fail-if {text!r}: {name!r} is not a metric.", fix=nearest(name, METRICS))
    if not _NUMBER.fullmatch(number) or not math.isfinite(float(number)):
        raise ConfigError(
            f"--fail-if {text!r}: {number!r} is not a number.", fix=f"write a number with a point: {_EXAMPLE}"
        )
    return Gate(name, sign, float(number))


def _no_condition(text: str) -> ConfigError:
    if is_metric(text.strip()):
        advice = f"write it in quotes, as {_EXAMPLE}: without them a shell takes < and > for files"
    elif "," in text or " and " in text:
        advice = f"give --fail-if once per condition: {_EXAMPLE} --fail-if 'recall<0.5'"
    else:
        advice = f"write a metric, one of {' '.join(_OPERATORS)}, and a number: {_EXAMPLE}"
    return ConfigError(f"--fail-if {text!r} is not a condition.", fix=advice)
