"""Checkpoints: what a training that was killed goes on from, exactly.

A checkpoint belongs to one training: its hyperparameters, its data, its XGBoost and its number of hosts. It
is written after every segment of rounds, and at the end of a training that ends inside one. A model that is
refitted is two trainings, and each member of an average is one or two, with checkpoints of its own: those of
the first stay, so that a job that is killed in a later one knows how they ended. Each older fold of a
prequential split has a folder of its own among them.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fraudlab.container.contract import FOLDS, Fields, Tree, read_optional_json
from fraudlab.container.failure import ConfigError, StorageError
from fraudlab.container.features import Features
from fraudlab.container.hosts import Hosts
from fraudlab.container.hyperparameters import Hyperparameters
from fraudlab.container.training.checkpoint_files import (
    Checkpoint,
    Fit,
    check_held,
    checkpoint_files,
    read_checkpoint,
    write_checkpoint,
)
from fraudlab.container.training.progress import can_go_on, is_over, read_progress

#: parameters that come into play after the rounds, or only say how many there are
_NOT_OF_A_ROUND = (
    "num_round",
    "save_best",
    "k_fold",
    "k_fold_repeats",
    "decision_threshold",
    "refit",
    "calibration",
)


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
    fit : {"rounds", "refit"}
        Whether they are of the fit that validation watches, or of the one on its rows as well.
    member : int
        Which member of an average is trained, counted from 1; 0 where the model is none.
    """

    def __init__(
        self,
        folder: Path | None,
        sources: tuple[Path, ...],
        training: Mapping[str, Any],
        fit: Fit = "rounds",
        member: int = 0,
    ) -> None:
        self._folder = folder
        self._sources = sources
        self._fit = f"member{member:02d}-{fit}" if member else fit
        described = {**training, **({"fit": {"rows": "train and validation"}} if fit == "refit" else {})}
        self._training = json.loads(json.dumps(described))

    def latest(self, parameters: Hyperparameters, features: Features) -> Checkpoint | None:
        """The newest checkpoint to go on from, or None. What is passed over is said in a line.

        Parameters
        ----------
        parameters : Hyperparameters
            What is asked for.
        features : Features
            What the training learns from.

        Raises
        ------
        ConfigError
            If it is of another training, or has more whole segments of rounds than are asked for.
        """
        num_round, length = parameters.num_round, parameters.checkpoint_rounds
        found = [
            (rounds, path) for folder in self._sources for rounds, path in checkpoint_files(folder, self._fit)
        ]
        for rounds, path in sorted(found, key=lambda entry: -entry[0]):
            try:
                header, checkpoint = read_checkpoint(path)
            except ConfigError as error:
                _pass_over(path, error.sentence)
                continue
            self._require_same_training(header, path)
            try:
                check_held(checkpoint, features, rounds)
            except ConfigError as error:
                _pass_over(path, error.sentence)
                continue
            # Nobody asks for the rounds of a refit: they are those of the first fit.
            if rounds > num_round and (rounds % length or self._fit.endswith("refit")):
                _pass_over(path, f"it has {rounds} rounds, and num_round is {num_round}")
                continue
            if rounds > num_round:
                raise ConfigError(
                    f"the checkpoint {path.name} has {rounds} rounds, and num_round is {num_round}",
                    fix="ask for at least as many rounds, or empty the checkpoint folder",
                )
            if not can_go_on(checkpoint.progress, parameters):
                _pass_over(
                    path, f"rounds draw random numbers, and it ends inside a segment of {length} rounds"
                )
                continue
            _say(f"checkpoint={path} rounds={rounds} continues")
            if is_over(checkpoint.progress, parameters):
                _say("no round is left to train: the checkpoint is that of a training that has ended")
            return checkpoint
        return None

    def write(self, checkpoint: Checkpoint, *, length: int) -> None:
        """Write a checkpoint, and remove what it makes superfluous.

        The last whole segment before it stays: a job goes on from there should this one be damaged, or end
        inside a segment that has to be trained again.

        Parameters
        ----------
        checkpoint : Checkpoint
        length : int
            Rounds of a segment.

        Raises
        ------
        StorageError
            If the folder is full or refuses to be written.
        """
        if self._folder is None:
            return
        now = checkpoint.progress.rounds
        try:
            write_checkpoint(self._folder, checkpoint, self._training, self._fit)
            held = checkpoint_files(self._folder, self._fit)
            others = [(rounds, path) for rounds, path in held if rounds != now]
            before = max(
                (rounds for rounds, _ in others if rounds < now and rounds % length == 0), default=None
            )
            for rounds, path in others:
                if rounds % length or (rounds < now and rounds != before):
                    path.unlink()
        except OSError as error:
            raise _unwritable(self._folder, error.strerror) from error

    def _require_same_training(self, header: Mapping[str, Any], path: Path) -> None:
        theirs = header["training"]
        for part in {**self._training, **theirs}:
            if (difference := _difference(theirs.get(part), self._training.get(part, {}))) is not None:
                raise ConfigError(
                    f"the checkpoint {path.name} is of another training: {part} {difference}",
                    fix="start with an empty checkpoint folder, or train as before",
                )


def wanted(tree: Tree) -> bool:
    """Whether a job keeps checkpoints, or is given some."""
    return checkpoint_folder(tree) is not None or tree.channel("checkpoints").is_dir()


@dataclass(frozen=True, slots=True)
class CheckpointKeeper:
    """Hands out the checkpoints of each training of a job.

    Attributes
    ----------
    folder : Path or None
        Receives them; None where none are kept.
    sources : tuple of Path
        Folders to look for them in.
    training : mapping
        What is the same for all of a job's trainings: see :func:`fingerprint`.
    """

    folder: Path | None
    sources: tuple[Path, ...]
    training: Mapping[str, Any]

    def of(self, parameters: Hyperparameters, fit: Fit, member: int = 0) -> Checkpoints:
        """Those of one training.

        Parameters
        ----------
        parameters : Hyperparameters
            What the job asks for, of this member.
        fit : {"rounds", "refit"}
        member : int
            Counted from 1; 0 where the model is no average.
        """
        given = {n: v for n, v in parameters.as_json().items() if n not in _NOT_OF_A_ROUND}
        training = {"hyperparameters": {**given, **self.training["hyperparameters"]}}
        return Checkpoints(self.folder, self.sources, {**self.training, **training}, fit, member)

    def of_fold(
        self, number: int, *, columns: Mapping[str, Any], data: Mapping[str, str]
    ) -> CheckpointKeeper:
        """Those of an older fold of a prequential split, in a folder of its own.

        Parameters
        ----------
        number : int
            As its folder in the channel of folds is named.
        columns, data : mapping
            The fold's own, as :func:`fingerprint` takes them.

        Raises
        ------
        StorageError
            If the folder cannot be written.
        """
        inner = Path(FOLDS, str(number))
        folder = None if self.folder is None else self.folder / inner
        if folder is not None:
            _make_ready(folder)
        sources = tuple(path for source in self.sources if (path := source / inner).is_dir())
        own = {**self.training, "data": _described(data, columns)}
        return CheckpointKeeper(folder, sources, own)


def open_checkpoints(tree: Tree, training: Mapping[str, Any]) -> CheckpointKeeper:
    """The checkpoints of a job.

    Raises
    ------
    StorageError
        If the folder they are to be kept in cannot be written.
    """
    folder, channel = checkpoint_folder(tree), tree.channel("checkpoints")
    if folder is not None:
        _make_ready(folder)
    sources = tuple(source for source in (folder, channel) if source is not None and source.is_dir())
    return CheckpointKeeper(folder, sources, training)


def _make_ready(folder: Path) -> None:
    """Have a folder that can be written, without what a killed job left half-written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for unfinished in folder.glob(".[mr]*-*.checkpoint.unfinished"):
            unfinished.unlink()
    except OSError as error:
        raise _unwritable(folder, error.strerror) from error
    if not os.access(folder, os.W_OK):
        raise _unwritable(folder, "it is read-only")


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
    *, hooks: str | None, columns: Mapping[str, Any], data: Mapping[str, str], hosts: int
) -> dict[str, Any]:
    """What makes a training the same one, beside its hyperparameters.

    Parameters
    ----------
    hooks : str or None
        SHA-256 of ``hooks.py``.
    columns : mapping
        As :meth:`fraudlab.container.features.Features.as_json` gives them.
    data : mapping of str
        SHA-256 of each channel of rows that shapes the training.
    hosts : int
    """
    import xgboost

    return {
        "hyperparameters": {"hooks.py": hooks},
        "data": _described(data, columns),
        "versions": {"xgboost": xgboost.__version__},
        "hosts": {"count": hosts},
    }


def _described(data: Mapping[str, str], columns: Mapping[str, Any]) -> dict[str, str]:
    description = hashlib.sha256(json.dumps(columns, sort_keys=True).encode()).hexdigest()
    return {**data, "columns": description}


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


def _pass_over(path: Path, reason: str) -> None:
    _say(f"checkpoint={path} is passed over: {reason}")


def _say(line: str) -> None:
    # In one piece: folds are trained beside each other, and `print` writes the end of a line apart.
    sys.stdout.write(f"{line}\n")


def _unwritable(folder: Path, reason: str | None) -> StorageError:
    return StorageError(
        f"no checkpoint can be written to {folder}: {reason}",
        fix="free disk space, or give the job a writable checkpoint folder",
    )
