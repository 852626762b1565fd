"""From ``NAME:production`` to a run: the copy that the registry keeps of the one that made the version."""

from __future__ import annotations

from pathlib import Path

from fraudlab.errors import RegistryError
from fraudlab.registry.model_registry import ModelRegistry
from fraudlab.registry.version_names import reference_in
from fraudlab.registry_config import STAGES
from fraudlab.runs import Run, find_run


def registered_run(text: str, *, registry: Path) -> Run | None:
    """The run of a version that is named; None where the text names none.

    Parameters
    ----------
    text : str
        What stands where a run or a model's folder could.
    registry : Path
        Where the registry is.

    Raises
    ------
    RegistryError
        Where there is no such version, its files are not whole, or a folder has that name too.
    """
    reference = reference_in(text)
    if reference is None:
        return None
    if Path(text).exists():
        raise RegistryError(
            f"{text} is a version of the registry, and a folder here.", fix=f"write ./{text} for the folder"
        )
    models = ModelRegistry(registry)
    return Run(models.run_of(models.find(reference)))


def run_or_version(text: str, *, runs: Path | None, registry: Path) -> Run:
    """The run of a version, or the one that :func:`~fraudlab.runs.find.find_run` finds."""
    return registered_run(text, registry=registry) or find_run(runs, text)


def standing_name(text: str) -> str | None:
    """What an endpoint that has a stage's version is called, whichever version it is; else None."""
    reference = reference_in(text)
    if reference is None or reference.version not in STAGES:
        return None
    return f"{reference.name}-{reference.version}"
