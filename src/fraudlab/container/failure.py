"""How a job fails: one sentence, one fix, one exit code.

::

    JobError            exit 1   internal: a defect, or a machine that gave up
    ├── ConfigError     exit 2   config:   a parameter that cannot work
    ├── TableError      exit 3   data:     the table is not what was described
    └── StorageError    exit 8   storage:  the disk is full or refuses to be written

The launcher raises its own error of the same kind, so a mistake has one exit code on both sides of the
container's wall.
"""

from __future__ import annotations

import difflib
import errno
import reprlib
import sys
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 100
_STORAGE_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM}


class JobError(Exception):
    """A reason to stop that a person can act on.

    Parameters
    ----------
    sentence : str
        What is wrong, with the value that is, in one line.
    fix : str
        What to do about it, in one line.
    """

    kind: ClassVar[str] = "internal"
    exit_code: ClassVar[int] = 1

    def __init__(self, sentence: str, *, fix: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.fix = fix


class ConfigError(JobError):
    kind = "config"
    exit_code = 2


class TableError(JobError):
    kind = "data"
    exit_code = 3


class StorageError(JobError):
    kind = "storage"
    exit_code = 8


def near(name: str, valid: Iterable[str], *, limit: int = 1) -> str:
    """Which valid names may be meant: ``" (did you mean 'a' or 'b'?)"``, or nothing where none is close."""
    close = [repr(found) for found in difflib.get_close_matches(name, list(valid), n=limit, cutoff=0.6)]
    several = " or ".join(filter(None, [", ".join(close[:-1]), *close[-1:]]))
    return f" (did you mean {several}?)" if close else ""


def shown(value: object) -> str:
    """A value for a sentence; the beginning of it where it is long, or deep."""
    return _SHORT.repr(value)


def listing(names: Sequence[str], *, limit: int = 40) -> str:
    """Names for a sentence, the first of them where they are many."""
    rest = len(names) - limit
    return ", ".join(names[:limit]) + (f" and {rest} more" if rest > 0 else "")


def job_error(error: BaseException) -> JobError:
    """The error a person should read for `error`: itself, or what it means."""
    if isinstance(error, JobError):
        return error
    if isinstance(error, OSError) and error.errno in _STORAGE_ERRNOS:
        where = f" {error.filename}" if error.filename else ""
        return StorageError(
            f"cannot write{where}: {error.strerror}", fix="free disk space, or give the job a writable volume"
        )
    if isinstance(error, MemoryError):
        return JobError("the job ran out of memory", fix="use a larger instance, or a smaller table")
    first_line = str(error).split("\n", 1)[0]
    return JobError(
        f"unexpected {type(error).__name__}: {first_line}", fix="read the traceback in the job's log"
    )


def report_failure(error: BaseException, path: Path) -> int:
    """Leave the reason where SageMaker, the launcher and a reader of the log each look for it.

    Parameters
    ----------
    error : BaseException
        What ended the job.
    path : Path
        The failure file; SageMaker shows its first 1024 characters.

    Returns
    -------
    int
        The exit code.
    """
    reason = job_error(error)
    lines = [reason.sentence, f"fix: {reason.fix}", f"kind: {reason.kind}"]
    details = "".join(traceback.format_exception(error)) if not isinstance(error, JobError) else ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([*lines, details]), encoding="utf-8")
    except OSError as unwritable:
        details += f"and {path} cannot be written: {unwritable}\n"
    sys.stderr.write(details + "".join(f"fraudlab-failure: {line}\n" for line in lines))
    sys.stderr.flush()
    return reason.exit_code
