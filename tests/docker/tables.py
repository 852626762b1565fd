"""Small tables, and jobs laid out on them."""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet as pq

from .opt_ml import Tree

PROCESS = {
    "file": "transactions.csv",
    "label": "y",
    "time": "t",
    "id": ["tx"],
    "card": None,
    "amount": "amount",
    "features": [],
    "drop": [],
    "categorical": ["merchant"],
    "duplicates": "keep",
    "scale": "standard",
    "split": {"kind": "time", "train": 0.6, "validation": 0.2, "test": 0.2, "gap_seconds": 0},
    "seed": 42,
}
TRAIN = {
    "run_id": "r",
    "experiment_key": None,
    "decision": {"policy": "f1", "threshold": None, "missed_fraud_cost": None, "alert_cost": 1.0},
    "hashes": {"data": "d"},
}
#: one raw transaction for the model of :func:`lay_out_training`, and the columns it has
ROW, COLUMNS = "1.5,0.25,casino,80", ["a", "b", "merchant", "amount"]


def lay_out_processing(tree: Tree, table: str | None = None, **request: Any) -> Tree:
    """A processing job for a table of transactions: numbers, some of them missing, a merchant, an amount."""
    tree.put("processing/input/raw/transactions.csv", table or transactions())
    tree.put("processing/input/config/process.json", {**PROCESS, **request})
    tree.writable("processing/output")
    return tree


def transactions(rows: int = 400) -> str:
    """A raw table in time order; every fifth row is a fraud."""
    random = np.random.default_rng(7)
    lines = ["tx,t,a,b,merchant,amount,y"]
    for number in range(rows):
        fraud = number % 5 == 0
        merchant = (
            "" if number % 13 == 0 else "kiosk" if random.random() < 0.4 else "casino" if fraud else "grocer"
        )
        b = "" if number % 11 == 0 else f"{random.normal():.4f}"
        a, amount = random.normal() + 2 * fraud, random.gamma(1.0, 50.0)
        lines.append(f"{number:05d},{60 * number},{a:.4f},{b},{merchant},{amount:.2f},{int(fraud)}")
    return "\n".join(lines) + "\n"


def lay_out_training(
    tree: Tree, prepared: Path, hyperparameters: dict[str, str] | None = None, **request: Any
) -> Tree:
    """A training job on what a processing job left."""
    for name in ("train", "validation"):
        shutil.copytree(
            prepared / "processing/output" / name, tree.root / "input/data" / name, dirs_exist_ok=True
        )
    tree.put("input/data/config/manifest.json", (prepared / "processing/output/manifest.json").read_bytes())
    tree.put("input/data/config/train.json", {**TRAIN, **request})
    tree.hyperparameters(
        **{"num_round": "12", "max_depth": "3", "base_score": "0.5", **(hyperparameters or {})}
    )
    return tree


def frauds(rows: int, columns: int, *, seed: int = 0) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Labels and features, of which the first three say something about the label.

    The features have four digits, so that they are the same after they have been text.
    """
    random = np.random.default_rng(seed)
    features = random.normal(size=(rows, columns))
    signal = features[:, 0] + features[:, 1] * features[:, 2] + 0.5 * random.normal(size=rows)
    label = (signal > np.quantile(signal, 0.8)).astype(np.uint8)
    return label, np.round(features, 4).astype(np.float32)


def label_first(label: NDArray[np.uint8], features: NDArray[np.float32]) -> str:
    """CSV as the official container reads it: the label, then the features, and no header."""
    return "".join(
        f"{y},{','.join(f'{value:.4f}' for value in row)}\n" for y, row in zip(label, features, strict=True)
    )


def libsvm(label: NDArray[np.uint8] | None, features: NDArray[np.float32], *, first: int) -> str:
    """The same in libsvm, with indices from `first`; what is missing is left out."""
    lines = []
    for number, row in enumerate(features):
        pairs = (f"{place}:{value:.4f}" for place, value in enumerate(row, first) if not np.isnan(value))
        lines.append(" ".join([*([] if label is None else [str(label[number])]), *pairs]))
    return "\n".join(lines) + "\n"


def parquet(label: NDArray[np.uint8], features: NDArray[np.float32]) -> bytes:
    """The same in Parquet, the label first."""
    columns = {
        "label": label,
        **{f"column {place}": features[:, place] for place in range(features.shape[1])},
    }
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def recordio(label: NDArray[np.uint8], features: NDArray[np.float32]) -> bytes:
    """The same in recordio-protobuf, as SageMaker's own SDK writes it."""
    os.environ.setdefault("SAGEMAKER_SUPPRESS_V2_WARNING", "1")
    from sagemaker.amazon.common import write_numpy_to_dense_tensor

    sink = io.BytesIO()
    write_numpy_to_dense_tensor(sink, features, label.astype(np.float32))
    return sink.getvalue()


def lay_out_standalone(tree: Tree, **hyperparameters: str) -> Tree:
    """A training job without a process job: label-first CSV, and nothing else where no parameter is given."""
    tree.put("input/data/train/part-0.csv", label_first(*frauds(240, 4, seed=1)))
    tree.put("input/data/validation/part-0.csv", label_first(*frauds(120, 4, seed=2)))
    if hyperparameters:
        tree.hyperparameters(**hyperparameters)
    return tree
