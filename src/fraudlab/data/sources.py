"""A raw table on disk: found, plausible, and identified by its content.

Everything here reads a header or a footer, and the bytes once for their hash: mistakes in a table's values
are found by the processing job, except columns of text, which the first rows show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fraudlab.container.column_rules import ColumnNames, Unusable, name_faults
from fraudlab.container.failure import ConfigError as JobConfigError
from fraudlab.container.failure import JobError
from fraudlab.container.table_layout import Declared, Format, Layout, whole_sha256
from fraudlab.data.file_hashes import Identity, file_sha256, identity, remembered_sha256
from fraudlab.data.places import Place, find_place
from fraudlab.errors import ConfigError, DataError, nearest
from fraudlab.objections import together

if TYPE_CHECKING:
    from fraudlab.container.tables.reading import Found
    from fraudlab.data.recorded_version import RecordedVersion


#: of the columns that a configuration names, and the table's
Objections = Callable[[ColumnNames, Sequence[str]], Sequence[ConfigError]]


@dataclass(frozen=True, slots=True)
class Source:
    """A raw table that can be given to a processing job.

    Attributes
    ----------
    path : Path
        Absolute: a file, a folder, or a pattern of files.
    sha256 : str
        Of the file's bytes, in hexadecimal; of several files, of what ``sha256sum`` prints of them in order
        of their names relative to `folder`.
    columns : tuple of str
    format : {"csv", "parquet"}
    bytes : int
    rows : int or None
        Known without reading for Parquet only.
    folder : Path
        What the layout's files are relative to.
    layout : Layout
        How they are to be read.
    identities : tuple of dict
        What the files were when they were hashed.
    notes : tuple of str
        What a person should know of how the table is read, one sentence for each.
    started_from : RecordedVersion or None
        The version of data that the run starts from; of prepared data, `path` is where they are.
    """

    path: Path
    sha256: str
    columns: tuple[str, ...]
    format: Format
    bytes: int
    rows: int | None
    folder: Path
    layout: Layout
    identities: tuple[Identity, ...]
    notes: tuple[str, ...]
    started_from: RecordedVersion | None = None

    @property
    def prepared_key(self) -> str | None:
        """Names the preparation that the run starts from; None where it begins with a table."""
        return self.started_from.prepared_key if self.started_from else None

    @property
    def files(self) -> list[Path]:
        return [self.folder / file for file in self.layout.files]


def absent(path: Path, *, sha256: str) -> Source:
    """A table that was given to jobs on another machine, of which no file is here."""
    layout = Layout(name=path.name, files=(), format="csv")
    return Source(path, sha256, (), "csv", 0, None, path.parent, layout, (), ())


def resolve(
    path: str | Path,
    *,
    label: str,
    time: str | None = None,
    label_known: str | None = None,
    id: Sequence[str] = (),
    card: str | None = None,
    amount: str | None = None,
    features: Sequence[str] = (),
    drop: Sequence[str] = (),
    categorical: Sequence[str] = (),
    slices: Sequence[str] = (),
    cache: Path,
    sha256: str | None = None,
    separator: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    read: bool = True,
    objections: Objections | None = None,
) -> Source:
    """Find a table, check what can be checked without reading it in full, and hash it.

    Parameters
    ----------
    path : str or Path
        A CSV file with a header, a Parquet file, a folder of either, or a pattern such as ``t/*.parquet``.
    label, time, label_known, id, card, amount, features, drop, categorical, slices
        Names of columns, which must be there.
    cache : Path
        Where hashes of unchanged files are remembered.
    sha256 : str, optional
        What the table's hash has to be.
    separator, decimal, encoding : str, optional
        Of a CSV table, where they are not to be found.
    read : bool
        Read the files for their hashes; if False, only remembered hashes count, and where one is not, the
        source's is the empty text.
    objections : callable, optional
        What else is wrong, given the names and the table's columns: said together with what is wrong here.

    Returns
    -------
    Source

    Raises
    ------
    DataError
        If the table is missing, empty, unreadable or without rows, has two columns of one name, has text
        where numbers are meant, or is not the one that `sha256` names.
    ConfigError
        If a named column is not in the table, `sha256` is none, or what is declared cannot be.
    """
    from fraudlab.container.tables.reading import find_layout

    place = find_place(Path(path))
    names = ColumnNames(
        label=label,
        time=time,
        label_known=label_known,
        id=tuple(id),
        card=card,
        amount=amount,
        features=tuple(features),
        drop=tuple(drop),
        categorical=tuple(categorical),
        slices=tuple(slices),
    )
    known = {name for _, name in names.named()}
    _check_parquet(place)
    with in_launcher_words():
        declared = Declared.checked(separator=separator, decimal=decimal, encoding=encoding)
        layout, found = find_layout(
            place.folder, place.files, name=place.name, declared=declared, known=known
        )
    _check_names(place.name, found.columns)
    _check_columns(place, found, names, objections)
    if sha256 is not None:
        _check_is_sha256(sha256)
    digest, identities = _hash(place, cache, read=read)
    if sha256 is not None and digest and digest != sha256.lower():
        raise DataError(
            f"{place.name} is not the file that data.sha256 names: its sha256 is {digest}.",
            fix="get the file again, or accept this one with data.sha256=null",
        )
    return Source(
        path=place.path,
        sha256=digest,
        columns=found.columns,
        format=layout.format,
        bytes=sum(int(one["size"]) for one in identities),
        rows=found.rows,
        folder=place.folder,
        layout=layout,
        identities=identities,
        notes=_notes(place, found),
    )


def check_was_read(source: Source, placed: Sequence[Path], before: Sequence[Identity]) -> None:
    """Check that a job has read what was hashed.

    Parameters
    ----------
    source : Source
    placed : sequence of Path
        The files as the job was given them, hard links or copies, in the order of the layout.
    before : sequence of dict
        What they were when they were placed.

    Raises
    ------
    DataError
        If the table has changed since it was hashed.
    """
    facts = ("device", "inode", "size", "mtime_ns")
    hashed = list(source.identities)
    same = all(
        identity(path) == then and all(then[fact] == known[fact] for fact in facts)
        for path, then, known in zip(placed, before, hashed, strict=True)
    )
    if same:
        return
    # A copy, or a file that somebody else has linked or touched: its bytes decide.
    hashes = [file_sha256(path) for path in placed]
    if whole_sha256(list(zip(source.layout.files, hashes, strict=True))) != source.sha256:
        raise DataError(
            f"{source.layout.name} has changed while the run read it.",
            fix="wait until it is written, and start again",
        )


@contextmanager
def in_launcher_words() -> Iterator[None]:
    """Raise what the job's own reader says as an error of the launcher."""
    try:
        yield
    except JobConfigError as error:
        raise ConfigError(f"{error.sentence}.", fix=error.fix) from error
    except JobError as error:
        raise DataError(f"{error.sentence}.", fix=error.fix) from error


def _hash(place: Place, cache: Path, *, read: bool) -> tuple[str, tuple[Identity, ...]]:
    identities = tuple(identity(place.folder / file) for file in place.files)
    hash_of = file_sha256 if read else remembered_sha256
    hashes = [(file, hash_of(place.folder / file, cache=cache)) for file in place.files]
    known = [(file, digest) for file, digest in hashes if digest is not None]
    return whole_sha256(known) if len(known) == len(hashes) else "", identities


def _notes(place: Place, found: Found) -> tuple[str, ...]:
    notes = list(found.notes)
    if len(place.files) > 1:
        notes.insert(0, f"{place.name}: {len(place.files):,} files, read in order of their names")
    if place.left_out:
        first = ", ".join(place.left_out[:3]) + (", …" if len(place.left_out) > 3 else "")
        notes.append(f"{place.name}: left out, as they are no tables: {first}")
    return tuple(notes)


def _check_parquet(place: Place) -> None:
    """Refuse a file whose name says Parquet and whose content does not."""
    import pyarrow as pa
    from pyarrow import parquet

    for file in place.files:
        if file.lower().endswith((".parquet", ".pq")) and (place.folder / file).stat().st_size:
            try:
                parquet.ParquetFile(place.folder / file).close()
            except (OSError, pa.ArrowException) as error:
                called = place.name if len(place.files) == 1 else file
                raise DataError(
                    f"{called} cannot be read: it is not a complete Parquet file ({error}).",
                    fix="check that it was copied completely; if it is CSV, name it .csv",
                ) from error


def _check_columns(place: Place, found: Found, names: ColumnNames, objections: Objections | None) -> None:
    """Refuse what does not fit the columns, all at once: misspelt names, text, and what else is said."""
    from fraudlab.data.text_columns import refuse_text

    wrong: list[ConfigError | DataError] = []
    try:
        _check_named(place.name, names, found.columns)
    except ConfigError as error:
        wrong.append(error)
    if (meant := names.meant(found.columns)) is not None:  # else nobody knows which columns are what
        numeric = [name for name in meant.learnt(found.columns) if name not in meant.categorical]
        try:
            refuse_text(place, found, numeric, categorical=meant.categorical)
        except DataError as error:
            wrong.append(error)
        wrong += objections(meant, found.columns) if objections else []
    if len(wrong) == 1:
        raise wrong[0]
    if wrong:
        raise together([ConfigError(error.message, fix=error.fix) for error in wrong])


def _check_named(name: str, names: ColumnNames, columns: Sequence[str]) -> None:
    """Refuse names that are no columns, all of them at once."""
    missing = names.absent(columns)
    if not missing:
        return
    said = "; ".join(f"{key} names {column!r}" for key, column in missing)
    what = "which is not a column" if len(missing) == 1 else "which are no columns"
    fixes = [nearest(column, columns) for _, column in missing]
    close = [fix.split("? ", 1)[0] + "?" for fix in fixes if "? " in fix]
    fix = fixes[0] if len(missing) == 1 else " ".join([*close, nearest("", columns)])
    raise ConfigError(f"{said}, {what} of {name}.", fix=fix)


def _check_names(name_of_table: str, columns: Sequence[str]) -> None:
    for why, name, position, _ in name_faults(columns):
        if why is Unusable.NAMELESS:
            raise DataError(
                f"Column {position + 1} of {name_of_table} has no name.",
                fix="name it; if it is a row number that pandas wrote, write the table with index=False",
            )
        if why is Unusable.TWICE:
            raise DataError(
                f"{name_of_table} has two columns named {name!r}.", fix="rename or remove one of them"
            )
        raise DataError(f"Column {name!r} of {name_of_table} has a name fraudlab keeps.", fix="rename it")


def _check_is_sha256(text: str) -> None:
    if len(text) != 64 or set(text.lower()) - set("0123456789abcdef"):
        raise ConfigError(
            f"data.sha256={text!r} is no sha256.", fix="give its 64 hexadecimal digits, or null"
        )
