"""Whether the model does as well on every day, and at every hour of the day."""

from __future__ import annotations

import math
from collections.abc import Mapping

from fraudlab.evaluation.groups import FEW_FRAUDS
from fraudlab.report.kit import numerals
from fraudlab.report.kit.chart import Chart, legend
from fraudlab.report.kit.markup import Markup, fragment
from fraudlab.report.kit.plot import Plot, across, upward
from fraudlab.report.recorded.run_record import Json, RunRecord, dig, number

_LINES = {"recall": "", "precision": " b"}


def stability_groups(record: RunRecord, kind: str) -> list[Json]:
    """The recorded figures of ``days`` or ``hours``, by rising time."""
    found = record.stability.get(kind)
    groups = [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []
    name = kind[:-1]
    known = [dict(item) for item in groups if number(item, name) is not None]
    return sorted(known, key=lambda group: number(group, name) or 0.0)


def group_name(record: RunRecord, kind: str, group: Json) -> str:
    """What a day or an hour is called: ``15 Aug``, ``day 3``, ``14:00``."""
    if kind == "hours":
        return f"{int(number(group, 'hour') or 0):02d}:00"
    return _day(record, number(group, "day") or 0.0)


def stability_charts(record: RunRecord) -> list[Chart]:
    """Recall and precision by day and by hour of the day, each where there are two."""
    charts = [_chart(record, kind) for kind in ("days", "hours")]
    return [chart for chart in charts if chart]


def _chart(record: RunRecord, kind: str) -> Chart | None:
    groups = stability_groups(record, kind)
    if len(groups) < 2:
        return None
    key = kind[:-1]
    places = [float(number(group, key) or 0.0) for group in groups]
    if kind == "hours":
        axis = across(0, 23, f"Hour of the day{_zone(record)}", lambda value: f"{value:.0f}")
    else:
        together = int(number(record.stability, "days_together") or 1)
        title = "Day" if together == 1 else f"{together} days, by the first"
        axis = across(places[0], places[-1], f"{title}{_zone(record)}", lambda value: _day(record, value))
    plot = Plot(axis, upward(0, 1, "At the threshold", lambda value: f"{value:.1f}"))
    marks = [mark for name, class_ in _LINES.items() for mark in _marks(plot, groups, places, name, class_)]
    texts = [_text(record, kind, group) for group in groups]
    return Chart(
        f"by-{key}",
        "Day by day" if kind == "days" else "By hour of the day",
        fragment(legend({"a": "recall", "b": "precision"}), _few_legend(groups)),
        plot.drawing(*marks, summary=f"Recall and precision at the threshold by {key}."),
        note=_range(groups, key),
        hover={"x": places, "text": texts},
    )


def _marks(plot: Plot, groups: list[Json], places: list[float], name: str, class_: str) -> list[Markup]:
    """A line through what has frauds enough, and a mark for each; hollow where they are few."""
    points = [(at, value, group) for at, group in zip(places, groups, strict=True)
              if (value := number(group, name)) is not None]  # fmt: skip
    sound = [(at, value) for at, value, group in points if not _few(group)]
    marks = []
    if len(sound) > 1:
        xs, ys = ([point[axis] for point in sound] for axis in (0, 1))
        marks.append(plot.line(xs, ys, f"thread{class_}"))
    marks += [
        plot.dot(at, value, f"one few{class_}" if _few(group) else f"one{class_}")
        for at, value, group in points
    ]
    return marks


def _few(group: Json) -> bool:
    return (number(group, "positives") or 0) < FEW_FRAUDS


def _few_legend(groups: list[Json]) -> Markup | None:
    if not any(_few(group) for group in groups):
        return None
    return legend({"few": f"fewer than {FEW_FRAUDS} frauds"})


def _range(groups: list[Json], key: str) -> str:
    """Between what recall lies, where a group has frauds enough to say it."""
    sound = [group for group in groups if not _few(group)]
    if len(sound) < 2:
        return f"No two {key}s have {FEW_FRAUDS} frauds: they are too few to tell whether {key}s differ."
    found = [value for group in sound if (value := number(group, "recall")) is not None]
    sure = f"{numerals.counted(len(sound), key)} with at least {FEW_FRAUDS} frauds"
    low, high = (numerals.decimal(end(found)) for end in (min, max))
    return f"{'On' if key == 'day' else 'In'} the {sure}, recall lies between {low} and {high}."


def _text(record: RunRecord, kind: str, group: Json) -> str:
    caught, frauds, alerts = (number(group, name) for name in ("true_positives", "positives", "alerts"))
    name = group_name(record, kind, group)
    return (
        f"{name}: {numerals.count(caught)} of {numerals.counted(frauds, 'fraud')}, "
        f"{numerals.counted(alerts, 'alert')} in {numerals.counted(number(group, 'rows'), 'row')}"
    )


def _dated(record: RunRecord) -> bool:
    return bool(dig(record.manifest, "split", "time_kind") == "timestamp")


def _zone(record: RunRecord) -> str:
    return " (UTC)" if _dated(record) else ", counted"


def _day(record: RunRecord, value: float) -> str:
    if value != math.floor(value):
        return ""  # a tick between two days
    return numerals.day(value * 86_400) if _dated(record) else f"day {value + 1:.0f}"
