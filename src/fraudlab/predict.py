"""``fraudlab predict``: the rows of a file, scored through an endpoint."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

from fraudlab.errors import ConfigError, DataError, EndpointError, nearest
from fraudlab.files import storage

if TYPE_CHECKING:
    import pyarrow as pa


def predict_file(file: Path, *, endpoint: str, output: Path | None = None, batch_rows: int = 20_000) -> int:
    """Score raw rows of a CSV or Parquet file and write them as CSV: ``row,score,alert``.

    Parameters
    ----------
    file : Path
        With the model's input columns by name; other columns are left out.
    endpoint : str
        Base URL, such as ``http://localhost:8080``.
    output : Path, optional
        Default standard output.
    batch_rows : int
        Rows a request.

    Returns
    -------
    int
        Rows scored.

    Raises
    ------
    DataError
        Where the file cannot be read or lacks a column.
    EndpointError
        Where the endpoint does not answer, or refuses.
    """
    from fraudlab.evaluation.operating import alerts
    from fraudlab.stages.scoring import score_rows
    from fraudlab.terminal import Terminal

    if batch_rows < 1:
        raise ConfigError(f"--batch-rows {batch_rows} is out of range.", fix="valid: 1 or more")
    base = _checked_url(endpoint)
    model = json.loads(_request(base, "GET", "/model"))
    table = read_rows(file, model["columns"])
    terminal = Terminal(file=sys.stderr)
    with terminal.meter("scoring", total=table.num_rows) as meter:
        score = score_rows(
            table,
            lambda body: _request(base, "POST", "/invocations", body),
            batch_rows=batch_rows,
            reach=meter.reach,
        )
    alert = alerts(score, model["threshold"])
    lines = [
        f"{row},{value!s},{int(flag)}" for row, (value, flag) in enumerate(zip(score, alert, strict=True))
    ]
    text = "\n".join(["row,score,alert", *lines]) + "\n"
    if output is None:
        sys.stdout.write(text)
    else:
        with storage(output):
            output.write_text(text, encoding="utf-8")
    terminal.say(
        f"{table.num_rows:,} rows scored, {int(alert.sum()):,} alerts at threshold {model['threshold']:.4g}"
    )
    return len(score)


def read_rows(file: Path, columns: list[dict[str, Any]]) -> pa.Table:
    """Read a model's input columns from a file, in the model's order.

    Raises
    ------
    DataError
        Where the file is missing or unreadable, has no rows, or lacks a column.
    """
    import pyarrow as pa
    from pyarrow import csv
    from pyarrow import parquet as pq

    wanted = [str(column["name"]) for column in columns]
    texts = {str(column["name"]): pa.string() for column in columns if column["type"] == "category"}
    try:
        if file.suffix.lower() == ".parquet":
            table = pq.read_table(file)
        else:
            table = csv.read_csv(file, convert_options=csv.ConvertOptions(column_types=texts))
    except FileNotFoundError as error:
        raise DataError(f"{file} does not exist.", fix="name a CSV or Parquet file") from error
    except (pa.ArrowInvalid, OSError) as error:
        reason = str(error).split("\n")[0]
        raise DataError(f"{file} cannot be read: {reason}", fix="a CSV file needs a header line") from error
    for name in wanted:
        if name not in table.column_names:
            raise DataError(f"{file} has no column {name!r}.", fix=nearest(name, table.column_names))
    if table.num_rows == 0:
        raise DataError(f"{file} has no rows.", fix="name a file with transactions")
    return table.select(wanted)


def _checked_url(endpoint: str) -> str:
    parts = urlparse(endpoint)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ConfigError(
            f"--endpoint {endpoint!r} is not a URL.", fix="for example --endpoint http://localhost:8080"
        )
    return endpoint.removesuffix("/invocations").rstrip("/")


def _request(base: str, method: str, path: str, body: bytes | None = None) -> bytes:
    from urllib3 import request
    from urllib3.exceptions import HTTPError

    headers = {"Content-Type": "text/csv", "Accept": "text/csv"} if body is not None else {}
    try:
        answer = request(method, base + path, body=body, headers=headers, timeout=60.0, retries=False)
    except HTTPError as error:
        raise EndpointError(
            f"No endpoint answers on {base}.", fix="start one with `docker compose up` or `fraudlab serve`"
        ) from error
    if answer.status != 200:
        raise EndpointError(
            f"{base}{path} answered {answer.status}: {_reason(answer.data)}",
            fix="is this a fraudlab endpoint?",
        )
    return answer.data


def _reason(body: bytes) -> str:
    """The sentence of a problem (RFC 9457), or what was answered instead."""
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, TypeError, KeyError):
        return body.decode(errors="replace")[:500]
