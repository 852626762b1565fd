"""How a run ended, as one JSON object for scripts."""

from __future__ import annotations

import json
from typing import Any

from fraudlab.errors import FraudlabError, RunError, described, ending_of
from fraudlab.redaction import hide
from fraudlab.runs import Run


def as_line(outcome: dict[str, Any]) -> str:
    """One line of JSON, without secrets."""
    return json.dumps(hide(outcome), ensure_ascii=False)


def of_run(run: Run) -> dict[str, Any]:
    """The outcome of a run that is on the disk.

    Returns
    -------
    dict
        ``run``, ``folder``, ``status``, ``exit_code``, ``metrics``, ``gates``, ``report``, ``model``,
        ``error``; what there is not is null.
    """
    completed = run.status == "completed"
    error = run.record["error"]
    return {
        "run": run.id,
        "folder": str(run.folder.absolute()),
        "status": run.status,
        "exit_code": 0 if error is None else error["exit_code"],
        "metrics": run.metrics if completed else run.record["metrics"],
        "gates": run.record.get("gates") or [],
        "report": str(run.report.absolute()) if completed else None,
        "model": str((run.folder / "model").absolute()) if completed else None,
        "error": error,
    }


def of_error(error: BaseException) -> dict[str, Any]:
    """The outcome of what ended in an error: with the facts of its run, where one had begun."""
    found: dict[str, Any] = {
        "run": None, "folder": None, "status": ending_of(error), "exit_code": None,
        "metrics": {}, "gates": [], "report": None, "model": None, "error": None,
    }  # fmt: skip
    folder = error.run if isinstance(error, FraudlabError) else None
    if folder is not None:
        try:
            found = of_run(Run(folder))
        except RunError:  # its record could not be written either
            found |= {"run": folder.name, "folder": str(folder.absolute())}
    facts = described(error)
    return {**found, "exit_code": facts["exit_code"], "error": facts}
