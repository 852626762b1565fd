"""Model to scores: the test split scored by a deployed model, and checked against the booster itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fraudlab.api_requests import check_run
from fraudlab.backend_registry import describe
from fraudlab.config import Via
from fraudlab.config_rules import no_transforms, scored_via
from fraudlab.errors import EndpointError
from fraudlab.files import write_json
from fraudlab.stages.booster import Reasons, Reference
from fraudlab.stages.context import Context
from fraudlab.stages.prepare import Preparation, unseen_in
from fraudlab.stages.through_endpoint import score_through_endpoint
from fraudlab.stages.through_transform import score_through_transform
from fraudlab.stages.train import Trained
from fraudlab.stages.unseen import sentences

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

#: largest difference between a score and the booster's own
TOLERANCE = 1e-6
_WAYS = {
    Via.endpoint: (score_through_endpoint, "The endpoint", "through the endpoint"),
    Via.transform: (score_through_transform, "The transform job", "through a transform job"),
}


@dataclass(frozen=True)
class ScoredSplit:
    """The test split with one score per row.

    Attributes
    ----------
    table : pyarrow.Table
    score : ndarray of float32, shape (rows,)
    endpoint_max_difference : float
        Largest difference from the booster's own score.
    how : str
        Such as ``"through the endpoint"``.
    reasons : dict
        What pushed the scores of the worst mistakes, by position.
    uncalibrated : ndarray of float32, shape (rows,), or None
        The booster's own scores, where the model's calibration makes others of them.
    """

    table: pa.Table
    score: NDArray[np.float32]
    endpoint_max_difference: float
    how: str
    reasons: Reasons
    uncalibrated: NDArray[np.float32] | None = None


def require_possible(context: Context) -> None:
    """Refuse a run before its first job where a later one could not be.

    The backend may be another one than was asked for.

    Raises
    ------
    ConfigError
        Where a transform job is asked for, and the backend runs none; or where AWS would refuse a request.
    """
    backend = describe(context.backend.name)
    if context.config.evaluation.via is Via.transform and not backend.transforms:
        raise no_transforms(backend.name)
    if backend.in_cloud and context.config.sagemaker.spot and not context.config.model.checkpoint_rounds:
        context.terminal.say(
            "  model.checkpoint_rounds=0 writes no checkpoint: on spot instances, a train job that is"
            " interrupted begins again",
            style="yellow",
        )
    if backend.in_cloud:
        check_run(context.config, run_id=context.run_id, via=scored_via(context.config, backend).value)


def score(context: Context, prepared: Preparation, trained: Trained) -> ScoredSplit:
    """Score the test split by a transform job or an endpoint, and leave neither model nor endpoint.

    Raises
    ------
    EndpointError
        Where the scores are not the booster's.
    """
    import pyarrow.parquet as pq

    rows = prepared.manifest["splits"]["test"]["rows"]
    for sentence in sentences(unseen_in(prepared.folder, prepared.manifest), rows=rows):
        context.terminal.say(f"  test: {sentence}", style="yellow")
    via = scored_via(context.config, describe(context.backend.name))
    through, by, how = _WAYS[via]
    test, model = prepared.folder / "test", context.folder.path / "model"
    with Reference(model, test, context.workspace / "reference") as reference:
        table = pq.read_table(test)
        scores = through(context, trained, sent_rows(table, trained.contract))
        own, importance = reference.result()
        reasons, uncalibrated = reference.reasons(), reference.uncalibrated()
    write_json(context.folder.path / "evaluation" / "importance.json", importance)
    context.folder.note(scored_via=via.value)
    difference = largest_difference(scores, own, by=by)
    return ScoredSplit(table, scores, difference, how, reasons, uncalibrated)


def sent_rows(table: pa.Table, contract: Mapping[str, Any]) -> pa.Table:
    """The rows of a prepared split as a model is sent them: its columns, and the time where it asks for that.

    Parameters
    ----------
    table : pyarrow.Table
        A prepared split.
    contract : mapping
        Of the model.
    """
    import pyarrow as pa

    from fraudlab.container.contract import Fields
    from fraudlab.container.described_features import read_features
    from fraudlab.container.formats.time_columns import written
    from fraudlab.container.prepared import TIME

    columns = read_features(Fields(contract, source="model.json")).columns
    values = [
        table[column.name] if column.clock is None else written(table[TIME].to_numpy(), column.clock)
        for column in columns
    ]
    return pa.table(values, names=[column.name for column in columns])


def largest_difference(
    score: NDArray[np.float32], own: NDArray[np.float32], *, by: str = "The endpoint"
) -> float:
    """Compare a deployed model's scores with the booster's own; raise where they are not the same."""
    import numpy as np

    differences = np.abs(score.astype(np.float64) - own.astype(np.float64))
    wrong = ~(differences <= TOLERANCE)  # so that NaN is wrong too
    if wrong.any():
        row = int(np.argmax(wrong))
        raise EndpointError(
            f"{by} scored test row {row} {score[row]:.6g}, the booster itself {own[row]:.6g}.",
            fix="image and launcher differ: rebuild the image (make image), or report this",
        )
    return float(differences.max(initial=0.0))
