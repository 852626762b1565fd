"""The older folds of a prequential split: each trained and tested as the model is, on its own weeks.

The newest fold is the job's own train, validation and test. What the others say is whether a good figure is
one of a good week. They are trained beside each other, within the cores that one training would have; how
many threads a fold gets does not change its model, and nor does whether the job was killed on the way. A fold
reads its own manifest: what is fitted, such as the categories of a column, is learned from the rows it trains
on.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyarrow import parquet

from fraudlab.container.contract import FOLDS, VALIDATION_FIGURE, Fields
from fraudlab.container.failure import ConfigError
from fraudlab.container.features import Features
from fraudlab.container.hosts import Hosts
from fraudlab.container.prepared import CARD, TIME, Prepared, card_numbers, read_split, split_files
from fraudlab.container.reason_texts import ReasonTexts
from fraudlab.container.runtime import StoppedTooEarly, StopRequest
from fraudlab.container.training.boosting import threads
from fraudlab.container.training.checkpoints import CheckpointKeeper
from fraudlab.container.training.digests import channel_sha256
from fraudlab.container.training.inputs import Inputs, declared_of
from fraudlab.container.training.job import Job
from fraudlab.container.training.members import Fits, Trainings, fit_all
from fraudlab.container.training.refit import set_up_second
from fraudlab.evaluation.fold_figures import fold_figures
from fraudlab.evaluation.metrics import average_precision_of
from fraudlab.evaluation.ranking import rank

#: the figure of a fold that a line is printed of, by the part it is measured on
_FIGURES = {"test": "average_precision", "validation": VALIDATION_FIGURE}


def train_folds(job: Job, stop: StopRequest, keeper: CheckpointKeeper | None = None) -> dict[str, Any]:
    """Train and test every older fold; print one line for each.

    Parameters
    ----------
    job : Job
        With a channel of folds.
    stop : StopRequest
        Ends it; folds that lack rounds are left out.
    keeper : CheckpointKeeper, optional
        Of the job's checkpoints; None where none are kept.

    Returns
    -------
    dict
        ``complete``: whether no fold was left out; ``folds``: the figures of each, newest first, with its
        ``fold`` (the job's own is 1) and ``rounds``.

    Raises
    ------
    ConfigError
        If the manifest has no folds.
    JobError
        If a fold cannot be read or learned from.
    StorageError
        If a checkpoint cannot be written.
    """
    manifests = Fields(job.manifest or {}, source="manifest.json").get(FOLDS, list, [])
    if not manifests or not all(isinstance(manifest, dict) for manifest in manifests):
        raise ConfigError(
            f"there is a channel {FOLDS}, and manifest.json does not describe any",
            fix="give the folds and the manifest of one process job",
        )
    cores = threads(job.parameters)
    workers = min(len(manifests), cores)
    shared = replace(job, parameters=job.parameters.with_threads(max(1, cores // workers)))
    with ThreadPoolExecutor(workers, thread_name_prefix="fold") as pool:
        numbered = enumerate(manifests, start=1)
        tasks = [
            pool.submit(_train_fold, shared, number, manifest, stop, keeper) for number, manifest in numbered
        ]
        found = [task.result() for task in tasks]
    done = [fold for fold in found if fold is not None]
    for fold in done:
        print(f"fold={fold['fold']}/{len(manifests) + 1}", end=" ")
        measured = [(part, fold[key]) for part, key in _FIGURES.items() if fold.get(key) is not None]
        print(*(f"{part}-average_precision={value:.6f}" for part, value in measured))
    return {"complete": len(done) == len(found), FOLDS: done}


def _train_fold(
    job: Job, number: int, manifest: Mapping[str, Any], stop: StopRequest, keeper: CheckpointKeeper | None
) -> dict[str, Any] | None:
    """The figures of a fold; None where the job is told to stop before its end."""
    folder = job.tree.channel(FOLDS) / str(number)
    features = declared_of(job, Fields(manifest, source=f"fold {number} of manifest.json"))
    watches = "validation" in job.channels
    train = read_split(folder / "train", features)
    validation = read_split(folder / "validation", features) if watches else None
    inputs = Inputs(features, "label", validation, None, ReasonTexts(features))
    own = None if keeper is None else _own_checkpoints(keeper, number, folder, features, watches=watches)
    try:
        fitted = fit_all(Trainings(job, train, inputs, Hosts()), stop=stop, keeper=own)
        if not job.request.test_folds:
            return None if stop.made else _of_validation(number + 1, fitted, validation)
        if job.parameters.refit and validation is not None and fitted.complete:
            second = set_up_second(job, (train.at_refit(), validation), inputs, Hosts(), rounds=fitted.rounds)
            fitted = fit_all(second, stop=stop, keeper=own, kind="refit", described=job.parameters)
    except StoppedTooEarly:
        return None
    if stop.made:  # it may lack rounds
        return None
    test = read_split(folder / "test", features)
    card, time = _cards_and_times(folder / "test")
    score = fitted.booster.inplace_predict(test.matrix)
    figures = fold_figures(test.label, score, card=card, time=time, cards_per_day=job.request.cards_per_day)
    return {"fold": number + 1, **figures, "rounds": fitted.booster.num_boosted_rounds()}


def _own_checkpoints(
    keeper: CheckpointKeeper, number: int, folder: Path, features: Features, *, watches: bool
) -> CheckpointKeeper:
    parts = ("train", "validation") if watches else ("train",)
    data = {name: channel_sha256(split_files(folder / name)) for name in parts}
    return keeper.of_fold(number, columns=features.as_json(), data=data)


def _of_validation(number: int, fitted: Fits, validation: Prepared | None) -> dict[str, Any]:
    """The figures of a fold of a trial, whose test rows nobody looks at."""
    figure = None
    if validation is not None:
        ranking = rank(validation.label, fitted.booster.inplace_predict(validation.matrix))
        figure = average_precision_of(ranking) if ranking.positives and ranking.negatives else None
    return {"fold": number, VALIDATION_FIGURE: figure, "rounds": fitted.booster.num_boosted_rounds()}


def _cards_and_times(folder: Path) -> tuple[NDArray[np.integer] | None, NDArray[np.float64]]:
    """The card and the time of each row of a split, as :func:`read_split` reads its rows."""
    (file,) = split_files(folder)
    table = parquet.ParquetFile(file).read([TIME, CARD])  # there may be no cards
    card = card_numbers(table[CARD]) if CARD in table.column_names else None
    return card, table[TIME].to_numpy()
