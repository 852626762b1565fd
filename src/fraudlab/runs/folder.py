"""The folder of a run that is being written: a crash leaves one that says so."""

from __future__ import annotations

import itertools
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fraudlab import locks
from fraudlab.errors import FraudlabError, RunError, RunTaken, described, ending_of
from fraudlab.files import as_json, storage, write_json
from fraudlab.redaction import hide
from fraudlab.runs.record import OWNER, RECORD, is_trial, read_record

LATEST = "latest"
#: kept free for the last write of a record: several times what it needs, so that a full disk does not stop it
_RESERVED_BYTES = 32 << 10


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

    ``run.json`` says ``running`` from the first moment, and ``completed`` only as the very last thing. A lock
    on a file of the folder says whether somebody still writes it: it ends with this process, in any case.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder
        self.id = folder.name
        self.record: dict[str, Any] = {}
        self._owner: locks.Lock | None = None

    @classmethod
    def create(cls, runs: Path, run_id: str, **record: Any) -> RunFolder:
        """Make the folder with its record; see :meth:`reserve` and :meth:`begin`."""
        made = cls.reserve(runs, run_id)
        made.begin(**record)
        return made

    @classmethod
    def reserve(cls, runs: Path, run_id: str | None = None, *, name: str = "run") -> RunFolder:
        """Make the folder, which only its owner can enter, and hold it: whoever makes it has the id.

        Parameters
        ----------
        runs : Path
            Where runs are.
        run_id : str, optional
            Default one of time and `name`.
        name : str
            See :func:`new_run_id`.

        Raises
        ------
        RunError
            Where a run of that id exists; nothing of it is touched.
        StorageError
            Where it cannot be made.
        """
        while True:
            folder = runs / (run_id or new_run_id(name, runs))
            with storage(folder):
                runs.mkdir(parents=True, exist_ok=True)
                try:
                    folder.mkdir(mode=0o700)
                except FileExistsError as error:
                    if run_id is None:
                        continue
                    raise RunError(
                        f"Run {run_id} exists: {folder}.", fix="choose another run.id, or remove that folder"
                    ) from error
            made = cls(folder)
            try:
                with storage(folder / OWNER):
                    made._owner = locks.own(folder / OWNER)
            except BaseException:
                made.abandon()
                raise
            return made

    @classmethod
    def take_up(cls, folder: Path) -> RunFolder:
        """Hold a run whose launcher has ended before the run has, to go on with it.

        Raises
        ------
        RunError
            Where somebody has it, or it has ended.
        """
        status = read_record(folder)["status"]
        may = status == "detached" or (status == "dead" and (folder / OWNER).exists())
        owner = locks.take(folder / OWNER) if may else None
        if owner is None:
            if status in {"running", "detached"}:
                raise RunTaken(
                    f"Run {folder.name} is being carried out by another process of this machine.",
                    fix="see `fraudlab runs list`",
                )
            raise _nothing_left(folder.name, status)
        taken = cls(folder)
        taken._owner = owner
        try:
            taken.record = read_record(folder)  # as it stands: nobody else writes it now
            if taken.record["status"] not in {"running", "detached"}:  # it has ended since it was looked at
                owner.release(remove=True)
                raise _nothing_left(folder.name, taken.record["status"])
        except BaseException:
            taken.leave()
            raise
        return taken

    def go_on(self) -> None:
        """Record that a run which was taken up is being carried out again."""
        self.record.update(status="running", error=None, ended=None)
        assert self._owner is not None
        with storage(self.path / OWNER):
            os.lseek(self._owner.descriptor, 0, os.SEEK_SET)
            _write_all(self._owner.descriptor, os.urandom(_RESERVED_BYTES))
        self.save()

    def leave(self) -> None:
        """Let go of a run that has not ended: another process may take it up."""
        self._let_go()

    def begin(self, **record: Any) -> None:
        """Write the record for the first time.

        Raises
        ------
        StorageError
            Where the disk is full or refuses; the folder is removed then.
        """
        started = {"id": self.id, "status": "running", "error": None, "started": _now(), "ended": None}
        self.record = {**started, **record, "stages": {}, "metrics": {}}
        try:
            assert self._owner is not None
            # not zeros: some file systems store those without taking room for them
            with storage(self.path / OWNER):
                _write_all(self._owner.descriptor, os.urandom(_RESERVED_BYTES))
            self.save()
        except BaseException:
            self.abandon()
            raise

    def abandon(self) -> None:
        """Remove a folder whose record has never been written."""
        self._let_go()
        shutil.rmtree(self.path, ignore_errors=True)

    def save(self) -> None:
        """Write ``run.json`` as the record stands."""
        write_json(self.path / RECORD, hide(self.record))

    def note(self, **fields: Any) -> None:
        """Add fields to the record and save it."""
        self.record.update(fields)
        self.save()

    @contextmanager
    def stage(self, name: str) -> Iterator[dict[str, Any]]:
        """Time a stage; what is put into the yielded mapping is recorded with it.

        Of a run that was taken up, the seconds are those of all who have carried out the stage.
        """
        facts: dict[str, Any] = {}
        before = self.record["stages"].get(name, {}).get("seconds", 0.0)
        began = time.perf_counter()
        yield facts
        self.record["stages"][name] = {"seconds": round(before + time.perf_counter() - began, 3), **facts}
        self.save()

    def fail(self, error: BaseException) -> None:
        """Record why the run ended early; a full disk does not hide the reason."""
        if isinstance(error, FraudlabError):
            error.run = self.path
        status = ending_of(error)
        ended = None if status == "detached" else _now()
        self.record.update(status=status, ended=ended, error=described(error))
        self._save_last()

    def complete(self) -> None:
        """Mark the run completed and let ``latest`` point to it, unless it is a trial."""
        if is_trial(self.record):
            self.record.update(status="completed", ended=_now())
            self._save_last()
            return
        link = self.path.parent / LATEST
        temporary = link.with_name(f".{LATEST}.{secrets.token_hex(4)}")
        with storage(link):
            try:
                temporary.symlink_to(self.id, target_is_directory=True)
                self.record.update(status="completed", ended=_now())
                self._save_last()
                temporary.replace(link)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise

    def _save_last(self) -> None:
        """Write the record over the room reserved for it, give it its name, and let go of the run."""
        if self._owner is None:
            self.save()
            return
        content = as_json(hide(self.record)).encode(errors="backslashreplace")
        with storage(self.path / RECORD):
            os.lseek(self._owner.descriptor, 0, os.SEEK_SET)
            _write_all(self._owner.descriptor, content)
            os.ftruncate(self._owner.descriptor, len(content))
            self._owner.path.replace(self.path / RECORD)
        self._let_go()

    def _let_go(self) -> None:
        if self._owner is not None:
            self._owner.release()
            self._owner = None


def remove_unbegun(runs: Path) -> None:
    """Remove the folders of runs whose launcher was killed before they had a record."""
    for folder in runs.iterdir() if runs.is_dir() else []:
        try:
            unbegun = not folder.is_symlink() and [entry.name for entry in folder.iterdir()] == [OWNER]
        except OSError:  # no folder, or not ours
            continue
        if unbegun and not locks.is_held(folder / OWNER):
            shutil.rmtree(folder, ignore_errors=True)


def _nothing_left(run_id: str, status: str) -> RunError:
    return RunError(
        f"Run {run_id} is {status}: there is nothing to go on with.", fix="see `fraudlab runs list`"
    )


def _write_all(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
