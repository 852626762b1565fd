"""Conditions on runs as people write them, read into a tree; nothing of them is ever executed.

::

    condition  = all { ("or" | "||") all }
    all        = one { ("and" | "&" | "&&" | ",") one }
    one        = ("not" | "!") one | "(" condition ")" | test
    test       = word [ sign word { sign word } | ["not"] "in" list | "is" ["not"] "null" ]
    list       = ("(" | "[") word { "," word } (")" | "]")
    sign       = "=" | "==" | "!=" | "<>" | "<" | "<=" | ">" | ">=" | "~" | "!~"
                 | "like" | "contains"
    word       = anything without spaces and signs, or a text in quotes
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from fraudlab.errors import ConfigError

EXAMPLE = '--where "average_precision>0.8 and backend=local"'
_MAX_CHARACTERS = 4_000
_MAX_DEPTH = 50
_SPELLED = {"==": "=", "≤": "<=", "=<": "<=", "≥": ">=", "=>": ">=", "≠": "!=", "<>": "!=", "=~": "~"}
_JOINED = {"&&": "and", "&": "and", "||": "or", "|": "or"}
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>"[^"]*"|'[^']*'|“[^”]*”|‘[^’]*’)
      | (?P<sign>==|!=|<>|<=|>=|=<|=>|=~|!~|[=<>~≤≥≠])
      | (?P<join>&&?|\|\|?)
      | (?P<mark>[()\[\],!])
      | (?P<word>[^\s"'“‘=<>~≤≥≠&|()\[\],!]+)
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Word:
    """A name or a value, as it was written."""

    text: str
    quoted: bool = False

    def __str__(self) -> str:
        return repr(self.text) if self.quoted else self.text


@dataclass(frozen=True)
class Test:
    """Two words and what stands between them; a name alone has no sign."""

    left: Word
    sign: str | None = None
    right: Word | None = None


@dataclass(frozen=True)
class AnyOf:
    """A name and the values of which it may have one."""

    left: Word
    values: tuple[Word, ...]


@dataclass(frozen=True)
class Absent:
    """Whether a run has no such value."""

    left: Word


@dataclass(frozen=True)
class Negation:
    part: Condition


@dataclass(frozen=True)
class Junction:
    """Parts of which all hold, or any."""

    parts: tuple[Condition, ...]
    every: bool


Condition: TypeAlias = "Test | AnyOf | Absent | Negation | Junction"


def parse_condition(text: str) -> Condition:
    """Read a condition.

    Raises
    ------
    ConfigError
        Where it is none, with the place where it stops being one.

    Examples
    --------
    >>> from fraudlab.runs.condition_parser import parse_condition
    >>> parse_condition("recall>=0.5")
    Test(left=Word(text='recall', quoted=False), sign='>=', right=Word(text='0.5', quoted=False))
    """
    return _Reading(text).whole()


class _Reading:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self._tokens = self._split()

    def whole(self) -> Condition:
        if not self._tokens:
            raise ConfigError("--where is empty.", fix=f"write a condition: {EXAMPLE}")
        found = self._any()
        if self._kind():
            self._refuse(f"it goes on with {self._here()!r}")
        return found

    def _split(self) -> list[tuple[str, str]]:
        if len(self._text) > _MAX_CHARACTERS:
            raise ConfigError(
                f"--where has {len(self._text):,} characters.", fix=f"valid: up to {_MAX_CHARACTERS:,}"
            )
        tokens, at = [], 0
        while self._text[at:].strip():
            found = _TOKEN.match(self._text, at)
            if found is None or found.lastgroup is None:
                quote = self._text[at:].strip()[:1]
                raise ConfigError(f"--where {self._text!r}: the text that begins with {quote} has no end.",
                                  fix="close it, or put the other kind of quotes around it")  # fmt: skip
            kind, word = found.lastgroup, found[found.lastgroup]
            if kind == "join":
                kind, word = "word", _JOINED[word]
            tokens.append((kind, _SPELLED.get(word, word) if kind == "sign" else word))
            at = found.end()
        return tokens

    def _any(self) -> Condition:
        return self._joined(("or",), self._all, every=False)

    def _all(self) -> Condition:
        return self._joined(("and", ","), self._one, every=True)

    def _joined(self, words: tuple[str, ...], part: Callable[[], Condition], *, every: bool) -> Condition:
        parts = [part()]
        while self._take(*words):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Junction(tuple(parts), every)

    def _one(self) -> Condition:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ConfigError(
                f"--where is nested more than {_MAX_DEPTH} deep.",
                fix="leave out brackets that change nothing",
            )
        found: Condition
        if self._take("not", "!"):
            found = Negation(self._one())
        elif self._take("("):
            found = self._any()
            if not self._take(")"):
                self._refuse("a bracket is not closed")
        else:
            found = self._test()
        self._depth -= 1
        return found

    def _test(self) -> Condition:
        left = self._word("a name")
        if self._take("is"):
            negated = self._take("not")
            if not self._take("null", "none", "missing", "empty"):
                self._refuse("behind 'is' stands null, or not null")
            return Negation(Absent(left)) if negated else Absent(left)
        if self._take("not"):
            if not self._take("in"):
                self._refuse("behind a name, 'not' is followed by 'in'")
            return Negation(AnyOf(left, self._list()))
        if self._take("in"):
            return AnyOf(left, self._list())
        tests: list[Condition] = []
        while sign := self._sign():
            right = self._word("a value")
            tests.append(Test(left, sign, right))
            left = right
        if len(tests) > 1:  # 0.5 < recall < 0.9
            return Junction(tuple(tests), every=True)
        if not tests and not left.quoted and left.text[:1].isdecimal():
            self._refuse(f"{left.text!r} alone says nothing")
        return tests[0] if tests else Test(left)

    def _sign(self) -> str | None:
        if self._kind() == "sign":
            self._at += 1
            return self._tokens[self._at - 1][1]
        return "~" if self._take("like", "contains") else None

    def _list(self) -> tuple[Word, ...]:
        closing = {"(": ")", "[": "]"}.get(self._here())
        if closing is None:
            self._refuse("behind 'in' stands a list, such as (local, process)")
        self._at += 1
        values = [self._word("a value")]
        while self._take(","):
            values.append(self._word("a value"))
        if not self._take(closing):
            self._refuse("a list is not closed")
        return tuple(values)

    def _word(self, what: str) -> Word:
        kind, text = self._kind(), self._here()
        plain = kind == "word" and text.lower() not in {"and", "or", "not", "in", "is"}
        if not plain and kind != "text":
            self._refuse(f"{what} is expected, not {text!r}" if kind else f"it ends where {what} is expected")
        self._at += 1
        return Word(text[1:-1], quoted=True) if kind == "text" else Word(text)

    def _kind(self) -> str:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ""

    def _here(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _take(self, *words: str) -> bool:
        found = self._kind() in {"word", "mark"} and self._here().lower() in words
        self._at += found
        return found

    def _refuse(self, why: str) -> NoReturn:
        # a comma joins conditions, and 0,8 is none
        comma = re.search(r"\d,\d", self._text)
        fix = "write a number with a point, as 0.8" if comma else f"write it like {EXAMPLE}"
        raise ConfigError(f"--where {self._text!r} is not a condition: {why}.", fix=fix)
