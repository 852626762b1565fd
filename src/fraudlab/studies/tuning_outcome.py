"""What came of a study: its files, its lines on the terminal, and what tuning was worth."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fraudlab.container.hyperparameters import OF_A_MEMBER, canonical
from fraudlab.files import read_json, write_json, write_text
from fraudlab.report.comparison.comparison import Comparison, compare_records
from fraudlab.report.kit import numerals
from fraudlab.report.recorded.run_record import read_run
from fraudlab.report.recorded.scores import read_scores
from fraudlab.report.study.study_page import render_study
from fraudlab.runs import Run
from fraudlab.studies.search_space import Value
from fraudlab.studies.trial_book import TrialBook, TrialRow, best_of, ranked
from fraudlab.studies.tuning_request import TuningRequest, override

#: how many of the best trials are written as members of an average
_TOP = 5


@dataclass(frozen=True)
class TuningOutcome:
    """What a call of ``fraudlab tune`` came to.

    Attributes
    ----------
    name : str
    folder : Path
    rows : tuple of TrialRow
    best : TrialRow or None
    start, final : Run or None
        The full runs that were compared on test.
    comparison : Comparison or None
        Final against start.
    worth : str
        What tuning was worth, in a sentence.
    """

    name: str
    folder: Path
    rows: tuple[TrialRow, ...]
    best: TrialRow | None
    start: Run
    final: Run | None
    comparison: Comparison | None
    worth: str

    @property
    def page(self) -> Path:
        return self.folder / "report.html"

    def as_json(self) -> dict[str, Any]:
        """The outcome for other programs, and for the page."""
        return {
            "name": self.name,
            "trials": [asdict(row) for row in self.rows],
            "best": None if self.best is None else self.best.number,
            "start": {"run": self.start.id, "metrics": self.start.record["metrics"]},
            "final": None
            if self.final is None
            else {"run": self.final.id, "metrics": self.final.record["metrics"]},
            "worth": self.worth,
            "difference": None
            if self.comparison is None or self.comparison.difference is None
            else asdict(self.comparison.difference),
        }


def write_outcome(
    request: TuningRequest,
    book: TrialBook,
    *,
    start: Run,
    final: Run | None,
    tested: int = 0,
    costs: Mapping[str, Any] | None = None,
) -> TuningOutcome:
    """Write ``outcome.json``, the page and, where a trial has completed, ``best.yaml``.

    Parameters
    ----------
    request : TuningRequest
    book : TrialBook
    start, final : Run
        Full runs; no `final` where the study has not ended.
    tested : int
        How many tuned models of the study have been tested.
    costs : mapping, optional
        What a study in the cloud has cost, and was agreed to.
    """
    rows = book.rows()
    best = best_of(rows)
    comparison = None if final is None else _compared(start.folder, final.folder)
    worth = "Tuning has not ended: nothing of it was tested." if comparison is None else worth_of(comparison)
    if tested > 1:
        worth += f" It is the {_nth(tested)} tuned model of this study that was tested on these rows."
    outcome = TuningOutcome(request.name, request.folder, tuple(rows), best, start, final, comparison, worth)
    content = {
        "schema": 1,
        **outcome.as_json(),
        "space": {dimension.name: dimension.as_json() for dimension in request.options.space},
        "importance": book.importance(),
        "costs": None if costs is None else dict(costs),
    }
    write_json(request.folder / "outcome.json", content)
    render_study(read_json(request.folder / "outcome.json"), outcome.page)
    if best is not None:
        write_text(request.folder / "best.yaml", best_yaml(request, rows))
        if average := members_yaml(request, rows):
            write_text(request.folder / "members.yaml", average)
    return outcome


def worth_of(comparison: Comparison) -> str:
    """What tuning was worth on test, with its interval, and ``noise`` where the interval includes zero."""
    found = comparison.difference
    if found is None:
        return comparison.verdict
    measured = (
        f"{numerals.signed(found.value)} average precision on test (95\u00a0% interval "
        f"{numerals.signed(found.low)} to {numerals.signed(found.high)})"
    )
    if found.low == found.high == 0.0:
        return f"Tuning was worth nothing: {measured}, the scores are the same."
    if found.low <= 0.0 <= found.high:
        return f"Tuning was worth {measured}: noise."
    return f"Tuning was worth {measured}." if found.value > 0 else f"Tuning has cost {measured}."


def _nth(count: int) -> str:
    return {2: "second", 3: "third"}.get(count, f"{count}th")


def trial_line(row: TrialRow, rows: Sequence[TrialRow], *, total: int) -> str:
    """The line a terminal shows of a trial that has ended."""
    head = f"  trial {row.number + 1:>{len(str(total))}}/{total}  "
    if row.state == "failed":
        return f"{head}failed: {row.error}"
    seconds = "" if row.seconds is None else f"  {row.seconds:.1f} s"
    settings = " ".join(f"{name}={shown(value)}" for name, value in row.params.items())
    if row.state == "pruned":
        at = "" if row.round is None else f" at round {row.round + 1}"
        return f"{head}pruned{at}{seconds}  {settings}"
    best = best_of(list(rows))
    standing = "best so far" if best == row else f"best {best.value:.4f}" if best and best.value else ""
    return f"{head}{row.value:.4f}  {standing}{seconds}  {settings}"


def shown(value: Value) -> str:
    """A value in a line: four digits of what is no whole number."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def train_command(request: TuningRequest, params: Mapping[str, Value]) -> str:
    """The call that trains with some settings."""
    return _command([*request.overrides, *map(override, params.items())])


def _command(words: Sequence[str]) -> str:
    return shlex.join(["fraudlab", "train", *words])


def best_yaml(request: TuningRequest, rows: list[TrialRow]) -> str:
    """The best settings as an option of ``conf/experiment/``."""
    best = ranked(rows)[0]
    return (
        "# @package _global_\n"
        f"# The best of {len(rows)} trials of study {request.name}: trial {best.number + 1}, "
        f"average precision {best.value:.6f} on validation.\n"
        f"# {train_command(request, best.params)}\n"
        "# Or copy this file to conf/experiment/tuned.yaml, and call fraudlab train experiment=tuned\n"
        f"model:\n{_settings(best.params)}"
    )


def members_yaml(request: TuningRequest, rows: list[TrialRow]) -> str | None:
    """The best trials as the members of one average, an option too; None where there are no two of them."""
    chosen = members_of(request, rows)
    if len(chosen) < 2:
        return None
    common, members = chosen[0][0], [own for _, own in chosen]
    listed = ", ".join(_mapping(own) for own in members)
    words = [*map(override, common.items()), f"model.members=[{listed}]"]
    return (
        "# @package _global_\n"
        f"# An average of the best {len(members)} of {len(rows)} trials of study {request.name}.\n"
        f"# {_command([*request.overrides, *words])}\n"
        "# Or copy this file to conf/experiment/average.yaml, and call fraudlab train experiment=average\n"
        f"model:\n{_settings(common)}  members:\n" + "".join(f"    - {_mapping(own)}\n" for own in members)
    )


def members_of(
    request: TuningRequest, rows: list[TrialRow]
) -> list[tuple[dict[str, Value], dict[str, Value]]]:
    """The settings of the best trials that one average can have: those it has in common, and each one's own.

    No two are the same, which would be one model twice, and all have the best one's value of what is the same
    for all members of an average. Trials that were averages themselves are members of none.
    """
    if request.config.model.members is not None:
        return []
    chosen: list[tuple[dict[str, Value], dict[str, Value]]] = []
    for row in ranked(rows):
        own = {name: value for name, value in row.params.items() if canonical(name) in OF_A_MEMBER}
        common = {name: value for name, value in row.params.items() if name not in own}
        if "members" in common:
            return []
        if (not chosen or common == chosen[0][0]) and (common, own) not in chosen:
            chosen.append((common, own))
    return chosen[:_TOP]


def _settings(params: Mapping[str, Value]) -> str:
    return "".join(f"  {name}: {json.dumps(value)}\n" for name, value in params.items())


def _mapping(params: Mapping[str, Value]) -> str:
    return "{" + ", ".join(f"{name}: {json.dumps(value)}" for name, value in params.items()) + "}"


def _compared(start: Path, final: Path) -> Comparison:
    first, second = read_run(start), read_run(final)
    scores, second_scores = read_scores(start), read_scores(final)
    return compare_records(first, second, scores, second_scores, letters=("start", "tuned"))
