"""HTML and SVG elements that escape everything they are not told is safe."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

_VOID = frozenset({"br", "hr", "input", "link", "meta"})


class Markup(str):
    """Text that is HTML already and is not escaped again."""

    __slots__ = ()


Child: TypeAlias = "str | int | float | Iterable[Child] | None"


def escape(value: object) -> Markup:
    """The text of `value`, safe inside an element and inside a quoted attribute."""
    return value if isinstance(value, Markup) else Markup(html.escape(str(value), quote=True))


def fragment(*children: Child) -> Markup:
    """Join children in order: strings are escaped, ``None`` is left out, iterables are flattened."""
    parts: list[str] = []
    for child in children:
        if child is None:
            continue
        if isinstance(child, (str, int, float)):
            parts.append(escape(child))
        else:
            parts.append(fragment(*child))
    return Markup("".join(parts))


def element(tag: str, *children: Child, **attributes: object) -> Markup:
    """Build one element.

    Parameters
    ----------
    tag : str
        Its name, from this package's own code, never from a run.
    *children
        See :func:`fragment`.
    **attributes
        ``class_`` is written ``class`` and ``aria_label`` is written ``aria-label``. ``None`` and
        ``False`` are left out, ``True`` is written without a value, floats with at most two decimals.
    """
    written = "".join(_attribute(name, value) for name, value in attributes.items())
    if tag in _VOID:
        return Markup(f"<{tag}{written}>")
    return Markup(f"<{tag}{written}>{fragment(*children)}</{tag}>")


def coordinate(value: float) -> str:
    """Write a length with at most two decimals, the finest a screen shows."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def script_json(value: Any) -> Markup:
    """Write `value` as JSON that can stand inside a ``<script>`` element.

    No ``<`` is left that could end the element or open a comment, and NaN and infinities, which JSON
    does not have, become ``null``.
    """
    text = json.dumps(_finite(value), ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _attribute(name: str, value: object) -> str:
    if value is None or value is False:
        return ""
    written = name.rstrip("_").replace("_", "-")
    if value is True:
        return f" {written}"
    if isinstance(value, float):
        value = coordinate(value)
    return f' {written}="{escape(value)}"'


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
