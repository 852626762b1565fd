"""A plan out of facts: what is refused, what is summed up, and what a person reads in five lines."""

from dataclasses import replace

import pytest

from fraudlab.compose import compose
from fraudlab.errors import ConfigError
from fraudlab.plan import survey as surveying
from fraudlab.plan.expectation import EarlierStep
from fraudlab.plan.plan_text import five_lines, money, whole
from fraudlab.plan.prices import Component, Price, PriceList, PriceRow
from fraudlab.plan.run_plan import consent_needed, make_plan
from fraudlab.plan.survey import survey

CLOUD = ["backend=sagemaker", "sagemaker.region=eu-west-1", "data.rows=1000"]
HOUR = [f"compute.{job}.max_minutes=60" for job in ("process", "train", "transform", "serve")]
#: 0.36 dollars per hour are 0.0001 dollars per second, whatever it is for
EVEN = PriceList([
    *(PriceRow("eu-west-1", component, machine, Price(0.36, "read", "2023-12", "a table"))
      for component in Component for machine in ("ml.m5.xlarge", "ml.m5.large")),
    *(PriceRow("eu-west-1", component, None, Price(0.0, "read", "2023-12", "a table"))
      for component in Component),
])  # fmt: skip
EARLIER = [
    EarlierStep(name, machine, 1, 1000, seconds)
    for name, machine, seconds in (
        ("process", "ml.m5.xlarge", 100.0), ("train", "ml.m5.xlarge", 200.0),
        ("transform", "ml.m5.xlarge", 300.0), ("endpoint", "ml.m5.large", 400.0),
    )
]  # fmt: skip


@pytest.fixture(autouse=True)
def own_folder(no_own_defaults, monkeypatch):
    monkeypatch.setattr(surveying, "image_id", lambda _: f"sha256:{'ab' * 32}")


def planned(*words, **facts):
    config = compose([*CLOUD, *HOUR, *words])
    return make_plan(config, replace(survey(config), **{"prices": EVEN, **facts}))


def refused(*words, **facts):
    with pytest.raises(ConfigError) as caught:
        planned(*words, **facts)
    return caught.value


def test_the_most_is_the_sum_of_its_steps():
    plan = planned()
    assert [one.step.name for one in plan.steps] == ["process", "train", "transform"]
    assert plan.most_usd == plan.ceiling_usd == pytest.approx(3 * 0.36)
    assert (plan.likely_usd, plan.likely_seconds, plan.unpriced) == (None, None, ())


def test_an_endpoint_is_in_it_for_as_long_as_it_may_be_up():
    plan = planned("evaluation.via=endpoint", "compute.serve.max_minutes=90")
    assert [one.step.name for one in plan.steps] == ["process", "train", "endpoint"]
    assert plan.most_usd == pytest.approx(0.36 * 3.5)
    assert any("fraudlab ends it after 90 minutes" in note for note in plan.notes)


def test_what_is_probable_is_known_once_it_is_known_of_every_step():
    plan = planned(earlier=EARLIER)
    assert plan.likely_seconds == 600
    assert plan.likely_usd == pytest.approx(0.06)
    assert planned(earlier=EARLIER[:2]).likely_usd is None
    assert planned(earlier=EARLIER, prepared="it is there").likely_usd == pytest.approx(0.05)


def test_a_step_that_is_skipped_costs_nothing():
    plan = planned(prepared="the bucket has the prepared split")
    assert plan.most_usd == pytest.approx(2 * 0.36)
    assert not any("processing" in quota.name for quota in plan.quotas)
    assert "process skipped" in five_lines(plan)[2]


def test_one_machine_without_a_price_leaves_no_figure():
    plan = planned("compute.train.instance_type=ml.m5.4xlarge")
    assert (plan.most_usd, plan.ceiling_usd) == (None, None)
    assert money(plan) == "unknown: not every machine of the run has a known price in eu-west-1"


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (["compute.train.instance_type=ml.nonsense.xlarge"], "compute.train.instance_type"),
        (["compute.process.instance_type=ml.p6-b200.48xlarge"], "compute.process.instance_type"),
        (["compute.transform.instance_type=ml.t3.medium"], "compute.transform.instance_type"),
        (["compute.transform.instance_type=ml.r5.xlarge"], "compute.transform.instance_type"),
        (["compute.serve.instance_type=ml.t3.medium", "evaluation.via=endpoint"],
         "compute.serve.instance_type"),
    ],
)  # fmt: skip
def test_a_type_that_a_component_does_not_offer_is_refused(words, key):
    assert key in refused(*words).message


def test_a_job_that_cannot_fit_is_refused():
    found = refused("data.rows=900000000")
    assert "compute.process.instance_type=ml.m5.xlarge has 16 GiB" in found.message
    assert "compute.train.instance_type=ml.m5.xlarge has 16 GiB" in found.message


def test_everything_is_refused_at_once():
    endpoint = ["evaluation.via=endpoint", "compute.serve.instance_type=ml.m6g.xlarge"]
    found = refused(*endpoint, "data.rows=900000000", "sagemaker.max_usd=0.01")
    for key in ("compute.serve.instance_type", "compute.process.instance_type", "sagemaker.max_usd"):
        assert key in str(found)


@pytest.mark.parametrize(("limit", "fits"), [(1.08, True), (1.07, False), (100, True)])
def test_the_limit_of_money_is_kept(limit, fits):
    words = [f"sagemaker.max_usd={limit}"]
    if fits:
        assert planned(*words).most_usd == pytest.approx(1.08)
    else:
        assert f"may cost $1.08, more than sagemaker.max_usd={limit}" in refused(*words).message


def test_a_limit_counts_volumes_that_have_no_price():
    dear = PriceList([
        *(row for row in EVEN.rows() if row.instance_type),
        PriceRow("us-east-1", Component.training, None, Price(73.0, "read", "", "a table")),
    ])  # fmt: skip
    # process and train have 30 GB for an hour each: 30 / 730 × 73 × 2 dollars
    plan = planned(prices=dear)
    assert plan.most_usd == pytest.approx(1.08)
    assert plan.ceiling_usd > 1.08 + 2 * 6.0 - 0.01
    assert {"process volumes", "train volumes"} <= set(plan.unpriced)
    assert "without a known price" in money(plan)
    assert "more than sagemaker.max_usd=2" in refused("sagemaker.max_usd=2", prices=dear).message


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ([], ["ml.m5.xlarge for processing job usage", "ml.m5.xlarge for training job usage",
              "ml.m5.xlarge for transform job usage"]),
        (["evaluation.via=endpoint"], ["ml.m5.xlarge for processing job usage",
                                       "ml.m5.xlarge for training job usage",
                                       "ml.m5.large for endpoint usage"]),
        (["sagemaker.spot=true"], ["ml.m5.xlarge for processing job usage",
                                   "ml.m5.xlarge for spot training job usage",
                                   "ml.m5.xlarge for transform job usage"]),
        (["sagemaker.warm_pool_minutes=5"], ["ml.m5.xlarge for processing job usage",
                                             "ml.m5.xlarge for training job usage",
                                             "ml.m5.xlarge for training warm pool usage",
                                             "ml.m5.xlarge for transform job usage"]),
    ],
)  # fmt: skip
def test_quotas_are_those_of_the_jobs(words, names):
    plan = planned(*words)
    assert [quota.name for quota in plan.quotas] == names
    assert all(
        quota.zero_by_default == ("spot" in quota.name or "warm" in quota.name) for quota in plan.quotas
    )


def test_a_quota_is_needed_for_every_machine():
    plan = planned("compute.train.instance_count=3")
    assert {quota.name: quota.needed for quota in plan.quotas}["ml.m5.xlarge for training job usage"] == 3


def test_five_lines_say_where_what_how_long_how_much_and_from_which_prices():
    lines = five_lines(planned("sagemaker.spot=true", earlier=EARLIER))
    assert lines == [
        f"where      SageMaker in AWS, eu-west-1, image {planned().facts.image.tag}",
        "data       the synthetic table, made by the run, 1,000 rows, sha256 unknown, it has not been read",
        (
            "machines   process 1 × ml.m5.xlarge up to 60 min, train 1 × ml.m5.xlarge spot up to 60 min,"
            " transform 1 × ml.m5.xlarge up to 60 min"
        ),
        "cost       at most $1.08; probably unknown, as no earlier run was of this shape",
        "prices     list price, before discounts and tax; read (2023-12)",
    ]
    assert five_lines(planned(earlier=EARLIER))[3] == "cost       at most $1.08; probably $0.060"


def test_an_earlier_run_on_ordinary_machines_says_nothing_of_spot():
    plan = planned("sagemaker.spot=true", earlier=EARLIER)
    assert [one.expected is not None for one in plan.steps] == [True, False, True]


def test_spot_is_a_range_and_said_to_be_unknown_elsewhere():
    (line,) = [line for line in whole(planned()) if line.startswith("spot")]
    assert "(sagemaker.spot=true) would save 53–75 % of the train job's machines, $0.19 to $0.27" in line
    (line,) = [
        line for line in whole(planned("compute.train.instance_type=ml.c5.xlarge")) if line.startswith("spot")
    ]
    assert "not known what it saves of ml.c5.xlarge" in line


@pytest.mark.parametrize(
    ("backend", "says", "asks"),
    [("rehearsal", "rehearsed: costs nothing", False), ("process", "nothing: it runs on this machine", False),
     ("sagemaker", "at most $", True)],
)  # fmt: skip
def test_only_what_costs_money_is_asked_about(backend, says, asks):
    config = compose([f"backend={backend}", "data.rows=1000", "sagemaker.max_usd=9"])
    if backend == "sagemaker":
        config.sagemaker.region = "eu-west-1"
    plan = make_plan(config, survey(config))
    assert money(plan).startswith(says)
    assert consent_needed(config, plan) is asks
    config.yes = True
    assert not consent_needed(config, plan)


def test_the_record_of_a_plan_has_its_figures_and_their_prices():
    record = planned(earlier=EARLIER).as_record()
    assert record["most_usd"] == pytest.approx(1.08)
    assert record["likely_usd"] == pytest.approx(0.06)
    assert (record["region"], record["rehearsed"]) == ("eu-west-1", False)
    assert {price["date"] for price in record["prices"]} == {"2023-12"}
