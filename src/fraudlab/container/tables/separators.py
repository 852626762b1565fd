"""Which character separates the values of a CSV text: the one under which its lines are rows of one width."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from fraudlab.container.failure import TableError
from fraudlab.container.table_layout import SEPARATORS

_SAMPLE_ROWS = 200
#: titles and comments above a header are at most so many lines
_MOST_TITLES = 20


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
        found = [record for record, _ in zip(records, range(_SAMPLE_ROWS + _MOST_TITLES), strict=False)]
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
        for position, (record, _) in enumerate(found[: _MOST_TITLES + 1]):
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


def choose(fits: Sequence[Fit], known: Collection[str], name: str) -> Fit | None:
    """The cut that is meant: with most of the `known` columns, even rows, and no space if another fits.

    Raises
    ------
    TableError
        If two fit equally well.
    """
    wide = [fit for fit in fits if len(fit.header) > 1]
    if not wide:
        return fits[0] if fits else None
    most = max(fit.found(known) for fit in wide)
    wide = [fit for fit in wide if fit.found(known) == most]
    even = [fit for fit in wide if fit.even] or wide
    # A header may have spaces in its names, and a time has one.
    firm = [fit for fit in even if fit.separator != " "] or even
    if len(firm) > 1 and even is not wide and all(fit.rows for fit in firm):
        names = " and by ".join(SEPARATORS[fit.separator] for fit in firm[:2])
        raise TableError(
            f"{name} can be read as separated by {names}",
            fix=f'say which: data.separator="{firm[0].separator}" or data.separator="{firm[1].separator}"',
        )
    return max(firm, key=lambda fit: len(fit.header))
