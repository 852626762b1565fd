"""The words of an expression, each with where it stands."""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

from fraudlab.container.failure import quoted

#: characters of one expression; more is a table's worth of code on a line
MAX_LENGTH = 1_000
_WORD = re.compile(
    r"""\s*(?:
    (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    |(?P<name>[^\W\d]\w*)
    |"(?P<double>(?:[^"]|"")*)"
    |`(?P<back>(?:[^`]|``)*)`
    |'(?P<single>(?:[^']|'')*)'
    |(?P<sign><=|>=|==|!=|[-+*/(),<>])
    )""",
    re.VERBOSE,
)
#: what other languages have, and what is written for it here
HINTS = {
    "**": "multiply instead: x * x",
    "^": "multiply instead: x * x",
    "//": "there is no whole division",
    "%": "there is no remainder",
    "=": "equal is written ==",
    "===": "equal is written ==",
    "<>": "not equal is written !=",
    "!": "write the opposite comparison",
    "not": "write the opposite comparison",
    "and": "min(a > 1, b > 2) is true where both are",
    "&": "min(a > 1, b > 2) is true where both are",
    "&&": "min(a > 1, b > 2) is true where both are",
    "or": "max(a > 1, b > 2) is true where one is",
    "|": "max(a > 1, b > 2) is true where one is",
    "||": "max(a > 1, b > 2) is true where one is",
    "if": "write where(condition, value, other)",
    "else": "write where(condition, value, other)",
    "?": "write where(condition, value, other)",
    ".": "a name with other characters than letters, digits and _ stands in quotes: `a.b`",
}
_SIGNS = re.compile(r"[-+*/%^&|!=<>?]+|.", re.DOTALL)


class ExpressionError(ValueError):
    """What is wrong with an expression, as the end of a sentence."""


class Sort(Enum):
    """What a word is. A column's name in quotes may be followed by no bracket: functions have none."""

    NUMBER = "number"
    NAME = "name"
    COLUMN = "column"
    TEXT = "text"
    SIGN = "sign"
    END = "end"


class Lexeme(NamedTuple):
    """A word; `at` counts characters from 1."""

    sort: Sort
    text: str
    at: int


def words(text: str) -> list[Lexeme]:
    """Cut an expression into words; the last is of sort ``END``.

    Raises
    ------
    ExpressionError
        If it is too long, or a character begins no word.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"has {len(text):,} characters; the limit is {MAX_LENGTH:,}")
    found = []
    place, end = 0, len(text.rstrip())
    while place < end:
        match = _WORD.match(text, place, end)
        if match is None:
            raise _no_word(text[place:end].lstrip(), end)
        found.append(_word(match))
        place = match.end()
        if found[-1].sort is Sort.NUMBER and (tail := re.match(r"[\w.]+", text[place:end])):
            raise ExpressionError(f"has {quoted(found[-1].text + tail[0])}, which is no number")
    return [*found, Lexeme(Sort.END, "", end + 1)]


def _word(match: re.Match[str]) -> Lexeme:
    kind = match.lastgroup or ""
    text, at = match[kind], match.start(kind) + 1
    if kind == "number":
        return Lexeme(Sort.NUMBER, text, at)
    if kind == "name":
        return Lexeme(Sort.NAME, text, at)
    if kind == "sign":
        return Lexeme(Sort.SIGN, text, at)
    quote = {"double": '"', "back": "`", "single": "'"}[kind]
    return Lexeme(Sort.TEXT if kind == "single" else Sort.COLUMN, text.replace(quote * 2, quote), at - 1)


def _no_word(rest: str, end: int) -> ExpressionError:
    if rest[0] in "\"'`":
        return ExpressionError(f"has a quote that is not closed: {quoted(rest)}")
    signs = _SIGNS.match(rest)
    odd = signs[0] if signs else rest[0]
    hint = HINTS.get(odd)
    return ExpressionError(f"has {odd!r} at character {end - len(rest) + 1}" + (f"; {hint}" if hint else ""))
