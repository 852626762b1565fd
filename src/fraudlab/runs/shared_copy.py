"""The copy of a run's folder that every machine finds: what attaching needs, and in the end all of it."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from fraudlab.errors import FraudlabError, RunError
from fraudlab.files import as_json, read_json, storage, write_json
from fraudlab.redaction import hide
from fraudlab.runs.claims import Claim
from fraudlab.runs.folder import RunFolder
from fraudlab.runs.record import OWNER, RECORD, read_record
from fraudlab.runs.shared_state import SharedState

#: names the last claim this machine had on the run
CLAIM = ".claim"
#: where the shared record has the SHA-256 of each file that is with it
_FILES = "shared"
#: what another launcher needs, besides the record
_NEEDED = ("config.yaml", "overrides.yaml", "hooks.py", "reasons.yaml", "data/manifest.json", "requests")
#: not shared: archives that this machine uploads, and what is too large to be a result
_LEFT_OUT = "comet"
_MAX_BYTES = 64 << 20
_ENDED = frozenset({"completed", "failed", "interrupted", "pruned"})


class SharedCopy:
    """A run's folder, and its copy in the shared state of which this launcher has the claim.

    Parameters
    ----------
    folder : RunFolder
    state : SharedState
    """

    def __init__(self, folder: RunFolder, state: SharedState) -> None:
        self._folder, self._state = folder, state
        self._saved: dict[str, str] = {}
        #: files of a run that has ended, which are not where it has saved them
        self.missing: list[str] = []

    @property
    def where(self) -> str:
        return self._state.where

    def begin(self) -> None:
        """Claim a run that begins.

        Raises
        ------
        RunError
            Where the place has the state of another run of this id, which has not ended.
        """
        found = shared_record(self._state)
        if found is not None and found.get("status") not in _ENDED:
            raise RunError(
                f"Run {self._folder.id} exists in {self.where}, begun {found.get('started')}.",
                fix=f"choose another run.id, or finish it: fraudlab runs attach {self._folder.id}",
            )
        self._take(self._state.claim())

    def take_up(self) -> bool:
        """Claim a run that is gone on with, and bring its folder up to date.

        Returns
        -------
        bool
            Whether it has ended meanwhile: the folder has what there is then.

        Raises
        ------
        RunTaken
            Where another launcher has it.
        """
        mine = self._own_nonce()
        # who holds the folder's lock knows that the launcher of its last claim is gone
        claim = self._state.claim(over=mine)
        try:
            # another may have had the run, and finished it, up to the very moment of the claim
            if claim.before not in {None, mine} or not (self._folder.path / "config.yaml").exists():
                self._bring()
            self._take(claim)
        except BaseException:
            claim.release()
            raise
        return self._folder.record["status"] in _ENDED

    def keep(self, *, everything: bool = False) -> None:
        """Save the record and the files that have changed.

        Parameters
        ----------
        everything : bool
            All files of the folder; by default those that another launcher needs.

        Raises
        ------
        RunTaken
            Where another launcher has taken the run over meanwhile.
        BackendError
            Where the place cannot be written.
        """
        changed = {
            name: path
            for name, path in self._files(everything=everything)
            if self._saved.get(name) != _digest(path)
        }
        # the record comes last: it says which files belong to it
        self._saved = {**self._saved, **self._state.save_files(changed)}
        record = hide({**self._folder.record, _FILES: self._saved})
        self._state.save(RECORD, as_json(record).encode(errors="backslashreplace"))

    def let_go(self) -> None:
        """Release the claim; where the place cannot be asked, it ends by itself."""
        self._state.let_go()

    def _take(self, claim: Claim) -> None:
        write_json(self._folder.path / CLAIM, {"host": socket.gethostname(), "nonce": claim.nonce})

    def _own_nonce(self) -> str | None:
        with suppress(FraudlabError, OSError):
            found = read_json(self._folder.path / CLAIM)
            if isinstance(found, dict) and found.get("host") == socket.gethostname():
                return str(found.get("nonce"))
        return None

    def _files(self, *, everything: bool) -> Iterator[tuple[str, Path]]:
        root = self._folder.path
        tops = [root] if everything else [root / name for name in _NEEDED]
        for top in tops:
            for path in [top] if top.is_file() else sorted(top.rglob("*")):
                name = path.relative_to(root)
                hidden = any(part.startswith(".") for part in name.parts)
                if hidden or name.parts[0] in {RECORD, _LEFT_OUT} or path.is_symlink() or not path.is_file():
                    continue
                if path.stat().st_size <= _MAX_BYTES:
                    yield name.as_posix(), path

    def _bring(self) -> None:
        record = shared_record(self._state)
        if record is None:
            return
        files = record.pop(_FILES, {})
        for name, digest in files.items() if isinstance(files, dict) else []:
            self._bring_file(str(name), str(digest), ended=record.get("status") in _ENDED)
        self._saved = {str(name): str(digest) for name, digest in files.items()}
        if record.get("status") not in {*_ENDED, "detached"}:
            record["status"] = "running"
        write_json(self._folder.path / RECORD, record)
        self._folder.record = read_record(self._folder.path)

    def _bring_file(self, name: str, digest: str, *, ended: bool) -> None:
        parts = PurePosixPath(name).parts
        if not parts or name.startswith("/") or any(part.startswith(".") for part in parts):
            raise RunError(f"{self.where} names a file {name!r}.", fix="begin another run")
        target = self._folder.path / name
        if target.is_file() and _digest(target) == digest:
            return
        content = self._state.load(name)
        if content is None or hashlib.sha256(content).hexdigest() != digest:
            if parts[0] in {part.split("/")[0] for part in _NEEDED} and not ended:
                raise RunError(
                    f"{self.where}/{name} is not what the run saved there.", fix="begin another run"
                )
            if ended:
                self.missing.append(name)
            return  # of a run that goes on, a result, which is made again
        with storage(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
            temporary.write_bytes(content)
            temporary.replace(target)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def shared_record(state: SharedState) -> dict[str, Any] | None:
    """The record of a run as it was saved last; None where there is none.

    Raises
    ------
    RunError
        Where it is damaged.
    """
    content = state.load(RECORD)
    if content is None:
        return None
    try:
        record = json.loads(content)
    except ValueError as error:
        raise RunError(f"{state.where}/{RECORD} is not JSON.", fix="begin another run") from error
    if not isinstance(record, dict):
        raise RunError(f"{state.where}/{RECORD} is no record of a run.", fix="begin another run")
    return record


def bring_run(state: SharedState, runs: Path, run_id: str) -> Path:
    """Make the folder of a run that another machine began; attaching fills it.

    Returns
    -------
    Path
        The folder; one that is there already stays as it is.

    Raises
    ------
    RunError
        Where the place knows no such run.
    """
    record = shared_record(state)
    if record is None or record.get("id") != run_id:
        raise RunError(
            f"There is no run {run_id} in {runs}, and none in {state.where}.",
            fix="name its id, and the account, sagemaker.bucket and sagemaker.prefix it was begun with",
        )
    record.pop(_FILES, None)
    temporary = runs / f".{run_id}.{secrets.token_hex(4)}"
    with storage(temporary):
        temporary.mkdir(mode=0o700, parents=True)
        try:
            write_json(temporary / RECORD, {**record, "status": "detached"})
            (temporary / OWNER).touch()
            (runs / run_id).exists() or temporary.rename(runs / run_id)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return runs / run_id
