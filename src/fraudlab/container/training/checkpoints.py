"""Checkpoints: what a training that was killed goes on from, exactly.

A checkpoint is one file: a line of JSON, and the booster's UBJSON after it. It is written whole or not at
all, says what it holds by its SHA-256, and belongs to one training: its hyperparameters, its data, its
XGBoost and its number of hosts.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fraudlab.container.contract import Fields, Tree, read_optional_json, whole_file
from fraudlab.container.failure import ConfigError, StorageError
from fraudlab.container.features import Features
from fraudlab.container.hosts import Hosts
from fraudlab.container.model_files.booster_file import check_booster
from fraudlab.container.model_files.model_file import MAX_BYTES
from fraudlab.container.training.progress import Progress, read_progress

SCHEMA = 1
#: checkpoints that stay: should the newest be damaged, there is the one before it
_KEEP = 2
_NAME = re.compile(r"rounds-(\d{6,10})\.checkpoint")
#: far above the history of any training
_MAX_HEADER_BYTES = 64 << 20
#: parameters that come into play after the rounds, or only say how many there are
_NOT_OF_A_ROUND = ("num_round", "save_best", "k_fold", "k_fold_repeats", "decision_threshold")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a training stood.

    Attributes
    ----------
    progress : Progress
    booster : bytes
        UBJSON.
    """

    progress: Progress
    booster: bytes | bytearray


class Checkpoints:
    """The checkpoints of one training.

    Parameters
    ----------
    folder : Path or None
        Receives them; None where none are kept.
    sources : sequence of Path
        Folders to look for them in.
    training : mapping
        What makes a training the same one: see :func:`fingerprint`.
    """

    def __init__(self, folder: Path | None, sources: tuple[Path, ...], training: Mapping[str, Any]) -> None:
        self._folder = folder
        self._sources = sources
        self._training = json.loads(json.dumps(training))

    def latest(self, num_round: int, features: Features) -> Checkpoint | None:
        """The newest checkpoint that is whole; None where there is none. What is damaged is said in a line.

        Parameters
        ----------
        num_round : int
            Rounds that are asked for.
        features : Features
            What the training learns from.

        Raises
        ------
        ConfigError
            If it is of another training, or has more rounds than are asked for.
        """
        found = [(rounds, path) for folder in self._sources for rounds, path in _files(folder)]
        for rounds, path in sorted(found, key=lambda entry: -entry[0]):
            try:
                header, checkpoint = _read(path)
            except ConfigError as error:
                _pass_over(path, error)
                continue
            self._require_same_training(header, path)
            try:
                _check_booster(checkpoint, features, rounds)
            except ConfigError as error:
                _pass_over(path, error)
                continue
            if rounds > num_round:
                raise ConfigError(
                    f"the checkpoint {path.name} has {rounds} rounds, and num_round is {num_round}",
                    fix="ask for at least as many rounds, or empty the checkpoint folder",
                )
            print(f"checkpoint={path} rounds={rounds} continues")
            return checkpoint
        return None

    def write(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint, and remove what it makes superfluous.

        Raises
        ------
        StorageError
            If the folder is full or refuses to be written.
        """
        if self._folder is None:
            return
        header = {
            "schema": SCHEMA,
            "bytes": len(checkpoint.booster),
            "sha256": hashlib.sha256(checkpoint.booster).hexdigest(),
            "training": self._training,
            "progress": checkpoint.progress.as_json(),
        }
        path = self._folder / f"rounds-{checkpoint.progress.rounds:06d}.checkpoint"
        try:
            with whole_file(path) as file:
                file.write(json.dumps(header, allow_nan=False).encode() + b"\n")
                file.write(checkpoint.booster)
            for _, superfluous in sorted(_files(self._folder))[:-_KEEP]:
                superfluous.unlink()
        except OSError as error:
            raise _unwritable(self._folder, error.strerror) from error

    def _require_same_training(self, header: Mapping[str, Any], path: Path) -> None:
        theirs = header["training"]
        for part in self._training:
            if (difference := _difference(theirs.get(part), self._training[part])) is not None:
                raise ConfigError(
                    f"the checkpoint {path.name} is of another training: {part} {difference}",
                    fix="start with an empty checkpoint folder, or train as before",
                )


def wanted(tree: Tree) -> bool:
    """Whether a job keeps checkpoints, or is given some."""
    return checkpoint_folder(tree) is not None or tree.channel("checkpoints").is_dir()


def open_checkpoints(tree: Tree, training: Mapping[str, Any]) -> Checkpoints:
    """The checkpoints of a job.

    Raises
    ------
    StorageError
        If the folder they are to be kept in cannot be written.
    """
    folder, channel = checkpoint_folder(tree), tree.channel("checkpoints")
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for unfinished in folder.glob(".rounds-*.unfinished"):
                unfinished.unlink()
        except OSError as error:
            raise _unwritable(folder, error.strerror) from error
        if not os.access(folder, os.W_OK):
            raise _unwritable(folder, "it is read-only")
    sources = tuple(source for source in (folder, channel) if source is not None and source.is_dir())
    return Checkpoints(folder, sources, training)


def checkpoint_folder(tree: Tree) -> Path | None:
    """The folder checkpoints are written to; None where there is none and none is configured."""
    config = read_optional_json(tree.checkpoint_config)
    given = Fields(config, source="checkpointconfig.json").get("LocalPath", str, "/opt/ml/checkpoints")
    folder = tree.local(given)
    if not folder.is_absolute():
        raise ConfigError(
            f"LocalPath in checkpointconfig.json is {given!r}, not an absolute path", fix="begin it with /"
        )
    return folder if config or tree.checkpoint_config.is_file() or folder.exists() else None


def fingerprint(
    parameters: Mapping[str, Any],
    *,
    hooks: str | None,
    columns: Mapping[str, Any],
    data: Mapping[str, str],
    hosts: int,
) -> dict[str, Any]:
    """What makes a training the same one.

    Parameters
    ----------
    parameters : mapping
        All hyperparameters.
    hooks : str or None
        SHA-256 of ``hooks.py``.
    columns : mapping
        As :meth:`fraudlab.container.features.Features.as_json` gives them.
    data : mapping of str
        SHA-256 of each channel of rows that shapes the training.
    hosts : int
    """
    import xgboost

    shaping = {name: value for name, value in parameters.items() if name not in _NOT_OF_A_ROUND}
    description = hashlib.sha256(json.dumps(columns, sort_keys=True).encode()).hexdigest()
    return {
        "hyperparameters": {**shaping, "hooks.py": hooks},
        "data": {**data, "columns": description},
        "versions": {"xgboost": xgboost.__version__},
        "hosts": {"count": hosts},
    }


def share(checkpoint: Checkpoint | None, hosts: Hosts) -> Checkpoint | None:
    """The first host's checkpoint, on every host."""
    if len(hosts) == 1:
        return checkpoint
    shared = hosts.share(None if checkpoint is None else checkpoint.progress.as_json())
    booster = hosts.gather(b"" if checkpoint is None else bytes(checkpoint.booster))[0]
    if shared is None:
        return None
    return Checkpoint(read_progress(Fields(shared, source="progress")), booster)


def _difference(theirs: Any, ours: Mapping[str, Any]) -> str | None:
    """The first entry that differs, as a clause; None where none does."""
    if not isinstance(theirs, dict):
        return "are not described in it"
    for name in sorted(theirs.keys() | ours.keys()):
        before, now = theirs.get(name), ours.get(name)
        if before != now:
            digest = isinstance(before, str) and isinstance(now, str) and len(before) == len(now) == 64
            return f"differ ({name})" if digest else f"differ ({name} was {before}, and is {now})"
    return None


def _files(folder: Path) -> list[tuple[int, Path]]:
    """The checkpoints in a folder, and their rounds."""
    named = [(_NAME.fullmatch(path.name), path) for path in folder.iterdir()]
    return [(int(match[1]), path) for match, path in named if match and path.is_file()]


def _pass_over(path: Path, error: ConfigError) -> None:
    print(f"checkpoint={path} is passed over: {error.sentence}")


def _read(path: Path) -> tuple[dict[str, Any], Checkpoint]:
    """Read and check one file, but for its booster.

    Raises
    ------
    ConfigError
        If it is not a whole checkpoint.
    """
    fix = "remove it"
    try:
        with path.open("rb") as file:
            line = file.readline(_MAX_HEADER_BYTES)
            content = bytearray(file.read(MAX_BYTES + 1))
        header = json.loads(line)
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError("it cannot be read", fix=fix) from error
    if not isinstance(header, dict) or header.get("schema") != SCHEMA:
        raise ConfigError("it is not a checkpoint of this version", fix=fix)
    fields = Fields(header, source="its header")
    if len(content) != fields.get("bytes", int):
        raise ConfigError("it is cut short", fix=fix)
    if hashlib.sha256(content).hexdigest() != fields.get("sha256", str):
        raise ConfigError("its SHA-256 differs", fix=fix)
    fields.get("training", dict)
    return header, Checkpoint(read_progress(fields.fields("progress")), content)


def _check_booster(checkpoint: Checkpoint, features: Features, rounds: int) -> None:
    """Refuse a booster that XGBoost could not go on from, or of other rounds than the file is named for."""
    import xgboost

    try:
        check_booster(checkpoint.booster, features)
        held = xgboost.Booster(model_file=bytearray(checkpoint.booster)).num_boosted_rounds()
    except (ConfigError, xgboost.core.XGBoostError) as error:
        raise ConfigError("it does not hold a booster", fix="remove it") from error
    if not held == checkpoint.progress.rounds == rounds:
        raise ConfigError(f"it holds {held} rounds", fix="remove it")


def _unwritable(folder: Path, reason: str | None) -> StorageError:
    return StorageError(
        f"no checkpoint can be written to {folder}: {reason}",
        fix="free disk space, or give the job a writable checkpoint folder",
    )
