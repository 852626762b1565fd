"""The model folder: ``model.ubj``, and ``model.json``, the scoring contract that travels with it."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

import orjson

from fraudlab.container.calibrated import Curve, read_calibration
from fraudlab.container.contract import Fields, parse_json, whole_file, write_json
from fraudlab.container.described_features import read_features
from fraudlab.container.failure import ConfigError
from fraudlab.container.features import Features
from fraudlab.container.model_files.booster_file import check_booster
from fraudlab.container.reason_texts import ReasonTexts, read_reason_texts
from fraudlab.evaluation.operating import NO_ALERTS

BOOSTER, CONTRACT = "model.ubj", "model.json"
#: one booster, or with -0, -1, … one of each fold
OFFICIAL = "xgboost-model"
SCHEMA = 1
#: far above any real model, far below what would exhaust a machine that is handed a forged one
MAX_BYTES = 2 << 30
#: as much as a few million categories take; parsed, JSON can be twenty times its size
MAX_CONTRACT_BYTES = 64 << 20
_FIX = "use a model folder as a train job wrote it"


@dataclass(frozen=True, slots=True)
class Model:
    """A model as it is read back.

    Attributes
    ----------
    booster : bytearray
        UBJSON.
    sha256 : str
        Of `booster`.
    features : Features
        What becomes of raw rows before the booster sees them.
    threshold : float
        An alert is ``score >= threshold``.
    contract : dict
        All of ``model.json``.
    reason_texts : ReasonTexts or None
        What its reasons are in words; None has none of a team's.
    calibration : LogOddsCurve, CentredSteps, or None
        What makes chances of the booster's scores; None where they stay as they are.
    """

    booster: bytearray
    sha256: str
    features: Features
    threshold: float
    contract: dict[str, Any]
    reason_texts: ReasonTexts | None = None
    calibration: Curve | None = None


def write_model(folder: Path, booster: bytes | bytearray, contract: Mapping[str, Any]) -> None:
    """Write both files; ``hashes`` in the contract receives the booster's.

    Parameters
    ----------
    folder : Path
    booster : bytes
        UBJSON.
    contract : mapping
        Everything else of ``model.json``.
    """
    with whole_file(folder / BOOSTER) as file:
        file.write(booster)
    hashes = {**contract["hashes"], BOOSTER: file.sha256}
    write_json(folder / CONTRACT, {"schema": SCHEMA, **contract, "hashes": hashes})


def read_model(folder: Path, *, max_bytes: int = MAX_BYTES) -> Model:
    """Read and check a model folder, whoever it comes from.

    Parameters
    ----------
    folder : Path
        It and its files may be symbolic links: container platforms mount models that way.
    max_bytes : int
        No larger ``model.ubj`` is read.

    Raises
    ------
    ConfigError
        If a file is missing, too large or malformed, the booster is not one XGBoost wrote, or the two do not
        belong together.
    """
    _require_ours(folder)
    contract = parse_json(_read(folder / CONTRACT, MAX_CONTRACT_BYTES, fix=_FIX), source=CONTRACT)
    fields = Fields(contract, source=CONTRACT)
    schema = fields.get("schema", int)
    if schema != SCHEMA:
        raise ConfigError(
            f"{CONTRACT} has schema {schema}; this version reads {SCHEMA}", fix="train the model again"
        )
    features = read_features(fields)
    texts = read_reason_texts(fields, features)
    threshold = _check_fields(fields, contract)
    booster = _read(
        folder / BOOSTER, max_bytes, fix="if it is a model of yours, raise FRAUDLAB_MAX_MODEL_BYTES"
    )
    sha256 = hashlib.sha256(booster).hexdigest()
    if fields.fields("hashes").get(BOOSTER, str) != sha256:
        raise ConfigError(
            f"{BOOSTER} is not the file {CONTRACT} was written for (its SHA-256 differs)", fix=_FIX
        )
    check_booster(booster, features)
    calibration = read_calibration(contract, source=CONTRACT)
    return Model(booster, sha256, features, threshold, contract, texts, calibration)


def _require_ours(folder: Path) -> None:
    """Say what to do with a folder of the official container's."""
    if (folder / CONTRACT).exists():
        return
    try:
        found = sorted(entry.name for entry in folder.iterdir() if entry.name.startswith(OFFICIAL))
    except OSError:
        return
    if found:
        raise ConfigError(
            f"{folder} has {found[0]}, as the official XGBoost container writes it, and no {CONTRACT} with "
            "its columns and its threshold",
            fix="make a model of it and serve that: fraudlab models import model.tar.gz --columns NAMES|auto",
        )


def _check_fields(fields: Fields, contract: dict[str, Any]) -> float:
    """Check what ``model.json`` holds beside columns and hashes; the threshold."""
    threshold = fields.get("threshold", float)
    if not 0.0 <= threshold <= NO_ALERTS:
        raise ConfigError(
            f"'threshold' in {CONTRACT} is {threshold:g}, and scores are from 0 to 1",
            fix="set it to a score from which on a row is an alert",
        )
    for name in ("run_id", "label", "uncalibrated"):
        fields.optional(name, str)
    for name in ("decision", "hyperparameters", "refit", "versions"):
        fields.optional(name, dict)
    fields.optional("members", list)
    if (rounds := fields.optional("rounds", int)) is not None and rounds < 1:
        raise ConfigError(f"'rounds' in {CONTRACT} is {rounds}, and a model has at least one", fix=_FIX)
    try:
        orjson.dumps(contract)
    except orjson.JSONEncodeError as error:  # deeper than the endpoint could say it
        raise ConfigError(f"{CONTRACT} is nested too deeply", fix=_FIX) from error
    return threshold


def _read(path: Path, limit: int, *, fix: str) -> bytearray:
    """A regular file, opened once, so that what is checked is what is used."""
    # without NONBLOCK, opening a pipe waits for whoever writes to it
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise ConfigError(f"{path} is not a regular file", fix=_FIX)
            if status.st_size > limit:
                raise ConfigError(f"{path} has {status.st_size:,} bytes; the limit is {limit:,}", fix=fix)
            return _read_all(FileIO(descriptor, closefd=False), status.st_size)
        finally:
            os.close(descriptor)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ConfigError(f"there is no {path.name} in {path.parent}", fix=_FIX) from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", fix="check its permissions") from error


def _read_all(file: FileIO, size: int) -> bytearray:
    """As many bytes as the file had when it was opened; fewer where it has been cut since."""
    content = bytearray(size)
    place = memoryview(content)
    filled = 0
    while filled < size and (count := file.readinto(place[filled:])):
        filled += count
    place.release()
    del content[filled:]
    return content
