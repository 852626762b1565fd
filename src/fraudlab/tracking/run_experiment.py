"""The experiment of a run: its key and its mode at once, Comet's SDK while the first job runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fraudlab.errors import FraudlabError
from fraudlab.redaction import hide
from fraudlab.tracking.experiment import Experiment, Mode, TrackingDecision, new_key
from fraudlab.tracking.opening import decide, open_experiment, prepare
from fraudlab.tracking.study_group import group_facts
from fraudlab.tracking.tracker import Tracker

if TYPE_CHECKING:
    from fraudlab.config import RunConfig
    from fraudlab.runs import RunFolder


def track_run(config: RunConfig, folder: RunFolder) -> Tracker:
    """Decide how a run is tracked, and record it; the experiment opens beside its first job.

    Raises
    ------
    TrackingError
        Comet's configuration makes it impossible.
    """
    mode: Mode = config.tracking.mode.value
    prepare(mode, folder.path / "comet")
    # a run that was taken up goes on with what its jobs were told
    told = folder.record.get("experiment") or {}

    def decided() -> TrackingDecision:
        decision = decide(mode, key=told.get("key") or new_key())
        if decision.key is not None and "streams_rounds" in told:
            decision = replace(decision, streams_rounds=told["streams_rounds"])
        folder.record["experiment"] = _record(decision)
        return decision

    def opened() -> Experiment:
        experiment = _open(config, folder, tracker.decision)
        folder.record["experiment"] = _record(experiment)
        if study := folder.record.get("study"):  # before all else: also what fails at once is in its group
            experiment.log_others(group_facts(study))
        return experiment

    tracker = Tracker(opened, decide=decided)
    return tracker


def _open(config: RunConfig, folder: RunFolder, decision: TrackingDecision) -> Experiment:
    tracking = config.tracking
    try:
        return open_experiment(
            mode=tracking.mode.value,
            workspace=tracking.workspace,
            project=tracking.project,
            name=folder.id,
            key=decision.key or "",
            folder=folder.path / "comet",
            tags=(*tracking.tags, *(["rehearsed"] if folder.record.get("rehearsed") else [])),
            decision=decision,
        )
    except Exception as error:
        if tracking.mode.value == "online":
            raise
        # A job may be running by now, and its result is worth more than a record of it at Comet's.
        lost = Experiment()
        lost.key, lost.streams_rounds = decision.key, decision.streams_rounds
        reason = error.message if isinstance(error, FraudlabError) else f"{type(error).__name__}: {error}"
        lost.note = hide(reason.split("\n")[0])
        lost.problems.append(f"Comet: nothing of the launcher's is kept: {lost.note}")
        return lost


def _record(known: TrackingDecision | Experiment) -> dict[str, Any] | None:
    """What ``run.json`` says of an experiment."""
    if known.key is None:
        return None
    url = known.url if isinstance(known, Experiment) else None
    return {
        "key": known.key, "mode": known.mode, "url": url, "note": known.note,
        "streams_rounds": known.streams_rounds,
    }  # fmt: skip
