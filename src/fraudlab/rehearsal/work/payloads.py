"""An object of a batch transform job as requests, and the answers as its ``.out``. Pure."""

from __future__ import annotations

import csv
import io
import json
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fraudlab.rehearsal.work.json_paths import path_filter

_RECORDIO = struct.Struct("<II")
_RECORDIO_MAGIC = 0xCED7230A
_TFRECORD = struct.Struct("<Q")


#: what the service takes where neither the job nor the container says anything
_MAX_PAYLOAD_MB, _MAX_CONCURRENT = 6, 1


@dataclass(frozen=True)
class Batching:
    """How a job asks its container, after ``/execution-parameters`` has had its say."""

    split: str
    strategy: str
    assemble: str
    max_mb: int
    concurrent: int

    @classmethod
    def of(cls, request: dict[str, Any], said: dict[str, Any]) -> Batching:
        """What the job asks for, else what the container says, else the service's own."""
        split = request["TransformInput"].get("SplitType", "None")
        default = "SingleRecord" if split == "None" else "MultiRecord"
        strategy = str(request.get("BatchStrategy") or said.get("BatchStrategy") or default)
        return cls(
            split=split,
            strategy={"SINGLE_RECORD": "SingleRecord", "MULTI_RECORD": "MultiRecord"}.get(strategy, strategy),
            assemble=request["TransformOutput"].get("AssembleWith", "None"),
            max_mb=int(request.get("MaxPayloadInMB", said.get("MaxPayloadInMB", _MAX_PAYLOAD_MB))),
            concurrent=int(
                request.get("MaxConcurrentTransforms")
                or said.get("MaxConcurrentTransforms")
                or _MAX_CONCURRENT
            ),
        )


class TooLarge(ValueError):
    """One record alone is larger than a payload may be."""


def records(content: bytes, split: str) -> list[bytes]:
    """Cut an object into its records; a line keeps no line break.

    Parameters
    ----------
    split : str
        ``None``, ``Line``, ``RecordIO`` or ``TFRecord``.

    Raises
    ------
    ValueError
        The object is cut short, or is no such file.
    """
    if split == "None":
        return [content]
    if split == "Line":
        lines = content.replace(b"\r\n", b"\n").split(b"\n")
        return lines[:-1] if lines[-1] == b"" else lines
    return list(_framed(content, _recordio_length if split == "RecordIO" else _tfrecord_length))


def _framed(content: bytes, length: Callable[[bytes, int], int]) -> Iterator[bytes]:
    place = 0
    while place < len(content):
        try:
            end = place + length(content, place)
        except struct.error as error:
            raise ValueError("the last record is cut short") from error
        if end > len(content):
            raise ValueError("the last record is cut short")
        yield content[place:end]
        place = end


def _recordio_length(content: bytes, place: int) -> int:
    magic, flagged = _RECORDIO.unpack_from(content, place)
    if magic != _RECORDIO_MAGIC:
        raise ValueError("this is no RecordIO file")
    size: int = flagged & (1 << 29) - 1
    return _RECORDIO.size + (size + 3) // 4 * 4


def _tfrecord_length(content: bytes, place: int) -> int:
    size: int = _TFRECORD.unpack_from(content, place)[0]
    return _TFRECORD.size + 4 + size + 4


def payloads(
    parts: Sequence[bytes], *, split: str, strategy: str, max_bytes: int
) -> Iterator[tuple[bytes, int]]:
    """Put records together into requests.

    Parameters
    ----------
    strategy : str
        ``SingleRecord`` gives each record a request, ``MultiRecord`` fills them.
    max_bytes : int
        Of one request; 0 is no limit.

    Yields
    ------
    body : bytes
    count : int
        How many records it has.

    Raises
    ------
    TooLarge
        One record does not fit.
    """
    between = b"\n" if split == "Line" else b""
    held: list[bytes] = []
    size = 0
    for part in parts:
        if max_bytes and len(part) > max_bytes:
            raise TooLarge(f"a record has {len(part)} bytes where {max_bytes} are allowed")
        more = len(part) + (len(between) if held else 0)
        if held and (strategy == "SingleRecord" or (max_bytes and size + more > max_bytes)):
            yield between.join(held), len(held)
            held, size, more = [], 0, len(part)
        held.append(part)
        size += more
    if held:
        yield between.join(held), len(held)


def assembled(answers: Sequence[bytes], assemble: str) -> bytes:
    """Put answers together: ``Line`` ends each with a line break, ``None`` leaves them as they are."""
    if assemble != "Line":
        return b"".join(answers)
    return b"".join(answer if answer.endswith(b"\n") else answer + b"\n" for answer in answers)


class DataProcessing:
    """``InputFilter``, ``JoinSource`` and ``OutputFilter`` of a job.

    Parameters
    ----------
    request : dict
        ``DataProcessing`` of the request.
    content_type, accept : str
        Media types of input and output: CSV, JSON or JSON lines, where there is anything to filter or join.

    Raises
    ------
    ValueError
        A filter cannot be read.
    """

    def __init__(self, request: dict[str, str], *, content_type: str, accept: str) -> None:
        self._input, self._output = request.get("InputFilter", "$"), request.get("OutputFilter", "$")
        self._take, self._keep = path_filter(self._input), path_filter(self._output)
        self._joins = request.get("JoinSource", "None") == "Input"
        self._csv_in, self._csv_out = "csv" in content_type, "csv" in (accept or content_type)

    @property
    def idle(self) -> bool:
        """Whether nothing is filtered and nothing is joined."""
        return self._input == self._output == "$" and not self._joins

    def sent(self, record: bytes) -> bytes:
        """What the container is asked about one record."""
        if self._input == "$":
            return record
        return _packed(self._take(_unpacked(record, csv_rows=self._csv_in)), csv_rows=self._csv_in)

    def stored(self, record: bytes, answer: bytes) -> bytes:
        """What the output has for one record and its answer."""
        said = _unpacked(answer, csv_rows=self._csv_out)
        if self._joins:
            said = joined(_unpacked(record, csv_rows=self._csv_in), said, csv_rows=self._csv_in)
        return _packed(self._keep(said), csv_rows=self._csv_in if self._joins else self._csv_out)


def joined(record: Any, answer: Any, *, csv_rows: bool) -> Any:
    """A record with its answer behind it, or, in JSON, in it as ``SageMakerOutput``."""
    if csv_rows:
        return [*record, *(answer if isinstance(answer, list) else [answer])]
    if isinstance(record, dict):
        return {**record, "SageMakerOutput": answer}
    return {"SageMakerInput": record, "SageMakerOutput": answer}


def _unpacked(text: bytes, *, csv_rows: bool) -> Any:
    if not csv_rows:
        return json.loads(text)
    return next(csv.reader([text.decode().rstrip("\n")]), [])


def _packed(value: Any, *, csv_rows: bool) -> bytes:
    if not csv_rows:
        return json.dumps(value).encode()
    sink = io.StringIO()
    csv.writer(sink, lineterminator="").writerow(value if isinstance(value, list) else [value])
    return sink.getvalue().encode()


def answers_of(body: bytes, count: int) -> list[bytes]:
    """Cut the answer to several records into one answer per record.

    Raises
    ------
    ValueError
        It has more or fewer lines than the request had records.
    """
    if count == 1:
        return [body.removesuffix(b"\n")]
    lines = records(body, "Line")
    if len(lines) != count:
        raise ValueError(f"the answer to {count} records has {len(lines)} lines")
    return lines
