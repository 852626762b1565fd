"""``fraudlab clean --cloud``: what is taken away in an account, and what stays because something needs it."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from fraudlab.aws.account import Account
from fraudlab.cloud.endpoint_states import Waiting, delete_settled
from fraudlab.cloud.in_use import Uses, find_uses
from fraudlab.cloud.made_things import MadeThing, ThingKind, find_made, remove
from fraudlab.cloud.object_clearing import add_objects
from fraudlab.cloud.removals import Clearing, Removal
from fraudlab.cloud.running_costs import age
from fraudlab.cloud.stale_objects import PrefixedBucket
from fraudlab.errors import FraudlabError

#: outputs of runs are kept so long where nobody says how long
KEPT_DAYS = 7
#: what endpoints stand on
_USED = (ThingKind.endpoint_config, ThingKind.model)
_JOBS = (ThingKind.training_job, ThingKind.processing_job, ThingKind.transform_job)


def plan_clearing(
    account: Account, *, prefix: str, older_than: timedelta | None, now: datetime, waiting: Waiting
) -> Clearing:
    """Find what is to be taken away.

    Parameters
    ----------
    prefix : str
        ``sagemaker.prefix``.
    older_than : timedelta or None
        Only what was made so long ago; None takes endpoints and jobs of any age, and objects of
        :data:`KEPT_DAYS` days.
    now : datetime
        With a time zone.
    waiting : Waiting
        For endpoints that cannot be deleted yet.

    Raises
    ------
    FraudlabError
        Where AWS does not say who we are.
    """
    _ = account.identity
    found = find_made(account)
    clearing = Clearing(unasked=list(found.unasked))
    limit = now - (older_than or timedelta())
    old = [thing for thing in found.things if thing.created <= limit]
    used: Uses | None = Uses()
    if any(thing.kind in _USED for thing in old):
        try:
            used = find_uses(account, {thing.arn for thing in old})
        except FraudlabError as error:
            clearing.unasked.append(error)
            used = None
    if used is not None:
        clearing.hidden += [f"endpoint {name}" for name in used.hidden_endpoints]
        clearing.hidden += [f"endpoint configuration {name}" for name in used.hidden_configs]
    going = []
    for thing in sorted(old, key=lambda thing: list(ThingKind).index(thing.kind)):
        reason = _why_it_stays(thing, used)
        if reason:
            clearing.stays.append(f"{thing.kind.value} {thing.name}: {reason}")
        else:
            going.append(thing)
            clearing.removals.append(_removal(account, thing, used or Uses(), now, waiting))
    if found.unasked:
        clearing.stays.append("objects in the bucket: what may read them could not all be asked")
        return clearing
    before = now - (older_than if older_than is not None else timedelta(days=KEPT_DAYS))
    try:
        add_objects(
            clearing,
            account,
            PrefixedBucket(account, prefix),
            before=before,
            now=now,
            active={thing.run for thing in found.things if thing.kind in _JOBS},
            going_models={thing.name for thing in going if thing.kind is ThingKind.model},
        )
    except FraudlabError as error:
        clearing.unasked.append(error)
    return clearing


def _why_it_stays(thing: MadeThing, used: Uses | None) -> str:
    if thing.kind not in _USED:
        return ""
    if used is None:
        return "whether an endpoint uses it could not be asked"
    if thing.kind is ThingKind.endpoint_config:
        if thing.name in used.configs:
            return "an endpoint that stays uses it"
        return "an endpoint that may not be looked at may use it" if used.hidden_endpoints else ""
    if thing.name in used.models:
        return "an endpoint configuration that stays uses it"
    return "an endpoint configuration that may not be looked at may use it" if used.hidden_configs else ""


def _removal(account: Account, thing: MadeThing, used: Uses, now: datetime, waiting: Waiting) -> Removal:
    users = [name for name, its in used.of_going.items() if thing.kind in _USED and thing.name in its]
    return Removal(
        _line(thing, now),
        partial(_remove, account, thing, waiting),
        key=f"{thing.kind.value} {thing.name}",
        stands_under=frozenset(f"{ThingKind.endpoint.value} {name}" for name in users),
    )


def _remove(account: Account, thing: MadeThing, waiting: Waiting) -> None:
    if thing.kind is ThingKind.endpoint:
        delete_settled(account, thing.name, waiting)
        return
    if thing.status == "Stopping":
        return
    try:
        remove(account, thing.kind, thing.name)
    except FraudlabError:
        if not _has_ended(account, thing):
            raise


def _has_ended(account: Account, thing: MadeThing) -> bool:
    """Whether a job has ended by itself meanwhile, which is why AWS does not stop it."""
    if thing.kind not in _JOBS:
        return False
    found = find_made(account, kinds=(thing.kind,))
    return not found.unasked and thing.arn not in {one.arn for one in found.things}


def _line(thing: MadeThing, now: datetime) -> str:
    state = f" {thing.status}" if thing.status else ""
    whose = f", of {thing.owner}" if thing.owner else ""
    run = f", run {thing.run}" if thing.run else ""
    return f"{thing.kind.value} {thing.name}{state}, {age(thing.created, now)} old{run}{whose}"
