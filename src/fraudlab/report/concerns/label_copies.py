"""Columns that tell the label, in words: for the terminal and for the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fraudlab.container.failure import override


def sentence(copy: Mapping[str, Any]) -> str:
    """Say how a column tells the label.

    Parameters
    ----------
    copy : mapping
        An element of the manifest's ``label_copies``; see ``docs/contract.md``.

    Returns
    -------
    str
        ``"column 'chargeback' equals the label in every row of train"``.
    """
    value = copy["value"]
    constant = f"{value:g}" if isinstance(value, float) else repr(value)
    how = {
        "equal": "equals the label",
        "inverted": "is the label, inverted,",
        "value_where_fraud": f"is {constant} where the label is 1 and nowhere else",
        "other_where_fraud": f"is {constant} where the label is 0 and nowhere else",
        "filled": "has a value where the label is 1 and nowhere else",
        "empty": "has no value where the label is 1, and one everywhere else",
    }[copy["how"]]
    different = copy["different"]
    train = different["train"]
    rows_of = "row" if train == 1 else "rows"
    where = f"in all but {train:,} {rows_of} of train" if train else "in every row of train"
    others = [f"{rows:,} of {name}" for name, rows in different.items() if rows and name != "train"]
    return f"column {copy['column']!r} {how} {where}" + (f" (not in {', '.join(others)})" if others else "")


def without(columns: Sequence[str], *, drop: list[str], features: list[str], categorical: list[str]) -> str:
    """The overrides that leave columns out, of which each may be named in more than one list.

    Parameters
    ----------
    columns : sequence of str
        What to leave out.
    drop, features, categorical : list of str
        What a run was told: ``data.drop``, ``data.features`` and ``data.categorical``.
    """

    def rest(names: list[str]) -> list[str]:
        return [name for name in names if name not in columns]

    found = [] if features else [override("data.drop", [*drop, *columns])]
    for key, names in (("data.features", features), ("data.categorical", categorical)):
        if len(rest(names)) < len(names):
            found.append(override(key, rest(names)))
    return " ".join(found)
