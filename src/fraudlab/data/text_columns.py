"""Columns of text where numbers are meant, found in a table's first rows: said at once, before any job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fraudlab.container.failure import override, quoted
from fraudlab.data.places import Place
from fraudlab.errors import DataError

if TYPE_CHECKING:
    from fraudlab.container.tables.reading import Found

_SAMPLE_ROWS = 1_000
#: texts longer than this are sentences, and more distinct ones than this share of the rows are ids
_MAX_CATEGORY, _MAX_DISTINCT, _FEW_ROWS = 40, 0.5, 20


def refuse_text(place: Place, found: Found, numeric: Sequence[str], *, categorical: Sequence[str]) -> None:
    """Refuse features that hold text and are not declared categorical; all of them, with what to paste.

    Parameters
    ----------
    place : Place
    found : Found
    numeric : sequence of str
        Features that are not categorical.
    categorical : sequence of str
        As declared so far: the override holds them too.

    Raises
    ------
    DataError
        If there is one.
    """
    from fraudlab.container.formats.number_texts import reads_as_number

    texts: dict[str, list[Any]] = {}
    for name, values in _samples(place, found, numeric).items():
        present = [value for value in values if value is not None and value != ""]
        if any(not isinstance(value, str) or not reads_as_number(value) for value in present):
            texts[name] = present
    if not texts:
        return
    wordy = [name for name, values in texts.items() if _is_wordy(values)]
    categories = [name for name in texts if name not in wordy]
    examples = ", ".join(f"{name!r} ({quoted(_example(values))})" for name, values in texts.items())
    said = f"{len(texts)} columns of {place.name} are not numeric, and are not in data.categorical"
    if len(texts) == 1:
        said = f"{place.name}: column {next(iter(texts))!r} is not numeric, and is not in data.categorical"
    advice = []
    if categories:
        advice.append(override("data.categorical", [*categorical, *categories]))
    if wordy:
        advice.append(f"{override('data.drop', wordy)} (ids, times or free text; keep what else it lists)")
    fix = "add " + " ".join(advice)
    if numbers := [name for name, values in texts.items() if _are_mostly_numbers(values)]:
        named = " and ".join(map(repr, numbers))
        fix += f"; or, where {named} is meant as numbers, leave the other fields empty"
    raise DataError(f"{said}: {examples}.", fix=fix)


def _are_mostly_numbers(values: Sequence[Any]) -> bool:
    """Whether a column is one of numbers that has a word such as ``unknown`` for missing ones."""
    from fraudlab.container.formats.number_texts import reads_as_number

    return 2 * sum(isinstance(value, str) and reads_as_number(value) for value in values) > len(values)


def _example(values: Sequence[Any]) -> Any:
    from fraudlab.container.formats.number_texts import reads_as_number

    return next(value for value in values if not isinstance(value, str) or not reads_as_number(value))


def _is_wordy(values: Sequence[Any]) -> bool:
    """Whether values are ids, times or sentences rather than names of kinds."""
    if not all(isinstance(value, str) for value in values):
        return True
    if max(map(len, values)) > _MAX_CATEGORY:
        return True
    return len(values) >= _FEW_ROWS and len(set(values)) > _MAX_DISTINCT * len(values)


def _samples(place: Place, found: Found, names: Sequence[str]) -> dict[str, Sequence[Any]]:
    """The first values of columns that are text, or of a type that no number has."""
    sampled: dict[str, Sequence[Any]] = {name: found.sample[name] for name in names if name in found.sample}
    return sampled | _parquet_samples(place, found, names)


def _parquet_samples(place: Place, found: Found, names: Sequence[str]) -> dict[str, Sequence[Any]]:
    import pyarrow as pa
    from pyarrow import parquet

    def is_number(kind: Any) -> bool:
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
        return any(test(kind) for test in (*tests, pa.types.is_boolean, pa.types.is_null))

    odd = [name for name in names if name in found.types and not is_number(found.types[name])]
    if not odd:
        return {}
    for file in place.files:
        try:
            with parquet.ParquetFile(place.folder / file) as opened:
                first = next(opened.iter_batches(_SAMPLE_ROWS, columns=odd), None)
        except (OSError, pa.ArrowException):
            return {}  # the job says what is damaged
        if first is not None and first.num_rows:
            return {name: first.column(name).to_pylist() for name in first.schema.names}
    return {}
