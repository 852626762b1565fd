"""Model to metrics: the test split scored through the endpoint, checked against the booster itself."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fraudlab import api_requests
from fraudlab.errors import EndpointError
from fraudlab.files import storage, write_json
from fraudlab.gates import Gate
from fraudlab.stages.booster import Reference
from fraudlab.stages.context import Context
from fraudlab.stages.prepare import Preparation, unseen_in
from fraudlab.stages.scoring import as_array, score_rows
from fraudlab.stages.train import Trained
from fraudlab.stages.unseen import sentences

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from fraudlab.evaluation.ranking import Ranking

#: largest difference between a score of the endpoint and the booster's own
TOLERANCE = 1e-6


@dataclass(frozen=True)
class ScoredSplit:
    """The test split with one score per row."""

    table: pa.Table
    score: NDArray[np.float32]
    endpoint_max_difference: float


def score_through_endpoint(context: Context, prepared: Preparation, trained: Trained) -> ScoredSplit:
    """Deploy the model, score the test split through the endpoint, and take the endpoint down.

    Raises
    ------
    EndpointError
        Where the endpoint's scores are not the booster's.
    """
    import pyarrow.parquet as pq

    rows = prepared.manifest["splits"]["test"]["rows"]
    for sentence in sentences(unseen_in(prepared.folder, prepared.manifest), rows=rows):
        context.terminal.say(f"  test: {sentence}", style="yellow")
    requests = _requests(context, trained)
    test, model = prepared.folder / "test", context.folder.path / "model"
    with (
        Reference(model, test, context.workspace / "reference") as reference,
        context.job_log("serve") as log,
    ):
        with context.backend.endpoint(**requests, log=log) as endpoint:
            table = pq.read_table(test)
            features = table.select([column["name"] for column in prepared.manifest["columns"]])
            with context.terminal.meter("scoring", total=table.num_rows) as meter:
                score = score_rows(
                    features,
                    lambda body: endpoint.invoke(body, content_type="text/csv", accept="text/csv"),
                    batch_rows=context.config.evaluation.batch_rows,
                    max_body=context.config.serving.max_body_mib << 20,
                    reach=meter.reach,
                )
        own, importance = reference.result()
    write_json(context.folder.path / "evaluation" / "importance.json", importance)
    difference = largest_difference(score, own)
    return ScoredSplit(table, score, difference)


def largest_difference(score: NDArray[np.float32], own: NDArray[np.float32]) -> float:
    """Compare an endpoint's scores with the booster's own; raise where they are not the same."""
    import numpy as np

    differences = np.abs(score.astype(np.float64) - own.astype(np.float64))
    wrong = ~(differences <= TOLERANCE)  # so that NaN is wrong too
    if wrong.any():
        row = int(np.argmax(wrong))
        raise EndpointError(
            f"The endpoint scored test row {row} {score[row]:.6g}, the booster itself {own[row]:.6g}.",
            fix="image and launcher differ: rebuild the image (make image), or report this",
        )
    return float(differences.max(initial=0.0))


def measure(context: Context, scored: ScoredSplit, trained: Trained, prepared: Preparation) -> dict[str, Any]:
    """Compute metrics and curves of the scored test split, and write them with the scores."""
    from fraudlab.container.prepared import AMOUNT, LABEL
    from fraudlab.evaluation.curves import curves_of
    from fraudlab.evaluation.intervals import interval_of
    from fraudlab.evaluation.ranking import rank
    from fraudlab.report.recorded.run_record import days_of

    label = as_array(scored.table[LABEL])
    amount = as_array(scored.table[AMOUNT]) if AMOUNT in scored.table.column_names else None
    threshold = float(trained.contract["threshold"])
    days = days_of(prepared.manifest)
    ranking = rank(label, scored.score)
    interval = interval_of(ranking, resamples=context.config.evaluation.resamples, seed=context.config.seed)
    metrics = {
        **_point_metrics(ranking, label, amount, threshold=threshold, days=days),
        "average_precision_low": interval.low,
        "average_precision_high": interval.high,
        "endpoint_max_difference": scored.endpoint_max_difference,
        "unseen_categories": sum(prepared.manifest["splits"]["test"]["unseen"].values()),
    }
    folder = context.folder.path / "evaluation"
    write_json(folder / "metrics.json", dict(sorted(metrics.items())))
    write_json(folder / "curves.json", curves_of(ranking, threshold=threshold, days=days))
    _write_scores(folder / "scores.parquet", scored, prepared.manifest)
    return metrics


def judge(context: Context, gates: Sequence[Gate], metrics: dict[str, Any]) -> list[dict[str, Any]]:
    """Record what becomes of each gate, and return it; see :meth:`fraudlab.gates.Gate.judge`."""
    judged = [gate.judge(metrics) for gate in gates]
    if judged:
        context.folder.note(gates=judged)
    return judged


def _requests(context: Context, trained: Trained) -> dict[str, api_requests.Request]:
    # local mode unpacks every archive it finds beside the model's: the model gets a folder of its own
    archive = context.workspace / "serving" / "model.tar.gz"
    with storage(archive):
        archive.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(trained.archive, archive)
    config, placement, run_id = context.config, context.backend.placement, context.run_id
    uri = context.backend.files.stage(archive.parent, name="serving") + "/model.tar.gz"
    requests = {
        "model": api_requests.model(config, placement, run_id=run_id, model_data=uri),
        "endpoint_config": api_requests.endpoint_config(config, placement, run_id=run_id),
        "endpoint": api_requests.endpoint(run_id=run_id),
    }
    return {
        name: context.record_request(name.replace("_", "-"), request) for name, request in requests.items()
    }


def _point_metrics(
    ranking: Ranking,
    label: NDArray[np.uint8],
    amount: NDArray[np.float64] | None,
    *,
    threshold: float,
    days: float | None,
) -> dict[str, Any]:
    from fraudlab.evaluation import metrics

    score = ranking.score
    at = ranking.at([threshold])[0]
    found: dict[str, Any] = {
        "average_precision": metrics.average_precision_of(ranking),
        "roc_auc": metrics.roc_auc_of(ranking),
        **at.as_metrics(),
        "prevalence": float(label.mean()),
        "mean_score": float(score.mean(dtype="float64")),
        "brier": metrics.brier(label, score),
        "log_loss": metrics.log_loss(label, score),
        "days": days,
        "alerts_per_day": at.alerts / days if days else None,
    }
    if amount is not None:
        found["value_recall"] = metrics.value_recall(label, score, amount, threshold=threshold)
    return found


def _write_scores(path: Path, scored: ScoredSplit, manifest: dict[str, Any]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from fraudlab.container.prepared import AMOUNT, LABEL, ROW, TIME

    table, roles = scored.table, manifest["roles"]
    columns: dict[str, Any] = {"row": table[ROW]}
    columns.update({name: table[name] for name in roles["id"]})
    for name, column in (("time", TIME), ("amount", AMOUNT)):
        if column in table.column_names:
            columns[name] = table[column]
    columns["label"] = table[LABEL]
    columns["score"] = pa.array(scored.score)
    columns["split"] = pa.array(["test"] * table.num_rows).dictionary_encode()
    with storage(path):
        temporary = path.with_name(".scores.parquet")
        pq.write_table(pa.table(columns), temporary, compression="zstd")
        temporary.replace(path)
