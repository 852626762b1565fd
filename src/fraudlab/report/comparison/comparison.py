"""Two runs side by side: what differs, by how much, and whether that means anything."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from fraudlab.report.comparison.compared_slices import ComparedColumn, compare_slices
from fraudlab.report.kit import numerals
from fraudlab.report.recorded.parameter_groups import MODELLING, parameter_groups
from fraudlab.report.recorded.run_record import Json, RunRecord, dig, number, read_run
from fraudlab.report.recorded.scores import Scores, read_scores
from fraudlab.report.recorded.sliced_rows import read_sliced_rows

Outcome = Literal["a", "b", "noise", "too few frauds", "not comparable"]

# A difference is called noise only where its interval is narrower than this share of the average precision,
# to either side: a wider interval may hide a difference that matters.
MATTERS = 0.02
# With five frauds it is not rare that one of two equal models ranks all of them better (a sign test gives a p
# of 0.06), and resampling five frauds can never show that.
MIN_FRAUDS = 6
_TITLES: dict[Outcome, str] = {
    "a": "{} is better",
    "b": "{} is better",
    "noise": "The difference is noise",
    "too few frauds": "Too few frauds to tell",
    "not comparable": "Not comparable",
}
METRICS = {
    "average_precision": "Average precision",
    "average_precision_low": "95\u00a0% interval, low",
    "average_precision_high": "95\u00a0% interval, high",
    "roc_auc": "ROC AUC",
    "recall_at_fpr_0.001": "Recall at 0.1\u00a0% false positives",
    "recall_at_fpr_0.01": "Recall at 1\u00a0% false positives",
    "recall": "Recall",
    "precision": "Precision",
    "f1": "F1",
    "value_recall": "Value caught",
    "threshold": "Threshold",
    "alerts_per_day": "Alerts per day",
    "positives": "Frauds in test",
    "rows": "Test rows",
    "brier": "Brier score",
    "log_loss": "Log loss",
    "accuracy": "Accuracy",
}


@dataclass(frozen=True)
class Setting:
    """One setting of both runs, as a person would type it."""

    name: str
    a: Any
    b: Any

    @property
    def differs(self) -> bool:
        return bool(self.a != self.b)


@dataclass(frozen=True)
class Metric:
    """One metric of both runs; None where a run does not have it."""

    name: str
    a: float | None
    b: float | None

    @property
    def difference(self) -> float | None:
        """B minus A."""
        return None if self.a is None or self.b is None else self.b - self.a


@dataclass(frozen=True)
class Difference:
    """Average precision of B minus that of A on the same rows, by paired bootstrap.

    Attributes
    ----------
    value, low, high, probability_b_better : float
    cards : int or None
        Cards with a fraud, where whole cards were resampled; None where rows were.
    """

    value: float
    low: float
    high: float
    probability_b_better: float
    cards: int | None = None


@dataclass(frozen=True)
class Comparison:
    """Two runs side by side.

    Attributes
    ----------
    a, b : RunRecord
    parameters : tuple of Setting
        Those that differ first, then the same.
    metrics : tuple of Metric
        Average precision first.
    difference : Difference or None
        None where the runs did not score the same test rows.
    outcome : {"a", "b", "noise", "too few frauds", "not comparable"}
        Which is better.
    reason : str
        Why, in a sentence or two.
    letters : tuple of str
        What the two are called.
    slices : tuple of ComparedColumn
        Of the columns of ``evaluation.slices`` of either run; empty where they cannot be compared.
    """

    a: RunRecord
    b: RunRecord
    parameters: tuple[Setting, ...]
    metrics: tuple[Metric, ...]
    difference: Difference | None
    outcome: Outcome
    reason: str
    letters: tuple[str, str] = ("A", "B")
    slices: tuple[ComparedColumn, ...] = ()

    @property
    def title(self) -> str:
        """The outcome in a few words."""
        return _TITLES[self.outcome].format(self.letters[self.outcome == "b"])

    @property
    def nothing_differs(self) -> str:
        """The sentence about the parameters where none of them differs."""
        return (
            "Both runs were made with the same parameters."
            if self.parameters
            else "No parameters are recorded."
        )

    @property
    def verdict(self) -> str:
        """The outcome and why."""
        return f"{self.title}: {self.reason}"

    def as_json(self) -> Json:
        """Everything but the runs themselves, for other programs."""
        return {
            "schema": 1,
            "a": self.a.id,
            "b": self.b.id,
            "outcome": self.outcome,
            "verdict": self.verdict.replace("\u00a0", " "),
            "average_precision_difference": asdict(self.difference) if self.difference else None,
            "slices": [column.as_json() for column in self.slices],
            "metrics": {m.name: {"a": m.a, "b": m.b, "difference": m.difference} for m in self.metrics},
            "parameters": {
                "different": {p.name: {"a": p.a, "b": p.b} for p in self.parameters if p.differs},
                "same": {p.name: p.a for p in self.parameters if not p.differs},
            },
        }


def compare_runs(a: Path, b: Path) -> Comparison:
    """Compare two run folders; nothing is written.

    A difference is believed where the paired bootstrap's 95 % interval leaves out zero. Where it holds zero,
    the difference is noise if the interval is narrow; else there are too few frauds to tell, and the reason
    says how many it would take.

    Raises
    ------
    RunError
        If one is no run folder, or a file in it is broken.
    """
    first, second = read_run(a), read_run(b)
    return compare_records(first, second, read_scores(a), read_scores(b))


def compare_records(
    first: RunRecord,
    second: RunRecord,
    scores: Scores | None,
    second_scores: Scores | None,
    *,
    letters: tuple[str, str] = ("A", "B"),
) -> Comparison:
    """:func:`compare_runs` of what was read already, with the letters that the runs are called by."""
    metrics = tuple(
        Metric(name, number(first.metrics, name), number(second.metrics, name))
        for name in METRICS
        if number(first.metrics, name) is not None or number(second.metrics, name) is not None
    )
    obstacle = _obstacle(first, second)
    difference = None
    slices: tuple[ComparedColumn, ...] = ()
    if obstacle is None:
        obstacle = _row_obstacle(first, second, scores, second_scores)
        if obstacle is None and scores and second_scores:
            same = _same_cards(first, second)
            difference = _difference(scores, second_scores, same_cards=same)
            slices = _slices(first, second, scores, second_scores, same_cards=same)
    outcome, reason = _judge(first, second, difference, obstacle, letters)
    parameters = _parameters(first, second)
    return Comparison(first, second, parameters, metrics, difference, outcome, reason, letters, slices)


def _obstacle(a: RunRecord, b: RunRecord) -> str | None:
    """Why two runs cannot be compared at all, without a look at their scores."""
    for record in (a, b):
        if number(record.metrics, "average_precision") is None:
            return f"{record.id} was not evaluated"
    hashes = [dig(record.run, "data", "sha256") for record in (a, b)]
    if hashes[0] != hashes[1]:
        names = [str(dig(record.run, "data", "source") or "unknown") for record in (a, b)]
        tables = f"{names[0]} and {names[1]}" if names[0] != names[1] else f"two versions of {names[0]}"
        return f"they used different tables ({tables})"
    return None


def _row_obstacle(a: RunRecord, b: RunRecord, first: Scores | None, second: Scores | None) -> str | None:
    import numpy as np

    if first is None or second is None:
        return f"{(a if first is None else b).id} has no scores to compare row by row"
    if np.array_equal(first.row, second.row) and np.array_equal(first.label, second.label):
        return None
    kinds = [str(dig(record.manifest, "split", "kind") or "unknown") for record in (a, b)]
    splits = f"{kinds[0]} against {kinds[1]} split" if kinds[0] != kinds[1] else f"both split {kinds[0]}"
    rows = f"{numerals.count(first.row.size)} and {numerals.count(second.row.size)} rows"
    return f"they were tested on different rows of the same table ({splits}, {rows})"


def _same_cards(a: RunRecord, b: RunRecord) -> bool:
    """Whether both runs were told of the same column of cards."""
    first, second = (dig(record.manifest, "roles", "card") for record in (a, b))
    return first is not None and first == second


def _difference(a: Scores, b: Scores, *, same_cards: bool) -> Difference:
    from fraudlab.evaluation.card_intervals import paired_card_bootstrap
    from fraudlab.evaluation.intervals import paired_bootstrap

    cards = None
    if same_cards and a.card is not None and b.card is not None:
        import numpy as np

        cards = int(np.unique(a.card[a.label == 1]).size)
        found = paired_card_bootstrap(a.label, b.score, a.score, a.card)
    else:
        found = paired_bootstrap(a.label, b.score, a.score)
    return Difference(found.difference, found.low, found.high, found.probability_a_better, cards)


def _slices(
    a: RunRecord, b: RunRecord, scores: Scores, others: Scores, *, same_cards: bool
) -> tuple[ComparedColumn, ...]:
    """Of the columns that either run was asked about: the rows are the same, and so are their values."""
    found = read_sliced_rows(a.folder)
    known = {one.column for one in found}
    found += [one for one in read_sliced_rows(b.folder) if one.column not in known]
    return compare_slices(scores, others, found, same_cards=same_cards) if found else ()


def _judge(
    a: RunRecord,
    b: RunRecord,
    difference: Difference | None,
    obstacle: str | None,
    letters: tuple[str, str],
) -> tuple[Outcome, str]:
    if difference is None:
        return "not comparable", (
            f"{obstacle}. The numbers stand side by side, but their difference says nothing about the models."
        )
    values = [numerals.decimal(number(record.metrics, "average_precision")) for record in (a, b)]
    positives = number(a.metrics, "positives") or 0
    measured = (
        f"average precision {values[0]} for {letters[0]} and {values[1]} for {letters[1]}, a difference of "
        f"{numerals.signed(difference.value)} (95\u00a0% interval "
        f"{numerals.signed(difference.low)} to {numerals.signed(difference.high)}) on the same "
        f"{numerals.counted(positives, 'test fraud')}{_units(difference)}"
    )
    if min(positives, positives if difference.cards is None else difference.cards) < MIN_FRAUDS:
        of = "frauds" if difference.cards is None else "cards with fraud"
        return "too few frauds", f"{measured}. No order of fewer than {MIN_FRAUDS} {of} is beyond chance."
    if not difference.low <= 0 <= difference.high:
        return ("b" if difference.value > 0 else "a"), f"{measured}."
    matters = MATTERS * max(number(record.metrics, "average_precision") or 0.0 for record in (a, b))
    if difference.high - difference.low <= 2 * matters:
        return "noise", f"{measured}."
    size, needed = _needed(difference, positives, matters)
    return "too few frauds", (
        f"{measured}. To tell a difference of {numerals.decimal(size)} it would take about "
        f"{numerals.count(needed)} test frauds."
    )


def _units(difference: Difference) -> str:
    if difference.cards is None:
        return ""
    return f", of {numerals.counted(difference.cards, 'card')}, which are resampled as wholes"


def _needed(difference: Difference, frauds: float, least: float) -> tuple[float, float]:
    """A difference worth telling, and how many frauds would tell it.

    It is the one that was measured, or `least` where that is larger. The interval shrinks with the square
    root of the frauds, and has to reach from the difference to zero.
    """
    size = max(abs(difference.value), least)
    toward_zero = (
        difference.value - difference.low if difference.value > 0 else difference.high - difference.value
    )
    needed = max(frauds + 1, frauds * (toward_zero / size) ** 2)
    digits = 10 ** max(0, math.floor(math.log10(needed)) - 1)
    return size, math.ceil(needed / digits) * digits


def _parameters(a: RunRecord, b: RunRecord) -> tuple[Setting, ...]:
    first, second = settings(a), settings(b)
    names = list(dict.fromkeys([*first, *second]))
    found = [Setting(name, first.get(name), second.get(name)) for name in names]
    return tuple(sorted(found, key=lambda p: (not p.differs, p.name.split(".")[0] not in MODELLING)))


def settings(record: RunRecord) -> Json:
    """Parameters by dotted name, and what the run was made with."""
    settings = {
        f"{group}.{key}" if group != "other" else key: value
        for group, values in parameter_groups(record).items()
        for key, value in values.items()
    }
    made = {
        "made with.commit": dig(record.run, "git", "commit"),
        "made with.image": dig(record.run, "image", "id"),
        "made with.xgboost": dig(record.model, "versions", "xgboost"),
    }
    return settings | {name: value for name, value in made.items() if value is not None}
