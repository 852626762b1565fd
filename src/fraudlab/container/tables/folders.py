"""Which files of a folder are a table's."""

from __future__ import annotations

from pathlib import Path

_PARQUET = (".parquet", ".pq")
_CSV = (".csv", ".tsv", ".tab", ".txt", ".psv")
_COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".lz4")
#: what to say of a file whose ending is none of them
ENDINGS = (
    ".csv, .parquet, .pq, .tsv, .tab, .txt, .psv; text also compressed, as .csv.gz, .bz2, .xz, .zst or .lz4"
)


def is_table(name: str) -> bool:
    """Whether a file's ending is that of a table: ``.parquet``, ``.csv``, ``.csv.gz`` and their like."""
    lower = name.lower()
    for ending in _COMPRESSED:
        if lower.endswith(ending):
            return lower.removesuffix(ending).endswith(_CSV)
    return lower.endswith((*_PARQUET, *_CSV))


def table_files(folder: Path) -> tuple[list[str], list[str]]:
    """The tables below a folder, as relative paths in order of their names, and the files that are none.

    What begins with a dot or an underscore is neither (``_SUCCESS``, ``_metadata``, ``.part-0.crc``), as Hive
    and Spark have it.
    """
    tables: list[str] = []
    others: list[str] = []
    for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
        relative = path.relative_to(folder)
        if (
            any(part.startswith((".", "_")) and "=" not in part for part in relative.parts)
            or not path.is_file()
        ):
            continue
        (tables if is_table(path.name) else others).append(relative.as_posix())
    return tables, others
