"""The content of ``slices.json``: what the model does for each value of the columns that a run asks about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fraudlab.errors import ConfigError
from fraudlab.report.recorded.sliced_rows import SlicedRows, sliced_rows
from fraudlab.stages.team_figures import TestRows

if TYPE_CHECKING:
    import pyarrow as pa

    from fraudlab.evaluation.slices import SliceFigures, SliceShare


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

    sliced = [sliced_rows(name, table[SLICE + name]) for name in columns]
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


def _as_json(sliced: SlicedRows, found: SliceFigures) -> dict[str, Any]:
    interval = found.interval
    return {
        "kind": sliced.kind(found.group),
        "value": sliced.value(found.group),
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
