"""``fraudlab clean --cloud`` as it is called: lists, asks, takes away."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from fraudlab.cloud.agreement import agrees, can_ask
from fraudlab.cloud.clearing import plan_clearing
from fraudlab.cloud.configured_account import account_of
from fraudlab.cloud.endpoint_states import Waiting
from fraudlab.cloud.removals import carry_out, partial_failure
from fraudlab.cloud.running_costs import say_costs
from fraudlab.errors import ConfigError

_LET_LOOK = "ask for sagemaker:Describe… of it (docs/admin.md), or remove by hand what it does not use"


def clean_cloud(
    overrides: Sequence[str], *, older_than: str | None, yes: bool, waiting: Waiting | None = None
) -> int:
    """List what fraudlab made in the account and region, and take it away where a person agrees.

    Parameters
    ----------
    overrides : sequence of str
        As behind ``fraudlab train``: which account, region, bucket and prefix.
    older_than : str or None
        A duration such as ``7d``.
    yes : bool
        Ask nothing.

    Raises
    ------
    FraudlabError
        Where something could not be removed, or looked at: all of it at once.
    """
    from fraudlab.compose import compose

    config = compose(overrides)
    age = None if older_than is None else _duration(older_than)
    account = account_of(config)
    clearing = plan_clearing(
        account,
        prefix=config.sagemaker.prefix,
        older_than=age,
        now=datetime.now(UTC),
        waiting=waiting or Waiting(say=_say),
    )
    where = f"account {account.identity.account}, region {account.region}"
    for line in clearing.stays:
        _say(f"stays: {line}")
    if clearing.hidden:
        _say(f"not looked at, and may use ours: {', '.join(clearing.hidden)} (fix: {_LET_LOOK})")
    for error in clearing.unasked:
        _say(f"not looked at: {error.message} (fix: {error.fix})")
    failed = list(clearing.unasked)
    if not clearing.removals:
        _say(f"nothing to remove in {where}" if not failed else f"nothing else to remove in {where}")
    else:
        _say(f"made by fraudlab in {where}:")
        for removal in clearing.removals:
            _say(f"  {removal.what}")
        count = len(clearing.removals)
        if not yes and not can_ask():
            _say(f"nothing was removed: add --yes to remove these {count}")
        elif yes or agrees(f"Remove these {count}?"):
            failed += carry_out(clearing.removals, say=_say)
        else:
            _say("nothing was removed")
    say_costs(account, _say, cache=config.paths.cache)
    if failed:
        raise partial_failure(failed, of=len(clearing.removals) + len(clearing.unasked))
    return 0


def _duration(text: str) -> timedelta:
    from fraudlab.durations import seconds

    found = seconds(text, key="--older-than")
    if found < 0:
        raise ConfigError(f"--older-than {text} lies in the future.", fix="valid: 7d, 12h, 0d")
    return timedelta(seconds=found)


def _say(text: str) -> None:
    from fraudlab.redaction import hide

    print(hide(text), file=sys.stdout, flush=True)
