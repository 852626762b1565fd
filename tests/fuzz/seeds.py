"""Inputs the fuzzer begins with: small ones of every kind that is right."""

from __future__ import annotations

import csv
import io
import json
import struct
import tarfile
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from fraudlab.container.features import Column, Features
from fraudlab.container.runtime import lean_xgboost
from fraudlab.container.scaling import Scaling

with lean_xgboost():
    import xgboost

_NUMBERS = [Column("a"), Column("b"), Column("c")]
#: models that bodies are read for
MODELS = (
    Features(_NUMBERS),
    Features([Column("a"), Column("m", ("casino", "kiosk, 24h", "12")), Column("b")]),
    Features(_NUMBERS, Scaling(np.array([1.0, 0, 0]), np.array([2.0, 1, 1e-300]))),
    Features([Column("x")]),
    Features(
        [Column("a"), Column("m", ("casino", "12"))], Scaling(np.array([1.0, 0]), np.array([2.0, 1]))
    ).deriving({"r": "a / (a - 0.5)", "l": "where(m == 'casino', log(a), r)"}),
)
#: the columns of the boosters
BOOSTED = Features([Column("a"), Column("b"), Column("m", tuple("abcdefghijkl"))])


def bodies(kind: str) -> list[bytes]:
    """Bodies for each model, behind the byte that chooses it."""
    made = []
    for number, features in enumerate(MODELS):
        values: list[list[Any]] = [
            [
                0.5 + row if column.categories is None else column.categories[row]
                for column in features.columns
            ]
            for row in range(2)
        ]
        values.append([None] * len(features))
        made += [bytes([number]) + body for body in _BODIES[kind](features.names, values)]
    return made


def _csv(_: list[str], rows: list[list[Any]]) -> list[bytes]:
    made = []
    for quoting, some in (
        (csv.QUOTE_MINIMAL, rows[:2]),
        (csv.QUOTE_ALL, rows),
        (csv.QUOTE_MINIMAL, rows[:1]),
    ):
        text = io.StringIO()
        csv.writer(text, quoting=quoting).writerows(some)
        made.append(text.getvalue().encode())
    return made


def _json(names: list[str], rows: list[list[Any]]) -> list[bytes]:
    objects = [dict(zip(names, row, strict=True)) for row in rows]
    return [json.dumps(body).encode() for body in (rows, objects, {"instances": rows}, objects[0])]


def _json_lines(names: list[str], rows: list[list[Any]]) -> list[bytes]:
    objects = [dict(zip(names, row, strict=True)) for row in rows]
    return ["\n".join(map(json.dumps, body)).encode() for body in (rows, objects)]


def _libsvm(_: list[str], rows: list[list[Any]]) -> list[bytes]:
    def line(row: list[Any]) -> str:
        return " ".join(f"{at}:{value}" for at, value in enumerate(row) if isinstance(value, float))

    return ["\n".join(map(line, rows[:2])).encode(), b"\n".join(b"0 " + line(row).encode() for row in rows)]


def _parquet(names: list[str], rows: list[list[Any]]) -> list[bytes]:
    table = pa.table({name: [row[at] for row in rows] for at, name in enumerate(names)})
    made = []
    for options in ({}, {"compression": "none", "use_dictionary": False}, {"data_page_version": "2.0"}):
        sink = io.BytesIO()
        parquet.write_table(table, sink, store_schema=False, write_statistics=False, **options)
        made.append(sink.getvalue())
    return made


def _records(_: list[str], rows: list[list[Any]]) -> list[bytes]:
    """Texts, which no record holds, are missing."""
    columns = np.array([[v if isinstance(v, float) else np.nan for v in row] for row in rows])
    return [double_records(columns), double_records(columns[:1])]


_BODIES = {
    "csv": _csv,
    "json": _json,
    "jsonlines": _json_lines,
    "libsvm": _libsvm,
    "parquet": _parquet,
    "recordio": _records,
}


def double_records(rows: Any) -> bytes:
    """Dense records of a few doubles each."""
    made = b""
    for row in rows:
        payload = np.asarray(row, "<f8").tobytes()
        # From inside: packed values, tensor of float64, value of the key, entry of the features.
        for before in (b"\x0a", b"\x1a", b"\x0a\x06values\x12", b"\x0a"):
            payload = before + bytes([len(payload)]) + payload
        made += struct.pack("<II", 0xCED7230A, len(payload)) + payload + bytes(-len(payload) % 4)
    return made


def libsvm() -> list[bytes]:
    """Lines with and without labels, weights and comments, few and many."""
    few = [b"1 0:1.5 3:nan\n0 1:2", b"1:0.5 0:1\n0:2 1:1e3", b"0:1 1:2\n\n", b"# c\n1 0:1 # d\n", b""]
    return [*few, b"1 0:1.5 3:2\n" * 300, b"0:1.5 3:2\n" * 300]


def recordio() -> list[bytes]:
    """Dense and sparse records, of float32 and float64, in one part and in two."""

    def field(number: int, content: bytes) -> bytes:
        return bytes([number << 3 | 2, len(content)]) + content

    def entry(number: int, key: bytes, kind: int, tensor: bytes) -> bytes:
        return field(number, field(1, key) + field(2, field(kind, tensor)))

    def framed(payload: bytes, part: int = 0) -> bytes:
        head = struct.pack("<II", 0xCED7230A, part << 29 | len(payload))
        return head + payload + bytes(-len(payload) % 4)

    dense = entry(1, b"values", 2, field(1, struct.pack("<3f", 1, 2, 3))) + entry(
        2, b"values", 2, field(1, struct.pack("<f", 1))
    )
    # in parts where the magic number stands in it, which then is left out
    parted = dense[:16] + dense[20:]
    sparse = entry(1, b"values", 3, field(1, struct.pack("<2d", 1, 2)) + field(2, b"\0\2") + field(3, b"\3"))
    return [
        framed(dense),
        framed(dense) * 3,
        framed(sparse),
        framed(parted[:16], 1) + framed(parted[16:], 3),
        framed(dense) + framed(sparse),
    ]


def contracts() -> list[bytes]:
    """``model.json`` of the first booster; ``$`` stands for its SHA-256."""
    whole: dict[str, Any] = {"schema": 1, "run_id": "r", "label": "y", **BOOSTED.as_json(), "threshold": 0.5}
    whole |= {"decision": {"policy": "f1"}, "calibration": None, "hyperparameters": {"max_depth": 3}}
    whole |= {"rounds": 2, "versions": {"xgboost": "3.2.0"}, "hashes": {"data": "d", "model.ubj": "$"}}
    scaled = {"preprocessing": {"scale": {"mean": [0, 1.5, None], "std": [1, 2.5, None]}}}
    return [json.dumps(content).encode() for content in (whole, whole | scaled)]


@cache
def boosters() -> list[bytes]:
    """One of each kind of model; the first is the contract's."""
    rows, kinds = boosted_rows()
    label = (np.nan_to_num(rows[:, 0]) + np.nan_to_num(rows[:, 2]) / 6 > 1).astype(int)
    made = []
    for parameters in (
        {"max_depth": 3, "max_cat_to_onehot": 1},
        {"max_depth": 2, "booster": "dart", "rate_drop": 0.5},
        {"max_depth": 2, "num_parallel_tree": 2},
        {"max_depth": 0, "max_leaves": 8, "grow_policy": "lossguide"},
    ):
        data = xgboost.DMatrix(rows, label=label, feature_names=BOOSTED.names, feature_types=kinds, nthread=1)
        booster = xgboost.train({"objective": "binary:logistic", "nthread": 1, **parameters}, data, 2)
        made.append(bytes(booster.save_raw("ubj")))
    numbers = xgboost.DMatrix(rows, label=label, feature_names=BOOSTED.names, nthread=1)
    pruned = xgboost.train(
        {"objective": "binary:logistic", "nthread": 1, "tree_method": "exact", "gamma": 2, "max_depth": 4},
        numbers,
        2,
    )
    pruned.feature_types = None
    return [*made, bytes(pruned.save_raw("ubj"))]


@cache
def boosted_rows() -> tuple[Any, list[str]]:
    """Inputs of the boosters with gaps and the largest numbers there are, and their types."""
    chance = np.random.default_rng(0)
    rows = chance.normal(size=(200, len(BOOSTED))).astype(np.float32)
    rows[:, 2] = chance.integers(0, 12, 200)
    rows[chance.random(rows.shape) < 0.1] = np.nan
    rows[0], rows[1, :2], rows[2, :2] = np.nan, 3.4e38, -3.4e38
    return rows, ["float", "float", "c"]


def archives() -> list[bytes]:
    """The tar in archives of every format, with links, folders and long names."""
    made = []
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:", format=form) as tar:
            for name, kind in (
                ("a/b.json", b"0"),
                ("d", b"5"),
                ("l", b"2"),
                ("n" * 80 + "/" + "m" * 90, b"0"),
            ):
                member = tarfile.TarInfo(name)
                member.type = kind
                member.linkname = "/etc/passwd" if kind == b"2" else ""
                member.size = 600 if kind == b"0" else 0
                tar.addfile(member, io.BytesIO(b"x" * 600))
        made.append(
            buffer.getvalue().rstrip(b"\0") + bytes(1024 + -len(buffer.getvalue().rstrip(b"\0")) % 512)
        )
    return made
