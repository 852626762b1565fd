"""The Python interface: what ``import fraudlab`` offers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, overload

from fraudlab.runs import Run, find_completed

if TYPE_CHECKING:
    from fraudlab.report import Comparison, Lineup

__all__ = ["Run", "compare", "train"]


def train(overrides: Sequence[str] = (), *, quiet: bool = False, fail_if: Sequence[str] = ()) -> Run:
    """Carry out one run, as ``fraudlab train`` does.

    Parameters
    ----------
    overrides : sequence of str
        Hydra overrides. A run that spends money shows what it may cost and asks at a terminal;
        ``"yes=true"`` agrees beforehand, and is needed where there is no terminal.
    quiet : bool
        Print no progress, and what a run may cost only where it has to be agreed to.
    fail_if : sequence of str
        Conditions on the test metrics that make it fail, such as ``"average_precision<0.7"``.

    Returns
    -------
    Run
        Completed.

    Raises
    ------
    ConfigError
        Also where nobody has agreed to what the run may cost, or it may cost more than ``sagemaker.max_usd``.
    FraudlabError
        See :mod:`fraudlab.errors`; its ``run`` is the folder of the run that ended with it.
    GateFailed
        Where a condition of `fail_if` holds; the run is complete all the same.

    Examples
    --------
    >>> import fraudlab
    >>> run = fraudlab.train(["backend=process", "model=weighted", "run.id=weighted"], quiet=True)
    >>> run.status
    'completed'
    >>> 0 < run.metrics["average_precision"] <= 1
    True

    A condition that holds is an error, and the run is there all the same:

    >>> from fraudlab.errors import GateFailed
    >>> try:
    ...     fraudlab.train(["backend=process"], quiet=True, fail_if=["average_precision<1.1"])
    ... except GateFailed as error:
    ...     (error.run / "report.html").exists()
    True
    """
    from fraudlab.cloud.consent import require_consent
    from fraudlab.compose import compose
    from fraudlab.gates import parse_gates
    from fraudlab.terminal import Terminal
    from fraudlab.workflow import run_workflow

    gates = parse_gates(fail_if)
    config = compose(overrides)
    plan = require_consent(config, quiet=quiet)
    return run_workflow(config, overrides=overrides, terminal=Terminal(quiet=quiet), gates=gates, plan=plan)


@overload
def compare(a: str | Path | Run, b: str | Path | Run, *, runs: str | Path | None = None) -> Comparison: ...


@overload
def compare(
    a: str | Path | Run, b: str | Path | Run, *more: str | Path | Run, runs: str | Path | None = None
) -> Comparison | Lineup: ...


def compare(
    a: str | Path | Run, b: str | Path | Run, *more: str | Path | Run, runs: str | Path | None = None
) -> Comparison | Lineup:
    """Put runs side by side, each against the first; a notebook shows what comes back as a page.

    Parameters
    ----------
    a, b, *more : str or Path or Run
        Two to twenty runs, run ids or ``"latest"``; folders as well where `runs` is not given.
        One that is named twice stands there once.
    runs : str or Path, optional
        Where the runs are; default ``runs``.

    Returns
    -------
    Comparison or Lineup
        A comparison of two runs; of more a lineup, whose ``pairs`` are the comparisons with the first.

    Raises
    ------
    RunError
        Where a run does not exist or did not complete.
    ConfigError
        Where there are more than twenty.

    Examples
    --------
    >>> import fraudlab
    >>> for depth in (2, 4, 6):
    ...     words = ["backend=process", f"model.max_depth={depth}", f"run.id=depth-{depth}"]
    ...     run = fraudlab.train(words, quiet=True)
    >>> comparison = fraudlab.compare("depth-2", "latest")
    >>> comparison.outcome in {"a", "b", "noise", "too few frauds"}
    True
    >>> [parameter.name for parameter in comparison.parameters if parameter.differs]
    ['model.max_depth']

    Of more than two, each is judged against the first:

    >>> lineup = fraudlab.compare("depth-2", "depth-4", run)
    >>> [row.values for row in lineup.parameters if row.differs]
    [(2, 4, 6)]
    >>> [pair.letters for pair in lineup.pairs]
    [('A', 'B'), ('A', 'C')]
    """
    from fraudlab.report.comparison.shown_comparison import shown_comparison, shown_lineup

    found = find_completed(None if runs is None else Path(runs), [a, b, *more])
    folders = [run.folder for run in found]
    return shown_comparison(*folders) if len(folders) == 2 else shown_lineup(folders)
