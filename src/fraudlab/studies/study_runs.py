"""The runs of a study as they are on the disk, and how far they say that it has come."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from fraudlab.backend_registry import BACKENDS, describe
from fraudlab.errors import FraudlabError, RunError
from fraudlab.files import read_json
from fraudlab.runs import Run
from fraudlab.studies.tuning_request import TuningRequest

#: how a run stands whose jobs may go on without its launcher
_LEFT = ("detached", "dead")
_ENDED = ("completed", "pruned", "failed")


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How far a study has come.

    Attributes
    ----------
    started : bool
        The run that it starts from has completed.
    ended : int
        Trials that have ended.
    completed : int
        Of them, those that have a value.
    left : frozenset of str
        Ids of runs that the next call takes up, whose jobs may be going on.
    left_trials : int
        Of them, those of trials.
    closed : bool
        All that its last call was asked for has been done, its final run included.
    """

    started: bool
    ended: int
    completed: int
    left: frozenset[str]
    left_trials: int
    closed: bool


def study_runs(request: TuningRequest, role: str | None = None) -> list[Run]:
    """The runs of a study, or those of a role, oldest first; what cannot be read is none."""
    found = []
    for folder in request.runs.glob(f"{request.name}-*"):
        try:
            run = Run(folder)
        except RunError:
            continue
        study = study_of(run)
        if study.get("name") == request.name and role in (None, study.get("role")):
            found.append(run)
    return sorted(found, key=lambda run: (str(run.head.started), run.id))


def completed_runs(request: TuningRequest, role: str) -> list[Run]:
    """The full runs of a study that have completed, oldest first: each has looked at test once."""
    return [run for run in study_runs(request, role) if run.status == "completed"]


def left_run(request: TuningRequest, role: str, params: object) -> Run | None:
    """The newest full run of some settings that was left, and whose jobs may be going on."""
    for run in reversed(study_runs(request, role)):
        if study_of(run).get("params") == params:
            return run if is_left(run) else None
    return None


def is_left(run: Run) -> bool:
    """Whether a run's launcher has ended before its jobs, which another process may wait for."""
    kind = str(run.record.get("backend"))
    return run.status in _LEFT and kind in BACKENDS and describe(kind).outlives_launcher


def study_of(run: Run) -> dict[str, Any]:
    """What a run's record says of its study; empty where it has none."""
    found = run.record.get("study")
    return found if isinstance(found, dict) else {}


def read_standing(request: TuningRequest) -> Standing:
    """How far a study has come, by its runs and by what its last call has written."""
    runs, outcome = study_runs(request), _last_outcome(request)
    told = {row["number"] for row in outcome.get("trials", []) if row["state"] != "running"}
    newest = {study_of(run).get("trial"): run for run in runs if study_of(run).get("role") == "trial"}
    seen = {number for number, run in newest.items() if run.status in _ENDED}
    left = {run.id for number, run in newest.items() if number not in told and is_left(run)}
    full = [run for role in ("start", "final") if (run := _newest(runs, role)) is not None and is_left(run)]
    started = bool(completed_runs(request, "start"))
    ended = len(told | seen)
    return Standing(
        started=started,
        ended=ended,
        completed=sum(run.status == "completed" for run in newest.values()),
        left=frozenset({*left, *(run.id for run in full)}),
        left_trials=len(left),
        closed=started and not left and not full and ended == len(told) and outcome.get("final") is not None,
    )


def _newest(runs: list[Run], role: str) -> Run | None:
    return next((run for run in reversed(runs) if study_of(run).get("role") == role), None)


def _last_outcome(request: TuningRequest) -> dict[str, Any]:
    with suppress(FraudlabError, OSError, ValueError):
        found = read_json(request.folder / "outcome.json")
        if isinstance(found, dict):
            return found
    return {}
