"""What long and large loads do to fraudlab's endpoint: its memory, and the latency of everybody else."""

from __future__ import annotations

import http.client
import signal
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks import wrk
from benchmarks.pages import table_of
from benchmarks.payloads import Payloads, texts
from benchmarks.running import Running, check, pinned
from benchmarks.servers import Protocol

SLICE_SECONDS, CONNECTIONS = 10, 16
#: a server slower than this many requests a second does not come to the end of a soak
SLOWEST = 200
#: growth that is no longer noise of the allocator
FLAT_MIB = 4.0
BULK_BYTES = 20_000_000
#: seconds between two samples
EVERY = 0.02


def soak(started: Running, payloads: Payloads, requests: int, *, core: int | None) -> str:
    """Send single rows, as CSV and as JSON in turn, and see whether memory grows.

    Raises
    ------
    SystemExit
        If it does by more than `FLAT_MIB` after the first twentieth, or the endpoint is too slow to tell.
    """
    protocols = list(started.server.protocols.values())
    sent, samples = 0, [(0, started.memory_mib())]
    give_up = time.monotonic() + requests / SLOWEST
    while sent < requests and time.monotonic() < give_up:
        protocol = protocols[len(samples) % len(protocols)]
        bodies = payloads.bodies(protocol.name, protocol.encode, 1)
        with pinned(core):
            seen = wrk.load(
                started.url(protocol),
                protocol.kind,
                bodies,
                connections=CONNECTIONS,
                seconds=SLICE_SECONDS,
            )
        sent += seen.requests
        samples.append((sent, started.memory_mib()))
        print(f"{sent:,} requests ({protocol.name})  {samples[-1][1]:.1f} MiB", flush=True)
    if sent < requests:
        raise SystemExit(f"only {sent:,} of {requests:,} requests in {requests / SLOWEST:.0f} s")
    settled = next((sample for sample in samples if sample[0] >= requests / 20), samples[-1])
    growth = samples[-1][1] - settled[1]
    if growth > FLAT_MIB:
        raise SystemExit(f"memory grew by {growth:.1f} MiB from request {settled[0]:,} to {sent:,}")
    return (
        f"{sent:,} one-row requests, CSV and JSON in turn, {CONNECTIONS} connections, no error:"
        f" {samples[0][1]:.1f} MiB before, {settled[1]:.1f} MiB after {settled[0]:,},"
        f" **{samples[-1][1]:.1f} MiB** after all ({growth:+.1f} MiB)."
    )


def bulk(started: Running, payloads: Payloads, *, seconds: float) -> str:
    """Sample ``/ping`` and single rows alone, and while 20 MB bodies come one after the other."""
    csv, json_ = (started.server.protocols[name] for name in ("csv", "json"))
    large = {name: _large(payloads, protocol) for name, protocol in (("CSV", csv), ("JSON", json_))}
    single = payloads.bodies(csv.name, csv.encode, 1)[0].read_bytes()
    calls: dict[str, Callable[[http.client.HTTPConnection], None]] = {
        "/ping": lambda connection: connection.request("GET", "/ping"),
        "one row": lambda connection: connection.request(
            "POST", csv.path, single, {"Content-Type": csv.kind}
        ),
    }
    rows = []
    for load, path in {"nothing else": None, **large}.items():
        protocol = json_ if load == "JSON" else csv
        for name, call in calls.items():
            with _sending(started, protocol, path):
                waits = _sample(started.port, call, seconds)
            print(f"{name} beside {load}: p99 {_percentile(waits, 99):.1f} ms", flush=True)
            beside = load if path is None else f"{path.stat().st_size / 1e6:.0f} MB of {load}, over and over"
            rows.append(
                [
                    name,
                    beside,
                    str(len(waits)),
                    f"{statistics.median(waits):.2f}",
                    f"{_percentile(waits, 99):.2f}",
                    f"{max(waits):.2f}",
                ]
            )
    check(started, payloads, {"csv": (1,), "json": (1,)})
    return table_of(["latency in ms", "beside", "samples", "p50", "p99", "worst"], rows)


def _large(payloads: Payloads, protocol: Protocol) -> Path:
    """A body of about `BULK_BYTES`: the rows again and again."""
    one = len(protocol.encode(texts(payloads.rows)))
    times = BULK_BYTES // one
    path = payloads.folder / f"bulk-{protocol.name}"
    path.write_bytes(protocol.encode(texts(np.tile(payloads.rows, (times, 1)))))
    return path


@contextmanager
def _sending(started: Running, protocol: Protocol, body: Path | None) -> Iterator[None]:
    """Post one body over and over meanwhile; that it was answered is checked in the end."""
    if body is None:
        yield
        return
    # wrk ends by itself, long after the samples should be taken.
    command = wrk.command(started.url(protocol), protocol.kind, [body], connections=1, seconds=600)
    client = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        time.sleep(1)
        yield
    finally:
        client.send_signal(signal.SIGINT)  # wrk prints its summary at Ctrl-C
        output, _ = client.communicate(timeout=wrk.TIMEOUT)
    seen = wrk.parse(output)
    if not seen.requests or any(seen.errors.values()):
        raise SystemExit(f"{body.name}: {seen.requests} answers, errors {seen.errors}")


def _sample(port: int, call: Callable[[http.client.HTTPConnection], None], seconds: float) -> list[float]:
    """Milliseconds until each answer, over one kept connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    waits = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.perf_counter()
        call(connection)
        answer = connection.getresponse()
        answer.read()
        waits.append((time.perf_counter() - began) * 1e3)
        if answer.status != 200:
            raise SystemExit(f"status {answer.status} beside a large body")
        time.sleep(EVERY)
    connection.close()
    return waits


def _percentile(values: Sequence[float], percent: float) -> float:
    return float(np.percentile(values, percent))
