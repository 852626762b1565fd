"""How the beginning of a table looks where it is cut by one separator or another, and which cut is meant."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fraudlab.container.failure import TableError
from fraudlab.container.separators import Rank, Space, listed, meant

_SAMPLE_ROWS = 200
#: titles and comments above a header are at most so many lines
_MAX_TITLES = 20


@dataclass(frozen=True, slots=True)
class Fit:
    """How a text looks where it is cut by one separator; `skipped` characters are above its header."""

    separator: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    skipped: int

    @property
    def even(self) -> bool:
        """Whether every row has as many values as the header."""
        return all(len(row) == len(self.header) for row in self.rows)

    def found(self, known: Collection[str]) -> int:
        return len({field.strip() for field in self.header} & set(known))


def _records(text: str, separator: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """The records of a text that hold anything, and where each ends."""
    end = 0

    def lines() -> Iterator[str]:
        nonlocal end
        for line in io.StringIO(text, newline=""):
            end += len(line)
            yield line

    for record in csv.reader(lines(), delimiter=separator):
        if record:
            yield tuple(record), end


def cut_by(text: str, separator: str, *, whole: bool) -> Fit | None:
    """Cut a text by a separator; None where it cannot be."""
    try:
        records = _records(text, separator)
        found = [record for record, _ in zip(records, range(_SAMPLE_ROWS + _MAX_TITLES), strict=False)]
    except csv.Error:
        return None
    if not whole and len(found) > 1 and found[-1][1] >= len(text):
        found.pop()  # cut by the end of the text
    if not found:
        return None
    widths = Counter(len(record) for record, _ in found)
    usual = widths.most_common(1)[0][0]
    first = 0
    if usual > 1:
        for position, (record, _) in enumerate(found[: _MAX_TITLES + 1]):
            if len(record) == usual and not _is_title(record):
                first = position
                break
            if not _is_title(record):
                break
    header, rows = found[first][0], tuple(record for record, _ in found[first + 1 :])
    return Fit(separator, header, rows, found[first - 1][1] if first else 0)


def _is_title(record: Sequence[str]) -> bool:
    """Whether a line is a title above a table, whose first field alone holds anything, or a comment."""
    comment = record[0].startswith("#") and " " in record[0]
    filled = [bool(field.strip()) for field in record]
    alone = len(record) != 2 and filled[0] and not any(filled[1:])
    return comment or alone or not any(filled)


def choose(text: str, fits: Mapping[str, Fit], known: Collection[str], name: str) -> Fit | None:
    """The cut that is meant: with most of the `known` columns, even rows, and no space if another fits.

    Parameters
    ----------
    text : str
        The beginning of the table.
    fits : mapping of str to Fit
        How it looks under each separator.
    known : collection of str
        Columns the table should have.
    name : str
        What to call the table.

    Raises
    ------
    TableError
        If two fit equally well.
    """

    def rank(separator: str) -> Rank | None:
        fit = fits.get(separator)
        return (fit.found(known), fit.even) if fit and len(fit.header) > 1 else None

    equal = [fits[separator] for separator in meant(text, rank, space=Space.LAST)]
    if not equal:
        return next(iter(fits.values()), None)
    if len(equal) > 1 and equal[0].even and all(fit.rows for fit in equal):
        raise TableError(
            f"{name} can be read as separated by {listed([fit.separator for fit in equal[:2]], 'and')}",
            fix=f'say which: data.separator="{equal[0].separator}" or data.separator="{equal[1].separator}"',
        )
    return max(equal, key=lambda fit: len(fit.header))
