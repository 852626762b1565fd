"""The test rows of a run by the values of the columns that it was asked to look at one by one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fraudlab.errors import RunError
from fraudlab.report.kit import numerals

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

#: values of a column with a slice of their own, those of the most test rows; the others are put together
MOST_VALUES = 20


@dataclass(frozen=True)
class SlicedRows:
    """A column's test rows by value.

    Attributes
    ----------
    column : str
    number : ndarray of int, shape (n,)
        The slice of each row.
    names : tuple of (str or None)
        Of the slices; None where the value is missing.
    values, together : int
        How many values there are, and how many of them are put together in a last slice.
    """

    column: str
    number: NDArray[np.integer]
    names: tuple[str | None, ...]
    values: int
    together: int

    def kind(self, slice_: int) -> str:
        """``value``, ``missing`` or ``together``."""
        if slice_ == len(self.names):
            return "together"
        return "missing" if self.names[slice_] is None else "value"

    def value(self, slice_: int) -> str | None:
        """The value of a slice that has one."""
        return self.names[slice_] if slice_ < len(self.names) else None


def slice_words(kind: object, value: object, together: float | None) -> str:
    """What a page calls a slice."""
    if kind == "missing":
        return "(missing)"
    if kind == "together":
        return f"(other, {numerals.count(together)} values)"
    return str(value)


def sliced_rows(column: str, values: pa.ChunkedArray) -> SlicedRows:
    """Number the values of a column by falling rows; then what is missing, then what is put together.

    Parameters
    ----------
    column : str
    values : pyarrow.ChunkedArray
        Texts of a dictionary.
    """
    import numpy as np

    coded = values.unify_dictionaries().combine_chunks()
    texts = coded.dictionary.to_pylist()
    code = np.asarray(np.from_dlpack(coded.indices.fill_null(len(texts))))
    counts = np.bincount(code, minlength=len(texts) + 1)
    present = [place for place in range(len(texts)) if counts[place]]
    present.sort(key=lambda place: (-counts[place], texts[place]))
    own, others = present[:MOST_VALUES], present[MOST_VALUES:]
    if len(others) == 1:  # to put one together with none would only hide its name
        own, others = present, []
    names: list[str | None] = [texts[place] for place in own]
    number_of = np.zeros(len(texts) + 1, dtype=np.int64)
    number_of[own] = np.arange(len(own))
    if counts[-1]:
        number_of[-1] = len(names)
        names.append(None)
    number_of[others] = len(names)
    return SlicedRows(column, number_of[code], tuple(names), len(present), len(others))


def read_sliced_rows(folder: Path) -> list[SlicedRows]:
    """Read the slices of ``evaluation/scores.parquet``, its rows in the order of the raw table.

    Raises
    ------
    RunError
        If it is no Parquet file, or a column of slices is none.
    """
    path = folder / "evaluation" / "scores.parquet"
    if not path.is_file():
        return []
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from fraudlab.container.prepared import SLICE

    try:
        with pq.ParquetFile(path) as file:
            wanted = [name for name in file.schema_arrow.names if name.startswith(SLICE)]
            if not wanted:
                return []
            table = file.read(columns=["row", *wanted])
        order = np.argsort(
            np.concatenate([np.from_dlpack(part) for part in table["row"].chunks]), kind="stable"
        )
        found = [sliced_rows(name.removeprefix(SLICE), _coded(table[name])) for name in wanted]
        return [replace(one, number=one.number[order]) for one in found]
    except (pa.ArrowException, KeyError, ValueError, BufferError, AttributeError) as error:
        raise RunError(
            f"{path} cannot be read: {error}.", fix="the file was changed after the run; repeat the run"
        ) from error


def _coded(values: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    return values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
