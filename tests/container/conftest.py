"""Small tables and jobs, run in this process over a private ``/opt/ml`` tree."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from fraudlab.container.contract import Tree

from .served import Server

ROLES: dict[str, Any] = {
    "label": "y",
    "time": None,
    "id": [],
    "card": None,
    "amount": None,
    "features": [],
    "drop": [],
    "categorical": [],
    "duplicates": "keep",
    "scale": "none",
    "split": {"kind": "stratified", "train": 0.6, "validation": 0.2, "test": 0.2, "gap_seconds": 0},
    "seed": 42,
}
DECISION = {"policy": "f1", "threshold": None, "missed_fraud_cost": None, "alert_cost": 1.0}


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "ml")


@pytest.fixture
def frauds() -> pa.Table:
    """400 rows in time order: numbers and a merchant with gaps, an amount, an id; every fifth is fraud."""
    random = np.random.default_rng(7)
    y = np.arange(400) % 5 == 0
    a = random.normal(size=400) + 2 * y
    b = random.normal(size=400)
    b[::11] = np.nan
    merchant = np.where(y, "casino", "grocer").astype(object)
    merchant[random.random(400) < 0.4] = "kiosk"
    merchant[::13] = None
    return pa.table(
        {
            "tx": pa.array([f"{number:05d}" for number in range(400)]),
            "t": np.arange(400) * 60.0,
            "a": a,
            "b": pa.array(b, from_pandas=True),
            "merchant": pa.array(merchant.tolist(), pa.string()),
            "amount": np.round(random.gamma(1.0, 50.0, 400), 2),
            "y": y.astype(np.int64),
        }
    )


Place = Callable[..., Tree]


@pytest.fixture
def place(tree: Tree) -> Place:
    """Lay out a processing job for a table, or for the text of a CSV file."""

    def lay_out(table: pa.Table | str | bytes, **roles: Any) -> Tree:
        file = "table.parquet" if isinstance(table, pa.Table) else "table.csv"
        tree.raw.mkdir(parents=True, exist_ok=True)
        if isinstance(table, pa.Table):
            parquet.write_table(table, tree.raw / file)
        else:
            (tree.raw / file).write_bytes(table.encode() if isinstance(table, str) else table)
        split = {**ROLES["split"], **roles.pop("split", {})}
        tree.process_request.parent.mkdir(parents=True, exist_ok=True)
        tree.process_request.write_text(json.dumps({"file": file, **ROLES, **roles, "split": split}))
        return tree

    return lay_out


@pytest.fixture
def prepare(place: Place) -> Callable[..., dict[str, Any]]:
    """Run a processing job; the manifest."""

    def run(table: pa.Table | str | bytes, **roles: Any) -> dict[str, Any]:
        from fraudlab.container.process import run as process

        tree = place(table, **roles)
        process(tree)
        manifest: dict[str, Any] = json.loads((tree.prepared / "manifest.json").read_bytes())
        return manifest

    return run


@pytest.fixture
def hand_over() -> Callable[..., Tree]:
    """Lay out a training job on what a processing job left in the same tree."""

    def lay_out(tree: Tree, hyperparameters: dict[str, str] | None = None, **request: Any) -> Tree:
        for name in ("train", "validation"):
            tree.channel(name).parent.mkdir(parents=True, exist_ok=True)
            tree.channel(name).unlink(missing_ok=True)
            tree.channel(name).symlink_to(tree.prepared / name)
        config = tree.channel("config")
        config.mkdir(exist_ok=True)
        (config / "manifest.json").write_bytes((tree.prepared / "manifest.json").read_bytes())
        content = {"run_id": "r", "experiment_key": None, "decision": DECISION, "hashes": {"data": "d"}}
        (config / "train.json").write_text(json.dumps({**content, **request}))
        tree.hyperparameters.parent.mkdir(parents=True, exist_ok=True)
        chosen = {"num_round": "12", "max_depth": "3", "base_score": "0.5", **(hyperparameters or {})}
        tree.hyperparameters.write_text(json.dumps(chosen))
        return tree

    return lay_out


ALL_ROLES = {"id": ["tx"], "time": "t", "amount": "amount", "categorical": ["merchant"]}


@pytest.fixture
def trained(
    frauds: pa.Table, prepare: Callable[..., Any], hand_over: Callable[..., Tree], tree: Tree
) -> Tree:
    """A tree with a model: numbers with gaps, categories, scaling."""
    from fraudlab.container.train import run as train

    prepare(frauds, **ALL_ROLES, scale="standard", split={"kind": "time"})
    train(hand_over(tree))
    return tree


@pytest.fixture
def rows() -> Callable[..., np.ndarray]:
    """Rows of a label-first table: 0 or 1, and four numbers of which two say something."""

    def make(count: int = 1200, *, seed: int = 3, share: float = 0.2) -> np.ndarray:
        random = np.random.default_rng(seed)
        label = (np.arange(count) % round(1 / share) == 0).astype(np.float64)
        numbers = random.normal(size=(count, 4))
        numbers[:, 0] += 1.2 * label
        numbers[:, 1] -= 0.8 * label
        return np.column_stack([label, np.round(numbers, 4)])

    return make


@pytest.fixture
def stand_alone(tree: Tree) -> Callable[..., Tree]:
    """Lay out a training job that has nothing but channels of CSV and hyperparameters."""

    def lay_out(
        train: np.ndarray,
        validation: np.ndarray | None = None,
        test: np.ndarray | None = None,
        **hyperparameters: Any,
    ) -> Tree:
        for name, table in (("train", train), ("validation", validation), ("test", test)):
            if table is not None:
                tree.channel(name).mkdir(parents=True, exist_ok=True)
                text = "".join(",".join(f"{value:.10g}" for value in row) + "\n" for row in table)
                (tree.channel(name) / "part.csv").write_text(text)
        tree.hyperparameters.parent.mkdir(parents=True, exist_ok=True)
        chosen = {"num_round": 12, "max_depth": 3, **hyperparameters}
        tree.hyperparameters.write_text(json.dumps({name: str(value) for name, value in chosen.items()}))
        return tree

    return lay_out


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    running: list[Server] = []

    def begin(tree: Tree, **more: Any) -> Server:
        running.append(Server(tree, **more))
        running[-1].wait()
        return running[-1]

    yield begin
    for server in running:
        server.job.terminate()
        server.job.communicate(timeout=40)
