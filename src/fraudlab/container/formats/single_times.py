"""A single time written as text, read without Arrow: for the rows of a request."""

from __future__ import annotations

import re
from datetime import date

#: year first, so that day and month are in one order; the zone as ISO, SQL, Go and Java write it
PATTERN = (
    r"^(?:(?P<year>[0-9]{4})[-/.](?P<month>[0-9]{1,2})[-/.](?P<day>[0-9]{1,2})"
    r"|(?P<year2>[0-9]{4})(?P<month2>[0-9]{2})(?P<day2>[0-9]{2}))"
    r"(?:(?:[Tt]| +)(?P<hour>[0-9]{1,2})(?::?(?P<minute>[0-9]{2})"
    r"(?::?(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]+))?)?)?)?"
    r" *(?P<zone>(?:[Zz]|UTC|GMT|(?P<sign>[+-])(?P<ahead>[0-9]{2})(?::?(?P<minutes>[0-9]{2}))?)?)"
    r"(?: UTC|\[[A-Za-z_/+0-9-]+\])?$"
)
_ONE_TIME = re.compile(PATTERN)
_DAY_1970 = date(1970, 1, 1).toordinal()


def moment_of(text: str) -> tuple[float, str] | None:
    """One time: seconds since 1970, and its zone. None where it is none.

    It reads what :func:`~fraudlab.container.formats.time_texts.parse_times` reads of a column.

    Examples
    --------
    >>> moment_of("2018-08-15T06:00:00+02:00")
    (1534305600.0, 'offset')
    """
    found = _ONE_TIME.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second, ahead, minutes = (
        int(found[name] or (found[name + "2"] if name in ("year", "month", "day") else None) or 0)
        for name in ("year", "month", "day", "hour", "minute", "second", "ahead", "minutes")
    )
    if hour > 23 or minute > 59 or second > 59 or ahead > 23 or minutes > 59:
        return None
    try:
        days = date(year, month, day).toordinal() - _DAY_1970
    except ValueError:
        return None
    offset = (ahead * 3_600 + minutes * 60) * (-1 if found["sign"] == "-" else 1)
    fraction = float(f"0.{found['fraction'] or 0}")
    seconds = float(days * 86_400 + hour * 3_600 + minute * 60 + second) + fraction - offset
    return seconds, "none" if not found["zone"] else "offset" if offset else "utc"
