"""What a run publishes: its experiment, its headline, its report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fraudlab import api_requests
from fraudlab.compose import as_dict
from fraudlab.files import read_json
from fraudlab.lineage.recorded import prepared_hashes
from fraudlab.runs.record import flatten
from fraudlab.stages.context import Context
from fraudlab.stages.prepare import Preparation, time_span
from fraudlab.stages.train import Trained
from fraudlab.stages.version_description import description_of

if TYPE_CHECKING:
    from fraudlab.data.sources import Source
    from fraudlab.tracking.datasets import DatasetVersion
    from fraudlab.tracking.experiment import Experiment

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
    versions = _versions(context, source, prepared)
    parameters = flatten(as_dict(config))
    # What the job chooses, the job logs.
    given = api_requests.hyperparameters(config).items()
    hyperparameters = {name: value for name, value in given if value != "auto"}
    path = context.folder.path / "config.yaml"

    context.tracker.tell(lambda e: e.log_parameters({**parameters, **hyperparameters}))
    context.tracker.tell(lambda e: e.log_asset(path))
    context.tracker.tell(lambda e: e.log_others(_provenance(record)))
    if source.prepared_key:  # the table is what the version was made of, and nothing of this run
        context.tracker.tell(lambda e: e.log_others({"dataset.raw": source.sha256[:12]}))
    for version in versions:
        context.tracker.tell(partial(_tell_of_dataset, version=version))
    rows = " / ".join(f"{facts['rows']:,}" for facts in splits.values())
    frauds = " / ".join(f"{facts['positives']:,}" for facts in splits.values())
    times = time_span(manifest["time"])
    return f"{rows} rows, {frauds} frauds{', ' + times if times else ''}" + (
        " (cached)" if prepared.cached and not source.prepared_key else ""
    )


def _tell_of_dataset(experiment: Experiment, *, version: DatasetVersion) -> None:
    experiment.log_dataset(version)


def _versions(context: Context, source: Source, prepared: Preparation) -> list[DatasetVersion]:
    """The versions of data that the run has used: the one it started from, its table, what it prepared."""
    from fraudlab.tracking.datasets import DatasetVersion

    config, manifest, started = context.config, prepared.manifest, source.started_from
    of_version: list[DatasetVersion] = []
    if started is not None:
        reference = started.reference
        of_version = [
            DatasetVersion(
                name=reference.name,
                kind=started.kind,
                hashes=started.hashes,
                uris=started.uris,
                place={"workspace": str(reference.workspace), "number": reference.version},
            )
        ]
        if started.prepared_key:
            return of_version
    origin = context.folder.record["data"]["source"]
    within = None if len(source.files) == 1 else source.path.relative_to(source.folder).as_posix()
    splits = manifest["splits"].values()
    description = description_of(config, prepared=False)
    raw = DatasetVersion(
        name=config.tracking.dataset,
        kind="raw",
        hashes={source.path.name: source.sha256},
        facts={
            **manifest["raw"],
            **_frauds_of(splits),
            "source": origin,
            "description": {**description, "data": {**description["data"], "within": within}},
        },
        uris={name: file.as_uri() for name, file in zip(source.layout.files, source.files, strict=True)},
    )
    made = DatasetVersion(
        name=config.tracking.dataset,
        kind="preprocessed",
        hashes=prepared_hashes(manifest),
        facts={
            **_prepared_facts(manifest, raw_sha256=source.sha256),
            "source": origin,
            "description": description_of(config, prepared=True),
        },
        uris=_prepared_uris(prepared, rehearsed=bool(context.folder.record.get("rehearsed"))),
        manifest=manifest,
    )
    return [*(of_version or [raw]), made]


def _frauds_of(splits: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Frauds and their share in the rows of all splits: rows of a gap were not counted."""
    rows, frauds = (sum(facts[name] for facts in splits) for name in ("rows", "positives"))
    return {"split_rows": rows, "frauds": frauds, "fraud_share": frauds / rows}


def _prepared_facts(manifest: Mapping[str, Any], *, raw_sha256: str) -> dict[str, Any]:
    """What describes prepared data: of which table, its parts and their boundaries, what was done to it."""
    names = ("rows", "positives", "time_start", "time_end")
    parts = {
        name: {**{key: facts.get(key) for key in names}, "fraud_share": facts["positives"] / facts["rows"]}
        for name, facts in manifest["splits"].items()
    }
    done = {name: manifest.get(name) for name in ("split", "duplicates", "preprocessing", "roles", "time")}
    return {"raw": raw_sha256, **_frauds_of(manifest["splits"].values()), "splits": parts, **done}


def _prepared_uris(prepared: Preparation, *, rehearsed: bool) -> dict[str, str]:
    """Where prepared files are: in the bucket, or in this machine's cache, as after a rehearsal."""
    in_bucket = prepared.uri is not None and prepared.uri.startswith("s3://") and not rehearsed
    root = prepared.uri if in_bucket else prepared.folder.absolute().as_uri()
    return {name: f"{root}/{name}" for name in prepared_hashes(prepared.manifest)}


def log_job(context: Context, trained: Trained) -> str:
    """Log the trained model; returns the stage's line."""
    folder = context.folder.path / "model"
    name = context.config.model.name
    # the bucket of a rehearsal goes with it
    uri = None if context.folder.record.get("rehearsed") else trained.uri
    context.tracker.tell(lambda e: e.log_model(f"fraudlab-{name}", folder, uri=uri))
    history = trained.history
    best = [f"{name} {values[history['best_round']]:.3g}" for name, values in history["metrics"].items()]
    average = (history.get("average") or {}).get("metrics") or {}
    best = best or [f"{name} {value:.3g}" for name, value in average.items()]
    measured = f", validation {', '.join(best)}" if best else ""
    model_size = history.get("model_size")
    depth = "" if model_size is None else f" of depth {model_size['max_depth']} (max_depth=auto)"
    if "members" in history:
        measured += f", an average of {len(history['members'])} members"
    line = f"{trained.contract['rounds']} of {history['rounds']} rounds{depth}{measured}"
    refitted = trained.contract.get("refit")
    if refitted is None:
        return line
    context.tracker.tell(lambda e: e.log_others(flatten({"refit": refitted})))
    return f"{line} (first fit); refitted on {refitted['rows']:,} rows of train and validation"


def log_results(context: Context, metrics: dict[str, Any]) -> str:
    """Record and log metrics and curves; returns the stage's line."""
    named = (*_HEADLINE, *(name for name in metrics if name.endswith(("_mean", "_std"))))
    context.folder.note(metrics={name: metrics[name] for name in named})
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
    for file in (folder / "slices.json", folder / "folds.json"):
        if file.is_file():
            context.tracker.tell(partial(_log_asset, file))
    frauds = metrics["positives"]
    return (
        f"average precision {metrics['average_precision']:.3f} "
        f"(95 % interval {metrics['average_precision_low']:.3f} to {metrics['average_precision_high']:.3f}, "
        f"{frauds:,} {'fraud' if frauds == 1 else 'frauds'})" + _of_folds(metrics) + _against(metrics)
    )


def _log_asset(file: Path, experiment: Experiment) -> None:
    experiment.log_asset(file)


def _of_folds(metrics: Mapping[str, Any]) -> str:
    """Mean and standard deviation over the folds of a prequential split; nothing without such."""
    from fraudlab.evaluation.fold_figures import figures_over_folds

    if "average_precision_mean" not in metrics:
        return ""
    count = sum(name.startswith("average_precision_fold_") for name in metrics)
    figures = [
        f"{words} {metrics[f'{name}_mean']:.3f} ± {metrics[f'{name}_std']:.3f}"
        for name, words in figures_over_folds(metrics).items()
    ]
    return f"; over {count} folds {', '.join(figures)}"


def _against(metrics: Mapping[str, Any]) -> str:
    """What is saved against the incumbent; nothing without one."""
    saving = metrics.get("incumbent_saving")
    if saving is None:
        return ""
    low, high = (f"{metrics[f'incumbent_saving_{end}']:,.0f}" for end in ("low", "high"))
    verb, of = ("saves", "") if saving >= 0 else ("loses", "of the saving ")
    return f"; {verb} {abs(saving):,.0f} against the incumbent (95 % interval {of}{low} to {high})"


def what_to_know(folder: Path) -> list[str]:
    """What a person should hear before they trust a run's numbers: as in its report, one line for each."""
    from fraudlab.report.concerns import terminal_lines
    from fraudlab.report.recorded.run_record import read_run

    return terminal_lines(read_run(folder))


def publish_report(context: Context) -> str:
    """Write the model's card and ``report.html``, which goes to the experiment; returns the stage's line."""
    from fraudlab.report import render_run
    from fraudlab.report.card.model_card import write_card

    experiment = context.tracker.experiment
    context.folder.save()
    write_card(context.folder.path)
    report = render_run(context.folder.path)
    context.tracker.tell(lambda e: e.log_asset(report))
    return f"experiment {experiment.mode}" + (f" ({experiment.note})" if experiment.note else "")


def _provenance(record: dict[str, Any]) -> dict[str, Any]:
    kept = {key: record[key] for key in ("backend", "image", "git", "data", "platform", "packages")}
    return {key: value for key, value in flatten(kept).items() if value is not None}
