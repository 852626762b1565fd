"""Raw table to splits and manifest."""

import errno
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from sklearn.preprocessing import StandardScaler

from fraudlab.container import process
from fraudlab.container.contract import HashingFile, Tree, file_sha256
from fraudlab.container.failure import TableError, job_error

ALL_ROLES = {"id": ["tx"], "time": "t", "amount": "amount", "categorical": ["merchant"]}


def splits(tree: Tree) -> dict[str, pa.Table]:
    return {
        name: parquet.read_table(tree.prepared / name / "part-0.parquet")
        for name in ("train", "validation", "test")
    }


def csv_of(table: pa.Table) -> str:
    lines = [",".join(table.column_names)]
    lines += [",".join("" if v is None else str(v) for v in row.values()) for row in table.to_pylist()]
    return "\n".join(lines) + "\n"


def test_columns_of_a_split(prepare: Any, frauds: pa.Table, tree: Tree) -> None:
    table = frauds.append_column("card", pa.array(np.arange(400) % 7))
    prepare(table, **ALL_ROLES, card="card", duplicates="flag", split={"kind": "time"})
    schema = splits(tree)["train"].schema
    assert dict(zip(schema.names, map(str, schema.types), strict=True)) == {
        "fraudlab.row": "int64",
        "fraudlab.label": "uint8",
        "fraudlab.time": "double",
        "fraudlab.card": "string",
        "fraudlab.amount": "double",
        "tx": "string",
        "fraudlab.duplicate": "bool",
        "a": "float",
        "b": "float",
        "merchant": "dictionary<values=string, indices=int32, ordered=0>",
        "amount": "float",
    }


def test_values_are_the_raw_ones(prepare: Any, frauds: pa.Table, tree: Tree) -> None:
    prepare(frauds, **ALL_ROLES, scale="standard", split={"kind": "time", "gap_seconds": 600})
    for part in splits(tree).values():
        raw = frauds.take(part["fraudlab.row"])
        assert part["tx"].to_pylist() == raw["tx"].to_pylist()
        assert part["fraudlab.label"].to_pylist() == raw["y"].to_pylist()
        assert part["fraudlab.time"].to_pylist() == raw["t"].to_pylist()
        assert part["merchant"].to_pylist() == raw["merchant"].to_pylist()
        np.testing.assert_array_equal(part["a"].to_numpy(), raw["a"].to_numpy().astype(np.float32))
        np.testing.assert_array_equal(part["b"].to_numpy(), raw["b"].to_numpy().astype(np.float32))
        assert part["b"].null_count == 0
        np.testing.assert_array_equal(part["fraudlab.amount"].to_numpy(), raw["amount"].to_numpy())


def test_manifest(prepare: Any, frauds: pa.Table, tree: Tree) -> None:
    split = {"kind": "time", "gap_seconds": 600}
    manifest = prepare(frauds, **ALL_ROLES, drop=["a"], duplicates="flag", split=split, sha256="given")
    assert manifest["schema"] == 1
    assert manifest["raw"] == {"file": "table.parquet", "rows": 400, "columns": 7, "sha256": "given"}
    assert manifest["roles"] == {
        "label": "y",
        "time": "t",
        "label_known": None,
        "id": ["tx"],
        "card": None,
        "amount": "amount",
        "drop": ["a"],
        "categorical": ["merchant"],
        "slices": [],
    }
    assert manifest["columns"] == [
        {"name": "b", "type": "number"},
        {"name": "merchant", "type": "category", "categories": ["casino", "grocer", "kiosk"]},
        {"name": "amount", "type": "number"},
    ]
    assert manifest["preprocessing"] == {"scale": None}
    assert manifest["constant"] == []
    assert manifest["duplicates"] == {"policy": "flag", "rows": 0, "groups": 0, "dropped": 0}
    assert manifest["split"] == {
        "kind": "time",
        "gap_seconds": 600.0,
        "gap_rows": 20,
        "cuts": [14400.0, 19200.0],
        "time_kind": "number",
    }
    train = manifest["splits"]["train"]
    assert (train["rows"], train["positives"], train["duplicates"]) == (240, 48, 0)
    assert (train["time_start"], train["time_end"]) == (0.0, 239 * 60.0)
    assert train["missing"] == {"b": 22, "merchant": 19}
    assert manifest["splits"]["validation"]["time_start"] == 15000.0
    for name, part in manifest["splits"].items():
        assert part["sha256"] == file_sha256(tree.prepared / name / "part-0.parquet")
        assert part["unseen"] == {}


def test_the_raw_hash_is_computed_where_it_is_not_given(prepare: Any, frauds: pa.Table, tree: Tree) -> None:
    manifest = prepare(frauds, **ALL_ROLES)
    assert manifest["raw"]["sha256"] == file_sha256(tree.raw / "table.parquet")


def test_csv_and_parquet_of_one_table_are_prepared_alike(place: Any, frauds: pa.Table) -> None:
    found = []
    for table in (frauds, csv_of(frauds)):
        tree = place(
            table, **ALL_ROLES, duplicates="flag", scale="standard", split={"kind": "time"}, sha256="x"
        )
        process.run(tree)
        manifest = json.loads((tree.prepared / "manifest.json").read_text())
        manifest["raw"].pop("file")
        found.append(manifest)
    # The manifests hold the hashes of the splits.
    assert found[0] == found[1]


def test_two_runs_write_the_same_bytes(prepare: Any, frauds: pa.Table) -> None:
    first = prepare(frauds, **ALL_ROLES)
    assert prepare(frauds, **ALL_ROLES) == first


def test_rows_out_of_time_order_are_sorted(prepare: Any, frauds: pa.Table, tree: Tree) -> None:
    order = np.random.default_rng(1).permutation(frauds.num_rows)
    prepare(frauds.take(order), **ALL_ROLES, split={"kind": "time"})
    part = splits(tree)["validation"]
    assert part["fraudlab.time"].to_pylist() == [60.0 * row for row in range(240, 320)]
    assert part["tx"].to_pylist() == [f"{row:05d}" for row in range(240, 320)]
    assert order[part["fraudlab.row"].to_numpy()].tolist() == list(range(240, 320))


def test_timestamps_become_epoch_seconds(prepare: Any, frauds: pa.Table, tree: Tree) -> None:
    stamps = pa.array(np.arange(400) * 60_000_000 + 1_522_540_800_000_000, pa.timestamp("us"))
    manifest = prepare(frauds.set_column(1, "t", stamps), **ALL_ROLES, split={"kind": "time"})
    assert manifest["split"]["time_kind"] == "timestamp"
    assert manifest["splits"]["train"]["time_start"] == 1_522_540_800.0
    assert splits(tree)["train"]["fraudlab.time"][1].as_py() == 1_522_540_860.0


def test_numbers_become_epoch_seconds(prepare: Any, frauds: pa.Table, tree: Tree) -> None:
    stamps = pa.array(np.arange(400) * 60_000 + 1_522_540_800_000)
    split = {"kind": "time", "gap_seconds": 600}
    manifest = prepare(frauds.set_column(1, "t", stamps), **ALL_ROLES, split=split)
    assert manifest["split"]["time_kind"] == "timestamp"
    assert manifest["split"]["gap_rows"] == 20
    assert manifest["time"] == {
        "kind": "timestamp",
        "unit": "ms",
        "zone": None,
        "first": 1_522_540_800.0,
        "last": 1_522_540_800.0 + 399 * 60,
    }
    assert splits(tree)["train"]["fraudlab.time"][1].as_py() == 1_522_540_860.0


def test_a_table_without_times_has_none(prepare: Any, frauds: pa.Table) -> None:
    manifest = prepare(frauds, **{**ALL_ROLES, "time": None})
    assert manifest["time"] is None
    assert manifest["notes"] == []


def test_a_unit_is_said_in_the_request(prepare: Any, frauds: pa.Table) -> None:
    steps = pa.array(np.arange(400) // 2)
    manifest = prepare(frauds.set_column(1, "t", steps), **ALL_ROLES, time_unit="h", split={"kind": "time"})
    assert manifest["time"] == {
        "kind": "number",
        "unit": "h",
        "zone": None,
        "first": 0.0,
        "last": 199 * 3600.0,
    }


def test_numbers_that_last_less_than_the_gap(prepare: Any, frauds: pa.Table) -> None:
    with pytest.raises(TableError) as caught:
        prepare(frauds, **ALL_ROLES, split={"kind": "time", "gap_seconds": 604_800})
    assert caught.value.sentence == (
        "the times of 't' span 6.65 h as data.time_unit=s, and the gap is 7 days"
    )


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_time_that_is_missing_in_the_first_row(place: Any, newline: str) -> None:
    rows = [
        "t,a,y",
        ",1,0",
        *(f"2023-03-01 00:{minute:02d}:00,{minute},{minute % 2}" for minute in range(60)),
    ]
    with pytest.raises(TableError) as caught:
        process.run(place(newline.join(rows) + newline, time="t"))
    assert caught.value.sentence == "time column 't' is missing in row 1 (1 of 61 rows)"


def test_times_of_which_some_have_a_zone(prepare: Any, frauds: pa.Table) -> None:
    texts = [f"2023-03-01 {n // 60:02d}:{n % 60:02d}:00{'Z' if n % 2 else ''}" for n in range(400)]
    manifest = prepare(frauds.set_column(1, "t", pa.array(texts)), **ALL_ROLES, split={"kind": "time"})
    assert manifest["time"]["last"] - manifest["time"]["first"] == 399 * 60
    assert manifest["notes"] == [
        "200 of 400 times in 't' have no zone; they are taken as UTC, which the others say"
    ]


@pytest.mark.parametrize(("policy", "kept", "dropped"), [("flag", 440, 0), ("drop", 400, 40)])
def test_duplicates(prepare: Any, frauds: pa.Table, tree: Tree, policy: str, kept: int, dropped: int) -> None:
    copies = frauds.slice(100, 40).set_column(0, "tx", pa.array([f"c{i}" for i in range(40)]))
    table = pa.concat_tables([frauds, copies])
    manifest = prepare(table, **ALL_ROLES, duplicates=policy, split={"kind": "time"})
    assert manifest["duplicates"] == {"policy": policy, "rows": 40, "groups": 40, "dropped": dropped}
    parts = splits(tree)
    assert sum(part.num_rows for part in parts.values()) == kept
    if policy == "flag":
        flagged = [
            row
            for part in parts.values()
            for row in part.filter(part["fraudlab.duplicate"])["tx"].to_pylist()
        ]
        assert flagged == [f"c{i}" for i in range(40)]
        assert sum(split["duplicates"] for split in manifest["splits"].values()) == 40
    else:
        assert all("fraudlab.duplicate" not in part.column_names for part in parts.values())


def test_kept_duplicates_are_not_looked_for(prepare: Any, frauds: pa.Table) -> None:
    manifest = prepare(frauds, **ALL_ROLES, duplicates="keep")
    assert manifest["duplicates"] == {"policy": "keep", "rows": None, "groups": None, "dropped": 0}
    assert manifest["splits"]["test"]["duplicates"] is None


def test_everything_is_fitted_on_train_alone(prepare: Any, frauds: pa.Table, tree: Tree) -> None:
    merchants = frauds["merchant"].to_pylist()
    merchants[390:395] = ["yacht"] * 5
    table = frauds.set_column(4, "merchant", pa.array(merchants))
    manifest = prepare(table, **ALL_ROLES, scale="standard", split={"kind": "time"})
    assert manifest["columns"][2]["categories"] == ["casino", "grocer", "kiosk"]
    assert manifest["splits"]["test"]["unseen"] == {"merchant": 5}
    train = splits(tree)["train"]
    numbers = np.column_stack([train[name].to_numpy().astype(np.float64) for name in ("a", "b", "amount")])
    expected = StandardScaler().fit(numbers)
    scale = manifest["preprocessing"]["scale"]
    assert scale["mean"][2] is None
    np.testing.assert_allclose([scale["mean"][i] for i in (0, 1, 3)], expected.mean_, rtol=1e-12)
    np.testing.assert_allclose([scale["std"][i] for i in (0, 1, 3)], expected.scale_, rtol=1e-12)


def test_columns_without_information_are_allowed_and_named(prepare: Any, frauds: pa.Table) -> None:
    table = frauds.append_column("same", pa.array([2.5] * 400)).append_column(
        "none", pa.nulls(400, pa.float64())
    )
    table = table.append_column("one", pa.array(["x"] * 400))
    manifest = prepare(table, id=["tx"], categorical=["merchant", "one"], scale="standard")
    assert manifest["constant"] == ["same", "none", "one"]
    assert manifest["splits"]["train"]["missing"]["none"] == 240
    assert manifest["preprocessing"]["scale"]["std"][-3:] == [1.0, 1.0, None]


def test_too_many_categories(prepare: Any, frauds: pa.Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "MAX_CATEGORIES", 200)
    with pytest.raises(TableError) as caught:
        prepare(frauds, categorical=["tx", "merchant"])
    assert caught.value.sentence == "column 'tx' has 240 categories in train; the limit is 200"


@pytest.mark.parametrize(
    ("roles", "sentence"),
    [
        ({"id": ["tx"]}, "column 'merchant' is not numeric: row 2 holds "),
        ({"id": ["tx"], "time": "merchant"}, "time column 'merchant' holds "),
        ({"id": ["tx"], "label": "amount"}, "label column 'amount' holds "),
        (
            {"id": ["tx"], "label": "b", "drop": ["merchant"]},
            "label column 'b' is missing in row 1 (37 of 400 rows)",
        ),
    ],
)
def test_refusals_come_before_anything_is_written(
    prepare: Any, frauds: pa.Table, tree: Tree, roles: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(TableError) as caught:
        prepare(frauds, **roles)
    assert caught.value.sentence.startswith(sentence)
    assert not tree.prepared.exists()


def test_a_full_disk_leaves_nothing_half_written(
    place: Any, frauds: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = place(frauds, **ALL_ROLES)
    write = HashingFile.write
    room = 4_000

    def full(self: HashingFile, data: Any) -> int:
        if self.tell() + len(data) > room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, data)

    monkeypatch.setattr(HashingFile, "write", full)
    with pytest.raises(OSError, match="No space") as caught:
        process.run(tree)
    assert job_error(caught.value).exit_code == 8
    assert [path for path in tree.prepared.rglob("*") if path.is_file()] == []


def test_the_creditcard_sample_keeps_every_fraud(prepare: Any, data_dir: Path) -> None:
    text = (data_dir / "creditcard_sample.csv").read_bytes()
    manifest = prepare(text, label="Class", time="Time", amount="Amount", duplicates="flag")
    assert manifest["raw"]["rows"] == 1722
    assert manifest["raw"]["columns"] == 31
    assert sum(split["positives"] for split in manifest["splits"].values()) == 492
    assert [column["name"] for column in manifest["columns"]] == [*(f"V{i}" for i in range(1, 29)), "Amount"]


def test_duplicates_of_the_creditcard_sample_are_those_of_pandas(prepare: Any, data_dir: Path) -> None:
    import pandas as pd

    path = data_dir / "creditcard_sample.csv"
    expected = pd.read_csv(path).duplicated()
    manifest = prepare(path.read_bytes(), label="Class", time="Time", duplicates="drop")
    assert manifest["duplicates"]["rows"] == int(expected.sum()) > 0
    assert sum(split["rows"] for split in manifest["splits"].values()) == int((~expected).sum())
