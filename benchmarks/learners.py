"""Other learners with their own defaults on prepared rows, one a process, in an environment of their own.

    build/bench-models/bin/python benchmarks/learners.py LEARNER FOLDER

`FOLDER` holds ``rows.npz``: ``train``, ``label`` and ``test``, categories as codes, and ``kinds``: ``c`` for
columns of categories, ``q`` for numbers. Scores of the test rows go to ``score.npy``; seconds of the training
and the most memory that was held to standard output.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

THREADS = 2
SEED = 0


def xgboost(kinds: list[str]) -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(
        n_jobs=THREADS, random_state=SEED, feature_types=kinds, enable_categorical="c" in kinds
    )


def lightgbm(kinds: list[str]) -> Any:
    from lightgbm import LGBMClassifier

    named = {"categorical_feature": _categories(kinds)} if "c" in kinds else {}
    return LGBMClassifier(n_jobs=THREADS, random_state=SEED, verbose=-1, **named)


def catboost(_kinds: list[str]) -> Any:
    # Its categories are texts or whole numbers, in a frame; codes as numbers are what a first try would do.
    from catboost import CatBoostClassifier

    return CatBoostClassifier(
        thread_count=THREADS, random_seed=SEED, verbose=False, allow_writing_files=False
    )


def scikit_learn(kinds: list[str]) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(random_state=SEED, categorical_features=_categories(kinds) or None)


def _categories(kinds: list[str]) -> list[int]:
    return [position for position, kind in enumerate(kinds) if kind == "c"]


LEARNERS: dict[str, Callable[[list[str]], Any]] = {
    "xgboost": xgboost,
    "lightgbm": lightgbm,
    "catboost": catboost,
    "scikit-learn": scikit_learn,
}


def main(name: str, folder: Path) -> None:
    with np.load(folder / "rows.npz") as rows:
        train, label, test = rows["train"], rows["label"], rows["test"]
        kinds = rows["kinds"].tolist()
    learner = LEARNERS[name](kinds)
    began = time.perf_counter()
    learner.fit(train, label)
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    np.save(folder / "score.npy", learner.predict_proba(test)[:, 1])
    print(json.dumps({"seconds": seconds, "peak_mib": peak}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
