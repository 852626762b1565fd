"""Which split a run has, the windows of a prequential one, and what of it cannot work."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fraudlab.config import RunConfig, SplitConfig, SplitKind, ThresholdPolicy
from fraudlab.container.contract import FOLDS
from fraudlab.durations import seconds
from fraudlab.errors import ConfigError

_OF_FOLDS = ("folds", "train_length", "validation_length", "test_length", "start")
_SHARES = ("train", "validation", "test")


def split_kind(config: RunConfig) -> SplitKind:
    """The split that will be made: ``auto`` is by time where there is a time column."""
    if config.split.kind is not SplitKind.auto:
        return config.split.kind
    return SplitKind.time if config.data.time else SplitKind.stratified


def windows(split: SplitConfig) -> dict[str, Any]:
    """The folds as the process job is told them, in seconds.

    Raises
    ------
    ConfigError
        Where a length or the start cannot be read.
    """
    lengths = {
        name: seconds(getattr(split, f"{name}_length"), key=f"split.{name}_length") for name in _SHARES
    }
    start, dated = (None, False) if split.start is None else _moment(split.start)
    return {
        "folds": split.folds,
        **{f"{name}_seconds": length for name, length in lengths.items()},
        "start": start,
        "dated": dated,
    }


def train_channels(config: RunConfig) -> list[str]:
    """The channels of rows that a train job is given: test is the endpoint's, but for that of older folds."""
    if config.split.kind is not SplitKind.prequential:
        return ["train", "validation"]
    length = seconds(config.split.validation_length, key="split.validation_length")
    validation = ["validation"] if length else []
    return ["train", *validation, *([FOLDS] if config.split.folds > 1 else [])]


def check_windows(config: RunConfig) -> None:
    """Refuse windows that cannot be, and keys of one kind of split that another would ignore.

    Raises
    ------
    ConfigError
    """
    split, usual = config.split, SplitConfig()
    prequential = split.kind is SplitKind.prequential
    for name in _SHARES if prequential else _OF_FOLDS:
        if getattr(split, name) != getattr(usual, name):
            fix = f"set split.{name}_length to a time, such as 7d" if prequential else "add split=prequential"
            raise ConfigError(
                f"split.{name}={getattr(split, name)} says nothing to a split of kind {split.kind.value}.",
                fix=fix,
            )
    if not prequential:
        return
    found = windows(split)
    for name in ("train", "test"):
        if found[f"{name}_seconds"] < 1:
            key = f"split.{name}_length"
            raise ConfigError(
                f"{key}={getattr(split, f'{name}_length')} is no time.", fix=f"such as {key}=7d"
            )
    if found["validation_seconds"]:
        return
    if config.model.early_stopping_rounds:
        raise ConfigError(
            f"model.early_stopping_rounds={config.model.early_stopping_rounds} watches validation, and"
            " split.validation_length=0s leaves none.",
            fix="add model.early_stopping_rounds=0, or give split.validation_length a time",
        )
    if config.evaluation.policy is not ThresholdPolicy.fixed and not config.model.k_fold:
        raise ConfigError(
            f"evaluation.policy={config.evaluation.policy.value} chooses on validation, and"
            " split.validation_length=0s leaves none.",
            fix="add evaluation=half or model.k_fold=5, or give split.validation_length a time",
        )


def _moment(text: str) -> tuple[float, bool]:
    """Seconds, and whether they are of a date; a date without a zone is UTC."""
    stripped = text.strip()
    try:
        moment = datetime.fromisoformat(stripped)
    except ValueError:
        try:
            return seconds(stripped, key="split.start"), False
        except ConfigError as error:
            raise ConfigError(
                f"split.start={text!r} is neither a date nor a count with a unit.",
                fix="such as split.start=2018-08-15, or split.start=20d where the table's times are a count",
            ) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp(), True
