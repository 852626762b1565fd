"""The few of ten thousand runs that a model belongs to, found without reading what the others say."""

from __future__ import annotations

import os
import re
from pathlib import Path

from fraudlab.errors import RunError
from fraudlab.lineage.graph import Lineage
from fraudlab.lineage.recorded import add_run
from fraudlab.runs.find import Run

#: of a model's digest: as many as the answers of an endpoint have, and too many to be met by chance
_DIGITS = re.compile(r"(?:sha256:)?([0-9a-fA-F]{12,64})")
#: with more of them, what they say has to be read anyhow
_MOST = 200
#: of a model.json that are looked through; one with more may have the digits behind them
_MAX_BYTES = 1 << 20


def digits_of(word: str) -> str | None:
    """The digits of a digest that a word is; None where it is something else, or too short."""
    found = _DIGITS.fullmatch(word.strip())
    return found[1].lower() if found else None


def runs_of_model(runs: Path, digits: str, *, run_id: str | None = None) -> list[Run] | None:
    """The runs whose ``model.json`` has these digits, and the one that is called so.

    Parameters
    ----------
    runs : Path
    digits : str
        The beginning of a digest.
    run_id : str, optional

    Returns
    -------
    list of Run or None
        In the order of their names. None where there are none or too many, or one cannot be read: then all
        that all runs say has to be looked at.
    """
    needle, room = digits.encode(), bytearray(_MAX_BYTES)
    try:
        with os.scandir(runs) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:
        return None
    found: list[Run] = []
    for name in names:
        if name.startswith(".") or not (
            name == run_id or _has(f"{runs}/{name}/model/model.json", needle, room)
        ):
            continue
        if len(found) == _MOST:
            return None
        try:
            found.append(Run(runs / name))
        except RunError:
            return None
    return found or None


def lineage_of(runs: list[Run]) -> Lineage:
    """What some runs say.

    Raises
    ------
    RunError
        Where one of them is broken.
    """
    lineage = Lineage()
    for run in sorted(runs, key=lambda run: (run.head.started or "", run.id)):
        add_run(lineage, run)
    return lineage


def _has(path: str, needle: bytes, room: bytearray) -> bool:
    """Whether a file has these bytes; also where there is no room for it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        size = os.readv(descriptor, [room])
        return room.find(needle, 0, size) >= 0 or size == len(room)
    except OSError:
        return True
    finally:
        os.close(descriptor)
