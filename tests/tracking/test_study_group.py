"""The experiments of a study are one group at Comet, however each of its runs has ended."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fraudlab.compose import compose
from fraudlab.container.runtime import cpu_count
from fraudlab.errors import JobFailed, Pruned
from fraudlab.files import read_json
from fraudlab.runs import Run, list_runs
from fraudlab.terminal import Terminal
from fraudlab.tracking import new_key
from fraudlab.tracking.comet.internals import temporary_files_in
from fraudlab.tracking.comet.sdk import load_sdk, quiet_config
from fraudlab.tracking.study_group import group_facts, judged
from fraudlab.workflow import run_trial

SMALL = ["backend=process", "data.rows=3000", "data.fraud_rate=0.05", "model.num_round=12"]
SPACE = "tune.space={max_depth: {low: 2, high: 6}, learning_rate: {low: 0.05, high: 0.3, log: true}}"
PARAMS = {"max_depth": 3, "grow_policy": "depthwise"}
TRIAL = {"name": "mine", "group": "9f" * 16, "role": "trial", "trial": 4, "params": PARAMS}
GROUPED = {
    "optimizer_id": "9f" * 16,
    "optimizer_name": "mine",
    "optimizer_count": 5,
    "optimizer_metric": "validation_average_precision",
    "optimizer_objective": "maximum",
    "optimizer_parameters": json.dumps(PARAMS),
    "study.name": "mine",
    "study.role": "trial",
    "study.trial": 4,
}


def carried_out(mode: str, ending: Exception | None) -> Run:
    """A trial that ends by itself, or with an error in its third round."""

    def on_round(number, _metrics):
        if ending is not None and number == 2:
            raise ending

    rounds = 12 if ending is None else 100_000
    words = [*SMALL, f"model.num_round={rounds}", "model.refit=false", "run.id=mine-t004", f"tracking={mode}"]
    try:
        run_trial(
            compose(words), overrides=words, study=TRIAL, on_round=on_round, terminal=Terminal(quiet=True)
        )
    except (Pruned, JobFailed) as error:
        assert error is ending  # noqa: PT017  (which of them has no word of its own)
    return Run(Path("runs/mine-t004"))


@pytest.fixture(params=["offline", "online"])
def mode(request) -> str:
    return str(request.param)


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        (None, "completed"),
        (Pruned("others were better", fix="none"), "pruned"),
        (JobFailed("it broke", fix="mend it"), "failed"),
    ],
    ids=["completed", "pruned", "failed"],
)
def test_a_trial_is_in_its_group_however_it_ends(in_tmp, server, read_archive, mode, ending, status):
    run = carried_out(mode, ending)
    experiment = run.record["experiment"]
    assert (run.status, experiment["mode"], experiment["problems"]) == (status, mode, [])
    if mode == "online":
        assert server.experiments == {experiment["key"]}
        assert not server.misunderstood
        others = {other["key"]: other["value"] for other in server.others}
        parameters = {given["parameterName"] for given in server.parameters}
    else:
        assert server.experiments == set()
        archives = map(read_archive, (run.folder / "comet").glob("*.zip"))
        (launcher,) = [one for one in archives if "optimizer_id" in one.others]
        others, parameters = launcher.others, set(launcher.parameters)
    told = {name: others.get(name) for name in GROUPED}
    assert {name: str(value) for name, value in told.items()} == {
        name: str(value) for name, value in GROUPED.items()
    }
    assert others["status"] == status
    assert others.get("error") == (None if ending is None else ending.message)
    assert {"model.max_depth", "model.learning_rate"} <= parameters
    value = run.record.get("metrics", {}).get("validation_average_precision")
    assert (value is not None) == (status == "completed")
    assert str(others.get("optimizer_metric_value")) == str(value)


def test_full_runs_are_in_the_group_of_their_trials():
    for role in ("start", "final"):
        facts = group_facts({**TRIAL, "role": role})
        assert facts == {name: GROUPED[name] for name in ("optimizer_id", "optimizer_name", "study.name")} | {
            "study.role": role
        }


def test_the_fields_are_those_of_the_sdk(tmp_path, read_archive):
    """As its ``log_optimization`` writes them, for searches that are not Comet's."""
    sdk = load_sdk()
    with temporary_files_in(tmp_path):
        live = sdk.start(
            online=False, mode="create", experiment_key=new_key(), workspace="risk", project="cards",
            experiment_config=quiet_config(sdk, folder=tmp_path, name="run-1", tags=()),
        )  # fmt: skip
        facts = {**group_facts(TRIAL), **judged(0.25)}
        live.log_optimization(
            facts["optimizer_id"], facts["optimizer_metric"], 0.25, PARAMS, facts["optimizer_objective"]
        )
        live.end()
    (archive,) = tmp_path.glob("*.zip")
    logged = read_archive(archive).others
    theirs = {name: value for name, value in logged.items() if name.startswith("optimizer_")}
    assert set(theirs) == {
        "optimizer_id", "optimizer_metric", "optimizer_metric_value", "optimizer_objective",
        "optimizer_parameters",
    }  # fmt: skip
    assert theirs == {name: facts[name] for name in theirs}


def tune(*words: str) -> None:
    asked = [*SMALL, "model.early_stopping_rounds=5", SPACE, "tune.name=mine", "tracking=online", *words]
    command = [sys.executable, "-m", "fraudlab", "tune", *asked]
    done = subprocess.run(command, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_study_is_one_group_beside_each_other_and_gone_on_with(in_tmp, server):
    tune("tune.trials=1")
    tune("tune.trials=4", f"tune.parallel={min(2, cpu_count())}")
    runs = list_runs(in_tmp / "runs")
    keys = {run.record["experiment"]["key"] for run in runs}
    assert len(keys) == len(runs) >= 6
    assert server.experiments == keys
    assert not server.misunderstood
    assert [run.record["experiment"]["problems"] for run in runs] == [[]] * len(runs)
    group = read_json(in_tmp / "runs/studies/mine/study.json")["group"]
    said = {(one["experimentKey"], one["value"]) for one in server.others if one["key"] == "optimizer_id"}
    assert said == {(key, group) for key in keys}
    trials = [run for run in runs if run.record["study"]["role"] == "trial"]
    for run in trials:
        key = run.record["experiment"]["key"]
        said = {one["key"]: one["value"] for one in server.others if one["experimentKey"] == key}
        assert json.loads(said["optimizer_parameters"]) == run.record["study"]["params"]
        value = run.record["metrics"]["validation_average_precision"]
        assert float(said["optimizer_metric_value"]) == value
        ((_, measured),) = server.points("validation_average_precision", key)
        assert measured == pytest.approx(value)
    assert sorted(run.record["study"]["trial"] for run in trials) == [0, 1, 2, 3]
