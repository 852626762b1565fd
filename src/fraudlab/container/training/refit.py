"""The refit: once validation has chosen, one more model learns from train and validation together.

Without it, a model never learns from the newest labelled rows. Rounds and threshold are those of the first
fit, and so is every figure of validation: the second model has learned from these rows, and is never asked
about them. Categories stay as they were fitted on train, because they are the contract of the columns; bins,
and the base score where none is given, are of all its rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from fraudlab.container.hosts import Hosts
from fraudlab.container.prepared import Prepared
from fraudlab.container.runtime import StoppedTooEarly, StopRequest
from fraudlab.container.training.checkpoints import CheckpointKeeper
from fraudlab.container.training.digests import Digests
from fraudlab.container.training.inputs import Inputs, read_again
from fraudlab.container.training.job import Job
from fraudlab.container.training.members import Fits, Trainings, fit_all

#: a log has about so many lines of progress
_LINES = 20


@dataclass(frozen=True, slots=True)
class Refitted:
    """A model of the rows of train and validation.

    Attributes
    ----------
    booster : xgboost.Booster
        Of as many rounds as the first fit's, in each member of an average.
    rows, frauds : int
        What it learned from, on all hosts.
    first_rows, first_frauds : int
        What the first fit learned from.
    """

    booster: Any
    rows: int
    frauds: int
    first_rows: int
    first_frauds: int

    def as_json(self) -> dict[str, Any]:
        """``refit`` as ``model.json`` holds it."""
        return {
            "rounds": self.booster.num_boosted_rounds(),
            "rows": self.rows,
            "frauds": self.frauds,
            "first_fit": {"rows": self.first_rows, "frauds": self.first_frauds},
            "validation_figures": "first_fit",
        }


def refit(
    job: Job,
    inputs: Inputs,
    first: Fits,
    hosts: Hosts,
    *,
    digests: Digests | None,
    stop: StopRequest,
    keeper: CheckpointKeeper | None,
) -> Refitted | None:
    """Train on train and validation, each member for as many rounds as its first fit kept.

    Parameters
    ----------
    job : Job
    inputs : Inputs
    first : Fits
    hosts : Hosts
    digests : Digests or None
    stop : StopRequest
    keeper : CheckpointKeeper or None
        Of checkpoints, on the first host; None where none are kept.

    Returns
    -------
    Refitted or None
        None where the job is told to stop before the last round: a model with fewer rounds is not the one
        the threshold was chosen for.

    Raises
    ------
    JobError
        If a channel cannot be read any more.
    """
    rounds = sum(first.rounds)
    if hosts.any(stop.made) or not first.complete:
        return _give_up(hosts)
    train, validation = read_again(job, inputs, hosts, digests)
    first_rows, first_frauds = (int(total) for total in hosts.total([len(train), train.frauds]))
    more_rows, more_frauds = (int(total) for total in hosts.total([len(validation), validation.frauds]))
    train = train.at_refit()  # labels of train have come in since the first fit
    rows, frauds = first_rows + more_rows, int(hosts.total([train.frauds])[0]) + more_frauds
    if hosts.first:
        print(f"refit on train and validation: rows={rows} frauds={frauds} rounds={rounds}")
    trainings = set_up_second(job, (train, validation), inputs, hosts, rounds=first.rounds)
    del train, validation
    step = max(1, rounds // _LINES)
    before = [0, 0, *accumulate(first.rounds)] if first.asked else [0]

    def on_round(member: int, number: int, _: Mapping[str, float]) -> None:
        # Not as rounds of the first fit are printed: whoever reads those must not count these.
        done = before[member] + number + 1
        if done % step == 0 or done == rounds:
            print(f"refit-round={done}/{rounds}")

    try:
        fits = fit_all(
            trainings, stop=stop, on_round=on_round, keeper=keeper, kind="refit", described=job.parameters
        )
    except StoppedTooEarly:
        return _give_up(hosts)
    if not fits.complete:
        return _give_up(hosts)
    return Refitted(fits.booster, rows, frauds, first_rows, first_frauds)


def set_up_second(
    job: Job, rows: tuple[Prepared, Prepared], inputs: Inputs, hosts: Hosts, *, rounds: Sequence[int]
) -> Trainings:
    """Put the second fit together: there is nothing to watch, as all its rows are learned from.

    Parameters
    ----------
    job : Job
    rows : tuple of Prepared
        Train and validation.
    inputs : Inputs
    hosts : Hosts
    rounds : sequence of int
        That the first fit kept, of each member.
    """
    second = replace(
        job, parameters=job.parameters.of_rounds(rounds), channels={"train": job.channels["train"]}
    )
    return Trainings(second, rows, replace(inputs, validation=None), hosts)


def _give_up(hosts: Hosts) -> Refitted | None:
    if hosts.first:
        print("told to stop before the refit had all its rounds: the model of the first fit is saved")
    return None
