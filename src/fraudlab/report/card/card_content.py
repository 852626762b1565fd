"""What a model's card says: sections made of a run's folder, and places for a person's own words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fraudlab.evaluation.fold_figures import figures_over_folds
from fraudlab.evaluation.operating import NO_ALERTS
from fraudlab.evaluation.shares import wilson
from fraudlab.lineage.recorded import content_digest, prepared_hashes
from fraudlab.report.concerns import concerns
from fraudlab.report.kit import numerals
from fraudlab.report.recorded.refitted import refit_sentences
from fraudlab.report.recorded.run_record import RunRecord, dig, number, section
from fraudlab.report.recorded.threshold_reason import threshold_reason

_PARTS = ("train", "validation", "test")
_UNKNOWN = "not recorded"


@dataclass(frozen=True)
class CardSection:
    """One section of a card.

    Attributes
    ----------
    title : str
    paragraphs : tuple of str
    facts : tuple of (str, str)
        Names and values.
    points : tuple of str
        A list.
    words : str or None
        Names the place for a person's own words; None where there is none.
    """

    title: str
    paragraphs: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    points: tuple[str, ...] = ()
    words: str | None = None


def card_title(record: RunRecord) -> str:
    """The heading of a card."""
    return f"Model card: {record.run.get('name') or record.id}"


def card_sections(record: RunRecord) -> list[CardSection]:
    """The sections of a run's card, in the order in which they are read."""
    return [
        _purpose(record),
        CardSection("Data", facts=tuple(_data(record)), points=tuple(_refitted(record))),
        CardSection("Metrics", paragraphs=(_measured_on(record),), facts=tuple(_metrics(record))),
        CardSection("Operating point", facts=tuple(_operating_point(record))),
        CardSection("Cautions", points=tuple(_cautions(record)) or ("None was found by fraudlab's checks.",)),
        CardSection("Limits", points=tuple(_limits(record)), words="limits"),
        CardSection("Lineage", facts=tuple(_lineage(record))),
        CardSection("Notes", words="notes"),
    ]


def _purpose(record: RunRecord) -> CardSection:
    what = (
        "Gives each transaction a probability of fraud, so that people look at the likeliest first. "
        f"An alert is a score of at least {numerals.score(number(record.model, 'threshold'))}. "
        "Who uses it, and what an alert leads to, is for people to say:"
    )
    return CardSection("Purpose", paragraphs=(what,), words="purpose")


def _data(record: RunRecord) -> Iterator[tuple[str, str]]:
    raw, splits = section(record.manifest, "raw"), section(record.manifest, "splits")
    yield "Table", str(dig(record.run, "data", "source") or dig(record.config, "data", "kind") or _UNKNOWN)
    if raw:
        rows, columns = (numerals.count(number(raw, name)) for name in ("rows", "columns"))
        yield "Size", f"{rows} rows, {columns} columns"
    yield "Label", str(record.model.get("label") or dig(record.config, "data", "label") or _UNKNOWN)
    columns_used = record.model.get("columns")
    if isinstance(columns_used, list):
        yield "Columns the model reads", ", ".join(str(dig(column, "name")) for column in columns_used)
    if isinstance(derived := record.model.get("derived"), list):
        yield (
            "Columns computed of them",
            "; ".join(f"{dig(one, 'name')} = {dig(one, 'expression')}" for one in derived),
        )
    yield "Split", _split(record)
    for name in _PARTS:
        if name in splits:
            yield f"Rows of {name}", _part(record, name)
    if policy := dig(record.manifest, "duplicates", "policy"):
        rows_again = numerals.count(number(record.manifest, "duplicates", "rows"))
        yield "Duplicates", f"{rows_again} rows repeat another; policy: {policy}"


def _refitted(record: RunRecord) -> Iterator[str]:
    if said := refit_sentences(record):
        yield said


def _split(record: RunRecord) -> str:
    kind = str(dig(record.manifest, "split", "kind") or _UNKNOWN)
    gap = number(record.manifest, "split", "gap_seconds")
    if kind not in ("time", "prequential"):
        return f"{kind}: dealt at random, with equal shares of fraud"
    left_out = f"{numerals.duration(gap) if gap else 'no time'} left out for late labels"
    newest = ", the newest of several folds" if kind == "prequential" else ""
    return f"in the order of time{newest}, {left_out}"


def _part(record: RunRecord, name: str) -> str:
    rows, frauds = (number(record.manifest, "splits", name, key) for key in ("rows", "positives"))
    share = f" ({numerals.percent(frauds / rows)})" if rows and frauds is not None else ""
    return f"{numerals.count(rows)}, {numerals.counted(frauds, 'fraud')}{share}"


def _measured_on(record: RunRecord) -> str:
    days = f", {numerals.duration(record.days * 86_400)} of traffic" if record.days else ""
    rows, frauds = number(record.metrics, "rows"), number(record.metrics, "positives")
    return (
        f"Measured on the test rows, which no choice was made on: {numerals.count(rows)} rows with "
        f"{numerals.counted(frauds, 'fraud')}{days}. Intervals are 95 %."
    )


def _metrics(record: RunRecord) -> Iterator[tuple[str, str]]:
    found = record.metrics
    low, high = (number(found, f"average_precision_{end}") for end in ("low", "high"))
    value = numerals.decimal(number(found, "average_precision"))
    units = ", with cards as units" if number(found, "cards") else ""
    yield (
        "Average precision",
        f"{value} ({numerals.interval(low, high)}{units})" if low is not None else value,
    )
    yield "ROC AUC", numerals.decimal(number(found, "roc_auc"))
    for name, share in (("recall_at_fpr_0.001", "0.1 %"), ("recall_at_fpr_0.01", "1 %")):
        if (value_at := number(found, name)) is not None:
            low_at, high_at = (number(found, f"{name}_{end}") for end in ("low", "high"))
            shown = f"{numerals.decimal(value_at)} ({numerals.interval(low_at, high_at)})"
            yield f"Recall at {share} false positives", shown
    for name, words in figures_over_folds(found).items():
        if (mean := number(found, f"{name}_mean")) is not None:
            spread = numerals.decimal(number(found, f"{name}_std"))
            yield f"{words[0].upper()}{words[1:]} over folds", f"{numerals.decimal(mean)} ± {spread}"
    true, missed, false = (
        number(found, name) for name in ("true_positives", "false_negatives", "false_positives")
    )
    for name, other in (("recall", missed), ("precision", false)):
        shown = numerals.decimal(number(found, name))
        ends = wilson(true, true + other) if true is not None and other is not None else None
        yield name.capitalize(), f"{shown} ({numerals.interval(*ends)})" if ends else shown
    if (caught := number(found, "value_recall")) is not None:
        yield "Share of the frauds' amounts that is caught", numerals.percent(caught)
    yield "Brier score", numerals.decimal(number(found, "brier"), 5)
    yield "Log loss", numerals.decimal(number(found, "log_loss"), 4)
    yield "Share of fraud in the test rows", numerals.percent(number(found, "prevalence"))


def _operating_point(record: RunRecord) -> Iterator[tuple[str, str]]:
    threshold = number(record.model, "threshold")
    yield "Threshold", f"{numerals.score(threshold)}, {threshold_reason(record)}"
    if threshold is not None and threshold >= NO_ALERTS:
        return
    daily = number(record.metrics, "alerts_per_day")
    if daily is not None and record.days:
        yield "Alerts per day", numerals.quantity(daily)
    caught, missed, false = (
        number(record.metrics, name) for name in ("true_positives", "false_negatives", "false_positives")
    )
    if caught is not None:
        yield "Frauds caught / missed", f"{numerals.count(caught)} / {numerals.count(missed)}"
        yield "False alarms", numerals.count(false)


def _cautions(record: RunRecord) -> Iterator[str]:
    for concern in concerns(record):
        if concern.kind != "status":
            yield f"{concern.weight.capitalize()}: {concern.title}. {concern.text}"


def _limits(record: RunRecord) -> Iterator[str]:
    yield "The figures are of this table and its time. Nothing was measured on other transactions."
    if dig(record.manifest, "split", "kind") not in ("time", "prequential"):
        yield "The test rows are not later than those it learned from: how it ages was not measured."
    kind, reason = dig(record.model, "calibration", "kind"), dig(record.model, "uncalibrated")
    if kind is None:
        why = f" ({reason})" if isinstance(reason, str) else ""
        read = "read them as an order, and as probabilities only with a check"
        yield f"Scores were not calibrated{why}: {read}."
    else:
        rows = dig(record.model, "calibration", "measured", "on")
        on = "out-of-fold rows" if rows == "out_of_fold" else "validation"
        yield f"Scores were made probabilities on {on} ({kind} calibration). No calibration repairs drift."
    yield "Frauds that nobody has labelled count as legitimate, in training and in these figures."
    yield "Whether errors fall on some groups of people more than on others was not measured."
    yield "This card claims conformity with no law and no standard."


def _lineage(record: RunRecord) -> Iterator[tuple[str, str]]:
    run = record.run
    yield "Run", record.id
    if started := run.get("started"):
        yield "Begun", numerals.instant(str(started))
    commit = dig(run, "git", "commit")
    changed = " with uncommitted changes" if dig(run, "git", "dirty") else ""
    yield "Commit", f"{commit}{changed}" if commit else _UNKNOWN
    image = dig(run, "image", "id") or dig(run, "image", "name")
    yield "Image", str(image) if image else f"none ({run.get('backend') or 'unknown'} backend)"
    yield "Table, SHA-256", str(dig(run, "data", "sha256") or dig(record.model, "hashes", "data") or _UNKNOWN)
    if hashes := prepared_hashes(record.manifest):
        yield "Prepared data, SHA-256", content_digest(hashes)
    yield "model.ubj, SHA-256", str(dig(record.model, "hashes", "model.ubj") or _UNKNOWN)
    versions = section(record.model, "versions")
    if versions:
        yield "Trained with", ", ".join(f"{name} {version}" for name, version in versions.items())
    if key := dig(run, "experiment", "key"):
        yield "Comet experiment", str(key)
