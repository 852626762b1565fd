"""The rows of a file as a model takes them, read by the reader that training reads with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fraudlab.errors import ConfigError, DataError, nearest

if TYPE_CHECKING:
    import pyarrow as pa

    from fraudlab.container.features import Column, Features

_NUMBERS = "correct these values, or leave the fields empty (missing): the model was trained on numbers"
_TIMES = "write times as the table has them that the model was trained on"
_CATEGORIES = "write categories as text, as whole numbers or as booleans"
#: options that predict has under the names they have in a run
_KEYS = re.compile(r"data\.(separator|decimal|encoding)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvOptions:
    """What a person says of a CSV file; None is found from its first bytes. Named as in ``data``."""

    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None


def read_rows(
    file: Path, features: Features, options: CsvOptions | None = None
) -> tuple[pa.Table, tuple[str, ...]]:
    """Read a model's input columns from a file, in the model's order: float32, categories and times as text.

    Parameters
    ----------
    file : Path
        CSV with a header, or Parquet, or a folder of them; other columns are left out.
    features : Features
        Of the model.
    options : CsvOptions, optional
        How a CSV file is to be read.

    Returns
    -------
    table : pyarrow.Table
    notes : tuple of str
        What a person should know of how it was read, one sentence for each.

    Raises
    ------
    DataError
        Where the file is missing or unreadable, has no rows, lacks columns, or has values of another type:
        all of them at once.
    ConfigError
        Where an option cannot work.
    """
    import pyarrow as pa

    from fraudlab.container.failure import ConfigError as JobConfigError
    from fraudlab.container.failure import TableError

    try:
        raw, notes = _read(file, features, options or CsvOptions())
    except TableError as error:
        raise DataError(f"{_as_options(error.sentence)}.", fix=_as_options(error.fix)) from error
    except JobConfigError as error:
        raise ConfigError(f"{_as_options(error.sentence)}.", fix=_as_options(error.fix)) from error
    values: list[Any] = []
    refused: list[str] = []
    fixes: dict[str, None] = {}
    for column in features.columns:
        try:
            values.append(_converted(raw.column(column.name), column))
        except TableError as error:
            refused.append(error.sentence)
            fixes[_TIMES if column.clock else _NUMBERS if column.categories is None else _CATEGORIES] = None
    if refused:
        raise DataError(f"{file.name}: {'; '.join(refused)}.", fix="; ".join(fixes))
    return pa.table(values, names=features.names), notes


def _read(file: Path, features: Features, options: CsvOptions) -> tuple[pa.Table, tuple[str, ...]]:
    from fraudlab.container.table_layout import Declared
    from fraudlab.container.tables.folders import table_files
    from fraudlab.container.tables.reading import find_layout, read_table

    declared = Declared.checked(
        separator=options.separator, decimal=options.decimal, encoding=options.encoding
    )
    folder, files = (file, table_files(file)[0]) if file.is_dir() else (file.parent, [file.name])
    if not files:
        raise DataError(f"{file} holds no table.", fix="give it CSV or Parquet files")
    layout, found = find_layout(folder, files, name=file.name, declared=declared, known=features.names)
    _check_columns(file, found.columns, features)
    numeric = {column.name for column in features.columns if column.categories is None and not column.clock}
    table = read_table(folder, layout, columns=features.names, numeric=numeric)
    if table.num_rows == 0:
        raise DataError(f"{file.name} has a header but no rows.", fix="name a file with transactions")
    return table, found.notes


def _check_columns(file: Path, columns: tuple[str, ...], features: Features) -> None:
    missing = [name for name in features.names if name not in columns]
    if missing:
        what = "column" if len(missing) == 1 else "columns"
        raise DataError(
            f"{file.name} has no {what} {', '.join(map(repr, missing))}.",
            fix=f"the model takes {', '.join(features.names)}; {nearest(missing[0], columns)}",
        )
    for name in features.names:
        if (count := columns.count(name)) > 1:
            raise DataError(
                f"{file.name} has {count} columns named {name!r}.", fix="give each column a name of its own"
            )


def _converted(values: pa.ChunkedArray, column: Column) -> Any:
    from fraudlab.container.categories import sent_text
    from fraudlab.container.failure import TableError
    from fraudlab.container.formats.columns import category, feature
    from fraudlab.container.formats.time_columns import seconds_of_column, written
    from fraudlab.container.formats.time_values import NoTimeError, said

    if column.clock is not None:
        try:
            return written(seconds_of_column(values, column.clock), column.clock)
        except NoTimeError as error:
            sentence = f"column {column.name!r} holds {said(error)} (row {error.row})"
            raise TableError(sentence, fix=_TIMES) from error
    if column.categories is None:
        return feature(values, column.name)
    return category(values, column.name, spell=sent_text)


def _as_options(text: str) -> str:
    """Turn a sentence about the keys of a run into one about the options of ``predict``."""
    return _KEYS.sub(r"--\1", text).replace("set data.path to", "name")
