"""Durations of earlier runs, read from their folders."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from fraudlab.backend_registry import Description
from fraudlab.errors import FraudlabError
from fraudlab.plan.billed_jobs import billed_jobs
from fraudlab.plan.expectation import EarlierStep
from fraudlab.plan.steps import StepName
from fraudlab.runs.record import read_record

#: so many of the newest runs are looked at
_RUNS = 100
#: the stage of a run that has each step where nothing is billed, and no machine is chosen
_STAGES: dict[StepName, str] = {"process": "prepare", "train": "train", "endpoint": "score"}


def earlier_steps(runs: Path, *, backend: Description) -> list[EarlierStep]:
    """The steps of completed runs of a backend, newest first; what cannot be read is left out.

    Rehearsed jobs say nothing of real ones, nor one kind of place of another.
    """
    found: list[EarlierStep] = []
    for folder in _newest(runs):
        with suppress(FraudlabError):
            record = read_record(folder)
            if record["status"] == "completed" and record.get("backend") == backend.name:
                found += _steps_of(record, rented=backend.in_cloud)
    return found


def _newest(runs: Path) -> list[Path]:
    if not runs.is_dir():
        return []
    with os.scandir(runs) as entries:
        folders = [
            (entry.stat(follow_symlinks=False).st_mtime, entry.path)
            for entry in entries
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
        ]
    return [Path(path) for _, path in sorted(folders, reverse=True)[:_RUNS]]


def _steps_of(record: dict[str, Any], *, rented: bool) -> Iterator[EarlierStep]:
    """What was billed; where nothing is, how long the stages took, which says nothing of rented machines."""
    data = record.get("data")
    rows = data.get("rows") if isinstance(data, dict) else None
    if not isinstance(rows, int):
        return
    if rented:
        for job in billed_jobs(record):
            yield EarlierStep(job.name, job.instance_type, job.machines, rows, job.seconds, spot=job.spot)
        return
    for name, stage_name in _STAGES.items():
        stage = record["stages"].get(stage_name)
        if isinstance(stage, dict) and _is_number(stage.get("seconds")) and not stage.get("cached"):
            yield EarlierStep(name, None, 1, rows, float(stage["seconds"]))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
