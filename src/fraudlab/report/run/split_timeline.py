"""The split, drawn to scale: what was learned from, left out and tested on."""

from __future__ import annotations

from dataclasses import dataclass

from fraudlab.container.contract import FOLDS
from fraudlab.report.kit import numerals
from fraudlab.report.kit.blocks import table
from fraudlab.report.kit.markup import Markup, element, fragment
from fraudlab.report.kit.scales import round_step
from fraudlab.report.recorded.run_record import RunRecord, dig, number, section, series

PARTS = ("train", "validation", "test")
DAY = 86_400.0
_STEPS = [seconds * 3600.0 for seconds in (1, 2, 3, 6, 12, 24, 48, 96, 168, 336, 672, 1344, 2688, 8760)]


@dataclass(frozen=True)
class _Span:
    name: str
    start: float
    end: float


def split_section(record: RunRecord) -> Markup | None:
    """The split as a bar and a table; None where the manifest is absent."""
    splits = section(record.manifest, "splits")
    if not splits:
        return None
    spans = _spans(record)
    kind = dig(record.manifest, "split", "kind")
    bar = _time_bar(record, spans) if spans else _share_bar(record)
    return element(
        "section",
        element("h2", "Data and split"),
        element("p", _lead(record, kind), class_="lead"),
        bar,
        _table(record, timed=bool(spans)),
    )


def _lead(record: RunRecord, kind: object) -> str:
    raw = section(record.manifest, "raw")
    table = f"{numerals.count(number(raw, 'rows'))} rows" if raw else "The rows"
    if recorded := _recorded(record):
        table = f"{table} ({recorded})"
    if kind == "prequential":
        return f"{table} in the order of time: {_of_folds(record)}"
    if kind != "time":
        dealt = f"{table}, dealt at random into three parts with equal shares of fraud ({kind})."
        if number(record.manifest, "splits", "test", "time_start") is None:
            return f"{dealt} Without times it is not tested how the model does on later transactions."
        return (
            f"{dealt} A random split tests on the same days it learned from, so it flatters models of a "
            "world that changes."
        )
    gap = number(record.manifest, "split", "gap_seconds") or 0
    left_out = number(record.manifest, "split", "gap_rows") or 0
    if not gap:
        return f"{table} in the order of time: train is the past, test what came after."
    return (
        f"{table} in the order of time: train is the past, test what came after. Labels arrive "
        f"late, hence the gaps of {numerals.duration(gap)} before validation and before test "
        f"({numerals.counted(left_out, 'row')} left out)."
    )


def _of_folds(record: RunRecord) -> str:
    """How a prequential split came about; the fold that is drawn is the newest."""
    gap = number(record.manifest, "split", "gap_seconds") or 0
    late = f", {numerals.duration(gap)} left out before each part as labels come late" if gap else ""
    known = number(record.manifest, "split", "known_card_rows") or 0
    cards = ""
    if dig(record.manifest, "roles", "card"):
        cards = (
            f" Cards that were known to be compromised when a day began are not tested on: "
            f"{numerals.counted(known, 'row')} of the newest fold."
        )
    older = dig(record.manifest, FOLDS)
    folds = 1 + (len(older) if isinstance(older, list) else 0)
    return f"the newest of {numerals.counted(folds, 'fold')} of the same length, each earlier{late}.{cards}"


def _recorded(record: RunRecord) -> str | None:
    """From when to when, and in which unit times that are numbers were read; None where it is not known."""
    first, last = (number(record.manifest, "time", end) for end in ("first", "last"))
    if first is None or last is None:
        return None
    unit = dig(record.manifest, "time", "unit")
    if dig(record.manifest, "time", "kind") == "timestamp":
        read = f", read as {unit}" if unit else ""
        return f"{numerals.timestamp(first)} to {numerals.timestamp(last)} UTC{read}"
    return f"over {numerals.duration(last - first)}{f', counted in {unit}' if unit else ''}"


def _spans(record: RunRecord) -> list[_Span]:
    """Train, gap, validation, gap, test in time; empty where the split has no times.

    A prequential split may be without validation.
    """
    cuts = [cut for cut in series(record.manifest, "split", "cuts") if cut is not None]
    start = number(record.manifest, "splits", "train", "time_start")
    end = number(record.manifest, "splits", "test", "time_end")
    kind = dig(record.manifest, "split", "kind")
    if kind not in ("time", "prequential") or len(cuts) not in (1, 2) or start is None or end is None:
        return []
    gap = number(record.manifest, "split", "gap_seconds") or 0.0
    spans, begin = [], start
    for name, cut in zip(("train", "validation"), cuts, strict=False):
        spans += [_Span(name, begin, cut), _Span("gap", cut, cut + gap)]
        begin = cut + gap
    spans.append(_Span("test", begin, end))
    return [span for span in spans if span.end > span.start] if end > start else []


def _time_bar(record: RunRecord, spans: list[_Span]) -> Markup:
    start, end = spans[0].start, spans[-1].end
    dated = dig(record.manifest, "split", "time_kind") == "timestamp"
    gap = number(record.manifest, "split", "gap_seconds")
    left_out = (
        fragment(element("span", class_="key gap"), f"{numerals.duration(gap)} left out") if gap else None
    )
    ticks, unit = _date_ticks(start, end) if dated else _elapsed_ticks(start, end)
    return element(
        "div",
        [_segment(span.name, span.start - start, span.end - span.start, end - start) for span in spans],
        element(
            "div",
            [
                element("span", text, style=f"left:{(at - start) / (end - start):.3%}")
                for at, text in ticks
                if start <= at <= end
            ],
            class_="ticks",
        ),
        element("p", element("span", left_out, class_="entry") if left_out else None, unit, class_="unit"),
        class_="timeline",
        role="img",
        aria_label="The split on a time line: " + ", then ".join(span.name for span in spans) + ".",
    )


def _share_bar(record: RunRecord) -> Markup:
    rows = {part: number(record.manifest, "splits", part, "rows") or 0.0 for part in PARTS}
    total = sum(rows.values()) or 1.0
    offsets = [sum(list(rows.values())[:index]) for index in range(len(PARTS))]
    segments = [
        _segment(part, offset, rows[part], total) for part, offset in zip(PARTS, offsets, strict=True)
    ]
    shares = ", ".join(f"{part} {numerals.percent(rows[part] / total)}" for part in PARTS)
    return element(
        "div", segments, class_="timeline shares", role="img", aria_label=f"Shares of the rows: {shares}."
    )


def _segment(name: str, offset: float, length: float, total: float) -> Markup:
    return element(
        "div",
        element("span", name.capitalize()) if name != "gap" else None,
        class_=f"segment {name}",
        style=f"left:{offset / total:.3%};width:{length / total:.3%}",
    )


def _elapsed_ticks(start: float, end: float) -> tuple[list[tuple[float, str]], str]:
    unit, name = (DAY, "days") if end - start > 10 * DAY else (3600.0, "hours")
    least = (end - start) / unit / 8
    step = round_step(least)
    if unit == 3600.0 and least > 0.5:
        step = next(size / unit for size in _STEPS if size / unit >= least)
    ticks = [(start + index * step * unit, f"{index * step:g}") for index in range(64)]
    return ticks, f"{name} since the first row"


def _date_ticks(start: float, end: float) -> tuple[list[tuple[float, str]], str]:
    step = next((size for size in _STEPS if (end - start) / size <= 8), round_step((end - start) / 8))
    first = -(-start // step) * step if step < DAY else -(-start // DAY) * DAY
    moments = [first + index * step for index in range(64)]
    written = [(at, numerals.day(at) if step >= DAY else numerals.timestamp(at)[11:]) for at in moments]
    return written, f"UTC, from {numerals.timestamp(start)}"


def _table(record: RunRecord, *, timed: bool) -> Markup:
    heads = ["Part", *(["From", "To"] if timed else []), "Rows", "Share", "Frauds", "Fraud rate"]
    duplicates = any(number(record.manifest, "splits", part, "duplicates") for part in PARTS)
    if duplicates:
        heads.append("Repeated rows")
    total = sum(number(record.manifest, "splits", part, "rows") or 0 for part in PARTS) or 1
    body = []
    for part in PARTS:
        facts = section(record.manifest, "splits", part)
        if not facts:
            continue  # a prequential split may be without validation
        rows, frauds = number(facts, "rows") or 0, number(facts, "positives")
        cells = [_moment(record, number(facts, end)) for end in ("time_start", "time_end")] if timed else []
        rate = frauds / rows if frauds is not None and rows else None
        cells += [numerals.count(rows), numerals.percent(rows / total)]
        cells += [numerals.count(frauds), numerals.percent(rate)]
        if duplicates:
            cells.append(numerals.count(number(facts, "duplicates")))
        name = element("th", element("span", class_=f"key {part}"), part.capitalize(), scope="row")
        labelled = zip(heads[1:], cells, strict=True)
        body.append(element("tr", name, [element("td", cell, data_label=head) for head, cell in labelled]))
    return table(heads, body, class_="wide stack")


def _moment(record: RunRecord, value: float | None) -> str:
    if value is None:
        return numerals.NOTHING
    if dig(record.manifest, "split", "time_kind") == "timestamp":
        return numerals.timestamp(value)
    elapsed = value - (number(record.manifest, "splits", "train", "time_start") or 0.0)
    unit, name = (DAY, "days") if elapsed >= 10 * DAY else (3600.0, "h")
    return f"{numerals.decimal(elapsed / unit, 1)}\u00a0{name}"
