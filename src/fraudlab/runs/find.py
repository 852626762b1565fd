"""Runs that are on the disk, read back as :class:`Run`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from fraudlab.errors import RunError, nearest
from fraudlab.files import read_json

if TYPE_CHECKING:
    import pandas as pd


class Run:
    """A run that has ended, read from its folder.

    Attributes
    ----------
    folder : Path
        The run's folder.
    record : dict
        ``run.json``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.record: dict[str, Any] = read_json(folder / "run.json")

    @property
    def id(self) -> str:
        return str(self.record["id"])

    @property
    def status(self) -> str:
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
        """The scored test rows: ids, time, amount, label, score."""
        import pandas as pd

        return pd.read_parquet(self.folder / "evaluation" / "scores.parquet")

    def __repr__(self) -> str:
        return f"Run({self.id!r}, status={self.status!r})"


def find_run(runs: Path, name: str) -> Run:
    """Find a run by id, by ``latest``, or by the path of its folder.

    Raises
    ------
    RunError
        Where there is none; lists those that are.
    """
    for folder in (runs / name, Path(name)):
        if (folder / "run.json").is_file():
            return Run(folder.resolve())
    raise RunError(
        f"There is no run {name!r} in {runs}.", fix=nearest(name, [run.id for run in list_runs(runs)])
    )


def list_runs(runs: Path) -> list[Run]:
    """Every run in a folder, oldest first."""
    if not runs.is_dir():
        return []
    found = [Run(e) for e in runs.iterdir() if not e.is_symlink() and (e / "run.json").is_file()]
    return sorted(found, key=lambda run: str(run.record.get("started")))
