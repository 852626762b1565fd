"""``model.tar.gz`` and ``output.tar.gz``: packed as SageMaker packs them, unpacked without trusting them."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from fraudlab.run import storage


def pack(folder: Path, target: Path) -> None:
    """Pack what a folder holds, under names relative to it."""
    # level 1: a booster compresses little, and level 9 costs more time than it saves bytes
    with tarfile.open(target, "w:gz", compresslevel=1) as archive:
        for entry in sorted(folder.iterdir()):
            archive.add(entry, arcname=entry.name)


def unpack(archive: Path, place: Callable[[str], Path | None]) -> None:
    """Unpack the regular files of an archive.

    Parameters
    ----------
    archive : Path
    place : callable
        Given a name that stays inside the archive's root, says where the file goes, or None to leave it out.
        Links, devices and names that lead elsewhere are left out without being asked about.

    Raises
    ------
    StorageError
        Where a file cannot be written.
    tarfile.TarError
        Where the archive is broken.
    """
    with tarfile.open(archive) as tar:
        for member in tar:
            name = PurePosixPath(member.name)
            if not member.isfile() or name.is_absolute() or ".." in name.parts:
                continue
            target = place(str(name))
            content = tar.extractfile(member)
            if target is None or content is None:
                continue
            with storage(target), content:
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as file:
                    shutil.copyfileobj(content, file)
