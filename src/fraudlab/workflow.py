"""The data flow of one run, top to bottom."""

from __future__ import annotations

from collections.abc import Sequence

from fraudlab.config import RunConfig
from fraudlab.lifecycle import run_in_progress
from fraudlab.runs import Run
from fraudlab.stages.evaluate import measure, score_through_endpoint
from fraudlab.stages.prepare import cautions, prepare
from fraudlab.stages.publish import log_dataset, log_job, log_results, publish_report, what_to_know
from fraudlab.stages.train import train
from fraudlab.terminal import Terminal


def run_workflow(
    config: RunConfig, *, overrides: Sequence[str] = (), terminal: Terminal | None = None
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

    Returns
    -------
    Run
        Completed.

    Raises
    ------
    FraudlabError
        The run's folder says ``failed`` and why; no job, container or endpoint is left.
    """
    with run_in_progress(config, overrides=overrides, terminal=terminal or Terminal()) as (context, source):
        with context.stage("prepare") as line:
            prepared = prepare(context, source)
            line.facts = {"cached": prepared.cached}
            line.notes = cautions(prepared.manifest, config.data)
            line.detail = log_dataset(context, source, prepared)

        with context.stage("train") as line:
            trained = train(context, prepared, data_sha256=source.sha256)
            line.detail = log_job(context, trained)

        with context.stage("score") as line:
            scored = score_through_endpoint(context, prepared, trained)
            line.detail = f"{scored.table.num_rows:,} test rows through the endpoint"

        with context.stage("evaluate") as line:
            metrics = measure(context, scored, trained, prepared)
            line.detail = log_results(context, metrics)

        with context.stage("report") as line:
            line.detail = publish_report(context)
            line.notes = what_to_know(context.folder.path)

    return Run(context.folder.path)
