"""``make fuzz``: coverage-guided fuzzing of every parser, for a bounded time each.

What is found is left in ``tests/fuzz/findings/TARGET/``, where the tests replay it from then on.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from .targets import TARGETS, Target

FOLDER = Path(__file__).parent
#: of one input
SECONDS, MEGABYTES = 10, 3072


def main() -> None:
    """Fuzz the targets one after the other; exit 1 if something was found."""
    parser = argparse.ArgumentParser(prog="make fuzz ARGS=…", description=__doc__)
    parser.add_argument(
        "targets", nargs="*", metavar="TARGET", help=f"some of {', '.join(TARGETS)}; default: all"
    )
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default: 60)")
    parser.add_argument("--seed", type=int, default=0, help="of the random numbers; 0 (default) is a new one")
    parser.add_argument(
        "--corpus", type=Path, default=Path("build/fuzz"), help="folder of inputs to go on from"
    )
    parser.add_argument("--findings", type=Path, default=FOLDER / "findings", help="folder for what is found")
    given = parser.parse_args()
    if unknown := sorted(set(given.targets) - TARGETS.keys()):
        parser.error(f"no target {unknown[0]!r}; use some of: {', '.join(TARGETS)}")
    found = [name for name in given.targets or TARGETS if not _fuzz(name, TARGETS[name], given)]
    if found:
        sys.exit(f"fuzz: findings for {', '.join(found)} in {given.findings}")


def _fuzz(name: str, target: Target, given: argparse.Namespace) -> bool:
    corpus, findings = given.corpus.absolute() / name, given.findings.absolute() / name
    corpus.mkdir(parents=True, exist_ok=True)
    findings.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    options = [
        f"-max_total_time={given.seconds}",
        f"-seed={given.seed}",
        f"-timeout={SECONDS}",
        f"-rss_limit_mb={MEGABYTES}",
        f"-max_len={target.max_bytes}",
        f"-artifact_prefix={findings}/",
        "-print_final_stats=1",
    ]
    if target.tokens:
        dictionary = given.corpus.absolute() / f"{name}.dict"
        dictionary.write_text("".join(f'"{_escaped(token)}"\n' for token in target.tokens), encoding="ascii")
        options.append(f"-dict={dictionary}")
    print(f"=== {name}", flush=True)
    command = [sys.executable, "-m", "fuzz.drive", name, *options, str(corpus), str(findings)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ended = subprocess.run(command, env=environment, timeout=given.seconds + 300, check=False)
    if not any(findings.iterdir()):
        findings.rmdir()
    return ended.returncode == 0


def _escaped(token: bytes) -> str:
    return "".join(f"\\x{byte:02X}" for byte in token)


main()
