"""The search of a study: trials are begun, compared, ended and settled until the budget is used up."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fraudlab import errors
from fraudlab.backend_registry import describe
from fraudlab.errors import DataError, FraudlabError, JobFailed, RunError
from fraudlab.runs import Run
from fraudlab.studies.study_spending import Allowance
from fraudlab.studies.trial_book import TrialBook, TrialRow
from fraudlab.studies.trial_worker import outcome_of
from fraudlab.studies.tuning_request import TuningRequest
from fraudlab.studies.worker_pool import WorkerPool

if TYPE_CHECKING:
    from optuna.trial import Trial

#: errors of a trial's own settings: the next trial may do better. After others no trial could.
_OF_ITS_SETTINGS = (errors.ConfigError.exit_code, JobFailed.exit_code)
#: what workers of a study that was killed take to stop their trials
_PATIENCE_SECONDS = 120.0
_POLL_SECONDS = 0.1

Told = Callable[[TrialRow], None]


class Search:
    """Carries out the trials of a study.

    Parameters
    ----------
    request : TuningRequest
    book : TrialBook
    pool : WorkerPool
    table : str
        The digest of the table that every trial must have.
    told : callable
        Told of each trial that has ended.
    allowance : Allowance, optional
        The maximum that all runs of the study keep to.

    Attributes
    ----------
    is_cut : bool
        The maximum has kept a trial from beginning.
    """

    def __init__(
        self,
        request: TuningRequest,
        book: TrialBook,
        pool: WorkerPool,
        *,
        table: str,
        told: Told,
        allowance: Allowance | None = None,
    ) -> None:
        self._request, self._book, self._pool = request, book, pool
        self._table, self._told, self._allowance = table, told, allowance
        self.is_cut = False
        self._going: dict[int, Trial] = {}
        self._runs_going: dict[int, str] = {}
        self._left: list[Trial] = []
        self._lost_in_a_row = 0

    def run(self) -> None:
        """Begin trials until enough have ended, or no time is left; those that were begun end.

        Raises
        ------
        FraudlabError
            Where no trial could end well: the disk is full, the table is another, every trial fails.
        """
        began, limit = time.monotonic(), self._request.options.timeout
        self._left = [trial for trial in self._book.left() if not self._settled(trial)]
        while True:
            in_time = limit is None or time.monotonic() - began < limit
            while in_time and self._has_room() and self._has_more() and self._affords():
                self._begin()
            if not self._going:
                return
            event = self._pool.events.get()
            if event.content is None:
                self._lost(event.slot)
            elif "ended" in event.content:
                self._ended(event.slot, event.content["ended"])
            else:
                worse = self._book.is_worse(
                    self._going[event.slot], event.content["round"], event.content["value"]
                )
                self._pool.tell(event.slot, prune=worse)

    @property
    def going(self) -> list[str]:
        """The ids of the runs of trials that go on."""
        return list(self._runs_going.values())

    def _has_room(self) -> bool:
        return len(self._going) < self._request.options.parallel

    def _affords(self) -> bool:
        """Whether one more trial keeps to the maximum; one whose jobs go on anyway costs no more for it."""
        if self._allowance is None or (self._left and self._to_take_up(self._left[0]) is not None):
            return True
        self.is_cut = not self._allowance.covers_trial(self.going)
        return not self.is_cut

    def _has_more(self) -> bool:
        if self._left:
            return True
        return len(self._book.rows()) < self._request.options.trials

    def _begin(self) -> None:
        trial = self._left.pop(0) if self._left else self._book.ask()
        slot = next(slot for slot in range(self._request.options.parallel) if slot not in self._going)
        request: dict[str, Any] = {"prunes": self._request.prunes}
        if (left := self._to_take_up(trial)) is not None:
            run_id = left.name
            request["left"] = str(left)
        else:
            run_id = free_run_id(self._request.runs, f"{self._request.name}-t{trial.number:03d}")
            self._book.begin(trial, run_id)
            params = dict(trial.params)
            request["study"] = self._request.study("trial", trial=trial.number, params=params)
            request["overrides"] = self._request.overrides_of(run_id, params, trial=True)
        self._going[slot], self._runs_going[slot] = trial, run_id
        self._pool.begin(slot, request)

    def _settled(self, trial: Trial) -> bool:
        """Settle a trial that was going on when the study was killed, where its run says how it ended."""
        run = self._run_of(trial)
        give_up = time.monotonic() + _PATIENCE_SECONDS
        while run is not None and run.status == "running":
            if time.monotonic() > give_up:
                raise RunError(
                    f"Run {run.id} of the study is being carried out by another process.",
                    fix="wait for its end, or end that process",
                )
            time.sleep(_POLL_SECONDS)
            run = self._run_of(trial)
        if run is None or run.status not in ("completed", "pruned"):
            return False
        self._close(trial, outcome_of(run) if run.status == "completed" else {"status": "pruned"})
        return True

    def _to_take_up(self, trial: Trial) -> Path | None:
        """The folder of a run whose jobs went on without us."""
        run = self._run_of(trial)
        if run is None or run.status not in ("detached", "dead"):
            return None
        kind = str(run.record.get("backend"))
        return run.folder if describe(kind).outlives_launcher else None

    def _run_of(self, trial: Trial) -> Run | None:
        run_id = self._book.run_of(trial)
        with suppress(RunError):  # it was killed before it had a record
            return None if run_id is None else Run(self._request.runs / run_id)
        return None

    def _ended(self, slot: int, outcome: Mapping[str, Any]) -> None:
        trial = self._going.pop(slot)
        del self._runs_going[slot]
        self._lost_in_a_row = 0
        if outcome["status"] not in ("completed", "pruned"):
            error = outcome["error"]
            if error["exit_code"] not in _OF_ITS_SETTINGS:
                raise _raised(error)
        self._close(trial, outcome)

    def _close(self, trial: Trial, outcome: Mapping[str, Any]) -> None:
        """Write down how a trial has ended."""
        seconds = outcome.get("seconds")
        if outcome["status"] == "completed":
            if outcome["table"] != self._table:
                raise DataError(
                    "The table is not the one that the study began with.",
                    fix="bring that table back, or choose another tune.name",
                )
            self._book.complete(trial, outcome["value"], rounds=outcome["rounds"], seconds=seconds)
        elif outcome["status"] == "pruned":
            self._book.prune(trial, seconds=seconds)
        else:
            self._book.fail(trial, outcome["error"]["message"])
        self._tell(trial.number)

    def _lost(self, slot: int) -> None:
        """A worker has ended without a word: killed, most often for its memory."""
        code = self._pool.lost(slot)
        trial = self._going.pop(slot, None)
        self._runs_going.pop(slot, None)
        if trial is None:
            return
        self._lost_in_a_row += 1
        self._book.fail(trial, f"The process that carried it out ended with {code}.")
        self._tell(trial.number)
        if self._lost_in_a_row >= 3:
            raise JobFailed(
                f"Three trials in a row were lost: the processes that carried them out ended with {code}.",
                fix=f"read {self._request.folder / 'logs'}; if memory is short, lower tune.parallel",
            )

    def _tell(self, number: int) -> None:
        self._told(next(row for row in self._book.rows() if row.number == number))


def free_run_id(runs: Path, wanted: str) -> str:
    """A run id that nobody has taken: `wanted`, or with a number behind it."""
    number, found = 1, wanted
    while (runs / found).exists():
        number += 1
        found = f"{wanted}-{number}"
    return found


def _raised(error: Mapping[str, Any]) -> FraudlabError:
    """An error that a worker has described, as the error it was."""
    kind = getattr(errors, str(error["type"]), FraudlabError)
    if not (isinstance(kind, type) and issubclass(kind, FraudlabError)):
        kind = FraudlabError
    return kind(str(error["message"]), fix=str(error["fix"]))
