"""What a training job leaves in ``model/`` and ``output/data/``, each file whole or not there."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fraudlab._version import __version__
from fraudlab.container.contract import whole_file, write_json
from fraudlab.container.hyperparameters import canonical
from fraudlab.container.model_files.model_file import OFFICIAL, write_model
from fraudlab.container.model_files.official import official_bytes
from fraudlab.container.prepared import Prepared
from fraudlab.container.training.calibrating import Chances
from fraudlab.container.training.decision import Decided, Evidence, measure
from fraudlab.container.training.folds import CrossValidation
from fraudlab.container.training.inputs import Inputs
from fraudlab.container.training.job import Job
from fraudlab.container.training.members import Fits
from fraudlab.container.training.model_size import ModelSize
from fraudlab.container.training.refit import Refitted
from fraudlab.container.training.rounds import Fitted


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a training job came to.

    Attributes
    ----------
    inputs : Inputs
    model_size : ModelSize or None
        What the job chose for itself; None where everything was given.
    fits : Fits
        The fit that validation watched, of each member.
    gain : mapping or None
        What averaging brought on validation; None where the model is no average, or nothing is there to say.
    refitted : Refitted or None
        None where that one is the model.
    folds : CrossValidation or None
    chances : Chances
        What the model makes of the booster's scores.
    decided : Decided
    evidence : Evidence or None
        What it was decided on.
    test_score : ndarray of float32, shape (rows of test,), or None
        As the model gives them.
    hashes : mapping
        Of the data.
    """

    inputs: Inputs
    model_size: ModelSize | None
    fits: Fits
    gain: Mapping[str, Any] | None
    refitted: Refitted | None
    folds: CrossValidation | None
    chances: Chances
    decided: Decided
    evidence: Evidence | None
    test_score: NDArray[np.float32] | None
    hashes: Mapping[str, Any]

    @property
    def booster(self) -> Any:
        """The model that ships."""
        return self.fits.booster if self.refitted is None else self.refitted.booster


def save(job: Job, outcome: Outcome, seconds: Mapping[str, float]) -> None:
    """Write everything, the model last.

    Parameters
    ----------
    job : Job
    outcome : Outcome
    seconds : mapping
        What each stage took so far.
    """
    decided = outcome.decided
    if outcome.folds is not None:
        _save_folds(job, outcome.folds, outcome.chances, decided.threshold)
    if outcome.inputs.test is not None and outcome.test_score is not None:
        _save_test(job, outcome.inputs.test, outcome.test_score, decided.threshold)
    if decided.chosen is not None and decided.evidence == "validation":
        curve = decided.chosen.decision.curve
        write_json(job.tree.results / "validation.json", {**decided.measured, "curve": curve})
    if outcome.evidence is not None and outcome.evidence.source == "validation":
        _save_evidence(job, outcome.evidence)
    _save_history(job, outcome, seconds)
    _save_model(job, outcome)


def _save_model(job: Job, outcome: Outcome) -> None:
    """Write ``model.ubj``, and ``model.json``, its scoring contract."""
    import xgboost

    inputs, booster, decided = outcome.inputs, outcome.booster, outcome.decided
    hooks = {} if job.hooks is None else {"hooks": job.hooks.sha256}
    contract = {
        "run_id": job.request.run_id,
        "label": inputs.label,
        **inputs.features.as_json(),
        **inputs.reason_texts.as_json(),
        "libsvm_base": inputs.features.libsvm_base,
        "threshold": decided.threshold,
        "decision": decided.as_json(),
        "calibration": outcome.chances.as_json(),
        "uncalibrated": outcome.chances.reason,
        "hyperparameters": job.parameters.as_json(),
        "rounds": booster.num_boosted_rounds(),
        **({"members": _members(job, outcome.fits)} if outcome.fits.asked else {}),
        "refit": None if outcome.refitted is None else outcome.refitted.as_json(),
        "versions": {
            "fraudlab": __version__,
            "xgboost": xgboost.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "hashes": {**job.request.hashes, **outcome.hashes, **hooks},
    }
    if job.official:
        with whole_file(job.tree.model / OFFICIAL) as file:
            file.write(official_bytes(booster.save_raw("json")))
    write_model(job.tree.model, booster.save_raw("ubj"), contract)


def _members(job: Job, fits: Fits) -> list[dict[str, Any]]:
    """What each member was trained with that the others were not, and how many rounds of it there are."""
    every = [parameters.as_json() for parameters in job.parameters.each]
    apart = {name for own in every for name, value in own.items() if value != every[0].get(name, ...)}
    listed = job.parameters.members if isinstance(job.parameters.members, tuple) else ()
    shown = sorted(apart | {canonical(name) for own in listed for name in own} | {"seed"})
    return [
        {"rounds": rounds, **{name: own[name] for name in shown if name in own}}
        for own, rounds in zip(every, fits.rounds, strict=False)
    ]


def _save_history(job: Job, outcome: Outcome, seconds: Mapping[str, float]) -> None:
    """Write ``history.json``: the metrics of every round, of an average those of each of its members."""
    fits, model_size = outcome.fits, outcome.model_size
    if not fits.asked:
        history = _rounds_of(fits.members[0])
    else:
        members = zip(_members(job, fits), fits.members, strict=True)
        history = {
            "metric": fits.members[0].metric,
            "validation": [],
            "metrics": {},
            "best_round": sum(fits.rounds) - 1,
            "rounds": sum(member.progress.rounds for member in fits.members),
            "members": [{"parameters": own, **_rounds_of(member)} for own, member in members],
            "average": outcome.gain,
        }
    chosen = None if model_size is None else model_size.as_json()
    write_json(job.tree.results / "history.json", {"model_size": chosen, **history, "seconds": seconds})


def _rounds_of(fitted: Fitted) -> dict[str, Any]:
    return {
        "metric": fitted.metric,
        "validation": fitted.progress.metrics.get(fitted.metric or "", []),
        "metrics": fitted.progress.metrics,
        "best_round": fitted.best_round,
        "rounds": fitted.progress.rounds,
    }


def _save_folds(job: Job, folds: CrossValidation, chances: Chances, threshold: float) -> None:
    """Write ``k_fold.json`` and ``out_of_fold.parquet``: boosters on rows they have not seen."""
    every = [folds.measures(fold) for fold in folds.folds]
    pooled = chances.seen(folds.pooled())
    sizes = [len(fold.rows) for fold in folds.folds]
    spread = {
        name: {"mean": float(np.mean(values)), "std": float(np.std(values))}
        for name in ("average_precision", "roc_auc")
        if (values := [fold[name] for fold in every])
    }
    content = {
        "k_fold": job.parameters.k_fold,
        "k_fold_repeats": job.parameters.k_fold_repeats,
        "complete": folds.complete,
        "folds": every,
        "over_folds": spread,
        "pooled": None if pooled is None else measure(pooled.label, pooled.score, threshold),
    }
    write_json(job.tree.results / "k_fold.json", content)
    if pooled is None:
        return
    _write_scores(
        job.tree.results / "out_of_fold.parquet",
        {
            "row": np.concatenate([fold.rows for fold in folds.folds]),
            "repeat": np.repeat([fold.repeat for fold in folds.folds], sizes),
            "fold": np.repeat([fold.fold for fold in folds.folds], sizes),
            "label": pooled.label,
            "score": pooled.score,
        },
    )


def _save_evidence(job: Job, evidence: Evidence) -> None:
    """Write ``validation_scores.parquet``: what a threshold can be chosen on again, without training."""
    columns: dict[str, Any] = {"label": evidence.label, "score": evidence.score}
    if evidence.amount is not None:
        columns["amount"] = evidence.amount
    if evidence.traffic is not None:
        columns["day"] = evidence.traffic.day
    days = {} if evidence.traffic is None else {"days": repr(evidence.traffic.days)}
    _write_scores(job.tree.results / "validation_scores.parquet", columns, days)


def _save_test(job: Job, test: Prepared, score: NDArray[np.float32], threshold: float) -> None:
    """Write ``test.json`` and ``test_scores.parquet``, and say the figures in a line."""
    measured = measure(test.label, score, threshold)
    write_json(job.tree.results / "test.json", measured)
    columns = {"row": np.arange(len(test)), "label": test.label, "score": score}
    _write_scores(job.tree.results / "test_scores.parquet", columns)
    print(*(f"test-{name}={value:.6g}" for name, value in measured.items() if value is not None))


def _write_scores(path: Path, columns: Mapping[str, Any], metadata: Mapping[str, str] | None = None) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    with whole_file(path) as file:
        table = pa.table(dict(columns), metadata=dict(metadata) if metadata else None)
        parquet.write_table(table, file, compression="lz4")
