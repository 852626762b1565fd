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
from fraudlab.container.runtime import Stages
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


def run(tree: Tree) -> None:
    """Carry out the job that ``train.json`` and the hyperparameters describe.

    A request to stop (SIGTERM) ends it early and well: the model of the rounds so far is saved.

    Raises
    ------
    JobError
        If a parameter or a split cannot be used.
    """
    stages = Stages()
    request = _read_request(tree.channel("config") / "train.json")
    parameters = read_hyperparameters(read_json(tree.hyperparameters))
    manifest = read_json(tree.channel("config") / "manifest.json")
    archive = Archive(request.experiment_key, tree.results / "comet")
    try:
        archive.log_parameters(parameters.as_json())
        _train(tree, request, parameters, manifest, archive, stages)
    finally:
        with stages.stage("tracking"):
            archive.close()
    stages.end()


def _train(
    tree: Tree,
    request: Request,
    parameters: Hyperparameters,
    manifest: Mapping[str, Any],
    archive: Archive,
    stages: Stages,
) -> None:
    with stages.stage("import"):
        from fraudlab.container.boosting import StopRequest, fit, train_matrix
        from fraudlab.container.prepared import read_split

    features = read_features(Fields(manifest, source="manifest.json"))
    stop = StopRequest()
    with stop.listening():
        with stages.stage("load"):
            train = read_split(tree.channel("train"), features)
            validation = read_split(tree.channel("validation"), features)
        with stages.stage("matrix"):
            train_bins = train_matrix(train, features, parameters)
            del train
            validation_bins = train_matrix(validation, features, parameters, ref=train_bins)

        def on_round(number: int, metrics: Mapping[str, float]) -> None:
            print(f"round={number}", *(f"validation-{k}={v:.6f}" for k, v in metrics.items()), flush=True)
            if request.log_rounds:
                archive.log_metrics({f"validation_{k}": v for k, v in metrics.items()}, step=number)

        with stages.stage("train"):
            fitted = fit(train_bins, validation_bins, parameters, on_round=on_round, stop=stop)
        with stages.stage("threshold"):
            score = fitted.booster.inplace_predict(validation.matrix)
            decision, measured = _decide(request.decision, validation, score)
        archive.log_metrics({f"validation_{k}": v for k, v in measured.items() if v is not None})
        with stages.stage("save"):
            _save(tree, request, parameters, manifest, features, fitted, decision, measured, stages)


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
    tree: Tree,
    request: Request,
    parameters: Hyperparameters,
    manifest: Mapping[str, Any],
    features: Features,
    fitted: Fitted,
    decision: Decision,
    measured: Mapping[str, Any],
    stages: Stages,
) -> None:
    import xgboost

    history = {
        "metric": fitted.metric,
        "validation": fitted.validation,
        "best_round": fitted.best_round,
        "rounds": len(fitted.validation),
        "seconds": stages.seconds,
    }
    write_json(tree.results / "history.json", history)
    write_json(tree.results / "validation.json", {**measured, "curve": decision.curve})
    prepared = {name: split["sha256"] for name, split in manifest["splits"].items()}
    contract = {
        "run_id": request.run_id,
        "label": manifest["roles"]["label"],
        **features.as_json(),
        "threshold": decision.threshold,
        "decision": {**asdict(request.decision), "validation": measured},
        "calibration": None,
        "hyperparameters": parameters.as_json(),
        "rounds": fitted.best_round + 1,
        "versions": {
            "fraudlab": __version__,
            "xgboost": xgboost.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "hashes": {**request.hashes, "prepared": prepared},
    }
    write_model(tree.model, fitted.booster.save_raw("ubj"), contract)


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
