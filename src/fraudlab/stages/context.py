"""What every stage of a run is given."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fraudlab.api_requests import Request, check_requests
from fraudlab.backend_registry import describe
from fraudlab.backends.backend import Backend, Job, JobHandle, facts_of
from fraudlab.backends.joblog import JobLog
from fraudlab.cache import Cache
from fraudlab.config import InstanceConfig, RunConfig
from fraudlab.files import read_json, write_json
from fraudlab.redaction import hide, revealed
from fraudlab.runs import RunFolder
from fraudlab.stages.ahead import import_ahead
from fraudlab.terminal import StageLine, Terminal

if TYPE_CHECKING:
    from fraudlab.runs.shared_copy import SharedCopy
    from fraudlab.tracking.tracker import Tracker

#: where a run's record has the handles of its jobs
JOBS = "jobs"
#: where it has the job that is about to be started: whoever is killed then has started it or not
ASKED = "asked"
#: where it has the key of the preparation, and where that lies
PREPARED = "prepared"
#: where it has the names of an endpoint that may be up
ENDPOINT = "endpoint"
#: where it has the machines of an endpoint of AWS's, and for how long it was up
ENDPOINT_USE = "endpoint_use"
#: where it has the seconds for which the machines of each job are paid, added up
BILLED = "billed_seconds"
#: the keys under which requests say what the job is called, and on which machines it runs
_JOB_NAMES = ("ProcessingJobName", "TrainingJobName", "TransformJobName")
_MACHINES = ("ResourceConfig", "ProcessingResources", "TransformResources")
#: what each job's request is called in ``requests/``
_REQUESTS: dict[Job, str] = {
    "process": "processing-job",
    "train": "training-job",
    "transform": "transform-job",
}
_OPERATIONS: dict[Job, str] = {
    "process": "CreateProcessingJob",
    "train": "CreateTrainingJob",
    "transform": "CreateTransformJob",
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
    shared : SharedCopy or None
        Of a run that may be gone on with from another machine.
    heed : callable
        Raises what a signal has raised where nobody could hear it; asked before anything is begun.
    """

    config: RunConfig
    folder: RunFolder
    cache: Cache
    workspace: Path
    backend: Backend
    tracker: Tracker
    terminal: Terminal
    shared: SharedCopy | None = None
    heed: Callable[[], None] = lambda: None

    @property
    def run_id(self) -> str:
        return self.folder.id

    @property
    def config_channel(self) -> Path:
        """The folder every job sees as its ``config`` channel."""
        return self.workspace / "config"

    @property
    def outlives_launcher(self) -> bool:
        """Whether the run's jobs go on when nobody waits for them."""
        return describe(self.backend.name).outlives_launcher

    @contextmanager
    def stage(self, name: str) -> Iterator[StageLine]:
        """Time a stage, print its line and record both."""
        self.heed()
        with self.folder.stage(name) as facts, self.terminal.stage(name) as line:
            yield line
            facts.update(line.facts)
            self.record_facts()

    @contextmanager
    def job_log(self, job: str, *, on_line: Callable[[str], None] | None = None) -> Iterator[JobLog]:
        """Open ``logs/<job>.log``; with ``verbose`` every line is shown too.

        A job runs and the launcher will wait for it: time to import what later stages need, and to open the
        experiment.
        """
        imports = import_ahead()
        self.tracker.begin()

        def show(line: str) -> None:
            self.terminal.say(f"    {job} | {line}", style="dim")
            if on_line:
                on_line(line)

        log = JobLog(
            self.folder.path / "logs" / f"{job}.log",
            on_line=show if self.config.verbose else on_line,
            again=job in self.folder.record.get(JOBS, {}),
        )
        try:
            with log:
                yield log
        finally:
            imports.join()

    def job(
        self, job: Job, request: Callable[[], Request], *, model: Callable[[], Request] | None = None
    ) -> JobHandle:
        """The run's job of a kind: the one that whoever had this run before has started, or one started now.

        Where another process could wait for it, its handle is written to ``run.json``.

        Parameters
        ----------
        job : {"process", "train", "transform"}
        request : callable
            Stages the job's files and makes its request; called only where it is started now.
        model : callable, optional
            Makes the request for the model of a transform job.
        """
        started = self.folder.record.get(JOBS, {})
        if job in started:
            return JobHandle.from_record(revealed(started[job]))
        sent = self._asked(job, _REQUESTS[job]) or self.record_request(_REQUESTS[job], request())
        served = None
        if model is not None:
            served = self._asked(job, "model") or self.record_request("model", model())
        if self.backend.placement.cloud is not None:
            check_requests(
                self.config, {_OPERATIONS[job]: sent} | ({"CreateModel": served} if served else {})
            )
        self.heed()
        about = {"job": job, **_machines(sent), "started": _now()}
        self.note_for_others(**{ASKED: about})
        handle = self.backend.start(job, sent, model=served)
        entry = {**handle.as_record(), **about}
        self.note_for_others(**{JOBS: {**started, job: entry}, ASKED: None})
        return handle

    def is_started(self, job: Job) -> bool:
        """Whether this run, or whoever had it before, has started its job of a kind."""
        return job in self.folder.record.get(JOBS, {})

    def wait(self, handle: JobHandle, log: JobLog) -> None:
        """Wait for the end of a job of this run, and record when that was."""
        self.backend.wait(handle, log)
        self.record_facts()
        self.mark_ended(handle)

    def record_facts(self) -> None:
        """Record what the backend knows by now; the seconds that another launcher has waited for stay."""
        facts = facts_of(self.backend)
        if billed := facts.get(BILLED):
            facts[BILLED] = {**self.folder.record.get(BILLED, {}), **billed}
        self.folder.record.update(facts)

    def mark_ended(self, handle: JobHandle) -> None:
        """Record that a job is not going on any more."""
        jobs = self.folder.record.get(JOBS, {})
        if "ended" not in jobs.get(handle.job, {"ended": None}):
            self.note_for_others(**{JOBS: {**jobs, handle.job: {**jobs[handle.job], "ended": _now()}}})

    def unfinished(self) -> list[JobHandle]:
        """The jobs of this run that may be going on, also one that may just have been started."""
        jobs = self.folder.record.get(JOBS, {})
        found = [JobHandle.from_record(revealed(entry)) for entry in jobs.values() if "ended" not in entry]
        asked = self.folder.record.get(ASKED)
        if asked and (sent := self._asked(asked["job"], _REQUESTS[asked["job"]])):
            name = next(str(sent[key]) for key in _JOB_NAMES if key in sent)
            found.append(JobHandle(self.backend.name, asked["job"], name, output=""))
        return found

    @contextmanager
    def endpoint_may_be_up(self, *, model: str, endpoint_config: str, endpoint: str) -> Iterator[None]:
        """Let others know, for a ``with`` block, of an endpoint that they take down if we are killed."""
        names = {"model": model, "endpoint_config": endpoint_config, "endpoint": endpoint}
        self.note_for_others(**{ENDPOINT: {**names, "since": _now()}})
        yield
        self.note_for_others(**{ENDPOINT: None})

    def note_for_others(self, **fields: Any) -> None:
        """Add to the run's record what another process needs to finish it, where one could."""
        if self.outlives_launcher:
            self.folder.note(**fields)
            if self.shared is not None:
                self.shared.keep()

    def _asked(self, job: Job, name: str) -> Request | None:
        """The request that was about to be sent for a job when its launcher was killed."""
        about = self.folder.record.get(ASKED)
        path = self.folder.path / "requests" / f"{name}.json"
        if not about or about.get("job") != job or not path.is_file():
            return None
        found: Request = revealed(read_json(path))
        return found

    def record_request(self, name: str, request: Request) -> Request:
        """Write a request to ``requests/`` as it is sent, without secrets, and return a copy."""
        write_json(self.folder.path / "requests" / f"{name}.json", hide(request))
        copy: Request = json.loads(json.dumps(request))
        return copy


def add_endpoint_use(record: dict[str, Any], machine: InstanceConfig, *, seconds: float) -> None:
    """Add to the record of a run for how long the machines of its endpoint were up."""
    before = (record.get(ENDPOINT_USE) or {}).get("seconds", 0)
    record[ENDPOINT_USE] = {
        "instance_type": machine.instance_type,
        "instance_count": machine.instance_count,
        "seconds": before + round(seconds),
    }


def _machines(request: Request) -> dict[str, Any]:
    """Type and number of a job's machines, and whether they are spot machines."""
    for key in _MACHINES:
        found = request.get(key, {})
        found = found.get("ClusterConfig", found)
        if "InstanceType" in found:
            machines = {
                "instance_type": found["InstanceType"],
                "instance_count": found.get("InstanceCount", 1),
            }
            return {**machines, **({"spot": True} if request.get("EnableManagedSpotTraining") else {})}
    return {}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
