"""The Python interface: what ``import fraudlab`` offers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fraudlab.runs import Run, find_run

if TYPE_CHECKING:
    from fraudlab.report import Comparison

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


def compare(a: str | Path, b: str | Path, *, runs: str | Path | None = None) -> Comparison:
    """Put two runs side by side; a notebook shows what comes back as a page.

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

    Examples
    --------
    >>> import fraudlab
    >>> for depth in (2, 6):
    ...     words = ["backend=process", f"model.max_depth={depth}", f"run.id=depth-{depth}"]
    ...     run = fraudlab.train(words, quiet=True)
    >>> comparison = fraudlab.compare("depth-2", "latest")
    >>> comparison.outcome in {"a", "b", "noise", "too few frauds"}
    True
    >>> [parameter.name for parameter in comparison.parameters if parameter.differs]
    ['model.max_depth']
    """
    from fraudlab.report.comparison.shown_comparison import shown_comparison

    where = None if runs is None else Path(runs)
    return shown_comparison(find_run(where, a).folder, find_run(where, b).folder)
