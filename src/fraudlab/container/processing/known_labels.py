"""When each fraud was known to be one, and which labels a team had at a moment.

A label that was not yet known counts as legitimate, as it did for those who trained at that moment. The
values of legitimate rows are not looked at: such a row has the same label before and after.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fraudlab.container.failure import TableError
from fraudlab.container.formats.parsing import MISSING_NUMBERS
from fraudlab.container.formats.time_units import duration, moment
from fraudlab.container.formats.times import Times, plain
from fraudlab.container.processing.known_times import known_seconds
from fraudlab.container.roles import Roles

#: share of the frauds that a few clocks that differ may put before their own transactions
_EARLY_SHARE = 0.01
_QUANTILES = np.linspace(0.0, 1.0, 21)
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class KnownLabels:
    """When the label of each row became known.

    Attributes
    ----------
    at : ndarray of float64, shape (n,)
        In the seconds of the table's times; infinite for legitimate rows.
    delay : ndarray of float64, shape (n,)
        Seconds from the transaction to then; NaN for legitimate rows.
    lacking : int
        Frauds of which the column does not say it.
    notes : tuple of str
        What a person should know of how it was read.
    """

    at: Floats
    delay: Floats
    lacking: int
    notes: tuple[str, ...]

    def by(self, time: float) -> NDArray[np.uint8]:
        """The labels of all rows as they were known before a moment."""
        return (self.at < time).astype(np.uint8)

    def as_json(self, rows: NDArray[np.int64]) -> dict[str, Any]:
        """What ``manifest.json`` records of some rows: how late the labels of their frauds were."""
        delays = self.delay[rows]
        delays = delays[~np.isnan(delays)]
        found = np.quantile(delays, _QUANTILES, method="inverted_cdf")
        return {
            "frauds": int(delays.size),
            "lacking": self.lacking,
            "quantiles": [round(float(value), 3) for value in found],
        }


def read_known(column: pa.ChunkedArray, label: NDArray[np.uint8], time: Times, roles: Roles) -> KnownLabels:
    """Read when frauds were known to be some.

    Parameters
    ----------
    column : ChunkedArray
        Times of any spelling that a time column has; missing where a label was never reported.
    label : ndarray of uint8, shape (n,)
    time : Times, of n rows
        What the column is compared with.
    roles : Roles

    Raises
    ------
    TableError
        If the time of a fraud cannot be read or is missing without a delay for it, or if frauds were known
        before they happened.
    """
    name = roles.label_known
    assert name is not None
    frauds = np.flatnonzero(label)
    values = plain(column).take(pa.array(frauds)) if frauds.size else column.slice(0, 0)
    present = ~_missing(values)
    rows, lacking = frauds[present], frauds[~present]
    _refuse_lacking(lacking, frauds, name, roles.label_delay_seconds)
    known, notes = (
        known_seconds(values.filter(pa.array(present)), rows, time, name) if rows.size else ([], [])
    )
    at, delay = np.full(label.size, np.inf), np.full(label.size, np.nan)
    at[rows] = known
    notes = [*notes, *_not_early(at, rows, time, name)]
    at[lacking] = time.seconds[lacking] + roles.label_delay_seconds
    delay[frauds] = at[frauds] - time.seconds[frauds]
    if lacking.size:
        notes.append(
            f"{lacking.size:,} of {frauds.size:,} frauds have no time in {name!r}: their labels are taken as"
            f" known {duration(roles.label_delay_seconds)} after the transaction (data.delay)"
        )
    return KnownLabels(at, delay, int(lacking.size), tuple(notes))


def late_labels(
    known: KnownLabels, parts: Mapping[str, NDArray[np.int64] | slice], cuts: Sequence[float], *, gap: float
) -> dict[str, Any]:
    """When a division's labels are used, and how many frauds are not known to be some by then.

    Train is learned from when what follows it begins. Validation is chosen on when test begins, and then
    train is learned from once more with it, where there is a refit.

    Parameters
    ----------
    known : KnownLabels
    parts : mapping of str to rows
        Of each part of the split.
    cuts : sequence of float
        Where train and validation end.
    gap : float
        Seconds between a cut and what follows it.

    Returns
    -------
    dict
        For each of ``train``, ``validation`` and ``refit``: ``moment``, ``frauds`` and ``late``.
    """
    first, last = cuts[0] + gap, cuts[-1] + gap
    uses = [("train", "train", first)]
    if "validation" in parts:
        uses += [("validation", "validation", last), ("refit", "train", last)]
    found = {}
    for use, part, time in uses:
        at = known.at[parts[part]]
        frauds = np.isfinite(at)
        late = int(np.count_nonzero(frauds & (at >= time)))
        found[use] = {"moment": time, "frauds": int(frauds.sum()), "late": late}
    return found


def require_known(use: Mapping[str, Any], part: str) -> None:
    """Refuse a part of which no fraud is known by the time it is needed.

    Parameters
    ----------
    use : mapping
        One of :func:`late_labels`.
    part : str
        Its name.

    Raises
    ------
    TableError
    """
    if use["late"] == use["frauds"]:
        when = "it is trained on" if part == "train" else "a threshold is chosen on it"
        raise TableError(
            f"none of the {use['frauds']:,} frauds of {part} is known to be one by the time {when}",
            fix="see that data.label_known names the right column, or leave labels time to come: split.gap",
        )


def said(quantiles: Sequence[float], late: Mapping[str, Mapping[str, Any]]) -> str:
    """How late labels were and what it cost train, as a line for people."""
    of_train = late["train"]
    share = of_train["late"] / max(of_train["frauds"], 1)
    middle, most = quantiles[10], quantiles[18]
    return (
        f"labels of fraud were known {duration(middle)} (median) and {duration(most)} (90 %) after the"
        f" transaction; those of {of_train['late']:,} of train's {of_train['frauds']:,} frauds ({share:.1%})"
        " too late: train has them as legitimate"
    )


def _missing(values: pa.ChunkedArray) -> NDArray[np.bool_]:
    if pa.types.is_string(values.type):
        gone = pc.is_in(pc.utf8_trim_whitespace(values), value_set=pa.array(["NaT", *MISSING_NUMBERS]))
        gone = pc.or_(gone, pc.is_null(values))
    else:
        gone = pc.is_null(values, nan_is_null=True)
    found: NDArray[np.bool_] = gone.to_numpy()
    return found


def _refuse_lacking(lacking: NDArray[np.int64], frauds: NDArray[np.int64], name: str, delay: float) -> None:
    if not lacking.size:
        return
    if lacking.size == frauds.size:
        raise TableError(
            f"column {name!r} has no time for any of the {frauds.size:,} frauds",
            fix="set data.label_known to the column that says when a fraud was reported, or to null",
        )
    if not delay:
        raise TableError(
            f"column {name!r} has no time for {lacking.size:,} of {frauds.size:,} frauds, the first in row"
            f" {lacking[0] + 1}, and data.delay is 0s",
            fix="add data.delay=7d, or how late such labels come, or write 9999-12-31 where they never did",
        )


def _not_early(at: Floats, rows: NDArray[np.int64], time: Times, name: str) -> Iterator[str]:
    """Have no label known before its transaction: clocks that differ a little are forgiven, and said."""
    happened = time.seconds[rows]
    early = at[rows] < happened
    many = int(early.sum())
    if not many:
        return
    if many > _EARLY_SHARE * rows.size:
        row = rows[np.argmax(early)]
        write = moment if time.kind == "timestamp" else duration
        raise TableError(
            f"{many:,} of {rows.size:,} frauds were known before they happened: that of row {row + 1} at"
            f" {write(float(at[row]))} by {name!r}, and it happened at {write(float(time.seconds[row]))}",
            fix="give both columns one time zone and one unit, or correct these rows",
        )
    longest = float((happened - at[rows])[early].max())
    at[rows] = np.maximum(at[rows], happened)
    yield (
        f"{many:,} of {rows.size:,} frauds were known up to {duration(longest)} before they happened, by"
        f" {name!r}: their labels are taken as known at once"
    )
