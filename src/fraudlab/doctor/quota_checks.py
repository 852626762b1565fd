"""What the account may have at once, of each component and instance type of a configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fraudlab.aws.account import Account
from fraudlab.aws.answers import explained_calls
from fraudlab.doctor.finding import Finding, Findings, note, unknown, well, wrong

if TYPE_CHECKING:
    from fraudlab.aws.account import Identity
    from fraudlab.config import RunConfig

_SERVICE = "sagemaker"


@dataclass(frozen=True)
class Wanted:
    """A quota, and how much of it a run takes.

    Attributes
    ----------
    name : str
        As Service Quotas has it, such as ``"ml.m5.xlarge for training job usage"``.
    count : int
        Instances; 0 where the configuration takes none of it now.
    """

    name: str
    count: int


def wanted_quotas(config: RunConfig) -> list[Wanted]:
    """The quotas of each component and type, and those of spot and of a warm pool, wanted or not."""
    from fraudlab.config import Via

    compute, account = config.compute, config.sagemaker
    # a run scores in one of two ways; in an account, by a transform job where nothing else is asked for
    by_endpoint = config.evaluation.via is Via.endpoint
    train, spot = compute.train, account.spot
    return [
        Wanted(f"{compute.process.instance_type} for processing job usage", compute.process.instance_count),
        Wanted(f"{train.instance_type} for training job usage", 0 if spot else train.instance_count),
        Wanted(f"{train.instance_type} for spot training job usage", train.instance_count if spot else 0),
        Wanted(
            f"{train.instance_type} for training warm pool usage",
            train.instance_count if account.warm_pool_minutes else 0,
        ),
        Wanted(
            f"{compute.transform.instance_type} for transform job usage",
            0 if by_endpoint else compute.transform.instance_count,
        ),
        Wanted(
            f"{compute.serve.instance_type} for endpoint usage",
            compute.serve.instance_count if by_endpoint else 0,
        ),
    ]


def check_quotas(account: Account, _identity: Identity, *, wanted: list[Wanted]) -> Findings:
    """Compare what a run takes with what the account may have at once."""
    quotas = account.client("service-quotas")
    names = {one.name for one in wanted}
    with explained_calls(doing="Reading the quotas of SageMaker"):
        found = _named(_pages(quotas, "list_service_quotas"), names)
        if set(found) != names:  # those that nobody ever changed may be among the defaults only
            found = {**_named(_pages(quotas, "list_aws_default_service_quotas"), names - set(found)), **found}
    return [compared(one, found.get(one.name), region=account.region) for one in wanted]


def compared(wanted: Wanted, quota: Mapping[str, Any] | None, *, region: str) -> Finding:
    """One quota against what is wanted of it."""
    check = f"quota: {wanted.name}"
    console = f"https://{region}.console.aws.amazon.com/servicequotas/home/services/{_SERVICE}/quotas"
    if quota is None:
        if not wanted.count:
            return unknown(check, "Service Quotas does not list it; this run takes none of it", console)
        return unknown(check, "Service Quotas does not list it", console)
    value = int(quota["Value"])
    if value >= max(wanted.count, 1):
        return well(check, f"{value}" + (f", of which a run takes {wanted.count}" if wanted.count else ""))
    if not wanted.count:
        return note(check, f"{value}; this run takes none of it")
    fix = (
        f"aws service-quotas request-service-quota-increase --service-code {_SERVICE} "
        f"--quota-code {quota['QuotaCode']} --desired-value {wanted.count} --region {region}; or {console}"
    )
    return wrong(check, f"{value}, and a run takes {wanted.count}", fix=fix)


def _pages(quotas: Any, operation: str) -> Iterator[Mapping[str, Any]]:
    for page in quotas.get_paginator(operation).paginate(
        ServiceCode=_SERVICE, PaginationConfig={"PageSize": 100}
    ):
        yield from page["Quotas"]


def _named(quotas: Iterator[Mapping[str, Any]], names: set[str]) -> dict[str, Mapping[str, Any]]:
    """The quotas of these names; pages are read no further than to the last of them."""
    found: dict[str, Mapping[str, Any]] = {}
    if not names:
        return found
    for quota in quotas:
        if quota.get("QuotaName") in names:
            found[str(quota["QuotaName"])] = quota
            if len(found) == len(names):
                break
    return found
