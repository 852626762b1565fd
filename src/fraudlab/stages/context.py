"""What every stage of a run is given."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fraudlab.api_requests import Request
from fraudlab.backend_registry import describe
from fraudlab.backends.backend import Backend, Job, JobHandle
from fraudlab.backends.joblog import JobLog
from fraudlab.cache import Cache
from fraudlab.config import RunConfig
from fraudlab.files import write_json
from fraudlab.redaction import hide
from fraudlab.runs import RunFolder
from fraudlab.stages.ahead import import_ahead
from fraudlab.terminal import StageLine, Terminal

if TYPE_CHECKING:
    from fraudlab.tracking.tracker import Tracker

#: where a run's record has the handles of its jobs
JOBS = "jobs"
#: what each job's request is called in ``requests/``
_REQUESTS: dict[Job, str] = {
    "process": "processing-job",
    "train": "training-job",
    "transform": "transform-job",
}


@dataclass(frozen=True)
class Context:
    """One run in progress.

    Attributes
    ----------
    cache : Cache
        Shared with other runs; containers may be given what is below it.
    workspace : Path
        The run's own working folder below the cache; removed when the run ends.
    """

    config: RunConfig
    folder: RunFolder
    cache: Cache
    workspace: Path
    backend: Backend
    tracker: Tracker
    terminal: Terminal

    @property
    def run_id(self) -> str:
        return self.folder.id

    @property
    def config_channel(self) -> Path:
        """The folder every job sees as its ``config`` channel."""
        return self.workspace / "config"

    @contextmanager
    def stage(self, name: str) -> Iterator[StageLine]:
        """Time a stage, print its line and record both."""
        with self.folder.stage(name) as facts, self.terminal.stage(name) as line:
            yield line
            facts.update(line.facts)

    def job_log(self, job: str, *, on_line: Callable[[str], None] | None = None) -> JobLog:
        """Open ``logs/<job>.log``; with ``verbose`` every line is shown too.

        A job runs and the launcher will wait for it: time to import what later stages need, and to open the
        experiment.
        """
        import_ahead()
        self.tracker.begin()

        def show(line: str) -> None:
            self.terminal.say(f"    {job} | {line}", style="dim")
            if on_line:
                on_line(line)

        return JobLog(
            self.folder.path / "logs" / f"{job}.log", on_line=show if self.config.verbose else on_line
        )

    def job(self, job: Job, request: Callable[[], Request]) -> JobHandle:
        """The run's job of a kind: the one that whoever had this run before has started, or one started now.

        Where another process could wait for it, its handle is written to ``run.json``.

        Parameters
        ----------
        job : {"process", "train", "transform"}
        request : callable
            Stages the job's files and makes its request; called only where it is started now.
        """
        started = self.folder.record.get(JOBS, {})
        if job in started:
            return JobHandle.from_record(started[job])
        sent = self.record_request(_REQUESTS[job], request())
        handle = self.backend.start(job, sent)
        self.note_for_others(**{JOBS: {**started, job: handle.as_record()}})
        return handle

    def note_for_others(self, **fields: Any) -> None:
        """Add to the run's record what another process needs to finish it, where one could."""
        if describe(self.backend.name).outlives_launcher:
            self.folder.note(**fields)

    def record_request(self, name: str, request: Request) -> Request:
        """Write a request to ``requests/`` as it is sent, without secrets, and return a copy."""
        write_json(self.folder.path / "requests" / f"{name}.json", hide(request))
        copy: Request = json.loads(json.dumps(request))
        return copy
