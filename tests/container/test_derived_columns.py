"""Derived columns from a table's rows to a score: the same values wherever they are computed."""

import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xgboost
from pyarrow import parquet

from fraudlab.container.bodies.content_types import read_content_type
from fraudlab.container.bodies.rows import BodyError, finish
from fraudlab.container.contract import Fields, Tree
from fraudlab.container.described_features import read_features
from fraudlab.container.failure import ConfigError
from fraudlab.container.features import Column, Features
from fraudlab.container.prepared import read_split
from fraudlab.container.scorer import load_scorer
from fraudlab.container.train import run as train

from .conftest import ALL_ROLES

DERIVE = {
    "ratio": "amount / (1 + abs(b))",
    "known": "where(is_missing(b), -1, b * a)",
    "casino": "merchant == 'casino'",
    "l [1]": "log(amount) - log(ratio)",
}


@pytest.fixture
def deriving(
    frauds: pa.Table, prepare: Callable[..., Any], hand_over: Callable[..., Tree], tree: Tree
) -> Tree:
    """A tree with a model that has derived columns beside scaled numbers and categories."""
    prepare(frauds, **ALL_ROLES, scale="standard", split={"kind": "time"})
    train(hand_over(tree, {"num_round": "20"}, derive=DERIVE))
    return tree


def test_the_contract_carries_them_and_the_booster_has_them_behind_the_columns(deriving: Tree) -> None:
    contract = json.loads((deriving.model / "model.json").read_bytes())
    assert contract["derived"] == [{"name": name, "expression": text} for name, text in DERIVE.items()]
    assert [column["name"] for column in contract["columns"]] == ["a", "b", "merchant", "amount"]
    booster = xgboost.Booster(model_file=str(deriving.model / "model.ubj"))
    assert booster.feature_names == ["a", "b", "merchant", "amount", "ratio", "known", "casino", "l (1)"]
    assert set(booster.get_score()) & {"ratio", "known", "casino", "l (1)"}


def test_the_splits_and_their_manifest_know_nothing_of_them(deriving: Tree) -> None:
    assert "derived" not in json.loads((deriving.prepared / "manifest.json").read_bytes())
    names = parquet.ParquetFile(deriving.prepared / "test/part-0.parquet").schema_arrow.names
    assert not set(names) & set(DERIVE)


def bodies(table: pa.Table) -> dict[str, bytes]:
    """The same raw rows in each format."""
    rows = table.to_pylist()
    lists = [list(row.values()) for row in rows]
    csv = "\n".join(",".join("" if value is None else str(value) for value in row) for row in lists)
    file = io.BytesIO()
    parquet.write_table(table.select(["merchant", "b", "amount", "a"]), file)
    return {
        "text/csv": csv.encode(),
        "application/json": json.dumps({"instances": lists}).encode(),
        "application/jsonlines": "\n".join(json.dumps(row) for row in rows).encode(),
        "application/x-parquet": file.getvalue(),
    }


def test_every_body_of_raw_rows_becomes_what_was_trained_on(deriving: Tree) -> None:
    features = load_scorer(deriving.model).features
    expected = read_split(deriving.prepared / "test", features).matrix
    assert expected.shape[1] == 8
    split = parquet.read_table(deriving.prepared / "test").select(features.names)
    texts = split["merchant"].cast(pa.string())
    numbers = {name: split[name].cast(pa.float64()) for name in ("a", "b", "amount")}
    raw = pa.table(
        {
            "a": numbers["a"],
            "b": pa.array(numbers["b"].to_numpy(), from_pandas=True),
            "merchant": texts,
            "amount": numbers["amount"],
        }
    )
    for kind, body in bodies(raw).items():
        _, parse = read_content_type(kind)
        found = finish([parse(body, features, 10_000)], features)
        assert found.tobytes() == expected.tobytes(), kind
    _, parse = read_content_type("text/csv")
    one_by_one = [
        finish([parse(line, features, 1)], features).tobytes()
        for line in bodies(raw)["text/csv"].split(b"\n")
    ]
    assert b"".join(one_by_one) == expected.tobytes()
    assert np.isnan(expected[:, 1]).any()


def test_libsvm_counts_the_columns_that_are_sent() -> None:
    features = Features([Column("x"), Column("y")]).deriving({"d": "x - y"})
    _, parse = read_content_type("text/libsvm; base=1")
    found = finish([parse(b"1:5 2:3\n1:4", features, 10)], features)
    np.testing.assert_array_equal(found, np.float32([[5, 3, 2], [4, np.nan, np.nan]]))
    with pytest.raises(BodyError, match="index 3, which no column of the model has: they are 1 to 2"):
        parse(b"1:5 2:3 3:2", features, 10)


def test_scores_and_reasons_are_the_boosters_own(deriving: Tree) -> None:
    scorer = load_scorer(deriving.model)
    matrix = read_split(deriving.prepared / "test", scorer.features).matrix
    booster = xgboost.Booster(model_file=str(deriving.model / "model.ubj"))
    types = ["q", "q", "c", "q", "q", "q", "q", "q"]
    data = xgboost.DMatrix(matrix, feature_types=types, feature_names=booster.feature_names)
    assert scorer.score(matrix).tobytes() == booster.predict(data).tobytes()
    named = {name for row in scorer.reasons(matrix, most=8) for name, _ in row}
    assert named & set(DERIVE)
    assert named <= {"a", "b", "merchant", "amount", *DERIVE}


@pytest.mark.parametrize("body", [b'{"x": 1, "d": 2}', b'{"x": 1, "y": 2, "d": 2}'])
def test_a_row_that_brings_its_own_derived_column_is_told_to_leave_it_out(body: bytes) -> None:
    features = Features([Column("x"), Column("y")]).deriving({"d": "x - y"})
    _, parse = read_content_type("application/json")
    with pytest.raises(BodyError, match="column 'd', which the model computes itself; leave it out"):
        parse(body, features, 10)


def test_a_monotone_constraint_may_name_one(
    frauds: pa.Table, prepare: Callable[..., Any], hand_over: Callable[..., Tree], tree: Tree
) -> None:
    prepare(frauds, **ALL_ROLES)
    derive = {"twice": "2 * a"}
    train(
        hand_over(tree, {"monotone_constraints": '{"twice": -1, "a": -1}', "max_depth": "2"}, derive=derive)
    )
    scorer = load_scorer(tree.model)
    rows = np.zeros((50, 4), np.float32)
    rows[:, 0] = np.linspace(-3, 3, 50)
    assert np.all(np.diff(scorer.score(scorer.features.given(rows))) <= 0)
    with pytest.raises(ConfigError, match="thrice"):
        train(hand_over(tree, {"monotone_constraints": '{"thrice": -1}'}, derive=derive))


@pytest.mark.parametrize(
    ("derive", "said"),
    [
        ({"d": "y * 2"}, "unknown column 'y'"),
        ({"d": "t / 2"}, "gives / the time 't', which is no number; hour"),
        ({"d": "tx"}, "unknown column 'tx'"),
        ({"a": "b"}, "the name of a column of the table"),
        ({"d": "merchant == 'none such'"}, "a category that train does not have"),
        ({"d": 5}, "not the text"),
        ({"d": "a +", "e": "log(a, b)"}, "2 derived columns cannot be used"),
    ],
)
def test_a_job_refuses_what_it_cannot_compute(
    frauds: pa.Table,
    prepare: Callable[..., Any],
    hand_over: Callable[..., Tree],
    tree: Tree,
    derive: dict[str, Any],
    said: str,
) -> None:
    prepare(frauds, **ALL_ROLES)
    with pytest.raises(ConfigError, match=said):
        train(hand_over(tree, derive=derive))


@pytest.mark.parametrize(
    "derived",
    [
        {},
        "d",
        ["d"],
        [{"name": "d"}],
        [{"name": "d", "expression": "a", "more": 1}],
        [{"name": "d", "expression": 5}],
        [{"name": "d", "expression": "a"}, {"name": "d", "expression": "a"}],
        [{"name": "a", "expression": "a"}],
        [{"name": "d", "expression": "__import__('os')"}],
        [{"name": "d", "expression": "(" * 5000}],
        [{"name": f"d{at}", "expression": "a"} for at in range(101)],
    ],
)
def test_a_forged_contract_is_refused(derived: Any) -> None:
    content = {"columns": [{"name": "a", "type": "number"}], "preprocessing": {}, "derived": derived}
    with pytest.raises(ConfigError):
        read_features(Fields(content, source="model.json"))


def test_what_no_tree_can_split_on_is_said(
    frauds: pa.Table,
    prepare: Callable[..., Any],
    hand_over: Callable[..., Tree],
    tree: Tree,
    capsys: pytest.CaptureFixture[str],
) -> None:
    prepare(frauds, **ALL_ROLES)
    derive = {
        "none": "log(-abs(a))",
        "one": "where(is_missing(a), 3, 2)",
        "some": "where(is_missing(b), 1, 1 / 0)",
    }
    train(hand_over(tree, derive={**derive, "all": "a + 1"}))
    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith("derived")] == [
        "derived column 'none' is missing in every train row: 'log(-abs(a))'",
        "derived column 'one' is 2 in every train row: 'where(is_missing(a), 3, 2)'",
        "derived column 'some' is 1 in every train row: 'where(is_missing(b), 1, 1 / 0)'",
    ]


def test_json_round_trip() -> None:
    features = Features([Column("a"), Column("m", ("x", "y"))]).deriving(
        {"d": "a * 2", "e": "d > (m == 'x')"}
    )
    assert read_features(Fields(features.as_json(), source="x")).as_json() == features.as_json()
