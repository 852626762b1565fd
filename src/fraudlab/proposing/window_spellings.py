"""What the name of a column says: an amount, the window it is counted over, what is taken of it, of whom.

``CUSTOMER_ID_AVG_AMOUNT_7DAY_WINDOW``, ``avgAmount7d`` and ``mean_amt_last_7_days`` say the same. A name is
only half of it: :mod:`fraudlab.proposing.candidates` looks at the values before it believes one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

_HOUR, _DAY = 3_600, 86_400


class Statistic(Enum):
    """What is taken of the rows of a window."""

    mean = "mean"
    count = "count"
    sum = "sum"
    spread = "spread"
    largest = "largest"
    smallest = "smallest"
    share = "share"


@dataclass(frozen=True, slots=True)
class Spelling:
    """What a name says.

    Attributes
    ----------
    name : str
    window : int or None
        Its length in seconds; None where it names none.
    statistic : Statistic or None
    amount : bool
        Whether it is about money.
    level : bool
        Whether it is what an amount is held against: a balance, a limit, an income.
    rest : tuple of str
        The words that say none of these, sorted: of whom.
    """

    name: str
    window: int | None
    statistic: Statistic | None
    amount: bool
    level: bool
    rest: tuple[str, ...]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_UNITS = {
    1: "s sec secs second seconds",
    60: "min mins minute minutes minuten",
    _HOUR: "h hr hrs hour hours hourly std stunde stunden heure heures hora horas",
    _DAY: "d day days daily tag tage tagen jour jours dia dias",
    7 * _DAY: "w wk wks week weeks weekly woche wochen semaine semaines semana semanas",
    30 * _DAY: "mo mon mth month months monthly monat monate monaten mois mes meses",
    365 * _DAY: "y yr yrs year years yearly jahr jahre an ans ano anos",
}
_SECONDS = {word: seconds for seconds, words in _UNITS.items() for word in words.split()}
#: units that a number may follow, as in ``d30`` and ``days_7``
_LEADING = _words("d day days h hr hour hours w wk week weeks mo month months tage stunden")
#: words that are a window without a number
_PERIODS = _words("hourly daily weekly monthly yearly")
_BEFORE_PERIOD = _words("last past prev previous rolling trailing recent")
#: numbers of a window whose unit nobody wrote, as in ``amt_avg_7``
_USUAL = frozenset((1, 2, 3, 5, 6, 7, 10, 12, 14, 15, 20, 21, 24, 28, 30, 45, 60, 90, 120, 180, 360, 365))
#: ``m`` is minutes behind these, months behind others
_MINUTES = frozenset((5, 10, 15, 20, 30, 45, 60, 90))
_STATISTICS = {
    Statistic.mean: "avg average mean median med mittel durchschnitt moyenne promedio",
    Statistic.count: "nb cnt count counts num number n freq frequency velocity anzahl nombre numero",
    Statistic.sum: "sum total tot cum cumulative summe somme suma",
    Statistic.spread: "std stdev stddev sd deviation",
    Statistic.largest: "max maximum highest largest biggest",
    Statistic.smallest: "min minimum lowest smallest",
    Statistic.share: "risk rate share fraction proportion pct percent percentage",
}
_STATISTIC = {word: kind for kind, words in _STATISTICS.items() for word in words.split()}
_AMOUNT = _words("amount amounts amt amnt betrag montant importe monto spend spent spending price")
_LEVEL = ("balance", "limit", "income", "saldo")
#: a value is an amount where it is that of one of these
_PAYMENT = _words(
    "tx txn txns trx transaction transactions trans payment payments purchase purchases order "
    "orders transfer transfers"
)
_FILLING = _words(
    "window windows win last past prev previous rolling trailing recent over in the of per within for by"
)
_CAMEL = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[^\W\d_]+|\d+")
_MAX_DIGITS = 4


#: more is no window, such as the year or the number of a norm
_LONGEST = 10 * 365 * _DAY


def read_spelling(name: str) -> Spelling:
    """What a column's name says of it.

    Parameters
    ----------
    name : str
    """
    words = [word.lower() for word in _WORD.findall(_CAMEL.sub("_", name))]
    window, others = _window(words)
    if window is not None and window <= _LONGEST:
        words = others
    else:
        window = None
    statistics = [_STATISTIC[word] for word in words if word in _STATISTIC]
    payment = any(word in _PAYMENT for word in words)
    amount = any(word in _AMOUNT or (word == "value" and payment) for word in words)
    level = any(word.endswith(_LEVEL) for word in words)
    said = _AMOUNT | _PAYMENT | _FILLING | _STATISTIC.keys() | {"value"}
    rest = tuple(sorted(word for word in words if word not in said))
    # "number of transactions" and "total number" are counts, "total amount" is a sum
    found = Statistic.count if Statistic.count in statistics else next(iter(statistics), None)
    return Spelling(name, window, found, amount and found is not Statistic.count, level, rest)


def _window(words: list[str]) -> tuple[int | None, list[str]]:
    """The length of the window that a name has, and its other words."""
    statistic = any(word in _STATISTIC for word in words)
    for at, word in enumerate(words):
        follows = words[at + 1] if at + 1 < len(words) else ""
        if word.isdecimal() and len(word) <= _MAX_DIGITS and int(word):
            if follows == "m":
                unit = 60 if int(word) in _MINUTES else 30 * _DAY
                return int(word) * unit, words[:at] + words[at + 2 :]
            if follows in _SECONDS:
                return int(word) * _SECONDS[follows], words[:at] + words[at + 2 :]
        if statistic and word in _LEADING and follows.isdecimal() and len(follows) <= _MAX_DIGITS:
            if int(follows):
                return int(follows) * _SECONDS[word], words[:at] + words[at + 2 :]
        elif word in _PERIODS or (word in _SECONDS and at and words[at - 1] in _BEFORE_PERIOD):
            return _SECONDS[word], words[:at] + words[at + 1 :]
    last = words[-1] if words else ""
    if statistic and last.isdecimal() and len(last) <= _MAX_DIGITS and int(last) in _USUAL:
        return int(last) * _DAY, words[:-1]
    return None, words
