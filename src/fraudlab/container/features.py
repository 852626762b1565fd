"""The one way from raw columns to the float32 matrix a model sees, at training and at the endpoint.

A number is rounded to float32, and scaled in float64 if at all; a category becomes its position in the list
fitted on train. What is missing, and a category that list does not have, is NaN: XGBoost decides at each
node where missing values go. Derived columns are computed of those inputs, before they are scaled, and stand
behind them. Where one asks for the hour or the weekday of the time, rows are sent with it behind their
columns: it becomes the hour within its week, which derived columns read, and the booster does not.
"""

from __future__ import annotations

import math
import operator
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.categories import canonical_text, codes_of
from fraudlab.container.clock import Clock
from fraudlab.container.expressions.declared import DeclaredColumn, examine
from fraudlab.container.expressions.grammar import reads
from fraudlab.container.expressions.kinds_of_values import ValueKind
from fraudlab.container.expressions.program import Program
from fraudlab.container.failure import together
from fraudlab.container.scaling import Scaling

if TYPE_CHECKING:
    import pyarrow as pa

Matrix = NDArray[np.float32]

_MAX_FLOAT32 = float(np.finfo(np.float32).max)
#: characters XGBoost keeps for its own text format
_FORBIDDEN = str.maketrans({"[": "(", "]": ")", "<": "‹"})


@dataclass(frozen=True, slots=True)
class Column:
    """What a row is sent with: a number, a category if it has `categories`, the time if it has a `clock`."""

    name: str
    categories: tuple[str, ...] | None = None
    clock: Clock | None = None

    def as_json(self) -> dict[str, Any]:
        """The column as ``manifest.json`` and ``model.json`` hold it."""
        if self.clock is not None:
            return {"name": self.name, "type": "time", **self.clock.as_json()}
        if self.categories is None:
            return {"name": self.name, "type": "number"}
        return {"name": self.name, "type": "category", "categories": list(self.categories)}


class Features:
    """Turns raw values into the model's inputs.

    Parameters
    ----------
    columns : sequence of Column
        What a row is sent with, in the model's order; the time is last, if it is there.
    scaling : Scaling, optional
        Parameters fitted on train.
    libsvm_base : int, optional
        0 or 1: the index of the first column in the libsvm files that the model was trained on.
    derived : sequence of DeclaredColumn
        Columns that are computed of these, as :meth:`deriving` checks them.

    Attributes
    ----------
    names : list of str
        Of the columns, in order.
    inputs : tuple of Column
        What the booster is given: the columns but for the time, and behind them the derived ones.
    width : int
        How many of those are no derived ones.
    clocks : dict of int to Clock
        How the time is read, by its position; empty where rows are sent without.
    plain : bool
        Whether all columns are numbers.
    codes : dict of int to dict of str to float
        For the position of each column of categories, the code of each category, by all it is called: see
        :func:`~fraudlab.container.categories.codes_of`.
    pack : callable
        Numbers of one row, as arguments, to the bytes of as many float32. It is also the cheapest check of
        a row: another count, and whatever is neither a number nor a boolean, is a ``struct.error``, and a
        number beyond float32 an ``OverflowError``. Infinities pass.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        scaling: Scaling | None = None,
        *,
        libsvm_base: int | None = None,
        derived: Sequence[DeclaredColumn] = (),
    ) -> None:
        self.columns = tuple(columns)
        self.derived = tuple(derived)
        sent = [column for column in columns if column.clock is None]
        self.width = len(sent)
        self.inputs = (*sent, *[Column(one.name) for one in derived])
        self.scaling = scaling
        self.libsvm_base = libsvm_base
        self.names = [column.name for column in columns]
        self.codes = {
            position: {text: float(code) for text, code in codes_of(column.categories).items()}
            for position, column in enumerate(columns)
            if column.categories is not None
        }
        self.clocks = {at: column.clock for at, column in enumerate(columns) if column.clock is not None}
        self.plain = not self.codes and not self.clocks
        self.pack: Callable[..., bytes] = struct.Struct(f"={len(self.columns)}f").pack
        self._program = Program(self.derived, self.names, self._code_of) if derived else None

    def __len__(self) -> int:
        return len(self.columns)

    @property
    def categorical(self) -> list[int]:
        """Positions of the categories."""
        return list(self.codes)

    @cached_property
    def booster_names(self) -> list[str]:
        """What the booster calls its inputs: numbers, where what it forbids leaves two the same."""
        names = [name.translate(_FORBIDDEN) for name in self.input_names]
        return names if len(set(names)) == len(names) else [f"f{position}" for position in range(len(names))]

    @property
    def input_names(self) -> list[str]:
        """Of what the booster is given, in order."""
        return [column.name for column in self.inputs]

    @cached_property
    def positions(self) -> dict[str, int]:
        """Where the column of each name is."""
        return {name: position for position, name in enumerate(self.names)}

    @cached_property
    def pick(self) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
        """Takes the values of the columns, in order, from an object; a ``KeyError`` if one is not there."""
        if len(self.names) == 1:
            return lambda row: (row[self.names[0]],)
        return operator.itemgetter(*self.names)

    @cached_property
    def code_texts(self) -> list[tuple[int, dict[bytes, bytes]]]:
        """The same codes, as text for text in UTF-8; that of a missing category is empty."""
        # A category that is no text in UTF-8 can stand in a model.json; no body has it.
        return [
            (position, {b"": b"", **{_utf8(text): b"%d" % code for text, code in codes.items()}})
            for position, codes in self.codes.items()
        ]

    def code(self, position: int, text: str | None) -> float | None:
        """Code of one category: NaN where it is missing (None or empty), None where train has not seen it."""
        if not text:
            return math.nan
        codes = self.codes[position]
        code = codes.get(text)
        return codes.get(canonical_text(text) or text) if code is None else code

    def encode(
        self, position: int, texts: Sequence[str | None]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Codes of a column of categories, and which of them train has not seen.

        Parameters
        ----------
        position : int
            Of the column.
        texts : sequence of str or None
            None and the empty text are missing.
        """
        codes = [self.code(position, text) for text in texts]
        unseen = [code is None for code in codes]
        return np.array(codes, np.float32), np.array(unseen, np.bool_)

    def _code_of(self, name: str, category: str) -> float | None:
        return self.code(self.names.index(name), category)

    def deriving(self, given: Mapping[str, Any], *, time: Column | None = None) -> Features:
        """The same columns, and of them computed those that are declared.

        Parameters
        ----------
        given : mapping of str to str
            Expressions by the names of the columns, in order.
        time : Column, optional
            The time of a row, which rows are then sent with where an expression reads it. Left out where it
            has the name of a column.

        Raises
        ------
        ConfigError
            If one cannot be computed of these columns; all that is wrong at once.
        """
        known = (*self.columns, time) if time and time.name not in self.positions else self.columns
        declared, faults = examine(given, {column.name: _kind_of(column) for column in known})
        if faults:
            raise together(faults, what="derived columns cannot be used")
        read = {name for one in declared for name in reads(one.tree)}
        columns = [column for column in known if column.clock is None or column.name in read]
        scaling = self.scaling
        if scaling is not None and len(columns) > len(self):
            scaling = Scaling(np.append(scaling.mean, 0.0), np.append(scaling.std, 1.0))
        return Features(columns, scaling, libsvm_base=self.libsvm_base, derived=declared)

    def given(self, matrix: Matrix) -> Matrix:
        """What the booster is given for rows of raw inputs: scaled, and with the derived columns.

        Parameters
        ----------
        matrix : ndarray of float32, shape (rows, columns)
            Numbers as they are, categories as codes, the time as its hour within the week. Not written to;
            returned itself where nothing is done.
        """
        if self._program is None:
            return self.scaled(matrix)
        found = np.empty((len(matrix), len(self.inputs)), np.float32)
        self._program.fill(found[:, self.width :], matrix)
        found[:, : self.width] = self.scaled(matrix)[:, : self.width]
        return found

    def scaled(self, matrix: Matrix) -> Matrix:
        """Raw numbers scaled, or the same matrix where nothing is.

        Where a quotient is beyond float32 it becomes the largest number there is: no split of a tree can
        tell the two apart, and XGBoost takes no infinities.

        Parameters
        ----------
        matrix : ndarray of float32, shape (rows, columns)
        """
        if self.scaling is None:
            return matrix
        with np.errstate(over="ignore"):
            quotients = (matrix.astype(np.float64) - self.scaling.mean) / self.scaling.std
        return quotients.clip(-_MAX_FLOAT32, _MAX_FLOAT32).astype(np.float32)

    def fill(self, matrix: Matrix, batch: pa.RecordBatch) -> dict[str, int]:
        """Write rows of a prepared split into a matrix.

        Parameters
        ----------
        matrix : ndarray of float32, shape (rows of the batch, inputs)
            Receives the model's inputs.
        batch : pyarrow.RecordBatch
            The columns in order: float32, dictionary-encoded text, and the time in seconds as float64.

        Returns
        -------
        dict
            For each column with categories that train has not seen, the rows that have one.
        """
        unseen: dict[str, int] = {}
        # The time is no input of the booster, so that there is no room for it.
        rows = np.empty((len(matrix), len(self)), np.float32) if self.clocks else matrix[:, : len(self)]
        for position, values in enumerate(batch.columns):
            if position in self.codes:
                rows[:, position], new = self.encode_dictionary(position, values)
                if new:
                    unseen[self.names[position]] = new
            elif position in self.clocks:
                rows[:, position] = self.clocks[position].hours(values.to_numpy(zero_copy_only=False))
            else:
                rows[:, position] = values.to_numpy(zero_copy_only=False)
        if self._program is not None:
            self._program.fill(matrix[:, self.width :], rows)
        if self.clocks or self.scaling is not None:
            matrix[:, : self.width] = self.scaled(rows)[:, : self.width]
        return unseen

    def encode_dictionary(self, position: int, values: pa.DictionaryArray) -> tuple[NDArray[np.float32], int]:
        """Codes of dictionary-encoded text, at the cost of its distinct values, and how many are unseen."""
        known, unseen = self.encode(position, [*values.dictionary.to_pylist(), None])
        indices = values.indices.fill_null(known.size - 1).to_numpy(zero_copy_only=False)
        return known[indices], int(np.count_nonzero(unseen[indices]))

    def as_json(self) -> dict[str, Any]:
        """``columns``, ``preprocessing`` and ``derived``, as a manifest or a contract holds them."""
        scale = None
        if self.scaling is not None:
            mean, std = self.scaling.mean.tolist(), self.scaling.std.tolist()
            for position in (*self.codes, *self.clocks):
                mean[position] = std[position] = None
            scale = {"mean": mean, "std": std}
        derived = [{"name": one.name, "expression": one.text} for one in self.derived]
        return {
            "columns": [column.as_json() for column in self.columns],
            "preprocessing": {"scale": scale},
            **({"derived": derived} if derived else {}),
        }


def _kind_of(column: Column) -> ValueKind:
    if column.clock is not None:
        return ValueKind.TIME
    return ValueKind.NUMBER if column.categories is None else ValueKind.TEXT


def _utf8(text: str) -> bytes:
    return text.encode(errors="surrogatepass")
