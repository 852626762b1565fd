"""fraudlab's defaults against other learners with theirs: the same rows, the same split, the same test.

    python -m benchmarks.models [--table "data=table data.path=my.csv data.label=fraud"] [--write]

Each table is split and trained by `fraudlab train`. The others learn from its train and validation rows,
as none of them stops early by itself, and score the same test rows.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.pages import table_of, write_section
from benchmarks.timing import ROOT, timed

LEARNERS = ("xgboost", "lightgbm", "catboost", "scikit-learn")
OURS = "fraudlab"
PYTHON = ROOT / "build/bench-models/bin/python"
RUN = Path("runs/r")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--table", action="append", help="overrides of a run; default: the tables at hand")
    parser.add_argument("--write", action="store_true", help="replace the section in docs/performance.md")
    chosen = parser.parse_args()
    found = []
    for words in chosen.table or tables_at_hand():
        with tempfile.TemporaryDirectory(prefix="bench-models-") as folder:
            os.chdir(folder)
            found.append(compared(words.split()))
            os.chdir(ROOT)
    text = report(found)
    print(text)
    if chosen.write:
        write_section("models", text)


def tables_at_hand() -> Iterator[str]:
    """The generated table, and the real ones that are there."""
    yield "data=synthetic data.rows=284807"
    yield "data=synthetic data.rows=20000 data.fraud_rate=0.01"
    folder = Path(os.environ.get("FRAUDLAB_DATA", ROOT.parent / "shared/data")).resolve()
    described = "data=table data.label=Class data.time=Time data.amount=Amount"
    for words, name in (("data=handbook", "handbook.parquet"), (described, "creditcard_sample.csv")):
        if (folder / name).exists():
            yield f"{words} data.path={folder / name}"
        else:
            print(f"without {name}: it is not in {folder} (FRAUDLAB_DATA)", flush=True)


def compared(words: list[str]) -> dict[str, Any]:
    """Train all of them on one table, in this folder.

    This process stays small: Linux counts what it holds among the memory of those that it starts.
    """
    ours = timed(
        [sys.executable, "-m", "fraudlab", "train", "backend=process", "tracking=off", "run.id=r", *words]
    )
    what = json.loads(_beside("rows"))
    seconds = {OURS: what.pop("seconds")}
    peaks = {OURS: ours["peak_mib"]}
    scored = {}
    for name in LEARNERS:
        done = subprocess.run(
            [str(PYTHON), str(ROOT / "benchmarks/learners.py"), name, "."],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        figures = json.loads(done.stdout.splitlines()[-1])
        seconds[name], peaks[name] = figures["seconds"], figures["peak_mib"]
        scored[name] = json.loads(_beside("against", "score.npy"))
        print(f"{what['name']}  {name}  {scored[name]}", flush=True)
    return {**what, "seconds": seconds, "peaks": peaks, "scored": scored}


def _beside(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.models", *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def hand_over_rows() -> None:
    """Write what the run was trained and tested on to ``rows.npz``; print what that was, and the seconds."""
    from fraudlab.container.contract import Fields
    from fraudlab.container.described_features import read_features
    from fraudlab.container.prepared import read_split

    manifest = json.loads((RUN / "data/manifest.json").read_bytes())
    features = read_features(Fields(manifest, source="manifest.json"))
    (prepared,) = Path("runs/.cache/prepared").iterdir()
    parts = {name: read_split(prepared / name, features) for name in ("train", "validation", "test")}
    learned = [parts["train"], parts["validation"]]
    np.savez(
        "rows.npz",
        train=np.concatenate([part.matrix for part in learned]),
        label=np.concatenate([part.label for part in learned]),
        test=parts["test"].matrix,
        kinds=["q" if column.categories is None else "c" for column in features.columns],
    )
    record = json.loads((RUN / "run.json").read_bytes())
    spent = json.loads((RUN / "training/history.json").read_bytes())["seconds"]
    print(
        json.dumps(
            {
                "name": record["data"]["source"],
                "rows": sum(map(len, learned)),
                "frauds": sum(part.frauds for part in learned),
                "test_frauds": parts["test"].frauds,
                "average_precision": record["metrics"]["average_precision"],
                "seconds": sum(value for name, value in spent.items() if name not in ("import", "load")),
            }
        )
    )


def against(scores: Path) -> None:
    """Print how ours and another's scores of the test rows compare."""
    import pyarrow.parquet

    from fraudlab.evaluation.intervals import paired_bootstrap
    from fraudlab.evaluation.metrics import average_precision

    table = pyarrow.parquet.read_table(RUN / "evaluation/scores.parquet")
    label, ours = table["label"].to_numpy(), table["score"].to_numpy()
    theirs = np.load(scores)
    found = paired_bootstrap(label, ours, theirs)
    print(
        json.dumps(
            {
                "average_precision": average_precision(label, theirs),
                "difference": found.difference,
                "low": found.low,
                "high": found.high,
            }
        )
    )


def report(found: list[dict[str, Any]]) -> str:
    """The figures as Markdown."""
    lines = []
    for table in found:
        what = (
            f"{table['name']}: {table['rows']:,} rows with {table['frauds']:,} frauds, tested on"
            f" {table['test_frauds']:,}"
        )
        ours = table["seconds"][OURS]
        lines.append(
            [what, OURS, f"{table['average_precision']:.3f}", "", "1.0", f"{table['peaks'][OURS]:.0f}"]
        )
        for name, scored in table["scored"].items():
            interval = f"{scored['difference']:+.3f} ({scored['low']:+.3f} to {scored['high']:+.3f})"
            behind = " **ours is behind**" if scored["high"] < 0 else ""
            lines.append(
                [
                    "",
                    name,
                    f"{scored['average_precision']:.3f}",
                    interval + behind,
                    f"{table['seconds'][name] / ours:.2f}",
                    f"{table['peaks'][name]:.0f}",
                ]
            )
    head = ["table", "defaults of", "average precision", "ours minus theirs (95 %)", "time / ours", "MiB"]
    return (
        "Trained on train and validation, tested on the same test rows, two threads. Ours includes choosing"
        " its rounds and its threshold, and its memory is the largest process of the whole run.\n\n"
        + table_of(head, lines)
    )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["rows"]:
            hand_over_rows()
        case ["against", scores]:
            against(Path(scores))
        case _:
            main()
