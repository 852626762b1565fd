"""A model's threshold chosen again, without training: another run, of the same booster."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

from fraudlab.archives import pack, unpack
from fraudlab.decision_rules import check_currency
from fraudlab.errors import ConfigError, RunError
from fraudlab.files import read_json, storage, write_json, write_text
from fraudlab.models.recorded_evidence import RecordedEvidence, read_evidence
from fraudlab.report.recorded.run_record import read_run
from fraudlab.runs import Run, require_completed
from fraudlab.runs.folder import RunFolder
from fraudlab.stages.at_threshold import UNCHANGED, at_threshold, write_at_threshold
from fraudlab.stages.train import VALIDATION_SCORES

if TYPE_CHECKING:
    from fraudlab.evaluation.decisions import Chosen, DecisionRequest

#: of the run's record, what is as true of the other run: where its booster is from
_INHERITED = (
    "name", "backend", "fallback", "image", "data", "git", "code", "packages", "platform", "splits",
)  # fmt: skip
_COPIED = ("data/manifest.json", "training/history.json")
#: of a decision, what `evaluation` in a configuration has under the same name
_CONFIGURED = (
    "policy", "threshold", "recall", "alert_cost", "loss_share", "missed_fraud_fee", "alert_budget",
    "currency",
)  # fmt: skip
#: in record and contract, the run whose threshold was chosen again
ORIGIN = "threshold_of"


@dataclass(frozen=True)
class OtherDecision:
    """What is to be different; None leaves it as it was.

    Attributes
    ----------
    policy : str or None
    threshold, recall : float or None
    alerts_per_day : float or None
        The budget; infinity takes away one that there was.
    prices : mapping
        ``alert_cost``, ``missed_fraud_cost``, ``missed_fraud_fee``, ``loss_share``.
    currency : str or None
    """

    policy: str | None = None
    threshold: float | None = None
    recall: float | None = None
    alerts_per_day: float | None = None
    prices: Mapping[str, float] | None = None
    currency: str | None = None


@dataclass(frozen=True)
class Redecided:
    """A threshold that was chosen again.

    Attributes
    ----------
    source : Run
    contract : dict
        The other ``model.json``, but for its run.
    changed : dict
        What of the request is different.
    chosen : Chosen
    before, after : dict
        The metrics of the test rows at either threshold.
    files : dict
        What ``evaluation/`` has of it, by name.
    """

    source: Run
    contract: dict[str, Any]
    changed: dict[str, Any]
    chosen: Chosen
    before: dict[str, Any]
    after: dict[str, Any]
    files: dict[str, Any]


def redecide(source: Run, asked: OtherDecision) -> Redecided:
    """Choose a threshold on the validation scores that a run kept, and measure it on its test rows.

    Raises
    ------
    RunError
        Where the run did not complete, or did not keep what is needed.
    ConfigError
        Where what is asked for cannot be, changes nothing, or would alert nothing.
    """
    from fraudlab.evaluation.decisions import decide_on, request_of

    require_completed(source)
    contract = _contract(source.folder / "model" / "model.json")
    evidence = read_evidence(source.folder, contract)
    before = contract["decision"]
    try:
        old = request_of(before)
    except ValueError as error:
        raise RunError(
            f"The decision in model.json of run {source.id} is none: {error}.", fix="train again"
        ) from error
    request = _request(old, asked)
    if request == old:
        raise ConfigError(
            f"The threshold of run {source.id} was chosen so already.", fix="ask for something else"
        )
    chosen = _decided(request, evidence, decide_on)
    _require_alerts(request, chosen)
    decision = {
        **asdict(request),
        "measured_on": "validation",
        "validation": chosen.measured,
        "budget": chosen.budget,
        "sensitivity": chosen.sensitivity,
    }
    changed = {name: value for name, value in asdict(request).items() if value != getattr(old, name)}
    origin = {"run": source.id, "threshold": contract["threshold"]}
    made = {**contract, "threshold": chosen.decision.threshold, "decision": decision, ORIGIN: origin}
    files = at_threshold(source.folder, threshold=chosen.decision.threshold, decision=decision)
    measured = read_json(source.folder / "evaluation" / "metrics.json")
    return Redecided(source, made, changed, chosen, measured, files["metrics.json"], files)


def write_run(made: Redecided, runs: Path) -> Run:
    """Write a run that has the booster of another, and the threshold that was chosen again.

    Parameters
    ----------
    made : Redecided
    runs : Path
        Where runs are.

    Raises
    ------
    RunError
        Where a file of the other run is gone.
    StorageError
        Where the disk refuses; the run's folder says so.
    """
    from fraudlab.report import render_run
    from fraudlab.report.card.model_card import write_card

    source = made.source
    name = str(source.record.get("name") or "model")
    folder = RunFolder.reserve(runs, name=f"{name}-threshold")
    inherited = {key: source.record[key] for key in _INHERITED if key in source.record}
    folder.begin(**inherited, experiment=None, **{ORIGIN: source.id})
    try:
        with folder.stage("threshold"):
            _copy(source.folder, folder.path)
            _write_configuration(made, folder.path)
            _write_model(made, folder)
            validation = {**made.chosen.measured, "curve": made.chosen.decision.curve}
            write_json(folder.path / "training" / "validation.json", validation)
            write_at_threshold(folder.path, made.files)
        folder.record["metrics"] = dict(sorted(made.after.items()))
        with folder.stage("report"):
            folder.save()
            write_card(folder.path)
            render_run(folder.path)
        folder.complete()
    except BaseException as error:
        folder.fail(error)
        raise
    return Run(folder.path)


def _contract(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise RunError(f"There is no model: {path}.", fix="name a run that completed")
    contract: dict[str, Any] = read_json(path)
    if not isinstance(contract.get("decision"), dict) or type(contract.get("threshold")) not in (int, float):
        raise RunError(f"{path} does not say how its threshold was chosen.", fix="train again")
    return contract


def _request(old: DecisionRequest, asked: OtherDecision) -> DecisionRequest:
    """What was asked for with what is asked for now."""
    from fraudlab.evaluation.thresholds import Policy

    given = [asked.policy, asked.threshold, asked.recall]
    if sum(value is not None for value in given) > 1:
        raise ConfigError(
            "--threshold, --recall and --policy each say how the threshold is found.", fix="give one of them"
        )
    policy = asked.policy or ("fixed" if asked.threshold is not None else None)
    policy = policy or ("recall" if asked.recall is not None else None)
    prices = dict(asked.prices or {})
    if policy is None and old.policy in ("fixed", "recall") and (prices or asked.alerts_per_day is not None):
        policy = "cost"
    policy = policy or old.policy
    assert policy in get_args(Policy)
    chooses = policy in ("cost", "f1")
    if asked.alerts_per_day is not None and not chooses:
        raise ConfigError(
            "A threshold or a recall that is given keeps to no number of alerts per day.",
            fix="leave --alerts-per-day out, or let the threshold be chosen: --policy cost",
        )
    budget = old.alert_budget if asked.alerts_per_day is None else asked.alerts_per_day
    check_currency(asked.currency)
    return replace(
        old,
        policy=cast("Any", policy),
        threshold=(asked.threshold + 0.0 if asked.threshold is not None else old.threshold)
        if policy == "fixed"
        else None,
        recall=(asked.recall if asked.recall is not None else old.recall) if policy == "recall" else None,
        alert_budget=None if not chooses or budget == float("inf") else budget,
        currency=asked.currency or old.currency,
        **prices,
    )


def _decided(request: DecisionRequest, evidence: RecordedEvidence, decide_on: Any) -> Chosen:
    if request.threshold is not None and not 0 <= request.threshold <= 1:
        raise ConfigError(f"--threshold {request.threshold:g} is no probability.", fix="valid: 0 to 1")
    try:
        return cast("Chosen", decide_on(request, evidence.ranking, evidence.amount, evidence.traffic))
    except ValueError as error:
        fix = "see `fraudlab models threshold --help`"
        if request.alert_budget is not None and evidence.traffic is None:
            fix = "train with data.time set to the column that says when each transaction was"
        raise ConfigError(f"No threshold can be chosen: {error}.", fix=fix) from error


def _require_alerts(request: DecisionRequest, chosen: Chosen) -> None:
    """Refuse a version that would do nothing."""
    if chosen.measured["true_positives"] + chosen.measured["false_positives"]:
        return
    if chosen.alerts_nothing:
        fix = "give a lower --alert-cost, or a --recall"
        if chosen.held_back:
            fix = "allow more alerts per day"
        raise ConfigError(f"The threshold would alert nothing: {chosen.why_nothing} on validation.", fix=fix)
    raise ConfigError(
        f"No validation row has a score of {request.threshold:g} or more: the threshold would alert nothing.",
        fix="give a lower --threshold",
    )


def _copy(source: Path, target: Path) -> None:
    """What the threshold changes nothing of."""
    evaluation = [f"evaluation/{name}" for name in UNCHANGED]
    for name in (*_COPIED, f"training/{VALIDATION_SCORES}", *evaluation):
        if (source / name).is_file():
            with storage(target / name):
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source / name, target / name)


def _write_configuration(made: Redecided, target: Path) -> None:
    """The configuration of the run, as it would have been with this decision asked for from the start."""
    import yaml  # type: ignore[import-untyped]

    changed = {name: value for name, value in made.changed.items() if name in _CONFIGURED}
    if (price := made.changed.get("missed_fraud_cost")) is not None:
        changed["missed_fraud_cost"] = price
    words = {name: "null" if value is None else value for name, value in changed.items()}
    record = read_run(made.source.folder)
    config = {**record.config, "evaluation": {**record.config.get("evaluation", {}), **changed}}
    kept = [
        word for word in record.overrides if word.partition("=")[0].removeprefix("evaluation.") not in changed
    ]
    overrides = [*kept, *(f"evaluation.{name}={value}" for name, value in words.items())]
    write_text(target / "config.yaml", yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
    write_text(target / "overrides.yaml", yaml.safe_dump(overrides, allow_unicode=True))


def _write_model(made: Redecided, folder: RunFolder) -> None:
    """The same booster, the other contract, and an archive in which only the contract differs."""
    source, target = made.source.folder / "model", folder.path / "model"
    with storage(target):
        target.mkdir(exist_ok=True)
        shutil.copyfile(source / "model.ubj", target / "model.ubj")
    write_json(target / "model.json", {**made.contract, "run_id": folder.id})
    with storage(target), tempfile.TemporaryDirectory(dir=folder.path, prefix=".") as work:
        files = {name: target / name for name in ("model.json", "model.ubj")}
        if (source / "model.tar.gz").is_file():
            unpack(source / "model.tar.gz", lambda name: None if name in files else Path(work) / name)
        more = {path.relative_to(work).as_posix(): path for path in Path(work).rglob("*") if path.is_file()}
        more = {name: path for name, path in more.items() if name != "model_card.md"}
        with ExitStack() as opened:
            handles = [
                (name, opened.enter_context(path.open("rb"))) for name, path in {**files, **more}.items()
            ]
            pack(handles, target / "model.tar.gz")
