"""Columns whose values are measured one by one: what each row's value is called, whatever its type."""

from __future__ import annotations

import re

import pyarrow as pa

from fraudlab.container.column_rules import SLICES_KEY
from fraudlab.container.failure import TableError
from fraudlab.container.formats.columns import category
from fraudlab.container.formats.parsing import is_number
from fraudlab.container.roles import Roles

#: distinct numbers of a column that may be codes; more of them measure something
MAX_NUMBERS = 50
#: distinct texts of a column that may be kinds; more of them are ids
MAX_KINDS = 65_536
#: no amount or count is written so, but codes are
_CODE = re.compile(r"-?0[0-9].*")


def slice_columns(table: pa.Table, roles: Roles) -> dict[str, pa.DictionaryArray]:
    """The columns of ``evaluation.slices`` as names of their values; null where a value is missing.

    Names are those of categories: 3, 3.0 and the text of either are one value, and so are true and True.

    Raises
    ------
    TableError
        If a column holds what has no name, or numbers or ids of too many values.
    """
    found = {}
    for name in roles.slices:
        try:
            found[name] = category(table.column(name), name)
        except TableError as error:
            raise TableError(
                error.sentence, fix=f"write them as text, or remove {name!r} from {SLICES_KEY}"
            ) from error
        _refuse_many(found[name], name, is_category=name in roles.categorical)
    return found


def _refuse_many(values: pa.DictionaryArray, name: str, *, is_category: bool) -> None:
    """Refuse a column that has no kinds of rows, but measures or identifies them."""
    names = [text for text in values.dictionary.to_pylist() if text is not None]
    if len(names) > MAX_KINDS:
        raise TableError(
            f"column {name!r} of {SLICES_KEY} has {len(names):,} values; the limit is {MAX_KINDS:,}",
            fix=f"remove {name!r} from {SLICES_KEY}, or group its values before",
        )
    if len(names) <= MAX_NUMBERS or is_category:
        return
    if all(is_number(text) and not _CODE.fullmatch(text) for text in names):
        raise TableError(
            f"column {name!r} of {SLICES_KEY} holds {len(names):,} different numbers;"
            f" up to {MAX_NUMBERS} are taken as kinds",
            fix=f"add a column with bands of it to the table, such as '0 to 50', and name that in"
            f" {SLICES_KEY}; numbers that are codes of a feature go into data.categorical",
        )
