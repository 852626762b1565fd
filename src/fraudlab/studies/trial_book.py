"""The trials of a study, kept by Optuna in a journal that survives being killed at any moment.

Only the process that holds the study writes the journal. What a trial tries depends on the seed, its number
and the trials that had ended before, and on nothing that a restart forgets.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fraudlab.errors import ConfigError
from fraudlab.files import storage
from fraudlab.studies.search_space import Dimension, Value
from fraudlab.studies.tune_options import TuneOptions

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial, Trial

#: trials that have to complete before one is compared with them
_BEFORE_PRUNING = 5
_RUN, _ERROR, _SECONDS, _ROUNDS = "run", "error", "seconds", "rounds"

State = Literal["running", "completed", "pruned", "failed"]


@dataclass(frozen=True)
class TrialRow:
    """A trial as the book has it.

    Attributes
    ----------
    number : int
        From 0.
    state : {"running", "completed", "pruned", "failed"}
    value : float or None
        Average precision on validation; of a pruned trial, its last round's.
    params : mapping
        By name of the parameter of ``model``.
    run : str or None
        Id of its run, the last one where it was repeated.
    round : int or None
        The last one that was compared with other trials.
    rounds : int or None
        Of its model.
    seconds : float or None
    error : str or None
    """

    number: int
    state: State
    value: float | None
    params: Mapping[str, Value]
    run: str | None
    round: int | None
    rounds: int | None
    seconds: float | None
    error: str | None


class _Alone:
    """The lock of a journal that nobody else writes: the study's own lock is held."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass


class TrialBook:
    """Says what to try next, and remembers what came of it.

    Parameters
    ----------
    path : Path
        The journal.
    options : TuneOptions
    seed : int
    first : mapping
        What the first trial tries, as far as it is known: the settings the study starts from.
    """

    def __init__(self, path: Path, options: TuneOptions, *, seed: int, first: Mapping[str, Value]) -> None:
        optuna = _optuna()
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        with storage(path):
            _end_with_a_line(path)
            backend = JournalFileBackend(str(path), lock_obj=_Alone())
            kept = JournalStorage(backend)
            pruner = (
                optuna.pruners.MedianPruner(
                    n_startup_trials=_BEFORE_PRUNING, n_warmup_steps=options.warmup_rounds
                )
                if options.pruner == "median"
                else optuna.pruners.NopPruner()
            )
            self._study = optuna.create_study(
                storage=kept, study_name="study", direction="maximize", pruner=pruner, load_if_exists=True
            )
            if not self._study.get_trials(deepcopy=False) and first:
                self._study.enqueue_trial(dict(first))
        self._options, self._seed = options, seed
        self._known: dict[int, int] = {}

    def left(self) -> list[Trial]:
        """Trials that were going on when whoever had the study ended, to be gone on with."""
        from optuna.trial import Trial, TrialState

        found = []
        for frozen in self._study.get_trials(deepcopy=False, states=[TrialState.RUNNING]):
            self._known[frozen.number] = max(frozen.intermediate_values, default=-1)
            self._study.sampler = self._sampler(frozen.number)
            found.append(self._suggested(Trial(self._study, frozen._trial_id)))
        return found

    def ask(self) -> Trial:
        """Begin a trial."""
        from optuna.trial import TrialState

        waiting = self._study.get_trials(deepcopy=False, states=[TrialState.WAITING])
        number = waiting[0].number if waiting else len(self._study.get_trials(deepcopy=False))
        self._study.sampler = self._sampler(number)
        return self._suggested(self._study.ask())

    def begin(self, trial: Trial, run: str) -> None:
        """Remember which run carries a trial out, before it does."""
        trial.set_user_attr(_RUN, run)

    def run_of(self, trial: Trial) -> str | None:
        """The run that was to carry a trial out."""
        found = trial.user_attrs.get(_RUN)
        return None if found is None else str(found)

    def is_worse(self, trial: Trial, number: int, value: float) -> bool:
        """Note what a round was measured at; whether the trial should end with it.

        Rounds that it was noted at before a restart it has survived.
        """
        if number <= self._known.get(trial.number, -1):
            return False
        trial.report(value, number)
        return bool(trial.should_prune())

    def complete(self, trial: Trial, value: float, *, rounds: int | None, seconds: float | None) -> None:
        trial.set_user_attr(_ROUNDS, rounds)
        trial.set_user_attr(_SECONDS, seconds)
        self._study.tell(trial, value)

    def prune(self, trial: Trial, *, seconds: float | None) -> None:
        from optuna.trial import TrialState

        trial.set_user_attr(_SECONDS, seconds)
        self._study.tell(trial, state=TrialState.PRUNED)

    def fail(self, trial: Trial, reason: str) -> None:
        from optuna.trial import TrialState

        trial.set_user_attr(_ERROR, reason)
        self._study.tell(trial, state=TrialState.FAIL)

    def rows(self) -> list[TrialRow]:
        """Every trial that has begun, by its number."""
        from optuna.trial import TrialState

        states: dict[TrialState, State] = {
            TrialState.RUNNING: "running",
            TrialState.COMPLETE: "completed",
            TrialState.PRUNED: "pruned",
            TrialState.FAIL: "failed",
        }
        return [
            _row(frozen, states[frozen.state])
            for frozen in self._study.get_trials(deepcopy=False)
            if frozen.state in states
        ]

    def importance(self) -> dict[str, float]:
        """The share of the differences that each parameter explains; empty of too few trials."""
        optuna = _optuna()
        rows = [row for row in self.rows() if row.state == "completed"]
        if len(rows) < 10 or len({row.value for row in rows}) < 2:
            return {}
        found = optuna.importance.get_param_importances(
            self._study, evaluator=optuna.importance.PedAnovaImportanceEvaluator()
        )
        return {str(name): float(share) for name, share in found.items()}

    def _sampler(self, number: int, dimension: int = 0) -> BaseSampler:
        """A sampler whose draws are those of one trial, and of one parameter where it draws each alone."""
        optuna = _optuna()
        seed = int(np.random.SeedSequence([self._seed, number, dimension]).generate_state(1)[0])
        if self._options.sampler == "random":
            return optuna.samplers.RandomSampler(seed=seed)
        return optuna.samplers.TPESampler(seed=seed, constant_liar=self._options.parallel > 1)

    def _suggested(self, trial: Trial) -> Trial:
        for at, dimension in enumerate(self._options.space, start=1):  # some of them may be known
            self._study.sampler = self._sampler(trial.number, at)
            dimension.suggest(trial)
        return trial


def first_settings(space: tuple[Dimension, ...], model: Mapping[str, Any]) -> dict[str, Value]:
    """The settings a study starts from, where all of them may be tried; else nothing."""
    found = {dimension.name: model[dimension.name] for dimension in space}
    return found if all(dimension.holds(found[dimension.name]) for dimension in space) else {}


def best_of(rows: list[TrialRow]) -> TrialRow | None:
    """The completed trial with the largest value, the first of equal ones."""
    return next(iter(ranked(rows)), None)


def ranked(rows: list[TrialRow]) -> list[TrialRow]:
    """Completed trials, the best first; of equal ones the first."""
    completed = [row for row in rows if row.state == "completed" and row.value is not None]
    return sorted(completed, key=lambda row: (-(row.value or 0.0), row.number))


def _row(frozen: FrozenTrial, state: State) -> TrialRow:
    about = frozen.user_attrs
    return TrialRow(
        number=frozen.number,
        state=state,
        value=frozen.value if state in ("completed", "pruned") else None,
        params=dict(frozen.params),
        run=about.get(_RUN),
        round=max(frozen.intermediate_values, default=None),
        rounds=about.get(_ROUNDS),
        seconds=about.get(_SECONDS),
        error=about.get(_ERROR),
    )


def _end_with_a_line(path: Path) -> None:
    """Cut what was being written when the process was killed: a line without its end was never told."""
    if not path.exists():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)


def require_optuna() -> None:
    """Say what is missing before anything runs.

    Raises
    ------
    ConfigError
        Where Optuna is not installed.
    """
    _optuna()


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise ConfigError(
            "fraudlab tune needs Optuna, which is not installed.",
            fix="`make tune` installs it; or pip install 'fraudlab[tune]'",
        ) from error
    return optuna
