"""Numbers as people and spreadsheets write them: 1,009.58 and 1.009,58, $9.58, (9.58), 9.58 USD, 12 %.

What a comma means is settled by the column: "1,009" is read only where another value says which mark is the
decimal one, or the table does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from fraudlab.container.formats.parsing import is_number, parse_number

_SYMBOLS = "$€£¥₹₽₩₺₫฿₴₦₪₱"
_CODES = (
    "AED ARS AUD BGN BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR ISK JPY KES KRW MXN MYR"
    " NGN NOK NZD PEN PHP PLN RON RUB SAR SEK SGD THB TRY TWD UAH USD VND ZAR"
)
_MONEY = rf"(?:[A-Z]{{0,2}}[{re.escape(_SYMBOLS)}]|{'|'.join(_CODES.split())}|R\$)"
_SPACES = " \u00a0\u202f"
_NUMERAL = re.compile(
    rf"(?P<open>\()?[{_SPACES}]*(?P<sign>[-+\u2212]?)[{_SPACES}]*(?P<before>{_MONEY})?[{_SPACES}]*(?P<sign2>[-+\u2212]?)"
    rf"(?P<digits>[0-9.,][0-9.,'\u2019{_SPACES}]*?)(?P<power>[eE][-+]?[0-9]+)?"
    rf"[{_SPACES}]*(?P<after>{_MONEY}|%)?(?P<last>-?)[{_SPACES}]*(?P<close>\))?"
)
_GROUPED = {
    mark: re.compile(
        rf"(?:[0-9]{{1,3}}(?:(?P<by>[{other}'\u2019{_SPACES}])[0-9]{{3}})(?:(?P=by)[0-9]{{3}})*"
        + (r"|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}" if mark == "." else "")
        + rf")(?:{re.escape(mark)}[0-9]*)?"
    )
    for mark, other in ((".", ","), (",", "."))
}
_PLAIN = {mark: re.compile(rf"[0-9]+(?:{mark}[0-9]*)?|{mark}[0-9]+") for mark in (r"\.", ",")}


@dataclass(frozen=True, slots=True)
class _Numeral:
    """One numeral, taken apart; `marks` are the decimal marks it may have."""

    digits: str
    power: str
    negative: bool
    unit: str
    marks: frozenset[str]

    def value(self, mark: str) -> float:
        """What it is worth, rounded once."""
        kept = re.sub(rf"[^0-9{re.escape(mark)}]", "", self.digits).replace(mark, ".")
        power = int(self.power[1:] or 0) - (2 if self.unit == "%" else 0)
        found = float(f"{kept}e{power}")
        return -found if self.negative else found


class UncertainError(ValueError):
    """A value that is no number, or may be two; `position` is where it stands, `why` may be empty."""

    def __init__(self, position: int, why: str = "", fix: str = "") -> None:
        super().__init__(why)
        self.position = position
        self.why = why
        self.fix = fix


def possible_marks(text: str) -> frozenset[str] | None:
    """The decimal marks a numeral may have, both for 1,009 and one for 9,58; None for what is no numeral."""
    numeral = _take_apart(text)
    return None if numeral is None else numeral.marks


def parse_each(texts: Sequence[str]) -> list[float]:
    """Read texts as numbers, each by itself: a row's value then never depends on its neighbours'.

    Raises
    ------
    UncertainError
        At the first text that :func:`~fraudlab.container.formats.parsing.parse_number` does not read.
    """
    found = []
    for position, text in enumerate(texts):
        try:
            found.append(parse_number(text))
        except ValueError as error:
            raise UncertainError(position) from error
    return found


def parse_column(texts: Sequence[str], *, decimal: str | None = None) -> list[float]:
    """Read the distinct texts of one column as numbers, NaN where one is missing.

    Parameters
    ----------
    texts : sequence of str
    decimal : {".", ","}, optional
        The mark of the table, for a column that does not settle it.

    Raises
    ------
    UncertainError
        At the first text that is no number; or where commas, currencies or percent signs do not agree.
    """
    if decimal != ",":
        try:
            return [parse_number(text) for text in texts]
        except ValueError:
            pass
    found: list[_Numeral | float] = []
    for position, text in enumerate(texts):
        numeral = _take_apart(text)
        if numeral is not None:
            found.append(numeral)
            continue
        try:
            found.append(parse_number(text))
        except ValueError as error:
            raise UncertainError(position) from error
    numerals = {position: one for position, one in enumerate(found) if isinstance(one, _Numeral)}
    mark = _mark(numerals, texts, decimal)
    _check_units(numerals, texts)
    return [one.value(mark) if isinstance(one, _Numeral) else one for one in found]


def _take_apart(text: str) -> _Numeral | None:
    match = _NUMERAL.fullmatch(text.strip())
    if match is None or bool(match["open"]) != bool(match["close"]):
        return None
    signs = [sign for sign in (match["sign"], match["sign2"], match["last"]) if sign]
    if len(signs) > 1 or (signs and match["open"]) or (match["before"] and match["after"]):
        return None
    digits = match["digits"].strip(_SPACES)
    marks = frozenset(
        mark
        for mark, plain in ((".", _PLAIN[r"\."]), (",", _PLAIN[","]))
        if plain.fullmatch(digits) or _GROUPED[mark].fullmatch(digits)
    )
    if not marks:
        return None
    negative = bool(match["open"]) or (bool(signs) and signs[0] != "+")
    return _Numeral(digits, match["power"] or "", negative, match["before"] or match["after"] or "", marks)


def _mark(numerals: dict[int, _Numeral], texts: Sequence[str], decimal: str | None) -> str:
    certain: dict[str, int] = {}
    for position, numeral in numerals.items():
        if len(numeral.marks) == 1:
            certain.setdefault(next(iter(numeral.marks)), position)
    if len(certain) == 2:
        raise UncertainError(
            max(certain.values()),
            f"{texts[min(certain.values())]!r} has another decimal mark",
            "write all numbers of a column with one decimal mark",
        )
    if certain:
        return next(iter(certain))
    if decimal is not None:
        return decimal
    for position, numeral in numerals.items():
        if "," in numeral.digits:
            plain = texts[position]
            raise UncertainError(
                position,
                f"{plain!r} is {numeral.value('.'):g} or {numeral.value(','):g}",
                'say which mark is the decimal one: data.decimal="." or data.decimal=","',
            )
    return "."


def _check_units(numerals: dict[int, _Numeral], texts: Sequence[str]) -> None:
    units: dict[str, int] = {}
    for position, numeral in numerals.items():
        units.setdefault(numeral.unit, position)
    percent = "%" in units
    money = sorted(unit for unit in units if unit not in ("", "%"))
    if (percent and len(units) > 1) or len(money) > 1:
        one, other = ("%", next(unit for unit in units if unit != "%")) if percent else money[:2]
        raise UncertainError(
            max(units[one], units[other]),
            f"{texts[min(units[one], units[other])]!r} has another unit",
            "write all values of a column in one unit, or list it in data.categorical or data.drop",
        )


def reads_as_number(text: str) -> bool:
    """Whether a field is a number, or missing, as a person or a program writes one."""
    return is_number(text) or possible_marks(text) is not None
