"""The raw table of a processing job: found as its request says, and the columns read that a run needs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa

from fraudlab.container.contract import file_sha256
from fraudlab.container.failure import TableError
from fraudlab.container.formats.parsing import MISSING_NUMBERS, is_number
from fraudlab.container.roles import Roles
from fraudlab.container.table_layout import Declared, whole_sha256
from fraudlab.container.tables.folders import table_files
from fraudlab.container.tables.reading import Found, find_layout, read_table


def read_raw(path: Path, roles: Roles) -> tuple[pa.Table, list[str]]:
    """Read the columns of a raw table that a run needs, and the names of all it has.

    Parameters
    ----------
    path : Path
        A CSV file with a header, a Parquet file, or a folder of them.
    roles : Roles
        Which columns are numbers. The others are read as text from CSV, and as they are from Parquet.

    Raises
    ------
    TableError
        If the table cannot be read, or lacks rows or a column that is named.
    """
    folder, files = _place(path, roles)
    given = roles.table
    declared = None
    if given is not None and given.format == "csv":
        encoding = None if given.encoding == "utf-8" else given.encoding
        declared = Declared(separator=given.separator, decimal=given.decimal, encoding=encoding)
    name = given.name if given else roles.file
    known = {column for _, column in roles.named()}
    layout, found = find_layout(folder, files, name=name, declared=declared, known=known)
    if len(set(found.columns)) < len(found.columns):
        roles.inputs(found.columns)
    table = read_table(folder, layout, columns=_wanted(found.columns, roles), numeric=_numeric(found, roles))
    if table.num_rows == 0:
        raise TableError(f"{name} has columns but no rows", fix="give it rows")
    return table, list(found.columns)


def raw_sha256(path: Path, roles: Roles) -> str:
    """The hash of a raw table; see :func:`~fraudlab.container.table_layout.whole_sha256`."""
    folder, files = _place(path, roles)
    return whole_sha256([(file, file_sha256(folder / file)) for file in files])


def _place(path: Path, roles: Roles) -> tuple[Path, Sequence[str]]:
    """The folder a table's files are relative to, and the files."""
    if not path.is_dir():
        return path.parent, [path.name]
    files = roles.table.files if roles.table else table_files(path)[0]
    if not files:
        raise TableError(f"{roles.name} holds no table", fix="give it CSV or Parquet files")
    return path, files


def _wanted(columns: Sequence[str], roles: Roles) -> list[str]:
    """Columns to read: whole rows where duplicates are looked for, else those that play a part."""
    inputs = set(roles.inputs(columns))
    if roles.duplicates != "keep":
        return list(columns)
    parts = {name for name, part in roles.apart().items() if part != "drop"} | {roles.amount, *roles.slices}
    return [name for name in columns if name in parts or name in inputs]


def _numeric(found: Found, roles: Roles) -> set[str]:
    """The columns that hold numbers: the time too where it begins with one."""
    numeric = {*roles.inputs(found.columns), roles.label} - set(roles.categorical)
    numeric |= {roles.amount} if roles.amount else set()
    if roles.time and _begins_with_number(found, roles.time):
        numeric.add(roles.time)
        # Its first values may all be missing: those that the table has are as those of the time.
        if roles.label_known and not _begins_with_text(found, roles.label_known):
            numeric.add(roles.label_known)
    return numeric


def _begins_with_number(found: Found, name: str) -> bool:
    return any(is_number(text) for text in _first_present(found, name))


def _begins_with_text(found: Found, name: str) -> bool:
    return any(not is_number(text) for text in _first_present(found, name))


def _first_present(found: Found, name: str) -> list[str]:
    """The first value of a column that is not missing, where the first rows have one."""
    values = (text for text in found.sample.get(name, ()) if text.strip() not in ("NaT", *MISSING_NUMBERS))
    return list(islice(values, 1))
