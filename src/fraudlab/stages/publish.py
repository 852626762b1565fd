"""What a run publishes: its experiment, its headline, its report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fraudlab import api_requests
from fraudlab.compose import as_dict
from fraudlab.files import read_json
from fraudlab.runs.record import flatten
from fraudlab.stages.context import Context
from fraudlab.stages.prepare import Preparation, time_span
from fraudlab.stages.train import Trained

if TYPE_CHECKING:
    from fraudlab.data.sources import Source

_HEADLINE = (
    "average_precision",
    "average_precision_low",
    "average_precision_high",
    "roc_auc",
    "precision",
    "recall",
    "f1",
    "accuracy",
    "threshold",
    "alerts_per_day",
)


def log_dataset(context: Context, source: Source, prepared: Preparation) -> str:
    """Record and log the raw table and its splits; returns the stage's line."""
    from fraudlab.tracking.datasets import DatasetVersion

    manifest = prepared.manifest
    splits = {
        name: {"rows": facts["rows"], "positives": facts["positives"]}
        for name, facts in manifest["splits"].items()
    }
    raw = manifest["raw"]
    context.folder.note(
        splits=splits, data={**context.folder.record["data"], "rows": raw["rows"], "columns": raw["columns"]}
    )
    config, record = context.config, context.folder.record
    raw_version = DatasetVersion(
        name=f"{config.data.kind.value}-raw", hashes={source.path.name: source.sha256}, facts=raw
    )
    prepared_version = DatasetVersion(
        name=f"{config.data.kind.value}-prepared",
        hashes={f"{name}/part-0.parquet": facts["sha256"] for name, facts in manifest["splits"].items()},
        facts=flatten({"split": manifest["split"], "duplicates": manifest["duplicates"], "splits": splits}),
    )
    parameters = flatten(as_dict(config))
    hyperparameters = api_requests.hyperparameters(config.model, seed=config.seed)
    path = context.folder.path / "config.yaml"

    context.tracker.tell(lambda e: e.log_parameters({**parameters, **hyperparameters}))
    context.tracker.tell(lambda e: e.log_asset(path))
    context.tracker.tell(lambda e: e.log_others(_provenance(record)))
    context.tracker.tell(lambda e: e.log_dataset(raw_version))
    context.tracker.tell(lambda e: e.log_dataset(prepared_version))
    rows = " / ".join(f"{facts['rows']:,}" for facts in splits.values())
    frauds = " / ".join(f"{facts['positives']:,}" for facts in splits.values())
    times = time_span(manifest["time"])
    return f"{rows} rows, {frauds} frauds{', ' + times if times else ''}" + (
        " (cached)" if prepared.cached else ""
    )


def log_job(context: Context, trained: Trained) -> str:
    """Log the trained model; returns the stage's line."""
    folder = context.folder.path / "model"
    name = context.config.model.name
    context.tracker.tell(lambda e: e.log_model(f"fraudlab-{name}", folder))
    history = trained.history
    best = [f"{name} {values[history['best_round']]:.3g}" for name, values in history["metrics"].items()]
    return f"{trained.contract['rounds']} of {history['rounds']} rounds, validation {', '.join(best)}"


def log_results(context: Context, metrics: dict[str, Any]) -> str:
    """Record and log metrics and curves; returns the stage's line."""
    context.folder.note(metrics={name: metrics[name] for name in _HEADLINE})
    folder = context.folder.path / "evaluation"
    curves = read_json(folder / "curves.json")
    numbers = {name: value for name, value in metrics.items() if value is not None}
    matrix = [
        [metrics["true_negatives"], metrics["false_positives"]],
        [metrics["false_negatives"], metrics["true_positives"]],
    ]
    context.tracker.tell(lambda e: e.log_metrics(numbers))
    context.tracker.tell(
        lambda e: e.log_curve("precision-recall", curves["pr"]["recall"], curves["pr"]["precision"])
    )
    context.tracker.tell(lambda e: e.log_curve("roc", curves["roc"]["fpr"], curves["roc"]["tpr"]))
    context.tracker.tell(lambda e: e.log_confusion_matrix(matrix, labels=["legitimate", "fraud"]))
    return (
        f"average precision {metrics['average_precision']:.3f} "
        f"(95 % interval {metrics['average_precision_low']:.3f} to {metrics['average_precision_high']:.3f}, "
        f"{metrics['positives']:,} frauds)"
    )


def what_to_know(folder: Path) -> list[str]:
    """What a person should hear before they trust a run's numbers: as in its report, one line for each."""
    from fraudlab.report.concerns import terminal_lines
    from fraudlab.report.recorded.run_record import read_run

    return terminal_lines(read_run(folder))


def publish_report(context: Context) -> str:
    """Write ``report.html`` and attach it to the experiment; returns the stage's line."""
    from fraudlab.report import render_run

    experiment = context.tracker.experiment
    context.folder.save()
    report = render_run(context.folder.path)
    context.tracker.tell(lambda e: e.log_asset(report))
    return f"experiment {experiment.mode}" + (f" ({experiment.note})" if experiment.note else "")


def _provenance(record: dict[str, Any]) -> dict[str, Any]:
    kept = {key: record[key] for key in ("backend", "image", "git", "data", "platform", "packages")}
    return {key: value for key, value in flatten(kept).items() if value is not None}
