"""The Python interface: what ``import fraudlab`` offers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fraudlab.runs import Run, find_run

if TYPE_CHECKING:
    from fraudlab.report import Comparison

__all__ = ["Run", "compare", "train"]


def train(overrides: Sequence[str] = (), *, quiet: bool = False) -> Run:
    """Carry out one run, as ``fraudlab train`` does.

    Parameters
    ----------
    overrides : sequence of str
        Hydra overrides.
    quiet : bool
        Print no progress.

    Returns
    -------
    Run
        Completed.

    Raises
    ------
    FraudlabError
        See :mod:`fraudlab.errors`.

    Examples
    --------
    >>> run = fraudlab.train(["model=weighted", "backend=process"])  # doctest: +SKIP
    >>> run.metrics["average_precision"]  # doctest: +SKIP
    """
    from fraudlab.compose import compose
    from fraudlab.terminal import Terminal
    from fraudlab.workflow import run_workflow

    return run_workflow(compose(overrides), overrides=overrides, terminal=Terminal(quiet=quiet))


def compare(a: str | Path, b: str | Path, *, runs: str | Path | None = None) -> Comparison:
    """Put two runs side by side.

    Parameters
    ----------
    a, b : str or Path
        Run ids or ``"latest"``; folders as well where `runs` is not given.
    runs : str or Path, optional
        Where the runs are; default ``runs``.

    Raises
    ------
    RunError
        Where a run does not exist or did not complete.
    """
    from fraudlab.report import compare_runs

    where = None if runs is None else Path(runs)
    return compare_runs(find_run(where, a).folder, find_run(where, b).folder)
