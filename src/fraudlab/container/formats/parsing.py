"""What a number is as text. The process job and the endpoint read every one by these rules."""

from __future__ import annotations

import math

from fraudlab.container.failure import quoted

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
    raise ValueError(f"not a number: {quoted(text)}")


def is_number(text: str) -> bool:
    """Whether :func:`parse_number` reads a field."""
    try:
        parse_number(text)
    except ValueError:
        return False
    return True
