"""``run.json``: read without trusting it, because a run may have been killed at any moment."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import orjson

from fraudlab import locks
from fraudlab.errors import RunError

RECORD = "run.json"
#: held by the launcher for as long as the run goes on; has the room its last record needs
OWNER = ".owner"
#: a thousand times what a run writes
_MAX_BYTES = 4 << 20
#: what the record of nearly every run is within
_USUAL_BYTES = 256 << 10
_KINDS: dict[str, type | tuple[type, ...]] = {
    "id": str,
    "status": str,
    "metrics": dict,
    "stages": dict,
    "error": (dict, type(None)),
    "started": (str, type(None)),
    "ended": (str, type(None)),
}
#: follow no link, and do not wait for the other end of a pipe
_CAREFULLY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_AGAIN = "remove the run and repeat it"


def is_trial(record: Mapping[str, Any]) -> bool:
    """Whether a record is of a study's trial, which is measured on validation alone."""
    study = record.get("study")
    return isinstance(study, Mapping) and study.get("role") == "trial"


def read_record(folder: Path) -> dict[str, Any]:
    """Read a run's record.

    Where the launcher ended without recording how, the status is ``dead`` and the error says so.

    Parameters
    ----------
    folder : Path
        The run's.

    Raises
    ------
    RunError
        Where the file is missing, cannot be read, or is no record.
    """
    record = _parsed(folder / RECORD)
    if record["status"] != "running" or locks.is_held(folder / OWNER):
        return record
    # a run that ends writes its record before it lets go
    record = _parsed(folder / RECORD)
    if record["status"] == "running":
        record["status"] = "dead"
        record["error"] = {
            "type": "Dead",
            "message": "Its launcher ended without a word: it was killed, or the machine stopped.",
            "fix": "repeat the run; `fraudlab clean` takes away what it left in the cache",
            "exit_code": None,
        }
    return record


class Head(msgspec.Struct, gc=False):
    """What a list says of a run; the rest of its record is read when somebody asks for it.

    Of ten thousand runs, that is a third of the work.
    """

    id: str
    status: str
    metrics: dict[str, Any]
    stages: dict[str, Any]
    error: dict[str, Any] | None = None
    started: str | None = None
    ended: str | None = None
    name: Any = None
    backend: Any = None
    data: Any = None
    gates: Any = None
    cloud: Any = None


def ended_head(folder: str) -> tuple[Head, bytes] | None:
    """The head of a run that has ended, and its record as it was read; None where a closer look is needed.

    Parameters
    ----------
    folder : str
        The run's.
    """
    try:
        descriptor = os.open(f"{folder}/{RECORD}", os.O_RDONLY | _CAREFULLY)
    except OSError:
        return None
    try:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > _USUAL_BYTES:
            return None
        raw = os.read(descriptor, facts.st_size)
        head = _HEAD.decode(raw)
    except (OSError, ValueError, RecursionError):  # msgspec's errors are ValueErrors
        return None
    finally:
        os.close(descriptor)
    return (head, raw) if head.status != "running" else None


def head_of(record: dict[str, Any]) -> Head:
    """The head of a record that was read and checked."""
    return Head(**{name: record[name] for name in Head.__struct_fields__ if name in record})


def _parsed(path: Path) -> dict[str, Any]:
    raw = _bytes_of(path)
    try:
        record = loaded(raw)
    except (ValueError, RecursionError) as error:
        what = "is empty" if not raw.strip() else f"is not JSON ({str(error)[:200]})"
        raise RunError(f"{path} {what}.", fix=_AGAIN) from error
    if not isinstance(record, dict):
        raise RunError(f"{path} is not the record of a run: it is no object.", fix=_AGAIN)
    for name, kind in _KINDS.items():
        if not isinstance(record.get(name, None), kind):
            what = f"its {name!r} is damaged" if name in record else f"it has no {name!r}"
            raise RunError(f"{path} is not the record of a run: {what}.", fix=_AGAIN)
    return record


def loaded(raw: bytes) -> Any:
    """JSON of a record, NaN included."""
    try:
        return orjson.loads(raw)
    except ValueError:  # it does not know NaN, and says less of what is wrong
        return json.loads(raw)


def _bytes_of(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | _CAREFULLY)
    except FileNotFoundError as error:
        raise RunError(f"{path} does not exist.", fix="the run did not get that far") from error
    except OSError as error:
        reason = "it is a link" if error.errno == errno.ELOOP else error.strerror
        raise RunError(f"{path} cannot be read: {reason}.", fix="see whose file it is") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise RunError(f"{path} is not a file.", fix=_AGAIN)
    with os.fdopen(descriptor, "rb") as file:
        try:
            raw = file.read(_MAX_BYTES + 1)
        except OSError as error:
            raise RunError(f"{path} cannot be read: {error.strerror}.", fix="check its disk") from error
    if len(raw) > _MAX_BYTES:
        raise RunError(
            f"{path} is not the record of a run: it has more than {_MAX_BYTES >> 20} MiB.", fix=_AGAIN
        )
    return raw


_HEAD = msgspec.json.Decoder(Head)


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one with dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        flat.update(flatten(value, f"{name}.") if isinstance(value, Mapping) else {name: value})
    return flat
