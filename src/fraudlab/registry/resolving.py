"""From ``NAME:production`` to a run: the copy that the registry keeps of the one that made the version."""

from __future__ import annotations

from pathlib import Path

from fraudlab.errors import RegistryError, RunError
from fraudlab.registry.model_registry import ModelRegistry
from fraudlab.registry.version_names import meant_reference, reference_in
from fraudlab.registry_config import STAGES
from fraudlab.runs import Run, find_run


def registered_run(text: str, *, registry: Path) -> Run | None:
    """The run of a version that is named; None where the text names none, but a run or a folder.

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
    reference = meant_reference(text)
    if reference is None:
        return None
    if Path(text).exists():
        if reference_in(text) is None:
            return None
        raise RegistryError(
            f"{text} is a version of the registry, and a folder here.", fix=f"write ./{text} for the folder"
        )
    models = ModelRegistry(registry)
    return Run(models.run_of(models.find(reference)))


def run_or_version(text: str, *, runs: Path | None, registry: Path) -> Run:
    """The run of a version, or the one that :func:`~fraudlab.runs.find.find_run` finds."""
    return registered_run(text, registry=registry) or find_run(runs, text)


def model_folder(text: str, *, runs: Path | None, registry: Path) -> Path:
    """The folder of a model: of a version, a run, or its own.

    Parameters
    ----------
    text : str
        ``NAME:VERSION``, a run's id or ``latest``; without `runs` also a run's or a model's folder.
    runs, registry : Path
        Where runs and the registry are.

    Raises
    ------
    RunError
        Where there is no such run, or it has no model.
    RegistryError
        As :func:`registered_run`.
    """
    run = registered_run(text, registry=registry)
    if run is None and runs is None:
        for folder in (Path(text), Path(text) / "model"):
            if (folder / "model.json").is_file():
                return folder
    found = (run or find_run(runs, text)).folder / "model"
    if not (found / "model.json").is_file():
        raise RunError(f"There is no model in {found}.", fix="name a run that completed")
    return found


def standing_name(text: str) -> str | None:
    """What an endpoint that has a stage's version is called, whichever version it is; else None."""
    reference = reference_in(text)
    if reference is None or reference.version not in STAGES:
        return None
    return f"{reference.name}-{reference.version}"
