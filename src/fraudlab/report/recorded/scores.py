"""The scored test rows of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fraudlab.errors import RunError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

#: the column that tells cards apart, without saying which they are; no column of a table has such a name
CARD_NUMBER = "fraudlab.card"
#: the column of scores before calibration
UNCALIBRATED = "fraudlab.uncalibrated"
#: the column of the incumbent's scores, where there is one
INCUMBENT = "fraudlab.incumbent"


@dataclass(frozen=True)
class Scores:
    """Test rows, in the order of the raw table.

    Attributes
    ----------
    row : ndarray of int64, shape (n,)
        Position in the raw table.
    label : ndarray of uint8, shape (n,)
    score : ndarray of float64, shape (n,)
    amount : ndarray of float64, shape (n,), or None
    card : ndarray of int64, shape (n,), or None
        The same number for the same card.
    uncalibrated : ndarray of float64, shape (n,), or None
        The booster's own scores, where the model's calibration makes others of them.
    """

    row: NDArray[np.int64]
    label: NDArray[np.uint8]
    score: NDArray[np.float64]
    amount: NDArray[np.float64] | None
    card: NDArray[np.int64] | None = None
    uncalibrated: NDArray[np.float64] | None = None


def read_scores(folder: Path) -> Scores | None:
    """Read ``evaluation/scores.parquet`` of a run folder; None where there is none.

    Raises
    ------
    RunError
        If it is no Parquet file, or lacks a column.
    """
    path = folder / "evaluation" / "scores.parquet"
    if not path.is_file():
        return None
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            known = ("row", "label", "score", "amount", CARD_NUMBER, UNCALIBRATED)
            wanted = [name for name in known if name in file.schema_arrow.names]
            table = file.read(columns=wanted)
        columns = {name: _array(table[name]) for name in wanted}
        order = np.argsort(columns["row"], kind="stable")
        amount, card = columns.get("amount"), columns.get(CARD_NUMBER)
        own = columns.get(UNCALIBRATED)
        return Scores(
            row=columns["row"][order],
            label=columns["label"][order],
            score=columns["score"][order].astype(np.float64),
            amount=None if amount is None else amount[order].astype(np.float64),
            card=None if card is None else card[order].astype(np.int64),
            uncalibrated=None if own is None else own[order].astype(np.float64),
        )
    except (pa.ArrowException, KeyError, ValueError, BufferError) as error:
        raise RunError(
            f"{path} cannot be read: {error}.", fix="the file was changed after the run; repeat the run"
        ) from error


def _array(column: pa.ChunkedArray) -> NDArray[Any]:
    """A column as an array, missing numbers as NaN.

    ``to_numpy`` would import pandas, which takes longer than the whole report.
    """
    import numpy as np

    filled = column.fill_null(float("nan")) if column.null_count else column
    return np.concatenate([np.from_dlpack(chunk) for chunk in filled.chunks])
