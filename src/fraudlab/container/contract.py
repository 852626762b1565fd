"""SageMaker's contract: where things lie under ``/opt/ml``, and how what lies there is read and written."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import orjson

from fraudlab.container.failure import ConfigError, near, quoted

#: has the id of the process that started a job, where that is a launcher on the same machine
LAUNCHER = "FRAUDLAB_LAUNCHER"

#: folds of a prequential split that are older than the run's own: in the manifest, as a folder and a channel
FOLDS = "folds"
#: what a study chooses by; also of a fold in the figures of a prequential trial
VALIDATION_FIGURE = "validation_average_precision"
#: most of them, with the newest
MAX_FOLDS = 50

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Tree:
    """The folders of the contract.

    Parameters
    ----------
    root : Path
        ``/opt/ml``, or what stands for it.
    """

    root: Path

    @classmethod
    def from_environment(cls) -> Tree:
        """``$FRAUDLAB_ML_ROOT`` where a job runs as a plain process, else ``/opt/ml``."""
        return cls(Path(os.environ.get("FRAUDLAB_ML_ROOT", "/opt/ml")).absolute())

    @property
    def raw(self) -> Path:
        return self.root / "processing/input/raw"

    @property
    def process_request(self) -> Path:
        return self.root / "processing/input/config/process.json"

    @property
    def prepared(self) -> Path:
        return self.root / "processing/output"

    @property
    def hyperparameters(self) -> Path:
        return self.root / "input/config/hyperparameters.json"

    @property
    def input_data_config(self) -> Path:
        return self.root / "input/config/inputdataconfig.json"

    @property
    def resource_config(self) -> Path:
        return self.root / "input/config/resourceconfig.json"

    @property
    def checkpoint_config(self) -> Path:
        return self.root / "input/config/checkpointconfig.json"

    @property
    def channels(self) -> Path:
        return self.root / "input/data"

    def channel(self, name: str) -> Path:
        """Folder of one input channel of a training job."""
        return self.channels / name

    def local(self, path: str) -> Path:
        """Where a path that SageMaker names lies: below the root, if it is one below ``/opt/ml``."""
        given = PurePosixPath(path)
        inside = given.is_relative_to("/opt/ml")
        return self.root / given.relative_to("/opt/ml") if inside else Path(path)

    @property
    def model(self) -> Path:
        return Path(os.environ.get("FRAUDLAB_MODEL_DIR", self.root / "model"))

    @property
    def models(self) -> Path:
        """Where a multi-model endpoint's models are put, each in a folder of its own."""
        return self.root / "models"

    @property
    def results(self) -> Path:
        return self.root / "output/data"

    @property
    def training_failure(self) -> Path:
        return self.root / "output/failure"

    @property
    def processing_message(self) -> Path:
        return self.root / "output/message"


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    ConfigError
        If the file is missing, is not JSON, or holds anything but one object.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise ConfigError(f"{path} is missing", fix="give the job the channel it lies in") from error
    return parse_json(content, source=str(path))


def parse_json(content: bytes | bytearray, *, source: str) -> dict[str, Any]:
    """Read a JSON object by the letter of RFC 8259: no NaN, no infinity, no half characters.

    Raises
    ------
    ConfigError
        If `content` is not JSON, is nested deeper than 1024 levels, or holds anything but one object.
    """
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise ConfigError(f"{source} is not JSON: {error}", fix="write it as one JSON object") from error
    if not isinstance(found, dict):
        raise ConfigError(f"{source} does not hold a JSON object", fix="write it as one JSON object")
    return found


def read_optional_json(path: Path) -> dict[str, Any]:
    """Read a JSON object that need not be there; absent is empty."""
    return read_json(path) if path.exists() else {}


class Fields:
    """One JSON object, taken apart field by field with its types checked.

    Parameters
    ----------
    content : mapping
        The object.
    source : str
        What to call it in an error.
    """

    def __init__(self, content: Mapping[str, Any], *, source: str) -> None:
        self._content = dict(content)
        self._source = source
        self._known: set[str] = set()

    def get(self, name: str, kind: type[T], default: T | None = None) -> T:
        """The value of a field that must be there unless it has a default; whole numbers pass for float."""
        value = self.optional(name, kind)
        if value is None:
            value = default
        if value is None:
            raise ConfigError(
                f"{self._source} has no {name!r}", fix=f"set it to a value of type {kind.__name__}"
            )
        return value

    def optional(self, name: str, kind: type[T]) -> T | None:
        """The value of a field that may be absent or null."""
        self._known.add(name)
        value = self._content.get(name)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if value is None:
            return None
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ConfigError(
                f"{name!r} in {self._source} is {quoted(value)}, where {kind.__name__} is expected",
                fix=f"set it to a value of type {kind.__name__}",
            )
        return value

    def choice(self, name: str, *valid: str, default: str | None = None) -> str:
        """The value of a field with a closed list of values; it must be there unless it has a default."""
        value = self.get(name, str, default)
        if value not in valid:
            raise ConfigError(
                f"{name!r} in {self._source} is {quoted(value)}{near(value[:100], valid)}",
                fix=f"use one of: {', '.join(valid)}",
            )
        return value

    def names(self, name: str) -> tuple[str, ...]:
        """A list of distinct column names; absent is empty."""
        values = self.get(name, list, [])
        if not all(isinstance(value, str) for value in values) or len(set(values)) != len(values):
            raise ConfigError(
                f"{name!r} in {self._source} is {quoted(values)}, not a list of distinct column names",
                fix="name each column once",
            )
        return tuple(values)

    def has(self, name: str) -> bool:
        """Whether a field is there, and not null."""
        return self._content.get(name) is not None

    def fields(self, name: str) -> Fields:
        """A nested object."""
        return Fields(self.get(name, dict), source=f"{name!r} in {self._source}")

    def end(self) -> None:
        """Refuse what nobody asked for: a misspelt name would otherwise be a default."""
        for name in sorted(self._content.keys() - self._known):
            raise ConfigError(
                f"{self._source} has an unknown field {name!r}{near(name, self._known)}",
                fix=f"use one of: {', '.join(sorted(self._known))}",
            )


class HashingFile(io.RawIOBase):
    """A file opened for writing that knows the SHA-256 of what was written."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._hash = hashlib.sha256()
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._file.write(data)
        self._hash.update(data)
        self._size += len(data)
        return len(data)

    def tell(self) -> int:
        return self._size

    def close(self) -> None:
        self._file.close()
        super().close()

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


@contextmanager
def whole_file(path: Path) -> Iterator[HashingFile]:
    """Write a file that is either complete under its name or not there at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with HashingFile(unfinished) as file:
            yield file
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def write_json(path: Path, content: Any) -> None:
    """Write JSON, whole or not at all; numbers JSON has no name for are refused."""
    with whole_file(path) as file:
        file.write(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n")


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's content, as hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
