"""What averaging brought: average precision on validation, of the average and of each member alone."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.prepared import Prepared
from fraudlab.container.training.inputs import Inputs
from fraudlab.container.training.job import Job
from fraudlab.container.training.members import Fits, measure_mean, tell_rounds
from fraudlab.container.training.tracking import Archive
from fraudlab.evaluation.intervals import paired_bootstrap
from fraudlab.evaluation.metrics import average_precision

#: of an interval's ends the second digit is read, and a job waits for it
_RESAMPLES = 400


def average_gain(
    fits: Fits, validation: Prepared, score: NDArray[np.float32], *, seed: int
) -> dict[str, Any]:
    """Compare the average with its members, each stopped where validation told it to.

    The best member is known by the same rows: that it is the best flatters it, and not the average.

    Parameters
    ----------
    fits : Fits
        Of two members or more.
    validation : Prepared
    score : ndarray of float32, shape (rows,)
        Of the average.
    seed : int
        Of the intervals.

    Returns
    -------
    dict
        ``average_precision``, that of each of the ``members``, their ``mean``, and the difference to the
        ``best`` member and to the ``middle`` one, with its number, counted from 1, and its paired interval.
    """
    label = validation.label
    scores = [member.booster.inplace_predict(validation.matrix) for member in fits.members]
    alone = [average_precision(label, own) for own in scores]
    order = sorted(range(len(alone)), key=lambda number: -alone[number])

    def against(number: int) -> dict[str, Any]:
        found = paired_bootstrap(label, score, scores[number], resamples=_RESAMPLES, seed=seed)
        return {"member": number + 1, "average_precision": alone[number], **asdict(found)}

    return {
        "average_precision": average_precision(label, score),
        "members": alone,
        "mean": float(np.mean(alone)),
        "best": against(order[0]),
        "middle": against(order[len(order) // 2]),
    }


def tell_gain(job: Job, fits: Fits, inputs: Inputs, archive: Archive) -> dict[str, Any] | None:
    """Print and record what an average comes to on validation, and what averaging brought there.

    Parameters
    ----------
    job : Job
    fits : Fits
    inputs : Inputs
    archive : Archive

    Returns
    -------
    dict or None
        The ``metrics`` of a round, and what :func:`average_gain` says; None where the model is no average, or
        there is no validation.
    """
    if not fits.asked or (validation := inputs.validation) is None:
        return None
    found = measure_mean(job, fits.booster, validation, inputs)
    # As a round of the model it is the last one, and has the plain names: a tuning job reads them.
    tell_rounds(job, archive)(0, sum(fits.rounds) - 1, found)
    if len(fits.members) == 1:
        return {"metrics": found}
    score = fits.booster.inplace_predict(validation.matrix)
    gain = average_gain(fits, validation, score, seed=int(job.parameters.booster["seed"]))
    print(gain_line(gain))
    return {"metrics": found, **gain}


def gain_line(gain: dict[str, Any]) -> str:
    """The gain in a line of the log."""
    best, middle = gain["best"], gain["middle"]
    return (
        f"average of {len(gain['members'])} members: validation-average_precision"
        f"={gain['average_precision']:.6f}, of the best alone {best['average_precision']:.6f}"
        f" ({best['difference']:+.4f}, {best['low']:+.4f} to {best['high']:+.4f}), of the middle one"
        f" {middle['average_precision']:.6f} ({middle['difference']:+.4f}, {middle['low']:+.4f} to"
        f" {middle['high']:+.4f})"
    )
