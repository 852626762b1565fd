"""The tables of ``benchmarks/serving.py``."""

from __future__ import annotations

import json
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.pages import table_of

if TYPE_CHECKING:
    from benchmarks.running import Running
    from benchmarks.servers import Server
    from benchmarks.serving import Scenario
    from benchmarks.wrk import Load

OFFICIAL, ECHO, OURS = "official", "echo", "fraudlab"
FORMATS = {"csv": "CSV", "json": "JSON", "objects": "JSON by column name"}
_VERSIONS = """
import importlib.metadata as m, json, sys
found = {d.metadata["Name"].lower(): d.version for d in m.distributions()}
print(json.dumps([found.get(sys.argv[1]), found.get("xgboost-cpu") or found.get("xgboost")]))
"""


@dataclass(frozen=True, slots=True)
class Memory:
    """What a server holds after all loads."""

    name: str
    mib: float
    processes: int


def memory(server: Running) -> Memory:
    """Ask the system; a server that is no more holds nothing and is an error."""
    held = Memory(server.server.name, server.memory_mib(), len(server.processes()))
    if not held.processes:
        raise SystemExit(f"{held.name} has ended by itself")
    return held


def report(
    found: Mapping[Scenario, Mapping[str, Sequence[Load]]],
    memories: Sequence[Memory],
    servers: Sequence[Server],
    *,
    leaves: int,
    cores: str,
) -> str:
    """All tables, with what they are of."""
    rounds = max(len(loads) for of_scenario in found.values() for loads in of_scenario.values())
    about = (
        f"100 trees of depth 6 ({leaves} leaves on average), 30 float32 features; one worker each, {cores};"
        f" medians of {rounds} rounds in alternation, latencies in ms. Ratios are medians of the rounds'"
        " ratios, with their range. The official stack takes no JSON: others' JSON is compared with its CSV."
    )
    parts = [about]
    titles = {server.name: server.title for server in servers}
    for format_, size in dict.fromkeys((scenario.format, scenario.size) for scenario in found):
        of_kind = {
            scenario: loads
            for scenario, loads in found.items()
            if (scenario.format, scenario.size) == (format_, size)
        }
        rows = [row for scenario in of_kind for row in scenario_rows(scenario, found, titles)]
        head = [
            f"{size:,} row{'s' if size > 1 else ''}, {FORMATS[format_]}",
            "connections",
            "requests/s",
            "p50",
            "p99",
            "/ official",
            "/ echo",
        ]
        parts.append(table_of(head, rows))
    parts += [sentence for sentence in (json_sentence(found),) if sentence]
    parts.append(memory_table(memories, servers))
    return "\n\n".join(parts)


def scenario_rows(
    scenario: Scenario, found: Mapping[Scenario, Mapping[str, Sequence[Load]]], titles: Mapping[str, str]
) -> list[list[str]]:
    """A row a server, in the order of `titles`."""
    loads = found[scenario]
    official = loads.get(OFFICIAL) or next(
        (
            of_other[OFFICIAL]
            for other, of_other in found.items()
            if (other.size, other.connections) == (scenario.size, scenario.connections)
            and OFFICIAL in of_other
        ),
        None,
    )
    return [
        [
            titles[name],
            str(scenario.connections),
            f"{_median([load.rate for load in of_server]):,.0f}",
            f"{_median([load.p50 for load in of_server]):.2f}",
            f"{_median([load.p99 for load in of_server]):.2f}",
            "" if name == OFFICIAL else ratio(of_server, official),
            "" if name == ECHO else ratio(of_server, loads.get(ECHO)),
        ]
        for name in titles
        if (of_server := loads.get(name))
    ]


def ratio(ours: Sequence[Load], theirs: Sequence[Load] | None) -> str:
    """Of the requests a second, round by round: the median, and the range."""
    if theirs is None:
        return ""
    ratios = [one.rate / other.rate for one, other in zip(ours, theirs, strict=True)]
    return f"**{_number(_median(ratios))}** ({_number(min(ratios))} to {_number(max(ratios))})"


def _number(value: float) -> str:
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def json_sentence(found: Mapping[Scenario, Mapping[str, Sequence[Load]]]) -> str:
    """What JSON costs fraudlab beside CSV, where both were measured."""
    csv = {
        (scenario.size, scenario.connections): loads[OURS]
        for scenario, loads in found.items()
        if scenario.format == "csv" and OURS in loads
    }
    slower = []
    for scenario, loads in found.items():
        of_csv = csv.get((scenario.size, scenario.connections))
        if scenario.format != "csv" and of_csv and OURS in loads:
            pairs = zip(of_csv, loads[OURS], strict=True)
            times = _median([one.rate / other.rate for one, other in pairs])
            what = f"{FORMATS[scenario.format]}, {scenario.size:,} × {scenario.connections}"
            slower.append(f"{times:.2f} ({what})")
    return f"fraudlab's time / for CSV (rows × connections): {'; '.join(slower)}." if slower else ""


def memory_table(memories: Sequence[Memory], servers: Sequence[Server]) -> str:
    """Memory after the loads, and versions."""
    known = {server.name: server for server in servers}
    rows = []
    for held in memories:
        own, xgboost = _versions(known[held.name])
        package = known[held.name].package
        versions = [f"{package} {own}"] if package else []
        versions += [] if held.name == ECHO else [f"XGBoost {xgboost}"]
        rows.append([known[held.name].title, f"{held.mib:.0f}", str(held.processes), ", ".join(versions)])
    return table_of(["memory afterwards", "MiB", "processes", "versions"], rows)


def _versions(server: Server) -> tuple[str, str]:
    command = [server.bin / "python", "-c", _VERSIONS, server.package or ""]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    own, xgboost = json.loads(done.stdout)
    return own, xgboost


def _median(values: Sequence[float]) -> float:
    return statistics.median(values)
