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

import datetime as dt
import difflib
import errno
import re
import reprlib
import shlex
import sys
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

#: "[12:00:00] /src/data/data.cc:522: Check failed: a == b (3 vs. 0) : ", "- [socket.h:79|12:00:00]: "
_XGBOOST_PLACE = re.compile(
    r"^(?:- )?(?:\[[\d:]{8}\] \S+:\d+: ?)?(?:\[\S+\|[\d:]{8}\]:)?(?:Check failed: .*?: (?=\S))?"
)
#: a word that the shell and Hydra take as it is
_PLAIN = re.compile(r"(?!(?:true|false|null|nan|inf)$)[A-Za-z_][A-Za-z0-9_]*", re.IGNORECASE)
#: of an error with several sentences: together less than the 1024 that SageMaker shows
_MAX_SENTENCES, _MAX_FIXES = 640, 320
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


def together(problems: Sequence[ConfigError], *, what: str) -> ConfigError:
    """One error for everything that is wrong; short enough for SageMaker, which shows 1024 characters.

    Parameters
    ----------
    problems : sequence of ConfigError
        At least one, which is returned itself where it is the only one.
    what : str
        As in "3 hyperparameters cannot be used".
    """
    if len(problems) == 1:
        return problems[0]
    fixes = sorted(dict.fromkeys(problem.fix for problem in problems), key=len)
    begin = f"{len(problems)} {what}: "
    return ConfigError(
        begin + _joined([problem.sentence for problem in problems], _MAX_SENTENCES),
        fix=_joined(fixes, _MAX_FIXES),
    )


def _joined(sentences: Sequence[str], longest: int) -> str:
    """Sentences behind each other; those for which there is no room are shortened, and at last counted."""
    room = max(40, longest // len(sentences) - 2)
    if sum(map(len, sentences)) + 2 * len(sentences) > longest:
        sentences = [text if len(text) <= room else text[: room - 1] + "…" for text in sentences]
    kept = sentences[: max(1, longest // (room + 2))]
    rest = len(sentences) - len(kept)
    return "; ".join(kept) + (f"; and {rest} more" if rest else "")


def near(name: str, valid: Iterable[str], *, limit: int = 1) -> str:
    """Which valid names may be meant: ``" (did you mean 'a' or 'b'?)"``, or nothing where none is close."""
    close = [repr(found) for found in difflib.get_close_matches(name, list(valid), n=limit, cutoff=0.6)]
    several = " or ".join(filter(None, [", ".join(close[:-1]), *close[-1:]]))
    return f" (did you mean {several}?)" if close else ""


def quoted(value: object) -> str:
    """A value for a sentence; the beginning of it where it is long, or deep."""
    # a time as people write it, not as Python constructs it
    return str(value) if isinstance(value, dt.date | dt.time | dt.timedelta) else _SHORT.repr(value)


def listing(names: Sequence[str], *, limit: int = 40) -> str:
    """Names for a sentence, the first of them where they are many."""
    rest = len(names) - limit
    return ", ".join(names[:limit]) + (f" and {rest} more" if rest > 0 else "")


def override(key: str, names: Iterable[str]) -> str:
    """A list of names as an override to paste into a shell: ``data.drop=[a,b]``."""
    items = [name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '\\"') + '"' for name in names]
    text = f"{key}=[{','.join(items)}]"
    return text if '"' not in text else shlex.quote(text)


def job_error(error: BaseException) -> JobError:
    """The error a person should read for `error`: itself, or what it means."""
    if isinstance(error, JobError):
        return error
    if isinstance(error, OSError) and error.errno in _STORAGE_ERRNOS:
        where = f" {error.filename}" if error.filename else ""
        return StorageError(
            f"cannot write{where}: {error.strerror}", fix="free disk space, or give the job a writable volume"
        )
    # By name, as importing XGBoost to ask takes longer than most failures.
    from_xgboost = type(error).__name__ == "XGBoostError"
    if isinstance(error, MemoryError) or (from_xgboost and "std::bad_alloc" in str(error)):
        return JobError("the job ran out of memory", fix="use a larger instance, or a smaller table")
    found = _xgboost_sentence(str(error)) if from_xgboost else str(error).split("\n", 1)[0]
    return JobError(f"unexpected {type(error).__name__}: {found}", fix="read the traceback in the job's log")


def _xgboost_sentence(text: str) -> str:
    """What XGBoost says, without its clock, its source line, the condition that failed and its stack."""
    for line in text.split("\nStack trace:", 1)[0].splitlines():
        plain = _XGBOOST_PLACE.sub("", line).strip()
        if plain:
            return plain
    return text


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
        path.unlink(missing_ok=True)  # it may be a link
        with path.open("x", encoding="utf-8") as file:
            file.write("\n".join([*lines, details]))
    except OSError as unwritable:
        details += f"and {path} cannot be written: {unwritable}\n"
    sys.stderr.write(details + "".join(f"fraudlab-failure: {line}\n" for line in lines))
    sys.stderr.flush()
    return reason.exit_code
