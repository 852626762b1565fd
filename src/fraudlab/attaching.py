"""``fraudlab runs attach``: finish a run that its launcher has left, from its folder or from anywhere."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fraudlab.errors import GateFailed, RunEnded, RunError
from fraudlab.gates import require_passed
from fraudlab.redaction import hide
from fraudlab.runs import DEFAULT, find_run
from fraudlab.runs.record import RECORD, read_record

if TYPE_CHECKING:
    from fraudlab.config import RunConfig


def attach(name: str, *, runs: Path | None, overrides: Sequence[str]) -> int:
    """Finish a run, and print where its report is.

    Parameters
    ----------
    name : str
        The run's id, or ``latest``.
    runs : Path or None
        Where its folder is, or is made.
    overrides : sequence of str
        Name the account where there is no folder, such as ``backend=sagemaker sagemaker.bucket=B``.

    Returns
    -------
    int
        The exit code; of a run that another machine has finished, the one that it had there.

    Raises
    ------
    RunError
        Where there is none, it has ended, or another launcher has it.
    """
    from fraudlab.cloud.after_run import say_costs_after
    from fraudlab.compose import compose
    from fraudlab.redaction import hide

    account = compose(overrides) if overrides else None
    where = runs or DEFAULT
    is_here = (where / name / RECORD).is_file()
    if is_here or "/" in name or name == "latest":
        folder = find_run(runs, name).folder
    else:
        account = account or compose(["backend=sagemaker"])
        folder = _brought(name, where.absolute(), account)
    try:
        return _finished(folder, account, brought=not is_here)
    finally:
        if folder.exists():
            say_costs_after(folder, lambda line: print(hide(line), file=sys.stderr))


def _finished(folder: Path, account: RunConfig | None, *, brought: bool) -> int:
    from fraudlab.workflow import finish_run

    try:
        run = finish_run(folder, account=account)
    except RunEnded as error:
        print(error.message)
        return _as_it_ended(folder)
    except GateFailed as error:
        print(f"report: {folder / 'report.html'}")
        raise error from None
    except RunError:
        if brought and not (folder / "config.yaml").exists():
            shutil.rmtree(folder, ignore_errors=True)  # nothing was brought
        raise
    print(f"report: {run.report}")
    sys.stdout.flush()
    return 0


def _as_it_ended(folder: Path) -> int:
    """Say how a run that another machine has finished ended; the exit code is the one it had there."""
    record = read_record(folder)
    if record["status"] != "completed":
        told = record["error"] or {}
        print(f"error: {hide(str(told.get('message')))}\nfix: {hide(str(told.get('fix')))}", file=sys.stderr)
        return int(told.get("exit_code") or RunError.exit_code)
    print(f"report: {folder / 'report.html'}")
    require_passed(record.get("gates") or [], run=folder.name)
    return 0


def _brought(run_id: str, runs: Path, account: object) -> Path:
    from fraudlab.backends import open_state
    from fraudlab.config import RunConfig
    from fraudlab.runs.shared_copy import bring_run

    assert isinstance(account, RunConfig)
    state = open_state(account, run_id=run_id)
    if state is None:
        raise RunError(
            f"There is no run {run_id} in {runs}, and backend={account.backend.kind} keeps none elsewhere.",
            fix="name the account: backend=sagemaker sagemaker.bucket=NAME",
        )
    return bring_run(state, runs, run_id)
