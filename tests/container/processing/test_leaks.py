"""Columns that tell the label, whatever they call it."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fraudlab.container.processing.leaks import label_copies

ROWS = 2_000
RANDOM = np.random.default_rng(11)
LABEL = (RANDOM.random(ROWS) < 0.1).astype(np.uint8)
SPLITS = {"train": slice(0, 1_200), "validation": np.arange(1_200, 1_600), "test": slice(1_600, ROWS)}
NOISE = RANDOM.normal(size=ROWS)


def found(column: Any, label: Any = LABEL) -> list[dict[str, Any]]:
    values = pa.array(column).dictionary_encode() if isinstance(column, list) else column.astype(np.float32)
    copies = label_copies({"noise": NOISE.astype(np.float32), "x": values}, label, SPLITS)
    assert all(copy["column"] == "x" for copy in copies)
    return copies


def but(rows: Any, other: Any, column: Any = LABEL) -> Any:
    changed = np.array(column, np.float64)
    changed[rows] = other
    return changed


def named(legitimate: Any, fraud: Any) -> list[Any]:
    return [fraud if y else legitimate for y in LABEL]


EVERY_THIRD = np.arange(0, ROWS, 3)
LEGITIMATE = np.flatnonzero(LABEL == 0)


@pytest.mark.parametrize(
    ("column", "how", "value"),
    [
        (LABEL, "equal", None),
        (1 - LABEL, "inverted", None),
        (LABEL * 100.0, "value_where_fraud", 100.0),
        (LABEL * 2.5 - 3, "value_where_fraud", -0.5),
        (but(EVERY_THIRD, np.nan), "equal", None),
        (named("no", "yes"), "value_where_fraud", "yes"),
        (named("0", "1"), "equal", None),
        (named("1.0", "0.0"), "inverted", None),
        (named("false", "true"), "equal", None),
        (named(None, "chargeback"), "filled", None),
        (named("ok", None), "empty", None),
        (np.where(LABEL == 1, NOISE, np.nan), "filled", None),
        (np.where(LABEL == 1, np.nan, NOISE), "empty", None),
        # a kind of fraud, 0 where there is none
        (np.where(LABEL == 1, RANDOM.integers(1, 4, ROWS), 0), "other_where_fraud", 0.0),
        # where frauds are sent, and where others are
        (np.where(LABEL == 1, 7, RANDOM.integers(8, 99, ROWS)), "value_where_fraud", 7.0),
        ([["a", "b", "c"][n % 3] if y else "none" for n, y in enumerate(LABEL)], "other_where_fraud", "none"),
    ],
)  # fmt: skip
def test_columns_that_tell_the_label(column: Any, how: str, value: Any) -> None:
    different = {"train": 0, "validation": 0, "test": 0}
    assert found(column) == [{"column": "x", "how": how, "value": value, "different": different}]


def test_a_handful_of_rows_may_differ() -> None:
    assert found(but(LEGITIMATE[:5], 1))[0]["different"] == {"train": 5, "validation": 0, "test": 0}
    assert found(but(LEGITIMATE[:6], 1)) == []
    few = np.zeros(ROWS, np.uint8)
    few[::250] = 1
    assert found(few, few)[0]["how"] == "equal"
    assert found(but([1], 1, few), few) == []


def test_a_column_that_knows_the_label_in_train_alone() -> None:
    column = but(np.arange(1_600, ROWS), 0)
    frauds = int(LABEL[1_600:].sum())
    assert found(column) == [
        {
            "column": "x",
            "how": "equal",
            "value": None,
            "different": {"train": 0, "validation": 0, "test": frauds},
        }
    ]


@pytest.mark.parametrize(
    "column",
    [
        NOISE,
        NOISE + 3 * LABEL,
        np.zeros(ROWS),
        np.full(ROWS, np.nan),
        np.where(RANDOM.random(ROWS) < 0.03, 1 - LABEL, LABEL),  # a good feature, wrong in 3 of 100 rows
        np.where(RANDOM.random(ROWS) < 0.5, np.nan, NOISE),
        np.arange(ROWS),
        but(LEGITIMATE, RANDOM.integers(0, 2, LEGITIMATE.size)),
        np.where(np.arange(ROWS) % 9, np.nan, LABEL),  # known of a ninth of the rows
        [str(n % 7) for n in range(ROWS)],
        [f"id {n}" for n in range(ROWS)],
        [None] * ROWS,
    ],
)
def test_columns_that_do_not(column: Any) -> None:
    assert found(column) == []


def test_copies_are_written_to_the_manifest(prepare: Any, frauds: pa.Table) -> None:
    table = frauds.append_column("chargeback", pa.array(frauds["y"].to_numpy() == 1))
    manifest = prepare(table, id=["tx"], time="t", categorical=["merchant"])
    assert [(copy["column"], copy["how"]) for copy in manifest["label_copies"]] == [("chargeback", "equal")]
    assert prepare(frauds, id=["tx"], time="t", categorical=["merchant"])["label_copies"] == []
