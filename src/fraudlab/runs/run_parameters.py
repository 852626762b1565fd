"""What runs were told: the configurations of many, read quickly.

Ten thousand configurations repeat each other: what stands below a key of the first level, and a line of it,
is given to the YAML parser once for all runs that have it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from fraudlab.runs.record import flatten

CONFIG = "config.yaml"
#: keys that are no choice about the model: places, names, how much is printed, and what was answered
NOT_PARAMETERS = ("paths", "run", "registry", "verbose", "force")
#: a thousand times what a run writes
_MAX_BYTES = 4 << 20
_SECTION = re.compile(rb"\n(?=[A-Za-z'\"])")
#: a section of plain values, one per line, which no line before or behind it changes
_FLAT = re.compile(rb"[A-Za-z_]\w*:(?:\n  [A-Za-z_]\w*: [\w.+-][\w.:+/-]*)+")
_LEFT_OUT = tuple(f"{name}:".encode() for name in NOT_PARAMETERS)


class ParameterReader:
    """Reads configurations of runs; what was parsed once is remembered."""

    def __init__(self) -> None:
        self._lines: dict[bytes, dict[str, Any]] = {}
        self._sections: dict[bytes, dict[str, Any]] = {}
        self._found: dict[str, tuple[int, int, dict[str, Any]]] = {}

    def read(self, folder: Path | str) -> dict[str, Any]:
        """The configuration of a run as dotted keys, without what is no parameter.

        Empty where there is none, or it cannot be read: a list is no place to mend a run.
        """
        path = f"{folder}/{CONFIG}"
        try:
            facts = os.stat(path)  # noqa: PTH116 - of ten thousand, a Path each costs as much as all else
        except OSError:
            return {}
        known = self._found.get(path)
        if known is not None and known[:2] == (facts.st_mtime_ns, facts.st_size):
            return known[2]
        found = self._read(path) if facts.st_size <= _MAX_BYTES else {}
        self._found[path] = facts.st_mtime_ns, facts.st_size, found
        return found

    def _read(self, path: str) -> dict[str, Any]:
        from yaml import YAMLError  # type: ignore[import-untyped]

        try:
            with open(path, "rb", buffering=0) as file:  # noqa: PTH123
                raw = file.read()
        except OSError:
            return {}
        found: dict[str, Any] = {}
        try:
            sections = _SECTION.split(raw)
            if len({section.partition(b":")[0] for section in sections}) < len(sections):
                raise ValueError("a key stands twice")
            for section in sections:
                if not section.startswith(_LEFT_OUT):
                    found |= self._section(section)
        except (YAMLError, AttributeError, ValueError):
            try:
                found = _flat(_load(raw))  # parts of it lean on each other
            except (YAMLError, AttributeError, ValueError, RecursionError):
                return {}
        return found

    def _section(self, text: bytes) -> dict[str, Any]:
        if text not in self._sections:
            self._sections[text] = self._by_line(text) if _FLAT.fullmatch(text) else _flat(_load(text))
        return self._sections[text]

    def _by_line(self, text: bytes) -> dict[str, Any]:
        name, *lines = text.split(b"\n  ")
        prefix = name.decode()[:-1]
        found: dict[str, Any] = {}
        for line in lines:
            if line not in self._lines:
                self._lines[line] = _load(line)
            for key, value in self._lines[line].items():
                found[f"{prefix}.{key}"] = value
        return found


def _flat(config: Any) -> dict[str, Any]:
    if config is None:
        return {}
    return flatten({str(name): value for name, value in config.items() if name not in NOT_PARAMETERS})


def _load(text: bytes) -> Any:
    import yaml

    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError:  # libyaml takes no byte of a file name that is no UTF-8, as Python writes it
        return yaml.load(text, Loader=yaml.SafeLoader)
