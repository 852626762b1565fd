"""A study as a person meets it: runs, folders, a kill, and what is said of what tuning was worth."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from xgboost import Booster, DMatrix

from fraudlab.cli import main
from fraudlab.compose import compose
from fraudlab.container.runtime import cpu_count
from fraudlab.errors import Pruned, RunError
from fraudlab.files import read_json
from fraudlab.runs import Run, list_runs, require_completed
from fraudlab.terminal import Terminal
from fraudlab.workflow import run_trial

SMALL = ["backend=process", "tracking=off", "data.rows=3000", "data.fraud_rate=0.05", "model.num_round=12"]
SPACE = "tune.space={max_depth: {low: 2, high: 6}, learning_rate: {low: 0.05, high: 0.3, log: true}}"
ASKED = [*SMALL, "model.early_stopping_rounds=5", SPACE, "tune.name=mine", "tune.trials=3"]
TRIAL = {"name": "mine", "role": "trial", "trial": 0}


def call(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fraudlab", "tune", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def rows_of(folder: Path) -> list[tuple]:
    trials = read_json(folder / "runs/studies/mine/outcome.json")["trials"]
    return [(row["number"], row["state"], row["value"], row["params"], row["rounds"]) for row in trials]


@pytest.fixture(scope="module")
def tuned(tmp_path_factory) -> Path:
    """A folder in which a study of three trials has ended."""
    folder = tmp_path_factory.mktemp("tuned")
    done = call(folder, *ASKED)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "said").write_text(done.stdout)
    return folder


@pytest.mark.slow
def test_every_trial_is_a_run_that_never_saw_test(tuned):
    runs = {run.id: run for run in list_runs(tuned / "runs")}
    assert list(runs) == ["mine-start", "mine-t000", "mine-t001", "mine-t002", "mine-final"]
    for number, (run_id, run) in enumerate(list(runs.items())[1:4]):
        about = {"name": "mine", "role": "trial", "trial": number}
        assert {name: run.record["study"][name] for name in about} == about
        assert set(run.record["study"]["params"]) == {"max_depth", "learning_rate"}
        assert run.status == "completed"
        assert set(run.record["metrics"]) == {"validation_average_precision"}
        assert run.record["stages"]["prepare"]["cached"]
        made = {path.name for path in run.folder.iterdir()}
        assert {"evaluation", "report.html"}.isdisjoint(made), run_id
        contract = read_json(run.folder / "model" / "model.json")
        assert (contract["refit"], contract["calibration"]) == (None, None)
        assert "study-mine" in (run.folder / "config.yaml").read_text()
        assert [path.name for path in (run.folder / "logs").iterdir()] == ["train.log"]
        channels = read_json(run.folder / "requests" / "training-job.json")["InputDataConfig"]
        assert {channel["ChannelName"] for channel in channels} == {"train", "validation", "config"}
        with pytest.raises(RunError, match="trial of study mine"):
            require_completed(run)
    assert (tuned / "runs" / "latest").resolve().name == "mine-final"


@pytest.mark.slow
def test_trials_are_found_by_their_study(tuned, monkeypatch, capsys):
    monkeypatch.chdir(tuned)
    words = ["--where", "study.name=mine and study.role=trial", "--sort", "-validation_average_precision"]
    assert main(["runs", "list", *words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    values = [run["metrics"]["validation_average_precision"] for run in found]
    assert len(values) == 3
    assert values == sorted(values, reverse=True)


@pytest.mark.slow
def test_the_best_is_trained_once_more_and_told_with_its_interval(tuned):
    outcome = read_json(tuned / "runs/studies/mine/outcome.json")
    best = max(outcome["trials"], key=lambda row: (row["value"], -row["number"]))
    assert outcome["best"] == best["number"]
    final = Run(tuned / "runs" / "mine-final")
    assert final.record["study"]["params"] == best["params"]
    assert final.metrics["average_precision_low"] <= final.metrics["average_precision"]
    assert read_json(final.folder / "model" / "model.json")["refit"] is not None
    assert outcome["trials"][0]["params"] == {"max_depth": 4, "learning_rate": 0.1}, (
        "the settings it starts from"
    )
    said = (tuned / "said").read_text()
    assert outcome["worth"] in said
    low, high = outcome["difference"]["low"], outcome["difference"]["high"]
    assert ("noise" in outcome["worth"] or "nothing" in outcome["worth"]) == (low <= 0 <= high)
    assert [f"trial {number}/3" in said for number in (1, 2, 3)] == [True] * 3


@pytest.mark.slow
def test_its_best_settings_train_what_the_final_run_is(tuned, monkeypatch):
    monkeypatch.chdir(tuned)
    (tuned / "conf" / "experiment").mkdir(parents=True)
    best = (tuned / "runs/studies/mine/best.yaml").read_text()
    (tuned / "conf/experiment/tuned.yaml").write_text(best)
    config = compose([*SMALL, "model.early_stopping_rounds=5", "experiment=tuned"])
    final = yaml.safe_load((tuned / "runs/mine-final/overrides.yaml").read_text())
    assert config.model == compose(final).model


@pytest.fixture(scope="module")
def extended(tuned, tmp_path_factory) -> Path:
    """The same study gone on with, two trials beside each other."""
    folder = tmp_path_factory.mktemp("extended")
    shutil.copytree(tuned / "runs", folder / "runs", symlinks=True)
    done = call(folder, *ASKED[:-1], "tune.trials=5", f"tune.parallel={min(2, cpu_count())}")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("way", ["command", "option"])
@pytest.mark.parametrize("ended", ["tuned", "extended"])
def test_its_best_trials_are_the_members_of_one_booster(request, ended, way, in_tmp):
    """The model of the average is the mean, by hand, of the boosters that the trials have left."""
    runs = request.getfixturevalue(ended) / "runs"
    text = (runs / "studies/mine/members.yaml").read_text()
    if way == "command":
        (words,) = [
            shlex.split(line[2:]) for line in text.splitlines() if line.startswith("# fraudlab train")
        ]
        words = words[2:]
    else:
        (in_tmp / "conf" / "experiment").mkdir(parents=True)
        (in_tmp / "conf/experiment/average.yaml").write_text(text)
        words = [*SMALL, "model.early_stopping_rounds=5", "experiment=average"]
    assert main(["train", *words, "model.refit=false", "run.id=average"]) == 0
    trials = read_json(runs / "studies/mine/outcome.json")["trials"]
    best = sorted(trials, key=lambda row: (-row["value"], row["number"]))
    alone = [Booster(model_file=runs / row["run"] / "model/model.ubj") for row in best]
    whole = Booster(model_file="runs/average/model/model.ubj")
    assert len(alone) == (3 if ended == "tuned" else 5)
    assert whole.num_boosted_rounds() == sum(booster.num_boosted_rounds() for booster in alone)
    values = np.random.default_rng(5).normal(size=(500, whole.num_features())) * 3
    rows = DMatrix(values, feature_names=whole.feature_names, feature_types=whole.feature_types)
    raw = [booster.predict(rows, output_margin=True) for booster in alone]
    assert np.ptp(raw[0] - raw[1]) > 0.01
    assert whole.predict(rows, output_margin=True) == pytest.approx(np.mean(raw, axis=0), abs=1e-5)


@pytest.mark.slow
def test_the_same_call_again_begins_nothing(tuned):
    before = [run.id for run in list_runs(tuned / "runs")]
    done = call(tuned, *ASKED)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [run.id for run in list_runs(tuned / "runs")] == before
    assert read_json(tuned / "runs/studies/mine/outcome.json")["worth"] in done.stdout


@pytest.mark.slow
def test_a_study_is_extended_by_trials_beside_each_other(tuned, extended):
    rows = rows_of(extended)
    assert rows[:3] == rows_of(tuned)
    assert [(number, state) for number, state, *_ in rows] == [(number, "completed") for number in range(5)]
    finals = [run for run in list_runs(extended / "runs") if run.record["study"]["role"] == "final"]
    outcome = read_json(extended / "runs/studies/mine/outcome.json")
    best = max(rows, key=lambda row: (row[2], -row[0]))
    assert finals[-1].record["study"]["params"] == best[3]
    assert ("second tuned model" in outcome["worth"]) == (len(finals) == 2)


@pytest.mark.slow
def test_a_study_that_is_killed_comes_to_the_same(tuned, tmp_path):
    """Killed while a trial trains: that trial is settled, none is lost, and none is there twice."""
    command = [sys.executable, "-m", "fraudlab", "tune", *ASKED]
    study = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    log = tmp_path / "runs" / "mine-t001" / "logs" / "train.log"
    while not log.exists():
        assert study.poll() is None
        time.sleep(0.01)
    os.kill(study.pid, signal.SIGKILL)
    study.wait()
    done = call(tmp_path, *ASKED)
    assert done.returncode == 0, done.stdout + done.stderr
    assert rows_of(tmp_path) == rows_of(tuned)
    runs = list_runs(tmp_path / "runs")
    assert {run.status for run in runs} <= {"completed", "interrupted", "dead"}
    ended = [run.record["study"].get("trial") for run in runs if run.status == "completed"]
    assert [ended.count(number) for number in (0, 1, 2)] == [1, 1, 1]


def test_a_trial_that_is_pruned_says_so_and_its_job_is_stopped(in_tmp):
    told = []

    def on_round(number, metrics):
        told.append((number, set(metrics)))
        if number == 2:
            raise Pruned("others were better", fix="none")

    words = [*SMALL, "model.refit=false", "model.num_round=100000", "run.id=mine-t000"]
    with pytest.raises(Pruned):
        run_trial(
            compose(words), overrides=words, study=TRIAL, on_round=on_round, terminal=Terminal(quiet=True)
        )
    assert told == [(number, {"aucpr", "logloss"}) for number in range(3)]
    run = Run(in_tmp / "runs" / "mine-t000")
    assert run.status == "pruned"
    assert run.record["error"]["message"] == "others were better"
    assert not (in_tmp / "runs" / "latest").exists()
    with pytest.raises(RunError):
        require_completed(run)


def test_of_an_average_the_first_member_is_compared(in_tmp):
    """Its rounds are those that come while there is something left to end early."""
    told = []

    def on_round(number, metrics):
        told.append((number, set(metrics)))

    for run_id, members in (("mine-t000", "2"), ("mine-t001", "[{max_depth: 2}]")):
        words = [*SMALL, "model.num_round=6", "model.refit=false", f"run.id={run_id}"]
        words += ["model.early_stopping_rounds=0", f"model.members={members}"]
        run_trial(
            compose(words), overrides=words, study=TRIAL, on_round=on_round, terminal=Terminal(quiet=True)
        )
        assert told == [(number, {"aucpr", "logloss"}) for number in range(6)]
        told.clear()


def test_older_folds_of_a_trial_are_measured_on_validation_alone(in_tmp):
    lengths = [
        "split.train_length=12h",
        "split.validation_length=8h",
        "split.test_length=8h",
        "split.folds=2",
    ]
    words = [*SMALL, "split=prequential", *lengths, "model.refit=false", "run.id=mine-t000"]
    run = run_trial(compose(words), overrides=words, study=TRIAL, terminal=Terminal(quiet=True))
    older = read_json(run.folder / "training" / "prequential.json")
    (fold,) = older["folds"]
    assert set(fold) == {"fold", "rounds", "validation_average_precision"}
    metrics = run.record["metrics"]
    newest = read_json(run.folder / "training" / "validation.json")["average_precision"]
    assert metrics["validation_average_precision_fold_1"] == newest
    assert metrics["validation_average_precision_fold_2"] == fold["validation_average_precision"]
    assert metrics["validation_average_precision"] == pytest.approx(
        (newest + fold["validation_average_precision"]) / 2
    )
    assert "test" not in (run.folder / "logs" / "train.log").read_text()
