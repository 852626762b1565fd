"""Where jobs run: a module per backend, found by :data:`fraudlab.backend_registry.BACKENDS`."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import NamedTuple

from fraudlab.backend_registry import BACKENDS, descriptions
from fraudlab.backends.backend import Backend
from fraudlab.config import Fallback, RunConfig
from fraudlab.errors import BackendError
from fraudlab.runs.shared_state import SharedState


class Opened(NamedTuple):
    """A backend; where it is not the one that was asked for, why, and what mends that."""

    backend: Backend
    fallback: str | None
    fix: str | None = None


def open_backend(config: RunConfig, *, run_id: str, workspace: Path) -> Opened:
    """Make the backend a run asks for, or say why it is another.

    Raises
    ------
    BackendError
        Where the one that is asked for cannot run here and ``backend.fallback=error``.
    """
    try:
        return Opened(_open(config.backend.kind, config, run_id, workspace), None)
    except BackendError as error:
        instead = config.backend.fallback
        if instead is Fallback.error or instead.value == config.backend.kind:
            raise
        return Opened(_open(instead.value, config, run_id, workspace), error.message, error.fix)


def _open(name: str, config: RunConfig, run_id: str, workspace: Path) -> Backend:
    module = importlib.import_module(BACKENDS[name])
    backend: Backend = module.open_backend(config, run_id=run_id, workspace=workspace)
    return backend


def open_state(config: RunConfig, *, run_id: str) -> SharedState | None:
    """The shared state of a run, without opening its backend; None where that has none."""
    module = importlib.import_module(BACKENDS[config.backend.kind])
    opened = getattr(module, "open_state", None)
    state: SharedState | None = None if opened is None else opened(config, run_id=run_id)
    return state


def release(workspace: Path) -> bool:
    """End what still works in the working folder of a dead run; False where that is not possible now.

    Its processes have ended with their launcher; containers have not, where nobody could tell the engine.
    """
    released = [description.release(workspace) for description in descriptions()]
    return all(released)
