"""One name for each category, whatever file format or type its value comes in.

A model learns names from one file and meets values from another, which may have another type: pandas writes
the integers of a column with gaps as ``5.0``, Parquet has booleans where CSV has text. So every value becomes
one name before it is learned or looked up. What a text can mean in two ways keeps its own spelling: ``007``
is not 7, and a version ``1.10`` is not 1.1.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from fraudlab.container.failure import quoted

_BOOLEANS = ("true", "false")
#: what is written of a whole number once its column has become one of floats
_WHOLE = re.compile(r"(-?(?:0|[1-9][0-9]*))\.0*")
#: floats as Python, C and R write them (1e+15, 2.5e-07), and as Java does (1.5E15)
_FLOAT = re.compile(r"-?[1-9](?:(?:\.[0-9]+)?e[+-]([0-9]{2,3})|\.[0-9]+E-?([0-9]{1,3}))")
#: below this power of ten nobody writes a float with an exponent, so that it may be a code
_MIN_EXPONENT = 4
_FLAGS = {"1": "true", "0": "false"}


def category_text(value: Any) -> str | None:
    """The name of the category that a value of any type means; None where it is missing.

    Parameters
    ----------
    value : object
        Text, a boolean, an integer, a float of any width, a decimal, or None. 3, 3.0, ``"3"`` and ``"3.0"``
        have one name. Numbers are plain digits, as few as read back in the value's own type: a float32
        0.1 is ``0.1``.

    Raises
    ------
    ValueError
        If it is of another type, such as a list or a date.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return canonical_text(value)
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        return None if math.isnan(value) else _float_text(value)
    if isinstance(value, Decimal):
        return _plain(value)
    raise ValueError(f"not a category: {quoted(value)}")


def canonical_text(text: str) -> str | None:
    """The name of the category that a text means; None where it is empty, which is missing.

    Re-spelt is only what has one meaning: ``5.0`` is 5, ``1e+15`` is a float with all its digits,
    ``True`` is true, and é is é in each of the two forms Unicode has for it. Everything else is its own name.
    """
    if not text:
        return None
    if text[-1] in "0123456789.":
        if whole := _WHOLE.fullmatch(text):
            return whole[1] if whole[1] != "-0" else "0"
        found = _FLOAT.fullmatch(text)
        if found and int(found[1] or found[2]) >= _MIN_EXPONENT and math.isfinite(number := float(text)):
            return _float_text(number)
        return text
    if not text.isascii():
        # One text in two forms: é as one character, and as e with an accent.
        return unicodedata.normalize("NFC", text)
    lower = text.lower()
    return lower if lower in _BOOLEANS else text


def sent_text(value: Any) -> str | None:
    """As :func:`category_text`, but text as it is: :func:`codes_of` knows the spellings of a model's list.

    Raises
    ------
    ValueError
        As :func:`category_text`.
    """
    return value or None if isinstance(value, str) else category_text(value)


def codes_of(categories: Sequence[str]) -> dict[str, int]:
    """The position of each category of a model, by every name a lookup may find it under.

    Those are its own spelling, which comes first, so that an older model in which two spellings are two
    categories says what it said; its name, if an older model has another spelling; and 1 and 0 where the list
    has true or false, or the other way round. A text that is not there is looked up again by its name.

    Parameters
    ----------
    categories : sequence of str
        In the order of the model.
    """
    codes = {text: code for code, text in enumerate(categories)}
    for code, text in enumerate(categories):
        codes.setdefault(canonical_text(text) or text, code)
    if not codes.keys() & _FLAGS.keys():
        known = _FLAGS
    elif codes.keys() <= {*_FLAGS, "1.0", "0.0"}:
        known = {boolean: digit for digit, boolean in _FLAGS.items()}
    else:
        return codes
    return codes | {flag: codes[name] for flag, name in known.items() if name in codes}


def _float_text(value: float | np.floating[Any]) -> str:
    if math.isfinite(value) and float(value).is_integer():
        return str(int(value))
    text = str(value)
    return _plain(Decimal(text)) if "e" in text else text


def _plain(number: Decimal) -> str:
    if not number.is_finite():
        return str(number)
    digits = f"{number:f}"
    if "." in digits:
        digits = digits.rstrip("0").removesuffix(".")
    return digits if digits != "-0" else "0"
