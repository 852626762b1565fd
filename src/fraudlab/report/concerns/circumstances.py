"""How a run was made: whether it ended, on which table, where and by which code."""

from __future__ import annotations

from fraudlab.report.concerns.concern import Concern
from fraudlab.report.recorded.run_record import RunRecord, dig, number

ENDPOINT_TOLERANCE = 1e-6

_GENERATED = {
    "synthetic": ("Generated data", "The table was made of random numbers"),
    "handbook": ("Simulated data", "The transactions of the handbook are simulated"),
}


def status(record: RunRecord) -> Concern | None:
    """A run that did not end well."""
    found = record.run.get("status")
    if found not in {"failed", "interrupted"}:
        return None
    message = str(dig(record.run, "error", "message") or "No reason was recorded").rstrip(". ")
    fix = str(dig(record.run, "error", "fix") or "").rstrip(". ")
    text = f"{message}. What to do: {fix}." if fix else f"{message}."
    return Concern(
        "status", "problem", f"This run {'was interrupted' if found == 'interrupted' else 'failed'}", text
    )


def endpoint(record: RunRecord) -> Concern | None:
    """Scores of the endpoint that are not the model's."""
    difference = number(record.metrics, "endpoint_max_difference")
    if difference is None or difference <= ENDPOINT_TOLERANCE:
        return None
    by = "a transform job" if record.run.get("scored_via") == "transform" else "the endpoint"
    return Concern(
        "endpoint",
        "problem",
        f"{by.capitalize()} does not answer what the model says",
        f"Scores through {by} differ from the model's own by up to {difference:.1e}, "
        f"more than {ENDPOINT_TOLERANCE:.0e}.",
    )


def generated(record: RunRecord) -> Concern | None:
    """A table without real transactions."""
    source = dig(record.run, "data", "source") or dig(record.config, "data", "kind")
    if source not in _GENERATED or not record.metrics:
        return None
    title, how = _GENERATED[source]
    return Concern(
        "generated",
        "caution",
        title,
        f"{how}: these figures say nothing about your fraud.",
        "They show how a run works. Give your own table with data=table data.path=FILE.",
    )


def fallback(record: RunRecord) -> Concern | None:
    """A backend that nobody asked for."""
    why = record.run.get("fallback")
    if not why:
        return None
    backend = record.run.get("backend")
    where = f"the {backend} backend" if backend else "a backend"
    reason = str(why).rstrip(".")
    return Concern(
        "fallback",
        "note",
        f"Ran on {where} instead of the one asked for",
        f"{reason[:1].upper()}{reason[1:]}.",
    )


def rehearsed(record: RunRecord) -> Concern | None:
    """A run of the cloud that was only rehearsed."""
    if not record.run.get("rehearsed"):
        return None
    return Concern(
        "rehearsed",
        "note",
        "Rehearsed, not run in AWS",
        "The image ran in Docker on this machine, behind a loopback AWS: its durations are not those of AWS, "
        "and it cost nothing.",
    )


def uncommitted(record: RunRecord) -> Concern | None:
    """Code with changes that were not committed."""
    if not dig(record.run, "git", "dirty"):
        return None
    commit = dig(record.run, "git", "commit")
    return Concern(
        "uncommitted",
        "note",
        "The code had uncommitted changes",
        "The commit named below does not alone reproduce this run."
        if commit
        else "No commit reproduces this run.",
    )
