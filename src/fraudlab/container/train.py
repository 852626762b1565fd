"""``train``: rows become ``model.ubj`` and the scoring contract it travels with."""

from __future__ import annotations

import hashlib
import json
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from fraudlab.container.contract import FOLDS, Fields, Tree, write_json
from fraudlab.container.failure import ConfigError, JobError, report_failure
from fraudlab.container.hosts import Hosts, read_hosts
from fraudlab.container.hosts.meeting import joined
from fraudlab.container.runtime import Stages, StopRequest
from fraudlab.container.training import checkpoints
from fraudlab.container.training.digests import NOTHING, Digests, channel_sha256
from fraudlab.container.training.job import PARTS, Job, has_rows, read_job
from fraudlab.container.training.tracking import Archive

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fraudlab.container.prepared import Prepared
    from fraudlab.container.training.calibrating import Chances
    from fraudlab.container.training.checkpoints import CheckpointKeeper
    from fraudlab.container.training.decision import Decided, Evidence
    from fraudlab.container.training.folds import CrossValidation
    from fraudlab.container.training.inputs import Inputs
    from fraudlab.container.training.members import Fits
    from fraudlab.container.training.model_size import ModelSize
    from fraudlab.container.training.refit import Refitted


def run(tree: Tree, stop: StopRequest | None = None) -> None:
    """Carry out the job that the tree describes.

    A request to stop (SIGTERM) ends it early and well: the model of the rounds so far is saved.

    Parameters
    ----------
    tree : Tree
    stop : StopRequest, optional
        One that has been listening already.

    Raises
    ------
    JobError
        If a parameter or a channel cannot be used.
    """
    stages, stop = Stages(), stop or StopRequest()
    with stop.listening():
        job, hosts = read_job(tree), read_hosts(tree)
        _require_one_host(job, hosts)
        archive: Archive | None = None

        def give_up(error: JobError) -> None:
            # The main thread waits in XGBoost, and never will return.
            if archive is not None:
                archive.close()
            os._exit(report_failure(error, tree.training_failure))

        own = has_rows(tree.channel("train"))
        with joined(hosts, stop, give_up, has_rows=own, agree=partial(_require_no_other_rows, job)) as group:
            if group is not None:
                archive = Archive(job.request.experiment_key if group.first else None, tree.results / "comet")
                try:
                    _train(job, group, archive, stages, stop)
                finally:
                    with stages.stage("tracking"):
                        archive.close()
    stages.end()


def _train(job: Job, hosts: Hosts, archive: Archive, stages: Stages, stop: StopRequest) -> None:
    digests = _digests(job, hosts)
    with stages.stage("import"):
        from fraudlab.container.training.artifacts import Outcome, save
        from fraudlab.container.training.average_gain import tell_gain
        from fraudlab.container.training.folds import cross_validate
        from fraudlab.container.training.members import Trainings, fit_all, tell_rounds

    with stages.stage("load"), stop.at_once():
        job, model_size, train, inputs = _load(job, hosts, digests)
    archive.log_parameters(job.parameters.as_json())
    with stages.stage("matrix"):
        trainings = Trainings(job, train, inputs, hosts)
        kept = train if job.parameters.k_fold else None
        del train
    keeper = _keeper(job, inputs, digests, hosts)
    with stages.stage("train"):
        fits = fit_all(trainings, stop=stop, on_round=tell_rounds(job, archive), keeper=keeper)
        _require_one_model(fits.booster, hosts)
        del trainings
    folds = None
    if kept is not None:
        with stages.stage("k_fold"):
            folds = cross_validate(job, kept, inputs, stop)
    if FOLDS in job.channels:
        from fraudlab.container.training.prequential import train_folds

        with stages.stage("prequential"):
            write_json(job.tree.results / "prequential.json", train_folds(job, stop, keeper))
    hashes = _hashes(job, digests, hosts)
    decided: Decided | None = None
    chances: Chances | None = None
    evidence: Evidence | None = None
    gain: dict[str, Any] | None = None
    with hosts.together():
        if hosts.first:
            with stages.stage("threshold"):
                evidence = _evidence(job, inputs, fits, folds, hosts)
                gain = hosts.on_first(lambda: tell_gain(job, fits, inputs, archive))
                chances, decided, evidence = _decide(job, evidence, stopped=stop.made)
    refitted = _refit(job, inputs, fits, hosts, digests, stages, stop, keeper)
    with hosts.together():
        if decided is not None and chances is not None:
            shipped = fits if refitted is None else refitted
            score = None if inputs.test is None else chances.of(_score(shipped.booster, inputs.test, hosts))
            archive.log_metrics(
                {f"{decided.evidence}_{k}": v for k, v in decided.measured.items() if v is not None}
            )
            with stages.stage("save"):
                outcome = Outcome(
                    inputs, model_size, fits, gain, refitted, folds, chances, decided, evidence, score, hashes
                )
                save(job, outcome, stages.seconds)


def _load(job: Job, hosts: Hosts, digests: Digests | None) -> tuple[Job, ModelSize | None, Prepared, Inputs]:
    """Read all rows, and have the job know the size of its model."""
    from fraudlab.container.training.folds import require_rows
    from fraudlab.container.training.inputs import read_inputs
    from fraudlab.container.training.model_size import choose_model_size

    train, inputs = read_inputs(job, hosts, digests)
    require_rows(train.label, job.parameters.k_fold)
    rows, frauds = map(int, hosts.total([len(train), train.frauds]))
    columns = len(inputs.features.inputs)
    return *choose_model_size(job, rows=rows, frauds=frauds, columns=columns), train, inputs


def _require_one_host(job: Job, hosts: Hosts) -> None:
    """Refuse what XGBoost, or this job, does on one host only."""
    alone = {
        "k_fold": job.parameters.k_fold > 0,
        "split=prequential": FOLDS in job.channels,
        "tree_method=exact": any(p.booster["tree_method"] == "exact" for p in job.parameters.every),
    }
    for what, asked in alone.items():
        if asked and len(hosts) > 1:
            raise ConfigError(
                f"{what} needs one host, and the job has {len(hosts)}",
                fix=f"use one instance, or leave {what} out",
            )


def _require_no_other_rows(job: Job, hosts: Hosts, filled: list[bool]) -> None:
    """Refuse that a host is left out which has rows to measure on that those who train have not."""
    with hosts.together():
        folders = {name: job.tree.channel(name) for name in PARTS[1:] if name in job.channels}
        own = {name: channel_sha256(_files(job, folder)) for name, folder in folders.items()}
    every = [json.loads(other) for other in hosts.gather(json.dumps(own).encode())]
    for name in PARTS[1:]:
        digests = [other.get(name, NOTHING) for other in every]
        theirs = {digest for digest, trains in zip(digests, filled, strict=True) if trains}
        for host, digest, trains in zip(hosts.names, digests, filled, strict=True):
            if not trains and digest != NOTHING and theirs != {digest}:
                raise ConfigError(
                    f"host {host} has rows of channel {name} that others have not, and none of channel train",
                    fix=f"give all hosts the same {name} (FullyReplicated), or use fewer instances",
                )


def _digests(job: Job, hosts: Hosts) -> Digests | None:
    """Hash the channels only where somebody asks: it costs a tenth of reading them."""
    if job.manifest is not None and len(hosts) == 1 and not checkpoints.wanted(job.tree):
        return None
    folders = {name: job.tree.channel(name) for name in PARTS if name in job.channels}
    return Digests({name: partial(_files, job, folder) for name, folder in folders.items()})


def _files(job: Job, folder: Path) -> list[Path]:
    from fraudlab.container.channels.channel_files import list_files
    from fraudlab.container.prepared import split_files

    if not has_rows(folder):
        return []
    return split_files(folder) if job.manifest else [source.path for source in list_files(folder)]


def _keeper(job: Job, inputs: Inputs, digests: Digests | None, hosts: Hosts) -> CheckpointKeeper | None:
    """Who keeps checkpoints, on the first host."""
    asked = bool(job.parameters.checkpoint_rounds) and hosts.share(checkpoints.wanted(job.tree))
    if digests is None or not asked:
        return None
    data = digests.combined(hosts)
    with hosts.together():
        if hosts.first:
            training = checkpoints.fingerprint(
                hooks=None if job.hooks is None else job.hooks.sha256,
                columns=inputs.features.as_json(),
                data={name: data[name] for name in ("train", "validation") if name in data},
                hosts=len(hosts),
            )
            return checkpoints.open_checkpoints(job.tree, training)
    return None


def _refit(
    job: Job,
    inputs: Inputs,
    fits: Fits,
    hosts: Hosts,
    digests: Digests | None,
    stages: Stages,
    stop: StopRequest,
    keeper: CheckpointKeeper | None,
) -> Refitted | None:
    if not job.parameters.refit:
        return None
    from fraudlab.container.training.refit import refit

    with stages.stage("refit"):
        refitted = refit(job, inputs, fits, hosts, digests=digests, stop=stop, keeper=keeper)
        if refitted is not None:
            _require_one_model(refitted.booster, hosts)
    return refitted


def _require_one_model(booster: Any, hosts: Hosts) -> None:
    """Be sure of what XGBoost promises: every host ends with the same trees."""
    if len(hosts) > 1 and len(set(hosts.gather(hashlib.sha256(booster.save_raw("ubj")).digest()))) > 1:
        raise JobError(
            "the hosts ended with different models", fix="give all hosts the same image and instance type"
        )


def _evidence(
    job: Job, inputs: Inputs, fits: Fits, folds: CrossValidation | None, hosts: Hosts
) -> Evidence | None:
    """The rows that calibration and threshold are chosen on, as the booster scores them."""
    from fraudlab.container.training.decision import Evidence
    from fraudlab.container.training.inputs import read_traffic

    if (validation := inputs.validation) is None:
        return None if folds is None else folds.pooled()
    score = _score(fits.booster, validation, hosts)
    traffic = read_traffic(job, len(validation))
    return Evidence("validation", validation.label, score, validation.amount, traffic)


def _decide(
    job: Job, evidence: Evidence | None, *, stopped: bool
) -> tuple[Chances, Decided, Evidence | None]:
    """What becomes of scores, the threshold, and the rows it was chosen on, as the model scores them."""
    from fraudlab.container.training.calibrating import calibrate
    from fraudlab.container.training.decision import decide

    chances = calibrate(job.parameters.calibration, evidence, stopped=stopped)
    print(chances.line)
    evidence = chances.seen(evidence)
    # The model of a job that was cut short is worth more than a policy that has nothing to choose on.
    given_up = stopped and evidence is None
    decided = decide(None if given_up else job.request.decision, evidence)
    print(f"threshold={decided.threshold:.6g} policy={decided.request.policy}", end=" ")
    print(f"measured_on={decided.evidence or 'nothing'}")
    if decided.chosen is not None and decided.chosen.alerts_nothing:
        print(f"{decided.chosen.why_nothing} on {decided.evidence}: no score reaches the threshold")
    return chances, decided, evidence


def _score(booster: Any, part: Prepared, hosts: Hosts) -> NDArray[np.float32]:
    return cast("NDArray[np.float32]", hosts.on_first(lambda: booster.inplace_predict(part.matrix)))


def _hashes(job: Job, digests: Digests | None, hosts: Hosts) -> dict[str, Any]:
    """Which data the model comes from: by the process job's manifest, or by the channels' content."""
    if job.manifest is not None:
        splits = Fields(job.manifest, source="manifest.json").get("splits", dict)
        return {"prepared": {name: split["sha256"] for name, split in splits.items()}}
    return {"channels": {} if digests is None else digests.combined(hosts)}
