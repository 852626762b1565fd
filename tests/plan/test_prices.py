"""The packaged prices: every region and component of the tables they are made of, and what is not in them."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path

import pytest

from fraudlab.plan.prices import Component, Price, PriceList, PriceRow, packaged_prices

ROOT = Path(__file__).parents[2]
REGIONS = [
    *("ap-northeast-1", "ap-southeast-1", "eu-central-1", "eu-west-1"),
    *("us-east-1", "us-east-2", "us-west-2"),
]
#: regions, real or not, of which the tables have nothing
NOT_THERE = ["cn-north-1", "us-gov-west-1", "sa-east-1", "eu-west-9", "US-EAST-1", " us-east-1", "*", None]
ODD_TYPES = ["m5.xlarge", "ml.m5.xlarge ", "ML.M5.XLARGE", "ml.m5", "ml.nonsense.xlarge", "local", ""]


@pytest.fixture(scope="module")
def prices():
    return packaged_prices()


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("prices_script", ROOT / "requirements" / "prices.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_seven_regions_have_prices(prices):
    assert prices.regions == REGIONS


@pytest.mark.parametrize("component", list(Component))
@pytest.mark.parametrize("region", REGIONS)
def test_every_region_and_component_has_its_machine(prices, region, component):
    price = prices.hourly(region, component, "ml.m5.xlarge")
    assert 0.2 < price.usd < 0.4
    assert price.kind in {"read", "derived", "derived, factor assumed"}
    assert price.source


@pytest.mark.parametrize("region", NOT_THERE)
@pytest.mark.parametrize("component", list(Component))
def test_a_region_that_is_not_there_has_no_figure(prices, region, component):
    assert prices.hourly(region, component, "ml.m5.xlarge") is None
    assert prices.volume(region, component) is None
    assert region is None or prices.rows(region) == []


@pytest.mark.parametrize("instance_type", ODD_TYPES)
def test_a_type_that_is_not_there_has_no_figure(prices, instance_type):
    assert all(prices.hourly("us-east-1", component, instance_type) is None for component in Component)


@pytest.mark.parametrize(
    ("component", "instance_type"),
    [(Component.hosting, "ml.t3.medium"), (Component.transform, "ml.t3.medium"),
     (Component.transform, "ml.r5.xlarge"), (Component.training, "ml.c5.large")],
)  # fmt: skip
def test_what_a_component_does_not_offer_has_no_figure(prices, component, instance_type):
    assert prices.hourly("us-east-1", component, instance_type) is None
    assert any(prices.hourly("us-east-1", other, instance_type) for other in Component)


def test_volumes_are_known_where_they_were_read_or_derived(prices):
    known = {
        (region, component.value): price.usd
        for region in REGIONS
        for component in Component
        if (price := prices.volume(region, component))
    }
    assert known == {
        ("eu-west-1", "processing"): 0.11,
        ("eu-west-1", "training"): 0.154,
        ("eu-west-1", "hosting"): 0.154,
        ("us-east-1", "processing"): 0.1,
        ("us-east-1", "training"): 0.14,
        ("us-east-1", "hosting"): 0.14,
    }
    assert prices.dearest_volume == 0.154


def test_what_an_invoice_said_is_read_and_what_a_factor_gave_is_derived(prices):
    assert prices.hourly("eu-west-1", Component.training, "ml.m5.xlarge").kind == "read"
    assert prices.hourly("eu-west-1", Component.training, "ml.m5.2xlarge").kind == "derived"
    assert prices.hourly("eu-west-1", Component.training, "ml.m6i.xlarge").kind == "derived, factor assumed"


def test_rows_are_in_the_order_of_their_sizes(prices):
    types = [row.instance_type for row in prices.rows("us-east-1") if row.component is Component.training]
    m5 = [name for name in types if name and name.startswith("ml.m5.")]
    assert m5 == [
        f"ml.m5.{size}" for size in ("large", "xlarge", "2xlarge", "4xlarge", "12xlarge", "24xlarge")
    ]
    assert types[-1] is None


def test_a_later_row_takes_the_place_of_an_older_one():
    def row(usd, kind):
        return PriceRow("us-east-1", Component.training, "ml.m5.xlarge", Price(usd, kind, "2026-11-27", "s"))

    renewed = PriceList([row(0.23, "read")]).with_rows([row(0.25, "live")])
    assert [found.price.usd for found in renewed.rows()] == [0.25]
    assert renewed.rows()[0].as_json() == {
        "region": "us-east-1", "component": "training", "instance_type": "ml.m5.xlarge", "unit": "hour",
        "usd": 0.25, "kind": "live", "date": "2026-11-27", "source": "s",
    }  # fmt: skip


@pytest.mark.data
def test_the_packaged_tables_are_what_the_script_makes_of_their_sources(
    script, data_dir, tmp_path, monkeypatch
):
    monkeypatch.setattr(script, "TARGET", tmp_path)
    tables = [str(data_dir / "sagemaker_prices.csv"), str(data_dir / "sagemaker_storage_prices.csv")]
    assert script.main(tables) == 0
    for name in ("list_prices.csv", "volume_prices.csv"):
        assert (tmp_path / name).read_text() == (ROOT / "src/fraudlab/plan" / name).read_text()
    with Path(tables[0]).open() as file:
        rows = list(csv.DictReader(file))
    prices = packaged_prices()
    for row in rows:
        price = prices.hourly(row["region"], Component(row["component"]), row["instance"])
        assert (price.usd, price.kind) == (float(row["usd_per_hour"]), row["kind"])
    assert len([row for row in prices.rows() if row.instance_type]) == len(rows)


def test_the_script_refuses_what_it_does_not_know(script):
    row = {"region": "r", "instance": "t", "usd_per_hour": "1", "kind": "read", "date": "", "source": ""}
    with pytest.raises(ValueError, match="unknown component 'notebook'"):
        script.instances([{**row, "component": "notebook"}])
    volume = {"region": "r", "item": "processing ml volume", "unit": "GB-month", "usd": "1", "date": ""}
    with pytest.raises(ValueError, match="neither read nor derived"):
        script.volumes([{**volume, "source": "somebody said so"}])
