"""Which backends there are, and what each says of itself.

A backend is one line here and a module with a ``DESCRIPTION`` and an ``open_backend``. Whoever wants to know
something of a backend asks for its description, and never for its name: this is below the configuration,
which is checked by it, and loads a backend's module only when it is asked for that backend.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

#: name to module, in the order in which people are shown them
BACKENDS: dict[str, str] = {
    "process": "fraudlab.backends.process",
    "local": "fraudlab.backends.local",
    "rehearsal": "fraudlab.backends.rehearsal",
    "sagemaker": "fraudlab.backends.sagemaker",
}


def _as_it_is(folder: Path) -> Path:
    return folder


def _nothing_left(_workspace: Path) -> bool:
    return True


@dataclass(frozen=True)
class Description:
    """What a backend says of itself.

    Attributes
    ----------
    name : str
        As in ``backend=NAME``.
    title : str
        What a run says of where it runs, such as ``"plain processes"``.
    place : str
        The same behind the name, such as ``"containers, SageMaker local mode"``.
    jobs : str
        What its jobs are: ``"containers"``, ``"processes"``.
    needs : str
        What must be there before it can be used.
    takes : frozenset of str
        The keys of the ``backend`` section that limit its jobs: ``memory``, ``pids``.
    outlives_launcher : bool
        Its jobs go on when the process that started them ends, and any process may wait for them.
    in_cloud : bool
        Its jobs cost money, or would where they are only rehearsed: a person is shown what before.
    transforms : bool
        It runs batch transform jobs.
    rehearsed : bool
        Its results stand for those of the cloud and are none of them.
    folder : callable
        Given the folder that is wanted for working files, one that jobs can be given.
    release : callable
        Given the working folder of a run whose launcher is gone, ends what still works in it; False where
        that is not possible now.
    """

    name: str
    title: str
    place: str
    jobs: str
    needs: str
    takes: frozenset[str] = frozenset()
    outlives_launcher: bool = False
    in_cloud: bool = False
    transforms: bool = False
    rehearsed: bool = False
    folder: Callable[[Path], Path] = _as_it_is
    release: Callable[[Path], bool] = _nothing_left


def describe(name: str) -> Description:
    """What the backend of a name says of itself.

    Raises
    ------
    KeyError
        Where :data:`BACKENDS` has none of that name; the configuration is checked before.
    """
    description: Description = importlib.import_module(BACKENDS[name]).DESCRIPTION
    return description


def descriptions() -> list[Description]:
    """What each backend says of itself."""
    return [describe(name) for name in BACKENDS]
