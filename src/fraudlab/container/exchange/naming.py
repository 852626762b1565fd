"""What the columns of a booster are called, and which of them are categories."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

from fraudlab.container.contract import Fields
from fraudlab.container.described_features import read_features
from fraudlab.container.failure import ConfigError, listing, quoted
from fraudlab.container.features import Column

_LIST_THEM = (
    "list them in the order of their codes, in a file for --columns: "
    '[{"name": "country", "type": "category", "categories": ["DE", "FR"]}, '
    '{"name": "amount", "type": "number"}, …]'
)
Categories = Sequence[tuple[str, ...] | None]


def name_columns(
    asked: Any,
    *,
    count: int,
    names: Sequence[str],
    types: Sequence[str],
    categories: Categories,
    doubtful: Container[int] = (),
) -> tuple[list[Column], list[str]]:
    """The columns of an imported model, and what is worth saying of them.

    Parameters
    ----------
    asked : "auto", list of str, or list of dict
        The booster's own names; names in order; or columns as ``model.json`` describes them.
    count : int
        How many the booster takes.
    names, types : sequence of str
        The booster's own; may be empty.
    categories : sequence of tuple of str or None
        The categories the booster's file lists of each column; may be empty.
    doubtful : container of int
        The columns whose list may not be whole.

    Raises
    ------
    ConfigError
        If they do not fit the booster.
    """
    notes: list[str] = []
    described = _described(asked)
    if described is None:
        own = list(names) or [f"f{position}" for position in range(count)]
        if not names:
            notes.append("the file names no columns: they are f0, f1, … in its order")
        described = [Column(name) for name in own]
    if len(described) != count:
        raise ConfigError(
            f"--columns has {len(described)} names, and the booster takes {count} columns",
            fix="name its inputs in the order of training, without label and weight; one that was trained on "
            "libsvm files that count from 1 has an unused first column, such as f0",
        )
    notes += _compared([column.name for column in described], names)
    kinds = list(types) or ["float"] * count
    columns = []
    for position, (column, kind) in enumerate(zip(described, kinds, strict=True)):
        listed = categories[position] if categories else None
        if position in doubtful and listed is not None:
            columns.append(_described_whole(column, listed))
        else:
            columns.append(_one(column, kind == "c" or listed is not None, listed))
    # what a model.json must keep to, distinct names among it
    read_features(
        Fields({"columns": [column.as_json() for column in columns], "preprocessing": {}}, source="--columns")
    )
    return columns, notes


def _described(asked: Any) -> list[Column] | None:
    if asked == "auto":
        return None
    if all(isinstance(entry, str) for entry in asked):
        return [Column(name) for name in asked]
    given = {"columns": asked, "preprocessing": {}}
    return list(read_features(Fields(given, source="--columns")).columns)


def _compared(given: Sequence[str], own: Sequence[str]) -> list[str]:
    """Refuse the booster's own names in another order; say which names are new."""
    if not own:
        return []
    moved = [name for name, other in zip(given, own, strict=True) if name != other and name in own]
    if moved:
        raise ConfigError(
            f"column {list(given).index(moved[0]) + 1} of --columns is {quoted(moved[0])}, which is column "
            f"{list(own).index(moved[0]) + 1} of the booster",
            fix="keep the booster's order (--columns auto takes its own names): " + listing(list(own)),
        )
    new = [f"{other} is {name}" for name, other in zip(given, own, strict=True) if name != other]
    return [f"columns have other names than in the file: {listing(new)}"] if new else []


def _described_whole(column: Column, listed: tuple[str, ...]) -> Column:
    """A category whose list in the file may be cut: the person's is taken."""
    if column.categories is None:
        raise ConfigError(
            f"the file lists {listing(listed, limit=5)} as categories of {quoted(column.name)}; XGBoost 3.1 "
            "and 3.2 cut such lists where they have letters beyond ASCII",
            fix=_LIST_THEM,
        )
    if len(column.categories) != len(listed):
        raise ConfigError(
            f"column {quoted(column.name)} has {len(column.categories)} categories in --columns, and "
            f"{len(listed)} in the file",
            fix="list all of them, in the order of their codes",
        )
    return column


def _one(column: Column, is_category: bool, listed: tuple[str, ...] | None) -> Column:
    if not is_category and column.categories is None:
        return column
    if not is_category:
        raise ConfigError(
            f"column {quoted(column.name)} is a category in --columns, and a number to the booster",
            fix="describe it as a number",
        )
    if column.categories is not None and listed is not None and column.categories != listed:
        raise ConfigError(
            f"column {quoted(column.name)} has the categories {listing(listed, limit=10)} in the file, and "
            "others in --columns",
            fix="leave them out of --columns: those of the file are taken",
        )
    found = listed if listed is not None else column.categories
    if found is None:
        raise ConfigError(
            f"column {quoted(column.name)} is a category, and the file does not list its values: XGBoost "
            "does from 3.1 on, where it was trained on a data frame",
            fix=_LIST_THEM,
        )
    return Column(column.name, found)
