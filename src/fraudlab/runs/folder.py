"""The folder of a run that is being written: a crash leaves one that says so."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fraudlab.errors import FraudlabError, RunError
from fraudlab.files import storage, write_json

LATEST = "latest"


def new_run_id(name: str, runs: Path, *, now: datetime | None = None) -> str:
    """Make a run id from time and name: ``20261123-142501-baseline``, at most 40 characters.

    Parameters
    ----------
    name : str
        Characters that job names cannot have become hyphens.
    runs : Path
        Where runs are; an id that is taken there gets a number.
    now : datetime, optional
        Default the present.
    """
    moment = (now or datetime.now(UTC)).strftime("%Y%m%d-%H%M%S")
    safe = "".join(c if c.isascii() and c.isalnum() else "-" for c in name)
    plain = f"{moment}-{safe}"[:40].rstrip("-")
    numbered = (f"{plain[:36].rstrip('-')}-{number}" for number in itertools.count(2))
    return next(made for made in itertools.chain([plain], numbered) if not (runs / made).exists())


class RunFolder:
    """The folder of a run that is being written.

    ``run.json`` says ``running`` from the first moment, and ``completed`` only as the very last thing.
    """

    def __init__(self, folder: Path, record: dict[str, Any]) -> None:
        self.path = folder
        self.id = folder.name
        self.record = record

    @classmethod
    def create(cls, runs: Path, run_id: str, **record: Any) -> RunFolder:
        """Make the folder.

        Raises
        ------
        RunError
            Where a run of that id exists; nothing of it is touched.
        StorageError
            Where it cannot be made.
        """
        folder = runs / run_id
        with storage(folder):
            runs.mkdir(parents=True, exist_ok=True)
            try:
                folder.mkdir()
            except FileExistsError as error:
                raise RunError(
                    f"Run {run_id} exists: {folder}.", fix="choose another run.id, or remove that folder"
                ) from error
        started = {"id": run_id, "status": "running", "error": None, "started": _now(), "ended": None}
        made = cls(folder, {**started, **record, "stages": {}, "metrics": {}})
        made.save()
        return made

    def save(self) -> None:
        """Write ``run.json`` as the record stands."""
        write_json(self.path / "run.json", self.record)

    def note(self, **fields: Any) -> None:
        """Add fields to the record and save it."""
        self.record.update(fields)
        self.save()

    @contextmanager
    def stage(self, name: str) -> Iterator[dict[str, Any]]:
        """Time a stage; what is put into the yielded mapping is recorded with it."""
        facts: dict[str, Any] = {}
        began = time.perf_counter()
        yield facts
        self.record["stages"][name] = {"seconds": round(time.perf_counter() - began, 3), **facts}
        self.save()

    def fail(self, error: BaseException) -> None:
        """Record why the run ended early; a full disk must not hide the reason."""
        interrupted = type(error).__name__ in {"Interrupted", "KeyboardInterrupt"}
        self.record.update(
            status="interrupted" if interrupted else "failed",
            ended=_now(),
            error={
                "type": type(error).__name__,
                "message": error.message if isinstance(error, FraudlabError) else str(error),
                "fix": error.fix if isinstance(error, FraudlabError) else None,
                "exit_code": error.exit_code if isinstance(error, FraudlabError) else 1,
            },
        )
        self.save()

    def complete(self) -> None:
        """Mark the run completed and let ``latest`` point to it."""
        self.note(status="completed", ended=_now())
        link = self.path.parent / LATEST
        temporary = self.path.parent / f".{LATEST}.{os.getpid()}"
        with storage(link):
            temporary.unlink(missing_ok=True)
            temporary.symlink_to(self.id, target_is_directory=True)
            temporary.replace(link)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
