"""Which endpoints answer with which model: a line for each that was deployed or taken away.

``RUNS/deployments.jsonl`` is only ever added to. What stands is what the last line of each endpoint says.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fraudlab.files import storage
from fraudlab.lineage.graph import Lineage, Node, NodeKind

FILE = "deployments.jsonl"


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One thing that was done to an endpoint.

    Attributes
    ----------
    endpoint : str
        Its name; of Docker Compose on this machine, ``compose``.
    place : str
        Where it is: ``sagemaker eu-west-1``, ``rehearsal``, ``compose``.
    model : str or None
        SHA-256 of the ``model.ubj`` it answers with; None where it was taken away.
    time : str
        ISO 8601, UTC.
    """

    endpoint: str
    place: str
    model: str | None
    time: str


def record_deployment(runs: Path, *, endpoint: str, place: str, model: str | None) -> None:
    """Add a line for an endpoint that answers with a model, or that was taken away (None).

    Raises
    ------
    StorageError
        Where it cannot be written.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    entry = {"time": now, "endpoint": endpoint, "place": place, "model": model}
    line = json.dumps(entry, ensure_ascii=False).encode() + b"\n"
    path = runs / FILE
    with storage(path):
        runs.mkdir(parents=True, exist_ok=True)
        # one write to the end of a file is whole also where two launchers write at once
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            os.write(descriptor, line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def record_removal(runs: Path, *, endpoint: str, place: str) -> None:
    """Add a line for an endpoint that was taken away, where a line says that it was deployed."""
    if any(entry.endpoint == endpoint and entry.place == place for entry in standing(read_deployments(runs))):
        record_deployment(runs, endpoint=endpoint, place=place, model=None)


def read_deployments(runs: Path) -> list[Deployment]:
    """What was done, oldest first; a line that was cut short by a crash is left out."""
    path = runs / FILE
    if not path.is_file():
        return []
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and (deployment := _deployment(entry)):
            found.append(deployment)
    return found


def standing(deployments: Iterable[Deployment]) -> list[Deployment]:
    """Of each endpoint the last line, where it says a model."""
    last = {(entry.endpoint, entry.place): entry for entry in deployments}
    return [entry for entry in last.values() if entry.model is not None]


def add_deployments(lineage: Lineage, deployments: Iterable[Deployment]) -> None:
    """Add the endpoints that stand, made of the models they answer with."""
    for entry in standing(deployments):
        model = Node(kind=NodeKind.model, name=str(entry.model), title=str(entry.model)[:12])
        endpoint = Node(
            kind=NodeKind.endpoint,
            name=f"{entry.endpoint}@{entry.place}",
            title=entry.endpoint,
            facts={"place": entry.place, "state": "deployed", "since": entry.time},
            also=frozenset({entry.endpoint}),
        )
        lineage.add(endpoint, made_of=[model])


def _deployment(entry: Mapping[str, Any]) -> Deployment | None:
    values = [entry.get(name) for name in ("endpoint", "place", "time")]
    model = entry.get("model")
    if not all(isinstance(value, str) for value in values) or not isinstance(model, str | None):
        return None
    endpoint, place, time = (str(value) for value in values)
    return Deployment(endpoint=endpoint, place=place, model=model, time=time)
