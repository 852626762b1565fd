"""Runs side by side as Markdown, for a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from fraudlab.report.comparison.comparison import METRICS
from fraudlab.report.comparison.comparison_page import interval_text, metric_text
from fraudlab.report.comparison.lineup import Lineup, Row
from fraudlab.report.kit import numerals
from fraudlab.report.kit.blocks import written
from fraudlab.report.recorded.run_record import number

#: what stands in the first table already
_SHOWN = ("average_precision", "average_precision_low", "average_precision_high")
#: GitHub takes 65,536 characters for a comment, and two such tables stand in one
_MOST_IN_TABLE = 20_000
_MOST_CHARACTERS = 120
#: what Markdown, or the HTML in it, would take for more than text
_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~&$])")
#: an invisible space, so that nobody is called who has that name
_NO_MENTION = "@\u200b"


def lineup_markdown(lineup: Lineup) -> str:
    """Verdict, metrics, and what differs in parameters, data and environment, as tables."""
    parts = [
        f"### {escaped(lineup.title)}",
        escaped(f"{lineup.reason[:1].upper()}{lineup.reason[1:]}"),
        _table(("", "run", "average precision", "95 % interval", "difference to A", "judged"), _runs(lineup)),
    ]
    metrics = [row for row in lineup.metrics if row.name not in _SHOWN]
    if metrics:
        rows = [
            (METRICS[row.name], *(metric_text(row.name, value) for value in row.values)) for row in metrics
        ]
        parts += ["#### Metrics", _table(("metric", *lineup.letters), rows)]
    parts += _differing("Parameters that differ", lineup, lineup.parameters)
    parts += _differing("Data and environment that differ", lineup, lineup.circumstances)
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    line = " ".join(text.replace("\u00a0", " ").split())
    if len(line) > _MOST_CHARACTERS * 10:
        line = f"{line[: _MOST_CHARACTERS * 10]}…"
    return _SPECIAL.sub(r"\\\1", line).replace("@", _NO_MENTION)


def _runs(lineup: Lineup) -> Iterable[tuple[str, ...]]:
    for index, (letter, record) in enumerate(zip(lineup.letters, lineup.runs, strict=True)):
        pair = lineup.pairs[index - 1] if index else None
        found = pair.difference if pair else None
        ends = f"{numerals.signed(found.low)} to {numerals.signed(found.high)}" if found else ""
        yield (
            letter,
            record.id,
            numerals.decimal(number(record.metrics, "average_precision")),
            interval_text(record),
            f"{numerals.signed(found.value)} ({ends})" if found else "",
            pair.title if pair else "",
        )


def _differing(title: str, lineup: Lineup, rows: Sequence[Row]) -> list[str]:
    different = [row for row in rows if row.differs]
    if not different:
        return [f"{title}: none."]
    lines: list[str] = []
    for row in different:
        line = _line((row.name, *(written(value) for value in row.values)))
        if sum(map(len, lines)) + len(line) > _MOST_IN_TABLE:
            break
        lines.append(line)
    found = [f"#### {title}", "\n".join([*_head(("name", *lineup.letters)), *lines])]
    if len(lines) < len(different):
        found.append(f"and {len(different) - len(lines)} more; the page has them all.")
    return found


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join([*_head(heads), *map(_line, rows)])


def _head(heads: Sequence[str]) -> list[str]:
    return [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]


def _line(texts: Sequence[str]) -> str:
    return f"| {' | '.join(escaped(_short(text)) for text in texts)} |"


def _short(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 1]}…"
