"""What a run has cost: figures reckoned by hand, from prices that are written here."""

import pytest
from tests.plan.test_billed_jobs import RECORD

from fraudlab.plan.prices import Component, Price, PriceList, PriceRow
from fraudlab.plan.spending import costs_of, spending_line

CLOUD = {"region": "eu-west-1", "account": "111122223333", "bucket": "b", "prefix": "fraudlab"}


def row(component, instance_type, usd):
    return PriceRow("eu-west-1", component, instance_type, Price(usd, "read", "2023-12", "a table"))


PRICES = PriceList([
    row(Component.processing, "ml.m5.xlarge", 0.30),
    row(Component.training, "ml.m5.2xlarge", 0.50),
    row(Component.transform, "ml.m5.xlarge", 0.20),
    row(Component.hosting, "ml.m5.large", 0.12),
])  # fmt: skip


def test_every_stage_costs_its_machines_times_their_seconds():
    costs = costs_of({**RECORD, "cloud": CLOUD, "rehearsed": False}, PRICES)
    by_job = {name: job["usd"] for name, job in costs["jobs"].items()}
    assert by_job == pytest.approx({
        "process": 0.01,  # 1 × 120 s × $0.30
        "train": 0.05,  # 2 × 180 s × $0.50
        "transform": 0.006,  # 1 × 108 s × $0.20
        "endpoint": 0.04,  # 2 × 600 s × $0.12
    })  # fmt: skip
    assert costs["usd"] == pytest.approx(0.106)
    assert (costs["region"], costs["rehearsed"]) == ("eu-west-1", False)
    train = costs["jobs"]["train"]
    assert (train["instance_type"], train["machines"], train["seconds"], train["spot"]) == (
        "ml.m5.2xlarge", 2, 180.0, True,
    )  # fmt: skip
    assert train["price"] == {"usd": 0.5, "kind": "read", "date": "2023-12", "source": "a table"}
    assert spending_line(costs) == (
        "cost: about $0.11 (process $0.010, train $0.050, transform $0.006, endpoint $0.040;"
        " list price, before discounts and tax)"
    )


@pytest.mark.parametrize("region", ["sa-east-1", None, 5])
def test_without_a_price_there_is_no_figure(region):
    costs = costs_of({**RECORD, "cloud": {**CLOUD, "region": region}}, PRICES)
    assert costs["usd"] is None
    assert {job["usd"] for job in costs["jobs"].values()} == {None}
    assert spending_line(costs).startswith("cost: unknown (process unknown, train unknown")


def test_one_machine_without_a_price_makes_the_sum_unknown_and_not_too_small():
    fewer = PriceList([one for one in PRICES.rows() if one.component is not Component.training])
    costs = costs_of({**RECORD, "cloud": CLOUD}, fewer)
    assert costs["usd"] is None
    assert costs["jobs"]["process"]["usd"] == pytest.approx(0.01)


def test_what_was_rehearsed_cost_nothing():
    costs = costs_of({**RECORD, "cloud": CLOUD, "rehearsed": True}, PRICES)
    assert costs["usd"] == 0
    assert {job["price"] for job in costs["jobs"].values()} == {None}
    assert spending_line(costs) == "cost: nothing, its jobs were rehearsed"


def test_a_run_that_started_nothing_cost_nothing():
    costs = costs_of({"cloud": CLOUD}, PRICES)
    assert (costs["usd"], costs["jobs"]) == (0.0, {})
    assert spending_line(costs) is None
