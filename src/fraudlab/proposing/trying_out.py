"""Which of many columns a model is better for: kept one by one, by average precision on validation.

Two small models learn from two halves of the train rows, and their mean is what is measured. A column stays
if it is better by more than three things that are no merit of it: what a half would do (both must gain), what
other validation rows would do (a paired bootstrap, as strict as there are columns to choose from), and what a
column without a meaning would do (three standard deviations of what shuffled columns bring).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fraudlab.evaluation.intervals import paired_bootstrap
from fraudlab.evaluation.metrics import average_precision

Matrix = NDArray[np.float32]

#: candidates that are tried one by one, in the order of their gain in a model of all
SHORTLIST = 12
#: of the whole choice: the chance that one is kept that is worth nothing on other rows
ERROR = 0.05
#: columns of shuffled values, and how far beyond what they move a column has to be
SHUFFLED, BEYOND_SHUFFLED = 6, 3.0
#: of every small model; one thread, so that the sum is the same on any machine
SETTINGS: dict[str, Any] = {
    "objective": "binary:logistic",
    "tree_method": "hist",
    "max_bin": 512,
    "max_depth": 5,
    "learning_rate": 0.15,
    "base_score": 0.5,
    "min_child_weight": 1.0,
    "nthread": 1,
}
ROUNDS = 60
_RESAMPLES = 2_000
_HALVES = 2


@dataclass(frozen=True, slots=True)
class TrialRows:
    """Sampled rows of a split: the columns that there are, then those to choose from."""

    matrix: Matrix
    label: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Trial:
    """What a candidate brought.

    Attributes
    ----------
    column : int
        Its position among the candidates.
    gain : float
        Of average precision on validation, over the columns kept before it.
    low : float
        The lower end of its interval.
    kept : bool
    """

    column: int
    gain: float
    low: float
    kept: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen, and what it was chosen by.

    Attributes
    ----------
    before, after : float
        Average precision of the small models on validation, without and with what was kept.
    noise : float
        Standard deviation of what columns of shuffled values bring.
    trials : list of Trial
        In the order they were tried.
    """

    before: float
    after: float
    noise: float
    trials: list[Trial]


class TryingOut:
    """The small models of one table.

    Parameters
    ----------
    train, validation : TrialRows
    own : int
        How many of the columns are there already.
    seed : int
    """

    def __init__(self, train: TrialRows, validation: TrialRows, *, own: int, seed: int) -> None:
        self._train, self._validation, self._own, self._seed = train, validation, own, seed
        self._halves = _halves(train.label, seed)

    def choose(self) -> Choice:
        """Try the columns that are not there already, and say what each brought."""
        every = list(range(self._own, self._train.matrix.shape[1]))
        shortlist = self._most_used(every)[:SHORTLIST]
        kept: list[int] = []
        best = before = self._scores([])
        noise = self._noise(before, shortlist)
        trials = []
        for column in shortlist:
            scores = self._scores([*kept, column])
            trial = self._judged(column, scores, best, noise=noise, among=len(shortlist))
            trials.append(trial)
            if trial.kept:
                kept.append(column)
                best = scores
        return Choice(self._figure(before), self._figure(best), noise, trials)

    def _judged(
        self, column: int, scores: Sequence[Matrix], best: Sequence[Matrix], *, noise: float, among: int
    ) -> Trial:
        label = self._validation.label
        pairs = zip(scores, best, strict=True)
        both = all(average_precision(label, a) > average_precision(label, b) for a, b in pairs)
        found = paired_bootstrap(
            label, sum(scores), sum(best), resamples=_RESAMPLES, level=1 - 2 * ERROR / among, seed=self._seed
        )
        kept = both and found.low > 0 and found.difference > BEYOND_SHUFFLED * noise
        return Trial(column - self._own, found.difference, found.low, kept)

    def _noise(self, before: Sequence[Matrix], shortlist: Sequence[int]) -> float:
        """How differently columns of shuffled values move the figure: their standard deviation."""
        rng = np.random.default_rng(self._seed)
        moved = []
        for place in range(SHUFFLED):
            column = shortlist[place % len(shortlist)]
            parts = [rng.permutation(rows.matrix[:, column]) for rows in (self._train, self._validation)]
            moved.append(self._figure(self._scores([], extra=parts)) - self._figure(before))
        return float(np.std(moved, ddof=1))

    def _figure(self, scores: Sequence[Matrix]) -> float:
        return average_precision(self._validation.label, sum(scores))

    def _most_used(self, candidates: Sequence[int]) -> list[int]:
        """Candidates by their share of the gain in models of all; those without a split are left out."""
        gains: dict[int, float] = dict.fromkeys(candidates, 0.0)
        for booster in self._fitted([*range(self._own), *candidates], self._train.matrix):
            for name, gain in booster.get_score(importance_type="total_gain").items():
                if (column := int(name[1:])) >= self._own:
                    gains[column] += float(gain)
        return sorted((column for column in candidates if gains[column]), key=lambda one: (-gains[one], one))

    def _scores(self, added: Sequence[int], *, extra: Sequence[Matrix] | None = None) -> list[Matrix]:
        """The margins of validation, by the model of each half."""
        import xgboost as xgb

        columns = [*range(self._own), *added]
        train, validation = self._train.matrix[:, columns], self._validation.matrix[:, columns]
        if extra is not None:
            train = np.column_stack([train, extra[0]])
            validation = np.column_stack([validation, extra[1]])
        boosters = self._fitted(list(range(train.shape[1])), train)
        data = xgb.DMatrix(validation, nthread=1)
        return [booster.predict(data, output_margin=True) for booster in boosters]

    def _fitted(self, columns: Sequence[int], matrix: Matrix) -> list[Any]:
        import xgboost as xgb

        def fitted(half: NDArray[np.int64]) -> Any:
            rows = np.ascontiguousarray(matrix[half][:, columns])
            data = xgb.QuantileDMatrix(rows, self._train.label[half], max_bin=SETTINGS["max_bin"], nthread=1)
            return xgb.train({**SETTINGS, "seed": self._seed}, data, num_boost_round=ROUNDS)

        with ThreadPoolExecutor(_HALVES) as pool:
            return list(pool.map(fitted, self._halves))


def _halves(label: NDArray[np.uint8], seed: int) -> list[NDArray[np.int64]]:
    """The train rows in two parts, each with half of the frauds."""
    rng = np.random.default_rng(seed)
    mixed = [rng.permutation(np.flatnonzero(label == value)) for value in (1, 0)]
    return [np.sort(np.concatenate([part[half::_HALVES] for part in mixed])) for half in range(_HALVES)]
