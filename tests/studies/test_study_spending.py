"""What the runs of a study have cost at most, by hand: what nobody knows counts as long as it may be."""

import pytest

from fraudlab.plan.prices import Component, Price, PriceList, PriceRow
from fraudlab.plan.steps import Step
from fraudlab.studies.study_spending import Allowance, Rates, most_of_run

#: 0.36 dollars per hour are 0.0001 dollars per second, whatever it is for
PRICES = PriceList([
    *(PriceRow("eu-west-1", component, machine, Price(0.36, "read", "2023-12", "a table"))
      for component in Component for machine in ("ml.m5.xlarge", "ml.m5.large")),
    *(PriceRow("eu-west-1", component, None, Price(0.0, "read", "2023-12", "a table"))
      for component in Component),
])  # fmt: skip
STEPS = {
    name: Step(name=name, instance_type="ml.m5.xlarge", instance_count=1, volume_gb=0, max_seconds=3600)
    for name in ("process", "train", "transform")
}
RATES = Rates(STEPS, PRICES, "eu-west-1", rehearsed=False)
ONE = {"instance_type": "ml.m5.xlarge", "instance_count": 1}
ENDED = {**ONE, "started": "2026-11-28T04:00:00Z", "ended": "2026-11-28T04:10:00Z"}
GOING = {**ONE, "started": "2026-11-28T04:00:00Z"}
LARGE = {"instance_type": "ml.m5.large", "instance_count": 1}

RUNS = {
    "nothing was begun": ({}, 0.0),
    "billed seconds count": ({"jobs": {"train": ENDED}, "billed_seconds": {"train": 200}}, 0.02),
    "those of several jobs are added": (
        {"jobs": {"process": ENDED, "train": ENDED}, "billed_seconds": {"process": 100, "train": 200}},
        0.03,
    ),
    "of two machines both": (
        {"jobs": {"train": {**ENDED, "instance_count": 2}}, "billed_seconds": {"train": 400}},
        0.04,
    ),
    "a machine of another type": (
        {"jobs": {"train": {**ENDED, "instance_type": "ml.m5.large"}}, "billed_seconds": {"train": 200}},
        0.02,
    ),
    "stopped: until its end and 300 s more": ({"jobs": {"train": ENDED}}, 0.09),
    "stopped late: no longer than it may run": (
        {"jobs": {"train": {**ENDED, "ended": "2026-11-28T09:00:00Z"}}},
        0.36,
    ),
    "going on: as long as it may run": ({"jobs": {"train": GOING}}, 0.36),
    "asked for when its launcher was killed": ({"asked": {"job": "train", **GOING}}, 0.36),
    "a clock that went back": ({"jobs": {"train": {**ENDED, "ended": "2026-11-28T03:00:00Z"}}}, 0.03),
    "times that are none": ({"jobs": {"train": {**ENDED, "ended": "soon"}}}, 0.36),
    "one ended and one going on": (
        {"jobs": {"process": ENDED, "train": GOING}, "billed_seconds": {"process": 100}},
        0.37,
    ),
    "an endpoint for as long as it was up": ({"endpoint_use": {**LARGE, "seconds": 500}}, 0.05),
    "rehearsed: nothing was paid": (
        {"jobs": {"train": ENDED}, "billed_seconds": {"train": 200}, "rehearsed": True},
        0.0,
    ),
    "on this machine": ({"jobs": {}, "cloud": None}, 0.0),
}


@pytest.mark.parametrize(("record", "usd"), RUNS.values(), ids=list(RUNS))
def test_a_run_has_cost_at_most(record, usd):
    assert most_of_run({"cloud": {"region": "eu-west-1"}, **record}, RATES) == pytest.approx(usd)


UNKNOWN = {
    "a region without prices": {"cloud": {"region": "sa-east-1"}, "jobs": {"train": GOING}},
    "a machine without a price": {
        "jobs": {"train": {**GOING, "instance_type": "ml.p9.huge"}},
    },
    "a step of which nobody knows how long it may run": {
        "endpoint": {"endpoint": "e"},
        "endpoint_use": {**LARGE, "seconds": 500},
    },
}


@pytest.mark.parametrize("record", UNKNOWN.values(), ids=list(UNKNOWN))
def test_what_is_not_known_is_no_sum_that_is_too_small(record):
    assert most_of_run({"cloud": {"region": "eu-west-1"}, **record}, RATES) is None


def test_a_rehearsal_counts_what_it_would_have_cost():
    record = {"cloud": {"region": "us-east-1"}, "jobs": {"train": ENDED}, "billed_seconds": {"train": 200}}
    rates = Rates(STEPS, PRICES, "eu-west-1", rehearsed=True)
    assert most_of_run({**record, "cloud": {"region": "eu-west-1"}, "rehearsed": True}, rates) == (
        pytest.approx(0.02)
    )
    assert most_of_run({**record, "rehearsed": False}, rates) == 0.0


class Spent:
    """So much has been spent; runs that go on are not in it."""

    def __init__(self, usd):
        self.value = usd

    def usd(self, *, besides=()):
        return self.value


@pytest.mark.parametrize(
    ("limit", "spent", "going", "trial", "final"),
    [
        (10.0, 0.0, 0, True, True),
        (10.0, 7.0, 0, True, True),  # 7 + 1 + 2
        (10.0, 7.1, 0, False, True),
        (10.0, 7.0, 1, False, True),  # the one that goes on may cost 1
        (10.0, 6.0, 1, True, True),
        (10.0, 6.0, 2, False, True),
        (10.0, 8.0, 0, False, True),  # what is kept for the final run is there
        (10.0, 8.1, 0, False, False),
        (10.0, 12.0, 0, False, False),
        (10.0, None, 0, False, False),
        (0.3 + 3.0, 0.1 + 0.2, 0, True, True),  # no fraction of a cent is lost to arithmetic
    ],
)
def test_a_trial_begins_while_what_is_left_covers_it_and_the_final_run(limit, spent, going, trial, final):
    allowance = Allowance(limit, 1.0, 2.0, Spent(spent))
    assert allowance.covers_trial([f"run-{number}" for number in range(going)]) is trial
    assert allowance.covers_final() is final
