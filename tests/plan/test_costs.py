"""Seconds into dollars: every figure here was reckoned by hand."""

import pytest

from fraudlab.plan.costs import ceiling, dollars, most, probable, usd_of_seconds, usd_per_month
from fraudlab.plan.prices import Component, Price, PriceList, PriceRow
from fraudlab.plan.steps import Step


def price(usd):
    return Price(usd, "read", "2023-12", "a table")


PRICES = PriceList([
    PriceRow("r", Component.training, "ml.m5.xlarge", price(0.25)),
    PriceRow("r", Component.training, None, price(0.146)),
    PriceRow("r", Component.hosting, "ml.m5.large", price(0.12)),
    PriceRow("r", Component.processing, "ml.m5.xlarge", price(0.25)),
])  # fmt: skip


def step(**fields):
    base = {"name": "train", "instance_type": "ml.m5.xlarge", "instance_count": 1, "volume_gb": 0}
    return Step(**{**base, "max_seconds": 3600, **fields})


@pytest.mark.parametrize(
    ("fields", "usd"),
    [
        ({}, 0.25),  # 1 h × 0.25
        ({"max_seconds": 5400}, 0.375),  # 1.5 h
        ({"max_seconds": 1}, 0.25 / 3600),
        ({"instance_count": 4}, 1.0),
        ({"volume_gb": 100}, 0.27),  # + 100 GB × 0.146 × 1 h / 730 h = 0.02
        ({"volume_gb": 100, "instance_count": 2, "max_seconds": 7200}, 1.08),  # 2 × 2 × (0.25 + 0.02)
        ({"warm_pool_seconds": 1800}, 0.375),  # + 0.5 h
        ({"warm_pool_seconds": 3600, "volume_gb": 100}, 0.54),  # its volume stays as long as its machine
        ({"spot": True}, 0.25),  # at most what others cost
        ({"skipped": "it is there"}, 0.0),
    ],
)
def test_the_most_is_rate_times_machines_times_time(fields, usd):
    assert most(step(**fields), PRICES, "r").usd == pytest.approx(usd)


def test_every_item_says_its_arithmetic():
    cost = most(step(volume_gb=100, warm_pool_seconds=1800), PRICES, "r")
    assert [(item.what, item.how, round(item.usd, 3)) for item in cost.items] == [
        ("machines", "1 × 1 h × $0.25", 0.25),
        ("volumes", "1 × 100 GB × $0.15 per month", 0.03),
        ("warm pool", "1 × 30 min × $0.25", 0.125),
    ]
    assert cost.unpriced == []


@pytest.mark.parametrize(
    ("fields", "region"),
    [({}, "elsewhere"), ({}, None), ({"instance_type": "ml.m5.large"}, "r"), ({"name": "transform"}, "r")],
)
def test_a_machine_without_a_price_has_no_figure(fields, region):
    cost = most(step(**fields), PRICES, region)
    assert (cost.usd, ceiling(cost, PRICES)) == (None, None)
    assert cost.unpriced == ["machines"]


def test_a_volume_without_a_price_is_named_and_counts_for_a_limit_only():
    cost = most(step(name="process", volume_gb=730), PRICES, "r")
    assert cost.usd == pytest.approx(0.25)
    assert cost.unpriced == ["volumes"]
    assert ceiling(cost, PRICES) == pytest.approx(0.25 + 0.146 * 2)  # 730 GB for an hour, twice the dearest


@pytest.mark.parametrize(("seconds", "usd"), [(3600, 0.27), (90, 0.27 / 40), (0, 0.0)])
def test_what_is_probable_is_for_the_time_it_will_probably_take(seconds, usd):
    assert probable(step(volume_gb=100, max_seconds=86_400), seconds, PRICES, "r") == pytest.approx(usd)
    assert probable(step(), seconds, PRICES, "elsewhere") is None


def test_billed_seconds_cost_their_part_of_an_hour():
    assert usd_of_seconds(price(0.25), seconds=1440, machines=3) == pytest.approx(0.3)


@pytest.mark.parametrize(("machines", "usd"), [(1, 87.6), (3, 262.8)])
def test_an_endpoint_that_stays_costs_730_hours_a_month(machines, usd):
    assert usd_per_month(PRICES, "r", "ml.m5.large", machines=machines) == pytest.approx(usd)
    assert usd_per_month(PRICES, "elsewhere", "ml.m5.large", machines=machines) is None


@pytest.mark.parametrize(
    ("usd", "said"),
    [(None, "unknown"), (0, "$0.00"), (0.0004, "under $0.001"), (0.0005, "$0.001"), (0.0999, "$0.100"),
     (0.1, "$0.10"), (2, "$2.00"), (12345.678, "$12,345.68")],
)  # fmt: skip
def test_an_amount_is_said_for_people(usd, said):
    assert dollars(usd) == said
