"""Runs that were killed get their archives, and what no server has is uploaded."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fraudlab import locks
from fraudlab.backend_registry import describe
from fraudlab.backends import release
from fraudlab.errors import FraudlabError, RunError, TrackingError
from fraudlab.redaction import hide
from fraudlab.runs import DEFAULT, Run, RunFolder, find_run, list_runs
from fraudlab.tracking import leftovers

#: nobody else may upload the same run meanwhile
_LOCK = ".sync"


@dataclass
class Synced:
    """What became of a run.

    Attributes
    ----------
    sent : dict of str to int
        How many things of each kind were sent, or would be.
    recovered : list of str
        Names of archives that were made of pieces.
    """

    sent: dict[str, int] = field(default_factory=dict)
    recovered: list[str] = field(default_factory=list)


def sync(
    names: Sequence[str], *, runs: Path | None, dry_run: bool = False, settle: float | None = None
) -> int:
    """Upload what no server has of some runs, or of all; a run that cannot be uploaded does not stop others.

    Raises
    ------
    TrackingError
        A run could not be uploaded.
    """
    from fraudlab.tracking.uploading import untried_version

    if line := untried_version():
        print(line, file=sys.stderr)
    failed = 0
    for run in _chosen(names, runs):
        if (why_not := _why_not(run)) is not None:
            if names or run.status == "running":
                print(f"{run.id}: {why_not}")
            continue
        try:
            print(
                f"{run.id}: {_line(sync_run(run, dry_run=dry_run, settle=settle), dry_run=dry_run)}",
                flush=True,
            )
        except FraudlabError as error:
            failed += 1
            print(f"{run.id}: {hide(error.message)}", flush=True)
    if failed:
        raise TrackingError(
            f"{failed} of the runs could not be uploaded whole.",
            fix="see the lines above, and try again later: nothing is lost, and nothing is sent twice",
        )
    return 0


def sync_run(run: Run, *, dry_run: bool = False, settle: float | None = None) -> Synced:
    """Upload what no server has of a run that nobody carries out.

    Raises
    ------
    TrackingError
        No key, no server, a refusal; or another process does it.
    """
    from fraudlab.tracking import uploading

    folder = run.folder / "comet"
    folder.mkdir(exist_ok=True)
    lock = locks.take(folder / _LOCK)
    if lock is None:
        raise TrackingError("it is being uploaded by another process", fix="wait for that")
    try:
        made = [] if dry_run else recovered_archives(run)
        sent = uploading.upload_run(folder, _key(run), dry_run=dry_run, settle=settle)
        return Synced(sent, [archive.name for archive in made])
    finally:
        lock.release(remove=True)


def recover(names: Sequence[str], *, runs: Path | None) -> int:
    """Make the archives of killed runs, and record how runs ended that nobody carries out any more."""
    found = 0
    for run in _chosen(names, runs):
        if run.status == "running":
            if names:
                print(f"{run.id}: {_why_not(run)}")
            continue
        made = recovered_archives(run) if run.record.get("experiment") else []
        lines = [f"made {archive.name}" for archive in made]
        if run.status == "dead":
            lines.append(_settle(run))
        if lines:
            found += 1
            print(f"{run.id}: {'; '.join(lines)}")
        elif names:
            print(f"{run.id}: there is nothing to recover")
    if not names and not found:
        print("there is nothing to recover")
    return 0


def recovered_archives(run: Run) -> list[Path]:
    """Make archives of the pieces that a run and its jobs have left.

    Raises
    ------
    StorageError
        They cannot be written.
    """
    from fraudlab.tracking.comet import recovery

    folder, key, about = run.folder / "comet", _key(run), leftovers.place_of(run.folder)
    made = []
    if (archive := recovery.recover(folder)) is not None:
        made.append(archive)
    workspace = leftovers.workspace_of(run.folder)
    if workspace is not None and release(workspace):
        made += leftovers.take(workspace, run.folder, key)
    made += recovery.recover_jobs(folder, key, about)
    return made + leftovers.keep_printed(run.folder, key, about)


def _settle(run: Run) -> str:
    """Record how a run ended that says it is running; the line to print."""
    backend = run.record.get("backend")
    if isinstance(backend, str) and describe(backend).in_cloud:
        return f"its jobs may go on in the cloud: finish it with `fraudlab runs attach {run.id}`"
    try:
        taken = RunFolder.take_up(run.folder)
    except RunError as error:
        return error.message
    taken.fail(
        RunError(
            "Its launcher ended without a word: it was killed, or the machine stopped.",
            fix="repeat the run; what it had logged goes up with `fraudlab sync`",
        )
    )
    return "recorded as failed"


def _chosen(names: Sequence[str], runs: Path | None) -> list[Run]:
    if names:
        return [find_run(runs, name) for name in dict.fromkeys(names)]
    return list_runs(runs or DEFAULT, damaged=lambda error: print(f"left out: {hide(error.message)}"))


def _why_not(run: Run) -> str | None:
    """Why there is nothing to upload of a run."""
    if run.status == "running":
        return "it is being carried out; sync it when it has ended"
    return None if run.record.get("experiment") else "it was not tracked"


def _key(run: Run) -> str:
    key = (run.record.get("experiment") or {}).get("key")
    if not isinstance(key, str) or not key.isalnum():
        raise RunError(f"Run {run.id} has no experiment key.", fix="see its run.json")
    return key


def _line(done: Synced, *, dry_run: bool) -> str:
    counts = [f"{number:,} {kind}" for kind, number in done.sent.items()]
    what = (
        ("would send " if dry_run else "sent ") + ", ".join(counts) if counts else "the server has all of it"
    )
    return what + (f" (recovered {len(done.recovered)} archives)" if done.recovered else "")
