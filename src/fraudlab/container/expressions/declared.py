"""Columns as a person declares them, ``{name: expression}``, checked all at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from fraudlab.container.column_rules import RESERVED
from fraudlab.container.expressions.grammar import Tree, parse
from fraudlab.container.expressions.kinds_of_values import AS_NUMBERS, TypeCheck, ValueKind
from fraudlab.container.expressions.lexing import ExpressionError
from fraudlab.container.failure import ConfigError, quoted

MAX_COLUMNS = 100
#: characters
MAX_NAME = 200
_DOCUMENTED = "see docs/derived_columns.md"


class DeclaredColumn(NamedTuple):
    """A declared column: what was written, and what it means."""

    name: str
    text: str
    tree: Tree
    kind: ValueKind


def examine(
    given: Mapping[str, Any],
    columns: Mapping[str, ValueKind],
    *,
    complete: bool = True,
    barred: Mapping[str, str] | None = None,
    taken: Mapping[str, str] | None = None,
) -> tuple[list[DeclaredColumn], list[ConfigError]]:
    """The declared columns that can be used, and what is wrong with the others.

    Parameters
    ----------
    given : mapping of str to str
        In order: an expression may read what is declared before it.
    columns : mapping of str to ValueKind
        What a model is given of a row.
    complete : bool
        Whether `columns` are all there are; else unknown names are taken for numbers.
    barred : mapping of str to str
        Columns that may not be read, and why.
    taken : mapping of str to str
        Names that others have, and who; those of `columns` are.
    """
    if len(given) > MAX_COLUMNS:
        fix = f"declare at most {MAX_COLUMNS}"
        return [], [ConfigError(f"{len(given):,} columns are declared; the limit is {MAX_COLUMNS}", fix=fix)]
    taken = {**dict.fromkeys(columns, "a column of the table"), **(taken or {})}
    usable: list[DeclaredColumn] = []
    faults: list[ConfigError] = []
    known = dict(columns)
    later = set(given)
    for name, text in given.items():
        later.discard(name)
        wrong = _wrong_name(name, taken)
        own = {**dict.fromkeys(later, "which is declared after it"), name: "which is itself"}
        own = {other: why for other, why in own.items() if other not in columns}
        found = _examine_one(name, text, known, complete=complete, barred={**own, **(barred or {})})
        known[name] = found.kind if isinstance(found, DeclaredColumn) else ValueKind.UNKNOWN
        faults += [ConfigError(f"derived column {quoted(name)} {end}", fix=_DOCUMENTED) for end in wrong]
        if isinstance(found, DeclaredColumn):
            usable.append(found)
        else:
            faults += [ConfigError(f"derived column {quoted(name)} {end}", fix=_DOCUMENTED) for end in found]
    return usable, faults


def _wrong_name(name: object, taken: Mapping[str, str]) -> list[str]:
    if not isinstance(name, str) or not name.strip():
        return ["has no name"]
    if len(name) > MAX_NAME:
        return [f"has a name of {len(name):,} characters; the limit is {MAX_NAME}"]
    if not name.isprintable():  # a surrogate is not, nor is a line break
        return ["has a name with characters that cannot be printed"]
    if name.startswith(RESERVED):
        return ["has a name fraudlab keeps"]
    return [f"has the name of {taken[name]}; give it another"] if name in taken else []


def _examine_one(
    name: str, text: Any, known: Mapping[str, ValueKind], *, complete: bool, barred: Mapping[str, str]
) -> DeclaredColumn | list[str]:
    if not isinstance(text, str):
        return [f"is {quoted(text)}, not the text of an expression"]
    try:
        tree = parse(text)
    except ExpressionError as error:
        return [str(error)]
    check = TypeCheck(known, complete, barred)
    kind = check.kind(tree)
    if kind is ValueKind.TEXT:
        check.faults.append("is text; compare it, as in country == 'DE'")
    if kind is ValueKind.TIME:
        check.faults.append(f"is the time itself{AS_NUMBERS}")
    if not check.read and not check.faults:
        check.faults.append("reads no column, so that every row has the same value")
    return list(dict.fromkeys(check.faults)) or DeclaredColumn(name, text, tree, kind)
