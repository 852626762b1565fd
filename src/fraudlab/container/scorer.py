"""Rows to scores: one booster, one thread, no object built that a single row does not need."""

from __future__ import annotations

import ctypes
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.failure import ConfigError
from fraudlab.container.features import Features, Matrix
from fraudlab.container.model_file import Model, read_model
from fraudlab.container.runtime import lean_xgboost

with lean_xgboost():
    import xgboost
    from xgboost.core import _LIB, _check_call

_PREDICTION = json.dumps(
    {
        "type": 0,
        "training": False,
        "iteration_begin": 0,
        "iteration_end": 0,
        "missing": math.nan,
        "strict_shape": False,
        "cache_id": 0,
    }
).encode()


class Scorer:
    """A model that is ready to score.

    Parameters
    ----------
    model : Model

    Raises
    ------
    ConfigError
        If the booster cannot be loaded, or does not fit the columns of its contract.
    """

    def __init__(self, model: Model) -> None:
        try:
            self._booster = xgboost.Booster({"nthread": 1}, model_file=model.booster)
            inputs = self._booster.num_features()
        except (xgboost.core.XGBoostError, ValueError) as error:
            reason = str(error).split("\n", 1)[0]
            raise ConfigError(f"model.ubj is not a booster: {reason}", fix="train the model again") from error
        if inputs != len(model.features):
            raise ConfigError(
                f"model.ubj takes {inputs} columns and model.json names {len(model.features)}",
                fix="use a model folder as a train job wrote it",
            )
        # On one row a second thread only waits: under load it made the slowest answers ten times slower.
        self._booster.set_param({"nthread": 1})
        self.features: Features = model.features
        self.threshold = model.threshold
        self.model_id = model.sha256[:12]
        self.contract = model.contract

    def score(self, matrix: Matrix) -> NDArray[np.float32]:
        """Probability of fraud of each row: what ``Booster.predict`` returns, to the last bit.

        Calls the C function behind ``inplace_predict`` directly; on one row its Python wrapper costs twice
        what the trees do.

        Parameters
        ----------
        matrix : ndarray of float32, shape (rows, columns)
            Model inputs as :class:`~fraudlab.container.features.Features` makes them, in C order.

        Returns
        -------
        ndarray of float32, shape (rows,)
        """
        rows, columns = matrix.shape
        assert matrix.dtype == np.float32
        assert matrix.flags.c_contiguous
        assert columns == len(self.features)
        interface = b'{"data":[%d,true],"shape":[%d,%d],"typestr":"<f4","version":3}' % (
            matrix.__array_interface__["data"][0],
            rows,
            columns,
        )
        shape, dimensions = ctypes.POINTER(ctypes.c_uint64)(), ctypes.c_uint64()
        scores = ctypes.POINTER(ctypes.c_float)()
        _check_call(
            _LIB.XGBoosterPredictFromDense(
                self._booster.handle,
                interface,
                _PREDICTION,
                None,
                ctypes.byref(shape),
                ctypes.byref(dimensions),
                ctypes.byref(scores),
            )
        )
        # The booster owns the memory and reuses it at the next call.
        address: Any = ctypes.cast(scores, ctypes.c_void_p).value
        return np.frombuffer((ctypes.c_float * rows).from_address(address), np.float32).copy()


def load_scorer(folder: Path) -> Scorer:
    """Load a model folder.

    Raises
    ------
    ConfigError
        As :func:`fraudlab.container.model_file.read_model` and :class:`Scorer`.
    """
    return Scorer(read_model(folder))
