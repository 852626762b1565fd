"""What the log says of a version: where it is from and how good it was, taken from its run's record."""

from __future__ import annotations

import math
from typing import Any

from fraudlab.report.recorded.run_record import dig, read_run, section
from fraudlab.runs import Run

_METRICS = (
    "average_precision", "average_precision_low", "average_precision_high", "roc_auc", "recall", "precision",
    "threshold", "positives", "rows",
)  # fmt: skip


def facts_of(run: Run) -> dict[str, Any]:
    """The facts of a completed run; one that it does not have is None.

    Returns
    -------
    dict
        ``run``, ``name``, ``backend``, ``commit``, ``dirty``, ``image``, ``data`` (``source``, ``sha256``,
        ``rows``), ``experiment``, ``xgboost`` and ``metrics``.
    """
    record = read_run(run.folder)
    measured = {**section(run.record, "metrics"), **record.metrics}
    return {
        "run": run.id,
        "name": record.run.get("name"),
        "backend": record.run.get("backend"),
        "commit": dig(record.run, "git", "commit"),
        "dirty": dig(record.run, "git", "dirty"),
        "image": dig(record.run, "image", "id"),
        "data": {key: dig(record.run, "data", key) for key in ("source", "sha256", "rows")},
        "experiment": dig(record.run, "experiment", "key"),
        "xgboost": dig(record.model, "versions", "xgboost"),
        "metrics": {name: _finite(measured.get(name)) for name in _METRICS},
    }


def _finite(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and math.isfinite(value) else None
