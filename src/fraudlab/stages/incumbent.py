"""The model that a run is measured against: named, or the one that the registry has in production."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fraudlab.archives import unpack
from fraudlab.errors import ConfigError, FraudlabError, RunError, StorageError
from fraudlab.evaluation_rules import AUTO
from fraudlab.files import read_json, storage
from fraudlab.registry import ModelRegistry, ModelVersion, meant_reference, registered_run
from fraudlab.runs import find_run
from fraudlab.stages.context import Context

#: where the registry is, as the verbs of ``fraudlab models`` have it
REGISTRY_VARIABLE, REGISTRY = "FRAUDLAB_REGISTRY", "registry"
_STAGE = "production"
_FILES = ("model.json", "model.ubj")
_NAME_IT = "evaluation.incumbent=null compares with none"


@dataclass(frozen=True)
class Incumbent:
    """A model that scores the test rows too, with the threshold it was shipped with.

    Attributes
    ----------
    name : str
        For people: ``fraud:3 (production)``, a run's id, an archive's path.
    reference : str
        What names it again, whatever is promoted meanwhile.
    model : Path
        The folder of ``model.json`` and ``model.ubj``.
    run : Path or None
        The folder of its run, or of the registry's copy of it; None where there is none.
    contract : mapping
        Its ``model.json``.
    given : bool
        Whether somebody named it: what prevents a comparison is an error then.
    """

    name: str
    reference: str
    model: Path
    run: Path | None
    contract: Mapping[str, Any]
    given: bool

    @property
    def threshold(self) -> float:
        """The one it was shipped with."""
        return float(self.contract["threshold"])


@dataclass(frozen=True)
class Uncompared:
    """Why a run is measured against no incumbent, though there is one."""

    reason: str
    name: str | None = None


def registry_folder() -> Path:
    """Where this process looks for the registry."""
    return Path(os.environ.get(REGISTRY_VARIABLE) or REGISTRY)


def find_incumbent(context: Context) -> Incumbent | Uncompared | None:
    """The incumbent of a run; None where there is none, or none is wanted.

    Raises
    ------
    FraudlabError
        Where one is named, and is not there or is no model.
    """
    asked = context.config.evaluation.incumbent
    if asked is None:
        return None
    if asked != AUTO:
        return _named(asked, context)
    try:
        return _in_production(registry_folder(), label=str(context.config.data.label))
    except StorageError:
        raise
    except FraudlabError as error:
        return Uncompared(error.message)


def is_model(reference: str, *, runs: Path) -> bool:
    """Whether :attr:`Incumbent.reference` still names something."""
    if Path(reference).exists():
        return True
    try:
        return bool(registered_run(reference, registry=registry_folder()) or find_run(runs, reference))
    except FraudlabError:
        return False


def _named(asked: str, context: Context) -> Incumbent:
    path = Path(asked)
    if path.is_file():
        folder = _unpacked(path, context.workspace / "incumbent")
        return _incumbent(asked, folder, None, given=True, reference=str(path.absolute()))
    run = registered_run(asked, registry=registry_folder())
    if run is not None:
        reference = meant_reference(asked)
        assert reference is not None
        version = ModelRegistry(registry_folder()).find(reference)
        return _of_version(version, run.folder, stage=reference.version, given=True)
    for folder, of_run in ((path, None), (path / "model", path)):
        if (folder / "model.json").is_file():
            parent = folder.parent if (folder.parent / "run.json").is_file() else None
            return _incumbent(asked, folder, of_run or parent, given=True, reference=str(path.absolute()))
    if "/" in asked:
        raise RunError(
            f"evaluation.incumbent={asked} is no model: there is no model.json in it.",
            fix=f"name a run, a model's folder, a model.tar.gz or NAME:production; {_NAME_IT}",
        )
    found = find_run(context.folder.path.parent, asked)
    if found.folder.resolve() == context.folder.path.resolve():
        raise ConfigError(f"evaluation.incumbent={asked} is this very run.", fix="name an earlier one")
    return _incumbent(found.id, found.folder / "model", found.folder, given=True)


def _in_production(registry: Path, *, label: str) -> Incumbent | Uncompared | None:
    """The one version in production of a model that predicts this label."""
    if not registry.is_dir():
        return None
    models = ModelRegistry(registry)
    known = models.state().models.values()
    held = [model.version(_STAGE) for model in known if model.holder(_STAGE) is not None]
    found = [_of_version(version, models.run_of(version), stage=_STAGE, given=False) for version in held]
    same = [one for one in found if one.contract.get("label") in (None, label)]
    if len(same) == 1:
        return same[0]
    names = ", ".join(f"{version.name}:{_STAGE}" for version in held)
    if same:
        return Uncompared(
            f"the registry has several models in production ({names}): name one, as "
            f"evaluation.incumbent={held[0].name}:{_STAGE}"
        )
    return Uncompared(f"what is in production ({names}) does not predict {label!r}") if found else None


def _of_version(version: ModelVersion, run: Path, *, stage: str, given: bool) -> Incumbent:
    is_number = stage.removeprefix("v").isdigit()
    name = version.reference if is_number else f"{version.reference} ({stage})"
    return _incumbent(name, run / "model", run, given=given, reference=version.reference)


def _incumbent(
    name: str, model: Path, run: Path | None, *, given: bool, reference: str | None = None
) -> Incumbent:
    """The model in a folder, as far as that can be told before it scores.

    Raises
    ------
    RunError
        Where it is none.
    """
    if not all((model / file).is_file() for file in _FILES):
        raise RunError(
            f"The incumbent {name} has no model: {model} lacks model.json or model.ubj.",
            fix=f"name a run that completed; {_NAME_IT}",
        )
    contract = read_json(model / "model.json")
    threshold = contract.get("threshold") if isinstance(contract, dict) else None
    if not isinstance(threshold, int | float) or not math.isfinite(threshold):
        raise RunError(f"The incumbent {name} has no threshold in its model.json.", fix=_NAME_IT)
    return Incumbent(name, reference or name, model, run, contract, given)


def _unpacked(archive: Path, folder: Path) -> Path:
    """The model in an archive; what else is in it stays there."""
    with storage(folder):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        unpack(archive, lambda name: folder / name if name in _FILES else None)
    except FraudlabError as error:
        if isinstance(error, StorageError):
            raise
        raise RunError(f"The incumbent cannot be unpacked: {error.message}", fix=_NAME_IT) from error
    return folder
