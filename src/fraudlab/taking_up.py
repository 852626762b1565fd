"""A run that its launcher has left, taken up by another: from its folder, or from what its bucket has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fraudlab.backend_registry import BACKENDS, describe
from fraudlab.backends import open_state
from fraudlab.config import DataKind, Fallback, RunConfig
from fraudlab.errors import DataError, RunEnded, RunError, TrackingError
from fraudlab.interruption import Leavable, interruptible
from fraudlab.lifecycle import Workplace, opened_workplace, recorded, shared_in_the_end, under_way
from fraudlab.recorded_config import NAME as CONFIG
from fraudlab.recorded_config import read_config
from fraudlab.redaction import revealed
from fraudlab.runs import RunFolder
from fraudlab.runs.shared_copy import SharedCopy
from fraudlab.stages.context import ENDPOINT, PREPARED, Context, add_endpoint_use
from fraudlab.stages.starting_point import find_start
from fraudlab.terminal import Terminal

if TYPE_CHECKING:
    from fraudlab.data.sources import Source

_NAMES = ("model", "endpoint_config", "endpoint")


@contextmanager
def run_taken_up(
    path: Path, *, terminal: Terminal, account: RunConfig | None = None
) -> Iterator[tuple[Context, Source]]:
    """Go on with a run whose launcher has ended while its jobs went on, and record how it ends.

    Until everything is open, the run stays as it is when something fails, so that it can be taken up again.

    Parameters
    ----------
    path : Path
        The run's folder; of a run that another machine began, one with no more than its record.
    terminal : Terminal
    account : RunConfig, optional
        Names the account from here, where its folder does not.

    Raises
    ------
    RunError
        Where somebody has it, or its jobs have ended with its launcher.
    RunEnded
        Where another machine has finished it; the folder has what that left.
    DataError
        Where its table is not the one it began with.
    """
    with interruptible(terminal) as attention, ExitStack() as stack:
        folder = RunFolder.take_up(path)
        attention.leavable = lambda: Leavable(folder.id, None)
        with _left_on_error(folder):
            kind = _outliving(folder)
            asked = _of_account(read_config(path) if (path / CONFIG).exists() else account, account, kind)
            state = open_state(asked, run_id=folder.id)
            shared = None if state is None else SharedCopy(folder, state)
            if shared is not None:
                stack.callback(shared.let_go)
                if shared.take_up():
                    raise _ended_elsewhere(folder, shared)
            config = _of_account(read_config(path), account, kind)
            image = revealed((folder.record.get("image") or {}).get("name"))
            if image and describe(kind).in_cloud and not describe(kind).rehearsed:
                config.backend.image = image  # it is in the registry: no engine is needed here
            place = opened_workplace(stack, config, folder, terminal)
            config, source = _start(config, place, folder)
            if left := folder.record.get(ENDPOINT):
                place.opened.backend.take_down(**revealed({name: left[name] for name in _NAMES}))
                folder.record[ENDPOINT] = None
                _count_left(config, folder.record, since=left.get("since"))
            folder.go_on()
        with (
            shared_in_the_end(shared, terminal),
            recorded(folder, terminal, attention),
            under_way(config, folder, place, terminal, shared, attention) as context,
        ):
            yield context, source


def _count_left(config: RunConfig, record: dict[str, Any], *, since: object) -> None:
    """Count the time of an endpoint of AWS's that a killed launcher left up, until now."""
    with suppress(TypeError, ValueError):
        up = datetime.now(UTC) - datetime.fromisoformat(str(since))
        if describe(str(record["backend"])).in_cloud:
            add_endpoint_use(record, config.compute.serve, seconds=max(0.0, up.total_seconds()))


def _ended_elsewhere(folder: RunFolder, shared: SharedCopy) -> RunError:
    """What to say of a run that another machine has finished: its results are here, or some are missing."""
    status, missing = folder.record["status"], shared.missing
    if missing and status == "completed":
        return RunError(
            f"Run {folder.id} is completed, and {len(missing)} of its files are not in {shared.where}, "
            f"such as {missing[0]}.",
            fix="bring its folder from the machine that has finished it, or repeat the run",
        )
    return RunEnded(
        f"Run {folder.id} is {status}: another machine has finished it.",
        fix=f"its folder has the results: {folder.path}",
    )


def _of_account(config: RunConfig | None, account: RunConfig | None, kind: str) -> RunConfig:
    """A run's configuration on this machine, whose profile and rehearsal may have other names."""
    found = config if config is not None else account
    if found is None:
        raise RunError("The run's folder does not say where its state is.", fix="add backend=NAME")
    if account is not None:
        found.rehearsal = account.rehearsal
        for name, value in vars(account.sagemaker).items():
            if name in {"profile", "region", "bucket"} and value is not None:
                setattr(found.sagemaker, name, value)
    found.backend.kind, found.backend.fallback = kind, Fallback.error
    return found


def _start(config: RunConfig, place: Workplace, folder: RunFolder) -> tuple[RunConfig, Source]:
    """What a run that is taken up began with; where it is not on this machine, what is known of it.

    Raises
    ------
    DataError
        Where it is another, or is needed and not here.
    """
    from fraudlab.data.sources import absent

    data = folder.record["data"]
    known = absent(Path(data.get("path") or "prepared"), sha256=data["sha256"])
    has_begun = bool(folder.record.get(PREPARED))
    if config.data.path and not Path(config.data.path).exists() and has_begun:
        return config, known
    try:
        config, source = find_start(
            config, place.cache, workspace=place.workspace, backend=place.opened.backend
        )
    except (DataError, TrackingError):
        if config.data.kind is DataKind.artifact and has_begun:
            return config, known
        raise
    if source.sha256 != data["sha256"]:
        raise DataError(
            f"{source.path} is not the table run {folder.id} began with.",
            fix="bring that table back, or begin another run",
        )
    return config, source


def _outliving(folder: RunFolder) -> str:
    """The backend of a run that is taken up, whose jobs must have outlived its launcher."""
    name = str(folder.record["backend"])
    if name not in BACKENDS or not describe(name).outlives_launcher:
        raise RunError(
            f"The jobs of run {folder.id} have ended with its launcher (backend={name}).",
            fix="repeat the run: jobs that had ended are taken from the cache",
        )
    return name


@contextmanager
def _left_on_error(folder: RunFolder) -> Iterator[None]:
    """Let go of a run that cannot be gone on with just now."""
    try:
        yield
    except BaseException:
        folder.leave()
        raise
