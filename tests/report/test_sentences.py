"""Every sentence of a report is said where it is true, and only there."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from fraudlab.evaluation.operating import NO_ALERTS
from fraudlab.report import render_run
from fraudlab.report.concerns import terminal_lines
from fraudlab.report.recorded.run_record import read_run

from .example_run import build_run
from .page_text import Page

FILES = {
    "run": "run.json",
    "metrics": "evaluation/metrics.json",
    "curves": "evaluation/curves.json",
    "budgets": "evaluation/budgets.json",
    "stability": "evaluation/stability.json",
    "mistakes": "evaluation/mistakes.json",
    "importance": "evaluation/importance.json",
    "manifest": "data/manifest.json",
    "history": "training/history.json",
    "validation": "training/validation.json",
    "model": "model/model.json",
    "config": "config.yaml",
    "overrides": "overrides.yaml",
}
KINDS: dict[str, dict[str, Any]] = {
    "timed": {},
    "dated": {"time": "timestamp"},
    "stratified": {"split": "stratified", "time": "number"},
    "timeless": {"split": "stratified", "time": None},
    "moneyless": {"amount": False},
}
# a table and a cost of one's own, and enough frauds
SOUND: dict[str, Any] = {
    "test_rows": 20_000,
    "frauds": 250,
    "overrides": {"evaluation.alert_cost": 5.0},
    "run": {"data": {"source": "table", "path": "transactions.csv", "sha256": "7f" * 32, "rows": 284_807}},
}

Changes = dict[str, Any]


@dataclass(frozen=True)
class Sentence:
    """Words, and the changes to a run's files with which they are there, and with which they are not.

    A change names a file and, where not all of it is replaced, a path: ``{"model.decision.policy": "f1"}``.
    """

    words: str
    said: Changes
    unsaid: tuple[Changes, ...] = ({},)
    kind: str = "timed"
    terminal: bool | None = None


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A sound run of every kind, by its name."""
    folder = tmp_path_factory.mktemp("sound")
    return {kind: build_run(folder / kind, **SOUND, **options) for kind, options in KINDS.items()}


def changed(source: Path, target: Path, changes: Changes) -> Path:
    """A copy of a run with some of its files changed."""
    shutil.copytree(source, target)
    for name, value in changes.items():
        file, _, path = name.partition(".")
        at = target / FILES[file]
        if value is None and not path:
            at.unlink()
            continue
        content = yaml.safe_load(at.read_text())
        if path:
            *parents, last = path.split(".")
            inner = content
            for parent in parents:
                inner = inner.setdefault(parent, {})
            inner[last] = value
        elif isinstance(value, dict):
            content |= value
        else:
            content = value
        at.write_text(json.dumps(content))
    return target


def text_of(folder: Path) -> str:
    page = Page(render_run(folder).read_text(encoding="utf-8"))
    return " ".join(page.text).replace("\u00a0", " ")


ONLY_V1 = [{"column": "V1", "gain": 0.97}, {"column": "V2", "gain": 0.03}]
COPY = {
    "column": "chargeback",
    "how": "equal",
    "value": None,
    "different": {"train": 0, "validation": 0, "test": 0},
}
LEAK = {"validation": {"average_precision": 1.0, "positives": 57}}
TEN_FRAUDS = {"hour": 2, "positives": 10, "recall": 0.2, "precision": 0.5}
NINE_FRAUDS = {"hour": 3, "positives": 9, "recall": 0.1, "precision": None}
LOW = {"average_precision": 0.007, "average_precision_low": 0.005, "average_precision_high": 0.012}


CURVE = {
    "threshold": [0.9, 0.5, 0.4, 0.3],
    "alerts": [1, 10, 20, 30],
    "missed": [9, 2, 1, 1],
    "f1": [0.2, 0.8, 0.6, 0.4],
    "cost": [900.0, 200.0, 190.0, 260.0],
}
THREE = {"metric": "aucpr", "validation": [0.5, 0.75, 0.7], "best_round": 1, "rounds": 3}


def alerting(tp: int, fp: int, frauds: int = 250, rows: int = 20_000) -> Changes:
    return {
        "true_positives": tp,
        "false_positives": fp,
        "false_negatives": frauds - tp,
        "true_negatives": rows - frauds - fp,
        "precision": tp / (tp + fp) if tp + fp else None,
        "positives": frauds,
        "rows": rows,
    }


CAUTIONS = [
    Sentence("Generated data.", {"run.data.source": "synthetic"}, ({}, {"run.data.source": "creditcard"})),
    Sentence("Simulated data.", {"run.data.source": "handbook"}),
    Sentence(
        "A column tells the label. Column 'chargeback' equals the label in every row of train.",
        {"manifest": {"label_copies": [COPY]}},
        ({}, {"manifest": {"label_copies": []}}),
    ),
    Sentence("2 columns tell the label.", {"manifest": {"label_copies": [COPY, COPY | {"column": "x"}]}}),
    Sentence("transaction is scored: data.drop=[chargeback]", {"manifest": {"label_copies": [COPY]}}),
    Sentence(
        "transaction is scored: data.features=[b]",
        {"manifest": {"label_copies": [COPY]}, "config.data.features": ["b", "chargeback"]},
        ({"manifest": {"label_copies": [COPY]}},),
    ),
    Sentence(
        "One column decides almost alone. 'V1' has 97.0 % of what all splits of the trees gained.",
        {"importance": ONLY_V1},
        (
            {},
            {"importance": [{"column": "V1", "gain": 0.95}, {"column": "V2", "gain": 0.05}]},
            {"importance": [{"column": "V1", "gain": 1.0}]},
        ),
    ),
    Sentence(  # which no override leaves out as a column of the table
        "It is computed of others (V1 = a / b): see that those are known when a transaction is scored.",
        {"importance": ONLY_V1, "config.data.derive": {"V1": "a / b"}},
        ({"importance": ONLY_V1, "config.data.derive": {"V2": "a / b"}}, {"importance": ONLY_V1}),
    ),
    Sentence(
        "Average precision is 0.997: look for a column",
        {"metrics.average_precision": 0.997},
        ({}, {"metrics.average_precision": 0.99}),
    ),
    Sentence("Average precision is above 0.999: look", {"metrics.average_precision": 0.99996}),
    Sentence(
        "The first to look at is 'V1', with 97.0 % of the gain.",
        {"metrics.average_precision": 0.997, "importance": ONLY_V1},
        ({"importance": ONLY_V1}, {"metrics.average_precision": 0.997, "importance": None}),
    ),
    Sentence(
        "Average precision is 1.000 on validation and 0.007 on test, further apart than noise.",
        LEAK | {"metrics": LOW},
        (
            {},
            {"metrics": LOW},
            # five frauds cannot tell, an eighth of a large table is drift, and folds are another thing
            {
                "validation": {"average_precision": 0.4, "positives": 5},
                "metrics": LOW | {"average_precision_high": 0.3},
            },
            {
                "validation": {"average_precision": 0.8, "positives": 90_000},
                "metrics": {
                    "average_precision": 0.76,
                    "average_precision_low": 0.759,
                    "average_precision_high": 0.761,
                },
            },
            LEAK | {"metrics": LOW, "model.decision.measured_on": "out_of_fold"},
        ),
    ),
    Sentence(
        "No time is left out for labels that come late.",
        {"manifest.split.gap_seconds": 0.0},
    ),
    Sentence(
        "Labels come 7 days late (data.delay), and 1 h is left out before validation and test (split.gap).",
        {"config.data.delay": "7d"},
        ({}, {"config.data.delay": "1h"}),
    ),
    Sentence(
        "Labels come 7 days late (data.delay), and nothing is left out",
        {"config.data.delay": "7d", "manifest.split.gap_seconds": 0.0},
    ),
    Sentence(
        "may stand on both sides of the split. 1,081 rows repeat another exactly and were kept",
        {},
        (
            {"manifest.duplicates.policy": "drop"},
            {"manifest.duplicates.rows": 0},
            {"manifest.split.kind": "time"},
        ),
        kind="stratified",
    ),
    Sentence(
        "1 row repeats another exactly and was kept", {"manifest.duplicates.rows": 1}, kind="stratified"
    ),
    Sentence(
        "Training ended almost at once. The model has only 9 rounds of boosting, of 31 trained",
        {"model.rounds": 9, "history.rounds": 31},
        ({}, {"model.rounds": 10, "history.rounds": 31}),
    ),
    Sentence("has only 1 round of boosting, of 31", {"model.rounds": 1, "history.rounds": 31}),
    Sentence(
        "As asked (model.num_round=5)",
        {"model.rounds": 5, "history.rounds": 5, "config.model.num_round": 5},
        ({"model.rounds": 3, "history.rounds": 5, "config.model.num_round": 5},),
        terminal=False,
    ),
    Sentence(
        "weights raise all of them (model.scale_pos_weight=24): the mean score is 0.0400, and 1.25 % of",
        {"config.model.scale_pos_weight": 24, "metrics": {"mean_score": 0.04, "prevalence": 0.0125}},
        ({"metrics": {"mean_score": 0.04, "prevalence": 0.0125}},),
    ),
    Sentence("Class weights lower all of them", {"config.model.scale_pos_weight": 0.5}),
    Sentence(
        "too high to be probabilities. The mean score is 0.0400, and 1.25 % of the test rows are fraud.",
        {"metrics": {"mean_score": 0.04, "prevalence": 0.0125}},
        (
            {},
            {"metrics": {"mean_score": 0.025, "prevalence": 0.0125}},
            # one caution, not two
            {"config.model.scale_pos_weight": 24, "metrics": {"mean_score": 0.04, "prevalence": 0.0125}},
            # two frauds of a thousand rows might as well have been six
            {"metrics": {"mean_score": 0.006, "prevalence": 0.002, "positives": 2, "rows": 1_000}},
        ),
    ),
    Sentence(
        "Only 75 frauds in the test rows. With others of the same kind, average precision might as well be "
        "anywhere in 0.600–0.800.",
        {"metrics": {"positives": 75, "average_precision_low": 0.6, "average_precision_high": 0.8}},
        ({}, {"metrics.positives": 200}),
    ),
    Sentence("Only 1 fraud in the test rows", {"metrics.positives": 1}),
    Sentence(
        "rests on an assumed cost. Looking at an alert is taken to cost 5 (evaluation.alert_cost).",
        {"overrides": []},
        (
            {},
            {"overrides": [], "model.decision.alert_cost": 8.0},
            {"overrides": ["evaluation.alert_cost=5"]},
            {"overrides": ["++evaluation.alert_cost=5"]},
            {"overrides": [], "model.decision.policy": "f1"},
            {"overrides": [], "model.decision.policy": "fixed"},
        ),
    ),
    Sentence(
        "A missed fraud is taken to cost 100 (evaluation.missed_fraud_cost), looking at an alert",
        {"overrides": [], "model.decision.missed_fraud_cost": 100.0},
        (
            {"overrides": []},
            {"overrides": ["evaluation.alert_cost=5"], "model.decision.missed_fraud_cost": 100.0},
        ),
    ),
    Sentence(
        "The model raises no alert. Alerting nothing is cheapest on the validation rows.",
        {
            "model": {"threshold": NO_ALERTS, "decision": {"policy": "cost", "measured_on": "validation"}},
            "metrics": alerting(0, 0) | {"threshold": NO_ALERTS},
        },
        (
            {},
            {"model": {"threshold": 1.0}},
            {"model": {"threshold": NO_ALERTS, "decision": {"policy": "fixed"}}},
        ),
    ),
    Sentence(
        "No score is at or above 0.9000: nothing is alerted or caught.",
        {"metrics": alerting(0, 0) | {"threshold": 0.9}},
        ({"metrics": alerting(0, 1) | {"threshold": 0.9}},),
    ),
    Sentence("No fraud is caught. All 12 alerts are false.", {"metrics": alerting(0, 12)}),
    Sentence("The only alert is false.", {"metrics": alerting(0, 1)}, ({"metrics": alerting(1, 0)},)),
    Sentence(
        "23.9 % of transactions raise an alert. One in 4.2, 25 false ones for each fraud. Raise",
        {"metrics": alerting(184, 4_596)},
        ({}, {"metrics": alerting(200, 800)}),
    ),
    Sentence(
        "where frauds were picked out for the table",
        {"metrics": alerting(4_000, 100, frauds=5_000)},
        ({"metrics": alerting(184, 4_596)},),
        terminal=False,
    ),
    Sentence(
        "1,234 values of the test rows are categories absent from train",
        {"metrics.unseen_categories": 1_234},
        ({}, {"metrics.unseen_categories": 0}),
    ),
    Sentence("1 value of the test rows is a category absent", {"metrics.unseen_categories": 1}),
    Sentence(
        "The best of 300 rounds is the last one: more (model.num_round) may find more.",
        {"history": {"best_round": 299, "rounds": 300}},
        (
            {},
            {"history": {"best_round": 140, "rounds": 300}},
            # without early stopping the record names the last round, and the best was another
            {
                "history": {
                    "best_round": 299,
                    "rounds": 300,
                    "metric": "aucpr",
                    "validation": [0.1, 0.9, 0.5],
                },
                "config.model.early_stopping_rounds": 0,
            },
            # which way is up only the hook knows
            {
                "history": {"best_round": 2, "rounds": 3, "metric": "mine", "validation": [0.1, 0.5, 0.9]},
                "config.model": {"early_stopping_rounds": 0, "num_round": 3, "eval_metric": ["hook:mine"]},
                "model.hyperparameters": {"eval_metric": ["aucpr", "hook:mine"]},
            },
        ),
        terminal=False,
    ),
    Sentence(
        "The best of 3 rounds is the last one",
        {
            "history": {"best_round": 2, "rounds": 3, "metric": "logloss", "validation": [0.9, 0.5, 0.1]},
            "config.model": {"early_stopping_rounds": 0, "num_round": 3},
        },
        terminal=False,
    ),
    Sentence(
        "Ran on the process backend instead of the one asked for. No engine answers.",
        {"run": {"fallback": "no engine answers", "backend": "process"}},
        terminal=False,
    ),
    Sentence(
        "The commit named below does not alone reproduce this run.",
        {"run.git": {"commit": "c0ffee", "dirty": True}},
        ({}, {"run.git": {"commit": None, "dirty": True}}),
        terminal=False,
    ),
    Sentence(
        "This run failed. The disk is full.",
        {"run": {"status": "failed", "error": {"message": "The disk is full."}}},
        terminal=False,
    ),
    Sentence("differ from the model's own by up to 1.0e-02", {"metrics.endpoint_max_difference": 0.01}),
]


DAY = {"days": 1.0, "value_recall": 0.5}
SENTENCES = [
    # the verdict
    Sentence(
        "catches 200 of 250 frauds and 50.0 % of their value in 24 h of test data, raising 400 alerts "
        "( 400 per day ), of which 50.0 % are fraud .",
        {"metrics": alerting(200, 200) | DAY},
    ),
    Sentence(
        "in test rows drawn at random, as many as come in 3.7 h, raising 400 alerts ( 2,599 per day )",
        {"metrics": alerting(200, 200) | DAY | {"days": 2.0}},
        kind="stratified",
    ),
    Sentence(
        "catches 200 of 250 frauds in the test rows, raising 400 alerts , of which",
        {"metrics": alerting(200, 200) | {"days": None, "value_recall": None}, "curves.days": None},
        kind="timeless",
    ),
    Sentence(
        "catches none of 250 frauds in 24 h of test data, raising no alerts .",
        {"metrics": alerting(0, 0) | DAY | {"value_recall": 0.0}},
    ),
    Sentence("raising 1 alert ( 1.0 per day ), which is no fraud", {"metrics": alerting(0, 1) | DAY}),
    Sentence("1 alert ( 1.0 per day ), which is fraud", {"metrics": alerting(1, 0) | DAY}),
    Sentence("7 alerts ( 7.0 per day ), of which none is fraud", {"metrics": alerting(0, 7) | DAY}),
    Sentence("of which 10.0 % is fraud", {"metrics": alerting(1, 9) | DAY}),
    Sentence("catches 1 of 1 fraud in", {"metrics": alerting(1, 9, frauds=1) | DAY | {"value_recall": None}}),
    # tiles
    Sentence("Alerts per day", {}, ({"metrics.days": None, "curves.days": None},)),
    Sentence("no alerts", {"metrics": alerting(0, 0)}),
    Sentence("0 of 1 alert ", {"metrics": alerting(0, 1)}),
    Sentence("share of the frauds\u2019 amounts", {}, ({"metrics.value_recall": None},)),
    # how the threshold came about
    Sentence(
        "where missed frauds (their amounts) and alerts (5 each) together cost least on the validation rows;",
        {"model.decision": {"policy": "cost", "alert_cost": 5.0, "measured_on": "validation"}},
        (
            {
                "model.decision": {
                    "policy": "fixed",
                    "threshold": 0.5,
                    "alert_cost": 5.0,
                    "measured_on": "validation",
                }
            },
        ),
    ),
    Sentence(
        "where missed frauds (100 each) and alerts (2.5 each) together cost least on out-of-fold scores of",
        {
            "model.decision": {
                "policy": "cost",
                "alert_cost": 2.5,
                "missed_fraud_cost": 100.0,
                "measured_on": "out_of_fold",
            }
        },
    ),
    Sentence(
        "alerts nothing: on the validation rows missed frauds (their amounts) cost less than alerts (5 each)",
        {
            "model": {
                "threshold": NO_ALERTS,
                "decision": {"policy": "cost", "alert_cost": 5.0, "measured_on": "validation"},
            }
        },
    ),
    Sentence(
        "chosen where F1 is highest on the validation rows;",
        {"model.decision": {"policy": "f1", "measured_on": "validation"}},
    ),
    Sentence(
        "given, not chosen (evaluation.threshold=0.5);",
        {"model.decision": {"policy": "fixed", "threshold": 0.5, "measured_on": "validation"}},
    ),
    Sentence("stored with the model;", {"model": None}),
    Sentence(
        "Given, not chosen; on validation: 10 alerts, cost 200",
        {
            "model.decision": {"policy": "fixed", "threshold": 0.5, "measured_on": "validation"},
            "validation": {"threshold": 0.5, "cost": 200.0, "curve": CURVE} | alerting(8, 2),
        },
    ),
    Sentence(
        "Cheapest of the line: 190 at 20 alerts.",
        {
            "model.decision": {"policy": "fixed", "threshold": 0.5, "measured_on": "validation"},
            "validation": {"threshold": 0.5, "cost": 200.0, "curve": CURVE} | alerting(8, 2),
        },
    ),
    Sentence(
        "Given, not chosen; on validation: no alerts, cost 950",
        {
            "model.decision": {"policy": "fixed", "threshold": 0.99, "measured_on": "validation"},
            "validation": {"threshold": 0.99, "cost": 950.0, "curve": CURVE} | alerting(0, 0),
        },
    ),
    Sentence(
        "Chosen on validation: 10 alerts, F1 0.800",
        {
            "model.decision": {"policy": "f1", "measured_on": "validation"},
            "validation": {"threshold": 0.5, "f1": 0.8, "cost": 200.0, "curve": CURVE} | alerting(8, 2),
        },
    ),
    Sentence(
        "What missed frauds cost, plus 5 per alert. It stays within 10 % of this from 10 to 20 alerts.",
        {"validation": {"threshold": 0.5, "cost": 200.0, "curve": CURVE} | alerting(8, 2)},
        # a dear number of alerts between two cheap ones ends the range
        (
            {
                "validation": {
                    "threshold": 0.9,
                    "cost": 205.0,
                    "curve": CURVE | {"cost": [205.0, 250.0, 190.0, 200.0]},
                }
                | alerting(1, 0)
            },
        ),
    ),
    Sentence(
        "It stays within 10 % of this only at 1 alert.",
        {
            "validation": {
                "threshold": 0.9,
                "cost": 205.0,
                "curve": CURVE | {"cost": [205.0, 250.0, 190.0, 200.0]},
            }
            | alerting(1, 0)
        },
    ),
    Sentence(
        "Alerting nothing costs less than any number of alerts.",
        {"validation": {"threshold": NO_ALERTS, "cost": 90.0, "curve": CURVE} | alerting(0, 0)},
    ),
    # the split
    Sentence(
        "Labels arrive late, hence the gaps of 1 h before validation and before test (2,932 rows left out).",
        {},
        ({"manifest.split.gap_seconds": 0.0}, {"manifest.split.kind": "stratified"}),
    ),
    Sentence("(1 row left out)", {"manifest.split.gap_rows": 1}),
    Sentence("(no rows left out)", {"manifest.split.gap_rows": 0}),
    Sentence("train is the past, test what came after.", {}, ({"manifest.split.kind": "stratified"},)),
    Sentence("in the order of time", {"manifest.split.cuts": None}, ({"manifest.split.kind": "stratified"},)),
    Sentence(
        "A random split tests on the same days it learned from",
        {},
        ({"manifest.split.kind": "time"},),
        kind="stratified",
    ),
    Sentence(
        "Without times it is not tested how the model does on later transactions.", {}, (), kind="timeless"
    ),
    # training
    Sentence(
        "Best aucpr 0.750 after 2 of 3 rounds, which are kept",
        {"history": THREE, "model.rounds": 2},
        ({"history": THREE, "model.rounds": 3},),
    ),
    Sentence("Best aucpr 0.750 after 2 of 3 rounds; all are kept", {"history": THREE, "model.rounds": 3}),
    Sentence(
        "Best aucpr 0.750 after 2 of 3 rounds; all are kept",
        {
            "history": THREE | {"best_round": 2},
            "model.rounds": 3,
            "config.model": {"early_stopping_rounds": 0, "num_round": 3},
        },
    ),
    Sentence("best: 1 round", {"history": THREE | {"best_round": 0}, "model.rounds": 1}),
    Sentence("after 1 of 3 rounds, which is kept", {"history": THREE | {"best_round": 0}, "model.rounds": 1}),
    Sentence("3 rounds were trained", {"history": THREE | {"best_round": None}}),
    # columns
    Sentence("14 more columns share", {}, ({"importance": ONLY_V1}, {"importance": None})),
    Sentence(
        "The other column has 0.50 %.",
        {
            "importance": [{"column": f"V{i}", "gain": 0.0663} for i in range(15)]
            + [{"column": "w", "gain": 0.005}]
        },
    ),
    Sentence("No tree splits on any column", {"importance": [{"column": "V1", "gain": 0.0}]}),
    # provenance
    Sentence(
        "exactly the model\u2019s own", {}, ({"metrics.endpoint_max_difference": 1e-8}, {"metrics": None})
    ),
    Sentence("are the model\u2019s own to 1.0e-08", {"metrics.endpoint_max_difference": 1e-8}),
    Sentence(
        "tracking was off", {"run.experiment": None}, ({}, {"run": {"experiment": None, "status": "failed"}})
    ),
    Sentence("with uncommitted changes", {"run.git.dirty": True}),
    Sentence(
        "Accuracy says little where fraud is rare: a model that never alerts would have 99.8 %.",
        {"metrics.prevalence": 0.002},
        ({"metrics.prevalence": 0.3}, {"metrics": {"prevalence": 0.002, "accuracy": None}}),
    ),
    Sentence(
        "Accuracy has a base: a model that never alerts would have 70.0 %.", {"metrics.prevalence": 0.3}
    ),
    Sentence("cached", {}, ({"run.stages.prepare.cached": False},)),
    # what a team would catch
    Sentence(
        "A day that the test rows cover in part has that part of the alerts, at least one.",
        {},
        ({"budgets": None}, {"budgets.per_day": []}),
    ),
    Sentence("as many as leave so few false alarms", {"budgets.per_day": []}, ({}, {"budgets": None})),
    Sentence("The test rows are 20.0 % of the transactions of their days", {"budgets.sampled": 0.2}),
    Sentence(
        "with at least 10 frauds, recall lies between 0.200 and 0.900",
        {"stability.hours": [{"hour": 1, "positives": 10, "recall": 0.9}, TEN_FRAUDS, NINE_FRAUDS]},
        ({"stability": None}, {"stability.hours": [TEN_FRAUDS, NINE_FRAUDS]}),
    ),
    # what it got wrong
    Sentence("missed frauds, the largest amount first", {}, ({"mistakes": None},)),
    Sentence("missed frauds, the lowest score first", {}, ({"mistakes": None},), kind="moneyless"),
    Sentence("in log-odds (exact SHAP values)", {}, ({"mistakes.missed": [], "mistakes.false_alarms": []},)),
    Sentence("with cards as units", {"metrics.cards": 4000}),
    Sentence("a card that was found is not looked at again", {"metrics.card_precision_at_20_per_day": 0.3}),
    Sentence("No two hours have 10 frauds", {"stability.hours": [TEN_FRAUDS, NINE_FRAUDS]}),
    Sentence(
        "fewer than 10 frauds",
        {"stability.hours": [TEN_FRAUDS, NINE_FRAUDS]},
        ({"stability": None}, {"stability.hours": [TEN_FRAUDS]}),
    ),
    Sentence("no interval was computed", {"metrics.average_precision_low": None}),
]


@pytest.mark.parametrize("sentence", [*CAUTIONS, *SENTENCES], ids=lambda sentence: sentence.words[:50])
def test_a_sentence_is_said_where_it_is_true_and_only_there(
    sound: dict[str, Path], tmp_path: Path, sentence: Sentence
) -> None:
    source = sound[sentence.kind]
    folder = changed(source, tmp_path / "said", sentence.said)
    assert sentence.words in text_of(folder)
    told = sentence.words.split(". ")[0] in " ".join(terminal_lines(read_run(folder)))
    assert sentence.terminal is None or told == sentence.terminal
    for number, changes in enumerate(sentence.unsaid):
        other = changed(source, tmp_path / f"unsaid-{number}", changes)
        assert sentence.words not in text_of(other), changes


def test_a_sound_run_says_nothing(sound: dict[str, Path]) -> None:
    for kind in ("timed", "dated", "moneyless"):
        assert "Caution" not in text_of(sound[kind]), kind
        assert terminal_lines(read_run(sound[kind])) == []


def test_the_terminal_has_a_line_for_each_problem_and_caution(sound: dict[str, Path], tmp_path: Path) -> None:
    """As the page has them, in its order, without what may be done about it."""
    changes = {"run.data.source": "synthetic", "metrics.endpoint_max_difference": 0.5, "run.git.dirty": True}
    endpoint, table = terminal_lines(read_run(changed(sound["timed"], tmp_path / "a", changes)))
    assert endpoint.startswith("problem: The endpoint does not answer what the model says. Scores through")
    assert table == (
        "caution: Generated data. The table was made of random numbers: "
        "these figures say nothing about your fraud."
    )
