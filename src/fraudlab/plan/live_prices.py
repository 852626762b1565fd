"""Today's prices from AWS's Pricing API, each product by the component it is of."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from fraudlab.aws.account import open_account
from fraudlab.aws.answers import explained_calls
from fraudlab.cloud_config import SageMakerConfig
from fraudlab.errors import BackendError
from fraudlab.plan.prices import Component, Price, PriceRow

#: the only regions in which the API answers, by the beginning of the region asked about; else us-east-1
_PLACES = {"eu-": "eu-central-1", "ap-": "ap-south-1", "cn-": "cn-northwest-1"}
#: what the middle of a usage type, such as ``EU-Train:ml.m5.xlarge``, says of the component
_USAGES = {
    "Processing": Component.processing,
    "Train": Component.training,
    "Tsform": Component.transform,
    "Host": Component.hosting,
}
_USAGE = re.compile(r"(?:[A-Z0-9]+-)?(\w+):(ml\.[a-z0-9-]+\.[a-z0-9-]+)")
_HOUR = frozenset({"hrs", "hours", "hour", "hr"})


def fetch_prices(config: SageMakerConfig, region: str) -> list[PriceRow]:
    """Ask for the prices of all machines of a region; those of volumes are not asked for.

    Parameters
    ----------
    config : SageMakerConfig
        Whose credentials ask; the API answers in few regions, and is asked in the nearest one.
    region : str

    Raises
    ------
    BackendError
        Where the API does not answer, may not be asked, or has none of that region.
    """
    with explained_calls(doing=f"Asking AWS for the prices of {region}"):
        client = open_account(replace(config, region=_place(region))).client("pricing")
        pages = client.get_paginator("get_products").paginate(
            ServiceCode="AmazonSageMaker",
            Filters=[
                {"Type": "TERM_MATCH", "Field": "regionCode", "Value": region},
                {"Type": "TERM_MATCH", "Field": "productFamily", "Value": "ML Instance"},
            ],
        )
        texts = [text for page in pages for text in page.get("PriceList", [])]
    found = read_products(_parsed(texts), region=region, date=f"{datetime.now(UTC):%Y-%m-%d}")
    if not found:
        raise BackendError(
            f"AWS has no prices in US dollars of SageMaker's machines in {region}.",
            fix="check the name of the region",
        )
    return found


def read_products(products: Iterable[Mapping[str, Any]], *, region: str, date: str) -> list[PriceRow]:
    """The prices per hour among products; what is of another component, region or unit is left out.

    Parameters
    ----------
    products : iterable of mapping
        As in the ``PriceList`` of GetProducts, read without trusting it. Several of the same machine and
        component, and several tiers of one, count as the dearest; what is free up to a limit is not free.
    region, date : str

    Returns
    -------
    list of PriceRow
        One of each component and type.
    """
    dearest: dict[tuple[Component, str], float] = {}
    for product in products:
        attributes = _mapping(_mapping(product.get("product")).get("attributes"))
        usage = _USAGE.fullmatch(str(attributes.get("usagetype", "")))
        component = _USAGES.get(usage[1]) if usage else None
        if usage is None or component is None or attributes.get("regionCode") != region:
            continue
        for usd in _hourly(_mapping(_mapping(product.get("terms")).get("OnDemand"))):
            dearest[component, usage[2]] = max(usd, dearest.get((component, usage[2]), 0.0))
    return [
        PriceRow(region, component, instance_type, Price(usd, "live", date, "AWS Pricing API"))
        for (component, instance_type), usd in dearest.items()
    ]


def _parsed(texts: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    for text in texts:
        try:
            yield _mapping(json.loads(text))
        except (TypeError, ValueError):
            continue


def _hourly(terms: Mapping[str, Any]) -> Iterator[float]:
    tiers = [_mapping(_mapping(term).get("priceDimensions")).values() for term in terms.values()]
    for one in map(_mapping, chain.from_iterable(tiers)):
        try:
            usd = float(_mapping(one.get("pricePerUnit")).get("USD") or 0)
        except (TypeError, ValueError):
            continue
        if 0 < usd < math.inf and str(one.get("unit", "")).lower() in _HOUR:
            yield usd


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _place(region: str) -> str:
    return next((place for start, place in _PLACES.items() if region.startswith(start)), "us-east-1")
