"""The validation scores that a train job kept, checked against the model that was decided on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fraudlab.errors import RunError
from fraudlab.files import storage
from fraudlab.stages.train import VALIDATION_SCORES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fraudlab.evaluation.budgets import Traffic
    from fraudlab.evaluation.ranking import Ranking

_AGAIN = "train once more, then choose on that run"
_TYPES = {"label": "uint8", "score": "float", "amount": "double", "day": "int32"}


@dataclass(frozen=True)
class RecordedEvidence:
    """What a threshold can be chosen on without training.

    Attributes
    ----------
    ranking : Ranking
        Of the validation rows, by the scores of the first fit.
    amount : ndarray of float64, shape (n,), or None
    traffic : Traffic or None
        None where the rows have no time.
    """

    ranking: Ranking
    amount: NDArray[np.float64] | None
    traffic: Traffic | None


def read_evidence(folder: Path, contract: dict[str, Any]) -> RecordedEvidence:
    """Read ``training/validation_scores.parquet`` of a run's folder.

    Parameters
    ----------
    folder : Path
    contract : dict
        ``model.json`` of the run, which says what was measured on those rows.

    Raises
    ------
    RunError
        Where there is none, it is no such file, or not the one that the model was decided on.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from fraudlab.evaluation.budgets import Traffic
    from fraudlab.evaluation.ranking import rank
    from fraudlab.stages.scoring import as_array

    path = folder / "training" / VALIDATION_SCORES
    if not path.is_file():
        raise RunError(
            f"Run {folder.name} kept no validation scores: it is older, or had no validation.",
            fix=_AGAIN,
        )
    try:
        with storage(path), pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            wrong = [name for name in schema.names if _TYPES.get(name) != str(schema.field(name).type)]
            if wrong or not {"label", "score"} <= set(schema.names):
                raise ValueError(f"its columns are {', '.join(schema.names)}")
            columns = {name: as_array(file.read([name])[name]) for name in schema.names}
            days = float((schema.metadata or {}).get(b"days", b"nan"))
        traffic = None
        if "day" in columns:
            if not days > 0 or not np.isfinite(days):
                raise ValueError(f"it has {days} days")
            traffic = Traffic(columns["day"], days)
        ranking = rank(columns["label"], columns["score"])
    except (pa.ArrowException, KeyError, ValueError) as error:
        raise RunError(f"{path} cannot be read: {error}.", fix=_AGAIN) from error
    _require_same(path, ranking, contract)
    return RecordedEvidence(ranking, columns.get("amount"), traffic)


def _require_same(path: Path, ranking: Ranking, contract: dict[str, Any]) -> None:
    """Refuse scores at which the model's own threshold does not do what its contract says it did."""
    measured = (contract.get("decision") or {}).get("validation") or {}
    found = ranking.at([float(contract["threshold"])])[0].as_metrics()
    for name in ("rows", "positives", "true_positives", "false_positives"):
        if measured.get(name) != found[name]:
            raise RunError(
                f"{path} is not what the model was decided on: at its threshold it has {found[name]} {name}, "
                f"and model.json says {measured.get(name)}.",
                fix=_AGAIN,
            )
