"""Categories that train has not seen: scored as missing, so they are said; a column of only such is refused.

Such a column has another spelling or another meaning than the model learned, and its scores would be those of
rows without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fraudlab.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

    from fraudlab.container.features import Features

#: categories of a model that an error names
_MAX_NAMES = 5


@dataclass(frozen=True, slots=True)
class Unseen:
    """What a column of categories holds that the model does not know.

    Parameters
    ----------
    column : str
    rows : int
        That have such a category.
    example : str
        The most frequent of them.
    present : int
        Rows in which the column is not missing.
    known : tuple of str
        Some categories of the model.
    """

    column: str
    rows: int
    example: str
    present: int
    known: tuple[str, ...]

    @property
    def wholly(self) -> bool:
        """Whether no row has a category the model knows."""
        return self.rows == self.present


def find_unseen(features: Features, table: pa.Table) -> list[Unseen]:
    """What the columns of categories of a table hold that a model does not know.

    Parameters
    ----------
    features : Features
        Of the model.
    table : pyarrow.Table
        Categories as text, or dictionary-encoded.
    """
    import pyarrow as pa

    found = []
    for position in features.codes:
        column = features.columns[position]
        counts = table[column.name].cast(pa.string()).value_counts()
        texts, rows = counts.field("values").to_pylist(), counts.field("counts").to_pylist()
        _, is_unseen = features.encode(position, texts)
        unseen = [(count, text) for count, text, new in zip(rows, texts, is_unseen, strict=True) if new]
        if unseen:
            found.append(
                Unseen(
                    column=column.name,
                    rows=sum(count for count, _ in unseen),
                    example=max(unseen)[1],
                    present=sum(count for count, text in zip(rows, texts, strict=True) if text),
                    known=(column.categories or ())[:_MAX_NAMES],
                )
            )
    return found


def refuse_wholly_unseen(unseen: Iterable[Unseen], *, of: str, fix: str) -> None:
    """Refuse a table in which a column of categories says nothing to the model.

    Parameters
    ----------
    unseen : iterable of Unseen
    of : str
        What to call the rows, such as ``t.csv``.
    fix : str
        Said after what the model knows.

    Raises
    ------
    DataError
        That names all such columns.
    """
    wholly = [one for one in unseen if one.wholly]
    if not wholly:
        return
    sentences = [
        f"no row of {of} has a category of column {one.column!r} that train has seen"
        f" ({one.rows:,} rows, for example {_short(one.example)})"
        for one in wholly
    ]
    known = "; ".join(f"{one.column!r} knows {_listing(one.known)}" for one in wholly)
    raise DataError("; ".join(sentences) + ".", fix=f"{known}: {fix}")


def sentences(unseen: Sequence[Unseen], *, rows: int) -> Iterator[str]:
    """A line for each column that has categories train has not seen."""
    for one in unseen:
        yield (
            f"column {one.column!r}: {one.rows:,} of {rows:,} rows have a category that train has not seen"
            f" (for example {_short(one.example)}); scored as missing"
        )


def _listing(known: Sequence[str]) -> str:
    return ", ".join(map(_short, known)) + (", …" if len(known) == _MAX_NAMES else "") if known else "none"


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")
