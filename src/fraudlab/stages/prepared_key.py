"""What the processing job is told, and the name of what it prepares."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from fraudlab.config import SplitKind
from fraudlab.config_rules import gap_seconds
from fraudlab.durations import seconds
from fraudlab.split_rules import split_kind, windows

if TYPE_CHECKING:
    from fraudlab.config import RunConfig
    from fraudlab.data.sources import Source


def job_description(config: RunConfig, source: Source) -> dict[str, Any]:
    """The content of ``process.json``: all the processing job is told."""
    data = config.data
    return {
        "file": _job_file(source),
        "table": _job_table(source),
        "sha256": source.sha256,
        "label": data.label,
        "time": data.time,
        "time_unit": data.time_unit.value,
        "id": data.id,
        "card": data.card,
        "amount": data.amount,
        "features": data.features,
        "drop": data.drop,
        "categorical": data.categorical,
        **_known(config),
        # images of before there were slices take no such key
        **({"slices": slices} if (slices := list(config.evaluation.slices)) else {}),
        "duplicates": data.duplicates.value,
        "scale": data.scale.value,
        "split": {"kind": split_kind(config).value, "gap_seconds": gap_seconds(config), **_parts(config)},
        "seed": config.seed,
    }


def _known(config: RunConfig) -> dict[str, Any]:
    """When labels were known; images of before this could be said take no such keys."""
    if not (column := config.data.label_known):
        return {}
    return {"label_known": column, "label_delay_seconds": seconds(config.data.delay, key="data.delay")}


def _parts(config: RunConfig) -> dict[str, Any]:
    """How much each part of the split has: shares of the rows, or windows of time."""
    if split_kind(config) is SplitKind.prequential:
        return windows(config.split)
    return {name: getattr(config.split, name) for name in ("train", "validation", "test")}


def _job_file(source: Source) -> str:
    """What the table is called in the job: a file, or the folder of several."""
    return f"table.{source.format}" if len(source.files) == 1 else "table"


def _job_table(source: Source) -> dict[str, Any]:
    """How the table is laid out, with a name for errors and names of files that JSON can hold."""
    layout = {**source.layout.as_json(), "files": _job_files(source)}
    return {**layout, "name": str(layout["name"]).encode(errors="backslashreplace").decode()}


def _job_files(source: Source) -> list[str]:
    return [_job_file(source)] if len(source.files) == 1 else list(source.layout.files)


def content_key(job: dict[str, Any], sha256: str, code: str) -> str:
    """Name of a preparation: equal where table, description and code are equal.

    Parameters
    ----------
    job : dict
        Content of ``process.json``.
    sha256 : str
        Of the raw table.
    code : str
        Identifies the code that runs: an image id, or :func:`fraudlab.job_code.processing_code`.
    """
    # only the stratified split draws random numbers
    relevant = job if job["split"]["kind"] == "stratified" else {**job, "seed": None}
    if "table" in relevant:  # what a person calls the table says nothing of its content
        relevant = {**relevant, "table": {**relevant["table"], "name": None}}
    text = json.dumps([relevant, sha256, code], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def prepared_content(key: str) -> str:
    """Under which text a backend keeps a preparation, so that other runs find it there."""
    return f"prepared-{key}"
