"""What a Content-Type says of a body: the format, and parameters that change how it is read."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from fraudlab.container.bodies.csv_rows import parse_csv, parse_labelled_csv
from fraudlab.container.bodies.json_rows import parse_json, parse_json_lines
from fraudlab.container.bodies.libsvm_rows import parse_libsvm_rows
from fraudlab.container.bodies.recordio_rows import parse_recordio
from fraudlab.container.bodies.rows import MAX_BYTES, BodyError, Rows
from fraudlab.container.failure import quoted
from fraudlab.container.features import Features

#: ``parse(body, features, max_rows)``
Parser = Callable[..., Rows]


def parse_parquet(body: bytes, features: Features, max_rows: int, *, max_bytes: int = MAX_BYTES) -> Rows:
    """Read rows of Parquet, as the module of that name does."""
    from fraudlab.container.bodies import parquet_rows  # Arrow: 40 MB and a tenth of a second

    return parquet_rows.parse_parquet(body, features, max_rows, max_bytes=max_bytes)


#: What requests call a format. The first name of each is the one we use.
MEDIA_TYPES: dict[str, Parser] = {
    "text/csv": parse_csv,
    "application/json": parse_json,
    "application/jsonlines": parse_json_lines,
    "application/x-jsonlines": parse_json_lines,
    "application/x-ndjson": parse_json_lines,
    "text/libsvm": parse_libsvm_rows,
    "text/x-libsvm": parse_libsvm_rows,
    "application/x-parquet": parse_parquet,
    "application/vnd.apache.parquet": parse_parquet,
    "application/parquet": parse_parquet,
    "application/x-recordio-protobuf": parse_recordio,
}
#: what the official container takes for a content type, too
_BARE = {
    "csv": "text/csv",
    "libsvm": "text/libsvm",
    "parquet": "application/x-parquet",
    "recordio-protobuf": "application/x-recordio-protobuf",
}
#: those that take milliseconds for any body
SLOW_PARSERS: frozenset[Parser] = frozenset({parse_parquet})

_UTF8 = ("utf-8", "utf8", "us-ascii", "ascii")


def read_content_type(header: str) -> tuple[str, Parser]:
    """The media type of a body, and how it is read.

    Parameters
    ----------
    header : str
        Such as ``text/csv; label_size=1``. Case does not matter, nor do parameters that say nothing of how
        rows are read.

    Raises
    ------
    BodyError
        With status 415, if it is a format or an encoding that is not read, or a parameter has a value that it
        cannot have.
    """
    name, *pieces = (piece.strip() for piece in header.lower().split(";"))
    kind = _BARE.get(name, name)
    if kind not in MEDIA_TYPES:
        raise _unsupported(f"content type {quoted(name)}: send one of {', '.join(MEDIA_TYPES)}")
    parameters = dict(_parameter(piece) for piece in pieces)
    charset = parameters.get("charset", "utf-8")
    if charset not in _UTF8:
        raise _unsupported(f"charset={quoted(charset)}: send the rows in UTF-8")
    parse = MEDIA_TYPES[kind]
    if parse is parse_csv and _choice(parameters, "label_size") == 1:
        return kind, parse_labelled_csv
    if parse is parse_libsvm_rows and (base := _choice(parameters, "base")) is not None:
        return kind, partial(parse_libsvm_rows, base=base)
    return kind, parse


def _parameter(piece: str) -> tuple[str, str]:
    name, _, value = piece.partition("=")
    return name.strip(), value.strip().strip('"')


def _choice(parameters: dict[str, str], name: str) -> int | None:
    """0 or 1, where a parameter is given."""
    text = parameters.get(name)
    if text is not None and text not in ("0", "1"):
        meaning = {
            "label_size": "rows have no label (0), or one in front of the features (1)",
            "base": "columns are counted from 0 or from 1",
        }
        raise _unsupported(f"{name}={quoted(text)}: {meaning[name]}")
    return None if text is None else int(text)


def _unsupported(sentence: str) -> BodyError:
    return BodyError(sentence, status=415)
