"""Which files ``data.path`` means: one file, a folder of them, or a pattern."""

from __future__ import annotations

import difflib
import glob
import os
from dataclasses import dataclass
from pathlib import Path

from fraudlab.container.tables.folders import ENDINGS, is_table, table_files
from fraudlab.errors import DataError


@dataclass(frozen=True, slots=True)
class Place:
    """The files of a table.

    Attributes
    ----------
    path : Path
        What was named, absolute.
    folder : Path
        What `files` are relative to.
    files : tuple of str
        Sorted.
    left_out : tuple of str
        Other files of the folder.
    """

    path: Path
    folder: Path
    files: tuple[str, ...]
    left_out: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What to call the table in a message."""
        return self.path.name


def find_place(path: Path) -> Place:
    """Find the files of a table.

    Raises
    ------
    DataError
        If there are none, or one is no table by its name, or is empty.
    """
    found = Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 (resolve() would replace a link's name)
    if found.is_dir():
        return _folder(path, found)
    if not found.exists():
        if glob.has_magic(str(path)):
            return _pattern(path, found)
        raise DataError(f"{path} does not exist.", fix=_missing_fix(found))
    if not is_table(found.name):
        raise DataError(f"{path} has an ending that is not known.", fix=f"valid: {ENDINGS}")
    if not found.is_file():
        raise DataError(f"{path} is not a file.", fix="name a .csv or .parquet file")
    if found.stat().st_size == 0:
        raise DataError(f"{path} is empty.", fix="give a table with a header and rows")
    return Place(found, found.parent, (found.name,))


def _folder(path: Path, found: Path) -> Place:
    try:
        files, others = table_files(found)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.", fix="check its permissions") from error
    if not files:
        raise DataError(
            f"{path} is a folder that holds no table.",
            fix=f"name a file, or a folder with files of {ENDINGS}",
        )
    return Place(found, found, tuple(files), tuple(others))


def _pattern(path: Path, found: Path) -> Place:
    """The files of a pattern; their names are relative to the last folder without ``*``."""
    parts = found.parts
    fixed = next(number for number, part in enumerate(parts) if glob.has_magic(part))
    folder = Path(*parts[:fixed])
    pattern = str(Path(*parts[fixed:]))
    matched = sorted(
        Path(name).as_posix()
        for name in glob.glob(pattern, root_dir=folder, recursive=True)  # noqa: PTH207 (no hidden files)
        if (folder / name).is_file() and not Path(name).name.startswith("_")
    )
    if not matched:
        raise DataError(f"{path} matches no file.", fix=_missing_fix(found))
    odd = [name for name in matched if not is_table(name)]
    if odd:
        raise DataError(
            f"{path} matches {odd[0]}, whose ending is not known.",
            fix=f"narrow the pattern; valid: {ENDINGS}",
        )
    return Place(found, folder, tuple(matched))


def _missing_fix(path: Path) -> str:
    if not path.parent.is_dir():
        return f"there is no folder {path.parent} either"
    names = [file.name for file in path.parent.iterdir() if file.is_file()]
    close = difflib.get_close_matches(path.name, names, n=3, cutoff=0.5)
    tables = sorted(name for name in names if is_table(name))[:10]
    if close:
        return "did you mean " + " or ".join(str(path.with_name(name)) for name in close) + "?"
    return f"{path.parent} holds " + (", ".join(tables) if tables else "no .csv or .parquet file")
