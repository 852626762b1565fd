"""The data flow of one run, top to bottom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fraudlab.config import DataKind, RunConfig
from fraudlab.errors import GateFailed
from fraudlab.gates import Gate, check_gates, parse_gates, require_passed, why
from fraudlab.lifecycle import run_in_progress
from fraudlab.runs import Run
from fraudlab.runs.record import is_trial
from fraudlab.stages.context import Context
from fraudlab.stages.evaluate import judge, measure
from fraudlab.stages.incumbent import find_incumbent
from fraudlab.stages.incumbent_stage import scores_of
from fraudlab.stages.prepare import cautions, prepare
from fraudlab.stages.proposed_columns import with_proposed
from fraudlab.stages.publish import log_dataset, log_job, log_results, publish_report, what_to_know
from fraudlab.stages.score import require_possible, score
from fraudlab.stages.train import OnRound, train
from fraudlab.stages.trial_figures import log_trial
from fraudlab.taking_up import run_taken_up
from fraudlab.terminal import Terminal

if TYPE_CHECKING:
    from fraudlab.data.sources import Source

#: where the record of a run that another process may finish has the conditions that make it fail
_GATES = "fail_if"


def run_workflow(
    config: RunConfig,
    *,
    overrides: Sequence[str] = (),
    terminal: Terminal | None = None,
    gates: Sequence[Gate] = (),
    plan: Mapping[str, Any] | None = None,
    study: Mapping[str, Any] | None = None,
) -> Run:
    """Carry out one run: prepare, train, deploy, evaluate, report.

    Parameters
    ----------
    config : RunConfig
        Checked; see :func:`fraudlab.compose.compose`.
    overrides : sequence of str
        What the person overrode, for the record.
    terminal : Terminal, optional
        Where progress is shown; default standard output.
    gates : sequence of Gate
        Conditions on the metrics that make it fail.
    plan : mapping, optional
        What its record keeps of the plan that a person was shown.
    study : mapping, optional
        What its record keeps of the study it belongs to.

    Returns
    -------
    Run
        Completed.

    Raises
    ------
    FraudlabError
        The run's folder says ``failed`` and why; no job, container or endpoint is left.
    GateFailed
        The run completed, with all its files, and a gate's condition holds.
    """
    if config.data.kind is not DataKind.artifact:  # a version may say what a gate needs
        check_gates(gates, config)
    shown = terminal or Terminal()
    begun = run_in_progress(config, overrides=overrides, terminal=shown, plan=plan, study=study)
    with begun as (context, source):
        check_gates(gates, context.config)
        judged = _carry_out(context, source, gates)
    return _judged(Run(context.folder.path), judged)


def run_trial(
    config: RunConfig,
    *,
    overrides: Sequence[str],
    study: Mapping[str, Any],
    on_round: OnRound | None = None,
    terminal: Terminal | None = None,
) -> Run:
    """Carry out a trial of a study: prepare, train, and measure on validation; nothing is scored on test.

    Parameters
    ----------
    config : RunConfig
    overrides : sequence of str
    study : mapping
        ``name``, ``role`` (``trial``) and ``trial``, its number.
    on_round : callable, optional
        See :func:`fraudlab.stages.train.train`.
    terminal : Terminal, optional

    Raises
    ------
    Pruned
        Where `on_round` has; the run says ``pruned``, and its job was stopped.
    """
    shown = terminal or Terminal()
    begun = run_in_progress(config, overrides=overrides, terminal=shown, study=study)
    with begun as (context, source):
        _carry_out_trial(context, source, on_round)
    return Run(context.folder.path)


def _carry_out_trial(context: Context, source: Source, on_round: OnRound | None) -> None:
    with context.stage("prepare") as line:
        prepared = prepare(context, source)
        line.facts = {"cached": prepared.cached}
        line.detail = log_dataset(context, source, prepared)
    with context.stage("train") as line:
        trained = train(context, prepared, data_sha256=source.sha256, on_round=on_round)
        line.detail = log_job(context, trained)
        log_trial(context)


def finish_run(
    folder: Path,
    *,
    terminal: Terminal | None = None,
    account: RunConfig | None = None,
    on_round: OnRound | None = None,
) -> Run:
    """Go on with a run whose launcher has ended while its jobs went on; see :func:`run_workflow`.

    Jobs that were started are waited for, and not started again.

    Parameters
    ----------
    folder : Path
        The run's.
    terminal : Terminal, optional
        Where progress is shown; default standard output.
    account : RunConfig, optional
        Names the account from here, where the folder does not.
    on_round : callable, optional
        Of a trial; see :func:`run_trial`.

    Raises
    ------
    RunError
        Where it has ended, somebody has it, or its jobs have ended with its launcher.
    """
    folder = folder.resolve()
    taken_up = run_taken_up(folder, terminal=terminal or Terminal(), account=account)
    with taken_up as (context, source):
        judged: list[dict[str, Any]] = []
        if is_trial(context.folder.record):
            _carry_out_trial(context, source, on_round)
        else:
            gates = parse_gates(context.folder.record.get(_GATES, []))
            judged = _carry_out(context, source, gates)
    return _judged(Run(folder), judged)  # read once it has ended


def _carry_out(context: Context, source: Source, gates: Sequence[Gate]) -> list[dict[str, Any]]:
    """The stages of a run; what became of each gate."""
    require_possible(context)
    incumbent = find_incumbent(context)
    context.note_for_others(**{_GATES: [str(gate) for gate in gates]})
    with context.stage("prepare") as line:
        prepared = prepare(context, source)
        line.facts = {"cached": prepared.cached}
        context, chosen = with_proposed(context, source, prepared)
        line.notes = [*cautions(prepared.manifest, context.config.data), *chosen]
        line.detail = log_dataset(context, source, prepared)

    challenged = None if incumbent is None else scores_of(context, incumbent, prepared)
    with context.stage("train") as line:
        trained = train(context, prepared, data_sha256=source.sha256)
        line.detail = log_job(context, trained)

    with context.stage("score") as line:
        scored = score(context, prepared, trained)
        line.detail = f"{scored.table.num_rows:,} test rows {scored.how}"

    with context.stage("evaluate") as line:
        metrics = measure(context, scored, trained, prepared, challenged)
        line.detail = log_results(context, metrics)
        judged = judge(context, gates, metrics)
        line.notes = [f"fails: {why(gate)}" for gate in judged if gate["failed"]]

    with context.stage("report") as line:
        line.detail = publish_report(context)
        line.notes = what_to_know(context.folder.path)

    return judged


def _judged(run: Run, judged: list[dict[str, Any]]) -> Run:
    """The completed run, unless a gate has failed."""
    try:
        require_passed(judged, run=run.id)
    except GateFailed as error:
        error.run = run.folder
        raise
    return run
