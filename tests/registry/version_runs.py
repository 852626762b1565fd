"""Runs to register: complete folders with a booster that is only bytes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from fraudlab.registry import Actor, ModelRegistry
from fraudlab.registry_config import Better, RegistryConfig
from fraudlab.runs import Run

from ..report.example_run import build_run

ANA, BEN = Actor("ana", "ana@desk"), Actor("ben", "ben@desk")
#: gates that a run of this module passes
GATES = {
    "better": Better.any,
    "min_frauds": 0,
    "allowed_cautions": ["any"],
    "needs_approval": [],
    "endpoint_answers": False,
}


def gates(**keys: Any) -> RegistryConfig:
    return RegistryConfig(**{**GATES, **keys})


def make_run(folder: Path, *, booster: bytes = b"booster", **options: Any) -> Run:
    """A completed run in a folder."""
    build_run(folder, **{"test_rows": 500, "frauds": 40, **options})
    contract = json.loads((folder / "model" / "model.json").read_text())
    contract["run_id"] = folder.name
    contract["hashes"] = {**contract.get("hashes", {}), "model.ubj": hashlib.sha256(booster).hexdigest()}
    (folder / "model" / "model.json").write_text(json.dumps(contract))
    (folder / "model" / "model.ubj").write_bytes(booster)
    return Run(folder)


def answers(_folder: Path) -> None:
    """An endpoint that answers."""


def with_versions(tmp_path: Path, count: int) -> ModelRegistry:
    """A registry where ``fraud`` has so many versions."""
    registry = ModelRegistry(tmp_path / "registry")
    for number in range(1, count + 1):
        run = make_run(tmp_path / f"run-{number}", booster=b"booster %d" % number)
        registry.register(run, name="fraud", actor=ANA)
    return registry


def promote(registry: ModelRegistry, version: int, *, to: str = "production", **more: Any) -> None:
    registry.promote("fraud", str(version), to=to, actor=ANA, config=gates(), silence=answers, **more)
