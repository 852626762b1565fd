"""What a person hears at the end of a run in an account: what may still be costing money there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fraudlab.aws.account import Account, open_account
from fraudlab.cloud.running_costs import say_costs
from fraudlab.cloud_config import SageMakerConfig
from fraudlab.runs.record import read_record


def say_costs_after(folder: Path, say: Callable[[str], object]) -> None:
    """Say what may be costing money in the account of a run; nothing for one that was in none, or rehearsed.

    Parameters
    ----------
    folder : Path
        Of the run.
    say : callable
        Takes one line.
    """
    from fraudlab.errors import RunError

    try:
        record = read_record(folder)
    except RunError:
        return
    account = account_of_run(folder, record)
    if account is not None:
        say_costs(account, say, cache=cache_of_run(folder))


def account_of_run(folder: Path, record: Mapping[str, Any]) -> Account | None:
    """The account that a run was in, with nothing asked of it; None where it was in none, or rehearsed."""
    place = record.get("cloud")
    if not isinstance(place, Mapping) or record.get("rehearsed"):
        return None
    region, profile = place.get("region"), _configured(folder, "sagemaker.profile")
    return open_account(SageMakerConfig(region=None if region is None else str(region), profile=profile))


def cache_of_run(folder: Path) -> Path:
    """Where the prices are kept that a run has asked for."""
    return Path(_configured(folder, "paths.cache") or folder.parent / ".cache")


def _configured(folder: Path, key: str) -> str | None:
    """What a run was configured with; None where that is nothing, or cannot be read."""
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError  # type: ignore[import-untyped]

    try:
        found = OmegaConf.select(OmegaConf.load(folder / "config.yaml"), key)
    except (OSError, YAMLError, OmegaConfBaseException):
        return None
    return found if isinstance(found, str) else None
