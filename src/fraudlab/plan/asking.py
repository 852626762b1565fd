"""A plan that asks AWS what only it knows: whose account it is, its prices, what is in its bucket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from fraudlab.aws.account import Account, open_account
from fraudlab.aws.answers import explained_calls
from fraudlab.backend_registry import describe
from fraudlab.config import DataKind, RunConfig
from fraudlab.errors import BackendError
from fraudlab.plan.live_prices import fetch_prices
from fraudlab.plan.price_cache import keep
from fraudlab.plan.run_plan import Plan, make_plan
from fraudlab.plan.survey import AskedAccount, survey
from fraudlab.stages.starting_point import look_up_start


def asked_plan(config: RunConfig, *, account: Account | None = None, overrides: Sequence[str] = ()) -> Plan:
    """Plan a run, and ask AWS about it, and Comet where it starts from a version; nothing that costs money.

    Parameters
    ----------
    config : RunConfig
    account : Account, optional
        Default is the one of the configuration. Of a backend that has none, nothing is asked.
    overrides : sequence of str
        What a person has typed: of a version of data, what is given wins.

    Raises
    ------
    BackendError
        Where the account does not answer, which it has to; prices that cannot be had stay as they are known.
    """
    version = None
    if config.data.kind is DataKind.artifact:
        version, config = look_up_start(config, overrides)
    description = describe(config.backend.kind)
    if not description.in_cloud or description.rehearsed:
        return make_plan(config, survey(config, version=version))
    account = account or open_account(config.sagemaker)
    asked = AskedAccount(account.identity.account, account.region, account.role_arn, account.bucket)
    notes = []
    try:
        keep(Path(config.paths.cache), asked.region, fetch_prices(config.sagemaker, asked.region))
    except BackendError as error:
        notes.append(f"AWS was asked for prices in vain: {error.message}")
    facts = survey(config, asked=asked, version=version)
    if facts.prepared_key and not facts.prepared and _is_there(account, config, facts.prepared_key):
        facts = replace(facts, prepared="the bucket has the prepared split", prepared_unknown=None)
    elif facts.prepared_key:
        facts = replace(facts, prepared_unknown=None)
    return make_plan(config, replace(facts, notes=(*facts.notes, *notes)))


def _is_there(account: Account, config: RunConfig, key: str) -> bool:
    """Whether the bucket has a complete prepared split of that name."""
    mark = f"{config.sagemaker.prefix}/prepared/{key}/.complete".lstrip("/")
    with explained_calls(doing=f"Looking for a prepared split in {account.bucket}"):
        found = account.client("s3").list_objects_v2(Bucket=account.bucket, Prefix=mark, MaxKeys=1)
    return bool(found.get("KeyCount"))
