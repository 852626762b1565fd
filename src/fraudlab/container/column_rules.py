"""Which column may play which part: one rulebook, for a configuration, for a table's names, and for the job.

The launcher asks before there is a job, when a mistake costs a second. The job asks again, as its request may
come from somebody else. Contradictions between names need no table. What a table lacks, and which of its
names cannot be used, is found here as well, and said by whoever reads the table: the launcher names the
override, the job what it was sent.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from enum import Enum
from typing import Any, NamedTuple

from fraudlab.container.failure import ConfigError

#: why rows dealt at random have no use for when labels were known
NO_MOMENT = (
    "data.label_known says when labels became known, and a stratified split has no moment to ask at: train is"
    " not before test"
)
NO_MOMENT_FIX = "add data.time=COLUMN and split=time or split=prequential, or set data.label_known=null"

#: columns the process job adds to the splits
RESERVED = "fraudlab."
#: parts beside which a column may be listed as a feature
_MAY_LEARN = ("time", "card")
#: the key that names the columns whose values are measured one by one
SLICES_KEY = "evaluation.slices"


class Unusable(Enum):
    """Why a table cannot be read with one of its names."""

    NAMELESS = "it is empty"
    TWICE = "several columns have it"
    RESERVED = "the process job gives it to a column of its own"


class NameFault(NamedTuple):
    """A name that cannot be used: the first column that has it, counted from 0, and how many have it."""

    why: Unusable
    name: str
    position: int
    columns: int


def name_faults(columns: Sequence[str]) -> Iterator[NameFault]:
    """The names of a table's columns that cannot be used, in the order of the columns.

    Parameters
    ----------
    columns : sequence of str
    """
    counts = Counter(columns)
    for name, count in counts.items():
        position = columns.index(name)
        if not name.strip():
            yield NameFault(Unusable.NAMELESS, name, position, count)
        elif count > 1:
            yield NameFault(Unusable.TWICE, name, position, count)
        elif name.startswith(RESERVED):
            yield NameFault(Unusable.RESERVED, name, position, count)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnNames:
    """The columns that a configuration or a request names, by the part they play.

    `features` is empty for "every other column". `slices` play no part: a feature among them stays one, and
    what is no feature does not become one.
    """

    label: str
    time: str | None = None
    label_known: str | None = None
    id: tuple[str, ...] = ()
    card: str | None = None
    amount: str | None = None
    features: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    slices: tuple[str, ...] = ()

    def apart(self) -> dict[str, str]:
        """Columns that are never features unless they are listed as one, and the part each plays."""
        return {name: part for part, name in self._parts()}

    def _parts(self) -> Iterator[tuple[str, str]]:
        """What plays a part that a feature does not have, the label last."""
        yield from (("drop", name) for name in self.drop)
        yield from (("id", name) for name in self.id)
        one = (("card", self.card), ("time", self.time), ("label_known", self.label_known))
        yield from ((part, name) for part, name in one if name)
        yield "label", self.label

    def named(self) -> Iterator[tuple[str, str]]:
        """Every name that is given, with the key that gives it."""
        one = (
            ("label", self.label),
            ("time", self.time),
            ("label_known", self.label_known),
            ("card", self.card),
            ("amount", self.amount),
        )
        many = (
            ("id", self.id),
            ("features", self.features),
            ("drop", self.drop),
            ("categorical", self.categorical),
        )
        yield from ((f"data.{part}", name) for part, name in one if name)
        yield from ((f"data.{part}", name) for part, names in many for name in names)
        yield from ((SLICES_KEY, name) for name in self.slices)

    def absent(self, columns: Sequence[str]) -> list[tuple[str, str]]:
        """The names that a table does not have, with their keys."""
        return [(key, name) for key, name in self.named() if name not in columns]

    def meant(self, columns: Sequence[str]) -> ColumnNames | None:
        """The same parts, each absent name taken for the column that is most like it; None if one has none.

        Parameters
        ----------
        columns : sequence of str
            Of the table.
        """
        given = {name for _, name in self.named()}
        free = [name for name in columns if name not in given]
        for_absent: dict[str, str] = {}
        for _, name in self.absent(columns):
            close = difflib.get_close_matches(name, free, n=1, cutoff=0.6)
            if not close:
                return None
            for_absent[name] = close[0]
        changed: dict[str, Any] = {}
        for part in fields(ColumnNames):
            value = getattr(self, part.name)
            several = isinstance(value, tuple)
            found = [for_absent.get(name, name) for name in (value if several else [value])]
            changed[part.name] = tuple(found) if several else found[0]
        return replace(self, **changed)

    def learnt(self, columns: Sequence[str]) -> list[str]:
        """The features among the columns of a table, in the order the model takes them."""
        apart = self.apart()
        return list(self.features) or [name for name in columns if name not in apart]

    def check_parts(self, *, may_learn: Sequence[str] = _MAY_LEARN) -> None:
        """Check that no two parts contradict each other.

        Parameters
        ----------
        may_learn : sequence of str
            Parts beside which a column may be listed as a feature.

        Raises
        ------
        ConfigError
            If a column has two parts, is named twice, or is a category and no feature.
        """
        for (key, name), count in Counter(self.named()).items():
            if count > 1:
                raise ConfigError(f"{key} names {name!r} more than once", fix=f"name it once in {key}")
        parts: dict[str, str] = {}
        for part, name in reversed(list(self._parts())):
            if parts.setdefault(name, part) != part:
                raise ConfigError(
                    f"column {name!r} is both data.{parts[name]} and data.{part}",
                    fix="a column has one role: remove it from one",
                )
        told = (("label", self.label), ("label_known", self.label_known))
        for part, column in told:
            if column and self.amount == column:
                raise ConfigError(
                    f"column {column!r} is both data.{part} and data.amount",
                    fix="set data.amount to the column that holds the amount, or to null",
                )
        for part, column in (*told, ("time", self.time)):
            if column in self.slices:
                raise ConfigError(
                    f"{SLICES_KEY} names {column!r}, which is data.{part}",
                    fix=f"remove {column!r} from {SLICES_KEY}"
                    + ("; days and hours are shown without it" if part == "time" else ""),
                )
        for name in self.features:
            if (part := parts.get(name, may_learn[0])) not in may_learn:
                raise ConfigError(
                    f"column {name!r} is both data.{part} and data.features",
                    fix=f"remove {name!r} from data.features, or from data.{part}",
                )
        for name in self.categorical:
            if name not in self.features and (self.features or name in parts):
                other = f"add {name!r} to data.features" if self.features else f"leave data.{parts[name]} out"
                raise ConfigError(
                    f"data.categorical names {name!r}, not a feature",
                    fix=f"remove {name!r} from data.categorical, or {other}",
                )
