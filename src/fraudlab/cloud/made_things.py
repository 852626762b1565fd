"""What fraudlab made in an account and region: found by name and by tag, never by one alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from fraudlab.aws.account import Account
from fraudlab.aws.answers import explained_calls
from fraudlab.aws.codes import is_absent
from fraudlab.aws.tags import NAME_PREFIX, OWNER, PROJECT, RUN, as_mapping
from fraudlab.errors import EndpointError, FraudlabError, nearest

_PAGE = 100


class ThingKind(Enum):
    """What a thing is; in the order in which things are taken away, because the first stand on the last."""

    endpoint = "endpoint"
    endpoint_config = "endpoint configuration"
    model = "model"
    training_job = "training job"
    processing_job = "processing job"
    transform_job = "transform job"
    warm_pool = "warm pool"


@dataclass(frozen=True)
class Listing:
    """How the things of a kind are listed.

    Attributes
    ----------
    operation, summaries : str
        Of the client, and the key of its answer.
    noun : str
        What keys begin with, as in ``EndpointName``.
    filters : tuple of dict
        One for each call; together they give what there is.
    """

    operation: str
    summaries: str
    noun: str
    filters: tuple[dict[str, str], ...] = ({},)


#: a job in one of these goes on, and is paid for
_GOING_ON = ({"StatusEquals": "InProgress"}, {"StatusEquals": "Stopping"})
_POOLS = ({"WarmPoolStatusEquals": "Available"},)


def _jobs(noun: str, filters: tuple[dict[str, str], ...] = _GOING_ON) -> Listing:
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", noun).lower()
    return Listing(f"list_{snake}s", f"{noun}Summaries", noun, filters)


LISTINGS: dict[ThingKind, Listing] = {
    ThingKind.endpoint: Listing("list_endpoints", "Endpoints", "Endpoint"),
    ThingKind.endpoint_config: Listing("list_endpoint_configs", "EndpointConfigs", "EndpointConfig"),
    ThingKind.model: Listing("list_models", "Models", "Model"),
    ThingKind.training_job: _jobs("TrainingJob"),
    ThingKind.processing_job: _jobs("ProcessingJob"),
    ThingKind.transform_job: _jobs("TransformJob"),
    ThingKind.warm_pool: _jobs("TrainingJob", _POOLS),
}

#: how each is removed by a call of its own; an endpoint takes more than one
_REMOVERS: dict[ThingKind, tuple[str, dict[str, Any]]] = {
    ThingKind.endpoint_config: ("delete_endpoint_config", {}),
    ThingKind.model: ("delete_model", {}),
    ThingKind.training_job: ("stop_training_job", {}),
    ThingKind.processing_job: ("stop_processing_job", {}),
    ThingKind.transform_job: ("stop_transform_job", {}),
    ThingKind.warm_pool: ("update_training_job", {"ResourceConfig": {"KeepAlivePeriodInSeconds": 0}}),
}


@dataclass(frozen=True)
class MadeThing:
    """Something in the account that fraudlab made.

    Attributes
    ----------
    kind : ThingKind
    name, arn : str
    status : str
        Empty for what has none.
    created : datetime
    tags : dict
    """

    kind: ThingKind
    name: str
    arn: str
    status: str
    created: datetime
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def run(self) -> str:
        """The id of the run it was made for; empty where its tag does not say."""
        return self.tags.get(RUN, "")

    @property
    def owner(self) -> str:
        """Whose it is; empty where its tag does not say."""
        return self.tags.get(OWNER, "")


@dataclass
class Inventory:
    """What was found, and what could not be asked.

    Attributes
    ----------
    things : list of MadeThing
        In the order of :class:`ThingKind`, the oldest first.
    unasked : list of FraudlabError
        One for each kind that could not be listed, or thing whose tags could not be read.
    """

    things: list[MadeThing] = field(default_factory=list)
    unasked: list[FraudlabError] = field(default_factory=list)


def find_made(account: Account, *, kinds: tuple[ThingKind, ...] = tuple(ThingKind)) -> Inventory:
    """Find what fraudlab made; what cannot be listed or read hides nothing else."""
    found = Inventory()
    for kind in kinds:
        things: list[MadeThing] = []
        try:
            for thing in _of_kind(account, kind, unread=found.unasked.append):
                things.append(thing)  # noqa: PERF402  (those before an error count too)
        except FraudlabError as error:
            found.unasked.append(error)
        found.things += sorted(things, key=lambda thing: thing.created)
    return found


def no_such_endpoint(account: Account, name: str) -> EndpointError:
    """The error for a name that no endpoint has, with those there are."""
    there = find_made(account, kinds=(ThingKind.endpoint,)).things
    return EndpointError(
        f"There is no endpoint {name} in {account.region}.",
        fix=nearest(name, [thing.name for thing in there]),
    )


def remove(account: Account, kind: ThingKind, name: str) -> None:
    """Delete a thing, or stop what goes on; one that is gone is no error.

    Raises
    ------
    FraudlabError
        Where AWS does not do it.
    """
    operation, more = _REMOVERS[kind]
    try:
        with explained_calls(doing=f"Removing the {kind.value} {name}"):
            getattr(account.client("sagemaker"), operation)(**{f"{LISTINGS[kind].noun}Name": name}, **more)
    except FraudlabError as error:
        if error.__cause__ is None or not is_absent(error.__cause__):
            raise


def tags_of(account: Account, arn: str) -> dict[str, str]:
    """The tags of a thing; none where it is gone.

    Raises
    ------
    FraudlabError
        Where they cannot be read.
    """
    try:
        with explained_calls(doing=f"Reading the tags of {arn.rpartition('/')[2]}"):
            pages = account.client("sagemaker").get_paginator("list_tags").paginate(ResourceArn=arn)
            return as_mapping(tag for page in pages for tag in page["Tags"])
    except FraudlabError as error:
        if error.__cause__ is not None and is_absent(error.__cause__):
            return {}
        raise


def is_ours(name: str, tags: Mapping[str, str]) -> bool:
    """Whether fraudlab made what has this name and these tags."""
    return name.startswith(NAME_PREFIX) and PROJECT in tags


def _of_kind(
    account: Account, kind: ThingKind, *, unread: Callable[[FraudlabError], None]
) -> Iterator[MadeThing]:
    """Things of a kind; `unread` is told of one whose tags cannot be read."""
    listing = LISTINGS[kind]
    seen: set[str] = set()
    for filters in listing.filters:
        for summary in _summaries(account, kind, listing, filters):
            name, arn = str(summary[f"{listing.noun}Name"]), str(summary[f"{listing.noun}Arn"])
            if not name.startswith(NAME_PREFIX) or arn in seen or not _goes_on(kind, summary):
                continue
            seen.add(arn)
            try:
                tags = tags_of(account, arn)
            except FraudlabError as error:
                unread(error)
                continue
            if is_ours(name, tags):
                status = str(summary.get(f"{listing.noun}Status") or "")
                began = "TrainingEndTime" if kind is ThingKind.warm_pool else "CreationTime"
                created = summary.get(began) or summary.get("CreationTime") or datetime.now(UTC)
                yield MadeThing(kind, name, arn, status, created, tags)


def _goes_on(kind: ThingKind, summary: Mapping[str, Any]) -> bool:
    """Whether a job is under way, or a pool is kept; other things are there while they are listed."""
    if kind is ThingKind.warm_pool:
        return (summary.get("WarmPoolStatus") or {}).get("Status") == "Available"
    if "Job" not in LISTINGS[kind].noun:
        return True
    return summary.get(f"{LISTINGS[kind].noun}Status") in {"InProgress", "Stopping"}


def _summaries(
    account: Account, kind: ThingKind, listing: Listing, filters: Mapping[str, str]
) -> Iterator[Mapping[str, Any]]:
    with explained_calls(doing=f"Listing each {kind.value}"):
        pages = account.client("sagemaker").get_paginator(listing.operation)
        for page in pages.paginate(NameContains=NAME_PREFIX, PaginationConfig={"PageSize": _PAGE}, **filters):
            yield from page[listing.summaries]
