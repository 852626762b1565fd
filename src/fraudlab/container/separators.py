"""Which character separates the values of a CSV text: one rule for raw tables, channels and bodies.

1. The separators that occur in the text are tried.
2. The reader says how well the text fits under each what it takes, or that it does not fit at all.
3. The separator under which it fits best is meant. A space comes last: names, times and texts have spaces.
4. Where several fit equally well nothing is certain: the reader refuses the text, or knows what to prefer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum

#: separators that are found without being told, and what to call them
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars", " ": "spaces"}
#: those that hardly occur inside a value
MARKS = ("\t", ";", "|")
#: the order in which a sentence lists them
_LISTED = (",", *MARKS, " ")
#: what a person may call a separator
_CALLED = {"\\t": "\t", "tab": "\t", "comma": ",", "semicolon": ";", "bar": "|", "pipe": "|", "space": " "}

#: how well a text fits; more is better, the first number that differs decides
Rank = tuple[float, ...]


class Space(Enum):
    """When a space can be a separator."""

    LAST = "behind all others that fit equally well"
    ALONE = "only where none of the marks occurs and a comma does not fit"


def meant(text: str, rank: Callable[[str], Rank | None], *, space: Space) -> list[str]:
    """The separators under which a text fits best.

    Parameters
    ----------
    text : str
        The beginning of a CSV text.
    rank : callable
        Given a separator, how well the text fits; None where it does not.
    space : Space

    Returns
    -------
    list of str
        One where it is certain, several where the text fits equally well under them, in the order of
        `SEPARATORS`; none where it fits under no separator.
    """
    ranks = {
        separator: found
        for separator in SEPARATORS
        if separator in text
        and (separator != " " or space is Space.LAST)
        and (found := rank(separator)) is not None
    }
    if not ranks:
        is_alone = space is Space.ALONE and " " in text and not any(mark in text for mark in MARKS)
        return [" "] if is_alone and rank(" ") is not None else []
    best = max(ranks.values())
    equal = [separator for separator, found in ranks.items() if found == best]
    return [separator for separator in equal if separator != " "] or equal


def named(text: str) -> str:
    """The separator a person means: by its name, or itself."""
    return _CALLED.get(text.lower(), text)


def listed(separators: Sequence[str], word: str, names: Mapping[str, str] = SEPARATORS) -> str:
    """Several separators for a sentence, as ``commas or by tabs``."""
    return f" {word} by ".join(names[separator] for separator in sorted(separators, key=_LISTED.index))


def in_commas(text: bytes, separator: str) -> bytes:
    """Rows of values without commas and quotes, in commas."""
    if separator != " ":
        return text.replace(separator.encode(), b",")
    return b"\n".join([b",".join(words(row)) for row in text.split(b"\n")])


def words(row: bytes) -> list[bytes]:
    """The values of a row between spaces, of which several are one."""
    return [value for value in row.removesuffix(b"\r").replace(b"\t", b" ").split(b" ") if value]
