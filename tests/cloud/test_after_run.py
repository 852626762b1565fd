"""At the end of a run in an account, what may be costing money there is said."""

import json

import pytest
from tests.moto_account import REGION, make_endpoint

from fraudlab.cloud.after_run import say_costs_after
from fraudlab.plan.price_cache import keep
from fraudlab.plan.prices import Component, Price, PriceRow

RECORD = {"id": "r", "status": "completed", "metrics": {}, "stages": {}, "error": None, "started": None}
CLOUD = {"region": REGION, "account": "123456789012", "bucket": "b", "prefix": "fraudlab"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, False),
        ({"cloud": CLOUD, "rehearsed": True}, False),
        ({"cloud": CLOUD, "rehearsed": False}, True),
        ({"cloud": CLOUD}, True),
    ],
)
def test_what_a_run_has_left_running_is_said(moto_account, tmp_path, more, said):
    make_endpoint(moto_account, "fraudlab-r-endpoint")
    (tmp_path / "run.json").write_text(json.dumps({**RECORD, "ended": None, **more}))
    lines = []
    say_costs_after(tmp_path, lines.append)
    assert any("MAY BE COSTING MONEY NOW" in line for line in lines) is said


def test_a_run_without_a_record_says_nothing(tmp_path):
    lines = []
    say_costs_after(tmp_path, lines.append)
    assert lines == []


@pytest.mark.parametrize("where", ["runs/.cache", "else/where"])
def test_the_price_is_from_the_cache_of_the_run(moto_account, tmp_path, where):
    make_endpoint(moto_account, "fraudlab-r-endpoint")
    row = PriceRow(REGION, Component.hosting, "ml.m5.large", Price(7.0, "live", "2026-11-27", "API"))
    keep(tmp_path / where, REGION, [row])
    run = tmp_path / "runs" / "r"
    run.mkdir(parents=True)
    (run / "run.json").write_text(json.dumps({**RECORD, "ended": None, "cloud": CLOUD}))
    if where != "runs/.cache":
        (run / "config.yaml").write_text(f"paths:\n  cache: {tmp_path / where}\n")
    lines = []
    say_costs_after(run, lines.append)
    assert "$7.00 per hour" in lines[1]
