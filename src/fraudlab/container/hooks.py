"""Custom objectives and metrics: plain functions of a file ``hooks.py`` that travels with the job."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

#: ``(margin, label, weight) -> (gradient, hessian)``, arrays of shape (rows,); the margin is the raw score
Objective = Callable[[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]], tuple[Any, Any]]
#: ``(label, score, weight) -> value``; the score is a probability
Metric = Callable[[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]], float]


@dataclass(frozen=True, slots=True)
class Hooks:
    """The functions of one ``hooks.py``.

    Attributes
    ----------
    path : Path
    sha256 : str
        Of the file; it belongs into ``model.json``.
    functions : dict of str to callable
    """

    path: Path
    sha256: str
    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)

    def objective(self, name: str) -> Callable[[Any, Any], tuple[Any, Any]]:
        """The function as ``xgboost.train`` takes it for ``obj``: ``(predt, dtrain) -> (gradient, hessian)``."""
        raise NotImplementedError

    def metric(self, name: str) -> Callable[[Any, Any], tuple[str, float]]:
        """One function as ``custom_metric``: ``(predt, dmatrix) -> (name, value)``."""
        raise NotImplementedError

    def metrics(
        self, names: Iterable[str], *, margins: bool
    ) -> Callable[[Any, Any], list[tuple[str, float]]]:
        """Several functions as the one ``custom_metric`` that ``xgboost.train`` takes."""
        raise NotImplementedError

    def direction(self, name: str) -> Literal["maximize", "minimize"]:
        """``maximize`` where the function has a true attribute of that name."""
        raise NotImplementedError


def load_hooks(folders: Iterable[Path]) -> Hooks:
    """Read the first ``hooks.py`` of the folders."""
    raise NotImplementedError
