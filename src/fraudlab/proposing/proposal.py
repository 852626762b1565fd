"""What ``data.derive=auto`` chooses of a preparation's train and validation: a process of its own.

Run as ``python -m fraudlab.proposing.proposal QUESTION ANSWER``, two JSON files. The test split is never
opened. The splits are the same bytes wherever a table was prepared, and so is what is chosen of them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.clock import clock_of
from fraudlab.container.contract import Fields, read_json
from fraudlab.container.described_features import read_features
from fraudlab.container.expressions.declared import MAX_COLUMNS
from fraudlab.container.features import Column, Features
from fraudlab.files import write_json
from fraudlab.proposing.candidates import MAX_CANDIDATES, ProposedColumn, find_candidates
from fraudlab.proposing.sampled_rows import SampledRows, read_sampled, sample_rows

#: rows that are read; numbers of a train sample, so that a wide table has fewer of them
_FRAUDS, _LEGITIMATE, _VALIDATED, _NUMBERS = 5_000, 50_000, 100_000, 3_000_000
_FEWEST_ROWS = 5_000
#: frauds below which nothing is told from chance
_FEWEST_FRAUDS = {"train": 60, "validation": 40}


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes
    ----------
    prepared : str
        The folder of the preparation.
    declared : dict of str to str
        Columns that a person has declared, which are there whatever is chosen.
    amount : str or None
        ``data.amount``.
    taken : list of str
        Names that a declared column cannot have, besides those of the features.
    seed : int
    """

    prepared: str
    declared: dict[str, str]
    amount: str | None
    taken: list[str]
    seed: int


def propose(question: Question) -> dict[str, Any]:
    """Choose columns, and say what each candidate brought.

    Returns
    -------
    dict
        ``columns``, the chosen as ``data.derive`` takes them; ``why`` there are none, or null; what was
        ``tried``, ``rows`` of the samples, and the figures before and after.
    """
    folder = Path(question.prepared)
    manifest = read_json(folder / "manifest.json")
    features = _features(manifest, question.declared)
    width = len(features.inputs)
    samples = _samples(folder, width, seed=question.seed)
    answer: dict[str, Any] = {
        "columns": {},
        "why": None,
        "candidates": 0,
        "tried": [],
        "rows": _counts(samples),
    }
    for name, fewest in _FEWEST_FRAUDS.items():
        if (frauds := int(samples[name].label.sum())) < fewest:
            return answer | {"why": f"{name} has {frauds} frauds, and {fewest} are the fewest to choose by"}
    rows = read_sampled(folder / "train", features, samples["train"])
    candidates = _candidates(features, rows, question)
    if not candidates:
        return answer | {"why": "no column of the table looks like an amount beside windows, or like windows"}
    return answer | {"candidates": len(candidates)} | _chosen(folder, manifest, question, candidates, samples)


def _features(manifest: Mapping[str, Any], derive: Mapping[str, str]) -> Features:
    described = Fields(dict(manifest), source="manifest.json")
    name = described.fields("roles").optional("time", str)
    time = None
    if name is not None and described.has("time"):
        time = Column(name, clock=clock_of(described.fields("time")))
    return read_features(described).deriving(derive, time=time) if derive else read_features(described)


def _samples(folder: Path, width: int, *, seed: int) -> dict[str, SampledRows]:
    room = max(_FEWEST_ROWS, _NUMBERS // (width + MAX_CANDIDATES))
    train = sample_rows(
        folder / "train", frauds=min(_FRAUDS, room // 2), legitimate=min(_LEGITIMATE, room), seed=seed
    )
    return {
        "train": train,
        "validation": sample_rows(folder / "validation", frauds=_FRAUDS, legitimate=_VALIDATED, seed=seed),
    }


def _counts(samples: Mapping[str, SampledRows]) -> dict[str, dict[str, int]]:
    return {
        name: {"used": sample.label.size, "frauds_used": int(sample.label.sum()), "of": sample.rows}
        for name, sample in samples.items()
    }


def _candidates(features: Features, rows: NDArray[np.float32], question: Question) -> list[ProposedColumn]:
    numbers = {
        column.name: rows[:, position]
        for position, column in enumerate(features.inputs[: features.width])
        if column.categories is None
    }
    taken = [*features.input_names, *question.taken, *question.declared, "auto"]
    room = MAX_COLUMNS - len(question.declared)
    return find_candidates(numbers, amount=question.amount, taken=taken)[: max(room, 0)]


def _chosen(
    folder: Path,
    manifest: Mapping[str, Any],
    question: Question,
    candidates: list[ProposedColumn],
    samples: Mapping[str, SampledRows],
) -> dict[str, Any]:
    from fraudlab.container.runtime import lean_xgboost

    with lean_xgboost():
        import xgboost  # noqa: F401  (imported here, so that it is imported lean)
    from fraudlab.proposing.trying_out import BEYOND_SHUFFLED, ERROR, ROUNDS, TrialRows, TryingOut

    every = question.declared | {one.name: one.expression for one in candidates}
    features = _features(manifest, every)
    train, validation = (
        TrialRows(read_sampled(folder / name, features, samples[name]), samples[name].label)
        for name in ("train", "validation")
    )
    own = len(features.inputs) - len(candidates)
    choice = TryingOut(train, validation, own=own, seed=question.seed).choose()
    kept = {
        candidates[one.column].name: candidates[one.column].expression for one in choice.trials if one.kept
    }
    return {
        "columns": kept,
        "why": None if kept else "none of them brought more than chance on validation",
        "before": choice.before,
        "after": choice.after,
        "noise": choice.noise,
        "rule": {"error": ERROR, "beyond_shuffled": BEYOND_SHUFFLED, "rounds": ROUNDS},
        "tried": [
            {
                "name": candidates[one.column].name,
                "expression": candidates[one.column].expression,
                "gain": one.gain,
                "low": one.low,
                "kept": one.kept,
            }
            for one in choice.trials
        ],
    }


def _main(question: str, answer: str) -> None:
    asked = read_json(Path(question))
    write_json(Path(answer), propose(Question(**{one.name: asked[one.name] for one in fields(Question)})))


if __name__ == "__main__":
    _main(*sys.argv[1:])
