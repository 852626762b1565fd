"""Older folds, trained beside the model: each is what a job of its own would have come to."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xgboost
from pyarrow import parquet

from fraudlab.container import train
from fraudlab.container.contract import Fields, Tree
from fraudlab.container.described_features import read_features
from fraudlab.container.failure import ConfigError, JobError, StorageError
from fraudlab.container.prepared import card_numbers, read_split
from fraudlab.container.runtime import StopRequest
from fraudlab.container.training.job import read_job
from fraudlab.container.training.prequential import train_folds
from fraudlab.evaluation.fold_figures import fold_figures

DAY = 86_400.0
ROLES = {"time": "t", "card": "card", "categorical": ["merchant"], "scale": "standard"}


@pytest.fixture
def days() -> pa.Table:
    """Thirty days of a hundred transactions, of a merchant whose names change by the day."""
    random = np.random.default_rng(5)
    size = 3000
    fraud = random.random(size) < 0.15
    time = np.sort(random.random(size)) * 30 * DAY
    place = (time // (10 * DAY)).astype(int)
    return pa.table(
        {
            "t": time,
            "a": random.normal(size=size) + 1.5 * fraud,
            "merchant": [
                f"m{at}-{kind}" for at, kind in zip(place, random.integers(0, 4, size), strict=True)
            ],
            "card": random.integers(0, 900, size),
            "y": fraud.astype(np.int64),
        }
    )


def split(folds: int, validation: float = 4.0, start: float | None = None) -> dict[str, Any]:
    return {
        "kind": "prequential",
        "gap_seconds": DAY,
        "folds": folds,
        "train_seconds": 8 * DAY,
        "validation_seconds": validation * DAY,
        "test_seconds": 4 * DAY,
        "start": start,
        "dated": False,
    }


def asked(tree: Tree, table: pa.Table, windows: dict[str, Any]) -> dict[str, Any]:
    """Run a processing job for a prequential split; its manifest."""
    from fraudlab.container.process import run as process

    parts = {"label": "y", "id": [], "amount": None, "features": [], "drop": [], "duplicates": "keep"}
    request = {"file": "table.parquet", "seed": 1, "split": windows, **parts, **ROLES, "time_unit": "s"}
    tree.raw.mkdir(parents=True, exist_ok=True)
    parquet.write_table(table, tree.raw / "table.parquet")
    tree.process_request.parent.mkdir(parents=True, exist_ok=True)
    tree.process_request.write_text(json.dumps(request))
    process(tree)
    manifest: dict[str, Any] = json.loads((tree.prepared / "manifest.json").read_bytes())
    return manifest


def lay_out(tree: Tree, hand_over: Any, parameters: dict[str, str], **request: Any) -> None:
    hand_over(tree, parameters, decision={"policy": "fixed", "threshold": 0.5}, **request)
    if not (tree.prepared / "validation").exists():
        tree.channel("validation").unlink()
    if (tree.prepared / "folds").exists():
        tree.channel("folds").symlink_to(tree.prepared / "folds")


@pytest.mark.parametrize("derive", [{}, {"other": "where(a > 1, -a, a)", "twice": "other * 2"}])
@pytest.mark.parametrize(("validation", "refit"), [(0.0, "false"), (4.0, "false"), (4.0, "true")])
def test_each_fold_is_what_a_job_of_its_own_comes_to(
    tmp_path: Any, days: pa.Table, hand_over: Any, validation: float, refit: str, derive: dict[str, str]
) -> None:
    parameters = {"early_stopping_rounds": "3" if validation else "0", "subsample": "0.7", "refit": refit}
    together = Tree(tmp_path / "together")
    manifest = asked(together, days, split(3, validation))
    lay_out(together, hand_over, parameters, derive=derive)
    train.run(together)
    found = json.loads((together.results / "prequential.json").read_bytes())
    assert found["complete"]
    assert [fold["fold"] for fold in found["folds"]] == [2, 3]
    newest = manifest["split"]["cuts"][0] - 8 * DAY
    for fold in found["folds"]:
        alone = Tree(tmp_path / str(fold["fold"]))
        manifest = asked(alone, days, split(1, validation, newest - 4 * DAY * (fold["fold"] - 1)))
        assert "folds" not in manifest
        lay_out(alone, hand_over, parameters, derive=derive)
        train.run(alone)
        features = read_features(Fields(manifest, source="manifest.json")).deriving(derive)
        test = read_split(alone.prepared / "test", features)
        rows = parquet.read_table(alone.prepared / "test")
        score = xgboost.Booster(model_file=alone.model / "model.ubj").inplace_predict(test.matrix)
        figures = fold_figures(
            test.label, score, card=card_numbers(rows["fraudlab.card"]), time=rows["fraudlab.time"].to_numpy()
        )
        rounds = json.loads((alone.model / "model.json").read_bytes())["rounds"]
        assert fold == {"fold": fold["fold"], **figures, "rounds": rounds}


def test_a_folds_categories_are_those_it_trained_on(tree: Tree, days: pa.Table) -> None:
    manifest = asked(tree, days, split(4))
    named = [
        {text for column in part["columns"] for text in column.get("categories") or ()}
        for part in (manifest, *manifest["folds"])
    ]
    assert {name[:2] for name in named[0]} == {"m1"}
    assert {name[:2] for name in named[3]} == {"m0"}


def test_threads_do_not_change_a_fold(tree: Tree, days: pa.Table, hand_over: Any) -> None:
    asked(tree, days, split(4))
    found = []
    for threads in ("1", "2"):
        for channel in ("folds", "validation"):
            tree.channel(channel).unlink(missing_ok=True)
        lay_out(tree, hand_over, {"nthread": threads})
        found.append(train_folds(read_job(tree), StopRequest()))
    assert found[0] == found[1]


def test_folds_that_lack_rounds_are_left_out(tree: Tree, days: pa.Table, hand_over: Any) -> None:
    asked(tree, days, split(3))
    lay_out(tree, hand_over, {})
    stop = StopRequest()
    stop.made = True
    assert train_folds(read_job(tree), stop) == {"complete": False, "folds": []}


KILLED = {
    "plain": {},
    "sampled, refitted": {"subsample": "0.7", "refit": "true"},
    "stopped early": {"early_stopping_rounds": "3", "num_round": "40", "learning_rate": "0.9"},
    "an average": {"members": "2", "subsample": "0.7", "refit": "true"},
}


def held(tree: Tree) -> list[str]:
    kept = tree.root / "checkpoints"
    return sorted(str(path.relative_to(kept)) for path in kept.rglob("*") if path.is_file())


def outcome(tree: Tree) -> tuple[bytes, bytes]:
    return (tree.results / "prequential.json").read_bytes(), (tree.model / "model.ubj").read_bytes()


@pytest.mark.parametrize("case", KILLED)
def test_killed_within_a_fold_it_goes_on_with_the_same_bytes(
    tree: Tree, days: pa.Table, hand_over: Any, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked(tree, days, split(3))
    lay_out(tree, hand_over, {"checkpoint_rounds": "5", **KILLED[case]})
    train.run(tree)
    expected = outcome(tree)
    (tree.root / "checkpoints").mkdir()
    train.run(tree)
    assert outcome(tree) == expected  # keeping them changes nothing
    kept = held(tree)
    own = [name for name in kept if "/" not in name]
    assert len(own) >= 2
    for fold in ("1", "2"):
        assert {name.rpartition("/")[2].rpartition("-")[0] for name in kept if f"folds/{fold}/" in name} == {
            name.rpartition("-")[0] for name in own
        }
    # As they stood within each fit of a fold; the other fold had ended, or had not begun.
    for fold, other in (("1", "2"), ("2", "1")):
        order = [name for name in kept if name.startswith(f"folds/{fold}/")]
        order.sort(key=lambda name: ("refit" in name, name))
        for many in range(len(order)):
            away = order[many:] + ([name for name in kept if f"folds/{other}/" in name] if many % 2 else [])
            for name in away:
                (tree.root / "checkpoints" / name).unlink()
            capsys.readouterr()
            train.run(tree)
            assert outcome(tree) == expected, away
            assert held(tree) == kept
            said = capsys.readouterr().out
            assert many == 0 or f"checkpoints/{order[many - 1]} rounds=" in said


def test_a_checkpoint_of_another_fold_is_refused_and_a_damaged_one_passed_over(
    tree: Tree, days: pa.Table, hand_over: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    asked(tree, days, split(3))
    lay_out(tree, hand_over, {"checkpoint_rounds": "5"})
    folds = tree.root / "checkpoints" / "folds"
    folds.mkdir(parents=True)
    train.run(tree)
    expected, newest = outcome(tree), folds / "1" / "rounds-000012.checkpoint"
    (folds / "1" / ".rounds-000012.checkpoint.unfinished").write_bytes(b"half")
    newest.write_bytes(newest.read_bytes()[:-9])
    train.run(tree)
    assert f"checkpoint={newest} is passed over: it is cut short\n" in capsys.readouterr().out
    assert outcome(tree) == expected
    assert not list(folds.rglob(".*"))
    newest.write_bytes((folds / "2" / newest.name).read_bytes())
    with pytest.raises(ConfigError, match="is of another training: data differ"):
        train.run(tree)
    for path in (folds / "1").iterdir():
        path.unlink()
    (folds / "1").rmdir()
    (folds / "1").write_text("a file")
    with pytest.raises(StorageError, match="no checkpoint can be written to .*folds/1"):
        train.run(tree)


@pytest.mark.parametrize("folds", [None, [], ["2"], 3])
def test_folds_need_their_manifest(tree: Tree, days: pa.Table, hand_over: Any, folds: Any) -> None:
    manifest = asked(tree, days, split(3))
    lay_out(tree, hand_over, {})
    (tree.channel("config") / "manifest.json").write_text(json.dumps({**manifest, "folds": folds}))
    with pytest.raises(ConfigError):
        train_folds(read_job(tree), StopRequest())


def test_folds_need_one_host(tree: Tree, days: pa.Table, hand_over: Any) -> None:
    asked(tree, days, split(3))
    lay_out(tree, hand_over, {})
    hosts = {"current_host": "algo-1", "hosts": ["algo-1", "algo-2"]}
    (tree.root / "input/config/resourceconfig.json").write_text(json.dumps(hosts))
    with pytest.raises(JobError, match="split=prequential needs one host"):
        train.run(tree)
