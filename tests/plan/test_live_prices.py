"""Prices out of the Pricing API, whose answers are as AWS documents them and as others have shown them."""

import json

import boto3
import pytest
from botocore.stub import Stubber

from fraudlab.aws.answers import AccessRefused
from fraudlab.cloud_config import SageMakerConfig
from fraudlab.errors import BackendError
from fraudlab.plan import live_prices
from fraudlab.plan.live_prices import fetch_prices, read_products
from fraudlab.plan.prices import Component


def tier(usd, *, unit="Hrs", begin="0", end="Inf", currency="USD"):
    return {
        "unit": unit, "beginRange": begin, "endRange": end, "appliesTo": [],
        "pricePerUnit": {currency: usd}, "description": "a tier", "rateCode": f"SKU.JRTCKXETXF.{begin}",
    }  # fmt: skip


def product(usage, *tiers, region="eu-west-1", component="Training", **more):
    """One element of ``PriceList``, as the service has it."""
    dimensions = {one["rateCode"]: one for one in tiers}
    terms = {"OnDemand": {"SKU.JRTCKXETXF": {
        "priceDimensions": dimensions, "sku": "SKU", "effectiveDate": "2026-11-01T00:00:00Z",
        "offerTermCode": "JRTCKXETXF", "termAttributes": {},
    }}}  # fmt: skip
    name = usage.rpartition(":")[2]
    return {
        "product": {
            "productFamily": "ML Instance", "sku": "SKU",
            "attributes": {
                "servicecode": "AmazonSageMaker", "regionCode": region, "location": "EU (Ireland)",
                "locationType": "AWS Region", "usagetype": usage, "operation": "RunInstance",
                "component": component, "instanceName": name, "instanceType": f"{name}-{component}",
            },
        },
        "serviceCode": "AmazonSageMaker", "terms": terms, "version": "20261101000000",
        "publicationDate": "2026-11-01T00:00:00Z", **more,
    }  # fmt: skip


#: one type, as all its components have it
ONE_TYPE = [
    product("EU-Processing:ml.m5.xlarge", tier("0.2570000000"), component="Processing"),
    product("EU-Train:ml.m5.xlarge", tier("0.2580000000"), component="Training"),
    product("EU-Tsform:ml.m5.xlarge", tier("0.2590000000"), component="Batch Transform"),
    product("EU-Host:ml.m5.xlarge", tier("0.2600000000"), component="Hosting"),
]
#: what is of no component that a run rents, or no price per hour in dollars
OTHERS = {
    "notebook": product("EU-Notebk:ml.m5.xlarge", tier("9"), component="Notebook"),
    "asynchronous inference": product("EU-AsyncInf:ml.m5.xlarge", tier("9"), component="Hosting"),
    "studio": product("EU-Studio:JupyterLab-ml.m5.xlarge", tier("9")),
    "warm pool of another name": product("EU-TrainWarm:ml.m5.xlarge", tier("9")),
    "volume": product("EU-Train:VolumeUsage.gp2", tier("0.154", unit="GB-Mo")),
    "another unit": product("EU-Train:ml.m5.xlarge", tier("9", unit="GB-Mo")),
    "per second": product("EU-Train:ml.m5.xlarge", tier("0.0001", unit="Second")),
    "no unit": product("EU-Train:ml.m5.xlarge", {**tier("9"), "unit": None}),
    "another region": product("USE1-Train:ml.m5.xlarge", tier("9"), region="us-east-1"),
    "yuan": product("CNW1-Train:ml.m5.xlarge", tier("9", currency="CNY")),
    "free": product("EU-Train:ml.m5.xlarge", tier("0.0000000000")),
    "no figure": product("EU-Train:ml.m5.xlarge", tier("soon")),
    "not a number": product("EU-Train:ml.m5.xlarge", tier("NaN")),
    "without end": product("EU-Train:ml.m5.xlarge", tier("Infinity")),
    "below nothing": product("EU-Train:ml.m5.xlarge", tier("-1")),
    "reserved": {**product("EU-Train:ml.m5.xlarge"), "terms": {"Reserved": product("x", tier("9"))["terms"]}},
    "no terms": {**product("EU-Train:ml.m5.xlarge"), "terms": None},
    "no product": {"terms": {}},
    "no object": {"product": "x", "terms": ["y"]},
}


def found(*products):
    rows = read_products(products, region="eu-west-1", date="2026-11-27")
    return {(row.component, row.instance_type): row.price.usd for row in rows}


def test_each_component_has_its_own_price():
    assert found(*ONE_TYPE) == {
        (Component.processing, "ml.m5.xlarge"): 0.257,
        (Component.training, "ml.m5.xlarge"): 0.258,
        (Component.transform, "ml.m5.xlarge"): 0.259,
        (Component.hosting, "ml.m5.xlarge"): 0.26,
    }


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_what_is_none_of_them_is_left_out(other):
    assert found(other) == {}
    assert found(other, *ONE_TYPE) == found(*ONE_TYPE) == found(*ONE_TYPE, other)


def test_what_is_free_up_to_a_limit_is_not_free():
    tiers = [tier("0.0000000000", end="50"), tier("0.2580000000", begin="50")]
    expected = {(Component.training, "ml.m5.xlarge"): 0.258}
    assert found(product("EU-Train:ml.m5.xlarge", *tiers)) == expected
    assert found(product("EU-Train:ml.m5.xlarge", *reversed(tiers))) == expected
    free = product("EU-Train:ml.m5.xlarge", tiers[0])
    assert found(free, ONE_TYPE[1]) == found(ONE_TYPE[1], free) == expected


@pytest.mark.parametrize("order", [1, -1])
def test_of_several_the_dearest_counts(order):
    """A plan says the most that a run may cost."""
    both = [product("EU-Train:ml.m5.xlarge", tier(usd)) for usd in ("0.2", "0.3")]
    assert found(*both[::order]) == {(Component.training, "ml.m5.xlarge"): 0.3}


@pytest.mark.parametrize("unit", ["Hrs", "hours", "Hour", "hrs"])
def test_an_hour_has_several_spellings(unit):
    assert len(found(product("EU-Train:ml.m5.xlarge", tier("0.2", unit=unit)))) == 1


@pytest.mark.parametrize(
    ("region", "usage"),
    [("us-east-1", "USE1-Train:ml.m5.xlarge"), ("us-east-1", "Train:ml.m5.xlarge"),
     ("ap-northeast-1", "APN1-Train:ml.p4d.24xlarge"), ("us-east-2", "USE2-Train:ml.p6-b200.48xlarge")],
)  # fmt: skip
def test_a_usage_type_begins_with_its_region_or_without(region, usage):
    (row,) = read_products([product(usage, tier("1"), region=region)], region=region, date="2026-11-27")
    assert (row.region, row.instance_type) == (region, usage.rpartition(":")[2])
    assert (row.price.kind, row.price.date) == ("live", "2026-11-27")


class Asked:
    """The Pricing API as botocore's Stubber has it: each request is compared, each answer checked."""

    def __init__(self, monkeypatch):
        self.regions = []
        self.pricing = boto3.client(
            "pricing", region_name="us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing"
        )
        self.stub = Stubber(self.pricing)

        def account(config):
            self.regions.append(config.region)
            return self

        monkeypatch.setattr(live_prices, "open_account", account)

    def client(self, service):
        return {"pricing": self.pricing}[service]

    def expect(self, products, *, token=None, after=None, region="eu-west-1"):
        asked = {
            "ServiceCode": "AmazonSageMaker",
            "Filters": [
                {"Type": "TERM_MATCH", "Field": "regionCode", "Value": region},
                {"Type": "TERM_MATCH", "Field": "productFamily", "Value": "ML Instance"},
            ],
        }
        texts = [one if isinstance(one, str) else json.dumps(one) for one in products]
        answer = {"FormatVersion": "aws_v1", "PriceList": texts}
        self.stub.add_response(
            "get_products",
            {**answer, **({"NextToken": token} if token else {})},
            {**asked, **({"NextToken": after} if after else {})},
        )


@pytest.fixture
def asked(monkeypatch):
    asked = Asked(monkeypatch)
    with asked.stub:
        yield asked
        asked.stub.assert_no_pending_responses()
    asked.pricing.close()


def test_all_pages_are_read(asked):
    asked.expect(ONE_TYPE[:1], token="second")
    asked.expect([], token="third", after="second")
    asked.expect(ONE_TYPE[1:], after="third")
    rows = fetch_prices(SageMakerConfig(), "eu-west-1")
    assert {row.component for row in rows} == set(Component)


def test_a_product_that_is_no_json_is_left_out(asked):
    asked.expect(["{", "[]", "null", *ONE_TYPE])
    assert len(fetch_prices(SageMakerConfig(), "eu-west-1")) == 4


@pytest.mark.parametrize("products", [[], list(OTHERS.values())])
def test_a_region_without_any_is_said(asked, products):
    asked.expect(products)
    with pytest.raises(BackendError, match="no prices in US dollars of SageMaker's machines in eu-west-1"):
        fetch_prices(SageMakerConfig(), "eu-west-1")


def test_a_missing_permission_is_said(asked):
    words = "User: arn:aws:iam::1:user/ann is not authorized to perform: pricing:GetProducts"
    asked.stub.add_client_error("get_products", "AccessDeniedException", words, 400)
    with pytest.raises(AccessRefused, match=r"may not pricing:GetProducts"):
        fetch_prices(SageMakerConfig(), "eu-west-1")


@pytest.mark.parametrize(
    ("region", "place"),
    [("eu-west-1", "eu-central-1"), ("ap-northeast-1", "ap-south-1"), ("us-west-2", "us-east-1"),
     ("sa-east-1", "us-east-1"), ("us-gov-west-1", "us-east-1"), ("cn-north-1", "cn-northwest-1")],
)  # fmt: skip
def test_the_api_answers_in_few_regions(asked, region, place):
    asked.expect([product("X-Train:ml.m5.xlarge", tier("1"), region=region)], region=region)
    assert len(fetch_prices(SageMakerConfig(region="eu-west-3"), region)) == 1
    assert asked.regions == [place]
