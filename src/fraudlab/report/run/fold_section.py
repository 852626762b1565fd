"""The folds of a prequential split: whether a good figure is one of a good week."""

from __future__ import annotations

from fraudlab.container.contract import FOLDS
from fraudlab.evaluation.fold_figures import figures_over_folds
from fraudlab.report.kit import numerals
from fraudlab.report.kit.blocks import table
from fraudlab.report.kit.markup import Markup, element
from fraudlab.report.recorded.run_record import Json, RunRecord, dig, number


def fold_section(record: RunRecord) -> Markup | None:
    """Each fold's figures, and their mean and standard deviation; None where there are no folds."""
    if not record.folds:
        return None
    shown = figures_over_folds(record.metrics)
    dated = dig(record.manifest, "split", "time_kind") == "timestamp"
    heads = ["Fold", *(["Tested from", "To"] if dated else []), "Rows", "Frauds"]
    heads += [f"{words[0].upper()}{words[1:]}" for words in shown.values()]
    body = [_row(heads, _cells(record, fold, list(shown), dated=dated)) for fold in record.folds]
    spread = [
        f"{numerals.decimal(number(record.metrics, f'{name}_mean'))} ± "
        f"{numerals.decimal(number(record.metrics, f'{name}_std'))}"
        for name in shown
    ]
    between = [""] * (len(heads) - len(spread) - 1)
    body.append(_row(heads, ["Mean ± standard deviation", *between, *spread]))
    return element(
        "section",
        element("h2", "Folds"),
        element("p", _lead(record), class_="lead"),
        table(heads, body, class_="wide stack"),
    )


def _lead(record: RunRecord) -> str:
    older = dig(record.manifest, FOLDS)
    asked = 1 + (len(older) if isinstance(older, list) else 0)
    missing = asked - len(record.folds)
    stopped = (
        f" {numerals.counted(missing, 'fold')} were left out, as the job was stopped." if missing else ""
    )
    return (
        "A model of its own was trained and tested on each fold. The first is the model of this page; the "
        f"others say how far its figures depend on the days it was tested on.{stopped}"
    )


def _cells(record: RunRecord, fold: Json, names: list[str], *, dated: bool) -> list[str]:
    found = [numerals.count(number(fold, "fold"))]
    if dated:
        facts = _tested(record, fold)
        found += [_day(number(facts, end)) for end in ("time_start", "time_end")]
    found += [numerals.count(number(fold, name)) for name in ("rows", "positives")]
    return found + [numerals.decimal(number(fold, name)) for name in names]


def _tested(record: RunRecord, fold: Json) -> Json:
    """What the manifest says of the rows a fold was tested on."""
    at, older = number(fold, "fold"), dig(record.manifest, FOLDS)
    manifest: object = record.manifest
    if at != 1:
        inside = at is not None and isinstance(older, list) and at - 2 < len(older)
        manifest = older[int(at or 2) - 2] if inside else {}
    facts = dig(manifest, "splits", "test") if isinstance(manifest, dict) else None
    return facts if isinstance(facts, dict) else {}


def _day(value: float | None) -> str:
    return numerals.NOTHING if value is None else numerals.timestamp(value)


def _row(heads: list[str], cells: list[str]) -> Markup:
    labelled = zip(heads[1:], cells[1:], strict=True)
    return element(
        "tr",
        element("th", cells[0], scope="row"),
        [element("td", cell, data_label=head) for head, cell in labelled],
    )
