"""What a field of text means. The process job and the endpoint read every value by these rules."""

from __future__ import annotations

import math
from typing import Any

from fraudlab.container.failure import shown

#: what stands for a missing number; a category is missing only where its field is empty: "NA" is a country
MISSING_NUMBERS = ("", "NaN", "nan", "NA", "N/A", "n/a", "#N/A", "NULL", "null", "None")
_BOOLEANS = {"true": 1.0, "false": 0.0}


def parse_number(text: str) -> float:
    """The number a field holds: NaN where it is missing, 1 and 0 for true and false.

    Raises
    ------
    ValueError
        If the field holds anything else.
    """
    stripped = text.strip()
    # float() also reads 1_000 and digits of other scripts, which no table means.
    if "_" not in stripped and stripped.isascii():
        try:
            return float(stripped)
        except ValueError:
            if stripped in MISSING_NUMBERS:
                return math.nan
            if (boolean := _BOOLEANS.get(stripped.lower())) is not None:
                return boolean
    raise ValueError(f"not a number: {shown(text)}")


def is_number(text: str) -> bool:
    """Whether :func:`parse_number` reads a field."""
    try:
        parse_number(text)
    except ValueError:
        return False
    return True


def category_text(value: Any) -> str | None:
    """The name of the category a JSON value means: 3, 3.0 and "3" are the same one, null and "" are missing.

    Raises
    ------
    ValueError
        If the value is a list or an object.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return None if math.isnan(value) else str(int(value)) if value.is_integer() else repr(value)
    raise ValueError(f"not a category: {shown(value)}")
