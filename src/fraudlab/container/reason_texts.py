"""Reasons in plain words: what a team writes of a column, with the value of a row in it. Pure functions.

A text is found by two facts of a reason: whether the value is missing, or is above or below the median of
the train rows; and whether it raises the score or lowers it. Where nobody wrote one, words are made.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from fraudlab.container.contract import Fields
from fraudlab.container.failure import ConfigError, listing, near, quoted, together
from fraudlab.container.features import Features, Matrix

KEY = "reason_texts"
_EFFECTS = ("raises", "lowers")
_STATES = ("high", "low", "missing")
#: when a text is used; with an effect behind a state, only where both hold
WHENS = (*_STATES, "any", *_EFFECTS, *[f"{state}_{effect}" for state in _STATES for effect in _EFFECTS])
#: what stands for something in a text
PLACEHOLDERS = ("value", "column", "contribution")
#: characters of a text; of a name or a category that stands in one
MAX_TEXT, MAX_SHOWN = 300, 100
_DOCUMENTED = "see docs/reasons.md"
#: line breaks and other controls, marks that turn the direction of what follows, half characters
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
#: characters of a number, at most
_NUMBER = 24
_SAID = {"raises": "raises the score", "lowers": "lowers the score"}

#: of a text: a literal, or the name of a placeholder
_Parts = tuple[tuple[str, bool], ...]


class TextedColumn(NamedTuple):
    """What a team writes of one column.

    Attributes
    ----------
    texts : dict of str to str
        By when each is used.
    typical : float or None
        Median of the train rows, as the booster is given them; None for categories, and where it is unknown.
    """

    texts: dict[str, str]
    typical: float | None = None


def examine(
    given: Any, kinds: Mapping[str, bool], *, complete: bool = True
) -> tuple[dict[str, dict[str, str]], list[ConfigError]]:
    """The texts that can be used, by column and by when, and what is wrong with the others.

    Parameters
    ----------
    given : mapping of str to (str or mapping of str to str)
        As it was written; one text is used whatever the value.
    kinds : mapping of str to bool
        Whether each column that a model is given has categories.
    complete : bool
        Whether those are all columns; else any other may be one.
    """
    if not isinstance(given, Mapping):
        return {}, [ConfigError(f"{quoted(given)} does not map columns to texts", fix=_DOCUMENTED)]
    usable: dict[str, dict[str, str]] = {}
    faults: list[ConfigError] = []
    for name, entry in given.items():
        if unknown := complete and name not in kinds:
            faults.append(
                ConfigError(
                    f"{quoted(name)} is not a column of the model{near(str(name)[:MAX_SHOWN], kinds)}",
                    fix=f"columns are {listing(list(kinds))}",
                )
            )
        texts = {"any": entry} if isinstance(entry, str) else entry
        if not isinstance(texts, Mapping) or not texts:
            fix = f"write one text, or texts for {', '.join(WHENS[:6])}"
            faults.append(ConfigError(f"{quoted(name)} has {quoted(entry)} in place of texts", fix=fix))
            continue
        is_category = kinds.get(name, False)
        wrong = [fault for when, text in texts.items() for fault in _wrong(name, when, text, is_category)]
        faults += wrong
        if not wrong and not unknown:
            usable[str(name)] = dict(texts)
    return usable, faults


def _wrong(name: object, when: object, text: object, is_category: bool) -> Iterable[ConfigError]:
    where = f"{quoted(name)}, {quoted(when)}:"
    if when not in WHENS:
        fix = f"a text is for one of {', '.join(WHENS)}, or for the column"
        yield ConfigError(f"{where} nothing is {quoted(when)}{near(str(when)[:MAX_SHOWN], WHENS)}", fix=fix)
    elif is_category and str(when).startswith(("high", "low")) and when != "lowers":
        fix = "for a category write missing, raises, lowers or any"
        yield ConfigError(f"{where} a category is neither high nor low", fix=fix)
    if not isinstance(text, str) or not text.strip():
        yield ConfigError(f"{where} {quoted(text)} is no text", fix="write one, or leave the line out")
        return
    if len(text) > MAX_TEXT:
        fix = f"use at most {MAX_TEXT} characters"
        yield ConfigError(f"{where} the text has {len(text):,} characters", fix=fix)
    if found := _UNSEEN.search(text):
        fix = "write one line, without control characters"
        yield ConfigError(f"{where} the text has the character U+{ord(found[0]):04X}", fix=fix)
    allowed = PLACEHOLDERS[1:] if str(when).startswith("missing") else PLACEHOLDERS
    usable = ", ".join(f"{{{one}}}" for one in allowed)
    try:
        named = [name for name, is_name in _parts(text) if is_name]
    except ValueError:
        fix = f"a text may have {usable}; write a brace twice"
        yield ConfigError(f"{where} the text has a brace that names nothing: {quoted(text)}", fix=fix)
        return
    for one in named:
        if one not in allowed:
            why = "is missing there" if one in PLACEHOLDERS else f"is not known{near(one, allowed)}"
            yield ConfigError(f"{where} {{{one[:MAX_SHOWN]}}} {why}", fix=f"a text may have {usable}")


def _parts(text: str) -> _Parts:
    """A text taken apart; a ValueError for what is more than a name in braces."""
    found: list[tuple[str, bool]] = []
    for literal, name, form, conversion in string.Formatter().parse(text):
        if literal:
            found.append((literal, False))
        if name is None:
            continue
        if form or conversion or not name.isidentifier():
            raise ValueError(name)
        found.append((name, True))
    return tuple(found)


class ReasonTexts:
    """Says the reasons of rows.

    Parameters
    ----------
    features : Features
    declared : mapping of str to TextedColumn
        As :func:`examine` checks it.
    """

    def __init__(self, features: Features, declared: Mapping[str, TextedColumn] | None = None) -> None:
        self.declared = dict(declared or {})
        self._features = features
        self._position = {name: position for position, name in enumerate(features.input_names)}
        self._parts = {
            name: {when: _parts(text) for when, text in one.texts.items()}
            for name, one in self.declared.items()
        }

    @cached_property
    def longest(self) -> int:
        """Bytes that a text takes in an answer, at most."""
        return max(self._bytes(position) for position in range(len(self._features.inputs)))

    def sentences(
        self, reasons: Sequence[Sequence[tuple[str, float]]], raw: Matrix, given: Matrix
    ) -> list[list[str]]:
        """The texts of each row's reasons, in their order.

        Parameters
        ----------
        reasons : sequence of sequence of (str, float)
            Columns and contributions.
        raw : ndarray of float32, shape (rows, columns)
            What the rows were sent with: numbers as they are, categories as codes.
        given : ndarray of float32, shape (rows, inputs)
            What the booster was given.
        """
        return [
            [self._say(name, contribution, raw[row], given[row]) for name, contribution in found]
            for row, found in enumerate(reasons)
        ]

    def as_json(self) -> dict[str, Any]:
        """The texts as ``model.json`` holds them; nothing where there are none."""
        entries = {name: {"texts": one.texts, "typical": one.typical} for name, one in self.declared.items()}
        return {KEY: entries} if entries else {}

    def _say(
        self, name: str, contribution: float, raw: NDArray[np.float32], given: NDArray[np.float32]
    ) -> str:
        position = self._position[name]
        input_ = given[position]
        categories = self._features.inputs[position].categories
        # A time that is sent stands where the first derived column does.
        value = raw[position] if position < self._features.width else input_
        effect = _EFFECTS[contribution < 0]
        state = "missing" if np.isnan(value) else self._state(name, input_)
        parts = self._found(name, state, effect)
        if parts is None:
            parts = _made(state, effect, is_category=categories is not None)
        values = {"column": name, "contribution": f"{contribution:+.2f}"}
        if state != "missing":
            values["value"] = _number(value) if categories is None else categories[int(value)]
        return "".join([_shown(values[text]) if is_name else text for text, is_name in parts])

    def _bytes(self, position: int) -> int:
        """Of the longest text of an input: four per character, and a mark before each that is escaped."""
        column = self._features.inputs[position]
        categories = column.categories
        shown = {
            "column": min(len(column.name), MAX_SHOWN),
            "value": _NUMBER if categories is None else min(MAX_SHOWN, max(map(len, categories), default=0)),
            "contribution": _NUMBER,
        }
        made = _made("any", _EFFECTS[0], is_category=False), _made("missing", _EFFECTS[0], is_category=True)
        return 4 * max(
            sum(shown[text] if is_name else len(text) for text, is_name in parts)
            for parts in (*self._parts.get(column.name, {}).values(), *made)
        )

    def _state(self, name: str, input_: np.float32) -> str:
        typical = self.declared[name].typical if name in self.declared else None
        if typical is None or input_ == typical:
            return "any"
        return "high" if input_ > typical else "low"

    def _found(self, name: str, state: str, effect: str) -> _Parts | None:
        texts = self._parts.get(name, {})
        whens = (f"{state}_{effect}", state) + ((effect, "any") if state != "missing" else ())
        return next((texts[when] for when in whens if when in texts), None)


def _made(state: str, effect: str, *, is_category: bool) -> _Parts:
    if state != "missing":
        return (("column", True), (" ", False), ("value", True), (f" {_SAID[effect]}", False))
    # a category that train has not seen counts as missing
    absent = " is missing or new, which " if is_category else " is missing, which "
    return (("column", True), (f"{absent}{_SAID[effect]}", False))


def _number(value: np.float32) -> str:
    """The shortest digits that read back as the same float32."""
    written = orjson.dumps(value + np.float32(0), option=orjson.OPT_SERIALIZE_NUMPY)
    return written.decode().removesuffix(".0")


def _shown(text: str) -> str:
    """A name or a category in a sentence: of one line, and no longer than one is read."""
    cut = text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"
    return _UNSEEN.sub("�", cut)


def kinds_of(features: Features) -> dict[str, bool]:
    """Whether each input has categories."""
    return {column.name: column.categories is not None for column in features.inputs}


def typical_values(matrix: Matrix, positions: Sequence[int]) -> list[float | None]:
    """The median of what is present in columns of train, the lower one of two; None where nothing is."""
    found: list[float | None] = []
    for position in positions:
        present = matrix[:, position][~np.isnan(matrix[:, position])]
        middle = (present.size - 1) // 2
        found.append(float(np.partition(present, middle)[middle]) if present.size else None)
    return found


def read_reason_texts(fields: Fields, features: Features) -> ReasonTexts:
    """The texts that a ``model.json`` has.

    Raises
    ------
    ConfigError
        If they are not as :meth:`ReasonTexts.as_json` writes them.
    """
    entries = fields.optional(KEY, dict) or {}
    typical: dict[str, float | None] = {}
    texts: dict[str, Any] = {}
    for name, entry in entries.items():
        if not isinstance(entry, dict):
            raise ConfigError(f"{KEY} of {quoted(name)} is {quoted(entry)}", fix="use the file a job wrote")
        one = Fields(entry, source=f"{KEY} of {quoted(name)}")
        texts[name], typical[name] = one.get("texts", dict), one.optional("typical", float)
    usable, faults = examine(texts, kinds_of(features))
    if faults:
        raise together(faults, what="reason texts cannot be used")
    return ReasonTexts(features, {name: TextedColumn(usable[name], typical[name]) for name in usable})
