"""What makes a model look better than it is: columns and rows that hold what is known only later."""

from __future__ import annotations

from collections.abc import Sequence

from fraudlab.durations import seconds
from fraudlab.errors import ConfigError
from fraudlab.evaluation.shares import wilson
from fraudlab.report.concerns.concern import Concern
from fraudlab.report.concerns.label_copies import sentence, without
from fraudlab.report.kit import numerals
from fraudlab.report.recorded.refitted import by_first_fit
from fraudlab.report.recorded.run_record import RunRecord, dig, number

#: a column with more than this share of the gain is said to decide alone
ALONE = 0.95
#: average precision that models of real fraud seldom reach
NEARLY_PERFECT = 0.99
#: test has to fall short of validation's average precision by this share before it is said: less is usual
#: drift
LACKING = 0.1


def label_copy(record: RunRecord) -> Concern | None:
    """Columns that the processing job found to tell the label."""
    copies = [copy for copy in record.manifest.get("label_copies") or [] if isinstance(copy, dict)]
    if not copies:
        return None
    told = "; ".join(sentence(copy) for copy in copies)
    return Concern(
        "label_copy",
        "caution",
        "A column tells the label" if len(copies) == 1 else f"{len(copies)} columns tell the label",
        f"{told[:1].upper()}{told[1:]}.",
        _leave_out(record, [str(copy["column"]) for copy in copies]),
    )


def one_column(record: RunRecord) -> Concern | None:
    """One feature of several has nearly all of the gain."""
    top = _top_column(record)
    if top is None or top[1] <= ALONE or len(record.importance) < 2:
        return None
    name, gain = top
    return Concern(
        "one_column",
        "caution",
        "One column decides almost alone",
        f"{name!r} has {numerals.percent(gain)} of what all splits of the trees gained.",
        _leave_out(record, [name]),
    )


def nearly_perfect(record: RunRecord) -> Concern | None:
    """An average precision that a leak explains more often than a good model."""
    found = number(record.metrics, "average_precision")
    if found is None or found <= NEARLY_PERFECT:
        return None
    top = _top_column(record)
    first = f"The first to look at is {top[0]!r}, with {numerals.percent(top[1])} of the gain." if top else ""
    return Concern(
        "nearly_perfect",
        "caution",
        "Almost perfect, which fraud seldom allows",
        f"Average precision is {_above(found)}: look for a column that is filled in once a fraud is known.",
        first,
    )


def validation_ahead(record: RunRecord) -> Concern | None:
    """Average precision of validation far above that of test, by more than either's noise.

    The interval of test is recorded. For validation only the figure is, so its interval is computed as that
    of a share of its frauds (Boyd, Eng & Page 2013, "Area under the precision-recall curve"), by Wilson's
    formula, which holds for a share of 1 too. A model that was refitted has learned from validation: that
    figure is then the first fit's, who had not. It is said only where the two intervals do not touch.
    """
    if dig(record.model, "decision", "measured_on") == "out_of_fold":
        return None
    validation, frauds = (number(record.validation, name) for name in ("average_precision", "positives"))
    test, high = (number(record.metrics, name) for name in ("average_precision", "average_precision_high"))
    if validation is None or not frauds or test is None or high is None:
        return None
    ends = wilson(validation * frauds, frauds)
    if ends is None or ends[0] <= high or test > (1 - LACKING) * validation:
        return None
    return Concern(
        "validation_ahead",
        "caution",
        "Validation promised more than test keeps",
        f"Average precision is {numerals.decimal(validation)} on validation{by_first_fit(record)} and "
        f"{numerals.decimal(test)} on test, further apart than noise.",
        "Either a column knows the label in train and validation but not in test, or fraud has changed "
        "between them. Compare the columns of both, the most important ones first.",
    )


def no_gap(record: RunRecord) -> Concern | None:
    """A split by time whose gap is shorter than the time after which labels are known."""
    if dig(record.manifest, "split", "kind") not in ("time", "prequential"):
        return None
    if dig(record.manifest, "split", "labels"):
        return None  # what was not known by then was not learned
    gap = number(record.manifest, "split", "gap_seconds") or 0.0
    delay = _delay(record)
    if gap and gap >= delay:
        return None
    if delay:
        left_out = numerals.duration(gap) if gap else "nothing"
        return Concern(
            "no_gap",
            "caution",
            "The gap is shorter than labels are late",
            f"Labels come {numerals.duration(delay)} late (data.delay), and {left_out} is left out before "
            "validation and test (split.gap).",
            "So the model learned from labels that nobody had when the test rows came.",
        )
    return Concern(
        "no_gap",
        "caution",
        "No time is left out for labels that come late",
        "Fraud is mostly known days or weeks later: train then has labels that nobody had when test began.",
        "Set data.delay to how late they come, as data.delay=7d.",
    )


def random_split(record: RunRecord) -> Concern | None:
    """A split dealt at random, of which test says nothing of later transactions."""
    if dig(record.manifest, "split", "kind") != "stratified" or not record.metrics:
        return None
    card = dig(record.manifest, "roles", "card")
    timed = number(record.manifest, "splits", "test", "time_start") is not None
    shared = " and ".join(["of the same card"] * bool(card) + ["of the same days"] * timed)
    rows = f"Rows {shared} are" if shared else "Rows of the same card or the same hour may be"
    return Concern(
        "random_split",
        "caution",
        "A random split hides what time does",
        f"{rows} on both sides of the split: average precision is higher than on later transactions.",
        "Use split=time or split=prequential." if timed else "Give data.time a column, for split=time.",
    )


def shared_duplicates(record: RunRecord) -> Concern | None:
    """Repeated rows of which a random split may put one into train and one into test."""
    rows = number(record.manifest, "duplicates", "rows")
    policy = dig(record.manifest, "duplicates", "policy")
    if not rows or policy == "drop" or dig(record.manifest, "split", "kind") != "stratified":
        return None
    repeat = "row repeats another exactly and was" if rows == 1 else "rows repeat another exactly and were"
    return Concern(
        "shared_duplicates",
        "caution",
        "Copies of a row may stand on both sides of the split",
        f"{numerals.count(rows)} {repeat} kept: a random split can part copies, which flatters the results.",
        "Use data.duplicates=drop, or a time split.",
    )


def _top_column(record: RunRecord) -> tuple[str, float] | None:
    gains = [(str(item.get("column")), number(item, "gain") or 0.0) for item in record.importance]
    name, gain = max(gains, key=lambda item: item[1], default=("", 0.0))
    return (name, gain) if gain > 0 else None


def _above(value: float) -> str:
    """Write three decimals, but never 1.000 for a value below 1."""
    return "above 0.999" if 0.999 < value < 1 else numerals.decimal(value)


def _delay(record: RunRecord) -> float:
    try:
        return seconds(str(dig(record.config, "data", "delay") or "0"), key="data.delay")
    except ConfigError:
        return 0.0


def _leave_out(record: RunRecord, columns: Sequence[str]) -> str:
    data = record.config.get("data") or {}
    if derived := [name for name in columns if name in (data.get("derive") or {})]:
        written = "; ".join(f"{name} = {data['derive'][name]}" for name in derived)
        return f"It is computed of others ({written}): see that those are known when a transaction is scored."
    lists = {key: list(data.get(key) or []) for key in ("drop", "features", "categorical")}
    words = without(columns, **lists)
    which = "it is" if len(columns) == 1 else "they are"
    return f"If {which} not known when a transaction is scored: {words}"
