"""The rows of a file as a model takes them, read by the reader that training reads with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fraudlab.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

    from fraudlab.container.features import Column, Features

_NUMBERS = "correct these values, or leave the fields empty (missing): the model was trained on numbers"
_CATEGORIES = "write categories as text, as whole numbers or as booleans"


def read_rows(file: Path, features: Features) -> pa.Table:
    """Read a model's input columns from a file, in the model's order: float32, and categories as text.

    Parameters
    ----------
    file : Path
        CSV with a header, or Parquet; other columns are left out.
    features : Features
        Of the model.

    Raises
    ------
    DataError
        Where the file is missing or unreadable, has no rows, lacks columns, or has values of another type:
        all of them at once.
    """
    import pyarrow as pa

    from fraudlab.container.failure import TableError

    try:
        raw = _read(file, features)
    except TableError as error:
        fix = f"the model takes {', '.join(features.names)}" if "set data." in error.fix else error.fix
        raise DataError(f"{error.sentence}.", fix=fix) from error
    values: list[Any] = []
    refused: list[str] = []
    fixes: dict[str, None] = {}
    for column in features.columns:
        try:
            values.append(_converted(raw.column(column.name), column))
        except TableError as error:
            refused.append(error.sentence)
            fixes[_NUMBERS if column.categories is None else _CATEGORIES] = None
    if refused:
        raise DataError(f"{file.name}: {'; '.join(refused)}.", fix="; ".join(fixes))
    return pa.table(values, names=features.names)


def _read(file: Path, features: Features) -> pa.Table:
    from fraudlab.container.roles import Roles, Split
    from fraudlab.container.tables.reading import find_layout, read_table

    names = tuple(features.names)
    roles = Roles(
        file=file.name,
        table=None,
        sha256=None,
        label=names[0],
        time=None,
        id=(),
        card=None,
        amount=None,
        features=names,
        drop=(),
        categorical=tuple(names[position] for position in features.categorical),
        duplicates="keep",
        scale="none",
        split=Split("stratified", 0.0, 0.0, 0.0, 0.0),
        seed=0,
    )
    layout, found = find_layout(file.parent, [file.name], name=file.name, known=names)
    numbers = set(roles.inputs(found.columns)) - set(roles.categorical)
    return read_table(file.parent, layout, columns=names, numeric=numbers)


def _converted(values: pa.ChunkedArray, column: Column) -> Any:
    from fraudlab.container.categories import sent_text
    from fraudlab.container.formats.columns import category, feature

    if column.categories is None:
        return feature(values, column.name)
    return category(values, column.name, spell=sent_text)
