"""Custom objectives and metrics: plain functions of a file ``hooks.py`` that travels with the job.

Only training runs them. The booster stays ``binary:logistic``: what a hook changes is the gradients it was
trained by, so that a model needs no hook to score, and its scores remain probabilities. ``docs/hooks.md`` is
the page for those who write one.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.failure import ConfigError
from fraudlab.container.hook_source import HookSource, find_hooks, read_hooks

_Floats = NDArray[np.float64]
#: ``(margin, label, weight) -> (gradient, hessian)``, arrays of shape (rows,); the margin is the raw score
Objective = Callable[[_Floats, _Floats, _Floats], tuple[Any, Any]]
#: ``(label, score, weight) -> value``; the score is a probability
Metric = Callable[[_Floats, _Floats, _Floats], float]


@dataclass(frozen=True, slots=True)
class Hooks:
    """The functions of one ``hooks.py``.

    Attributes
    ----------
    source : HookSource
    functions : dict of str to callable
    """

    source: HookSource
    functions: Mapping[str, Callable[..., Any]]

    @property
    def sha256(self) -> str:
        """Of the file; it belongs into the hashes of ``model.json`` as ``hooks``."""
        return self.source.sha256

    def direction(self, name: str) -> Literal["maximize", "minimize"]:
        """``maximize`` where the metric has that attribute and it is true."""
        return "maximize" if self._maximizes(name) else "minimize"

    def objective(self, name: str, *, first_round: int = 0) -> Callable[[Any, Any], tuple[Any, Any]]:
        """One function as ``xgboost.train`` takes it for ``obj``.

        Parameters
        ----------
        name : str
        first_round : int
            The number of the first call, for errors: a job that continues counts on.

        Raises
        ------
        ConfigError
            If there is no such function with these parameters; from the result, if what it returns is not one
            finite gradient and one finite hessian a row.
        """
        function = self._function(name, "margin", "label", "weight")
        rounds = itertools.count(first_round)

        def gradients(margin: NDArray[np.float32], data: Any) -> tuple[Any, Any]:
            at = _Call(self.source.path, name, next(rounds))
            label, weight = _label_and_weight(data)
            return at.pair(at.run(function, margin.astype(np.float64), label, weight), rows=label.size)

        return gradients

    def metrics(
        self, names: Sequence[str], *, margins: bool, first_round: int = 0
    ) -> Callable[[Any, Any], list[tuple[str, float]]]:
        """Functions as the one ``custom_metric`` that ``xgboost.train`` takes.

        Parameters
        ----------
        names : sequence of str
        margins : bool
            Whether XGBoost hands over raw scores, as it does where ``obj`` is given; the functions receive
            probabilities all the same.
        first_round : int
            The number of the first call for a matrix.

        Raises
        ------
        ConfigError
            If there is no such function with these parameters; from the result, if what it returns is not a
            finite number.
        """
        functions = {name: self._function(name, "label", "score", "weight") for name in names}
        for name in names:
            self._maximizes(name)
        rounds: dict[int, itertools.count[int]] = {}

        def values(prediction: NDArray[np.float32], data: Any) -> list[tuple[str, float]]:
            number = next(rounds.setdefault(id(data), itertools.count(first_round)))
            score = prediction.astype(np.float64)
            if margins:
                score = _sigmoid(score)
            label, weight = _label_and_weight(data)
            found = []
            for name, function in functions.items():
                at = _Call(self.source.path, name, number)
                found.append((name, at.number(at.run(function, label.copy(), score.copy(), weight.copy()))))
            return found

        return values

    def metric(
        self, name: str, *, margins: bool = False, first_round: int = 0
    ) -> Callable[[Any, Any], tuple[str, float]]:
        """One function as ``custom_metric``; see :meth:`metrics`."""
        values = self.metrics([name], margins=margins, first_round=first_round)
        return lambda prediction, data: values(prediction, data)[0]

    def _function(self, name: str, *parameters: str) -> Callable[..., Any]:
        self.source.require([name])
        function = self.functions.get(name)
        wanted = f"{name}({', '.join(parameters)})"
        if function is None:
            raise ConfigError(f"{name!r} in {self.source.path} is not a function", fix=f"define {wanted}")
        try:
            inspect.signature(function).bind(*parameters)
        except TypeError as error:
            raise ConfigError(
                f"hook {name} cannot be called as {wanted}: {error}", fix=f"define it as {wanted}"
            ) from error
        return function

    def _maximizes(self, name: str) -> bool:
        value = getattr(self._function(name, "label", "score", "weight"), "maximize", False)
        if not isinstance(value, bool):
            raise ConfigError(f"{name}.maximize is {value!r}, not True or False", fix="set it to one of them")
        return value


@dataclass(frozen=True, slots=True)
class _Call:
    """One call of a hook: what it raises and returns, with the name and the round in every error."""

    path: Path
    name: str
    round: int

    def run(self, function: Callable[..., Any], *arguments: _Floats) -> Any:
        try:
            return function(*arguments)
        except (Exception, SystemExit) as error:
            raise self._wrong(f"raised {_described(error, self.path)}") from error

    def pair(self, result: Any, *, rows: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise self._wrong(f"returned {_kind(result)}, not a gradient and a hessian")
        gradient, hessian = result
        return self._column("gradient", gradient, rows), self._column("hessian", hessian, rows)

    def number(self, result: Any) -> float:
        try:
            value = np.asarray(result, dtype=np.float64)
        except (TypeError, ValueError):
            value = np.empty(1)
        if value.shape != () or isinstance(result, str | bytes | bool | np.bool_ | None):
            raise self._wrong(f"returned {_kind(result)}, not a number")
        if not np.isfinite(value):
            raise self._wrong(f"returned {value}")
        return float(value)

    def _column(self, called: str, result: Any, rows: int) -> NDArray[np.float32]:
        try:
            # what does not fit a float32 becomes infinite, and is refused below
            with np.errstate(over="ignore"):
                column = np.asarray(result).astype(np.float32, casting="same_kind")
        except (TypeError, ValueError):
            raise self._wrong(
                f"returned a {called} that is {_kind(result)}, not an array of floats"
            ) from None
        if column.shape != (rows,):
            raise self._wrong(f"returned a {called} of shape {column.shape} for {rows} rows")
        bad = np.flatnonzero(~np.isfinite(column))
        if bad.size:
            raise self._wrong(f"returned a {called} that is {column[bad[0]]} in row {bad[0]}")
        return column

    def _wrong(self, what: str) -> ConfigError:
        return ConfigError(f"hook {self.name} {what}, in round {self.round}", fix=f"correct {self.path.name}")


def load_hooks(folders: Sequence[Path]) -> Hooks:
    """Run the first ``hooks.py`` of the folders, and keep its functions.

    Parameters
    ----------
    folders : sequence of Path
        In order; a job's are :func:`~fraudlab.container.hook_source.hook_folders`.

    Raises
    ------
    ConfigError
        If there is no file, or it is not Python, or running it raises; with the line.
    """
    source = read_hooks(find_hooks(folders))
    module = ModuleType("fraudlab_hooks")
    module.__file__ = str(source.path)
    try:
        exec(compile(source.content, str(source.path), "exec"), module.__dict__)
    except (Exception, SystemExit) as error:
        raise ConfigError(
            f"{source.path} raised {_described(error, source.path)}", fix="correct it"
        ) from error
    defined = {name: vars(module).get(name) for name in source.names}
    return Hooks(source, {name: value for name, value in defined.items() if callable(value)})


def _label_and_weight(data: Any) -> tuple[_Floats, _Floats]:
    label = data.get_label().astype(np.float64)
    weight = data.get_weight().astype(np.float64)
    return label, weight if weight.size else np.ones_like(label)


def _sigmoid(margin: _Floats) -> _Floats:
    # below -709, exp overflows
    score: _Floats = 1.0 / (1.0 + np.exp(np.minimum(-margin, 700.0)))
    return score


def _kind(value: Any) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"


def _described(error: BaseException, path: Path) -> str:
    """What was raised and on which line of the file."""
    line, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    first = str(error).split("\n", 1)[0]
    return f"{type(error).__name__}: {first}" + (f" (line {line})" if line else "")
