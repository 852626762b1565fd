"""Features as a manifest or a model's contract describes them, read and checked."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fraudlab.container.clock import read_clock
from fraudlab.container.contract import Fields
from fraudlab.container.failure import ConfigError, quoted
from fraudlab.container.features import Column, Features
from fraudlab.container.scaling import Scaling


def read_features(fields: Fields) -> Features:
    """The features a ``manifest.json`` or ``model.json`` describes.

    Raises
    ------
    ConfigError
        If the description is not one that :meth:`~fraudlab.container.features.Features.as_json` writes.
    """
    columns = []
    for entry in fields.get("columns", list):
        if not isinstance(entry, dict):
            raise _malformed(f"{quoted(entry)} does not describe a column")
        columns.append(_read_column(Fields(entry, source="a column")))
    names = {column.name for column in columns}
    if not columns or len(names) != len(columns):
        raise _malformed(f"{len(columns)} columns have {len(names)} names")
    if not all(name.strip() for name in names):
        raise _malformed("a column has no name")
    base = fields.optional("libsvm_base", int)
    if base not in (None, 0, 1):
        raise _malformed(f"'libsvm_base' is {base}, and libsvm counts columns from 0 or from 1")
    features = Features(columns, _read_scaling(fields, columns), libsvm_base=base)
    derived = _read_derived(fields)
    found = features.deriving(derived) if derived else features
    if features.clocks and (list(features.clocks) != [len(columns) - 1] or not found.derived):
        raise _malformed("a time is not the last column, or no derived column reads it")
    if len(found.columns) != len(columns):
        raise _malformed("no derived column reads the time")
    return found


def _read_scaling(fields: Fields, columns: Sequence[Column]) -> Scaling | None:
    scale = fields.fields("preprocessing").optional("scale", dict)
    if scale is None:
        return None
    given = Fields(scale, source="'scale'")
    mean = _parameters(given, "mean", 0.0, columns)
    std = _parameters(given, "std", 1.0, columns)
    if not np.all(std > 0):
        raise _malformed("a standard deviation is not above 0")
    return Scaling(mean, std)


def _read_derived(fields: Fields) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in fields.optional("derived", list) or ():
        if not isinstance(entry, dict) or entry.keys() != {"name", "expression"}:
            raise _malformed(f"{quoted(entry)} does not describe a derived column")
        one = Fields(entry, source="a derived column")
        name = one.get("name", str)
        if name in found:
            raise _malformed(f"two derived columns are named {quoted(name)}")
        found[name] = one.get("expression", str)
    return found


def _read_column(fields: Fields) -> Column:
    kind = fields.choice("type", "number", "category", "time")
    if kind == "number":
        return Column(fields.get("name", str))
    if kind == "time":
        return Column(fields.get("name", str), clock=read_clock(fields))
    return Column(fields.get("name", str), fields.names("categories"))


def _parameters(fields: Fields, name: str, nothing: float, columns: Sequence[Column]) -> NDArray[np.float64]:
    values = [nothing if value is None else value for value in fields.get(name, list)]
    # JSON's true is no number, and abs of NaN is not below anything
    numbers = all(type(value) in (int, float) and abs(value) <= sys.float_info.max for value in values)
    if len(values) != len(columns) or not numbers:
        raise _malformed(f"{name!r} is not one number a column")
    return np.array(values, np.float64)


def _malformed(sentence: str) -> ConfigError:
    return ConfigError(f"malformed columns or preprocessing: {sentence}", fix="use the file a job wrote")
