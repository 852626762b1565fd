"""What a person typed, as Hydra's grammar wants it: quoted wherever its meaning is certain.

Hydra reads ``= ( ) , { } $`` in a value as grammar and knows no letters beyond ASCII, and a shell has taken
the quotes away.
A key that takes a text, such as ``data.path``, leaves no doubt: the whole value is the text.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import is_dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

#: a key with what Hydra puts before it
KEY = re.compile(r"(?:\+\+|\+|~)?[A-Za-z_][\w./-]*(?:@[\w.:-]*)?", re.ASCII)
_WORD = re.compile(rf"\s*({KEY.pattern})\s*=(.*)", re.DOTALL | re.ASCII)
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)
#: what Hydra calls in a value: sweeps and casts
_CALL = re.compile(
    r"(?:choice|range|interval|glob|shuffle|sort|tag|int|float|str|bool|json_str|extend_list)\(.*\)",
    re.DOTALL,
)
#: read by Hydra as the text it is
_PLAIN = re.compile(r"[A-Za-z_][\w./-]*", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_INTERPOLATION = re.compile(r"\$\{(?:[\w.]+:)?[^{}]*\}", re.ASCII)
#: a list of mappings, and a name in one of them that stands in quotes for nothing
_OBJECTS = re.compile(r"\[\s*\{")
_QUOTED_NAME = re.compile(r"""(['"])([A-Za-z_]\w*)\1(\s*:)""", re.ASCII)
_PAIRS = {"(": ")", "[": "]", "{": "}"}


def quoted_where_certain(words: Sequence[str], *, sweep: bool = False) -> list[str]:
    """Overrides with quotes around every value that can only be a text.

    Parameters
    ----------
    words : sequence of str
        As they came from the shell. What is no ``KEY=VALUE`` is left as it is.
    sweep : bool
        With ``-m`` a comma separates the values of several runs.

    Returns
    -------
    list of str
        In the same order.
    """
    return [_quoted_word(word, sweep=sweep) for word in words]


def literal(text: str) -> str:
    r"""A text that OmegaConf resolves to `text` itself: ``${`` begins no interpolation."""
    return re.sub(r"(\\*)\$\{", lambda found: found[1] * 2 + r"\${", text)


def _quoted_word(word: str, *, sweep: bool) -> str:
    found = _WORD.fullmatch(word)
    if not found or found[1].startswith("~"):
        return word
    key, value = found[1], found[2]
    if (place := _map_of(key.lstrip("+"))) is not None:  # whose names are a person's own
        inner = value.strip()
        return f"++{key.lstrip('+')}=" + (_map(inner) if place == "whole" else _text(inner, sweep))
    kind = _kind(key.lstrip("+").partition("@")[0])
    if kind is None or not value.strip() or _CALL.fullmatch(value.strip()):
        return f"{key}={value}"
    values = _split(value) if sweep else [value]
    if any(not part.strip() for part in values):  # such as data.separator=,
        values = [value]
    return f"{key}=" + ",".join(_KINDS[kind](part, sweep) for part in values)


def _text(value: str, _sweep: bool) -> str:
    """One text; what is quoted, null or refers to another key stays."""
    if _QUOTED.fullmatch(value.strip()) or value.strip() == "null":
        return value
    return quoted(value)


def _texts(value: str, sweep: bool) -> str:
    """A list of texts, also where the brackets were left out."""
    stripped = value.strip()
    if stripped == "null" or _INTERPOLATION.fullmatch(stripped):
        return value
    if stripped.startswith("[") and stripped.endswith("]"):
        parts = _split(stripped[1:-1]) if stripped[1:-1].strip() else []
    else:
        parts = [stripped] if sweep else _split(stripped)
    return "[" + ",".join(_text(part.strip(), sweep) for part in parts if part.strip()) + "]"


def _structure(value: str, sweep: bool) -> str:
    """Anything: names inside brackets are quoted, XGBoost's own ``(1,0)`` is a text, ``a,b`` a list."""
    stripped = value.strip()
    if stripped.startswith("{") and (named := _odd_names(stripped)) is not None:
        return named
    if _OBJECTS.match(stripped):  # JSON has quotes around names, which Hydra's mappings cannot have
        stripped = _QUOTED_NAME.sub(r"\2\3", stripped)
    if stripped.startswith(("[", "{")):
        return "".join(_atoms(stripped))
    if stripped.startswith("(") and stripped.endswith(")"):
        return quoted(stripped)
    if not sweep and not _QUOTED.fullmatch(stripped) and len(parts := _split(stripped)) > 1:
        return "[" + ",".join(_atom(part.strip()) for part in parts) + "]"
    return _atom(stripped)


def _map(text: str) -> str:
    """Texts by name: each is one text; with quotes they are as Hydra reads them."""
    if text.strip("'\"") == "auto":  # what asks for a proposal, as a member among others
        return "{auto: 'true'}"
    if not (text.startswith("{") and text.endswith("}")) or {"'", '"'} & set(text):
        return text
    pairs = [part.partition(":") for part in _split(text[1:-1]) if part.strip()]
    return "{" + ", ".join(f"{name.strip()}: {_text(value.strip(), False)}" for name, _, value in pairs) + "}"


def _odd_names(text: str) -> str | None:
    """A mapping as JSON in quotes where a name in it needs quotes, which Hydra's mappings cannot have."""
    pairs = [part.rpartition(":") for part in _split(text[1:-1]) if part.strip()]
    names = [name.strip() for name, _, _ in pairs]
    if not text.endswith("}") or not all(names) or all(_PLAIN.fullmatch(name) for name in names):
        return None
    bare = [name[1:-1] if _QUOTED.fullmatch(name) else name for name in names]
    inner = ", ".join(f"{json.dumps(name, ensure_ascii=False)}: {value.strip()}"
                      for name, (_, _, value) in zip(bare, pairs, strict=True))  # fmt: skip
    return quoted("{" + inner + "}")


def _choice(value: str, sweep: bool) -> str:
    """The option of a group; an odd one is quoted, so that it is refused by its name."""
    if value.strip().startswith("[") or (not sweep and "," in value):
        return value
    return value if _PLAIN.fullmatch(value) else _text(value, sweep)


_KINDS = {"text": _text, "texts": _texts, "any": _structure, "group": _choice}


def _atoms(text: str) -> Iterator[str]:
    signs = r"\[\]{}:," if text.startswith("{") or _OBJECTS.match(text) else r"\[\]{},"
    for piece in re.findall(rf"{_QUOTED.pattern}|[{signs}]|[^{signs}]+", text, re.DOTALL):
        yield piece if piece in signs or not piece.strip() else _atom(piece.strip())


def _atom(text: str) -> str:
    plain = _PLAIN.fullmatch(text) or _NUMBER.fullmatch(text) or _QUOTED.fullmatch(text)
    return text if plain or _CALL.fullmatch(text) or _INTERPOLATION.fullmatch(text) else quoted(text)


def quoted(text: str) -> str:
    """A text in the quotes of Hydra's grammar."""
    escaped = re.sub(r"(\\*)'", lambda found: found[1] * 2 + r"\'", _resolvable(text))
    trailing = len(escaped) - len(escaped.rstrip("\\"))
    return f"'{escaped}{chr(92) * trailing}'"


def _resolvable(text: str) -> str:
    """Leave ``${key}`` an interpolation and make ``${HOME}`` what the shell would have made of it."""
    if Path(text).exists():
        return literal(text)
    made, plain, end = "", "", 0
    for found in _INTERPOLATION.finditer(text):
        plain += text[end : found.start()]
        end = found.end()
        inside = found[0][2:-1]
        of_ours = ":" in inside or inside.partition(".")[0] in get_type_hints(_schema())
        if of_ours:
            made, plain = made + literal(plain) + found[0], ""
        else:
            plain += os.environ.get(inside, found[0])
    return made + literal(plain + text[end:])


def _split(text: str) -> list[str]:
    """Cut at the commas that stand outside quotes and brackets; brackets without a partner are letters."""
    parts, expected, begin, position = [], [], 0, 0
    while position < len(text):
        sign = text[position]
        if (quoted := _QUOTED.match(text, position)) and not text[begin:position].strip(" [("):
            position = quoted.end()
            continue
        if sign in _PAIRS and _PAIRS[sign] in text[position:]:
            expected.append(_PAIRS[sign])
        elif expected and sign == expected[-1]:
            expected.pop()
        elif sign == "," and not expected:
            parts.append(text[begin:position])
            begin = position + 1
        position += 1
    return text.split(",") if expected else [*parts, text[begin:]]


def _schema() -> type[Any]:
    from fraudlab.config import RunConfig

    return RunConfig


@cache
def _map_of(key: str) -> str | None:
    """``"whole"`` for a key of texts by name, ``"member"`` for one of those texts, None for all else."""
    node: Any = _schema()
    for part in key.split("."):
        if get_origin(node) is dict:
            return "member"
        node = get_type_hints(node).get(part) if isinstance(node, type) else None
    return "whole" if get_origin(node) is dict else None


#: typed as anything because of their ``auto``, and one plain value all the same
_ONE_VALUE = ("model.max_depth", "model.refit")


@cache
def _kind(key: str) -> str | None:
    """What a key of the schema takes (a text, texts, anything, a group's option), None for all else."""
    if key == "experiment":
        return "group"
    if key in _ONE_VALUE:
        return None
    node: Any = _schema()
    for part in key.split("."):
        node = get_type_hints(node).get(part) if isinstance(node, type) else None
    if node is None:
        return None
    if is_dataclass(node):
        return "group"
    if node is Any:
        return "any"
    members = get_args(node) if get_origin(node) is UnionType else (node,)
    if str in members:
        return "text"
    return "texts" if any(get_origin(member) is list for member in members) else None
