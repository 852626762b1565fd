"""``make soak``: requests at the limits of every format and output, several at once, in 1 GiB.

A small body can stand for much: two bytes of libsvm are a row of all columns, a run of Parquet a million
rows, and every row asks for its reasons. Each body here is as large as the endpoint takes, or larger: then it
is refused with a bound, and sent again with exactly so many rows. The endpoint has to be alive at the end and
may never have held more memory than it is allowed.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from operator import mul
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

MEMORY = 1 << 30
BODY_BYTES = 25 << 20
WIDTHS = (1, 30, 1000)
OUTPUTS = ("", "score,alert,reasons", "score,raw_score,alert,reasons,model")
ACCEPTS = ("text/csv", "application/json", "application/jsonlines", "application/x-parquet")
AT_ONCE = 4
ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
_BOUND = re.compile(r"more than ([\d,]+) rows")


@dataclass(frozen=True)
class Load:
    """A kind of body.

    Attributes
    ----------
    name : str
    kind : str
        Its media type.
    of_rows : callable
        The body of so many rows.
    rows : int
        As many as fit into a body, or far more than are allowed.
    """

    name: str
    kind: str
    of_rows: Callable[[int], bytes]
    rows: int


def loads(columns: list[str], *, max_bytes: int = BODY_BYTES) -> list[Load]:
    """Bodies of every format with as many rows as `max_bytes` hold."""
    width = len(columns)
    ones, gaps = ",".join(["1"] * width), "," * (width - 1)
    an_object = json.dumps(dict.fromkeys(columns, 1), separators=(",", ":"))
    lines = {
        "csv": ("text/csv", f"{ones}\n"),
        "csv, CRLF": ("text/csv", f"{ones}\r\n"),
        "csv, missing": ("text/csv", f"{gaps}\n"),
        "csv, quoted": ("text/csv", ",".join(['"1"'] * width) + "\n"),
        "json lines": ("application/jsonlines", f"[{ones}]\n"),
        "json lines of objects": ("application/jsonlines", f"{an_object}\n"),
        "json lines of nothing": ("application/jsonlines", "{}\n"),
        "libsvm": ("text/libsvm", f"0 0:1 {width - 1}:1\n" if width > 1 else "0 0:1\n"),
        "libsvm of labels": ("text/libsvm", "0\n"),
    }
    made = [
        Load(name, kind, partial(mul, line.encode()), max_bytes // len(line))
        for name, (kind, line) in lines.items()
    ]
    for name, row, begin, end in (
        ("json", f"[{ones}]", b"[", b"]"),
        ("json of objects", an_object, b'{"instances":[', b"]}"),
        ("json of nothing", "[]", b"[", b"]"),
    ):

        def listed(rows: int, row: bytes = row.encode(), begin: bytes = begin, end: bytes = end) -> bytes:
            return begin + b",".join([row] * rows) + end

        made.append(Load(name, "application/json", listed, (max_bytes - 20) // (len(row) + 1)))
    for name, column in (
        ("parquet of one value", lambda rows: pa.array(np.zeros(rows, np.float32))),
        ("parquet of a dictionary", lambda rows: pa.array(np.arange(rows, dtype=np.float64) % 2)),
        ("parquet of gaps", lambda rows: pa.nulls(rows, pa.float32())),
    ):

        def written(rows: int, column: Callable[[int], pa.Array] = column) -> bytes:
            sink = io.BytesIO()
            values = column(rows)
            table = pa.table(dict.fromkeys(columns, values))
            parquet.write_table(table, sink, compression="zstd", write_statistics=False)
            return sink.getvalue()

        made.append(Load(name, "application/x-parquet", written, 8_000_000 // width))
    return made


def drive(
    port: int,
    columns: list[str],
    *,
    max_bytes: int = BODY_BYTES,
    only: str = "",
    of: tuple[str, ...] = OUTPUTS,
    accepts: tuple[str, ...] = ACCEPTS,
) -> Counter[tuple[str, int]]:
    """Send every load with every output and answer, some at once; what became of them.

    Raises
    ------
    SystemExit
        If the endpoint is gone, or a request is neither answered nor refused in a sentence.
    """
    seen: Counter[tuple[str, int]] = Counter()
    with ThreadPoolExecutor(AT_ONCE) as clients:
        for load in loads(columns, max_bytes=max_bytes):
            if not load.name.startswith(only):
                continue
            body = load.of_rows(load.rows)
            ways = [(outputs, accept) for outputs in of for accept in accepts]
            became = Counter(clients.map(partial(_at_the_limit, port, load, body), ways))
            for (status, sentence), times in became.items():
                seen[load.name, status] += times
                print(f"{len(columns)} columns, {load.name}: {times} times {status}{sentence}", flush=True)
    status, _ = ask(port, "/ping", None, {})
    if status != 200:
        raise SystemExit(f"/ping is {status} after the load")
    return seen


def _at_the_limit(port: int, load: Load, body: bytes, way: tuple[str, str]) -> tuple[int, str]:
    """Send a body; where it has too many rows, then one that has not. The last status, and why."""
    outputs, accept = way
    headers = {"Content-Type": load.kind, "Accept": accept}
    if outputs:
        headers[ATTRIBUTES] = f"output={outputs}"
    for _ in range(3):
        status, answer = ask(port, "/invocations", body, headers)
        if status == 200:
            return status, ""
        sentence = json.loads(answer)["detail"]
        if status == 413 and (bound := _BOUND.search(sentence)):
            body = load.of_rows(int(bound[1].replace(",", "")))
        elif status == 503:
            time.sleep(1)
        else:
            return status, f" {sentence[:60]}"
    return status, f" {sentence[:60]}"


def ask(port: int, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
    """Status and body of an answer; without a body it is asked by GET."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    try:
        client.request("GET" if body is None else "POST", path, body, headers)
        answer = client.getresponse()
        return answer.status, answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise SystemExit(f"the endpoint hung up on {headers}: {error!r}") from error
    finally:
        client.close()


def build(folder: Path, columns: list[str]) -> None:
    """A small model of some columns."""
    from fraudlab.container.features import Column, Features
    from fraudlab.container.model_files.model_file import write_model
    from fraudlab.container.runtime import lean_xgboost

    with lean_xgboost():
        import xgboost
    random = np.random.default_rng(0)
    rows = random.normal(size=(500, len(columns))).astype(np.float32)
    data = xgboost.DMatrix(rows, label=rows.sum(axis=1) > 1, feature_names=columns, nthread=1)
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 3, "nthread": 1}, data, 4)
    contract = {"schema": 1, "run_id": "soak", "label": "y", **Features(map(Column, columns)).as_json()}
    contract |= {"threshold": 0.5, "decision": {"policy": "fixed"}, "calibration": None, "rounds": 4}
    contract |= {"hyperparameters": {}, "versions": {"xgboost": xgboost.__version__}, "hashes": {"data": "0"}}
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_model(folder, booster.save_raw("ubj"), contract)


@contextmanager
def endpoint(model: Path) -> Iterator[tuple[int, int]]:
    """The endpoint as a process that may take `MEMORY`: its port and its process."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    variables = {"FRAUDLAB_MODEL_DIR": str(model), "FRAUDLAB_HOST": "127.0.0.1"}
    variables |= {"SAGEMAKER_BIND_TO_PORT": str(port), "FRAUDLAB_MEMORY": str(MEMORY)}
    variables |= {"FRAUDLAB_TIMEOUT": "300", "FRAUDLAB_LOG_LEVEL": "warning"}
    command = [sys.executable, "-m", "fraudlab.container", "serve"]
    with subprocess.Popen(command, env=os.environ | variables) as process:
        try:
            for _ in range(600):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.1)
            yield port, process.pid
        finally:
            process.send_signal(signal.SIGTERM)


def peak_mib(process: int) -> float:
    """The most memory a process has held."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def main() -> None:
    """Soak endpoints of some widths, and say how much memory each has held."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--widths", type=int, nargs="+", default=WIDTHS, help="columns of the models")
    parser.add_argument("--only", default="", help="of the loads those whose names begin so")
    parser.add_argument("--mib", type=float, default=BODY_BYTES / 2**20, help="of a body, at most")
    given = parser.parse_args()
    for width in given.widths:
        columns = [f"x{number}" for number in range(width)]
        with tempfile.TemporaryDirectory(prefix="fraudlab-soak-") as folder:
            build(Path(folder) / "model", columns)
            with endpoint(Path(folder) / "model") as (port, process):
                began = time.monotonic()
                drive(port, columns, max_bytes=int(given.mib * 2**20), only=given.only)
                peak = peak_mib(process)
        print(f"{width} columns: {peak:.0f} MiB at most, {time.monotonic() - began:.0f} s", flush=True)
        if peak > MEMORY / 2**20:
            raise SystemExit(f"the endpoint held {peak:.0f} MiB of {MEMORY / 2**20:.0f}")


if __name__ == "__main__":
    main()
