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
from fraudlab.runs import find_run


def export_model(
    name: str, *, output: Path, runs: Path | None = None, say: Callable[[str], None] = print
) -> Path:
    """Write an archive that holds ``xgboost-model`` and nothing else.

    The official container takes every file of an archive for a model.

    Parameters
    ----------
    name : str
        A run's id, ``latest``, or a run's or a model's folder.
    output : Path
        The archive; one that is there is not replaced.
    runs : Path, optional
        Where runs are.
    say : callable
        Takes what a person should know, line by line.

    Raises
    ------
    RunError
        If there is no such model, or `output` is there already.
    ConfigError
        If the model cannot be used.
    """
    model = _folder(name, runs)
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


def _folder(name: str, runs: Path | None) -> Path:
    if runs is None:
        for folder in (Path(name), Path(name) / "model"):
            if (folder / "model.json").is_file():
                return folder
    folder = find_run(runs, name).folder / "model"
    if not (folder / "model.json").is_file():
        raise RunError(f"There is no model in {folder}.", fix="name a run that completed")
    return folder
