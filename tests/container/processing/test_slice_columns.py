"""Columns of ``evaluation.slices``: they travel to test, whatever their type, and teach the model nothing."""

import io
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from fraudlab.container.failure import ConfigError, TableError

ROWS = 400
TIME_SPLIT = {"time": "t", "split": {"kind": "time"}}
#: values that repeat down the column, and what they are called; None is missing
KINDS = {
    "text": (pa.array(["FR", "DE", None, ""]), ["FR", "DE", None, None]),
    "text that is no number": (pa.array(["NA", "null", "1,5", "x"]), ["NA", "null", "1,5", "x"]),
    "codes with zeros before": (pa.array(["007", "7", "070"]), ["007", "7", "070"]),
    "integers": (pa.array([0, 3, -1, None], pa.int16()), ["0", "3", "-1", None]),
    "integers that a gap made floats": (pa.array([1.0, 2.0, np.nan]), ["1", "2", None]),
    "booleans": (pa.array([True, False, None]), ["true", "false", None]),
    "decimals": (pa.array([Decimal("1.50"), Decimal("2.00")]), ["1.5", "2"]),
    "dictionary of text": (pa.array(["b", None, "a"]).dictionary_encode(), ["b", None, "a"]),
    "dictionary of integers": (pa.array([5, 6, None]).dictionary_encode(), ["5", "6", None]),
    "views of text": (pa.array(["b", "a", None]).cast(pa.string_view()), ["b", "a", None]),
    "nothing": (pa.nulls(2), [None, None]),
    "names in two forms": (pa.array(["e\u0301", "\u00e9"]), ["\u00e9", "\u00e9"]),
}


def with_slice(frauds, values):
    if pa.types.is_string_view(values.type):  # Arrow cannot take from those
        column = pa.array([values[row % len(values)].as_py() for row in range(ROWS)], values.type)
    else:
        column = values.take(pa.array(np.arange(ROWS) % len(values)))
    return frauds.append_column("where", column)


def of_test(tree):
    table = parquet.read_table(tree.prepared / "test" / "part-0.parquet")
    return table["fraudlab.row"].to_pylist(), table["fraudlab.slice.where"].to_pylist()


def names(expected, rows):
    return [expected[row % len(expected)] for row in rows]


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_has_the_name_of_a_category_whatever_its_type(prepare, frauds, tree, kind):
    values, expected = KINDS[kind]
    roles = {"drop": ["merchant", "tx", "where"], "slices": ["where"], **TIME_SPLIT}
    manifest = prepare(with_slice(frauds, values), **roles)
    rows, found = of_test(tree)
    assert found == names(expected, rows)
    assert manifest["roles"]["slices"] == ["where"]
    assert [column["name"] for column in manifest["columns"]] == ["a", "b", "amount"]


@pytest.mark.parametrize("kind", ["text", "integers", "booleans", "codes with zeros before"])
def test_a_table_of_text_gives_the_same_names(prepare, frauds, tree, kind):
    values, expected = KINDS[kind]
    sink = io.BytesIO()
    csv.write_csv(with_slice(frauds, values), sink)
    roles = {"drop": ["merchant", "tx", "where"], "slices": ["where"], **TIME_SPLIT}
    prepare(sink.getvalue(), **roles)
    rows, found = of_test(tree)
    assert found == names(expected, rows)


#: the part that the column has beside, and whether it is a feature
PARTS = {
    "drop": ({"drop": ["where"]}, False),
    "id": ({"id": ["where"]}, False),
    "card": ({"card": "where"}, False),
    "a category": ({"categorical": ["where"]}, True),
    "not among features": ({"features": ["a", "b"]}, False),
    "among features": ({"features": ["a", "where"], "categorical": ["where"]}, True),
}


@pytest.mark.parametrize("duplicates", ["keep", "flag"])
@pytest.mark.parametrize("part", PARTS)
def test_a_slice_changes_nothing_that_is_learnt(prepare, frauds, tree, part, duplicates):
    roles, is_feature = PARTS[part]
    table = with_slice(frauds.drop_columns(["merchant", "tx"]), pa.array(["FR", "DE", None]))
    asked = {**roles, **TIME_SPLIT, "duplicates": duplicates}
    without = prepare(table, **asked)
    manifest = prepare(table, **asked, slices=["where"])
    for name in ("train", "validation"):
        assert manifest["splits"][name] == without["splits"][name]  # to the last byte
    assert manifest["columns"] == without["columns"]
    assert manifest["duplicates"] == without["duplicates"]
    assert ("where" in [column["name"] for column in manifest["columns"]]) is is_feature
    rows, found = of_test(tree)
    assert found == names(["FR", "DE", None], rows)


#: what no slice can be made of, and what is said
REFUSED = {
    "an amount": (np.arange(ROWS) / 4, "holds 400 different numbers; up to 50 are taken as kinds"),
    "a count": (np.arange(ROWS), "holds 400 different numbers"),
    "a count as text": ([str(value) for value in range(ROWS)], "holds 400 different numbers"),
    "times": (pa.array(range(ROWS), pa.timestamp("s")), "values of type timestamp"),
    "lists": (pa.array([[1]] * ROWS), "values of type list"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_has_no_kinds_of_rows_is_refused_with_a_fix(prepare, frauds, what):
    values, sentence = REFUSED[what]
    table = frauds.append_column("where", values if isinstance(values, pa.Array) else pa.array(values))
    with pytest.raises(TableError, match=sentence) as raised:
        prepare(table, drop=["merchant", "tx", "where"], slices=["where"], **TIME_SPLIT)
    assert "evaluation.slices" in raised.value.fix


def test_many_numbers_that_are_a_category_are_codes(prepare, frauds, tree):
    table = frauds.append_column("where", pa.array(np.arange(ROWS) % 90))
    prepare(table, drop=["merchant", "tx"], categorical=["where"], slices=["where"], **TIME_SPLIT)
    assert len(set(of_test(tree)[1])) == 80


def test_many_texts_are_kinds_until_they_are_ids(prepare, frauds, monkeypatch):
    from fraudlab.container.processing import slice_columns

    prepare(frauds, drop=["merchant"], id=["tx"], slices=["tx"], **TIME_SPLIT)
    monkeypatch.setattr(slice_columns, "MAX_KINDS", 399)
    with pytest.raises(TableError, match="has 400 values; the limit is 399"):
        prepare(frauds, drop=["merchant"], id=["tx"], slices=["tx"], **TIME_SPLIT)


@pytest.mark.parametrize(("name", "part"), [("y", "label"), ("t", "time")])
def test_neither_label_nor_time_has_slices(prepare, frauds, name, part):
    with pytest.raises(ConfigError, match=f"names '{name}', which is data.{part}") as raised:
        prepare(frauds, drop=["merchant", "tx"], slices=[name], **TIME_SPLIT)
    assert ("days and hours" in raised.value.fix) is (part == "time")


def test_a_misspelt_column_is_refused(prepare, frauds):
    with pytest.raises(TableError, match="no column 'merchand'") as raised:
        prepare(frauds, drop=["tx"], categorical=["merchant"], slices=["merchand"], **TIME_SPLIT)
    assert "evaluation.slices" in raised.value.fix
    with pytest.raises(ConfigError, match="distinct column names"):
        prepare(frauds, drop=["tx", "merchant"], slices=["merchant", "merchant"], **TIME_SPLIT)
