"""Log events of jobs, in CloudWatch's shape and in a file per stream, so that no restart loses them."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from urllib.parse import quote, unquote

from fraudlab.rehearsal.moto_account import LogKeeper


class LogFiles:
    """Appends lines to a stream: on disk first, then where clients read them."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._keeper = folder, LogKeeper()
        self._lock = threading.Lock()
        for file in sorted(folder.glob("*/*.jsonl")):
            _mend(file)
            self._keeper.append(unquote(file.parent.name), unquote(file.stem), _lines(file))

    def append(self, group: str, stream: str, lines: list[tuple[float, str]]) -> None:
        """Append lines, each with its time in seconds since 1970."""
        file = self._file(group, stream)
        text = "".join(json.dumps(line) + "\n" for line in lines)
        with self._lock:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a", encoding="utf-8") as opened:
                opened.write(text)
        self._keeper.append(group, stream, lines)

    def logged(self, group: str, stream: str) -> int:
        """How many lines a stream has."""
        file = self._file(group, stream)
        with self._lock:
            return len(_lines(file)) if file.is_file() else 0

    def _file(self, group: str, stream: str) -> Path:
        return self._folder / quote(group, safe="") / f"{quote(stream, safe='')}.jsonl"


def _mend(file: Path) -> None:
    """Take away the beginning of a line that a kill cut short: the next line would be appended to it."""
    with file.open("r+b") as opened:
        content = opened.read()
        opened.truncate(content.rfind(b"\n") + 1)


def _lines(file: Path) -> list[tuple[float, str]]:
    """The lines of a file; one that a kill cut short is left out."""
    found = []
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            moment, text = json.loads(line)
        except ValueError:
            continue
        found.append((float(moment), str(text)))
    return found
