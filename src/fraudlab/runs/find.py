"""Runs that are on the disk, read back as :class:`Run`."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from fraudlab.errors import RunError, nearest
from fraudlab.files import read_json
from fraudlab.runs.folder import LATEST
from fraudlab.runs.framed_page import framed
from fraudlab.runs.record import RECORD, ended_head, head_of, is_trial, loaded, read_record

if TYPE_CHECKING:
    import pandas as pd

#: where runs are looked for where nobody names a folder
DEFAULT = Path("runs")


class Run:
    """A run, read from its folder.

    Attributes
    ----------
    folder : Path
        The run's folder.
    head : Head
        What a list says of the run.
    record : dict
        ``run.json``. Where the launcher ended without recording how, the status is ``dead``.

    Raises
    ------
    RunError
        Where the record is missing or damaged.

    Examples
    --------
    >>> import fraudlab
    >>> made = fraudlab.train(["backend=process", "run.id=mine"], quiet=True)
    >>> run = fraudlab.Run(made.folder)
    >>> run
    Run('mine', status='completed')
    >>> run.scores.columns.tolist()
    ['row', 'time', 'amount', 'label', 'score', 'split']
    """

    def __init__(self, folder: Path | str) -> None:
        self._folder = os.fspath(folder)
        found = ended_head(self._folder)
        if found is None:
            self.record = read_record(self.folder)
            self.head = head_of(self.record)
        else:
            self.head, self._raw = found

    @cached_property
    def record(self) -> dict[str, Any]:
        return cast(dict[str, Any], loaded(self._raw))

    @cached_property
    def folder(self) -> Path:
        return Path(self._folder)

    @property
    def id(self) -> str:
        return os.path.basename(self._folder)  # noqa: PTH119 - a Path of each of ten thousand costs more

    @property
    def status(self) -> str:
        """``running``, ``completed``, ``failed``, ``interrupted``, ``pruned`` or ``dead``."""
        return self.head.status

    @property
    def metrics(self) -> dict[str, float]:
        """The test metrics, as in ``evaluation/metrics.json``."""
        return cast(dict[str, float], read_json(self.folder / "evaluation" / "metrics.json"))

    @property
    def report(self) -> Path:
        return self.folder / "report.html"

    @property
    def scores(self) -> pd.DataFrame:
        """The scored test rows: ids, time, amount, label, score, split."""
        import pandas as pd

        return pd.read_parquet(self.folder / "evaluation" / "scores.parquet")

    def __repr__(self) -> str:
        return f"Run({self.id!r}, status={self.status!r})"

    def _repr_html_(self) -> str | None:
        """Its report, where a notebook shows a run; None, and thus its text, where it has none yet."""
        return framed(self.report.read_text(encoding="utf-8")) if self.report.is_file() else None


def find_run(runs: Path | None, name: str | Path) -> Run:
    """Find a run by its id or by ``latest``.

    Parameters
    ----------
    runs : Path or None
        Where runs are; what a name means never leads out of it. None is ``./runs``, and then `name` may also
        be the path of a run's folder anywhere.
    name : str or Path
        A path is one that has more than one part.

    Raises
    ------
    RunError
        Where there is none, with those that are; where the name leads elsewhere; where the record is damaged.
    """
    if runs is None and (isinstance(name, Path) or os.sep in name):
        folder = Path(name)
        if not (folder / RECORD).is_file():
            raise RunError(f"There is no run in {folder}.", fix="name a folder with a run.json")
        return Run(folder.resolve())
    runs = DEFAULT if runs is None else runs
    name = str(name)
    if name in {"", ".", ".."} or os.sep in name or not name.isprintable():
        raise RunError(
            f"{name!r} is not the name of a run in {runs}.",
            fix="give a run's id or latest; without --runs also the path of a run's folder",
        )
    folder = runs / name
    try:
        found = folder.resolve(strict=True)
    except (OSError, RuntimeError):  # also where links form a ring
        found = folder
    if not _may_hold_a_run(found):
        raise RunError(
            f"There is no run {name!r} in {runs}.", fix=nearest(name, [run.id for run in list_runs(runs)])
        )
    if found.parent != runs.resolve():
        raise RunError(
            f"{folder} leads out of {runs}, to {found}.",
            fix="remove that link" if name == LATEST else "name a run that is in the folder",
        )
    return Run(found)


def require_completed(run: Run) -> Run:
    """A run that has ended as it should.

    Raises
    ------
    RunError
        Where it has not, or is a trial: it has no test figures, and may never be judged by any.
    """
    if run.status != "completed":
        raise RunError(f"Run {run.id} is {run.status}, not completed.", fix="see `fraudlab runs list`")
    if is_trial(run.record):
        raise RunError(
            f"Run {run.id} is a trial of study {run.record['study']['name']}: nothing of it was tested.",
            fix="name the study's final run, or train with the trial's settings",
        )
    return run


def find_completed(runs: Path | None, names: Sequence[str | Path | Run]) -> list[Run]:
    """Runs to put side by side; one that is named twice is there once, where two others are left.

    Parameters
    ----------
    runs : Path or None
        As for :func:`find_run`.
    names : sequence of str or Path or Run

    Raises
    ------
    RunError
        Where one does not exist, or has not ended as it should.
    """
    found = [require_completed(name if isinstance(name, Run) else find_run(runs, name)) for name in names]
    different = {run.folder.resolve(): run for run in found}
    return list(different.values()) if len(different) > 1 else found


def list_runs(runs: Path, *, damaged: Callable[[RunError], None] = lambda _error: None) -> list[Run]:
    """Every run in a folder, oldest first.

    Parameters
    ----------
    runs : Path
    damaged : callable
        Told of each run that is left out because its record cannot be read.

    Raises
    ------
    RunError
        Where the folder itself cannot be read.
    """
    try:
        with os.scandir(runs) as entries:
            names = sorted(
                entry.name
                for entry in entries
                if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
            )
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise RunError(f"{runs} cannot be read: {error.strerror}.", fix="see whose folder it is") from error
    found = []
    with without_collection():
        for name in names:
            folder = f"{runs}/{name}"
            try:
                found.append(Run(folder))
            except RunError as error:
                if _may_hold_a_run(runs / name):
                    damaged(error)
    return sorted(found, key=lambda run: str(run.head.started))


@contextmanager
def without_collection() -> Iterator[None]:
    """Look for no circles meanwhile: ten thousand records are many objects, and have none."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _may_hold_a_run(folder: Path) -> bool:
    """Whether a folder has a record, or may not be read."""
    try:
        is_folder = folder.is_dir()
    except OSError:  # a name too long for any file
        return False
    return is_folder and (os.path.lexists(folder / RECORD) or not os.access(folder, os.X_OK))
