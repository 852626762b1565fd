"""List… of every kind: filters, order and pages."""

from __future__ import annotations

import base64
import binascii
import datetime
from collections.abc import Iterable
from typing import Any

from fraudlab.rehearsal.api_call import refused
from fraudlab.rehearsal.resource import Resource, ResourceKind
from fraudlab.rehearsal.service.grounds import Grounds

Request = dict[str, Any]
#: how the members of a kind's listing are called
_PREFIXES = {
    ResourceKind.TRAINING: "TrainingJob",
    ResourceKind.PROCESSING: "ProcessingJob",
    ResourceKind.TRANSFORM: "TransformJob",
    ResourceKind.MODEL: "Model",
    ResourceKind.ENDPOINT_CONFIG: "EndpointConfig",
    ResourceKind.ENDPOINT: "Endpoint",
}
_SUMMARIES = {kind: f"{prefix}Summaries" for kind, prefix in _PREFIXES.items()} | {
    ResourceKind.MODEL: "Models",
    ResourceKind.ENDPOINT_CONFIG: "EndpointConfigs",
    ResourceKind.ENDPOINT: "Endpoints",
}


def list_resources(kind: ResourceKind, request: Request, grounds: Grounds) -> Request:
    """List one kind."""
    wanted = [one for one in grounds.store.all(kind) if _fits(one, request)]
    order = request.get("SortBy", "CreationTime")
    wanted.sort(key=lambda one: (_order(one, order), one.name), reverse=_descends(kind, request))
    shown, more = page([_summary(one) for one in wanted], request, default=10)
    return {_SUMMARIES[kind]: shown, **more}


def page(entries: list[Request], request: Request, *, default: int) -> tuple[list[Request], Request]:
    """One page of entries, and its NextToken where there are more."""
    begin = 0
    if request.get("NextToken"):
        try:
            begin = int(base64.b64decode(request["NextToken"], validate=True))
        except (ValueError, binascii.Error):
            raise refused("Invalid NextToken.") from None
    end = begin + request.get("MaxResults", default)
    token = {"NextToken": base64.b64encode(str(end).encode()).decode()} if end < len(entries) else {}
    return entries[begin:end], token


def _descends(kind: ResourceKind, request: Request) -> bool:
    usual = "Ascending" if kind in (ResourceKind.PROCESSING, ResourceKind.TRAINING) else "Descending"
    return bool(request.get("SortOrder", usual) == "Descending")


def _fits(one: Resource, request: Request) -> bool:
    bounds: Iterable[tuple[str, float]] = (("CreationTime", one.created), ("LastModifiedTime", one.changed))
    for name, moment in bounds:
        after, before = request.get(f"{name}After"), request.get(f"{name}Before")
        if after is not None and moment <= _seconds(after):
            return False
        if before is not None and moment >= _seconds(before):
            return False
    if request.get("NameContains", "").lower() not in one.name.lower():
        return False
    if request.get("WarmPoolStatusEquals"):  # no pool is ever kept
        return False
    return bool(request.get("StatusEquals") in (None, one.status))


def _seconds(moment: float | str) -> float:
    if isinstance(moment, str):
        return datetime.datetime.fromisoformat(moment).timestamp()
    return moment


def _order(one: Resource, by: str) -> str | float:
    if by == "Name":
        return one.name
    if by in ("Status", "EndpointStatus"):
        return one.status
    return one.changed if by == "LastModifiedTime" else one.created


def _summary(one: Resource) -> Request:
    prefix = _PREFIXES[one.kind]
    shown: Request = {f"{prefix}Name": one.name, f"{prefix}Arn": one.arn, "CreationTime": one.created}
    if one.kind.is_job or one.kind is ResourceKind.ENDPOINT:
        shown[f"{prefix}Status"] = one.status
        shown["LastModifiedTime"] = one.changed
    if one.kind is ResourceKind.TRAINING:
        shown["SecondaryStatus"] = one.secondary
    if one.kind.is_job:
        for name in (f"{prefix.removesuffix('Job')}EndTime", "ExitMessage"):
            if name in one.facts:
                shown[name] = one.facts[name]
        if one.failure is not None:
            shown["FailureReason"] = one.failure
    return shown
