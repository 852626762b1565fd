"""What a job prints: kept in ``logs/``, shown on request, and read for progress and for failure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from fraudlab.errors import ConfigError, DataError, FraudlabError, JobFailed, StorageError
from fraudlab.redaction import known_secrets, redact

#: a job repeats its failure file on stderr behind this, so that a log alone says what went wrong
FAILURE = re.compile(r"fraudlab-failure: (.*)")
_KINDS: dict[str, type[FraudlabError]] = {"data": DataError, "config": ConfigError, "storage": StorageError}


class JobLog:
    """The log of one job.

    Parameters
    ----------
    path : Path
        File that receives every line.
    on_line : callable, optional
        Called with each line, for progress.
    again : bool
        The job is told of from its beginning once more: lines that the file has already are not repeated
        in it.
    """

    def __init__(
        self, path: Path, *, on_line: Callable[[str], None] | None = None, again: bool = False
    ) -> None:
        self.path = path
        self._on_line = on_line
        self._failure: list[str] = []
        self._secrets = known_secrets()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._there = Counter(_lines(path)) if again else Counter()
        self._file = path.open("a", encoding="utf-8")
        if self._there and not path.read_bytes().endswith(b"\n"):
            self._file.write("\n")  # whoever wrote the line was killed

    def __enter__(self) -> JobLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, text: str) -> None:
        """Take one line as the job printed it."""
        line = text.rstrip("\r\n")
        self.keep(line)
        if found := FAILURE.search(line):
            self._failure.append(found[1])
        elif self._on_line:
            self._on_line(line)

    def keep(self, line: str) -> None:
        """Write a line to the file only: what the engine says about a job is not the job's."""
        text = redact(line, self._secrets)
        if self._there[text] > 0:
            self._there[text] -= 1
        elif not self._file.closed:
            self._file.write(text + "\n")
            self._file.flush()

    @property
    def says_why(self) -> bool:
        """Whether the job left a sentence of its own of why it failed."""
        return bool(self._failure)

    def error(self, job: str, *, detail: str) -> FraudlabError:
        """The error of a job that ended badly: its own sentence where it left one, else `detail`."""
        if not self.says_why:
            return JobFailed(f"The {job} job ended without saying why ({detail}).", fix=f"read {self.path}")
        fields = dict(line.split(": ", 1) for line in self._failure[1:] if ": " in line)
        kind = _KINDS.get(fields.get("kind", ""), JobFailed)
        return kind(self._failure[0], fix=fields.get("fix") or f"read {self.path}")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        return []
