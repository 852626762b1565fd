"""The endpoint against what else serves an XGBoost model, by wrk on loopback, one worker each.

    python -m benchmarks.serving [--rounds 5] [--seconds 2] [--only fraudlab,official] [--quick] [--write]
    python -m benchmarks.serving --soak 2000000      # does memory stay flat?
    python -m benchmarks.serving --bulk              # do 20 MB bodies stall /ping and single rows?

Every server has the same booster and scores the same rows, and is checked against ``Booster.predict``
before and after it is timed. All run at once and one is loaded at a time, in another order each round; the
server has one core and wrk another. An answer of 400 or above, a time-out or a broken connection ends the
benchmark.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks import endurance, serving_report
from benchmarks.pages import write_section
from benchmarks.payloads import BULK, Payloads, build
from benchmarks.running import Running, check, pinned, running
from benchmarks.servers import SERVERS, Server
from benchmarks.timing import ROOT
from benchmarks.wrk import Load, load, require_wrk

WORK = ROOT / "build/bench-serve"
FIRST_PORT, PORTS_EACH = 18_080, 10
#: wrk counts in whole seconds
WARM_UP = 1


@dataclass(frozen=True, slots=True)
class Scenario:
    """One load: bodies of `size` rows in one format, from some connections at once."""

    format: str
    size: int
    connections: int


SCENARIOS = [
    *(Scenario(format_, 1, connections) for format_ in ("csv", "json") for connections in (1, 16, 64)),
    *(Scenario("csv", BULK, connections) for connections in (1, 16)),
    Scenario("json", BULK, 1),
    Scenario("objects", 1, 16),
    Scenario("objects", BULK, 1),
]
QUICK = [Scenario("csv", 1, 16), Scenario("json", 1, 16), Scenario("csv", BULK, 1)]
#: what is sent to be checked, by format
SIZES: Mapping[str, tuple[int, ...]] = dict.fromkeys(("csv", "json", "objects"), (1, BULK))

Found = dict[Scenario, dict[str, list[Load]]]


@dataclass(frozen=True, slots=True)
class Cores:
    """Which core has the server and which wrk; None where they are not kept apart."""

    server: int | None
    client: int | None

    @classmethod
    def choose(cls, *, pin: bool) -> Cores:
        """Two of the cores this process may use; none on a machine that has one."""
        available = sorted(os.sched_getaffinity(0))
        return cls(available[0], available[1]) if pin and len(available) > 1 else cls(None, None)

    def __str__(self) -> str:
        return "shared cores" if self.server is None else "the server on one core and wrk on another"


def main() -> None:
    chosen = _arguments()
    require_wrk()
    cores = Cores.choose(pin=not chosen.no_pin)
    payloads = build(WORK)
    print(f"a model of 100 trees with {payloads.leaves} leaves; bodies and model are in {WORK}", flush=True)
    if chosen.soak or chosen.bulk:
        ours = next(server for server in SERVERS if server.name == "fraudlab")
        with running(ours, payloads, port=FIRST_PORT, core=cores.server) as started:
            check(started, payloads, SIZES)
            name, text = (
                ("serve-soak", endurance.soak(started, payloads, chosen.soak, core=cores.client))
                if chosen.soak
                else ("serve-bulk", endurance.bulk(started, payloads, seconds=10 * chosen.seconds))
            )
    else:
        servers = [server for server in SERVERS if not chosen.only or server.name in chosen.only]
        scenarios = QUICK if chosen.quick else SCENARIOS
        name, text = "serve", compare(servers, payloads, scenarios, cores, chosen.rounds, chosen.seconds)
    print(text)
    if chosen.write:
        write_section(name, text)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [server.name for server in SERVERS]
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="of each load, after a warm-up of 1")
    parser.add_argument("--only", type=lambda text: text.split(","), default=[], help=", ".join(names))
    parser.add_argument("--quick", action="store_true", help="two rounds of three loads: a look, no figures")
    parser.add_argument("--no-pin", action="store_true", help="let servers and wrk share all cores")
    parser.add_argument("--soak", type=int, metavar="N", help="send N requests and watch the memory")
    parser.add_argument("--bulk", action="store_true", help="latency beside 20 MB bodies")
    parser.add_argument("--write", action="store_true", help="replace the section in docs/performance.md")
    chosen = parser.parse_args()
    unknown = set(chosen.only) - set(names)
    if unknown or min(chosen.rounds, chosen.seconds) < 1:
        parser.error(f"--only takes {', '.join(names)}; rounds and seconds are at least 1")
    if chosen.quick:
        chosen.rounds, chosen.seconds = 2, 1
    return chosen


def compare(
    servers: Sequence[Server],
    payloads: Payloads,
    scenarios: Sequence[Scenario],
    cores: Cores,
    rounds: int,
    seconds: int,
) -> str:
    """Start every server, load them in turn, and report."""
    found: Found = {scenario: {} for scenario in scenarios}
    with ExitStack() as stack:
        started = []
        for number, server in enumerate(servers):
            print(f"starting {server.name}", flush=True)
            port = FIRST_PORT + PORTS_EACH * number
            started.append(stack.enter_context(running(server, payloads, port=port, core=cores.server)))
            check(started[-1], payloads, SIZES)
        for number in range(rounds):
            for scenario in scenarios:
                for server in _rotated(started, number):
                    if scenario.format in server.server.protocols:
                        seen = _load(server, payloads, scenario, cores, seconds)
                        found[scenario].setdefault(server.server.name, []).append(seen)
                        print(f"{number + 1}/{rounds}  {_line(scenario, server, seen)}", flush=True)
        for server in started:
            check(server, payloads, SIZES)
        memory = [serving_report.memory(server) for server in started]
    return serving_report.report(found, memory, servers, leaves=payloads.leaves, cores=str(cores))


def _rotated(started: Sequence[Running], number: int) -> list[Running]:
    """Another first one each round, so that nobody always follows the same neighbour's load."""
    first = number % len(started)
    return [*started[first:], *started[:first]]


def _load(server: Running, payloads: Payloads, scenario: Scenario, cores: Cores, seconds: int) -> Load:
    protocol = server.server.protocols[scenario.format]
    bodies = payloads.bodies(protocol.name, protocol.encode, scenario.size)
    with pinned(cores.client):
        for duration in (WARM_UP, seconds):
            seen = load(
                server.url(protocol),
                protocol.kind,
                bodies,
                connections=scenario.connections,
                seconds=duration,
            )
    return seen


def _line(scenario: Scenario, server: Running, seen: Load) -> str:
    what = f"{scenario.size} {scenario.format} × {scenario.connections}"
    figures = f"{seen.rate:8,.0f}/s  p50 {seen.p50:.2f} ms  p99 {seen.p99:.2f} ms"
    return f"{what:14} {server.server.name:9} {figures}"


if __name__ == "__main__":
    main()
