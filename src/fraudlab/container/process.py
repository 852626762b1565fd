"""``process``: one raw table becomes train, validation and test, and a manifest that says how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fraudlab.container.contract import FOLDS, Tree, write_json
from fraudlab.container.failure import TableError
from fraudlab.container.features import Column, Features
from fraudlab.container.formats import columns
from fraudlab.container.prepared import CARD, DUPLICATE, LABEL, ROW, TIME, write_split
from fraudlab.container.processing.duplicates import RepeatedRows, find_duplicates
from fraudlab.container.processing.fold_windows import divide_folds
from fraudlab.container.processing.known_labels import late_labels, said
from fraudlab.container.processing.leaks import label_copies, row_indices
from fraudlab.container.processing.raw import raw_sha256, read_raw
from fraudlab.container.processing.row_parts import Parts, Values, read_parts
from fraudlab.container.processing.split import Division, divide
from fraudlab.container.roles import Roles, read_roles
from fraudlab.container.runtime import Stages
from fraudlab.container.scaling import fit_scaling

#: a list of categories longer than this is a list of ids
MAX_CATEGORIES = 65_536


def run(tree: Tree) -> None:
    """Carry out the job that ``process.json`` describes.

    Raises
    ------
    JobError
        If the request or the table cannot be used; the outputs are then incomplete, without a manifest.
    """
    stages = Stages()
    roles = read_roles(tree.process_request)
    with stages.stage("read"):
        table, header = read_raw(tree.raw / roles.file, roles)
        rows = table.num_rows
    with stages.stage("hash"):
        sha256 = roles.sha256 or raw_sha256(tree.raw / roles.file, roles)
    with stages.stage("check"):
        parts = read_parts(table, roles)
    with stages.stage("duplicates"):
        duplicates = _duplicates(table, roles)
        if duplicates is not None and roles.duplicates == "flag":
            parts.others[DUPLICATE] = duplicates.repeats
    with stages.stage("split"):
        kept = _kept_rows(duplicates, roles, rows)
        divisions = _divisions(parts, roles, kept)
        folds = [
            {name: _as_slice(kept[index]) for name, index in division.rows.items()} for division in divisions
        ]
        split_rows = folds[0]
    with stages.stage("features"):
        raw = {name: table.column(name) for name in roles.inputs(header)}
        if not roles.features:
            counted = {name: column for name, column in raw.items() if name not in roles.categorical}
            roles.refuse_indices(row_indices(counted, table.schema.metadata))
        del table
        values = _features(raw, roles)
        fitted = [_fit(values, roles, fold["train"]) for fold in folds]
        copies = label_copies(values, parts.label, split_rows)
    described = []
    with stages.stage("write"):
        for number, (rows_of, features, division) in enumerate(zip(folds, fitted, divisions, strict=True)):
            folder = tree.prepared / FOLDS / str(number) if number else tree.prepared
            split = _split_json(roles, division, parts, rows_of)
            written = {
                name: _write(
                    folder / name / "part-0.parquet",
                    parts.of_split(name, split.get("labels"), measured=not number),
                    features,
                    values,
                    of_part,
                )
                for name, of_part in rows_of.items()
            }
            described.append({**features.as_json(), "split": split, "splits": written})
    known = _known_json(parts, kept, described[0])
    manifest = {
        "schema": 1,
        "raw": {"file": roles.file, "rows": rows, "columns": len(header), "sha256": sha256},
        "roles": roles.part_names(),
        **described[0],
        "constant": _constant(values, split_rows["train"]),
        "label_copies": copies,
        "notes": _notes(parts, known),
        "duplicates": _duplicates_json(duplicates, roles, rows - kept.size),
        "time": parts.time and parts.time.as_json(),
    }
    if known is not None:
        manifest["label_known"] = known
    if older := described[1:]:  # the newest fold is the run's own split
        manifest[FOLDS] = older
    write_json(tree.prepared / "manifest.json", manifest)
    stages.end()


def _duplicates(table: pa.Table, roles: Roles) -> RepeatedRows | None:
    if roles.duplicates == "keep":
        return None
    # One payment that was reported twice is one payment.
    apart = {*roles.id, roles.label_known}
    return find_duplicates(table, [name for name in table.column_names if name not in apart])


def _divisions(parts: Parts, roles: Roles, kept: NDArray[np.int64]) -> list[Division]:
    """Where the kept rows go: once, or once for each fold, the newest first."""
    if roles.split.windows is None:
        time = None if parts.time is None else parts.time.seconds[kept]
        return [divide(roles.split, parts.label[kept], time, seed=roles.seed)]
    assert parts.time is not None
    card = parts.others.get(CARD)
    return divide_folds(
        roles.split,
        parts.label[kept],
        replace(parts.time, seconds=parts.time.seconds[kept]),
        None if card is None else _pick(card, kept),
        known=None if parts.known is None else parts.known.at[kept],
    )


def _kept_rows(duplicates: RepeatedRows | None, roles: Roles, rows: int) -> NDArray[np.int64]:
    if duplicates is not None and roles.duplicates == "drop":
        return np.flatnonzero(~duplicates.repeats)
    return np.arange(rows)


def _as_slice(rows: NDArray[np.int64]) -> NDArray[np.int64] | slice:
    """Rows that follow each other as a slice, which costs no copy."""
    if np.all(rows[1:] - rows[:-1] == 1):
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows


def _pick(values: Values, rows: NDArray[np.int64] | slice) -> Values:
    if isinstance(values, np.ndarray):
        return values[rows]
    if isinstance(rows, slice):
        return values.slice(rows.start, rows.stop - rows.start)
    return values.take(pa.array(rows))


def _features(raw: dict[str, pa.ChunkedArray], roles: Roles) -> dict[str, Values]:
    """Convert the features, letting go of each raw column as soon as it is converted."""
    values: dict[str, Values] = {}
    refused: list[columns.NotNumericError] = []
    for name in list(raw):
        column = raw.pop(name)
        try:
            convert = columns.category if name in roles.categorical else columns.feature
            values[name] = convert(column, name)
        except columns.NotNumericError as error:
            refused.append(error)
    if refused:
        raise columns.not_numeric_together(refused)
    return values


def _fit(values: Mapping[str, Values], roles: Roles, train: NDArray[np.int64] | slice) -> Features:
    """What the model's inputs are, learned from the rows of train alone."""
    picked = {name: _pick(column, train) for name, column in values.items()}
    fitted = [
        Column(name) if isinstance(column, np.ndarray) else Column(name, _categories(name, column))
        for name, column in picked.items()
    ]
    if roles.scale == "none":
        return Features(fitted)
    numbers = [column if isinstance(column, np.ndarray) else None for column in picked.values()]
    return Features(fitted, fit_scaling(numbers))


def _categories(name: str, train: pa.DictionaryArray) -> tuple[str, ...]:
    seen = train.dictionary.take(train.indices.drop_null().unique())
    if len(seen) > MAX_CATEGORIES:
        raise TableError(
            f"column {name!r} has {len(seen):,} categories in train; the limit is {MAX_CATEGORIES:,}",
            fix="list it in data.id or data.drop, or group its rare values before",
        )
    return tuple(sorted(seen.to_pylist()))


def _constant(values: Mapping[str, Values], train: NDArray[np.int64] | slice) -> list[str]:
    """Features with one value in train, or none: the model cannot use them, and a person should know."""
    constant = []
    for name, column in values.items():
        picked = _pick(column, train)
        if isinstance(picked, np.ndarray):
            present = picked[~np.isnan(picked)]
            varies = present.size and present.min() < present.max()
        else:
            varies = len(picked.indices.drop_null().unique()) > 1
        if not varies:
            constant.append(name)
    return constant


def _write(
    path: Path,
    parts: Parts,
    features: Features,
    values: Mapping[str, Values],
    rows: NDArray[np.int64] | slice,
) -> dict[str, Any]:
    """Write one split and describe it for the manifest."""
    label = parts.label[rows]
    time = None if parts.time is None else parts.time.seconds[rows]
    number = np.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows
    table: dict[str, Values] = {ROW: number, LABEL: label}
    table |= {} if time is None else {TIME: time}
    table |= {name: _pick(column, rows) for name, column in parts.others.items()}
    flagged = table.get(DUPLICATE)
    missing, unseen = {}, {}
    for position, (name, column) in enumerate(values.items()):
        table[name] = picked = _pick(column, rows)
        if isinstance(picked, np.ndarray):
            missing[name] = int(np.count_nonzero(np.isnan(picked)))
        else:
            missing[name] = picked.null_count
            _, unseen[name] = features.encode_dictionary(position, picked)
    return {
        "rows": label.size,
        "positives": int(label.sum()),
        "duplicates": None if flagged is None else int(flagged.sum()),
        "time_start": None if time is None else float(time[0]),
        "time_end": None if time is None else float(time[-1]),
        "sha256": write_split(path, table),
        "missing": {name: count for name, count in missing.items() if count},
        "unseen": {name: count for name, count in unseen.items() if count},
    }


def _duplicates_json(duplicates: RepeatedRows | None, roles: Roles, dropped: int) -> dict[str, Any]:
    return {
        "policy": roles.duplicates,
        "rows": None if duplicates is None else int(duplicates.repeats.sum()),
        "groups": None if duplicates is None else duplicates.groups,
        "dropped": dropped,
    }


def _split_json(
    roles: Roles, division: Division, parts: Parts, rows_of: Mapping[str, NDArray[np.int64] | slice]
) -> dict[str, Any]:
    late = {}
    if parts.known is not None and division.cuts:
        late["labels"] = late_labels(parts.known, rows_of, division.cuts, gap=roles.split.gap_seconds)
    return {
        "kind": roles.split.kind,
        "gap_seconds": roles.split.gap_seconds,
        "gap_rows": division.gap_rows,
        "cuts": list(division.cuts) if division.cuts else None,
        **({} if roles.split.windows is None else {"known_card_rows": division.known_rows}),
        "time_kind": parts.time and parts.time.kind,
        **late,
    }


def _known_json(parts: Parts, kept: NDArray[np.int64], newest: Mapping[str, Any]) -> dict[str, Any] | None:
    """How late labels were, and a line of it; None where it is not told."""
    if parts.known is None:
        return None
    found = parts.known.as_json(kept)
    return {**found, "line": said(found["quantiles"], newest["split"]["labels"])}


def _notes(parts: Parts, known: Mapping[str, Any] | None) -> list[str]:
    """What a person should know of how the table was read."""
    found = [parts.time.note] if parts.time and parts.time.note else []
    if parts.known is not None and known is not None:
        found += [*parts.known.notes, known["line"]]
    return found
