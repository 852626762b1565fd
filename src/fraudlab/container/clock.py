"""The time of a row as a model reads it: by its hour and its day of the week, and by nothing else.

Seconds since 1970 need 31 bits, and a model's inputs have 24. What an expression can ask of a time is the
hour and the weekday, and both are in the number of the hour within its week, 0 to 167, which float32 holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.contract import Fields

#: what times that are written or typed say of their zone
ZONES = ("none", "utc", "offset")
#: what numbers may count
UNITS = ("s", "ms", "us", "ns", "min", "h", "d", "excel", "yyyymmddhhmmss")
_HOUR, _WEEK = 3_600.0, 168.0
#: 1970 began on a Thursday, and a week does on Monday
_HOURS_BEFORE_1970 = 72.0


@dataclass(frozen=True, slots=True)
class Clock:
    """How the times of a table are to be read, as the process job understood them.

    Attributes
    ----------
    dated : bool
        Whether they are dates; else they count from a start that the table does not tell.
    unit : str or None
        What numbers count; None where no number was among them.
    zone : str or None
        Of times that are no numbers: ``none`` has no zone, ``utc`` is UTC, ``offset`` has another.
    """

    dated: bool
    unit: str | None = None
    zone: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The clock as a column of ``model.json`` has it."""
        return {"dated": self.dated, "unit": self.unit, "zone": self.zone}

    def hours(self, seconds: NDArray[np.float64]) -> NDArray[np.float32]:
        """The hour within the week of each time, NaN where it is missing.

        Parameters
        ----------
        seconds : ndarray of float64
            Since 1970, or since the start of the count, which then begins a Monday.

        Examples
        --------
        >>> Clock(dated=True).hours(np.array([0.0, 3600.0 * 95, 3600.0 * 96])).tolist()
        [72.0, 167.0, 0.0]
        """
        start = _HOURS_BEFORE_1970 if self.dated else 0.0
        found: NDArray[np.float64] = (np.floor_divide(seconds, _HOUR) + start) % _WEEK
        return found.astype(np.float32)


def read_clock(fields: Fields) -> Clock:
    """The clock that a column of ``model.json`` describes.

    Raises
    ------
    ConfigError
        If it describes none.
    """
    return _clock(fields, dated=fields.get("dated", bool))


def clock_of(time: Fields) -> Clock:
    """The clock of a table whose ``manifest.json`` records this of its time.

    Raises
    ------
    ConfigError
        If it is no such record.
    """
    return _clock(time, dated=time.choice("kind", "timestamp", "number") == "timestamp")


def _clock(fields: Fields, *, dated: bool) -> Clock:
    unit = fields.choice("unit", *UNITS) if fields.has("unit") else None
    zone = fields.choice("zone", *ZONES) if fields.has("zone") else None
    return Clock(dated, unit, zone)
