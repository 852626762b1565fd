"""The model folder: ``model.ubj``, and ``model.json``, the scoring contract that travels with it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fraudlab.container.contract import Fields, read_json, whole_file, write_json
from fraudlab.container.failure import ConfigError
from fraudlab.container.features import Features, read_features

BOOSTER, CONTRACT = "model.ubj", "model.json"
SCHEMA = 1
#: far above any real model, far below what would exhaust a machine that is handed a forged one
MAX_BYTES = 2 << 30
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
    """

    booster: bytearray
    sha256: str
    features: Features
    threshold: float
    contract: dict[str, Any]


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
    """Read and check a model folder.

    Raises
    ------
    ConfigError
        If a file is missing, too large or malformed, or the two do not belong together.
    """
    for name in (BOOSTER, CONTRACT):
        path = folder / name
        if not path.is_file():
            raise ConfigError(f"there is no {name} in {folder}", fix=_FIX)
        if path.stat().st_size > max_bytes:
            raise ConfigError(f"{path} is larger than {max_bytes:,} bytes", fix=_FIX)
    contract = read_json(folder / CONTRACT)
    fields = Fields(contract, source=CONTRACT)
    schema = fields.get("schema", int)
    if schema != SCHEMA:
        raise ConfigError(
            f"{CONTRACT} has schema {schema}; this version reads {SCHEMA}", fix="train the model again"
        )
    booster = bytearray((folder / BOOSTER).read_bytes())
    sha256 = hashlib.sha256(booster).hexdigest()
    if fields.fields("hashes").get(BOOSTER, str) != sha256:
        raise ConfigError(
            f"{BOOSTER} is not the file {CONTRACT} was written for (its SHA-256 differs)", fix=_FIX
        )
    return Model(booster, sha256, read_features(fields), fields.get("threshold", float), contract)
