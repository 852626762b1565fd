"""``train``: prepared splits become ``model.ubj`` and the scoring contract it travels with."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from fraudlab import __version__
from fraudlab.container.contract import Fields, Tree, read_json, write_json
from fraudlab.container.failure import ConfigError
from fraudlab.container.features import Features, read_features
from fraudlab.container.hyperparameters import Hyperparameters, read_hyperparameters
from fraudlab.container.model_file import write_model
from fraudlab.container.runtime import Stages, StopRequest
from fraudlab.container.tracking import Archive
from fraudlab.evaluation.metrics import average_precision, confusion, roc_auc
from fraudlab.evaluation.thresholds import Decision, Policy, choose_threshold

if TYPE_CHECKING:
    from fraudlab.container.boosting import Fitted
    from fraudlab.container.prepared import Prepared


@dataclass(frozen=True, slots=True)
class DecisionRequest:
    """How the threshold is to be chosen; costs in the currency of the amounts."""

    policy: Policy
    threshold: float | None
    missed_fraud_cost: float | None
    alert_cost: float


@dataclass(frozen=True, slots=True)
class Request:
    """What ``train.json`` asks for; `log_rounds` is off where the launcher logs the rounds it reads."""

    run_id: str
    experiment_key: str | None
    log_rounds: bool
    decision: DecisionRequest
    hashes: dict[str, str]


@dataclass(frozen=True, slots=True)
class Job:
    """Everything a training job is given, read and checked."""

    tree: Tree
    request: Request
    parameters: Hyperparameters
    manifest: Mapping[str, Any]
    features: Features


def run(tree: Tree) -> None:
    """Carry out the job that ``train.json`` and the hyperparameters describe.

    A request to stop (SIGTERM) ends it early and well: the model of the rounds so far is saved.

    Raises
    ------
    JobError
        If a parameter or a split cannot be used.
    """
    stages, stop = Stages(), StopRequest()
    with stop.listening():
        job = _read_job(tree)
        archive = Archive(job.request.experiment_key, tree.results / "comet")
        try:
            _train(job, archive, stages, stop)
        finally:
            with stages.stage("tracking"):
                archive.close()
    stages.end()


def _train(job: Job, archive: Archive, stages: Stages, stop: StopRequest) -> None:
    with stages.stage("import"):
        from fraudlab.container.boosting import fit, train_matrix
        from fraudlab.container.prepared import read_split

    archive.log_parameters(job.parameters.as_json())
    with stages.stage("load"):
        train = read_split(job.tree.channel("train"), job.features)
        validation = read_split(job.tree.channel("validation"), job.features)
    with stages.stage("matrix"):
        train_bins = train_matrix(train, job.features, job.parameters)
        del train
        validation_bins = train_matrix(validation, job.features, job.parameters, ref=train_bins)

    def on_round(number: int, metrics: Mapping[str, float]) -> None:
        print(f"round={number}", *(f"validation-{k}={v:.6f}" for k, v in metrics.items()), flush=True)
        if job.request.log_rounds:
            archive.log_metrics({f"validation_{k}": v for k, v in metrics.items()}, step=number)

    with stages.stage("train"):
        fitted = fit(train_bins, validation_bins, job.parameters, on_round=on_round, stop=stop)
    with stages.stage("threshold"):
        score = fitted.booster.inplace_predict(validation.matrix)
        decision, measured = _decide(job.request.decision, validation, score)
    archive.log_metrics({f"validation_{k}": v for k, v in measured.items() if v is not None})
    with stages.stage("save"):
        _save(job, fitted, decision, measured, stages.seconds)


def _decide(
    request: DecisionRequest, validation: Prepared, score: NDArray[np.float32]
) -> tuple[Decision, dict[str, Any]]:
    """Choose the threshold on validation, and measure there."""
    label = validation.label
    try:
        decision = choose_threshold(label, score, validation.amount, **asdict(request))
    except ValueError as error:
        raise ConfigError(
            f"no threshold can be chosen: {error}",
            fix="set evaluation.policy to f1, or give the costs it needs",
        ) from error
    at = confusion(label, score, threshold=decision.threshold)
    return decision, {
        "average_precision": average_precision(label, score),
        "roc_auc": roc_auc(label, score),
        "precision": at.precision,
        "recall": at.recall,
        "f1": at.f1,
        "true_positives": at.tp,
        "false_positives": at.fp,
        "false_negatives": at.fn,
        "true_negatives": at.tn,
        "rows": int(label.size),
        "positives": int(label.sum()),
        "threshold": decision.threshold,
        "cost": decision.cost,
    }


def _save(
    job: Job, fitted: Fitted, decision: Decision, measured: Mapping[str, Any], seconds: Mapping[str, float]
) -> None:
    import xgboost

    history = {
        "metric": fitted.metric,
        "validation": fitted.validation,
        "best_round": fitted.best_round,
        "rounds": len(fitted.validation),
        "seconds": seconds,
    }
    write_json(job.tree.results / "history.json", history)
    write_json(job.tree.results / "validation.json", {**measured, "curve": decision.curve})
    prepared = {name: split["sha256"] for name, split in job.manifest["splits"].items()}
    contract = {
        "run_id": job.request.run_id,
        "label": job.manifest["roles"]["label"],
        **job.features.as_json(),
        "threshold": decision.threshold,
        "decision": {**asdict(job.request.decision), "validation": measured},
        "calibration": None,
        "hyperparameters": job.parameters.as_json(),
        "rounds": fitted.best_round + 1,
        "versions": {
            "fraudlab": __version__,
            "xgboost": xgboost.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "hashes": {**job.request.hashes, "prepared": prepared},
    }
    write_model(job.tree.model, fitted.booster.save_raw("ubj"), contract)


def _read_job(tree: Tree) -> Job:
    config = tree.channel("config")
    manifest = read_json(config / "manifest.json")
    return Job(
        tree,
        _read_request(config / "train.json"),
        read_hyperparameters(read_json(tree.hyperparameters)),
        manifest,
        read_features(Fields(manifest, source="manifest.json")),
    )


def _read_request(path: Path) -> Request:
    fields = Fields(read_json(path), source="train.json")
    decision = fields.fields("decision")
    request = Request(
        run_id=fields.get("run_id", str),
        experiment_key=fields.optional("experiment_key", str),
        log_rounds=fields.get("log_rounds", bool, True),
        decision=DecisionRequest(
            policy=cast(Policy, decision.choice("policy", "cost", "f1", "fixed")),
            threshold=decision.optional("threshold", float),
            missed_fraud_cost=decision.optional("missed_fraud_cost", float),
            alert_cost=decision.get("alert_cost", float, 0.0),
        ),
        hashes=fields.get("hashes", dict, {}),
    )
    fields.end()
    decision.end()
    return request
