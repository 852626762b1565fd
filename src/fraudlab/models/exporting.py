"""A model as downstream code of the official container expects it: ``xgboost-model``, without names."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from fraudlab.archives import pack
from fraudlab.errors import RunError
from fraudlab.files import publish, read_json, storage, write_json
from fraudlab.models import exchange_process
from fraudlab.registry import model_folder


def export_model(
    name: str,
    *,
    output: Path,
    runs: Path | None = None,
    registry: Path = Path("registry"),
    say: Callable[[str], None] = print,
) -> Path:
    """Write an archive that holds ``xgboost-model`` and nothing else.

    The official container takes every file of an archive for a model.

    Parameters
    ----------
    name : str
        A run's id, ``latest``, a run's or a model's folder, or a version of the registry.
    output : Path
        The archive; one that is there is not replaced.
    runs, registry : Path, optional
        Where runs and the registry are.
    say : callable
        Takes what a person should know, line by line.

    Raises
    ------
    RunError
        If there is no such model, or `output` is there already.
    RegistryError
        If there is no such version.
    ConfigError
        If the model cannot be used.
    """
    model = model_folder(name, runs=runs, registry=registry)
    if output.exists():
        raise RunError(f"{output} is there already.", fix="choose another with --output, or remove it")
    with storage(output):
        output.absolute().parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{output.name}.", dir=output.absolute().parent))
    try:
        write_json(work / "request.json", {"model": str(model.absolute())})
        exchange_process.run("export", work, what=str(model))
        with storage(output), (work / "xgboost-model").open("rb") as booster:
            pack([("xgboost-model", booster)], work / "made.tar.gz")
        if not publish(work / "made.tar.gz", output):
            raise RunError(f"{output} is there already.", fix="choose another with --output, or remove it")
        for line in read_json(work / "facts.json")["lines"]:
            say(line)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    say(f"archive: {output} (xgboost-model)")
    return output
