"""What a whole study may cost, before any of it is begun, and from where it stands."""

import json
from dataclasses import replace

import pytest
from tests.studies.test_study_spending import PRICES

from fraudlab.cli import main
from fraudlab.errors import ConfigError
from fraudlab.plan import survey as surveying
from fraudlab.plan.expectation import EarlierStep
from fraudlab.plan.run_plan import make_plan
from fraudlab.plan.survey import survey
from fraudlab.studies.study_plan import plan_study, run_of_study
from fraudlab.studies.study_text import study_lines, study_money
from fraudlab.studies.tuning_request import read_request

CLOUD = ["backend=sagemaker", "sagemaker.region=eu-west-1", "data.rows=1000", "tune.name=mine"]
HOUR = [f"compute.{job}.max_minutes=60" for job in ("process", "train", "transform", "serve")]
#: an hour costs 0.36
START, TRIAL, FINAL = 3 * 0.36, 0.36, 2 * 0.36
EARLIER = [
    EarlierStep(name, "ml.m5.xlarge", 1, 1000, seconds)
    for name, seconds in (("process", 100.0), ("train", 200.0), ("transform", 300.0))
]


@pytest.fixture(autouse=True)
def own_folder(no_own_defaults, in_tmp, monkeypatch):
    monkeypatch.setattr(surveying, "image_id", lambda _: f"sha256:{'ab' * 32}")
    return in_tmp


def planned(*words, **facts):
    request = read_request([*CLOUD, *HOUR, *words])
    config = run_of_study(request)
    run = make_plan(config, replace(survey(config), **{"prices": PRICES, **facts}))
    return plan_study(request, run=run)[0]


def write_run(runs, run_id, role, status, *, trial=None, params=None, **more):
    folder = runs / run_id
    folder.mkdir(parents=True)
    study = {"name": "mine", "role": role}
    study |= {"trial": trial} if role == "trial" else {"params": params or {}}
    record = {
        "id": run_id, "status": status, "metrics": {}, "stages": {}, "error": None, "ended": None,
        "started": f"2026-11-28T04:00:{len(list(runs.iterdir())):02d}Z", "backend": "sagemaker",
        "cloud": {"region": "eu-west-1"}, "rehearsed": False, "study": study, **more,
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(record))


def billed(**seconds):
    machine = {"instance_type": "ml.m5.xlarge", "instance_count": 1, "started": "2026-11-28T04:00:00Z"}
    return {"jobs": dict.fromkeys(seconds, machine), "billed_seconds": seconds}


@pytest.mark.parametrize(
    ("words", "most"),
    [
        (["tune.trials=1"], START + TRIAL + FINAL),
        (["tune.trials=50"], START + 50 * TRIAL + FINAL),
        (["tune.trials=50", "tune.parallel=8"], START + 50 * TRIAL + FINAL),
        (["tune.trials=2", "compute.train.max_minutes=120"], START + 2 * TRIAL + FINAL + 4 * 0.36),
        (["tune.trials=2", "compute.train.instance_count=3"], START + 2 * TRIAL + FINAL + 4 * 2 * 0.36),
        (["tune.trials=2", "sagemaker.warm_pool_minutes=30"], START + 2 * TRIAL + FINAL + 4 * 0.18),
        (["tune.trials=2", "evaluation.via=endpoint"], START + 2 * TRIAL + FINAL),
        (["tune.trials=2", "force=true"], START + 2 * TRIAL + FINAL + 0.36),  # the final prepares again
        (["tune.trials=2", "sagemaker.spot=true"], START + 2 * TRIAL + FINAL),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_the_most_is_of_all_trials_and_two_full_runs(words, most):
    plan = planned(*words)
    assert plan.most == plan.at_most == pytest.approx(most)
    assert (plan.spent, plan.likely, plan.is_cut) == (0.0, None, False)


def test_what_is_probable_is_by_earlier_runs():
    plan = planned("tune.trials=10", earlier=EARLIER)
    assert plan.likely == pytest.approx(0.06 + 10 * 0.02 + 0.05)
    assert "probably $0.31" in study_money(plan)


@pytest.mark.parametrize(
    ("limit", "affordable", "at_most"),
    [
        (2.16, 1, 2.16),
        (2.5, 1, 2.5),
        (2.52, 2, 2.52),
        (5.40, 10, 5.40),
        (99.0, 10, 5.40),
    ],
)
def test_a_maximum_is_of_the_whole_study(limit, affordable, at_most):
    plan = planned("tune.trials=10", f"sagemaker.max_usd={limit}")
    assert (plan.affordable, plan.at_most) == (affordable, pytest.approx(at_most))
    assert plan.is_cut == (affordable < 10)
    shown = "\n".join(study_lines(plan))
    assert ("without sagemaker.max_usd" in shown) == plan.is_cut
    assert f"at most ${at_most:.2f}" in shown


@pytest.mark.parametrize(
    ("words", "facts", "message"),
    [
        (
            ["sagemaker.max_usd=2.1"],
            {},
            r"study of one trial may cost \$2\.16 \(start \$1\.08, one trial \$0",
        ),
        (["sagemaker.max_usd=0.01"], {}, "more than sagemaker.max_usd=0.01"),
        (["sagemaker.max_usd=9"], {"region": "sa-east-1"}, "cannot be kept: prices of region sa-east-1"),
        (["sagemaker.max_usd=9"], {"region": None}, "cannot be kept: no region"),
    ],
)
def test_a_maximum_that_leaves_no_outcome_is_refused(words, facts, message):
    with pytest.raises(ConfigError, match=message):
        planned(*words, **facts)


def test_without_a_price_nothing_is_promised():
    plan = planned(region="sa-east-1")
    assert (plan.most, plan.at_most) == (None, None)
    assert study_money(plan).startswith("unknown: prices of region sa-east-1")


def test_trials_beside_each_other_need_their_machines_at_once():
    plan = planned("tune.parallel=4", "compute.train.instance_count=2")
    assert "training job usage (needs 8), for 4 trials beside each other" in "\n".join(study_lines(plan))


def test_what_was_spent_is_in_it_when_a_study_is_gone_on_with(own_folder):
    runs = own_folder / "runs"
    write_run(runs, "mine-start", "start", "completed", **billed(process=100, train=200, transform=300))
    write_run(runs, "mine-t000", "trial", "completed", trial=0, **billed(train=200))
    write_run(runs, "mine-t001", "trial", "pruned", trial=1, **billed(train=100))
    write_run(runs, "mine-t002", "trial", "interrupted", trial=2, **billed(train=50))
    write_run(runs, "mine-t002-2", "trial", "detached", trial=2, jobs=billed(train=0)["jobs"])
    plan = planned("tune.trials=10", prepared="it is in the cache")
    assert plan.spent == pytest.approx(0.095)
    assert plan.trials == 8  # the one that was left is one of them
    assert plan.most == pytest.approx(0.095 + 8 * TRIAL + FINAL)
    assert "at most $0.095 spent so far" in "\n".join(study_lines(plan))


def test_another_study_of_a_longer_name_is_not_counted(own_folder):
    runs = own_folder / "runs"
    write_run(runs, "mine-too-t000", "trial", "completed", trial=0, **billed(train=9000))
    record = json.loads((runs / "mine-too-t000" / "run.json").read_text())
    record["study"]["name"] = "mine-too"
    (runs / "mine-too-t000" / "run.json").write_text(json.dumps(record))
    assert planned().spent == 0.0


def test_where_what_was_prepared_is_gone_each_run_may_prepare_again(own_folder):
    write_run(own_folder / "runs", "mine-start", "start", "completed", **billed(train=200))
    plan = planned("tune.trials=2")
    assert plan.most == pytest.approx(0.02 + 2 * (TRIAL + 0.36) + FINAL + 0.36)


def test_what_is_left_of_a_study_has_to_fit_its_maximum(own_folder):
    runs = own_folder / "runs"
    write_run(runs, "mine-start", "start", "completed", **billed(train=3600))
    write_run(runs, "mine-t000", "trial", "completed", trial=0, **billed(train=3600))
    prepared = {"prepared": "it is in the cache"}
    plan = planned("tune.trials=10", "sagemaker.max_usd=1.50", **prepared)
    assert (plan.affordable, plan.costs_nothing) == (0, False)  # the final run is still to come
    with pytest.raises(
        ConfigError, match=r"left of the study may cost \$1\.44 \(\$0\.72 spent so far, the fin"
    ):
        planned("tune.trials=10", "sagemaker.max_usd=1.40", **prepared)


@pytest.mark.parametrize(
    ("words", "nothing"),
    [
        (["tune.trials=1"], True),
        (["tune.trials=2"], False),
        (["tune.trials=2", "sagemaker.max_usd=1"], True),
        (["tune.trials=2", "sagemaker.max_usd=2.5"], False),
    ],
)
def test_a_study_that_has_ended_costs_nothing_more(own_folder, words, nothing):
    runs = own_folder / "runs"
    for run_id, role in (("mine-start", "start"), ("mine-final", "final")):
        write_run(runs, run_id, role, "completed", **billed(train=3600))
    write_run(runs, "mine-t000", "trial", "completed", trial=0, **billed(train=3600))
    (runs / "studies" / "mine").mkdir(parents=True)
    outcome = {"trials": [{"number": 0, "state": "completed"}], "final": {"run": "mine-final"}}
    (runs / "studies" / "mine" / "outcome.json").write_text(json.dumps(outcome))
    assert planned(*words, prepared="it is in the cache").costs_nothing is nothing


def test_plan_shows_a_study_and_begins_nothing(own_folder, capsys):
    words = [*CLOUD, *HOUR, "tune.trials=10", "sagemaker.max_usd=3"]
    assert main(["plan", *words]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert any(line.startswith("study ") and "10 trials at most $" in line for line in shown)
    assert any(line.startswith("in all ") and "at most $3.00 for all of it" in line for line in shown)
    assert main(["plan", *words, "--json"]) == 0
    study = json.loads(capsys.readouterr().out)["study"]
    assert (study["trials"], study["max_usd"], study["most_usd"]) == (10, 3.0, 3.0)
    assert main(["plan", *CLOUD[:-1], "--json"]) == 0
    assert "study" not in json.loads(capsys.readouterr().out)
    assert not (own_folder / "runs").exists()
