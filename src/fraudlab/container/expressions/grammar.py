"""The grammar of an expression: from words to a tree.

::

    expression = sum, [("<" | "<=" | ">" | ">=" | "==" | "!="), sum]
    sum        = product, {("+" | "-"), product}
    product    = signed, {("*" | "/"), signed}
    signed     = {"-"}, value
    value      = number | text | column | name, "(", expression, {",", expression}, ")" | "(", expression, ")"

Written by hand, and bounded: the tree of an expression is as deep as `MAX_DEPTH` brackets and as large as
`MAX_NODES`, so nothing that walks it can run out of stack or time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from fraudlab.container.expressions.lexing import HINTS, ExpressionError, Lexeme, Sort, words
from fraudlab.container.failure import quoted

MAX_DEPTH = 32
MAX_NODES = 200
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")


@dataclass(frozen=True, slots=True)
class Constant:
    """A number of an expression."""

    value: float


@dataclass(frozen=True, slots=True)
class ColumnName:
    """A column, of the table or declared before."""

    name: str


@dataclass(frozen=True, slots=True)
class Text:
    """A category's name."""

    value: str


@dataclass(frozen=True, slots=True)
class Call:
    """An operator or a function with what it is applied to; ``neg`` is the minus in front."""

    function: str
    arguments: tuple[Tree, ...]


Tree: TypeAlias = Constant | ColumnName | Text | Call


def parse(text: str) -> Tree:
    """The tree of an expression.

    Raises
    ------
    ExpressionError
        If it is none, or is larger than an expression may be.
    """
    return _Parser(words(text)).whole()


def reads(tree: Tree) -> Iterator[str]:
    """The columns that a tree names."""
    if isinstance(tree, ColumnName):
        yield tree.name
    elif isinstance(tree, Call):
        for argument in tree.arguments:
            yield from reads(argument)


class _Parser:
    def __init__(self, found: list[Lexeme]) -> None:
        self._words = found
        self._next = 0
        self._depth = 0
        self._nodes = 0

    def whole(self) -> Tree:
        if len(self._words) == 1:
            raise ExpressionError("is empty")
        tree = self._expression()
        if self._word.sort is not Sort.END:
            raise self._unexpected("an operator")
        return tree

    @property
    def _word(self) -> Lexeme:
        return self._words[self._next]

    def _takes(self, *signs: str) -> str | None:
        """The sign that comes next, if it is one of these; it is then behind us."""
        word = self._word
        if word.sort is not Sort.SIGN or word.text not in signs:
            return None
        self._next += 1
        return word.text

    def _made(self, tree: Tree) -> Tree:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise ExpressionError(f"has more than {MAX_NODES} operators and values; declare it in parts")
        return tree

    def _expression(self) -> Tree:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionError(f"is nested more than {MAX_DEPTH} deep; declare it in parts")
        left = self._sum()
        if sign := self._takes(*COMPARISONS):
            left = self._made(Call(sign, (left, self._sum())))
            if self._takes(*COMPARISONS):
                raise ExpressionError("compares a comparison; min(1 < x, x < 2) is true where both are")
        self._depth -= 1
        return left

    def _sum(self) -> Tree:
        left = self._product()
        while sign := self._takes("+", "-"):
            left = self._made(Call(sign, (left, self._product())))
        return left

    def _product(self) -> Tree:
        left = self._signed()
        while sign := self._takes("*", "/"):
            left = self._made(Call(sign, (left, self._signed())))
        return left

    def _signed(self) -> Tree:
        signs = 0
        while self._takes("-"):
            signs += 1
        if signs > MAX_DEPTH:
            raise ExpressionError(f"is nested more than {MAX_DEPTH} deep; declare it in parts")
        value = self._value()
        for _ in range(signs):
            if isinstance(value, Constant):
                value = Constant(-value.value)
            else:
                value = self._made(Call("neg", (value,)))
        return value

    def _value(self) -> Tree:
        word = self._word
        if word.sort is Sort.SIGN and word.text == "(":
            self._next += 1
            inside = self._expression()
            self._close("(", word.at)
            return inside
        if word.sort in (Sort.SIGN, Sort.END):
            raise self._unexpected("a column or a number")
        self._next += 1
        if word.sort is Sort.NUMBER:
            return self._made(Constant(_number(word.text)))
        if word.sort is Sort.TEXT:
            return self._made(Text(word.text))
        if word.sort is Sort.NAME and self._takes("("):
            return self._call(word)
        return self._made(ColumnName(word.text))

    def _call(self, name: Lexeme) -> Tree:
        arguments = []
        if not self._takes(")"):
            arguments.append(self._expression())
            while self._takes(","):
                arguments.append(self._expression())
            self._close(f"{name.text}(", name.at)
        return self._made(Call(name.text, tuple(arguments)))

    def _close(self, opened: str, at: int) -> None:
        if self._takes(")"):
            return
        if self._word.sort is Sort.END:
            raise ExpressionError(f"does not close {quoted(opened)} of character {at}")
        raise self._unexpected("an operator, a comma or a closing bracket")

    def _unexpected(self, wanted: str) -> ExpressionError:
        word = self._word
        if word.sort is Sort.END:
            return ExpressionError(f"ends where {wanted} is expected")
        before = self._words[self._next - 1] if self._next else word
        both = before.text + word.text if before.at + len(before.text) == word.at else ""
        hint = HINTS.get(both) or HINTS.get(word.text)
        where = f"has {quoted(word.text)} at character {word.at} where {wanted} is expected"
        return ExpressionError(f"{where}; {hint}" if hint else where)


def _number(text: str) -> float:
    value = float(text)
    if math.isinf(value) or (value == 0.0 and text.lower().partition("e")[0].strip("0.")):
        raise ExpressionError(f"has {quoted(text)}, which a float64 cannot hold")
    return value
