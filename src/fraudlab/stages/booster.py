"""What the booster itself says of a split, without an endpoint in between.

Runs as a process of its own (``python -m fraudlab.stages.booster MODEL SPLIT OUTPUT``): next to pandas and
scikit-learn, importing xgboost takes longer than the endpoint takes to start, and a launcher that imported it
without them would leave a notebook with an incomplete xgboost.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fraudlab.children import environment, python
from fraudlab.container.contract import LAUNCHER
from fraudlab.errors import JobFailed, StorageError
from fraudlab.files import full_disk, storage, write_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fraudlab.container.prepared import Prepared

#: what pushed a row's score, as ``[column, log-odds]``, by the row's position in the split
Reasons = dict[int, list[list[Any]]]
#: contributions of a row
_MOST_REASONS = 3
_KINDS = ("gain", "weight", "cover")


class Reference:
    """The booster's own scores of a split, computed beside other work.

    Parameters
    ----------
    model : Path
        Folder with ``model.ubj`` and ``model.json``.
    split : Path
        Folder with the split's Parquet files.
    output : Path
        Working folder, which is made.
    """

    def __init__(self, model: Path, split: Path, output: Path) -> None:
        output.mkdir(parents=True, exist_ok=True)
        self._output = output
        self._process = subprocess.Popen(
            python("fraudlab.stages.booster", str(model), str(split), str(output)),
            env={**environment(), LAUNCHER: str(os.getpid())},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Reference:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._process.kill()
            self._process.communicate()

    def result(self) -> tuple[NDArray[np.float32], list[dict[str, Any]]]:
        """Wait for scores, shape (rows,), and feature importance, largest gain first.

        Raises
        ------
        JobFailed
            Where the booster cannot be loaded or used.
        StorageError
            Where the disk is full.
        """
        import numpy as np

        _, error = self._process.communicate()
        if self._process.returncode == StorageError.exit_code:
            with storage(self._output):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self._process.returncode != 0:
            reason = error.strip().split("\n")[-1]
            raise JobFailed(f"The booster cannot score the test split: {reason}", fix="train the model again")
        importance: list[dict[str, Any]] = json.loads((self._output / "importance.json").read_text())
        return np.load(self._output / "scores.npy"), importance

    def uncalibrated(self) -> NDArray[np.float32] | None:
        """The booster's scores before calibration; None where there is none. After :meth:`result`."""
        import numpy as np

        path = self._output / "uncalibrated.npy"
        return np.load(path) if path.is_file() else None

    def reasons(self) -> Reasons:
        """What pushed the scores of the worst mistakes; after :meth:`result`."""
        found = json.loads((self._output / "reasons.json").read_text())
        return {int(position): reasons for position, reasons in found.items()}


def reference_scores(
    model: Path, split: Path
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None, list[dict[str, Any]], Reasons]:
    """Score a prepared split with ``Booster.predict``, and read what the booster says of its features.

    Parameters
    ----------
    model, split : Path
        As for :class:`Reference`.

    Returns
    -------
    scores : ndarray of float32, shape (rows,)
        As the model gives them.
    uncalibrated : ndarray of float32, shape (rows,), or None
        Before calibration; None where there is none.
    importance : list of dict
        ``column``, ``gain``, ``weight`` and ``cover`` as shares of their totals, largest gain first.
    reasons : dict
        Of the rows that :mod:`fraudlab.evaluation.mistakes` lists.
    """
    from fraudlab.container.calibrated import Calibration, read_calibration
    from fraudlab.container.contract import Fields, read_json
    from fraudlab.container.described_features import read_features
    from fraudlab.container.prepared import read_split
    from fraudlab.container.runtime import lean_xgboost

    with lean_xgboost():
        import xgboost as xgb

    contract = read_json(model / "model.json")
    features = read_features(Fields(contract, source="model.json"))
    booster = xgb.Booster(model_file=str(model / "model.ubj"))
    types = ["q" if column.categories is None else "c" for column in features.inputs]
    rows = read_split(split, features)

    def predict(matrix: NDArray[np.float32], **what: bool) -> NDArray[np.float32]:
        data = xgb.DMatrix(matrix, feature_types=types, enable_categorical=True)
        found: NDArray[np.float32] = booster.predict(data, validate_features=False, **what)
        return found

    own = predict(rows.matrix)
    curve = read_calibration(contract, source="model.json")
    scores = own if curve is None else Calibration(curve)(own)
    listed = _listed(rows, scores, threshold=float(contract["threshold"]))
    reasons: Reasons = {}
    if listed:
        contributions = predict(rows.matrix[listed], pred_contribs=True)[:, :-1]
        names = features.input_names
        reasons = {row: _largest(moved, names) for row, moved in zip(listed, contributions, strict=True)}
    return scores, None if curve is None else own, _importance(booster, features.input_names), reasons


def _listed(rows: Prepared, scores: NDArray[np.float32], *, threshold: float) -> list[int]:
    """Positions of the worst mistakes."""
    from fraudlab.evaluation.mistakes import false_alarms, missed_frauds

    missed = missed_frauds(rows.label, scores, rows.amount, threshold=threshold)
    return [*missed.tolist(), *false_alarms(rows.label, scores, threshold=threshold).tolist()]


def _largest(contributions: NDArray[np.float32], names: list[str]) -> list[list[Any]]:
    """The contributions that moved a score most, largest first; those of exactly 0 are none."""
    order = sorted(range(len(names)), key=lambda position: -abs(float(contributions[position])))
    found = [[names[position], float(contributions[position])] for position in order[:_MOST_REASONS]]
    return [reason for reason in found if reason[1] != 0.0]


def _importance(booster: Any, names: list[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [{"column": name} for name in names]
    own_names = booster.feature_names or [f"f{position}" for position in range(len(names))]
    for kind in _KINDS:
        values = booster.get_score(importance_type="weight" if kind == "weight" else f"total_{kind}")
        shares = [float(values.get(name, 0.0)) for name in own_names]
        total = sum(shares) or 1.0
        for entry, share in zip(found, shares, strict=True):
            entry[kind] = share / total
    return sorted(found, key=lambda entry: -entry["gain"])


def main(model: str, split: str, output: str) -> None:
    """Write ``scores.npy``, ``importance.json``, ``reasons.json``; of a calibrated model, what was before."""
    import numpy as np

    from fraudlab.container.runtime import end_with_launcher, without

    end_with_launcher(signal.SIGKILL)
    with without("pandas", "sklearn"):
        scores, uncalibrated, importance, reasons = reference_scores(Path(model), Path(split))
    try:
        with full_disk(Path(output)):
            np.save(Path(output) / "scores.npy", scores)
            if uncalibrated is not None:
                np.save(Path(output) / "uncalibrated.npy", uncalibrated)
            write_json(Path(output) / "importance.json", importance)
            write_json(Path(output) / "reasons.json", {str(row): found for row, found in reasons.items()})
    except StorageError as error:
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main(*sys.argv[1:])
