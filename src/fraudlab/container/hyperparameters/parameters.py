"""What a training job's hyperparameters mean, as one typed object."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from fraudlab.container.hyperparameters.constraints import by_position
from fraudlab.container.hyperparameters.eval_metrics import COMPUTED, is_hook, printed


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """A training job's parameters.

    Attributes
    ----------
    num_round : int
    early_stopping_rounds : int
        0 trains every round.
    save_best : bool
        With early stopping: cut the model after its best round. False keeps every round that was trained.
    refit : bool
        Train once more, on train and validation together, for as many rounds as the model has. Everything
        that is chosen or measured on validation stays that of the first fit.
    calibration : {"auto", "none", "beta", "platt", "isotonic"}
        What makes chances of the booster's scores, fitted on rows it was not trained on.
    checkpoint_rounds : int
        Rounds of a segment; a checkpoint is written after each. Where rounds draw random numbers (`samples`),
        a segment also begins with a fresh booster and a seed of its own, so that an interrupted job and one
        that was not end with the same bytes. 0 writes none.
    members : int, tuple of mapping, or None
        How many models the model is the average of, or what each has for itself; None is one model.
    each : tuple of Hyperparameters
        Those of each member; empty where there are none.
    k_fold : int
        Folds of a cross-validation beside the model; 0 makes none.
    k_fold_repeats : int
        How often the folds are drawn.
    csv_weights : bool
        The second column of a label-first CSV file is the row's weight.
    keep_counter : bool
        A column that counts the rows is a feature, not an index that was left in.
    fraud_bins : float
        Share of a feature's histogram bins placed by the frauds' values; 0 places bins by all rows alike.
    decision_threshold : float or None
        Of a job without ``train.json``: an alert is a score of at least this; None chooses by F1.
    eval_metric : tuple of str
        Early stopping watches the last; ``hook:NAME`` is a function of ``hooks.py``. Where none is given:
        average precision, and the log-loss that early stopping can rely on (``docs/adr/0002``).
    objective_hook : str or None
        Name of the function of ``hooks.py`` that gives gradients; the booster stays ``binary:logistic``.
    monotone_constraints : dict of {str: int}, tuple of int, or None
        1 rising, -1 falling, by column name or by position.
    interaction_constraints : tuple of tuples of str or int, or None
        Groups of columns, by name or position, that may stand in one branch.
    nthread : int
        At most this many threads; 0 is every CPU there is. Does not change the model.
    verbosity : int
        What XGBoost prints: 0 nothing, 1 warnings. Does not change the model.
    booster : dict
        What goes to XGBoost, under its names; what is absent has XGBoost's default.
    """

    num_round: int = 100
    early_stopping_rounds: int = 0
    save_best: bool = True
    refit: bool = False
    calibration: str = "none"
    checkpoint_rounds: int = 100
    members: int | tuple[Mapping[str, Any], ...] | None = None
    each: tuple[Hyperparameters, ...] = ()
    k_fold: int = 0
    k_fold_repeats: int = 1
    csv_weights: bool = False
    keep_counter: bool = False
    fraud_bins: float = 0.0
    decision_threshold: float | None = None
    eval_metric: tuple[str, ...] = ("aucpr", "logloss")
    objective_hook: str | None = None
    monotone_constraints: Mapping[str, int] | tuple[int, ...] | None = None
    interaction_constraints: tuple[tuple[str | int, ...], ...] | None = None
    nthread: int = 0
    verbosity: int = 1
    booster: Mapping[str, Any] = field(default_factory=dict)

    @property
    def samples(self) -> bool:
        """Whether rounds draw random numbers: continuing a booster is then not the same as not stopping."""
        shares = ("subsample", "colsample_bytree", "colsample_bylevel", "colsample_bynode")
        drops = self.booster.get("booster") == "dart"
        return drops or any(self.booster.get(name, 1.0) < 1.0 for name in shares)

    @property
    def every(self) -> tuple[Hyperparameters, ...]:
        """What boosters are trained with: the members', or these where there are none."""
        return self.each or (self,)

    def with_threads(self, most: int) -> Hyperparameters:
        """The same, with at most so many threads."""
        return replace(self, nthread=most, each=tuple(replace(member, nthread=most) for member in self.each))

    def of_rounds(self, rounds: Sequence[int]) -> Hyperparameters:
        """The same, with so many rounds of each member, and without an early stop."""
        fixed = [
            replace(p, num_round=n, early_stopping_rounds=0) for p, n in zip(self.every, rounds, strict=True)
        ]
        return replace(self, each=tuple(fixed), early_stopping_rounds=0) if self.each else fixed[0]

    @property
    def metric_hooks(self) -> tuple[str, ...]:
        """Names of the functions of ``hooks.py`` among the metrics."""
        return tuple(printed(metric) for metric in self.eval_metric if is_hook(metric))

    def for_xgboost(
        self, columns: Sequence[str], *, cpus: int, categorical: Collection[str] = (), prefix: str = ""
    ) -> dict[str, Any]:
        """Everything ``xgboost.train`` takes as ``params``; metrics that are hooks are not among it.

        Parameters
        ----------
        columns : sequence of str
            The features as the table has them, in the booster's order.
        cpus : int
            Threads there are.
        categorical : collection of str
            The features that are categories.
        prefix : str
            What stands before a parameter's name where the person writes it, such as ``model.``.

        Raises
        ------
        ConfigError
            If a constraint is about a column that is not there, or orders categories.
        """
        builtin = [metric for metric in self.eval_metric if not is_hook(metric) and metric not in COMPUTED]
        return {
            **self.booster,
            **by_position(
                self.monotone_constraints,
                self.interaction_constraints,
                columns,
                categorical=categorical,
                prefix=prefix,
            ),
            **({"eval_metric": builtin} if builtin else {"disable_default_eval_metric": True}),
            "nthread": min(cpus, self.nthread or cpus),
            "verbosity": self.verbosity,
        }

    def as_json(self) -> dict[str, Any]:
        """Everything that made the model, in one object: fraudlab's own parameters beside XGBoost's."""
        beside = {"booster", "nthread", "verbosity", "each"}
        own = {item.name: getattr(self, item.name) for item in fields(self) if item.name not in beside}
        given = {name: value for name, value in own.items() if value is not None}
        plain: dict[str, Any] = json.loads(json.dumps(given | dict(self.booster)))
        return plain
