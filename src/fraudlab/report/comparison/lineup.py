"""Several runs side by side: each against the first, and all in what they were told and made with."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fraudlab.errors import ConfigError
from fraudlab.report.comparison.compared_slices import correct_together
from fraudlab.report.comparison.comparison import METRICS, Comparison, compare_records, settings
from fraudlab.report.kit import numerals
from fraudlab.report.recorded.parameter_groups import MODELLING
from fraudlab.report.recorded.refitted import refit_of
from fraudlab.report.recorded.run_record import Json, RunRecord, dig, number, read_run, section
from fraudlab.report.recorded.scores import Scores, read_scores
from fraudlab.runs.record import flatten

MAX_RUNS = 20
#: beyond so many comparisons, one may come out by chance
_MANY = 5


@dataclass(frozen=True)
class Row:
    """One thing of all runs; None where a run does not have it."""

    name: str
    values: tuple[Any, ...]

    @property
    def differs(self) -> bool:
        return any(value != self.values[0] for value in self.values[1:])


@dataclass(frozen=True)
class Lineup:
    """Two to twenty runs.

    Attributes
    ----------
    runs : tuple of RunRecord
    scores : tuple of Scores or None
        Of each run.
    pairs : tuple of Comparison
        Of the first run with each other.
    parameters : tuple of Row
        Those that differ first, those of the model before others.
    metrics : tuple of Row
        Average precision first.
    circumstances : tuple of Row
        Data, code, image, packages and machine.
    """

    runs: tuple[RunRecord, ...]
    scores: tuple[Scores | None, ...]
    pairs: tuple[Comparison, ...]
    parameters: tuple[Row, ...]
    metrics: tuple[Row, ...]
    circumstances: tuple[Row, ...]

    @property
    def letters(self) -> tuple[str, ...]:
        """What the runs are called: A, B, C."""
        return tuple(letter(index) for index in range(len(self.runs)))

    @property
    def refitted(self) -> tuple[str, ...]:
        """Those whose model is not the fit that validation watched."""
        return tuple(name for name, record in zip(self.letters, self.runs, strict=True) if refit_of(record))

    @property
    def title(self) -> str:
        """The outcome in a few words; of two runs that of their comparison."""
        if len(self.pairs) == 1:
            return self.pairs[0].title
        better = [pair.letters[1] for pair in self.pairs if pair.outcome == "b"]
        if better:
            return f"{_listed(better)} {'is' if len(better) == 1 else 'are'} better than A"
        if all(pair.outcome == "a" for pair in self.pairs):
            return "A is better than all others"
        return "None is shown to be better than A"

    @property
    def reason(self) -> str:
        """What the title leaves out."""
        if len(self.pairs) == 1:
            return self.pairs[0].reason
        words = {"a": "worse", "noise": "no different", "too few frauds": "not told apart by so few frauds"}
        words |= {"not comparable": "not comparable"}
        parts = []
        for outcome, said in words.items():
            letters = [pair.letters[1] for pair in self.pairs if pair.outcome == outcome]
            if letters:
                parts.append(f"{_listed(letters)} {'is' if len(letters) == 1 else 'are'} {said}")
        text = f"{'; '.join(parts)}. " if parts else ""
        text += "Each is judged by its paired difference to A on the same test rows (95\u00a0% interval)."
        if len(self.pairs) >= _MANY:
            text += f" Of {len(self.pairs)} such judgements, about one in twenty comes out by chance alone."
        return text

    def as_json(self) -> Json:
        """Everything but the runs themselves, for other programs; of two runs, as their comparison has it."""
        if len(self.pairs) == 1:
            return self.pairs[0].as_json() | {"circumstances": _different(self.circumstances)}
        return {
            "schema": 2,
            "runs": [record.id for record in self.runs],
            "verdict": f"{self.title}. {self.reason[:1].upper()}{self.reason[1:]}".replace("\u00a0", " "),
            "comparisons": [pair.as_json() for pair in self.pairs],
            "metrics": {row.name: list(row.values) for row in self.metrics},
            "parameters": {
                "different": _different(self.parameters),
                "same": {row.name: row.values[0] for row in self.parameters if not row.differs},
            },
            "circumstances": _different(self.circumstances),
        }


def letter(index: int) -> str:
    """What a run is called among others."""
    return chr(ord("A") + index)


def line_up(folders: Sequence[Path]) -> Lineup:
    """Compare run folders with the first of them; nothing is written.

    Parameters
    ----------
    folders : sequence of Path
        Two to twenty.

    Raises
    ------
    ConfigError
        Where there are fewer or more.
    RunError
        If one is no run folder, or a file in it is broken.
    """
    if not 2 <= len(folders) <= MAX_RUNS:
        raise ConfigError(
            f"{numerals.counted(len(folders), 'run')} cannot be compared.", fix=f"valid: 2 to {MAX_RUNS} runs"
        )
    runs = [read_run(folder) for folder in folders]
    scores = [read_scores(folder) for folder in folders]

    def against_first(index: int) -> Comparison:
        letters = ("A", letter(index))
        return compare_records(runs[0], runs[index], scores[0], scores[index], letters=letters)

    # numpy draws resamples without holding the others up
    with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="pair") as pool:
        pairs = list(pool.map(against_first, range(1, len(runs))))
    slices = correct_together([pair.slices for pair in pairs])
    pairs = [replace(pair, slices=of_pair) for pair, of_pair in zip(pairs, slices, strict=True)]
    return Lineup(
        tuple(runs),
        tuple(scores),
        tuple(pairs),
        tuple(sorted(_rows([settings(run) for run in runs]), key=_parameter_place)),
        tuple(row for row in _metric_rows(runs) if any(value is not None for value in row.values)),
        tuple(sorted(_rows([circumstances(run) for run in runs]), key=lambda row: not row.differs)),
    )


def circumstances(record: RunRecord) -> Json:
    """Data, code, image, packages and machine of a run, by dotted name."""
    facts = {
        "data": {name: dig(record.run, "data", name) for name in ("source", "sha256", "rows", "columns")},
        "split": {"kind": dig(record.manifest, "split", "kind")}
        | {
            f"{name} rows": dig(record.run, "splits", name, "rows")
            for name in ("train", "validation", "test")
        },
        "backend": record.run.get("backend"),
        "commit": dig(record.run, "git", "commit"),
        "uncommitted changes": dig(record.run, "git", "dirty"),
        "image": dig(record.run, "image", "id"),
        "model": section(record.model, "versions"),
        "packages": section(record.run, "packages"),
        "platform": section(record.run, "platform"),
    }
    return {name: value for name, value in flatten(facts).items() if value is not None}


def _rows(columns: Sequence[Json]) -> list[Row]:
    names = dict.fromkeys(name for column in columns for name in column)
    return [Row(name, tuple(column.get(name) for column in columns)) for name in names]


def _metric_rows(runs: Sequence[RunRecord]) -> list[Row]:
    return [Row(name, tuple(number(run.metrics, name) for run in runs)) for name in METRICS]


def _parameter_place(row: Row) -> tuple[bool, bool]:
    return not row.differs, row.name.split(".")[0] not in MODELLING


def _different(rows: Sequence[Row]) -> Json:
    return {row.name: list(row.values) for row in rows if row.differs}


def _listed(letters: Sequence[str]) -> str:
    if len(letters) == 1:
        return letters[0]
    return f"{', '.join(letters[:-1])} and {letters[-1]}"
