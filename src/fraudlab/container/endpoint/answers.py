"""Scores to answers: which outputs, in which media type, and the bytes. Pure functions.

Scores keep the shortest digits that read back as the same float32, in every format that is text.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from fraudlab.container.endpoint.asked_outputs import TEXTED, member
from fraudlab.container.endpoint.http_messages import Piece
from fraudlab.container.endpoint.negotiation import ANSWER_NAMES, CSV, JSON, JSON_LINES, PARQUET, RECORDIO
from fraudlab.container.endpoint.selected import (
    Selected,
    selected_csv,
    selected_json,
    selected_json_lines,
    selected_records,
    selected_table,
)
from fraudlab.container.formats.recordio_writing import write_records
from fraudlab.evaluation.operating import alerts, is_alert

_NAMED_BY_DEFAULT = ("score", "alert")
#: what a field begins with that spreadsheets compute
_FORMULA = ("=", "+", "-", "@")


@dataclass(slots=True)
class Scored:
    """What the model says of the rows of one request.

    Parameters
    ----------
    score : ndarray of float32, shape (rows,)
        Probability of fraud.
    raw_score : ndarray of float32, shape (rows,), or None
        Before the link function; None where it was not asked for.
    reasons : list of list of (str, float), or None
        For each row its largest contributions, by column; None where they were not asked for.
    threshold : float
        An alert is ``score >= threshold``.
    model : str
        The model's id.
    sentences : list of list of str, optional
        A text for each of the reasons, where texts were asked for.
    texts : list of bytes, optional
        The scores as :func:`digits` writes them, where somebody has them already.
    """

    score: NDArray[np.float32]
    raw_score: NDArray[np.float32] | None
    reasons: list[list[tuple[str, float]]] | None
    threshold: float
    model: str
    sentences: list[list[str]] | None = None
    texts: list[bytes] | None = None


def render(scored: Scored, *, outputs: tuple[str, ...], kind: str) -> bytes:
    """Write an answer; formats of lines have one line per row, each with a line break at its end.

    Parameters
    ----------
    outputs : tuple of str
        As :mod:`fraudlab.container.endpoint.asked_outputs` gives them, or ``Selected``. Empty
        means the score in CSV, where outputs have no names, and score and alert elsewhere.
    kind : str
        A media type, one of ``ANSWER_NAMES``.
    """
    write = _WRITERS[kind]
    if isinstance(outputs, Selected) and write in _SELECTED_WRITERS:
        return _SELECTED_WRITERS[write](scored.score, outputs)
    return write(scored, outputs)


def render_slices(slices: Iterable[Scored], *, outputs: tuple[str, ...], kind: str) -> list[Piece]:
    """Write an answer, as :func:`render`, of rows that are scored a slice at a time: pieces, in order.

    Parameters
    ----------
    slices : iterable of Scored
        At least one; each is let go of before the next is asked for.
    """
    form = ANSWER_NAMES[kind]
    if form == PARQUET:
        return [_write_parquets(slices, outputs)]
    pieces: list[bytes] = [render(scored, outputs=outputs, kind=kind) for scored in slices]
    if form != JSON or len(pieces) == 1:
        return list(pieces)
    # Each is an envelope around objects: they go into one.
    separator, tail = b", ", b"]}"
    if not isinstance(outputs, Selected):
        separator, tail = b",", pieces[0][pieces[0].rindex(b"],") :]
    head = pieces[0].index(b"[") + 1
    joined: list[Piece] = [memoryview(pieces[0])[: -len(tail)]]
    for piece in pieces[1:]:
        joined += [separator, memoryview(piece)[head : -len(tail)]]
    return [*joined, tail]


def _write_csv(scored: Scored, outputs: tuple[str, ...]) -> bytes:
    if not outputs or outputs == ("score",):
        return b"%b\n" % b"\n".join(_scores(scored))
    columns = [_CSV_FIELDS.get(output, _JSON_VALUES[output])(scored) for output in outputs]
    return b"".join([b",".join(row) + b"\n" for row in zip(*columns, strict=True)])


def _write_json(scored: Scored, outputs: tuple[str, ...]) -> bytes:
    envelope = _envelope(scored.threshold, scored.model)
    if not outputs and len(scored.score) == 1:
        alert = b"true" if is_alert(scored.score.item(), scored.threshold) else b"false"
        return envelope % (b'{"score":%b,"alert":%b}' % (_scores(scored)[0], alert))
    return envelope % b",".join(_objects(scored, outputs))


@lru_cache(64)
def _envelope(threshold: float, model: str) -> bytes:
    tail = orjson.dumps({"threshold": threshold, "model": model})[1:]
    return b'{"predictions":[%b],' + tail.replace(b"%", b"%%")


def _write_json_lines(scored: Scored, outputs: tuple[str, ...]) -> bytes:
    return b"\n".join(_objects(scored, outputs)) + b"\n"


def _objects(scored: Scored, outputs: tuple[str, ...]) -> list[bytes]:
    outputs = outputs or _NAMED_BY_DEFAULT
    pattern = _object_pattern(outputs)
    return [pattern % row for row in zip(*[_JSON_VALUES[output](scored) for output in outputs], strict=True)]


@lru_cache
def _object_pattern(outputs: tuple[str, ...]) -> bytes:
    return b"{%b}" % b",".join([b'"%b":%%b' % member(output).encode() for output in outputs])


def digits(values: NDArray[np.float32]) -> list[bytes]:
    """Each value as the shortest text that reads back as the same float32."""
    return orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].split(b",")


def _scores(scored: Scored) -> list[bytes]:
    return digits(scored.score) if scored.texts is None else scored.texts


def _raw_scores(scored: Scored) -> list[bytes]:
    assert scored.raw_score is not None
    return digits(scored.raw_score)


def _alerts(scored: Scored, yes: bytes, no: bytes) -> list[bytes]:
    return [yes if alert else no for alert in alerts(scored.score, scored.threshold).tolist()]


def _reasons(scored: Scored, write: Callable[[Sequence[str], Sequence[bytes]], bytes]) -> list[bytes]:
    assert scored.reasons is not None
    texts = []
    for reasons in scored.reasons:
        contributions = digits(np.array([contribution for _, contribution in reasons], np.float32))
        texts.append(write([column for column, _ in reasons], contributions if reasons else []))
    return texts


def _reasons_as_json(
    columns: Sequence[str], contributions: Sequence[bytes], texts: Sequence[str] | None = None
) -> bytes:
    parts = [
        b'"column":%b,"contribution":%b' % pair
        for pair in zip(map(orjson.dumps, columns), contributions, strict=True)
    ]
    if texts is not None:
        parts = [b'%b,"text":%b' % pair for pair in zip(parts, map(orjson.dumps, texts), strict=True)]
    return b"[" + b",".join([b"{%b}" % part for part in parts]) + b"]"


def _texted_reasons(scored: Scored) -> list[bytes]:
    assert scored.sentences is not None
    sentences = iter(scored.sentences)
    return _reasons(scored, lambda columns, found: _reasons_as_json(columns, found, next(sentences)))


def _reasons_as_field(columns: Sequence[str], contributions: Sequence[bytes]) -> bytes:
    pairs = zip([column.encode() for column in columns], contributions, strict=True)
    return _field(b";".join([b"%b=%b" % pair for pair in pairs]))


def _texts_as_field(scored: Scored) -> list[bytes]:
    """The texts of each row; one that a spreadsheet would take for a formula has a mark before it."""
    assert scored.sentences is not None
    fields = ["; ".join(texts) for texts in scored.sentences]
    return [_field(f"'{text}".encode() if text.startswith(_FORMULA) else text.encode()) for text in fields]


def _field(text: bytes) -> bytes:
    if any(mark in text for mark in (b",", b'"', b"\n", b"\r")):
        return b'"%b"' % text.replace(b'"', b'""')
    return text


_JSON_VALUES: dict[str, Callable[[Scored], list[bytes]]] = {
    "score": _scores,
    "raw_score": _raw_scores,
    "alert": lambda scored: _alerts(scored, b"true", b"false"),
    "reasons": lambda scored: _reasons(scored, _reasons_as_json),
    TEXTED: _texted_reasons,
    "model": lambda scored: [orjson.dumps(scored.model)] * len(scored.score),
}
_CSV_FIELDS: dict[str, Callable[[Scored], list[bytes]]] = {
    "alert": lambda scored: _alerts(scored, b"1", b"0"),
    "reasons": lambda scored: _reasons(scored, _reasons_as_field),
    TEXTED: _texts_as_field,
    "model": lambda scored: [scored.model.encode()] * len(scored.score),
}


def _write_parquet(scored: Scored, outputs: tuple[str, ...]) -> bytes:
    return _write_parquets([scored], outputs)


def _write_parquets(slices: Iterable[Scored], outputs: tuple[str, ...]) -> bytes:
    from pyarrow import parquet

    sink = io.BytesIO()
    writer: Any = None
    for scored in slices:
        if isinstance(outputs, Selected):
            table = selected_table(scored.score, outputs)
        else:
            table = _table(scored, outputs)
        writer = writer or parquet.ParquetWriter(sink, table.schema)
        writer.write_table(table)
    writer.close()
    return sink.getvalue()


def _table(scored: Scored, outputs: tuple[str, ...]) -> Any:
    import pyarrow as pa

    reason = {"column": pa.string(), "contribution": pa.float32()}
    rows: list[list[tuple[Any, ...]]] = [list(row) for row in scored.reasons or ()]
    if scored.sentences is not None:
        reason["text"] = pa.string()
        rows = [
            [(*pair, text) for pair, text in zip(row, texts, strict=True)]
            for row, texts in zip(rows, scored.sentences, strict=True)
        ]
    reasons = [[dict(zip(reason, values, strict=True)) for values in row] for row in rows]
    columns: dict[str, Callable[[], Any]] = {
        "score": lambda: pa.array(scored.score),
        "raw_score": lambda: pa.array(scored.raw_score),
        "alert": lambda: pa.array(alerts(scored.score, scored.threshold)),
        "reasons": lambda: pa.array(reasons, pa.list_(pa.struct(list(reason.items())))),
        "model": lambda: pa.array([scored.model] * len(scored.score)),
    }
    named = [member(output) for output in outputs or _NAMED_BY_DEFAULT]
    table = pa.table({name: columns[name]() for name in named})
    return table.replace_schema_metadata({"threshold": repr(scored.threshold), "model": scored.model})


def _write_records(scored: Scored, outputs: tuple[str, ...]) -> bytes:
    columns: dict[str, Callable[[], NDArray[Any]]] = {
        "score": lambda: scored.score,
        "raw_score": lambda: np.asarray(scored.raw_score),
        "alert": lambda: alerts(scored.score, scored.threshold).astype(np.float32),
    }
    return write_records({output: columns[output]()[:, None] for output in outputs or _NAMED_BY_DEFAULT})


_Write = Callable[[Scored, tuple[str, ...]], bytes]
_FORMATS: dict[str, _Write] = {
    CSV: _write_csv,
    JSON: _write_json,
    JSON_LINES: _write_json_lines,
    PARQUET: _write_parquet,
    RECORDIO: _write_records,
}
_SELECTED_WRITERS: dict[_Write, Callable[[NDArray[np.float32], Selected], bytes]] = {
    _write_csv: selected_csv,
    _write_json: selected_json,
    _write_json_lines: selected_json_lines,
    _write_records: selected_records,
}
_WRITERS = {kind: _FORMATS[ANSWER_NAMES[kind]] for kind in ANSWER_NAMES}
