"""What a backend is: where the jobs of a run are carried out, its files, and an endpoint for a while."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from fraudlab.api_requests import Placement, Request
from fraudlab.backends.endpoint import Endpoint, Runtime
from fraudlab.backends.joblog import JobLog
from fraudlab.errors import RunError
from fraudlab.runs.shared_state import SharedState

if TYPE_CHECKING:
    from fraudlab.terminal import Terminal

__all__ = ["Backend", "Endpoint", "FarAway", "Files", "Job", "JobHandle", "Runtime", "ending_of", "facts_of"]

#: what a job does with the image: prepare, train, or score files in a batch
Job = Literal["process", "train", "transform"]


@dataclass(frozen=True)
class JobHandle:
    """A job that has been started: plain values, so that it can be written down and waited for elsewhere.

    Attributes
    ----------
    backend : str
        Name of the backend that started it.
    job : {"process", "train", "transform"}
    name : str
        Of the job, as in its request.
    output : str
        URI of the folder that receives what it writes: the prepared splits, ``model.tar.gz`` and
        ``output.tar.gz``, or files of scores.
    """

    backend: str
    job: Job
    name: str
    output: str

    def as_record(self) -> dict[str, str]:
        """The handle as it is written to ``run.json``."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Any) -> JobHandle:
        """The handle that was written to ``run.json``.

        Raises
        ------
        RunError
            Where it is none.
        """
        names = [field.name for field in fields(cls)]
        if not isinstance(record, dict) or any(not isinstance(record.get(name), str) for name in names):
            raise RunError("The run's record of a job is damaged.", fix="repeat the run")
        return cls(**{name: record[name] for name in names})


class Files(Protocol):
    """How the launcher's folders come to a backend's jobs, and what they wrote comes back."""

    def stage(self, folder: Path, *, name: str, content: str | None = None) -> str:
        """Give a folder to jobs, and return the URI under which they find what is in it now.

        Parameters
        ----------
        folder : Path
            Stays where it is while jobs read it.
        name : str
            What it is called where the run's files lie; a second folder of that name replaces the first.
        content : str, optional
            A text that only this content has, such as a hash: what is there under it need not be sent again.
        """
        ...

    def destination(self, name: str) -> str:
        """The URI of an empty place of the run, to which one job may write."""
        ...

    def fetch(self, uri: str) -> Path:
        """The folder of the launcher that holds what a job wrote to a URI; it may hold nothing."""
        ...

    def exists(self, uri: str) -> bool:
        """Whether anything is at a URI."""
        ...

    def find(self, content: str) -> str | None:
        """The URI of what has been staged or kept, whole, under a text that only its content has.

        None where nothing has, and where jobs find nothing that this machine does not have.
        """
        ...

    def keep(self, uri: str, *, content: str) -> str:
        """Let other runs find what a job wrote to a URI under a text that only its content has.

        Returns
        -------
        str
            The URI under which it is kept.
        """
        ...


@runtime_checkable
class FarAway(Protocol):
    """What a backend has besides where its jobs and files are not on this machine."""

    def show_on(self, terminal: Terminal) -> None:
        """Show the progress of transfers, and what jobs wait for, there."""
        ...

    def facts(self) -> dict[str, Any]:
        """What a run records of the place it is carried out in, as far as it is known by now."""
        ...

    def ending(self, handle: JobHandle) -> Mapping[str, Any] | None:
        """How the service described a job when it had ended; None where nobody has waited for it here."""
        ...


class Backend(Protocol):
    """Where the jobs of a run are carried out."""

    @property
    def name(self) -> str:
        """As in :data:`fraudlab.backend_registry.BACKENDS`, under which it describes itself."""
        ...

    @property
    def placement(self) -> Placement: ...

    @property
    def image_id(self) -> str | None: ...

    @property
    def files(self) -> Files: ...

    @property
    def shared_state(self) -> SharedState | None:
        """Where every machine finds the state of this run; None where its jobs end with their launcher."""
        ...

    def start(self, job: Job, request: Request, *, model: Request | None = None) -> JobHandle:
        """Start a job, and return without waiting for it.

        A request that has been started, by whatever process, is not started again where jobs outlive
        their launcher: one that ended between starting a job and writing it down is followed by one that asks
        for the same.

        Parameters
        ----------
        job : {"process", "train", "transform"}
        request : dict
        model : dict, optional
            Of a transform job, the request for the model that it names: made before the job is, and taken
            away by :meth:`wait` once the job has ended.

        Raises
        ------
        BackendError
            Where it cannot be started.
        """
        ...

    def wait(self, handle: JobHandle, log: JobLog) -> None:
        """Wait for the end of a job, and write what it prints to a log.

        Raises
        ------
        FraudlabError
            The job's own error, where it failed.
        BackendError
            Where the job is another process's, and this backend's jobs end with their launcher.
        BackendLost
            Where it cannot be asked any more; the job goes on.
        """
        ...

    def stop(self, handle: JobHandle) -> None:
        """Ask for the end of a job; one that has ended, or has never begun, stays as it is.

        Raises
        ------
        BackendError
            Where it cannot be asked for.
        """
        ...

    def endpoint(
        self, *, model: Request, endpoint_config: Request, endpoint: Request, log: JobLog
    ) -> AbstractContextManager[Endpoint]:
        """Deploy a model for the length of a ``with`` block."""
        ...

    def take_down(self, *, model: str, endpoint_config: str, endpoint: str) -> None:
        """Take down what a launcher that was killed has left of an endpoint of this run, in whatever state.

        Parameters
        ----------
        model, endpoint_config, endpoint : str
            Their names; what is not there, or is another run's, is no error.

        Raises
        ------
        BackendError
            Where something is left.
        """
        ...

    def close(self) -> None:
        """Leave nothing behind."""
        ...


def facts_of(backend: Backend) -> dict[str, Any]:
    """What a run records of the place it is carried out in; nothing of this machine."""
    return backend.facts() if isinstance(backend, FarAway) else {}


def ending_of(backend: Backend, handle: JobHandle) -> Mapping[str, Any] | None:
    """How a service described a job that was waited for; None of jobs of this machine."""
    return backend.ending(handle) if isinstance(backend, FarAway) else None
