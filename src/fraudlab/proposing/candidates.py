"""Ratios and differences worth trying: suggested by the names of columns, and by values that bear them out.

Not every pair of numbers: an amount against what is usual in a window, and windows of one family against each
other. A name is believed where the values are what it says: numbers that are not negative and not the same
everywhere, a mean that is of the size of the amount, a count and a mean that include the row.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from fraudlab.proposing.window_spellings import Spelling, Statistic, read_spelling

Values = Mapping[str, NDArray[np.float32]]
_Member = TypeVar("_Member")

#: columns that are tried at most
MAX_CANDIDATES = 48
#: columns of an amount that are looked at
_MAX_AMOUNTS = 2
_MOSTLY = 0.99
#: by how much the median of a mean may differ from that of the amount
_SAME_SIZE = 1_000.0
_OF_AMOUNTS = (Statistic.mean, Statistic.sum, Statistic.largest)
_ADDED_UP = (Statistic.count, Statistic.sum)
_PLAIN = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_MAX_NAME = 120


@dataclass(frozen=True, slots=True)
class ProposedColumn:
    """A column that could be declared.

    Attributes
    ----------
    name, expression : str
        As ``data.derive`` takes them.
    """

    name: str
    expression: str


def find_candidates(values: Values, *, amount: str | None, taken: Sequence[str]) -> list[ProposedColumn]:
    """The columns that are worth trying, most promising first; none where nothing looks like it.

    Parameters
    ----------
    values : mapping of str to ndarray
        Some rows of the columns of numbers.
    amount : str, optional
        The column that ``data.amount`` names, whatever its name says.
    taken : sequence of str
        Names that a declared column cannot have.
    """
    read = [read_spelling(name) for name, column in values.items() if _counts_something(column)]
    amounts = _amounts(read, amount)
    kinds = (
        _against_means(amounts, read, values),
        _against_the_others(amounts, read, values),
        _between_windows(read, "/"),
        _above_means(amounts, read, values),
        _before_the_window(read, values),
        _between_windows(read, "-"),
    )
    names: set[str] = set(taken)
    found: list[ProposedColumn] = []
    for name, expression in itertools.chain(*kinds):
        if len(found) < MAX_CANDIDATES:
            found.append(ProposedColumn(_free(name, names), expression))
            names.add(found[-1].name)
    return found


def _counts_something(column: NDArray[np.float32]) -> bool:
    """Whether values are those of an amount or a count: mostly there, not negative, more than two."""
    present = column[np.isfinite(column)]
    if present.size < max(1, column.size // 2) or np.mean(present >= 0) < _MOSTLY:
        return False
    return np.unique(present[:10_000]).size > 2


def _amounts(read: Sequence[Spelling], amount: str | None) -> list[Spelling]:
    """The columns of the row's own amount; the one that was named is the only one."""
    if amount is not None:
        return [one for one in read if one.name == amount]
    bare = [one for one in read if one.amount and one.window is None and one.statistic is None]
    return [one for one in bare if not one.level][:_MAX_AMOUNTS]


def _summaries(
    amounts: Sequence[Spelling], read: Sequence[Spelling], values: Values
) -> list[tuple[str, Spelling]]:
    """Each amount with what summarises amounts and is of its size, or is what it is held against."""
    found = []
    for own, other in itertools.product(amounts, read):
        about = other.amount and (other.statistic in _OF_AMOUNTS or (other.window and not other.statistic))
        if other.name not in {one.name for one in amounts} and (about or other.level):
            sizes = [_middle(values[one.name]) for one in (own, other)]
            if all(sizes) and 1 / _SAME_SIZE <= sizes[1] / sizes[0] <= _SAME_SIZE:
                found.append((own.name, other))
    return found


def _middle(column: NDArray[np.float32]) -> float:
    above = column[column > 0]
    return float(np.median(above)) if above.size else 0.0


def _against_means(
    amounts: Sequence[Spelling], read: Sequence[Spelling], values: Values
) -> Iterator[tuple[str, str]]:
    for own, other in _summaries(amounts, read, values):
        yield f"{own}_to_{other.name}", f"{_in(own)} / {_in(other.name)}"


def _above_means(
    amounts: Sequence[Spelling], read: Sequence[Spelling], values: Values
) -> Iterator[tuple[str, str]]:
    for own, other in _summaries(amounts, read, values):
        if other.level or other.statistic is Statistic.mean:
            yield f"{own}_above_{other.name}", f"{_in(own)} - {_in(other.name)}"
            spread = [one for one in read if one.statistic is Statistic.spread and one.amount]
            for one in spread:
                if (one.rest, one.window) == (other.rest, other.window):
                    gap = f"({_in(own)} - {_in(other.name)})"
                    yield f"{own}_spreads_above_{other.name}", f"{gap} / {_in(one.name)}"


def _against_the_others(
    amounts: Sequence[Spelling], read: Sequence[Spelling], values: Values
) -> Iterator[tuple[str, str]]:
    """The amount against the mean of a window's other transactions, where mean and count include its own."""
    for own, (mean, count) in itertools.product(amounts, _pairs(read, Statistic.mean, Statistic.count)):
        number, money = values[count.name].astype(float), values[own.name]
        whole = values[mean.name] * number
        told = np.isfinite(whole) & np.isfinite(money)
        includes = (whole >= money * (1 - 1e-3)) & (number >= 1) & (number == np.round(number))
        if mean.amount and told.any() and np.mean(includes[told]) >= _MOSTLY:
            others = f"({_in(mean.name)} * {_in(count.name)} - {_in(own.name)}) / ({_in(count.name)} - 1)"
            yield f"{own.name}_to_others_of_{mean.name}", f"{_in(own.name)} / ({others})"


def _before_the_window(read: Sequence[Spelling], values: Values) -> Iterator[tuple[str, str]]:
    """What a long window has that its shorter one has not: shares times counts, subtracted."""
    families = defaultdict(list)
    for share, count in _pairs(read, Statistic.share, Statistic.count):
        if np.nanmax(values[share.name]) <= 1:
            families[share.rest].append((share.window or 0, f"{_in(share.name)} * {_in(count.name)}", share))
    for members in families.values():
        for (_, short, of_short), (_, long, of_long) in _steps(sorted(members, key=lambda one: one[0])):
            yield f"{of_long.name}_before_{of_short.name}", f"{long} - {short}"


def _between_windows(read: Sequence[Spelling], sign: str) -> Iterator[tuple[str, str]]:
    """Windows of one family against each other: each with the next, and the shortest with the longest."""
    families: dict[object, dict[int, Spelling]] = defaultdict(dict)
    for one in read:
        if one.window is not None and (one.statistic or one.amount or one.rest):
            families[one.statistic, one.amount, one.rest].setdefault(one.window, one)
    for members in families.values():
        for short, long in _steps([members[window] for window in sorted(members)]):
            if sign == "/":
                yield f"{short.name}_to_{long.name}", f"{_in(short.name)} / {_in(long.name)}"
            elif short.statistic in _ADDED_UP:
                yield f"{long.name}_without_{short.name}", f"{_in(long.name)} - {_in(short.name)}"
            else:
                yield f"{short.name}_above_{long.name}", f"{_in(short.name)} - {_in(long.name)}"


def _pairs(
    read: Sequence[Spelling], first: Statistic, second: Statistic
) -> Iterator[tuple[Spelling, Spelling]]:
    """Columns of two statistics of one window of the same."""
    for a, b in itertools.product(read, read):
        alike = a.window is not None and (a.window, a.rest) == (b.window, b.rest)
        if alike and a.statistic is first and b.statistic is second:
            yield a, b


def _steps(members: Sequence[_Member]) -> Iterator[tuple[_Member, _Member]]:
    yield from itertools.pairwise(members)
    if len(members) > 2:
        yield members[0], members[-1]


def _in(name: str) -> str:
    """A column as an expression names it."""
    return name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def _free(name: str, taken: set[str]) -> str:
    """A name of letters that nothing has."""
    plain = re.sub(r"[^0-9A-Za-z_]+", "_", name)[:_MAX_NAME]
    plain = plain if _PLAIN.fullmatch(plain) else f"c_{plain}"
    numbered = (f"{plain}_{number}" for number in itertools.count(2))
    return next(one for one in itertools.chain([plain], numbered) if one not in taken)
