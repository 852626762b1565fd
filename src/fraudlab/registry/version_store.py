"""What the registry keeps of its versions: each a copy of the files of its run, in a folder named by content.

::

    log.jsonl                                the log
    versions/DIGEST/content.json             every file of the version with its digest
    versions/DIGEST/RUN/model/ …             the model, as `serve` takes it, and what the run recorded
    NAME:3, NAME:production                  links to versions/DIGEST/RUN/model

The links are made from the log, after it; whoever serves a link need not read the log.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fraudlab.errors import RegistryError
from fraudlab.files import private_folder, publish, read_json, storage
from fraudlab.registry.log_entries import canonical, digest_of
from fraudlab.registry.log_file import sync_folder
from fraudlab.registry.registry_state import RegistryState
from fraudlab.registry_config import STAGES
from fraudlab.runs import Run

VERSIONS, CONTENT = "versions", "content.json"
#: what a version is made of, besides everything in `model/`
_KEPT = (
    "run.json", "config.yaml", "overrides.yaml", "data/manifest.json", "training/history.json",
    "training/validation.json", "training/validation_scores.parquet", "evaluation/metrics.json",
    "evaluation/curves.json",
    "evaluation/importance.json", "evaluation/budgets.json", "evaluation/stability.json",
    "evaluation/mistakes.json", "evaluation/slices.json",
    "evaluation/scores.parquet",
)  # fmt: skip
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class KeptContent:
    """What was kept of a run.

    Attributes
    ----------
    digest : str
        Of all files: the name of its folder.
    model : str
        Of the model alone; the run that made it is no part of it.
    """

    digest: str
    model: str


class VersionStore:
    """The copies of a registry.

    Parameters
    ----------
    folder : Path
        The registry's.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, run: Run) -> KeptContent:
        """Copy what a version is made of; the same files twice are one copy.

        Raises
        ------
        RegistryError
            Where the run has no model, or its booster is not the one its contract names.
        StorageError
            Where the disk refuses.
        """
        private_folder(self.folder)
        versions = self.folder / VERSIONS
        private_folder(versions)
        work = versions / f".{secrets.token_hex(8)}"
        try:
            with storage(work):
                work.mkdir(mode=0o755)
                digests = {
                    name: _copy(run.folder / name, work / run.id / name) for name in _files(run.folder)
                }
            model = _model_digest(work / run.id / "model", run.id)
            content = canonical({"run": run.id, "files": digests})
            with storage(work):
                (work / CONTENT).write_bytes(content)
                for folder in (work, *(entry for entry in work.rglob("*") if entry.is_dir())):
                    sync_folder(folder)
            kept = KeptContent(digest_of(content), model)
            publish(work, versions / kept.digest)
            with storage(versions):
                sync_folder(versions)
            return kept
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def run_folder(self, content: str, run_id: str) -> Path:
        """The copy of a run's folder."""
        return self.folder / VERSIONS / content / run_id

    def objections(self, content: str) -> list[str]:
        """What is wrong with a copy: files that are missing, changed or added; empty where nothing is."""
        folder = self.folder / VERSIONS / content
        try:
            described = (folder / CONTENT).read_bytes()
        except OSError as error:
            return [f"{folder / CONTENT} cannot be read: {error.strerror}"]
        if digest_of(described) != content:
            return [f"{folder / CONTENT} was changed"]
        record = read_json(folder / CONTENT)
        root, files = folder / str(record["run"]), record["files"]
        found = {entry.relative_to(root).as_posix() for entry in root.rglob("*") if not entry.is_dir()}
        wrong = [f"{root / name} is no part of the version" for name in sorted(found - set(files))]
        for name, digest in files.items():
            try:
                actual = _copy(root / name, None)
            except OSError as error:
                wrong.append(f"{root / name} cannot be read: {error.strerror}")
                continue
            if actual != digest:
                wrong.append(f"{root / name} was changed")
        return wrong

    def wanted_links(self, state: RegistryState) -> dict[str, str]:
        """The links that a state of the registry has: name to target."""
        links: dict[str, str] = {}
        for model in state.models.values():
            for version in model.versions:
                target = f"{VERSIONS}/{version.content}/{version.run}/model"
                named = [str(version.number), *(s for s in STAGES if model.holder(s) == version.number)]
                links.update({f"{model.name}:{name}": target for name in named})
        return links

    def settle_links(self, state: RegistryState) -> list[str]:
        """Make the links as the log has them; which of them were otherwise."""
        wanted, mended = self.wanted_links(state), []
        with storage(self.folder):
            for entry in list(self.folder.iterdir()) if self.folder.is_dir() else []:
                if entry.is_symlink() and entry.name not in wanted:
                    entry.unlink()
                    mended.append(entry.name)
            for name, target in wanted.items():
                link = self.folder / name
                if not link.is_symlink() or str(link.readlink()) != target:
                    temporary = self.folder / f".{secrets.token_hex(8)}"
                    temporary.symlink_to(target, target_is_directory=True)
                    try:
                        temporary.replace(link)
                    finally:
                        with suppress(FileNotFoundError):
                            temporary.unlink()
                    mended.append(name)
        return mended


def _files(folder: Path) -> Iterator[str]:
    if not (folder / "model" / "model.json").is_file():
        raise RegistryError(f"There is no model in {folder / 'model'}.", fix="name a run that completed")
    for entry in sorted((folder / "model").rglob("*")):
        if entry.is_file() and not entry.is_symlink():
            yield entry.relative_to(folder).as_posix()
    yield from (name for name in _KEPT if (folder / name).is_file())


def _copy(source: Path, target: Path | None) -> str:
    """Copy a file onto the disk, or only read it; its digest."""
    descriptor = os.open(source, _OPEN_FLAGS)
    digest = hashlib.sha256()
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "it is not a file")
        if target is None:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
            return digest.hexdigest()
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with target.open("xb") as copy:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
                copy.write(chunk)
            copy.flush()
            os.fsync(copy.fileno())
    target.chmod(0o644)
    return digest.hexdigest()


def _model_digest(folder: Path, run_id: str) -> str:
    """The digest of a booster and its contract, without the name of the run that made them."""
    contract = read_json(folder / "model.json")
    booster = folder / "model.ubj"
    actual = _copy(booster, None) if booster.is_file() else None
    if actual is None or contract.get("hashes", {}).get("model.ubj", actual) != actual:
        raise RegistryError(
            f"The booster of run {run_id} is not the one that its model.json names.", fix="repeat the run"
        )
    return digest_of(canonical({**contract, "run_id": None, "booster": actual}))
