"""Jobs as plain processes over private trees of the contract's folders (``docs/contract.md``).

python -m benchmarks.jobs TREE ROWS     # a synthetic table, prepared for training
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.timing import ROOT

COMMAND = [sys.executable, "-m", "fraudlab.container"]
#: shares of the table; what is measured is named by the rows of train
SPLIT = {"train": 0.7, "validation": 0.2, "test": 0.1}


def environment(tree: Path) -> dict[str, str]:
    """What a job is given over a tree of its own."""
    return {
        **os.environ,
        "FRAUDLAB_ML_ROOT": str(tree.resolve()),
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }


def run(command: str, tree: Path) -> None:
    """Carry out one job; what it prints is shown where it fails."""
    job = subprocess.run(
        [*COMMAND, command], env=environment(tree), capture_output=True, text=True, check=False
    )
    if job.returncode:
        raise SystemExit(f"{command} failed:\n{job.stdout}{job.stderr}")


def prepare(tree: Path, table: Path, **roles: Any) -> dict[str, Any]:
    """Split a table by time; the manifest.

    Parameters
    ----------
    tree : Path
        Stands for ``/opt/ml``.
    table : Path
        Is moved into the tree.
    **roles
        Fields of ``process.json`` other than those every benchmark has in common.
    """
    raw = tree / "processing/input/raw"
    raw.mkdir(parents=True)
    table.replace(raw / table.name)
    common = {
        "file": table.name,
        "duplicates": "keep",
        "scale": "none",
        "split": {"kind": "time", **SPLIT},
        "seed": 0,
    }
    _write(tree / "processing/input/config/process.json", {**common, **roles})
    run("process", tree)
    manifest: dict[str, Any] = json.loads((tree / "processing/output/manifest.json").read_bytes())
    return manifest


def hand_over(
    prepared: Path,
    tree: Path,
    hyperparameters: Mapping[str, Any],
    *,
    policy: str,
    experiment_key: str | None = None,
) -> None:
    """Lay out a training job in `tree` on what the processing job left in `prepared`."""
    channels = tree / "input/data"
    channels.mkdir(parents=True)
    output = (prepared / "processing/output").resolve()
    for name in ("train", "validation"):
        (channels / name).symlink_to(output / name)
    _write(channels / "config/manifest.json", json.loads((output / "manifest.json").read_bytes()))
    _write(
        channels / "config/train.json",
        {
            "run_id": "benchmark",
            "experiment_key": experiment_key,
            "decision": {"policy": policy, "alert_cost": 5.0},
            "hashes": {},
        },
    )
    texts = {name: str(value) for name, value in hyperparameters.items() if value is not None}
    _write(tree / "input/config/hyperparameters.json", texts)


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def split_file(tree: Path, name: str) -> Path:
    """The Parquet file of a prepared split."""
    return tree / "processing/output" / name / "part-0.parquet"


def prepare_synthetic(tree: str, rows: str) -> None:
    """Prepare the synthetic table so that train has about `rows` rows, of 30 features and the label."""
    from fraudlab.data.synthetic import COLUMNS, write_synthetic

    folder = Path(tree)
    table = folder.with_name(f"{folder.name}.parquet")
    write_synthetic(table, rows=round(int(rows) / SPLIT["train"]))
    features = [name for name in COLUMNS if name != "Class"]
    prepare(folder, table, label="Class", time="Time", amount="Amount", features=features)
    (folder / "processing/input/raw" / table.name).unlink()


def print_parameters() -> None:
    """Print fraudlab's defaults for XGBoost, and ``fraud_bins``, as JSON."""
    from fraudlab.compose import compose

    ours = ("name", "num_round", "early_stopping_rounds", "refit")
    chosen = {name: value for name, value in vars(compose([]).model).items() if name not in ours}
    print(json.dumps({name: value for name, value in chosen.items() if value is not None}))


def require_same(one: str, other: str) -> None:
    """See that two boosters have the same trees."""
    import xgboost

    trees = []
    for path in (one, other):
        model = json.loads(xgboost.Booster(model_file=path).save_raw("json"))
        trees.append(model["learner"]["gradient_booster"]["model"]["trees"])
    if trees[0] != trees[1]:
        raise SystemExit(f"{one} and {other} are not the same model: their times cannot be compared")


COMMANDS = {"prepare": prepare_synthetic, "parameters": print_parameters, "same": require_same}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])
