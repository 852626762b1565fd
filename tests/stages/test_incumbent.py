"""The model that a run is measured against: found, refused in words, scored, and compared to the cent."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from fraudlab.cli import main
from fraudlab.config import RunConfig
from fraudlab.errors import DataError, EndpointError, FraudlabError
from fraudlab.evaluation.ranking import rank
from fraudlab.registry import ModelRegistry
from fraudlab.stages.incumbent import Incumbent, Uncompared, find_incumbent, is_model
from fraudlab.stages.incumbent_figures import incumbent_figures
from fraudlab.stages.incumbent_scores import comparable_rows, learned_rows, score_incumbent
from fraudlab.stages.team_figures import TestRows

from ..registry.version_runs import ANA, make_run, promote, with_versions

# --- which model it is


def context(tmp_path, asked="auto", label="Class"):
    config = RunConfig()
    config.evaluation.incumbent, config.data.label = asked, label
    folder = SimpleNamespace(path=tmp_path / "runs" / "new")
    return SimpleNamespace(config=config, folder=folder, workspace=tmp_path / "work")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FRAUDLAB_REGISTRY", raising=False)


@pytest.fixture
def registry(tmp_path) -> ModelRegistry:
    """Two versions of ``fraud``, of which the first is in production."""
    found = with_versions(tmp_path, 2)
    promote(found, 1)
    return found


def test_without_a_registry_there_is_none(tmp_path):
    assert find_incumbent(context(tmp_path)) is None
    assert find_incumbent(context(tmp_path, None)) is None


def test_without_a_stage_there_is_none(tmp_path):
    with_versions(tmp_path, 2)
    assert find_incumbent(context(tmp_path)) is None


def test_auto_is_what_is_in_production(tmp_path, registry, monkeypatch):
    found = find_incumbent(context(tmp_path))
    assert (found.name, found.reference, found.given) == ("fraud:1 (production)", "fraud:1", False)
    promote(registry, 2)
    assert find_incumbent(context(tmp_path)).name == "fraud:2 (production)"
    monkeypatch.setenv("FRAUDLAB_REGISTRY", str(tmp_path / "elsewhere"))
    assert find_incumbent(context(tmp_path)) is None


def test_auto_chooses_none_of_several(tmp_path, registry):
    registry.register(make_run(tmp_path / "other", booster=b"other"), name="cards", actor=ANA)
    registry.promote("cards", "1", to="production", actor=ANA, config=_open(), silence=lambda _: None)
    found = find_incumbent(context(tmp_path))
    assert isinstance(found, Uncompared)
    assert "several models in production" in found.reason
    assert "evaluation.incumbent=" in found.reason
    assert find_incumbent(context(tmp_path, "cards:production")).reference == "cards:1"


def _open():
    from ..registry.version_runs import gates

    return gates()


def test_auto_takes_no_model_of_another_label(tmp_path):
    run = make_run(tmp_path / "labelled")
    model = run.folder / "model" / "model.json"
    model.write_text(json.dumps({**json.loads(model.read_text()), "label": "Class"}))
    registry = ModelRegistry(tmp_path / "registry")
    registry.register(run, name="fraud", actor=ANA)
    promote(registry, 1)
    assert find_incumbent(context(tmp_path)).reference == "fraud:1"
    found = find_incumbent(context(tmp_path, label="is_fraud"))
    assert isinstance(found, Uncompared)
    assert found.reason == "what is in production (fraud:production) does not predict 'is_fraud'"


def test_auto_says_that_a_version_is_damaged(tmp_path, registry):
    path = registry.run_of(registry.state().models["fraud"].versions[0]) / "model" / "model.ubj"
    path.chmod(0o600)
    path.unlink()
    path.write_bytes(b"another")
    assert "is not what was registered" in find_incumbent(context(tmp_path)).reason
    with pytest.raises(FraudlabError, match="is not what was registered"):
        find_incumbent(context(tmp_path, "fraud:production"))


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("fraud:production", "fraud:1 (production)"),
        ("fraud:latest", "fraud:2 (latest)"),
        ("fraud:2", "fraud:2"),
        ("fraud:v2", "fraud:2"),
        ("run-2", "run-2"),
        ("runs/run-2", "runs/run-2"),
        ("./runs/run-2/model", "./runs/run-2/model"),
    ],
)
def test_one_can_be_named(tmp_path, registry, asked, name):
    (tmp_path / "runs").mkdir()
    shutil.move(tmp_path / "run-2", tmp_path / "runs" / "run-2")
    found = find_incumbent(context(tmp_path, asked))
    assert (found.name, found.given) == (name, True)
    assert (found.run / "data" / "manifest.json").is_file()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("fraud:prod", "has no version 'prod'"),
        ("fraud:Production", "has no version 'Production'"),
        ("fraud:9", "has no version '9'"),
        ("frauds:production", "There is no model 'frauds'"),
        ("fraud:staging", "No version of fraud is in staging"),
        ("nothing", "There is no run 'nothing'"),
        ("no/folder", "is no model: there is no model.json in it"),
        ("broken.tar.gz", "cannot be unpacked"),
        ("empty", "lacks model.json or model.ubj"),
        ("new", "is this very run"),
    ],
)
def test_what_is_no_model_is_refused(tmp_path, registry, asked, words):
    (tmp_path / "broken.tar.gz").write_bytes(b"no archive")
    for run in ("empty", "new"):
        (tmp_path / "runs" / run).mkdir(parents=True)
        shutil.copy(tmp_path / "run-2" / "run.json", tmp_path / "runs" / run / "run.json")
    with pytest.raises(FraudlabError, match=words) as raised:
        find_incumbent(context(tmp_path, asked))
    assert raised.value.fix


@pytest.mark.parametrize(
    ("reference", "there"),
    [("fraud:1", True), ("run-2", True), ("runs/run-2", True), ("fraud:9", False), ("gone", False)],
)
def test_a_reproduction_asks_whether_it_is_still_there(tmp_path, registry, reference, there):
    (tmp_path / "runs").mkdir()
    shutil.move(tmp_path / "run-2", tmp_path / "runs" / "run-2")
    assert is_model(reference, runs=tmp_path / "runs") is there


# --- whether it can score these rows

MANIFEST = {
    "roles": {"label": "y", "time": "t"},
    "raw": {"sha256": "a"},
    "split": {"kind": "time"},
    "time": {"kind": "timestamp"},
    "splits": {
        "train": {"time_start": 0.0, "time_end": 9.0},
        "validation": {"time_start": 20.0, "time_end": 29.0},
        "test": {"sha256": "t"},
    },
}


def incumbent(*columns, run=None, **contract):
    described = {"columns": list(columns), "preprocessing": {"scale": None}, "label": "y", "threshold": 0.5}
    return Incumbent("old", "old", Path("model"), run, {**described, **contract}, given=False)


def split(**columns):
    return pa.table(
        {
            "fraudlab.row": np.arange(40),
            "fraudlab.time": np.arange(40, dtype=float),
            "a": np.arange(40, dtype=np.float32),
            "c": pa.array(["x", "y"] * 20).dictionary_encode(),
            **columns,
        }
    )


A, C = {"name": "a", "type": "number"}, {"name": "c", "type": "category", "categories": ["x", "y"]}


def test_it_is_sent_its_own_columns_in_its_own_order():
    assert comparable_rows(incumbent(C, A), split(), MANIFEST).column_names == ["c", "a"]
    assert comparable_rows(incumbent(A, label=None), split(), MANIFEST).column_names == ["a"]


@pytest.mark.parametrize(
    ("old", "words"),
    [
        (incumbent(A, {"name": "b", "type": "number"}), "takes the column 'b', which this run's rows do not"),
        (
            incumbent(*({"name": f"b{at}", "type": "number"} for at in range(7))),
            "takes the columns 'b0', 'b1', 'b2', 'b3', 'b4' and 2 more",
        ),
        (incumbent({"name": "c", "type": "number"}), "takes the column 'c' as another kind"),
        (incumbent({**C, "name": "a"}), "takes the column 'a' as another kind"),
        (incumbent(A, label="z"), "predicts 'z', and this run 'y'"),
        (incumbent({**C, "categories": ["X", "Y"]}), "has a category of column 'c' that train has seen"),
        (incumbent({"name": "a", "type": "text"}), "'type'"),
        (incumbent(), "0 columns have 0 names"),
    ],
)
def test_what_it_cannot_score_is_refused_by_name(old, words):
    with pytest.raises(DataError, match=words) as raised:
        comparable_rows(old, split(), MANIFEST)
    assert "evaluation.incumbent" in raised.value.fix


def test_a_model_that_does_not_answer_is_said_or_raised(tmp_path, registry, monkeypatch):
    monkeypatch.setattr("fraudlab.stages.incumbent_scores.comparable_rows", lambda *_: split())
    pq_folder = tmp_path / "prepared" / "test"
    pq_folder.mkdir(parents=True)
    pq.write_table(split(), pq_folder / "part.parquet")
    prepared = SimpleNamespace(folder=tmp_path / "prepared", manifest=MANIFEST)
    asked = context(tmp_path)
    found = score_incumbent(asked, find_incumbent(asked), prepared)
    assert isinstance(found, Uncompared)
    assert "does not answer: serve ended with" in found.reason
    named = context(tmp_path, "fraud:1")
    with pytest.raises(EndpointError, match="does not answer: serve ended with"):
        score_incumbent(named, find_incumbent(named), prepared)


# --- whether it may know these rows


def of_run(tmp_path, **changes):
    folder = tmp_path / "old"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "manifest.json").write_text(json.dumps({**MANIFEST, **changes}))
    return folder


def counted(old, manifest=MANIFEST):
    return learned_rows(old, split(), manifest)


def test_the_same_test_rows_are_new_to_it():
    assert counted(incumbent(A, hashes={"prepared": {"test": "t"}})) == 0


def test_of_an_archive_nothing_tells():
    assert counted(incumbent(A)) is None
    assert counted(incumbent(A, hashes={"prepared": {"test": "another"}})) is None


@pytest.mark.parametrize(
    ("changes", "learned"),
    [
        ({}, 20),  # the gap between train and validation is not learned from
        ({"raw": {"sha256": "b"}}, 20),
        ({"splits": {"train": {"time_start": -9.0, "time_end": -1.0}}}, 0),
        ({"time": {"kind": "number"}}, None),  # two counts that begin somewhere
        ({"time": None}, None),
    ],
)
def test_rows_in_the_time_it_learned_from_are_counted(tmp_path, changes, learned):
    assert counted(incumbent(A, run=of_run(tmp_path, **changes))) == learned


def test_counts_of_one_table_begin_together(tmp_path):
    number = {**MANIFEST, "time": {"kind": "number"}}
    assert counted(incumbent(A, run=of_run(tmp_path, time={"kind": "number"})), number) == 20


def test_of_a_table_dealt_at_random_rows_it_was_not_measured_on_count(tmp_path):
    folder = of_run(tmp_path, split={"kind": "stratified"})
    assert counted(incumbent(A, run=folder)) is None
    (folder / "evaluation").mkdir()
    scores = {"row": np.arange(30, 50), "label": np.zeros(20, np.uint8), "score": np.zeros(20)}
    pq.write_table(pa.table(scores), folder / "evaluation" / "scores.parquet")
    assert counted(incumbent(A, run=folder)) == 30


# --- what both cost


def test_both_cost_what_each_row_does():
    rng = np.random.default_rng(3)
    label = rng.random(400) < 0.1
    own, theirs = (np.clip(label * 0.5 + rng.random(400) * 0.5, 0, 1).astype(np.float32) for _ in range(2))
    amount = np.round(rng.random(400) * 100, 2)
    decision = {"policy": "cost", "alert_cost": 3.0, "loss_share": 0.5, "missed_fraud_fee": 2.0}
    rows = TestRows(rank(label, own), amount, None, 1.0)
    facts = {"threshold": 0.45, "learned": 7, "name": "old"}
    content, metrics = incumbent_figures(
        rows, theirs, facts, decision, threshold=0.6, days=2.0, resamples=100, seed=0
    )

    def cost(score, threshold):
        alerted = score.astype(float) >= threshold
        each = zip(label, alerted, amount, strict=True)
        return sum(3.0 if alert else 0.5 * money + 2.0 if fraud else 0.0 for fraud, alert, money in each)

    assert metrics["incumbent_cost"] == pytest.approx(cost(theirs, 0.45))
    assert metrics["incumbent_saving"] == pytest.approx(cost(theirs, 0.45) - cost(own, 0.6))
    alerted = theirs >= 0.45
    assert metrics["incumbent_alerts"] == alerted.sum() == 2 * metrics["incumbent_alerts_per_day"]
    assert metrics["incumbent_recall"] == pytest.approx((alerted & label).sum() / label.sum())
    assert metrics["incumbent_precision"] == pytest.approx((alerted & label).sum() / alerted.sum())
    assert content["only_here"] + content["only_incumbent"] == (alerted != (own >= 0.6)).sum()
    assert (content["learned"], metrics["incumbent_learned_rows"]) == (7, 7)


def test_without_amounts_there_is_no_money():
    label = np.arange(40) % 4 == 0
    rows = TestRows(rank(label, label * 0.5), None, None, 1.0)
    facts = {"threshold": 0.5, "learned": None}
    content, metrics = incumbent_figures(
        rows, label * 0.5, facts, {"policy": "f1", "alert_cost": 3.0}, threshold=0.5, days=None,
        resamples=100, seed=0,
    )  # fmt: skip
    assert "cost" not in content
    assert "incumbent_saving" not in metrics
    assert metrics["incumbent_recall"] == 1.0


# --- whole runs


def table(path):
    rng = np.random.default_rng(7)
    rows, strength = 4000, rng.normal(size=4000)
    made = {
        "ts": np.arange(rows) * 60,
        "a": strength,
        "b": rng.normal(size=rows),
        "amount": np.round(rng.random(rows) * 100, 2),
        "country": rng.choice(["FR", "DE", "NL"], size=rows),
        "y": (strength + rng.normal(size=rows) > 2.2).astype(int),
    }
    pacsv.write_csv(pa.table(made), path)


def train(run, *overrides):
    return main(
        [
            "train", "data=table", "data.path=t.csv", "data.label=y", "data.time=ts", "data.amount=amount",
            "data.time_unit=s", "backend=process", "tracking=off", "model.num_round=5",
            "data.categorical=[country]", "evaluation.resamples=100", f"run.id={run}", *overrides,
        ]
    )  # fmt: skip


def measured(run):
    return json.loads(Path("runs", run, "evaluation", "metrics.json").read_text())


def test_runs_are_measured_against_what_is_in_production(tmp_path, capsys):
    table(tmp_path / "t.csv")
    assert train("old", "data.derive={ab: 'a * b'}") == 0
    assert "incumbent_saving" not in measured("old")
    assert main(["models", "register", "old", "--name", "fraud"]) == 0
    promoted = ["models", "promote", "fraud", "1", "--to", "production", "registry=open"]
    assert main(promoted) == 0

    assert train("same", "data.derive={ab: 'a * b'}") == 0
    same = measured("same")
    assert same["incumbent_saving"] == same["incumbent_saving_low"] == same["incumbent_saving_high"] == 0.0
    assert same["incumbent_cost"] == same["cost"]
    assert same["incumbent_learned_rows"] == 0

    assert train("new", "model.num_round=20", "evaluation.currency=EUR") == 0
    new, old = measured("new"), measured("old")
    for name in ("cost", "recall", "precision", "average_precision", "threshold"):
        assert new[f"incumbent_{name}"] == pytest.approx(old[name]), name
    assert new["incumbent_saving"] == pytest.approx(old["cost"] - new["cost"])
    page = Path("runs/new/report.html").read_text()
    assert "The incumbent, fraud:1 (production), would have cost" in page
    assert "Against incumbent, EUR" in page
    assert json.loads(Path("runs/new/run.json").read_text())["incumbent"] == "fraud:1"

    again = ["models", "threshold", "new", "--recall", "0.9"]
    assert main(again) == 0
    (other,) = Path("runs").glob("*-threshold")
    found = json.loads((other / "evaluation" / "metrics.json").read_text())
    assert found["incumbent_saving"] == pytest.approx(old["cost"] - found["cost"])

    capsys.readouterr()
    assert train("lean", "data.drop=[b]") == 0
    assert "not compared: The incumbent fraud:1 (production) takes the column 'b'" in capsys.readouterr().out
    assert "incumbent_saving" not in measured("lean")
    assert "Not compared: The incumbent fraud:1 (production)" in Path("runs/lean/report.html").read_text()

    assert train("named", "data.drop=[b]", "evaluation.incumbent=fraud:production") == DataError.exit_code
    assert "takes the column 'b', which this run's rows do not have" in capsys.readouterr().err
    assert not Path("runs/named/model/model.ubj").exists()

    archive = "evaluation.incumbent=runs/old/model/model.tar.gz"
    assert train("archive", "model.num_round=20", archive, "evaluation.alert_cost=1") == 0
    assert measured("archive")["incumbent_alerts"] == new["incumbent_alerts"]
    assert train("none", "evaluation.incumbent=null") == 0
    assert "incumbent" not in Path("runs/none/evaluation/metrics.json").read_text()
    assert not Path("runs/none/evaluation/incumbent.json").exists()
