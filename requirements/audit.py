"""Asks pip-audit for the known vulnerabilities of every locked package, whatever platform it is for.

Exit code 0: none. 1: some, or an exception in audit-ignore.txt that has become needless. 2: not every package
could be asked for, so that nothing is known: an unreachable service is no pass. Arguments are pip-audit's.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LOCKS = [
    ROOT / "requirements/launcher.txt",
    ROOT / "requirements/dev.txt",
    ROOT / "requirements/docs.txt",
    ROOT / "containers/xgboost/requirements.txt",
]
IGNORED = ROOT / "requirements/audit-ignore.txt"
CLEAN, FOUND, UNKNOWN = 0, 1, 2
_PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s;\\]+)", re.MULTILINE)
_EXCEPTION = re.compile(r"(\S+)\s+(\S.*)")


def main(arguments: list[str]) -> int:
    """Audit all locks and print what was found."""
    pins = locked({lock.relative_to(ROOT).as_posix(): lock.read_text(encoding="utf-8") for lock in LOCKS})
    ignored = exceptions(IGNORED.read_text(encoding="utf-8"))
    answer, error = ask(pins, arguments)
    code, lines = judge(answer, error, pins, ignored)
    for line in lines:
        print(f"audit: {line}", file=sys.stderr if code else sys.stdout)
    return code


def locked(locks: dict[str, str]) -> dict[tuple[str, str], list[str]]:
    """Where each name and version is locked, whatever environment its line is for.

    Parameters
    ----------
    locks : dict
        Texts of requirement files, by name.
    """
    pins: dict[tuple[str, str], list[str]] = defaultdict(list)
    for file, text in locks.items():
        for name, version in _PIN.findall(text):
            if file not in pins[name, version]:
                pins[name, version].append(file)
    return dict(pins)


def exceptions(text: str) -> dict[str, str]:
    """Ids that are accepted, and why.

    Raises
    ------
    SystemExit
        If a line gives no reason.
    """
    accepted = {}
    for line in text.splitlines():
        if not (line := line.strip()) or line.startswith("#"):
            continue
        match = _EXCEPTION.fullmatch(line)
        if match is None:
            raise SystemExit(f"audit: {IGNORED.name}: {line!r} has no reason behind its id")
        accepted[match[1]] = match[2]
    return accepted


def ask(pins: dict[tuple[str, str], list[str]], arguments: list[str]) -> tuple[dict[str, Any] | None, str]:
    """Hand the pins to pip-audit: what it answers, or None, and what it said besides."""
    # It takes each name once; where the locks have two versions of one, it is asked twice.
    rounds: list[dict[str, str]] = []
    for name, version in pins:
        free = next((names for names in rounds if name not in names), None)
        if free is None:
            rounds.append(free := {})
        free[name] = version
    command = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--format=json"]
    answered: list[Any] = []
    for names in rounds:
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
            file.writelines(f"{name}=={version}\n" for name, version in names.items())
            file.flush()
            words = [*command, "--progress-spinner=off", "--requirement", file.name, *arguments]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
        try:
            answered += json.loads(done.stdout)["dependencies"]
        except ValueError:
            return None, done.stderr
    return {"dependencies": answered}, ""


def judge(
    answer: dict[str, Any] | None,
    error: str,
    pins: dict[tuple[str, str], list[str]],
    ignored: dict[str, str],
) -> tuple[int, list[str]]:
    """The exit code, and the lines that explain it.

    Parameters
    ----------
    answer : dict or None
        pip-audit's JSON.
    error : str
        What it wrote to standard error.
    pins : dict
        What was asked for, see :func:`locked`.
    ignored : dict
        See :func:`exceptions`.
    """
    if answer is None:
        last = error.strip().splitlines()[-1:] or ["pip-audit said nothing"]
        return UNKNOWN, [
            f"the vulnerability service could not be asked: {last[0]}",
            "fix: run this where the service can be reached; until then nothing is known",
        ]
    answered = {
        (entry["name"], entry["version"]): entry["vulns"]
        for entry in answer["dependencies"]
        if "vulns" in entry
    }
    unknown = [pin for pin in pins if pin not in answered]
    if unknown:
        shown = ", ".join(f"{name} {version}" for name, version in unknown[:3])
        return UNKNOWN, [
            f"the service knows nothing of {len(unknown)} of {len(pins)} locked packages ({shown}, …)",
            "fix: run this where the service can be reached; a mirror of packages does not answer for it",
        ]
    lines, used = [], set()
    for (name, version), found in answered.items():
        for entry in found:
            ids = {entry["id"], *entry.get("aliases", [])}
            if accepted := ids & ignored.keys():
                used |= accepted
                continue
            fixed = ", ".join(entry["fix_versions"]) or "no version yet"
            where = ", ".join(pins[name, version])
            lines.append(f"{name} {version}: {entry['id']} (fixed in {fixed}; locked in {where})")
    lines += [f"{IGNORED.name} accepts {id_}, which nothing has: remove it" for id_ in ignored.keys() - used]
    if lines:
        return FOUND, [
            *lines,
            "fix: make lock ARGS='--upgrade-package NAME', or say in audit-ignore.txt why not",
        ]
    accepted_lines = [f"accepted: {id_}: {ignored[id_]}" for id_ in sorted(used)]
    return CLEAN, [f"no known vulnerabilities in {len(pins)} locked packages", *accepted_lines]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
