"""The columns of a table that are not features: label, time, card, amount, ids, and what is measured by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fraudlab.container.failure import TableError
from fraudlab.container.formats import columns
from fraudlab.container.formats.time_units import duration
from fraudlab.container.formats.times import Times, read_times
from fraudlab.container.prepared import AMOUNT, CARD, REFIT_LABEL, SLICE
from fraudlab.container.processing.known_labels import KnownLabels, read_known, require_known
from fraudlab.container.processing.slice_columns import slice_columns
from fraudlab.container.roles import Roles

#: an array of numbers, or an Arrow array of anything else
Values: TypeAlias = "NDArray[Any] | pa.Array"


@dataclass(frozen=True, slots=True)
class Parts:
    """The columns of a table that are not features; `slices` are those that test alone has.

    `label` is what is true in the end; `known` says when it was known, and is None where that is not told.
    """

    label: NDArray[np.uint8]
    time: Times | None
    others: dict[str, Values]
    slices: dict[str, Values] = field(default_factory=dict)
    known: KnownLabels | None = None

    def of_split(
        self,
        name: str,
        late: Mapping[str, Mapping[str, Any]] | None,
        *,
        measured: bool,
    ) -> Parts:
        """The columns of a part of a split: train and validation with the labels known when they were needed.

        Parameters
        ----------
        name : {"train", "validation", "test"}
        late : mapping or None
            As :func:`~fraudlab.container.processing.known_labels.late_labels` gives it.
        measured : bool
            Whether the run is measured on the test rows, by each value of a column too.

        Raises
        ------
        TableError
            If no fraud is known by then.
        """
        if name == "test":  # is judged by what is true in the end
            return replace(self, others=self.others | self.slices) if measured else self
        if self.known is None or late is None:
            return self
        require_known(late[name], name)
        label = self.known.by(late[name]["moment"])
        if name != "train" or "refit" not in late:
            return replace(self, label=label)
        later = self.known.by(late["refit"]["moment"])
        return replace(self, label=label, others=self.others | {REFIT_LABEL: later})


def read_parts(table: pa.Table, roles: Roles) -> Parts:
    """Read the columns of a table that play a part.

    Parameters
    ----------
    table : Table
    roles : Roles

    Raises
    ------
    TableError
        If one does not hold what its part needs.
    """
    label = columns.labels(table.column(roles.label), roles.label)
    time = known = None
    if roles.time:
        time = read_times(table.column(roles.time), roles.time, unit=roles.time_unit)
        _refuse_short_count(time, roles)
        if roles.label_known:
            known = read_known(table.column(roles.label_known), label, time, roles)
    others: dict[str, Values] = {}
    if roles.card:
        others[CARD] = table.column(roles.card).cast(pa.string()).combine_chunks()
    if roles.amount:
        others[AMOUNT] = columns.amounts(table.column(roles.amount), roles.amount)
    others |= {name: table.column(name).combine_chunks() for name in roles.id}
    slices = {SLICE + name: values for name, values in slice_columns(table, roles).items()}
    return Parts(label, time, others, slices, known)


def _refuse_short_count(time: Times, roles: Roles) -> None:
    """Refuse numbers that last less than the gap: they hardly count what they are taken to count."""
    gap = roles.split.gap_seconds
    if roles.split.kind == "time" and time.unit and 0 < time.last - time.first <= gap:
        span = duration(time.last - time.first)
        raise TableError(
            f"the times of {roles.time!r} span {span} as data.time_unit={time.unit},"
            f" and the gap is {duration(gap)}",
            fix="set data.time_unit to what the numbers count, or shorten split.gap",
        )
