"""The creditcard (ULB) table, recognised by its columns and counts.

Its SHA-256 is in ``conf/data/creditcard.yaml``: that of the CSV file (150,828,752 bytes) as Kaggle and
TensorFlow's mirror give it, on which ten public projects agree. The exact duplicates (1,081 in the complete
table) are counted by the processing job, which writes them to the manifest.
"""

from __future__ import annotations

from pathlib import Path

from fraudlab.data.synthetic import COLUMNS
from fraudlab.errors import DataError, nearest

ROWS = 284_807
FRAUDS = 492
FIX = "get the complete table as the README says, or describe your own with data=table"


def check(path: Path) -> None:
    """Check that a table is the complete creditcard table.

    Parameters
    ----------
    path : Path
        CSV or Parquet; only its header and one column are read.

    Raises
    ------
    DataError
        If columns, rows or frauds are others.
    """
    import pyarrow as pa
    from pyarrow import compute, csv, parquet

    try:
        if path.suffix.lower() == ".parquet":
            with parquet.ParquetFile(path) as file:
                names = list(file.schema_arrow.names)
            _check_columns(path, names)
            labels = parquet.read_table(path, columns=["Class"])["Class"]
        else:
            with csv.open_csv(path) as reader:
                names = list(reader.schema.names)
            _check_columns(path, names)
            only = csv.ConvertOptions(include_columns=["Class"])
            labels = csv.read_csv(path, convert_options=only)["Class"]
        # Quoted labels are text; both kinds compare as text.
        frauds = compute.sum(compute.equal(labels.cast(pa.string()), "1")).as_py() or 0
    except pa.ArrowException as error:
        raise DataError(f"{path.name} cannot be read: {error}.", fix=FIX) from error
    _check_count(path, "rows", len(labels), ROWS)
    _check_count(path, "frauds", frauds, FRAUDS)


def _check_columns(path: Path, names: list[str]) -> None:
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise DataError(
            f"{path.name} has no column {missing[0]!r} of the creditcard table.",
            fix=nearest(missing[0], names),
        )
    extra = [name for name in names if name not in COLUMNS]
    if extra:
        raise DataError(f"{path.name} has a column {extra[0]!r} that the creditcard table has not.", fix=FIX)


def _check_count(path: Path, what: str, found: int, expected: int) -> None:
    if found != expected:
        raise DataError(
            f"{path.name} has {found:,} {what}; the complete creditcard table has {expected:,}.", fix=FIX
        )
