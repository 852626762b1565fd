"""What a model may not know does not reach it: rows of test, rows of validation, labels that say nothing."""

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
from fraudlab.container.prepared import read_split
from fraudlab.evaluation.metrics import average_precision

ROWS = 6000
ROLES = {"time": "t", "split": {"kind": "time"}}
FIXED = {"num_round": "20", "early_stopping_rounds": "0", "refit": "false", "max_depth": "3"}


@pytest.fixture
def transactions() -> pa.Table:
    rng = np.random.default_rng(4)
    label = (rng.random(ROWS) < 0.15).astype(np.int64)
    columns = {f"v{place}": rng.normal(size=ROWS) + 1.5 * label * (place < 2) for place in range(6)}
    kind = np.where(rng.random(ROWS) < 0.3, "x", "y")
    return pa.table({"t": np.arange(ROWS) * 60.0, **columns, "kind": kind, "y": label})


def learnt(tree: Tree, hand_over: Any, **parameters: str) -> bytes:
    hand_over(tree, {**FIXED, **parameters}, decision={"policy": "fixed", "threshold": 0.5})
    train.run(tree)
    return (tree.model / "model.ubj").read_bytes()


def of_test(tree: Tree, manifest: dict[str, Any]) -> tuple[float, float]:
    """Average precision on test, and the share of fraud in it."""
    rows = read_split(tree.prepared / "test", read_features(Fields(manifest, source="manifest.json")))
    score = xgboost.Booster(model_file=tree.model / "model.ubj").inplace_predict(rows.matrix)
    return average_precision(rows.label, score), float(rows.label.mean())


def corrupted(table: pa.Table, part: str) -> pa.Table:
    """The table with every value and label of one part turned over; times and other rows as they were."""
    bounds = {"validation": (0.6, 0.8), "test": (0.8, 1.0)}[part]
    row = np.arange(ROWS)
    wrong = (row >= bounds[0] * ROWS) & (row < bounds[1] * ROWS)
    made = {}
    for name in table.column_names:
        values = table[name].to_numpy()
        if name == "y":
            values = np.where(wrong, 1 - values, values)
        elif name == "kind":
            values = np.where(wrong, "never seen", values)
        elif name != "t":
            values = np.where(wrong, -1e6 * values, values)
        made[name] = values
    return pa.table(made)


@pytest.mark.parametrize("part", ["validation", "test"])
def test_rows_that_a_model_does_not_learn_from_do_not_change_a_byte_of_it(
    prepare: Any, transactions: pa.Table, tree: Tree, hand_over: Any, part: str
) -> None:
    roles = {**ROLES, "categorical": ["kind"], "scale": "standard"}
    before = prepare(transactions, **roles)
    model = learnt(tree, hand_over)
    after = prepare(corrupted(transactions, part), **roles)
    assert before["splits"][part]["sha256"] != after["splits"][part]["sha256"]
    for name in ("columns", "preprocessing"):
        assert before[name] == after[name]
    assert learnt(tree, hand_over) == model


def test_rows_of_test_choose_nothing(
    prepare: Any, transactions: pa.Table, tree: Tree, hand_over: Any
) -> None:
    """With all that may be chosen on validation, and the refit that follows it."""
    found = []
    for table in (transactions, corrupted(transactions, "test")):
        prepare(table, **ROLES, categorical=["kind"])
        hand_over(tree, {"num_round": "40", "early_stopping_rounds": "5", "refit": "true"})
        train.run(tree)
        contract = json.loads((tree.model / "model.json").read_bytes())
        found.append(((tree.model / "model.ubj").read_bytes(), contract["threshold"], contract["rounds"]))
    assert found[0] == found[1]


def test_labels_that_say_nothing_are_not_predicted(
    prepare: Any, transactions: pa.Table, tree: Tree, hand_over: Any
) -> None:
    rng = np.random.default_rng(9)
    manifest = prepare(transactions, **ROLES, categorical=["kind"])
    learnt(tree, hand_over)
    real, share = of_test(tree, manifest)
    assert real > 3 * share
    shuffled = transactions.set_column(
        transactions.column_names.index("y"), "y", pa.array(rng.permutation(transactions["y"].to_numpy()))
    )
    manifest = prepare(shuffled, **ROLES, categorical=["kind"])
    learnt(tree, hand_over)
    found, share = of_test(tree, manifest)
    assert found < 1.35 * share


def test_a_column_of_the_future_is_named_and_one_left_out_does_not_help(
    prepare: Any, transactions: pa.Table, tree: Tree, hand_over: Any
) -> None:
    """A chargeback's date is there where a fraud was found out, and nowhere else."""
    label = transactions["y"].to_numpy()
    reported = np.where(label == 1, np.arange(ROWS) + 9000.0, np.nan)
    table = transactions.append_column("reported", pa.array(reported, from_pandas=True))
    manifest = prepare(table, **ROLES, categorical=["kind"])
    assert [copy["column"] for copy in manifest["label_copies"]] == ["reported"]
    learnt(tree, hand_over)
    assert of_test(tree, manifest)[0] > 0.99
    manifest = prepare(table, **ROLES, categorical=["kind"], drop=["reported"])
    assert manifest["label_copies"] == []
    without = learnt(tree, hand_over)
    prepare(transactions, **ROLES, categorical=["kind"])
    assert learnt(tree, hand_over) == without


def test_a_row_has_its_own_values_alone_whatever_rows_are_beside_it(
    prepare: Any, transactions: pa.Table, tree: Tree
) -> None:
    """Derived columns too: those of a row are what they are where it is alone."""
    manifest = prepare(transactions, **ROLES, categorical=["kind"])
    derive = {"ratio": "v0 / v1", "larger": "max(v0, v2)", "known": "where(is_missing(v3), 0, log(abs(v3)))"}
    features = read_features(Fields(manifest, source="manifest.json")).deriving(derive)
    together = read_split(tree.prepared / "test", features).matrix
    path = tree.prepared / "test" / "part-0.parquet"
    rows = parquet.read_table(path)
    for place in (0, 7, rows.num_rows - 1):
        parquet.write_table(rows.slice(place, 1), path)
        alone = read_split(tree.prepared / "test", features).matrix
        np.testing.assert_array_equal(alone[0], together[place])
