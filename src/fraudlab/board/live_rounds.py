"""A training while it runs: the rounds that its job has printed so far, and their curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from fraudlab.api_requests import read_round
from fraudlab.report.kit import numerals
from fraudlab.report.kit.markup import Markup, element
from fraudlab.report.kit.plot import Plot, across, upward
from fraudlab.report.kit.scales import round_step

_LOG = Path("logs") / "train.log"
#: lines of a million rounds; of a longer log the end is read
_MAX_BYTES = 32 << 20
_POINTS = 600

Rounds = list[tuple[int, float]]


def run_address(run_id: str) -> str:
    """Where the board has a run; a folder may be called anything."""
    return f"/runs/{quote(run_id, safe='')}"


def read_rounds(folder: Path) -> tuple[str, Rounds] | None:
    """The metric that training watches, and its value after each round so far; None where none was printed.

    Of several metrics, XGBoost watches the last.

    Parameters
    ----------
    folder : Path
        Of a run.
    """
    try:
        with (folder / _LOG).open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _MAX_BYTES))
            text = file.read(_MAX_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return None
    watched = ""
    values: dict[int, float] = {}
    for line in text.splitlines():
        found = read_round(line)
        if found is None or not found[1]:
            continue
        number, metrics = found
        name = list(metrics)[-1]
        if name != watched:
            watched, values = name, {}
        if math.isfinite(metrics[name]):
            values[number] = metrics[name]
    return (watched, sorted(values.items())) if values else None


def live_figure(run_id: str, folder: Path) -> Markup:
    """The curve of a training so far, and its last round in words."""
    found = read_rounds(folder)
    link = element("a", run_id, href=run_address(run_id))
    if found is None:
        none = element("p", "No round yet.", class_="subtitle")
        return element("figure", element("figcaption", element("h3", link), none), class_="chart")
    metric, rounds = found
    number, value = rounds[-1]
    words = f"round {numerals.count(number + 1)}: {metric} {numerals.decimal(value, 5)} on validation"
    return element(
        "figure",
        element("figcaption", element("h3", link), element("p", words, class_="subtitle")),
        _curve(metric, rounds),
        class_="chart",
    )


def _curve(metric: str, rounds: Sequence[tuple[int, float]]) -> Markup | None:
    if len(rounds) < 2:
        return None
    every = max(1, math.ceil(len(rounds) / _POINTS))
    drawn = [*rounds[:-1:every], rounds[-1]]
    low, high = min(value for _, value in drawn), max(value for _, value in drawn)
    step = round_step((high - low) / 4) if high > low else 0.1
    low, high = math.floor(low / step) * step, math.ceil(high / step + 1e-9) * step
    places = min(6, max(1, math.ceil(-math.log10(step) - 1e-9)))
    plot = Plot(
        across(1, max(rounds[-1][0] + 1, 2), "Rounds of boosting", numerals.count),
        upward(low, high, f"{metric} on validation", lambda at: numerals.decimal(at, places)),
    )
    line = plot.line([number + 1.0 for number, _ in drawn], [value for _, value in drawn], "curve a")
    return plot.drawing(line, summary=f"{metric} on validation after each round so far.")
