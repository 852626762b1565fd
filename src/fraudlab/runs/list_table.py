"""A list of runs as lines of text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from fraudlab.runs.find import Run
from fraudlab.runs.listing import headline
from fraudlab.runs.run_values import RunColumn

_HEADLINE = "average precision (95 % interval)"


def headline_lines(runs: Sequence[Run], more: Sequence[RunColumn], *, room: int | None) -> list[str]:
    """Every run with its status, backend, data and headline.

    Parameters
    ----------
    runs : sequence of Run
    more : sequence of RunColumn
        Shown before the headline.
    room : int or None
        Characters that a line may have.
    """
    heads = ["run", "status", "backend", "data", *(column.name for column in more), _HEADLINE]
    rows = []
    for run in runs:
        data = run.head.data
        source = data.get("source") if isinstance(data, dict) else None
        cells = [cell(column.value(run)) for column in more]
        backend = run.head.backend
        rows.append([run.id, run.status, backend or "-", source or "-", *cells, headline(run)])
    return _lines(heads, rows, least=(0, 11, 7, 10), room=room)


def column_lines(runs: Sequence[Run], columns: Sequence[RunColumn], *, room: int | None) -> list[str]:
    """Every run with the columns that were asked for."""
    rows = [[run.id, *(cell(column.value(run)) for column in columns)] for run in runs]
    return _lines(["run", *(column.name for column in columns)], rows, least=(), room=room)


def cell(value: Any) -> str:
    """A value in a table; what a run does not have is a hyphen."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 10_000 or value % 1 else f"{value:.0f}"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "[]"
    return str(value)


def _lines(
    heads: Sequence[str], rows: Sequence[Sequence[Any]], *, least: Sequence[int], room: int | None
) -> list[str]:
    """Columns of one width each."""
    texts = [list(heads), *(list(map(str, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    widths = [max(width, *least[at : at + 1], 0) for at, width in enumerate(widths)]
    form = "  ".join(f"{{:<{width}}}" for width in widths[:-1]) + "  {}" if len(widths) > 1 else "{}"
    return [_printable(form.format(*row))[:room] for row in texts]


def _printable(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(character if character.isprintable() else " " for character in line)
