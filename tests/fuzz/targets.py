"""What is fuzzed: any bytes give a value that holds together, or the typed error, in bounded time and memory.

Each check says whether it was a value.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import re
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from fraudlab.archives import unpack
from fraudlab.container.bodies import MEDIA_TYPES, BodyError, finish
from fraudlab.container.bodies.json_objects import read_objects
from fraudlab.container.contract import file_sha256
from fraudlab.container.failure import ConfigError
from fraudlab.container.formats.libsvm import LibsvmError, parse_libsvm
from fraudlab.container.formats.recordio import RecordError, read_records
from fraudlab.container.model_files.booster_file import check_booster
from fraudlab.container.model_files.model_file import read_model
from fraudlab.container.runtime import lean_xgboost
from fraudlab.errors import ArchiveError

from . import seeds

with lean_xgboost():
    import xgboost

Mutate = Callable[[bytes, int], bytes]

MAX_ROWS = 10_000
_SENTENCE = 2_000
_JSON = (b'{"', b'":', b"[[", b"]]", b"null", b"true", b"NaN", b"1e999", b'"\\ud800"', b"-0", b"instances")


@dataclass(frozen=True)
class Target:
    """A parser.

    Attributes
    ----------
    check : callable
        Parses bytes, and raises if it should not have ended as it did.
    seeds : callable
        Inputs to begin with.
    tokens : tuple of bytes
        What to try to put in.
    mutate : callable, optional
        Changes an input within a largest size, given random numbers and the fuzzer's own way; for formats
        that few changes of single bytes leave intact.
    max_bytes : int
        Of an input.
    """

    check: Callable[[bytes], bool]
    seeds: Callable[[], list[bytes]]
    tokens: tuple[bytes, ...] = ()
    mutate: Callable[[bytes, int, random.Random, Mutate], bytes] | None = None
    max_bytes: int = 4096


def _check_body(kind: str, data: bytes) -> bool:
    """The first byte chooses among models: the columns decide how a body is read."""
    features = seeds.MODELS[data[0] % len(seeds.MODELS)] if data else seeds.MODELS[0]
    try:
        rows = MEDIA_TYPES[kind](data[1:], features, MAX_ROWS)
    except BodyError as error:
        _check_refusal(error)
        (error.column or "").encode()
        return False
    matrix = finish([rows], features)
    assert 0 < len(rows) <= MAX_ROWS
    assert matrix.shape == (len(rows), len(features.inputs))
    assert not np.isinf(matrix).any()
    assert 0 <= rows.unseen <= len(rows) * len(features.categorical)
    for position in features.categorical:
        codes = matrix[:, position][~np.isnan(matrix[:, position])]
        assert np.isin(codes, np.arange(len(features.columns[position].categories or ()))).all()
    return True


def check_objects(data: bytes) -> bool:
    """What the reader of objects takes is JSON, and has the columns and values that another reader finds."""
    features = seeds.MODELS[data[0] % len(seeds.MODELS)] if data else seeds.MODELS[0]
    rows = read_objects(data[1:], features)
    if rows is None:
        return False
    content = json.loads(data[1:], object_pairs_hook=_distinct, parse_int=float)
    if isinstance(content, dict):
        content = content["instances"] if content.keys() == {"instances"} != {*features.names} else [content]
    assert len(content) == len(rows)
    for expected, row in zip(content, rows, strict=True):
        assert expected.keys() == {*features.names}
        assert row == tuple(expected[name] for name in features.names)
    return True


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({name for name, _ in pairs}) == len(pairs)
    return dict(pairs)


def _check_refusal(error: BodyError | LibsvmError | RecordError | ConfigError) -> None:
    error.sentence.encode()
    assert 0 < len(error.sentence) <= _SENTENCE
    assert "\n" not in error.sentence
    assert getattr(error, "status", 400) in (400, 413)
    assert getattr(error, "fix", "none")


def check_libsvm(data: bytes) -> bool:
    read = False
    for labels in ("required", "optional"):
        try:
            found = parse_libsvm(data, labels=labels)
        except LibsvmError as error:
            _check_refusal(error)
            continue
        read = True
        assert found.indptr[0] == 0
        assert found.indptr[-1] == found.index.size == found.value.size
        assert found.indptr.size == found.label.size + 1
        steps = np.diff(found.index)
        begins = found.indptr[1:-1]
        steps[begins[(begins > 0) & (begins < found.index.size)] - 1] = 1
        assert (steps > 0).all()
        assert (found.index >= 0).all()
        assert not np.isinf(found.value).any()
        assert not np.isinf(found.label).any()
        assert found.weight is None or (np.isfinite(found.weight) & (found.weight > 0)).all()
    return read


def check_recordio(data: bytes) -> bool:
    width = None
    try:
        for records in read_records(io.BytesIO(data)):
            rows, columns = records.matrix.shape
            assert rows == records.label.size > 0
            assert columns == (width or columns) > 0
            width = columns
    except RecordError as error:
        _check_refusal(error)
        return False
    return True


def check_contract(data: bytes) -> bool:
    folder = _model_folder()
    (folder / "model.json").write_bytes(data.replace(b"$", file_sha256(folder / "model.ubj").encode()))
    try:
        model = read_model(folder)
    except ConfigError as error:
        _check_refusal(error)
        return False
    assert 0 <= model.threshold <= 1
    assert len(model.features) == len(seeds.BOOSTED)
    rows = np.zeros((1, len(model.features)), np.float32)
    assert np.isfinite(model.features.scaled(rows)).all()
    json.dumps(model.contract, allow_nan=False).encode()
    return True


@cache
def _model_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="fraudlab-fuzz-"))
    (folder / "model.ubj").write_bytes(seeds.boosters()[0])
    return folder


def check_booster_file(data: bytes) -> bool:
    """What passes the check is loaded and scores: a crash, a hang or NaN would be found here."""
    try:
        check_booster(data, seeds.BOOSTED)
    except ConfigError as error:
        _check_refusal(error)
        return False
    booster = xgboost.Booster({"nthread": 1}, model_file=bytearray(data))
    rows, kinds = seeds.boosted_rows()
    for some in (rows[:1], rows):
        score = booster.inplace_predict(some, validate_features=False)
        assert np.isfinite(score).all()
        assert ((score >= 0) & (score <= 1)).all()
    inputs = xgboost.DMatrix(rows, feature_types=kinds, nthread=1)
    for what in ({}, {"output_margin": True}, {"pred_contribs": True}, {"pred_leaf": True}):
        assert np.isfinite(booster.predict(inputs, validate_features=False, **what)).all()
    return True


def change_booster(data: bytes, most: int, chance: random.Random, mutate: Mutate) -> bytes:
    """Mostly: another value in one of the arrays of a tree."""
    arrays = list(re.finditer(rb"\[\$([dlLU])#L(.{8})", data, re.DOTALL))
    if not arrays or chance.random() < 0.2:
        return mutate(data, most)
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        array = chance.choice(arrays)
        width = {b"d": 4, b"l": 4, b"L": 8, b"U": 1}[array[1]]
        count = int.from_bytes(array[2], "big")
        if not 0 < count * width <= len(data) - array.end():
            continue
        place = array.end() + chance.randrange(count) * width
        changed[place : place + width] = _value(array[1], width, count, chance)
    return bytes(changed)


def _value(marker: bytes, width: int, count: int, chance: random.Random) -> bytes:
    if marker == b"d":
        special = (0.0, -0.0, 1e-45, 1e-38, 1.0, -1.0, 1e29, 1e30, 3.4e38, -3.4e38, np.inf, -np.inf, np.nan)
        if chance.random() < 0.7:
            return np.float32(chance.choice(special)).byteswap().tobytes()
        return chance.randbytes(width)
    edges = (-1, 0, 1, 2, 3, count - 2, count - 1, count, 31, 32, 255, 2**31 - 1, -(2**31))
    number = chance.choice((*edges, chance.randrange(count)))
    return (number % 256**width).to_bytes(width, "big")


def check_archive(data: bytes) -> bool:
    """The tar inside the gzip, whose checksum would otherwise refuse every change."""
    tar = bytearray(data)
    for block in range(0, len(tar) - 511, 512):
        if tar[block + 257 : block + 262] == b"ustar":
            tar[block + 148 : block + 156] = b" " * 8
            tar[block + 148 : block + 156] = b"%06o\0 " % sum(tar[block : block + 512])
    with tempfile.TemporaryDirectory(prefix="fraudlab-fuzz-") as name:
        folder = Path(name)
        (folder / "a.tar.gz").write_bytes(gzip.compress(tar, compresslevel=0))
        whole = False
        with suppress(ArchiveError):
            unpack(folder / "a.tar.gz", lambda member: folder / "out" / member, max_bytes=1 << 20)
            whole = True
        assert {entry.name for entry in folder.iterdir()} <= {"a.tar.gz", "out"}
        assert not list(folder.rglob("*.unfinished"))
        assert not any(entry.is_symlink() for entry in folder.rglob("*"))
    return whole


def change_archive(data: bytes, most: int, chance: random.Random, mutate: Mutate) -> bytes:
    """Often: another type, size, name or extended header."""
    if len(data) < tarfile.BLOCKSIZE or chance.random() < 0.4:
        return mutate(data, most)
    changed = bytearray(data)
    block = chance.randrange(len(data) // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
    place, width = chance.choice(
        ((0, 100), (124, 12), (156, 1), (157, 100), (345, 155), (386, 24), (482, 13))
    )
    field = mutate(bytes(changed[block + place : block + place + width]), width)
    changed[block + place : block + place + width] = field[:width].ljust(width, b"\0")
    return bytes(changed)


def _body(kind: str, name: str, tokens: tuple[bytes, ...] = ()) -> Target:
    return Target(partial(_check_body, kind), partial(seeds.bodies, name), tokens)


TARGETS = {
    "csv": _body(
        "text/csv",
        "csv",
        (b'"', b'""', b"\r\n", b",,", b";", b"\t", b"|", b"NaN", b"N/A", b"1e39", b"true", b"\xef\xbb\xbf"),
    ),
    "json": _body("application/json", "json", _JSON),
    "objects": Target(check_objects, lambda: list(filter(check_objects, seeds.bodies("json"))), _JSON),
    "jsonlines": _body("application/jsonlines", "jsonlines", (*_JSON, b"\n", b"\r\n")),
    "libsvm-body": _body("text/libsvm", "libsvm", (b":", b" 0:", b"nan", b"qid:1", b"#", b"\n", b"-1")),
    "parquet": _body("application/x-parquet", "parquet", (b"PAR1", b"\x15\x00\x15", b"\xff\xff\xff\x7f")),
    "recordio-body": _body(
        "application/x-recordio-protobuf",
        "recordio",
        (b"\x0a\x23\xd7\xce", b"values", b"\x0a\x06values", b"\x12", b"\x1a", b"\xff\xff\xff\x7f"),
    ),
    "libsvm": Target(
        check_libsvm,
        seeds.libsvm,
        (b":", b" 0:", b"nan", b"qid:1", b"#", b"\n", b"-1", b"1e999"),
    ),
    "recordio": Target(
        check_recordio,
        seeds.recordio,
        (b"\x0a\x23\xd7\xce", b"values", b"\x0a\x06values", b"\x12", b"\x1a", b"\xff\xff\xff\x7f"),
    ),
    "contract": Target(
        check_contract,
        seeds.contracts,
        (*_JSON, b'"columns"', b'"categories"', b'"scale"', b'"threshold"', b'"hashes"', b'"schema"'),
    ),
    "booster": Target(
        check_booster_file,
        seeds.boosters,
        mutate=change_booster,
        max_bytes=16 << 10,
    ),
    "archive": Target(
        check_archive,
        seeds.archives,
        mutate=change_archive,
        max_bytes=16 << 10,
    ),
}
