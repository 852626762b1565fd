"""Rows to scores: one booster, one thread, no object built that a single row does not need."""

from __future__ import annotations

import ctypes
import json
import math
import threading
import weakref
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from fraudlab.container.calibrated import Calibration
from fraudlab.container.failure import ConfigError
from fraudlab.container.features import Features, Matrix
from fraudlab.container.model_files.model_file import MAX_BYTES, Model, read_model
from fraudlab.container.reason_texts import ReasonTexts
from fraudlab.container.runtime import lean_xgboost
from fraudlab.container.tree_reasons import MAX_BOOSTER_BYTES, ReasonTables, TableShelf, reason_tables

with lean_xgboost():
    import xgboost
    from xgboost.core import _LIB, _check_call


def _prediction(kind: int) -> bytes:
    what = {"type": kind, "training": False, "iteration_begin": 0, "iteration_end": 0, "cache_id": 0}
    return json.dumps({**what, "missing": math.nan, "strict_shape": False}).encode()


_PROBABILITY, _MARGIN = _prediction(0), _prediction(1)
_SHELF = TableShelf()


class _Proxy:
    """XGBoost's view of a call's rows. Left to make one for each call, it reads the CPU quota from files."""

    def __init__(self) -> None:
        self.handle = ctypes.c_void_p()
        _check_call(_LIB.XGProxyDMatrixCreate(ctypes.byref(self.handle)))
        weakref.finalize(self, _LIB.XGDMatrixFree, self.handle).atexit = False


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
        if inputs != len(model.features.inputs):
            raise ConfigError(
                f"model.ubj takes {inputs} columns and model.json names {len(model.features.inputs)}",
                fix="use a model folder as a train job wrote it",
            )
        # With one row, a second thread only waits: under load it made the slowest answers ten times slower.
        self._booster.set_param({"nthread": 1})
        self.features: Features = model.features
        self.threshold = model.threshold
        self.calibration = None if model.calibration is None else Calibration(model.calibration)
        self.model_id = model.sha256[:12]
        self._booster_bytes = len(model.booster)
        self.contract = model.contract
        self.reason_texts = model.reason_texts or ReasonTexts(model.features)
        self._types = ["q" if column.categories is None else "c" for column in self.features.inputs]
        # Dart's trees have weights, which the in-place function applies in another order than predict does,
        # and dart's prediction may not be called from several threads at once.
        config = json.loads(self._booster.save_config())
        self._is_dart = config["learner"]["gradient_booster"]["name"] == "dart"
        self._one_at_a_time: AbstractContextManager[Any] = (
            threading.Lock() if self._is_dart else nullcontext()
        )
        #: those that no thread is using
        self._proxies: list[_Proxy] = []

    def score(self, matrix: Matrix) -> NDArray[np.float32]:
        """Chance of fraud of each row: what the model's calibration makes of the booster's own score.

        Parameters
        ----------
        matrix : ndarray of float32, shape (rows, columns)
            Model inputs as :class:`~fraudlab.container.features.Features` makes them, in C order.

        Returns
        -------
        ndarray of float32, shape (rows,)
        """
        found = self.booster_score(matrix)
        return found if self.calibration is None else self.calibration(found)

    def booster_score(self, matrix: Matrix) -> NDArray[np.float32]:
        """Probability of fraud before calibration: what ``Booster.predict`` returns, to the last bit.

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
        return self._from_data(matrix) if self._is_dart else self._in_place(matrix, _PROBABILITY)

    def raw_score(self, matrix: Matrix) -> NDArray[np.float32]:
        """The sum of the leaves before the logistic function, shape (rows,)."""
        if self._is_dart:
            return self._from_data(matrix, output_margin=True)
        return self._in_place(matrix, _MARGIN)

    def reasons(self, matrix: Matrix, *, most: int) -> list[list[tuple[str, float]]]:
        """What pushed each row's raw score away from the average most, largest first.

        Of contributions that are as large, the one whose column comes first. A row has the same reasons
        whatever rows are explained with it.

        Parameters
        ----------
        matrix : ndarray of float32, shape (rows, columns)
        most : int
            Contributions a row, at most; those of exactly 0 are left out.

        Returns
        -------
        list of list of (str, float)
            Column and contribution, in log-odds; above 0 towards fraud.
        """
        contributions = self.contributions(matrix)
        order = np.argsort(-np.abs(contributions), axis=1, kind="stable")[:, :most]
        largest = np.take_along_axis(contributions, order, axis=1)
        names = self.features.input_names
        return [
            [(names[position], value) for position, value in zip(places, values, strict=True) if value != 0.0]
            for places, values in zip(order.tolist(), largest.tolist(), strict=True)
        ]

    def contributions(self, matrix: Matrix) -> NDArray[np.float32]:
        """What each column adds to the raw score of each row, in log-odds, shape (rows, columns).

        Exact SHAP values of the trees, XGBoost's ``pred_contribs`` (Lundberg et al. 2020, "From local
        explanations to global understanding with explainable AI for trees", Nature Machine Intelligence 2).
        They are looked up where the trees are shallow and few enough, which depends on the model alone.
        """
        tables = _SHELF.take(self, self._tables)
        return (
            self._from_data(matrix, pred_contribs=True)[:, :-1]
            if tables is None
            else tables.contributions(matrix)
        )

    def _tables(self) -> ReasonTables | None:
        if self._booster_bytes > MAX_BOOSTER_BYTES:
            return None
        with self._one_at_a_time:
            booster = orjson.loads(self._booster.save_raw("json"))
        return reason_tables(booster, [len(column.categories or ()) for column in self.features.inputs])

    def _from_data(self, matrix: Matrix, **what: bool) -> NDArray[np.float32]:
        data = xgboost.DMatrix(matrix, feature_types=self._types, enable_categorical=True, nthread=1)
        with self._one_at_a_time:
            found: NDArray[np.float32] = self._booster.predict(data, validate_features=False, **what)
        return found

    def _in_place(self, matrix: Matrix, what: bytes) -> NDArray[np.float32]:
        rows, columns = matrix.shape
        assert matrix.dtype == np.float32
        assert matrix.flags.c_contiguous
        assert columns == len(self.features.inputs)
        interface = b'{"data":[%d,true],"shape":[%d,%d],"typestr":"<f4","version":3}' % (
            matrix.__array_interface__["data"][0],
            rows,
            columns,
        )
        shape, dimensions = ctypes.POINTER(ctypes.c_uint64)(), ctypes.c_uint64()
        scores = ctypes.POINTER(ctypes.c_float)()
        try:
            proxy = self._proxies.pop()
        except IndexError:
            proxy = _Proxy()
        _check_call(
            _LIB.XGBoosterPredictFromDense(
                self._booster.handle,
                interface,
                what,
                proxy.handle,
                ctypes.byref(shape),
                ctypes.byref(dimensions),
                ctypes.byref(scores),
            )
        )
        self._proxies.append(proxy)
        # The booster owns the memory and reuses it at this thread's next call.
        return np.frombuffer(ctypes.string_at(scores, 4 * rows), np.float32)


def load_scorer(folder: Path, *, max_bytes: int = MAX_BYTES) -> Scorer:
    """Load a model folder, of files no larger than `max_bytes`.

    Raises
    ------
    ConfigError
        As :func:`fraudlab.container.model_files.model_file.read_model` and :class:`Scorer`.
    """
    return Scorer(read_model(folder, max_bytes=max_bytes))
