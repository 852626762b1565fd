"""A checkpoint is one file: a line of JSON, and the booster's UBJSON after it.

It is written whole or not at all, and says what it holds by its SHA-256. Its name says of which fit it is.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fraudlab.container.contract import Fields, whole_file
from fraudlab.container.failure import ConfigError
from fraudlab.container.features import Features
from fraudlab.container.model_files.booster_file import check_booster
from fraudlab.container.model_files.model_file import MAX_BYTES
from fraudlab.container.training.progress import Progress, read_progress

SCHEMA = 1
#: what a checkpoint's name begins with: of the fit that validation watches, or of the one on its rows as well
Fit = Literal["rounds", "refit"]
_NAME = re.compile(r"((?:member\d{2}-)?(?:rounds|refit))-(\d{6,10})\.checkpoint")
#: far above the history of any training
_MAX_HEADER_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a training stood.

    Attributes
    ----------
    progress : Progress
    booster : bytes
        UBJSON.
    """

    progress: Progress
    booster: bytes | bytearray


def checkpoint_files(folder: Path, fit: str) -> list[tuple[int, Path]]:
    """The checkpoints of a fit in a folder, and their rounds; of a member, ``member02-rounds`` is its fit."""
    named = [(_NAME.fullmatch(path.name), path) for path in folder.iterdir()]
    return [(int(match[2]), path) for match, path in named if match and match[1] == fit and path.is_file()]


def write_checkpoint(folder: Path, checkpoint: Checkpoint, training: Mapping[str, Any], fit: str) -> None:
    """Write a checkpoint of a fit.

    Raises
    ------
    OSError
        If the folder is full or refuses to be written.
    """
    header = {
        "schema": SCHEMA,
        "bytes": len(checkpoint.booster),
        "sha256": hashlib.sha256(checkpoint.booster).hexdigest(),
        "training": training,
        "progress": checkpoint.progress.as_json(),
    }
    with whole_file(folder / f"{fit}-{checkpoint.progress.rounds:06d}.checkpoint") as file:
        file.write(json.dumps(header, allow_nan=False).encode() + b"\n")
        file.write(checkpoint.booster)


def read_checkpoint(path: Path) -> tuple[dict[str, Any], Checkpoint]:
    """Read and check one file, but for its booster.

    Raises
    ------
    ConfigError
        If it is not a whole checkpoint.
    """
    fix = "remove it"
    try:
        with path.open("rb") as file:
            line = file.readline(_MAX_HEADER_BYTES)
            content = bytearray(file.read(MAX_BYTES + 1))
        header = json.loads(line)
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError("it cannot be read", fix=fix) from error
    if not isinstance(header, dict) or header.get("schema") != SCHEMA:
        raise ConfigError("it is not a checkpoint of this version", fix=fix)
    fields = Fields(header, source="its header")
    if len(content) != fields.get("bytes", int):
        raise ConfigError("it is cut short", fix=fix)
    if hashlib.sha256(content).hexdigest() != fields.get("sha256", str):
        raise ConfigError("its SHA-256 differs", fix=fix)
    fields.get("training", dict)
    return header, Checkpoint(read_progress(fields.fields("progress")), content)


def check_held(checkpoint: Checkpoint, features: Features, rounds: int) -> None:
    """Refuse a booster that XGBoost could not go on from, or of other rounds than the file is named for."""
    import xgboost

    try:
        check_booster(checkpoint.booster, features)
        held = xgboost.Booster(model_file=bytearray(checkpoint.booster)).num_boosted_rounds()
    except (ConfigError, xgboost.core.XGBoostError) as error:
        raise ConfigError("it does not hold a booster", fix="remove it") from error
    if not held == checkpoint.progress.rounds == rounds:
        raise ConfigError(f"it holds {held} rounds", fix="remove it")
