"""Runs that are on the disk, read back as :class:`Run`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from fraudlab.errors import RunError, nearest
from fraudlab.files import read_json
from fraudlab.runs.folder import LATEST
from fraudlab.runs.record import RECORD, read_record

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

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.record: dict[str, Any] = read_record(folder)

    @property
    def id(self) -> str:
        return self.folder.name

    @property
    def status(self) -> str:
        """``running``, ``completed``, ``failed``, ``interrupted`` or ``dead``."""
        return str(self.record["status"])

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
        entries = sorted(runs.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise RunError(f"{runs} cannot be read: {error.strerror}.", fix="see whose folder it is") from error
    found = []
    for entry in entries:
        if entry.name.startswith(".") or entry.is_symlink() or not entry.is_dir():
            continue
        try:
            if _may_hold_a_run(entry):
                found.append(Run(entry))
        except RunError as error:
            damaged(error)
    return sorted(found, key=lambda run: str(run.record.get("started")))


def _may_hold_a_run(folder: Path) -> bool:
    """Whether a folder has a record, or may not be read."""
    return folder.is_dir() and (os.path.lexists(folder / RECORD) or not os.access(folder, os.X_OK))
