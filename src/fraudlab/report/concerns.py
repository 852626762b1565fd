"""What a reader must know before trusting a number, in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fraudlab.report import numerals
from fraudlab.report.record import RunRecord, dig, number, section

# Below this the standard deviation of average precision is about 0.03 or more (0.05 at 75 frauds).
FEW_FRAUDS = 200
ENDPOINT_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Concern:
    """One thing to know: `weight` says whether it touches the numbers or only how they were made."""

    weight: Literal["problem", "caution", "note"]
    title: str
    text: str


def concerns(record: RunRecord) -> list[Concern]:
    """Return everything that should be read before the numbers, gravest first."""
    checks = (_status, _endpoint, _few_frauds, _shared_duplicates, _unseen, _last_round, _fallback, _dirty)
    found = [concern for check in checks if (concern := check(record)) is not None]
    order = ("problem", "caution", "note")
    return sorted(found, key=lambda concern: order.index(concern.weight))


def _status(record: RunRecord) -> Concern | None:
    status = record.run.get("status")
    if status not in {"failed", "interrupted"}:
        return None
    message = dig(record.run, "error", "message") or "No reason was recorded."
    fix = dig(record.run, "error", "fix")
    text = f"{message} What to do: {fix}." if fix else str(message)
    return Concern("problem", f"This run {'was interrupted' if status == 'interrupted' else 'failed'}", text)


def _endpoint(record: RunRecord) -> Concern | None:
    difference = number(record.metrics, "endpoint_max_difference")
    if difference is None or difference <= ENDPOINT_TOLERANCE:
        return None
    return Concern(
        "problem",
        "The endpoint does not answer what the model says",
        f"Scores through the endpoint differ from the model's own by up to {difference:.1e}, "
        f"more than {ENDPOINT_TOLERANCE:.0e}.",
    )


def _few_frauds(record: RunRecord) -> Concern | None:
    positives = number(record.metrics, "positives")
    if positives is None or positives >= FEW_FRAUDS:
        return None
    low = number(record.metrics, "average_precision_low")
    high = number(record.metrics, "average_precision_high")
    width = ""
    if low is not None and high is not None:
        width = (
            f"The 95 % interval of average precision is {numerals.decimal(high - low, 2)} wide "
            f"({numerals.interval(low, high)}). "
        )
    return Concern(
        "caution",
        f"Only {numerals.count(positives)} frauds in the test rows",
        f"{width}Differences between models of less than 0.03 are noise at this number.",
    )


def _shared_duplicates(record: RunRecord) -> Concern | None:
    rows = number(record.manifest, "duplicates", "rows")
    policy = dig(record.manifest, "duplicates", "policy")
    if not rows or policy == "drop" or dig(record.manifest, "split", "kind") != "stratified":
        return None
    return Concern(
        "caution",
        "Copies of a row may stand on both sides of the split",
        f"{numerals.count(rows)} rows repeat another exactly and were kept, and a random split can put one "
        "copy into train and another into test, which flatters the results. Use data.duplicates=drop, or a "
        "time split.",
    )


def _unseen(record: RunRecord) -> Concern | None:
    columns = section(record.manifest, "splits", "test", "unseen")
    worst = {name: many for name, many in columns.items() if isinstance(many, (int, float)) and many > 0}
    total = number(record.metrics, "unseen_categories") or sum(worst.values())
    if not total:
        return None
    ordered = sorted(worst, key=lambda name: -worst[name])
    where = ", ".join(f"{name} ({numerals.count(worst[name])})" for name in ordered[:4])
    more = f" and {len(worst) - 4} more columns" if len(worst) > 4 else ""
    return Concern(
        "caution",
        "Categories that training has not seen",
        f"{numerals.count(total)} values of the test rows are categories absent from train; they were "
        f"scored as missing{': ' + where + more if where else ''}.",
    )


def _last_round(record: RunRecord) -> Concern | None:
    best, rounds = number(record.history, "best_round"), number(record.history, "rounds")
    limit = number(record.config, "model", "num_round")
    if best is None or rounds is None or best + 1 < rounds or (limit is not None and rounds < limit):
        return None
    return Concern(
        "note",
        "Training was still improving when it ended",
        f"The best of {numerals.count(rounds)} rounds is the last one: more (model.num_round) may find more.",
    )


def _fallback(record: RunRecord) -> Concern | None:
    why = record.run.get("fallback")
    if not why:
        return None
    backend = record.run.get("backend") or "process"
    reason = str(why).rstrip(".")
    return Concern(
        "note",
        f"Ran on the {backend} backend instead of the one asked for",
        f"{reason[:1].upper()}{reason[1:]}.",
    )


def _dirty(record: RunRecord) -> Concern | None:
    if not dig(record.run, "git", "dirty"):
        return None
    return Concern(
        "note",
        "The code had uncommitted changes",
        "The commit named below does not alone reproduce this run.",
    )
