"""One class for SageMaker and for its rehearsal: what differs is where the calls go, and the stamp."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fraudlab.api_requests import CloudOptions, Placement, Request
from fraudlab.aws.account import Account
from fraudlab.backend_registry import Description
from fraudlab.backends.aws.bucket import Bucket
from fraudlab.backends.aws.image_push import ImageRegistry, ImageToRun
from fraudlab.backends.aws.patience import REHEARSED, Patience
from fraudlab.backends.aws.s3_files import S3Files
from fraudlab.backends.aws.service_endpoint import service_endpoint
from fraudlab.backends.aws.service_jobs import ServiceJobs
from fraudlab.backends.aws.service_models import ServiceModels
from fraudlab.backends.aws.state import shared_state_of
from fraudlab.backends.aws.transfers import unseen
from fraudlab.backends.backend import Job, JobHandle
from fraudlab.backends.deployment import TimeLimit
from fraudlab.backends.endpoint import Endpoint
from fraudlab.backends.joblog import JobLog
from fraudlab.config import RunConfig
from fraudlab.errors import BackendError, BackendLost, FraudlabError
from fraudlab.runs.shared_state import SharedState

if TYPE_CHECKING:
    from fraudlab.terminal import Meter, Terminal


class AwsBackend:
    """Runs the jobs of one run in an account, or in what answers like one.

    Parameters
    ----------
    config : RunConfig
    account : Account
    description : Description
        Of the backend, whose name handles carry.
    image : ImageToRun
        Pushed when a request is to name it, unless the registry has it.
    run_id : str
    workspace : Path
        Working folder of the run.
    commit : str, optional
        The git commit the run is of, for tags.

    Raises
    ------
    BackendError
        Where the account or its bucket cannot be used.
    """

    def __init__(
        self,
        config: RunConfig,
        account: Account,
        *,
        description: Description,
        image: ImageToRun,
        run_id: str,
        workspace: Path,
        commit: str | None = None,
    ) -> None:
        self.name = description.name
        self.image_id = image.id
        self.shared_state: SharedState | None = shared_state_of(config, account, run_id=run_id)
        self._config, self._account, self._description = config.sagemaker, account, description
        self._endpoint_minutes = config.compute.serve.max_minutes
        self._image, self._run_id, self._commit = image, run_id, commit
        self._terminal: Terminal | None = None
        self._patience = REHEARSED if description.rehearsed else Patience()
        self.bucket = Bucket(account, kms=config.sagemaker.kms)
        self.bucket.check()
        self.files = S3Files(
            self.bucket,
            prefix=config.sagemaker.prefix,
            run_id=run_id,
            workspace=workspace,
            meter=lambda: self._meter,
        )
        self._jobs = ServiceJobs(
            account, backend=description.name, run_id=run_id, patience=self._patience, say=self._say
        )
        self._models = ServiceModels(
            account.client("sagemaker"), run_id=run_id, patience=self._patience, is_ours=self._jobs.is_ours
        )

    @cached_property
    def placement(self) -> Placement:
        registry = ImageRegistry(self._account, self._config.repository)
        return Placement(
            image=registry.pushed(self._image, meter=self._meter)
            if self._image.is_local
            else self._image.name,
            role_arn=self._account.role_arn,
            cloud=CloudOptions(
                root=self.bucket.uri(self._config.prefix.strip("/")).rstrip("/"),
                owner=self._account.identity.name,
                commit=self._commit,
            ),
        )

    def show_on(self, terminal: Terminal) -> None:
        """Show the progress of transfers, and what jobs wait for, there."""
        self._terminal = terminal

    def facts(self) -> dict[str, Any]:
        """What a run records of the place it is carried out in, as far as it is known by now."""
        return {
            "rehearsed": self._description.rehearsed,
            "cloud": {
                "region": self._account.region,
                "account": self._account.identity.account,
                "bucket": self.bucket.name,
                "prefix": self._config.prefix,
            },
            **({"billed_seconds": dict(self._jobs.billed)} if self._jobs.billed else {}),
        }

    def ending(self, handle: JobHandle) -> Mapping[str, Any] | None:
        """How the service described a job when it had ended; None where nobody has waited for it here."""
        return self._jobs.endings.get(handle.name)

    def start(self, job: Job, request: Request, *, model: Request | None = None) -> JobHandle:
        if model is None:
            return self._jobs.start(job, request)
        name = self._models.make(model)
        try:
            return self._jobs.start(job, {**request, "ModelName": name})
        except BackendLost:
            raise  # it may have been started
        except BackendError as error:
            if not self._jobs.may_go_on(job):
                self._remove_model(name, after=error)
            raise

    def wait(self, handle: JobHandle, log: JobLog) -> None:
        try:
            self._jobs.wait(handle, log)
        except FraudlabError as error:
            if handle.job == "transform" and self._jobs.has_ended(handle):
                self._remove_model_of(self._jobs.found(handle.job, handle.name), after=error)
            raise
        if handle.job == "transform":
            self._remove_model_of(self._jobs.describe(handle))

    def stop(self, handle: JobHandle) -> None:
        """Ask for the end of a job of this run; one that has ended, or is not there, stays as it is."""
        described = self._jobs.stop(handle)
        if handle.job != "transform" or described is None:
            return
        # a model costs nothing, and is not taken from a job that still has it
        if self._jobs.settled(handle.job, str(described["TransformJobName"])):
            self._remove_model_of(described)

    def _remove_model_of(
        self, described: Mapping[str, Any] | None, *, after: FraudlabError | None = None
    ) -> None:
        """Take away the model of a transform job that has ended."""
        if described is not None:
            self._remove_model(str(described["ModelName"]), after=after)

    def _remove_model(self, name: str, *, after: FraudlabError | None) -> None:
        """Take a model away; what is wrong then does not hide the error that came before."""
        try:
            self._models.remove(name)
        except BackendError as error:
            if after is None:
                raise
            after.fix = (
                f"{after.fix}; the model {name} is left ({error.message.rstrip('.')}): it costs nothing, "
                "and `fraudlab clean --cloud` takes it away"
            )

    @contextmanager
    def endpoint(
        self, *, model: Request, endpoint_config: Request, endpoint: Request, log: JobLog
    ) -> Iterator[Endpoint]:
        with service_endpoint(
            self._account,
            model=model,
            endpoint_config=endpoint_config,
            endpoint=endpoint,
            log=log,
            rehearsed=self._description.rehearsed,
            limit=TimeLimit(self._endpoint_minutes * 60, key="compute.serve.max_minutes"),
        ) as deployed_endpoint:
            yield deployed_endpoint

    def take_down(self, *, model: str, endpoint_config: str, endpoint: str) -> None:
        """Take down what a killed launcher has left of an endpoint of this run, in whatever state."""
        self._models.take_down(model=model, endpoint_config=endpoint_config, endpoint=endpoint)

    def close(self) -> None:
        """Leave nothing behind: jobs that go on are their run's, and endpoints have been taken down."""

    def _meter(self, what: str, *, total: int) -> AbstractContextManager[Meter]:
        return self._terminal.meter(what, total=total) if self._terminal else unseen(what, total=total)

    def _say(self, line: str) -> None:
        if self._terminal:
            self._terminal.say(line, style="dim")
