"""What every server is given: one model, the same rows as bodies of its protocol, and their true scores.

Everything is written below a folder, so that a person can repeat a request:

    curl -H 'content-type: text/csv' --data-binary @FOLDER/rows-1-csv/00 localhost:8080/invocations
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from benchmarks import jobs

COLUMNS, TABLE_ROWS, TREES, DEPTH = 30, 200_000, 100, 6
#: different one-row bodies, sent in turn, and rows of the bulk body
SINGLE, BULK = 64, 1000

Floats = NDArray[np.float32]
#: for each row, its values as texts: the shortest that read back as the same float32
Texts = Sequence[Sequence[str]]


@dataclass(frozen=True, eq=False)
class Payloads:
    """The model in its folder, rows, and what ``Booster.predict`` says of them.

    Attributes
    ----------
    folder : Path
        Of everything written.
    model : Path
        Folder with ``model.ubj`` and ``model.json``.
    rows : ndarray of float32, shape (rows, columns)
    scores : ndarray of float32, shape (rows,)
    leaves : int
        Of a tree, on average.
    """

    folder: Path
    model: Path
    rows: Floats
    scores: Floats
    leaves: int

    def bodies(self, name: str, encode: Callable[[Texts], bytes], size: int) -> list[Path]:
        """Files of bodies of `size` rows each, under the name of their protocol."""
        folder = self.folder / f"rows-{size}-{name}"
        folder.mkdir(exist_ok=True)
        paths = []
        for number, rows in enumerate(self.parts(size)):
            path = folder / f"{number:02d}"
            path.write_bytes(encode(texts(self.rows[rows])))
            paths.append(path)
        return paths

    def parts(self, size: int) -> list[slice]:
        """The rows of each body of `size` rows: some bodies of one row, or one body of them all."""
        count = SINGLE if size == 1 else 1
        return [slice(number * size, (number + 1) * size) for number in range(count)]


def build(folder: Path) -> Payloads:
    """Train the model with fraudlab's own jobs, on random rows, and score some of them."""
    import xgboost

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    features, table = _table(np.random.default_rng(7), TABLE_ROWS)
    parquet.write_table(table, folder / "table.parquet")
    jobs.prepare(folder / "prepare", folder / "table.parquet", label="fraud", time="time")
    job = folder / "train"
    hyperparameters = {"num_round": TREES, "max_depth": DEPTH, "early_stopping_rounds": 0}
    jobs.hand_over(folder / "prepare", job, hyperparameters, policy="f1")
    jobs.run("train", job)
    model = folder / "model"
    (job / "model").rename(model)
    for used in ("prepare", "train"):
        shutil.rmtree(folder / used)
    booster = xgboost.Booster(model_file=model / "model.ubj")
    trees = booster.get_dump()
    leaves = round(sum(tree.count("leaf=") for tree in trees) / len(trees))
    if len(trees) != TREES or leaves < 2**DEPTH / 2:
        raise SystemExit(f"the model has {len(trees)} trees of {leaves} leaves: too easy to score")
    rows = features[-BULK:]
    matrix = xgboost.DMatrix(rows, feature_names=booster.feature_names, feature_types=booster.feature_types)
    return Payloads(folder, model, rows, booster.predict(matrix), leaves)


def _table(random: np.random.Generator, rows: int) -> tuple[Floats, pa.Table]:
    """Standard normal features, and a label that depends on all of them, singly and in pairs."""
    features = random.standard_normal((rows, COLUMNS), np.float32)
    single = features @ random.normal(0, 0.35, COLUMNS)
    pairs = (features[:, ::2] * features[:, 1::2]) @ random.normal(0, 0.35, COLUMNS // 2)
    chance = 1 / (1 + np.exp(4.5 - single - pairs))
    columns = {_name(number): features[:, number] for number in range(COLUMNS)}
    label = (random.random(rows) < chance).astype(np.int64)
    return features, pa.table({"time": np.arange(rows, dtype=np.float64), **columns, "fraud": label})


def _name(column: int) -> str:
    return f"f{column:02d}"


def texts(rows: Floats) -> Texts:
    """The shortest texts that read back as the same float32."""
    lines = orjson.dumps(np.ascontiguousarray(rows), option=orjson.OPT_SERIALIZE_NUMPY).decode()
    return [line.split(",") for line in lines[2:-2].split("],[")]


def as_csv(rows: Texts) -> bytes:
    return "\n".join(map(",".join, rows)).encode() + b"\n"


def as_json(name: str) -> Callable[[Texts], bytes]:
    """``{name: [[…], …]}``."""
    return lambda rows: f'{{"{name}": {_array(map(_array, rows))}}}'.encode()


def as_objects(rows: Texts) -> bytes:
    """``[{"f00": …, …}, …]``."""
    objects = (", ".join(f'"{_name(at)}": {value}' for at, value in enumerate(row)) for row in rows)
    return f"[{', '.join(f'{{{values}}}' for values in objects)}]".encode()


def as_open_inference(rows: Texts) -> bytes:
    """A request of the Open Inference (V2) protocol: one flat tensor."""
    shape = f"[{len(rows)}, {len(rows[0])}]"
    values = _array(value for row in rows for value in row)
    tensor = f'{{"name": "rows", "shape": {shape}, "datatype": "FP32", "data": {values}}}'
    return f'{{"inputs": [{tensor}]}}'.encode()


def _array(values: Iterable[str]) -> str:
    return f"[{', '.join(values)}]"


def from_csv(body: bytes) -> list[float]:
    """Scores separated by commas or lines."""
    return [float(text) for text in body.replace(b",", b"\n").split()]


def from_json(pick: Callable[[Any], list[float]]) -> Callable[[bytes], list[float]]:
    return lambda body: pick(orjson.loads(body))
