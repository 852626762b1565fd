"""What a run needs of the machine: Python, disk, its table."""

from __future__ import annotations

import os
import shutil
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from fraudlab.doctor.finding import Findings, note, well, wrong

if TYPE_CHECKING:
    from fraudlab.config import RunConfig

_GIB = 1 << 30
#: below the first a run may stop in the middle; below the second a large table may
_LEAST_FREE, _LITTLE_FREE = 1 * _GIB, 5 * _GIB
_OLDEST = (3, 11)


def check_python(
    *, version: tuple[int, ...] = sys.version_info[:3], bits: int = 8 * struct.calcsize("P")
) -> Findings:
    """Whether this Python is one fraudlab runs in."""
    name = ".".join(map(str, version))
    if version[:2] < _OLDEST:
        return [
            wrong(
                "Python",
                f"{name} is older than {'.'.join(map(str, _OLDEST))}",
                fix="install a newer one, and name it: make setup PYTHON=/path/to/python3",
            )
        ]
    if bits < 64:
        return [
            wrong("Python", f"{name} has {bits} bits; XGBoost needs 64", fix="install a 64-bit Python 3.11+")
        ]
    return [well("Python", f"{name} ({sys.executable})")]


def check_disk(folder: Path, *, free_bytes: Callable[[Path], int] | None = None) -> Findings:
    """Whether there is room, and leave to write, where runs are kept.

    Parameters
    ----------
    folder : Path
        Need not exist yet.
    free_bytes : callable, optional
        The free bytes on the disk of a folder.
    """
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        return [
            wrong(
                "disk",
                f"{there} cannot be written to",
                fix="choose another folder: paths.runs=FOLDER, or chmod",
            )
        ]
    free = (free_bytes or _free_bytes)(there)
    said = f"{free / _GIB:,.1f} GiB free at {there}"
    if free < _LEAST_FREE:
        return [wrong("disk", said, fix="fraudlab clean; docker system df shows what images take")]
    if free < _LITTLE_FREE:
        return [note("disk", f"{said}: little for a large table", fix="fraudlab clean")]
    return [well("disk", said)]


def check_data(config: RunConfig) -> Findings:
    """Whether the table that the configuration names can be read."""
    from fraudlab.config import DataKind
    from fraudlab.data.places import find_place
    from fraudlab.errors import DataError

    kind, path = config.data.kind.value, config.data.path
    if config.data.kind is DataKind.artifact and path is None:
        return [well("data", f"version {config.data.artifact}: looked up when a run begins")]
    if path is None:
        return [well("data", f"{kind}: made when a run begins")]
    try:
        place = find_place(Path(path))
        locked = [name for name in place.files if not os.access(place.folder / name, os.R_OK)]
    except DataError as error:
        return [wrong("data", f"{kind}: {error.message.rstrip('.')}", fix=error.fix)]
    if locked:
        return [wrong("data", f"{place.folder / locked[0]} cannot be read", fix="check its permissions")]
    size = sum((place.folder / name).stat().st_size for name in place.files)
    files = "one file" if len(place.files) == 1 else f"{len(place.files):,} files"
    return [well("data", f"{kind}: {place.path}, {files}, {size / (1 << 20):,.1f} MiB")]


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free
