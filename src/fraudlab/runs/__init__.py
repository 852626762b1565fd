"""Runs as folders: written by one, found and read by all others."""

from __future__ import annotations

from fraudlab.runs.find import DEFAULT, Run, find_completed, find_run, list_runs, require_completed
from fraudlab.runs.folder import RunFolder, new_run_id, remove_unbegun

__all__ = [
    "DEFAULT",
    "Run",
    "RunFolder",
    "find_completed",
    "find_run",
    "list_runs",
    "new_run_id",
    "remove_unbegun",
    "require_completed",
]
