"""Settings that are known to lose where fraud is rare, each with what it was measured to lose.

``docs/rare_class_defaults.md`` has the figures and where they come from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fraudlab.report.concerns.concern import Concern
from fraudlab.report.recorded.run_record import RunRecord, dig, number, section

#: above this share of fraud the frauds have bins and hessians of their own
RARE = 0.05
_BINS = 256
#: of the ratio of legitimate rows to frauds
_HEAVY = 0.5


def known_trap(record: RunRecord) -> Concern | None:
    """What a run was told that is known to lose average precision on tables like its own."""
    told = section(record.model, "hyperparameters")
    prevalence = _prevalence(record)
    if not told or prevalence is None or not 0 < prevalence < RARE:
        return None
    said = [
        trap
        for trap in (_coarse_bins(told), _start(told), _watched(record, told), _weights(told, prevalence))
        if trap
    ]
    if not said:
        return None
    return Concern(
        "known_trap",
        "caution",
        "A setting that is known to lose on rare fraud",
        " ".join(said),
        "docs/rare_class_defaults.md has what each was measured to cost; model=baseline sets none of them.",
    )


def _prevalence(record: RunRecord) -> float | None:
    """Share of fraud among the rows that were learned from."""
    rows, frauds = (number(record.manifest, "splits", "train", name) for name in ("rows", "positives"))
    return frauds / rows if rows and frauds is not None else None


def _coarse_bins(told: Mapping[str, Any]) -> str:
    bins = number(told, "max_bin")
    if told.get("tree_method") != "hist" or number(told, "fraud_bins") != 0 or bins is None or bins > _BINS:
        return ""
    return (
        f"{bins:g} bins placed by all rows alike (model.max_bin, model.fraud_bins=0) are too coarse where an "
        "amount is large: 0.04 of average precision on the handbook's table."
    )


def _start(told: Mapping[str, Any]) -> str:
    weight = number(told, "min_child_weight")
    boosts = str(told.get("objective", "")).startswith("binary:logistic")
    if "base_score" not in told or told["base_score"] is not None or not boosts or not weight:
        return ""
    return (
        "Starting from the prevalence (model.base_score=null), the rows of a leaf weigh so little that "
        f"model.min_child_weight={weight:g} forbids small leaves: another 0.02, and 0.1 where early stopping "
        "then ends at once."
    )


def _watched(record: RunRecord, told: Mapping[str, Any]) -> str:
    metric = str(dig(record.history, "metric") or "")
    if not number(told, "early_stopping_rounds") or metric.partition("@")[0] not in {"aucpr", "auc"}:
        return ""
    return (
        f"Early stopping that watches {metric} (the last of model.eval_metric) can end at the first round by "
        "chance: 3 of 6 windows of a real table did."
    )


def _weights(told: Mapping[str, Any], prevalence: float) -> str:
    weight = number(told, "scale_pos_weight")
    ratio = (1 - prevalence) / prevalence
    if weight is None or weight < _HEAVY * ratio:
        return ""
    return (
        f"Frauds that weigh as much as all other rows (model.scale_pos_weight={weight:g}, {ratio:,.0f} other "
        "rows for each fraud) can cost more average precision than any other setting: compare 1 and "
        f"{ratio**0.5:.0f}."
    )
