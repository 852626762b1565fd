"""The run folder: written so that a crash leaves one that says so, and read back as a :class:`Run`."""

from __future__ import annotations

import errno
import itertools
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from fraudlab.errors import FraudlabError, RunError, StorageError, nearest

if TYPE_CHECKING:
    import pandas as pd

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


def write_json(path: Path, content: object) -> None:
    """Write JSON so that a reader sees the old file or the new one, never half of one.

    Raises
    ------
    StorageError
        Where the disk is full or refuses.
    """
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write text through a temporary file and a rename; see :func:`write_json`."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with storage(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


@contextmanager
def storage(path: Path) -> Iterator[None]:
    """Turn an OSError while writing `path` into a :class:`StorageError` that says what to do."""
    try:
        yield
    except OSError as error:
        fix = {
            errno.ENOSPC: "free some space, or choose another disk with paths.runs=FOLDER",
            errno.EDQUOT: "free some of your quota, or choose another disk with paths.runs=FOLDER",
        }.get(error.errno or 0, "choose another folder with paths.runs=FOLDER")
        raise StorageError(f"Cannot write {path}: {error.strerror or error}.", fix=fix) from error


def read_json(path: Path) -> Any:
    """Read JSON of a run.

    Raises
    ------
    RunError
        Where the file is missing or broken.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RunError(
            f"{path} does not exist.", fix="the run did not get that far: see its run.json"
        ) from error
    except ValueError as error:
        raise RunError(f"{path} is not JSON ({error}).", fix="remove the run and repeat it") from error


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


class Run:
    """A run that has ended, read from its folder.

    Attributes
    ----------
    folder : Path
        The run's folder.
    record : dict
        ``run.json``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.record: dict[str, Any] = read_json(folder / "run.json")

    @property
    def id(self) -> str:
        return str(self.record["id"])

    @property
    def status(self) -> str:
        return str(self.record["status"])

    @property
    def metrics(self) -> dict[str, float]:
        """The test metrics, as in ``evaluation/metrics.json``."""
        return cast(dict[str, float], read_json(self.folder / "evaluation" / "metrics.json"))

    @property
    def report(self) -> Path:
        return self.folder / "report.html"

    @property
    def scores(self) -> pd.DataFrame:
        """The scored test rows: ids, time, amount, label, score."""
        import pandas as pd

        return pd.read_parquet(self.folder / "evaluation" / "scores.parquet")

    def __repr__(self) -> str:
        return f"Run({self.id!r}, status={self.status!r})"


def find_run(runs: Path, name: str) -> Run:
    """Find a run by id, by ``latest``, or by the path of its folder.

    Raises
    ------
    RunError
        Where there is none; lists those that are.
    """
    for folder in (runs / name, Path(name)):
        if (folder / "run.json").is_file():
            return Run(folder.resolve())
    raise RunError(
        f"There is no run {name!r} in {runs}.", fix=nearest(name, [run.id for run in list_runs(runs)])
    )


def list_runs(runs: Path) -> list[Run]:
    """Every run in a folder, oldest first."""
    if not runs.is_dir():
        return []
    found = [Run(e) for e in runs.iterdir() if not e.is_symlink() and (e / "run.json").is_file()]
    return sorted(found, key=lambda run: str(run.record.get("started")))


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one with dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        flat.update(flatten(value, f"{name}.") if isinstance(value, Mapping) else {name: value})
    return flat


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
