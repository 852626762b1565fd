"""Every error fraudlab raises on purpose.

::

    FraudlabError                 exit 1
    ├── ConfigError               exit 2    a key, value or combination that cannot work
    ├── DataError                 exit 3    the table is not what was described
    ├── BackendError              exit 4    the place the jobs should run in is not usable
    │   ├── DockerUnavailable               no engine answers, or it went away midway
    │   ├── ImageMissing                    the image is not on this engine
    │   ├── PortInUse                       somebody else listens there
    │   └── BackendLost                     it cannot be asked any more (network, expired credentials)
    ├── JobFailed                 exit 5    a job ran and ended with an error of its own
    │   └── ArchiveError                    what it packed cannot be unpacked
    ├── EndpointError             exit 6    the endpoint refused, or answered with something else
    │   └── RequestTooLarge                 it takes fewer bytes or rows at once (413)
    ├── RunError                  exit 7    a run folder is missing, taken or incomplete
    │   ├── RunTaken                        another launcher has it
    │   ├── RunEnded                        another machine has finished it
    │   └── NotReproduced                   carried out once more, its model is another
    ├── StorageError              exit 8    the disk is full or refuses to be written
    ├── TrackingError             exit 9    Comet was required and cannot be used
    ├── GateFailed                exit 10   the run completed, and a condition of --fail-if holds
    ├── RegistryError             exit 12   the registry has no such model, or refuses what is asked of it
    │   └── PromotionRefused                a gate of a promotion failed
    ├── Pruned                    exit 13   a study has ended a trial: others were better at the same round
    └── Interrupted               exit 130  Ctrl-C, SIGTERM, or a terminal that closed
        └── Detached              exit 11   the launcher ended, the run's jobs go on: `fraudlab runs attach`

Each carries the sentence a person needs and a fix, always. A job that fails on its data or configuration
raises :class:`DataError`, :class:`ConfigError` or :class:`StorageError` with the job's own sentence, so that
the exit code does not depend on which side of the container wall the mistake was noticed.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Literal

AFTER_INTERRUPTION = "repeat the run: jobs that had ended are taken from the cache"


class FraudlabError(Exception):
    """An error a person can act on.

    Parameters
    ----------
    message : str
        One sentence that says what is wrong, with the value that is.
    fix : str
        What to do about it.

    Attributes
    ----------
    run : Path or None
        Folder of the run that ended with it; None where none had begun.

    Examples
    --------
    >>> import fraudlab
    >>> from fraudlab.errors import FraudlabError
    >>> try:
    ...     fraudlab.train(["model=wieghted"])
    ... except FraudlabError as error:
    ...     print(error.fix)
    did you mean 'weighted'? Valid: baseline, notebook_v1, notebook_v2, weighted
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, fix: str) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.run: Path | None = None

    def __str__(self) -> str:
        return f"{self.message}\nfix: {self.fix}"


class ConfigError(FraudlabError):
    exit_code = 2


class DataError(FraudlabError):
    exit_code = 3


class BackendError(FraudlabError):
    exit_code = 4


class DockerUnavailable(BackendError):
    pass


class ImageMissing(BackendError):
    pass


class PortInUse(BackendError):
    pass


class BackendLost(BackendError):
    """It cannot be asked any more, and what was started there goes on: a run whose jobs do is detached."""


class JobFailed(FraudlabError):
    exit_code = 5


class ArchiveError(JobFailed):
    pass


class EndpointError(FraudlabError):
    exit_code = 6


class RequestTooLarge(EndpointError):
    pass


class RunError(FraudlabError):
    exit_code = 7


class RunTaken(RunError):
    pass


class RunEnded(RunError):
    pass


class NotReproduced(RunError):
    pass


class StorageError(FraudlabError):
    exit_code = 8


class TrackingError(FraudlabError):
    exit_code = 9


class GateFailed(FraudlabError):
    exit_code = 10


class RegistryError(FraudlabError):
    exit_code = 12


class PromotionRefused(RegistryError):
    pass


class Pruned(FraudlabError):
    """A trial that its study has ended early; the run says ``pruned``."""

    exit_code = 13


class Interrupted(FraudlabError):
    exit_code = 130


class Detached(Interrupted):
    """The launcher leaves a run whose jobs go on."""

    exit_code = 11


def ending_of(error: BaseException) -> Literal["interrupted", "failed", "detached", "pruned"]:
    """How a run ended that this error ended."""
    if isinstance(error, Detached):
        return "detached"
    if isinstance(error, Pruned):
        return "pruned"
    return "interrupted" if isinstance(error, Interrupted | KeyboardInterrupt) else "failed"


def described(error: BaseException) -> dict[str, Any]:
    """An error as it is recorded: ``type``, ``message``, ``fix`` and ``exit_code``, none of them empty."""
    if isinstance(error, FraudlabError):
        message, fix, code = error.message, error.fix, error.exit_code
    elif isinstance(error, KeyboardInterrupt):
        message, fix, code = "Interrupted.", AFTER_INTERRUPTION, Interrupted.exit_code
    else:
        message, fix, code = str(error), "this is a fault of fraudlab: report it with its traceback", 1
    name = type(error).__name__
    return {"type": name, "message": message or f"{name}.", "fix": fix, "exit_code": code}


def nearest(name: str, valid: Iterable[str]) -> str:
    """Say which valid names are meant, closest first.

    Parameters
    ----------
    name : str
        What was typed.
    valid : iterable of str
        What could have been typed.

    Returns
    -------
    str
        ``"did you mean 'a'? Valid: a, b, c"``; the question is left out where nothing is close.
    """
    options = sorted(valid)
    close = difflib.get_close_matches(name, options, n=1, cutoff=0.6)
    listing = "Valid: " + ", ".join(options) if options else "There are none"
    return f"did you mean {close[0]!r}? {listing}" if close else listing
