"""An endpoint whose model is switched under load, against the same endpoint left alone.

    python -m benchmarks.switching [--connections 200] [--rounds 3] [--seconds 8] [--every 2]

Quiet and switching take turns, over connections that stay open: what is timed begins when each has had its
first answer. A request that is lost or refused ends the benchmark. Beside them one client asks all the while
for 400 rows at once and compares each answer with both models: an answer of half of each, or of another model
than its header says, ends it as well.
"""

from __future__ import annotations

import argparse
import http.client
import selectors
import shutil
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.pages import table_of
from benchmarks.payloads import Payloads, build
from benchmarks.running import Running, pinned, running
from benchmarks.servers import SERVERS, Server
from benchmarks.serving import FIRST_PORT, Cores
from benchmarks.timing import ROOT
from benchmarks.wrk import Load

WORK = ROOT / "build/bench-switching"
QUIET, SWITCHING = "left alone", "switched"
#: what the second latency may be of the first
LIMIT = 3.0
#: seconds without any answer, after which requests are lost
_PATIENCE = 30.0
#: rows of the bodies whose answers are compared with both models
_WITNESSED = 400


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--connections", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=8, help="of each load")
    parser.add_argument("--every", type=float, default=2.0, help="seconds from switch to switch")
    chosen = parser.parse_args()
    if min(chosen.connections, chosen.rounds, chosen.seconds) < 1 or chosen.every <= 0:
        parser.error("all numbers are above 0")
    payloads = build(WORK)
    models = two_models(payloads)
    cores = Cores.choose(pin=True)
    link = WORK / "followed"
    point(link, payloads.model)
    with running(_following(link), payloads, port=FIRST_PORT, core=cores.server) as ours:
        found, switches, witnessed = measure(ours, payloads, models, link, cores, chosen)
    print(report(found, switches, witnessed, connections=chosen.connections))


def two_models(payloads: Payloads) -> dict[str, np.ndarray]:
    """Scores of the bodies' rows by each of two models, by the beginning of its digest.

    The second has half of the trees of the first.
    """
    import xgboost

    from fraudlab.container.contract import file_sha256
    from fraudlab.files import read_json, write_json

    booster = xgboost.Booster(model_file=payloads.model / "model.ubj")
    other = WORK / "other"
    shutil.copytree(payloads.model, other)
    booster[: booster.num_boosted_rounds() // 2].save_model(other / "model.ubj")
    contract = read_json(other / "model.json")
    contract["hashes"]["model.ubj"] = file_sha256(other / "model.ubj")
    write_json(other / "model.json", contract)
    found = {}
    for folder in (payloads.model, other):
        one = xgboost.Booster(model_file=folder / "model.ubj")
        matrix = xgboost.DMatrix(
            payloads.rows[:_WITNESSED], feature_names=one.feature_names, feature_types=one.feature_types
        )
        found[file_sha256(folder / "model.ubj")[:12]] = one.predict(matrix)
    return found


def point(link: Path, folder: Path) -> None:
    """Lead the link elsewhere, at once, as a promotion does."""
    fresh = link.with_name(f".{link.name}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(folder)
    fresh.replace(link)


def _following(link: Path) -> Server:
    ours = next(server for server in SERVERS if server.name == "fraudlab")
    followed = {"FRAUDLAB_MODEL_DIR": str(link.absolute()), "FRAUDLAB_FOLLOW": "true"}
    return replace(ours, variables=lambda model, port: {**ours.variables(model, port), **followed})


def measure(
    ours: Running,
    payloads: Payloads,
    models: Mapping[str, np.ndarray],
    link: Path,
    cores: Cores,
    chosen: argparse.Namespace,
) -> tuple[dict[str, list[Load]], int, int]:
    """Loads of both kinds in turn, how often the model was switched, and how many answers were compared."""
    protocol = ours.server.protocols["csv"]
    body = payloads.bodies(protocol.name, protocol.encode, 1)[0].read_bytes()
    head = f"POST {protocol.path} HTTP/1.1\r\nhost: h\r\ncontent-type: {protocol.kind}\r\n"
    request = f"{head}content-length: {len(body)}\r\n\r\n".encode() + body
    found: dict[str, list[Load]] = {QUIET: [], SWITCHING: []}

    def once() -> Load:
        with pinned(cores.client):
            return ask_all(ours.port, request, connections=chosen.connections, seconds=chosen.seconds)

    witness = Witness(ours, payloads, models)
    switches = 0
    for number in range(chosen.rounds):
        with witness.watching():
            found[QUIET].append(once())
        with witness.watching(), _switching(link, payloads.model, chosen.every) as switcher:
            found[SWITCHING].append(once())
        switches += switcher.count
        pair = [f"{name} p99 {found[name][-1].p99:.1f} ms" for name in found]
        print(f"{number + 1}: {', '.join(pair)}", flush=True)
    if len(witness.seen) != len(models):
        raise SystemExit("only one of the two models has answered: nothing was measured")
    return found, switches, witness.answers


def ask_all(port: int, request: bytes, *, connections: int, seconds: float) -> Load:
    """Send a request over each connection again as soon as it is answered.

    Raises
    ------
    SystemExit
        An answer was not 200, or a connection ended.
    """
    with selectors.DefaultSelector() as selector:
        try:
            for _ in range(connections):
                opened = socket.create_connection(("127.0.0.1", port))
                selector.register(opened, selectors.EVENT_READ, time.perf_counter())
                opened.sendall(request)
            _turns(selector, request, lambda left: not left, connections)
            began = time.perf_counter()
            took = _turns(selector, request, lambda _: time.perf_counter() > began + seconds, connections)
            took.sort()
            lasted = time.perf_counter() - began
        finally:
            for key in list(selector.get_map().values()):
                assert isinstance(key.fileobj, socket.socket)
                key.fileobj.close()
    p50, p99 = (took[int(len(took) * share)] * 1e3 for share in (0.5, 0.99))
    return Load(len(took), len(took) / lasted, p50, p99, took[-1] * 1e3, {})


def _turns(
    selector: selectors.BaseSelector, request: bytes, done: Callable[[set[int]], bool], connections: int
) -> list[float]:
    """Seconds of each answer, until told; it is told of connections that had none yet."""
    took: list[float] = []
    left = {key.fd for key in selector.get_map().values()}
    while not done(left):
        ready = selector.select(_PATIENCE)
        if not ready:
            raise SystemExit(f"{connections} connections have waited {_PATIENCE:g} s for any answer")
        for key, _ in ready:
            assert isinstance(key.fileobj, socket.socket)
            answer = key.fileobj.recv(65_536)
            if not answer.startswith(b"HTTP/1.1 200 "):
                raise SystemExit(f"a request was lost: {answer[:200]!r}")
            took.append(time.perf_counter() - key.data)
            left.discard(key.fd)
            selector.modify(key.fileobj, selectors.EVENT_READ, time.perf_counter())
            key.fileobj.sendall(request)
    return took


@dataclass
class Switcher:
    """Leads a link to the other model, again and again."""

    count: int = 0


@contextmanager
def _switching(link: Path, first: Path, every: float) -> Iterator[Switcher]:
    switcher, done = Switcher(), threading.Event()

    def go_on() -> None:
        while not done.wait(every):
            switcher.count += 1
            point(link, WORK / "other" if switcher.count % 2 else first)

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield switcher
    finally:
        done.set()
        thread.join()
        point(link, first)


class Witness:
    """Asks for many rows at once, and compares each answer with what its model says.

    Attributes
    ----------
    answers : int
        That were compared.
    seen : set of str
        The models that gave them.
    wrong : str
        Why an answer was not what it should be; empty where all were.
    """

    def __init__(self, ours: Running, payloads: Payloads, models: Mapping[str, np.ndarray]) -> None:
        protocol = ours.server.protocols["csv"]
        self._port, self._path, self._kind = ours.port, protocol.path, protocol.kind
        self._decode = protocol.decode
        self._body = payloads.bodies("witness", protocol.encode, _WITNESSED)[0].read_bytes()
        self._models = models
        self.answers = 0
        self.seen: set[str] = set()
        self.wrong = ""

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Ask for as long as the block runs.

        Raises
        ------
        SystemExit
            An answer was wrong, or missing.
        """
        done = threading.Event()
        thread = threading.Thread(target=self._watch, args=(done,))
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
        if self.wrong:
            raise SystemExit(self.wrong)

    def _watch(self, done: threading.Event) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            while not done.is_set() and not self.wrong:
                connection.request("POST", self._path, self._body, {"Content-Type": self._kind})
                answer = connection.getresponse()
                self.judge(answer.status, answer.getheader("x-fraudlab-model") or "", answer.read())
        except (OSError, http.client.HTTPException) as error:
            self.wrong = f"a request beside wrk was lost: {error!r}"
        finally:
            connection.close()

    def judge(self, status: int, model: str, body: bytes) -> None:
        """Compare an answer with the model that it says it is of."""
        expected = self._models.get(model[:12])
        scores = None
        if status == 200 and self._decode is not None:
            scores = np.array(self._decode(body), np.float32)
        if scores is None or expected is None or not np.array_equal(scores, expected):
            self.wrong = f"an answer of {status} by model {model!r} is not what that model says"
            return
        self.answers += 1
        self.seen.add(model[:12])


def report(found: Mapping[str, Sequence[Load]], switches: int, witnessed: int, *, connections: int) -> str:
    """Medians of both, the ratio of each pair of rounds, and whether it is within the limit."""
    rows = [
        [
            name,
            f"{sum(seen.requests for seen in loads):,}",
            f"{statistics.median(seen.rate for seen in loads):,.0f}",
            *(f"{statistics.median(getattr(seen, key) for seen in loads):.2f}" for key in ("p50", "p99")),
            f"{max(seen.worst for seen in loads):.1f}",
        ]
        for name, loads in found.items()
    ]
    ratios = [after.p99 / before.p99 for before, after in zip(found[QUIET], found[SWITCHING], strict=True)]
    middle = statistics.median(ratios)
    head = (f"{connections} connections", "requests", "requests/s", "p50 ms", "p99 ms", "worst ms")
    verdict = "within" if middle <= LIMIT else "BEYOND"
    return (
        f"{table_of(head, rows)}\n\n"
        f"p99 of an endpoint that was switched {switches} times, to that of the same left alone: "
        f"**{middle:.2f}** ({min(ratios):.2f} to {max(ratios):.2f}), {verdict} {LIMIT:g}. "
        f"No request was lost; {witnessed:,} answers of {_WITNESSED} rows were compared with both models, "
        "and each was of one."
    )


if __name__ == "__main__":
    main()
