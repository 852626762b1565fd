r"""The one way to a raw table: find how it is to be read, then read it.

::

    layout, found = find_layout(folder, ["t.csv"], name="t.csv", declared=Declared(), known=["label"])
    found.columns            # of the table, in order; found.notes says what was seen and done
    table = read_table(folder, layout, columns=["amount", "category"], numeric={"amount"})

Columns in `numeric` come as float64 from CSV, null where missing; the others as text. Parquet keeps its
types. A file that cannot be read, and a row that does not fit, are a :class:`TableError` that names file and
row.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from fraudlab.container.failure import ConfigError, TableError
from fraudlab.container.formats.numeric_columns import NotANumberError, parse_texts
from fraudlab.container.table_layout import Declared, Layout
from fraudlab.container.tables import partitions
from fraudlab.container.tables.csv_head import CsvHead, looks_like_values
from fraudlab.container.tables.csv_table import csv_head, ragged, read_csv
from fraudlab.container.tables.foreign import PARQUET
from fraudlab.container.tables.parquet_table import common_schema, fitted, read_parquet, read_schema


@dataclass(frozen=True, slots=True)
class Found:
    """What the first bytes of a table say.

    Parameters
    ----------
    columns : tuple of str
        Of the table, those of its folders' names last.
    sample : mapping of str to tuple of str
        The first values of each column of a CSV table, as text, and those that folders name.
    types : mapping of str to pyarrow.DataType
        Of the columns of Parquet files; empty for CSV.
    rows : int or None
        Known without reading for Parquet only.
    notes : tuple of str
        What a person should know of how it is read, one sentence for each.
    """

    columns: tuple[str, ...]
    sample: Mapping[str, tuple[str, ...]]
    types: Mapping[str, Any]
    rows: int | None
    notes: tuple[str, ...]


def find_layout(
    folder: Path,
    files: Sequence[str],
    *,
    name: str,
    declared: Declared | None = None,
    known: Collection[str] = (),
) -> tuple[Layout, Found]:
    """Find how a table is to be read, from the first bytes of its files.

    Parameters
    ----------
    folder : Path
    files : sequence of str
        Relative to `folder`, in the order of their rows.
    name : str
        What to call the table in a message.
    declared : Declared, optional
        What a person says of it.
    known : collection of str
        Columns it should have.

    Raises
    ------
    TableError
        If a file is no table, has no rows, or does not go with the others.
    ConfigError
        If something is declared of Parquet that only CSV has.
    """
    declared = declared or Declared()
    layout = Layout(name=name, files=tuple(files), format="csv")
    for file in files:
        if not (folder / file).is_file():
            raise TableError(
                f"there is no file {layout.called(file)}", fix="set data.path to a CSV or Parquet file"
            )
        if (folder / file).stat().st_size == 0:
            raise TableError(f"{layout.called(file)} is empty", fix="give it a header and rows")
    parquet = [file for file in files if _is_parquet(folder / file)]
    if parquet and len(parquet) < len(files):
        other = next(file for file in files if file not in parquet)
        raise TableError(
            f"{name} holds Parquet ({parquet[0]}) and other files ({other})",
            fix="give a table files of one kind, for example data.path='folder/*.parquet'",
        )
    keys = partitions.keys(files, name)
    if parquet:
        for key in ("separator", "decimal", "encoding"):
            if getattr(declared, key) is not None:
                raise ConfigError(
                    f"data.{key} is set, and {name} is Parquet, which has none", fix=f"set data.{key}=null"
                )
        return _find_parquet(folder, layout, keys)
    return _find_csv(folder, layout, declared, keys, known)


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return path.suffix.lower() in (".parquet", ".pq") or file.read(4) == PARQUET


def _find_parquet(folder: Path, layout: Layout, keys: Sequence[str]) -> tuple[Layout, Found]:
    layout = Layout(name=layout.name, files=layout.files, format="parquet")
    schemas, rows = [], 0
    for file in layout.files:
        schema, count = read_schema(folder / file, name=layout.called(file))
        schemas.append((layout.called(file), schema))
        rows += count
    if not rows:
        raise TableError(f"{layout.name} has columns but no rows", fix="give it rows")
    schema = schemas[0][1] if len(schemas) == 1 else common_schema(schemas)
    notes = []
    if len(layout.files) == 1 and Path(layout.name).suffix.lower() not in (".parquet", ".pq"):
        notes.append(f"{layout.name} holds Parquet, and is read as that")
    names = [*schema.names, *(key for key in keys if key not in schema.names)]
    types = {field.name: field.type for field in schema}
    sample = {key: values for key, values in _folder_values(layout.files, keys).items() if key not in types}
    return layout, Found(tuple(names), sample, types, rows, tuple(notes))


def _find_csv(
    folder: Path, layout: Layout, declared: Declared, keys: Sequence[str], known: Collection[str]
) -> tuple[Layout, Found]:
    first: CsvHead | None = None
    encoding = "utf-8"
    notes: dict[str, None] = {}
    sampled: CsvHead | None = None
    empty = True
    decimals: set[str] = set()
    for file in layout.files:
        called = layout.called(file)
        separator = first.separator if first else declared.separator
        head, found = csv_head(
            folder / file, name=called, separator=separator, encoding=declared.encoding, known=known
        )
        if first is None:
            first, encoding = head, found
        elif head.names != first.names:
            _refuse_other_header(layout, first, head, file)
        if (bad := head.ragged()) is not None:
            raise ragged(called, bad[0], bad[1], head.width, head.separator)
        sampled = sampled or (head if head.rows else None)
        empty = empty and head.empty
        decimals |= {head.decimal} if head.decimal else set()
        notes |= dict.fromkeys(head.notes if first is head else ())
        if found != "utf-8" and first is head:
            notes[f"{called} is {found} text"] = None
    if first is None or empty:
        raise TableError(f"{layout.name} has a header but no rows", fix="give a table with rows")
    decimal = declared.decimal or (decimals.pop() if len(decimals) == 1 else None)
    if decimal == "," and declared.decimal is None:
        notes[f"{layout.name}: decimals are written with a comma"] = None
    layout = Layout(
        name=layout.name,
        files=layout.files,
        format="csv",
        encoding=declared.encoding or encoding,
        separator=first.separator,
        decimal=decimal,
    )
    columns = (*first.names, *(key for key in keys if key not in first.names))
    rows = [row[: len(first.names)] for row in sampled.rows] if sampled else []
    values = list(zip(*rows, strict=True)) if rows else [()] * len(first.names)
    sample = _folder_values(layout.files, keys) | dict(zip(first.names, values, strict=True))
    if looks_like_values(first.names):
        notes[f"{layout.name}: most names of its header are numbers; is its first line a row?"] = None
    return layout, Found(columns, sample, {}, None, tuple(notes))


def _folder_values(files: Sequence[str], keys: Sequence[str]) -> dict[str, tuple[str, ...]]:
    return {key: tuple(partitions.values(file)[key] or "" for file in files) for key in keys}


def _refuse_other_header(layout: Layout, first: CsvHead, head: CsvHead, file: str) -> None:
    if set(head.names) == set(first.names):
        raise TableError(
            f"{file} has its columns in another order than {layout.files[0]}",
            fix="write all files of a table with the same header",
        )
    missing = [name for name in first.names if name not in head.names]
    extra = [name for name in head.names if name not in first.names]
    said = " and ".join(
        f"{what} {', '.join(map(repr, names[:10]))}"
        for what, names in (("lacks", missing), ("also has", extra))
        if names
    )
    raise TableError(
        f"{file} {said or 'has another header'}, unlike {layout.files[0]}",
        fix="write all files of a table with the same header, or name one of them",
    )


def read_table(folder: Path, layout: Layout, *, columns: Sequence[str], numeric: Collection[str]) -> pa.Table:
    """Read columns of a table, the rows of its files one after the other.

    Parameters
    ----------
    folder : Path
        What the layout's files are relative to.
    layout : Layout
        As :func:`find_layout` found it.
    columns : sequence of str
        Of the table.
    numeric : collection of str
        Which of them hold numbers: those of CSV files are read as such.

    Raises
    ------
    TableError
        If a file is damaged, or a row does not fit the header.
    """
    parts = []
    for file in layout.files:
        inside, own = layout.called(file), partitions.values(file)
        path = folder / file
        if layout.format == "parquet":
            schema, _ = read_schema(path, name=inside)
            part = read_parquet(path, name=inside, columns=[c for c in columns if c in schema.names])
        else:
            head, encoding = csv_head(
                path, name=inside, separator=layout.separator, encoding=_declared_encoding(layout)
            )
            part = read_csv(
                path,
                head,
                name=inside,
                encoding=encoding,
                decimal=layout.decimal,
                columns=[name for name in columns if name in head.names],
                numeric=numeric,
            )
        parts.append(partitions.add(part, own, columns, name=inside))
    if len(parts) == 1:
        return parts[0]
    if layout.format == "csv":
        _refuse_mixed(layout, parts, numeric)
    schema = common_schema(
        [(layout.called(f), part.schema) for f, part in zip(layout.files, parts, strict=True)]
    )
    named = zip(parts, layout.files, strict=True)
    whole = pa.concat_tables([fitted(part, schema, name=file) for part, file in named])
    return whole.select(list(columns)).replace_schema_metadata(parts[0].schema.metadata)


def _declared_encoding(layout: Layout) -> str | None:
    return None if layout.encoding == "utf-8" else layout.encoding


def _refuse_mixed(layout: Layout, parts: Sequence[pa.Table], numeric: Collection[str]) -> None:
    """Refuse columns that are numbers in some CSV files and text in others; all of them at once."""
    said = []
    for name in sorted(numeric):
        texts = [
            (file, part.column(name))
            for file, part in zip(layout.files, parts, strict=True)
            if name in part.column_names and part.schema.field(name).type == pa.string()
        ]
        if not texts or len(texts) == len(parts):
            continue
        file, column = texts[0]
        try:
            parse_texts(column, decimal=layout.decimal)
        except NotANumberError as error:
            said.append(f"column {name!r} is not numeric: row {error.row} of {file} holds {error.value!r}")
    if said:
        raise TableError("; ".join(said), fix="list the columns in data.categorical, or in data.drop")
