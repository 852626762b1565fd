"""What the text of a hyperparameter can mean: numbers, choices, metrics, constraints."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from fraudlab.container.hyperparameters.eval_metrics import COMPUTED, METRICS, is_hook, owner, printed

#: largest whole number of SageMaker's own ranges, and of XGBoost's
MAX_INT32 = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of value.

    Attributes
    ----------
    wanted : str
        What is valid, as it follows "set it to".
    read : callable
        From text to value; raises ValueError, as :class:`Unfit` where there is more to say.
    """

    wanted: str
    read: Callable[[str], Any]


class Unfit(ValueError):
    """A value that is understood and cannot be used; the message is the reason."""


def number(minimum: float, maximum: float = math.inf, *, above: bool = False, below: bool = False) -> Kind:
    """A finite number of a range; `above` leaves out the minimum itself, `below` the maximum."""

    def read(text: str) -> float:
        value = _float(text)
        inside = minimum <= value <= maximum and math.isfinite(value)
        if not inside or (above and value == minimum) or (below and value == maximum):
            raise ValueError
        return value

    lower = f"above {minimum:g}" if above else f"of at least {minimum:g}"
    upper = "" if maximum == math.inf else f" and {'below' if below else 'at most'} {maximum:g}"
    return Kind(f"a number {lower}{upper}", read)


def whole(
    minimum: int, maximum: int = MAX_INT32, *, but: int | None = None, same: Mapping[int, int] | None = None
) -> Kind:
    """A whole number of a range, also where it is written as ``6.0``.

    Parameters
    ----------
    minimum, maximum : int
    but : int, optional
        Not one of them.
    same : mapping of int to int, optional
        Other numbers for valid ones.
    """

    def read(text: str) -> int:
        value = _float(text)
        value = (same or {}).get(int(value), value) if math.isfinite(value) and value == int(value) else value
        if not (minimum <= value <= maximum and value == int(value) and value != but):
            raise ValueError
        return int(value)

    upper = "" if maximum == MAX_INT32 else f" and at most {maximum}"
    return Kind(f"a whole number of at least {minimum}{upper}" + (f", but not {but}" if but else ""), read)


def or_auto(kind: Kind) -> Kind:
    """What `kind` takes, or ``auto``: the job chooses once it knows its rows."""
    return Kind(f"auto, or {kind.wanted}", lambda text: text if text == "auto" else kind.read(text))


def flag() -> Kind:
    """True or false, in any of the ways they are written."""

    def read(text: str) -> bool:
        if text.lower() not in ("true", "1", "false", "0"):
            raise ValueError
        return text.lower() in ("true", "1")

    return Kind("true or false", read)


def only(value: bool, *, why: str) -> Kind:
    """The one of true and false that is what happens anyway."""
    either = flag()

    def read(text: str) -> bool:
        if either.read(text) != value:
            raise Unfit(why)
        return value

    return Kind(str(value).lower(), read)


def one_of(*valid: str, same: Mapping[str, str] | None = None, why: Mapping[str, str] | None = None) -> Kind:
    """One of some words.

    Parameters
    ----------
    valid : str
    same : mapping of str to str, optional
        Other words for valid ones.
    why : mapping of str to str, optional
        Patterns of words that XGBoost knows, and the reason why they are not valid here.
    """

    def read(text: str) -> str:
        word = (same or {}).get(text, text)
        if word not in valid:
            raise _unfit(why or {}, word)
        return word

    return Kind(f"one of {', '.join(valid)}" if len(valid) > 1 else valid[0], read)


def objective(why: Mapping[str, str]) -> Kind:
    """The objective XGBoost has for two classes, or a hook.

    ``reg:logistic`` has the same gradients, grows the same trees and gives the same probabilities.
    """

    def read(text: str) -> str:
        text = "binary:logistic" if text == "reg:logistic" else text
        if text != "binary:logistic" and not is_hook(text):
            raise _unfit(why, text)
        return text

    return Kind("one of binary:logistic, hook:NAME", read)


def metrics(why: Mapping[str, str]) -> Kind:
    """One or more metrics, separated by commas or as a JSON list; each in the form XGBoost prints it in."""

    def read(text: str) -> tuple[str, ...]:
        given = json.loads(text) if text.startswith("[") else text.split(",")
        found = tuple(_metric(str(item).strip(), why) for item in given)
        if not found:
            raise ValueError
        names = [printed(metric) for metric in found]
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise Unfit(f"{twice} is there twice")
        return found

    return Kind(
        f"one or more of {', '.join((*METRICS, *COMPUTED))}, error@THRESHOLD, pre@ALERTS, hook:NAME", read
    )


def monotone() -> Kind:
    """A direction a column: JSON by name, or JSON or XGBoost's tuple by position."""

    def read(text: str) -> dict[str, int] | tuple[int, ...]:
        value = _constraint(text)
        directions = list(value.values()) if isinstance(value, dict) else value
        if not isinstance(directions, list) or not directions:
            raise ValueError
        if not all(type(item) is int and -1 <= item <= 1 for item in directions):
            raise Unfit("a direction is 1 (rising), -1 (falling) or 0")
        return value if isinstance(value, dict) else tuple(value)

    return Kind('a direction a column, such as {"amount": 1} or (1,0,-1)', read)


def interactions() -> Kind:
    """Groups of columns: JSON by name or position, or XGBoost's text of positions."""

    def read(text: str) -> tuple[tuple[str | int, ...], ...]:
        groups = _constraint(text)
        if not isinstance(groups, list) or not all(isinstance(group, list) and group for group in groups):
            raise ValueError
        if not all(type(item) in (str, int) for group in groups for item in group):
            raise Unfit("a column is a name or a position")
        return tuple(tuple(group) for group in groups)

    return Kind('groups of columns, such as [["amount", "hour"], ["age"]] or [[0,1],[2]]', read)


def members(most: int) -> Kind:
    """How many models a model is the average of, or what sets each of them apart."""

    def read(text: str) -> int | tuple[dict[str, Any], ...] | None:
        if not text.startswith("["):
            count: int = whole(1, most).read(text)
            return None if count == 1 else count
        given = json.loads(text, object_pairs_hook=_distinct)
        if not all(isinstance(item, dict) for item in given):
            raise Unfit("a member is an object of hyperparameters")
        if not 1 <= len(given) <= most:
            raise Unfit(f"it lists {len(given)} members")
        return tuple(given)

    wanted = f'a whole number of at least 1 and at most {most}, or a list such as [{{"max_depth": 3}}, {{}}]'
    return Kind(wanted, read)


def tuned() -> Kind:
    """The metric a SageMaker tuning job watches: the name of one of the job's metric definitions."""

    def read(text: str) -> str:
        if text.startswith("train:"):
            raise Unfit("metrics are computed on validation only")
        return text

    return Kind("validation: and one of eval_metric, such as validation:aucpr", read)


def _metric(text: str, why: Mapping[str, str]) -> str:
    if is_hook(text):
        if whose := owner(printed(text)):
            raise Unfit(f"a hook called {printed(text)} could not be told from {whose} {printed(text)}")
        return text
    name, at, argument = text.partition("@")
    if name == "error" and at:
        return _error_at(argument)
    if name == "pre" and at and argument.isascii() and argument.isdigit() and 1 <= int(argument) <= MAX_INT32:
        return f"pre@{int(argument)}"
    if text not in METRICS and text not in COMPUTED:
        raise _unfit(why, text)
    return text


def _error_at(threshold: str) -> str:
    value = _float(threshold)
    if not 0.0 < value < 1.0:
        raise Unfit("the threshold of error@ is above 0 and below 1")
    # XGBoost prints six digits, and 0.5 not at all: one spelling, so that its lines are found again
    return "error" if f"{value:g}" == "0.5" else f"error@{value:g}"


def _constraint(text: str) -> Any:
    """JSON, or the same with round brackets."""
    plain = text if '"' in text else text.translate(_ROUND_BRACKETS)
    return json.loads(plain, object_pairs_hook=_unique)


_ROUND_BRACKETS = str.maketrans("()", "[]")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise Unfit("a column is there twice")
    return dict(pairs)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise Unfit("a member has a parameter twice")
    return dict(pairs)


def _float(text: str) -> float:
    # Python would also take 1_000 and the digits of other scripts
    if "_" in text or not text.isascii():
        raise ValueError
    return float(text)


def _unfit(why: Mapping[str, str], text: str) -> ValueError:
    reason = next((reason for pattern, reason in why.items() if fnmatchcase(text, pattern)), "")
    return Unfit(reason) if reason else ValueError()
