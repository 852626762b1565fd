"""What is recorded of slices: names, values that are put together, what was missing."""

import numpy as np
import pyarrow as pa
import pytest

from fraudlab.errors import ConfigError
from fraudlab.evaluation.ranking import rank
from fraudlab.report.recorded.sliced_rows import MOST_VALUES
from fraudlab.stages.slice_content import require_slices, slice_content
from fraudlab.stages.team_figures import TestRows

ROWS = 6000


def content(columns, *, card=None, recall=None):
    rng = np.random.default_rng(0)
    fraud = rng.random(ROWS) < 0.2
    found = rng.random(ROWS) < (0.7 if recall is None else recall)
    score = np.where(fraud & found, 0.6, 0.1) + 0.3 * rng.random(ROWS)
    table = pa.table({f"fraudlab.slice.{name}": values for name, values in columns.items()})
    rows = TestRows(rank(fraud, score), None, None, 1.0, card)
    return slice_content(rows, table, list(columns), threshold=0.5, resamples=20, seed=1)


def repeated(values):
    return pa.array([values[row % len(values)] for row in range(ROWS)], pa.string()).dictionary_encode()


def test_values_come_by_rows_then_what_is_missing():
    found, metrics = content({"c": repeated(["b", "a", None, "b", "<i>"])})
    (column,) = found["columns"]
    assert [(one["kind"], one["value"], one["rows"]) for one in column["slices"]] == [
        ("value", "b", 2400), ("value", "<i>", 1200), ("value", "a", 1200), ("missing", None, 1200),
    ]  # fmt: skip
    assert (column["values"], column["together"], metrics["slices"]) == (3, 0, 4)
    assert found["compared"] == 8
    assert metrics["slices_worse"] == 0
    assert found["units"] == "rows"


@pytest.mark.parametrize("values", [MOST_VALUES, MOST_VALUES + 1, MOST_VALUES + 2, 300])
def test_values_beyond_the_most_are_put_together(values):
    (column,) = content({"c": repeated([f"v{value:03d}" for value in range(values)])})[0]["columns"]
    together = values - MOST_VALUES if values > MOST_VALUES + 1 else 0
    assert (column["values"], column["together"]) == (values, together)
    assert [one["kind"] for one in column["slices"]] == ["value"] * (values - together) + ["together"] * bool(
        together
    )
    assert sum(one["rows"] for one in column["slices"]) == ROWS


def test_a_worse_slice_is_counted_whatever_column_it_is_of():
    row = np.arange(ROWS)
    plain, worse = repeated(["x", "y", "z"]), repeated(["p", "q", "r", "s"])
    found, metrics = content({"plain": plain, "worse": worse}, recall=np.where(row % 4 == 2, 0.3, 0.7))
    verdicts = {
        one["value"]: one["recall_verdict"] for column in found["columns"] for one in column["slices"]
    }
    assert {name for name, verdict in verdicts.items() if verdict == "lower"} == {"r"}
    assert metrics == {"slices": 7, "slices_worse": 1}


def test_chunks_with_dictionaries_of_their_own_are_one_column():
    parts = [pa.array(["a", "b"] * 1500).dictionary_encode(), pa.array(["b", "a"] * 1500).dictionary_encode()]
    (column,) = content({"c": pa.chunked_array(parts)})[0]["columns"]
    assert [(one["value"], one["rows"]) for one in column["slices"]] == [("a", 3000), ("b", 3000)]


def test_cards_are_the_units_where_there_are_any():
    found, _ = content({"c": repeated(["a", "b"])}, card=np.arange(ROWS) % 50)
    assert found["units"] == "cards"


def test_prepared_data_without_the_column_are_refused_before_a_model_is_trained():
    manifest = {"roles": {"slices": ["a"]}}
    require_slices(["a"], manifest)
    require_slices([], {"roles": {}})
    with pytest.raises(ConfigError, match=r"names 'b', and .* prepared with 'a'\.") as raised:
        require_slices(["a", "b"], manifest)
    assert "raw table" in raised.value.fix
    with pytest.raises(ConfigError, match="prepared with none"):
        require_slices(["a"], {"roles": {}})
