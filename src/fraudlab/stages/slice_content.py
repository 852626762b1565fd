"""The content of ``slices.json``: what the model does for each value of the columns that a run asks about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fraudlab.errors import ConfigError
from fraudlab.stages.team_figures import TestRows

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from fraudlab.evaluation.slices import SliceFigures, SliceShare

#: values of a column with a row of their own, those of the most test rows; the others are put together
MOST_VALUES = 20


@dataclass(frozen=True)
class _Sliced:
    """A column's test rows by value.

    Attributes
    ----------
    column : str
    number : ndarray of int, shape (n,)
        The slice of each row.
    names : list of (str or None)
        Of the slices; None where the value is missing.
    values, together : int
        How many values there are, and how many of them are put together in a last slice.
    """

    column: str
    number: NDArray[np.integer]
    names: list[str | None]
    values: int
    together: int


def require_slices(asked: Sequence[str], manifest: dict[str, Any]) -> None:
    """Refuse slices that prepared data do not have, before a model is trained on them.

    Raises
    ------
    ConfigError
    """
    kept = manifest["roles"].get("slices", [])
    if missing := [name for name in asked if name not in kept]:
        raise ConfigError(
            f"evaluation.slices names {', '.join(map(repr, missing))}, and the prepared data do not have it:"
            f" they were prepared with {', '.join(map(repr, kept)) or 'none'}.",
            fix="leave it out of evaluation.slices, or start from the raw table, which is prepared with it",
        )


def slice_content(
    rows: TestRows, table: pa.Table, columns: Sequence[str], *, threshold: float, resamples: int, seed: int
) -> tuple[dict[str, Any], dict[str, int]]:
    """The content of ``slices.json``, and the metrics in it.

    Parameters
    ----------
    rows : TestRows
    table : pyarrow.Table
        The test split.
    columns : sequence of str
        Of ``evaluation.slices``.
    threshold : float
        The model's.
    resamples, seed : int
        Of the intervals of average precision.
    """
    from fraudlab.container.prepared import SLICE
    from fraudlab.evaluation.slices import FALSE_MARKS, corrected, slice_figures

    sliced = [_by_value(name, table[SLICE + name]) for name in columns]
    measured = [
        slice_figures(
            rows.ranking,
            one.number,
            threshold=threshold,
            card=rows.card,
            resamples=resamples,
            seed=seed,
        )
        for one in sliced
    ]
    found = corrected(measured)
    marked = [[share.verdict for share in (one.recall, one.precision)] for slices in found for one in slices]
    content = {
        "threshold": threshold,
        "correction": "holm",
        "false_marks": FALSE_MARKS,
        "compared": sum(verdict is not None for both in marked for verdict in both),
        "units": "rows" if rows.card is None else "cards",
        "columns": [
            {
                "column": one.column,
                "values": one.values,
                "together": one.together,
                "slices": [_as_json(one, slice_) for slice_ in slices],
            }
            for one, slices in zip(sliced, found, strict=True)
        ],
    }
    return content, {"slices": len(marked), "slices_worse": sum("lower" in both for both in marked)}


def _by_value(column: str, values: pa.ChunkedArray) -> _Sliced:
    """Number the values of a column by falling rows; then what is missing, then what is put together."""
    import numpy as np

    coded = values.unify_dictionaries().combine_chunks()
    texts = coded.dictionary.to_pylist()
    code = np.asarray(np.from_dlpack(coded.indices.fill_null(len(texts))))
    counts = np.bincount(code, minlength=len(texts) + 1)
    present = [place for place in range(len(texts)) if counts[place]]
    present.sort(key=lambda place: (-counts[place], texts[place]))
    own, others = present[:MOST_VALUES], present[MOST_VALUES:]
    if len(others) == 1:  # to put one together with none would only hide its name
        own, others = present, []
    names = [texts[place] for place in own]
    number_of = np.zeros(len(texts) + 1, dtype=np.int64)
    number_of[own] = np.arange(len(own))
    if counts[-1]:
        number_of[-1] = len(names)
        names.append(None)
    number_of[others] = len(names)
    return _Sliced(column, number_of[code], names, len(present), len(others))


def _as_json(sliced: _Sliced, found: SliceFigures) -> dict[str, Any]:
    together = found.group == len(sliced.names)
    interval = found.interval
    return {
        "kind": "together" if together else "missing" if sliced.names[found.group] is None else "value",
        "value": None if together else sliced.names[found.group],
        "rows": found.rows,
        "positives": found.frauds,
        "alerts": found.alerts,
        "true_positives": found.caught,
        "average_precision": found.average_precision,
        "average_precision_low": interval and interval.low,
        "average_precision_high": interval and interval.high,
        **_of_share("recall", found.recall),
        **_of_share("precision", found.precision),
    }


def _of_share(name: str, share: SliceShare) -> dict[str, Any]:
    return {
        name: share.value,
        f"{name}_low": share.low,
        f"{name}_high": share.high,
        f"{name}_of_others": share.rest,
        f"{name}_p": share.adjusted,
        f"{name}_verdict": share.verdict,
    }
