"""The threshold's own rules: which of its keys go together, asked before there is a job."""

from __future__ import annotations

from fraudlab.config import DataKind, EvaluationConfig, RunConfig, ThresholdPolicy
from fraudlab.config_ranges import TEXTS
from fraudlab.errors import ConfigError
from fraudlab.split_rules import train_channels

#: what policies are given that choose nothing, by the key that has it
_GIVEN = {ThresholdPolicy.fixed: "threshold", ThresholdPolicy.recall: "recall"}
_EXAMPLES = {"threshold": "0.5", "recall": "0.8"}
_PRICES = ("missed_fraud_cost", "missed_fraud_fee", "alert_cost", "alert_budget")
_LONGEST_CURRENCY = 12
#: as :class:`fraudlab.evaluation.cost_model.CostModel` has it, which is not imported before there is a job
MOST_MONEY = 1e15


def check_decision(config: RunConfig) -> None:
    """Refuse what cannot choose a threshold, or would be ignored.

    Raises
    ------
    ConfigError
    """
    evaluation = config.evaluation
    for policy, key in _GIVEN.items():
        value = getattr(evaluation, key)
        if evaluation.policy is policy and value is None:
            raise ConfigError(
                f"evaluation.policy={policy.value} needs evaluation.{key}.",
                fix=f"add evaluation.{key}={_EXAMPLES[key]}",
            )
        if evaluation.policy is not policy and value is not None:
            raise ConfigError(
                f"evaluation.{key} is set, but evaluation.policy={evaluation.policy.value} chooses its own.",
                fix=f"choose evaluation.policy={policy.value}, or leave the {key} out",
            )
    for name in _PRICES:
        value = getattr(evaluation, name)
        if value is not None and not value <= MOST_MONEY:
            raise ConfigError(
                f"evaluation.{name}={value} is out of range.", fix=f"give a number, of at most {MOST_MONEY:g}"
            )
    _check_budget(config, evaluation)
    check_currency(evaluation.currency)


def check_currency(currency: str | None) -> None:
    """Refuse what is no name of money.

    Raises
    ------
    ConfigError
    """
    if currency is None:
        return
    plain = currency.isprintable() and currency.strip() == currency and 0 < len(currency) <= _LONGEST_CURRENCY
    if not plain:
        raise ConfigError(
            f"evaluation.currency={currency!r} is no name of money.",
            fix=f"valid: {TEXTS['evaluation.currency']}",
        )


def _check_budget(config: RunConfig, evaluation: EvaluationConfig) -> None:
    if evaluation.alert_budget is None:
        return
    asked = f"evaluation.alert_budget={evaluation.alert_budget:g}"
    if evaluation.policy in _GIVEN:
        raise ConfigError(
            f"{asked} chooses among thresholds, and evaluation.policy={evaluation.policy.value} does not.",
            fix="choose evaluation.policy=cost or f1, or leave the budget out",
        )
    if config.data.time is None and config.data.kind is not DataKind.artifact:
        raise ConfigError(
            f"{asked} counts alerts per day, and there is no data.time.",
            fix="set data.time to the column that says when each transaction was, or leave the budget out",
        )
    if "validation" not in train_channels(config):
        raise ConfigError(
            f"{asked} counts alerts on validation, and split.validation_length=0s leaves none.",
            fix="give split.validation_length a time, or leave the budget out",
        )
