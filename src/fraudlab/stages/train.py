"""Typed splits to ``model.tar.gz``: the training job."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from fraudlab import api_requests
from fraudlab.archives import unpack
from fraudlab.backends.backend import JobHandle, ending_of
from fraudlab.config import EvaluationConfig
from fraudlab.container.contract import FOLDS
from fraudlab.container.hook_source import FILE
from fraudlab.container.hyperparameters import read_hyperparameters
from fraudlab.errors import ArchiveError, BackendError, BackendLost, JobFailed, Pruned, StorageError
from fraudlab.files import read_json, storage, write_json
from fraudlab.model_rules import hook_file, hyperparameters
from fraudlab.reason_rules import FILE as REASONS
from fraudlab.reason_rules import read_reasons
from fraudlab.runs.record import is_trial
from fraudlab.split_rules import train_channels
from fraudlab.stages.context import Context
from fraudlab.stages.prepare import Preparation
from fraudlab.stages.prepared_key import prepared_content

#: what a threshold can be chosen on again
VALIDATION_SCORES = "validation_scores.parquet"
_PRICED = ("loss_share", "missed_fraud_fee", "recall", "alert_budget", "currency")

OnRound: TypeAlias = Callable[[int, Mapping[str, float]], None]


@dataclass(frozen=True)
class Trained:
    """The training job's output, unpacked into the run's folder.

    Attributes
    ----------
    archive : Path
        ``model/model.tar.gz``.
    uri : str or None
        Where it is in a bucket; None where the job wrote to a folder.
    contract : dict
        ``model/model.json``.
    history : dict
        ``training/history.json``.
    """

    archive: Path
    uri: str | None
    contract: dict[str, Any]
    history: dict[str, Any]


def train(
    context: Context, prepared: Preparation, *, data_sha256: str, on_round: OnRound | None = None
) -> Trained:
    """Train on prepared splits; what the job wrote is kept also where it failed.

    Parameters
    ----------
    context : Context
    prepared : Preparation
    data_sha256 : str
        Of the table.
    on_round : callable, optional
        Told the number of each round, from 0, and its metrics; may raise :class:`fraudlab.errors.Pruned`.
    """

    def request() -> api_requests.Request:
        write_json(context.config_channel / "manifest.json", prepared.manifest)
        hashes = {"data": data_sha256, **_send_hooks(context)}
        write_json(context.config_channel / "train.json", _job_description(context, hashes))
        files = context.backend.files
        splits = prepared.uri or files.stage(
            prepared.folder, name="prepared", content=prepared_content(prepared.key)
        )
        return api_requests.training_job(
            context.config,
            context.backend.placement,
            run_id=context.run_id,
            channels={
                **{name: f"{splits}/{name}" for name in train_channels(context.config)},
                "config": files.stage(context.config_channel, name="config"),
            },
            output=files.destination("training-output"),
        )

    handle = context.job("train", request)
    files, folder = context.backend.files, context.folder.path
    try:
        _wait_for_job(context, handle, on_round)
    except BaseException as error:
        if context.outlives_launcher and isinstance(error, BackendLost | KeyboardInterrupt | Pruned):
            raise  # the job goes on, or is about to be stopped, and has written nothing yet
        _tell_of_ending(context, handle)
        try:
            keep_output(files.fetch(handle.output) / "output.tar.gz", folder)
        except (StorageError, ArchiveError, BackendError) as error:
            context.terminal.say(f"  what the job wrote could not be kept: {error}", style="yellow")
        raise
    _tell_of_ending(context, handle)
    output = files.fetch(handle.output)
    keep_output(output / "output.tar.gz", folder)
    uri = f"{handle.output}/model.tar.gz" if handle.output.startswith("s3://") else None
    return _keep_model(output / "model.tar.gz", folder, uri=uri)


def _tell_of_ending(context: Context, handle: JobHandle) -> None:
    """Let the experiment have what a service says of a job that has ended, however it did."""
    if (described := ending_of(context.backend, handle)) is not None:
        context.tracker.tell(lambda e: e.log_training_job(described))


def _send_hooks(context: Context) -> dict[str, str]:
    """Copy ``model.hooks`` to where the job looks and into the run's folder; its hash, if there is one."""
    if context.config.model.hooks is None:
        return {}
    source = hook_file(context.config.model.hooks)
    for folder in (context.config_channel, context.folder.path):
        with storage(folder):
            (folder / FILE).write_bytes(source.content)
    return {"hooks": source.sha256}


def _send_reasons(context: Context) -> dict[str, Any]:
    """The texts of reasons for the job; a run keeps what it was given, also where the file changes."""
    if context.config.serving.reasons is None:
        return {}
    texts = read_reasons(context.config.serving.reasons)
    content = Path(context.config.serving.reasons).read_bytes()
    with storage(context.folder.path):
        (context.folder.path / REASONS).write_bytes(content)
    return {"reasons": texts} if texts else {}


def _job_description(context: Context, hashes: dict[str, str]) -> dict[str, Any]:
    evaluation, experiment = context.config.evaluation, context.tracker.decision
    usual = vars(EvaluationConfig())
    return {
        "run_id": context.run_id,
        "experiment_key": experiment.key,
        "log_rounds": not experiment.streams_rounds,
        "decision": {
            "policy": evaluation.policy.value,
            "threshold": evaluation.threshold,
            "missed_fraud_cost": None if context.config.data.amount else evaluation.missed_fraud_cost,
            "alert_cost": evaluation.alert_cost,
            # what is as it was before there was a key for it is not said: images of then take no other keys
            **{
                name: getattr(evaluation, name)
                for name in _PRICED
                if getattr(evaluation, name) != usual[name]
            },
        },
        "hashes": hashes,
        **({"test_folds": False} if _has_folds_of_a_trial(context) else {}),
        **_send_reasons(context),
        **(
            {"cards_per_day": evaluation.cards_per_day}
            if evaluation.cards_per_day != usual["cards_per_day"]
            else {}
        ),
        **({"derive": dict(derive)} if (derive := context.config.data.derive) else {}),
    }


def _has_folds_of_a_trial(context: Context) -> bool:
    """Whether the job has test rows of older folds that nobody may look at."""
    return is_trial(context.folder.record) and FOLDS in train_channels(context.config)


def _wait_for_job(context: Context, handle: JobHandle, on_round: OnRound | None) -> None:
    asked = read_hyperparameters(hyperparameters(context.config))
    many, averages = len(asked.every), asked.members is not None
    each = context.config.model.num_round
    streams = context.tracker.decision.streams_rounds
    with ExitStack() as shown:
        meters = {"rounds": shown.enter_context(context.terminal.meter("rounds", total=many * each))}

        def on_line(line: str) -> None:
            if refitted := api_requests.read_refit(line):
                if "refit" not in meters:
                    shown.close()  # a terminal has room for one
                    meters["refit"] = shown.enter_context(context.terminal.meter("refit", total=refitted[1]))
                meters["refit"].reach(refitted[0])
            elif found := api_requests.read_round(line):
                number, metrics = found
                member = api_requests.member_of(metrics)
                # the average's own line comes after all rounds of its members
                done = (member - 1) * each + number + 1 if member else many * each
                meters["rounds"].reach(done if many > 1 else number + 1)
                if streams:
                    named = {f"validation_{name}": value for name, value in metrics.items()}
                    context.tracker.tell(lambda e: e.log_metrics(named, step=number))
                # the average itself is measured once, when there is nothing left to end early
                if on_round is not None and member == (1 if averages else 0):
                    on_round(number, api_requests.without_member(metrics))

        with context.job_log("train", on_line=on_line) as log:
            context.wait(handle, log)


def keep_output(archive: Path, folder: Path) -> None:
    """Unpack ``output.tar.gz`` into a run folder: ``training/`` and ``comet/``; nothing where there is none.

    SageMaker packs the content of ``/opt/ml/output/data``, local mode its parent.
    """
    if not archive.is_file():
        return

    def place(member: str) -> Path | None:
        name = member.removeprefix("data/")
        if not name.endswith((".json", ".zip")) and name != VALIDATION_SCORES:
            return None
        return folder / name if name.startswith("comet/") else folder / "training" / name

    unpack(archive, place)


def _keep_model(archive: Path, folder: Path, *, uri: str | None = None) -> Trained:
    if not archive.is_file():
        raise JobFailed(
            "The train job completed without a model.tar.gz.", fix=f"read {folder / 'logs' / 'train.log'}"
        )
    target = folder / "model"
    with storage(target):
        target.mkdir(exist_ok=True)
        shutil.copyfile(archive, target / "model.tar.gz")
    unpack(archive, lambda name: target / name if name in {"model.ubj", "model.json"} else None)
    return Trained(
        archive=target / "model.tar.gz",
        uri=uri,
        contract=read_json(target / "model.json"),
        history=read_json(folder / "training" / "history.json"),
    )
