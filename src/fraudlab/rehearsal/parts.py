"""A rehearsal put together: what it keeps, who answers what, and the work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from fraudlab.rehearsal import work
from fraudlab.rehearsal.account_calls import IamCalls, pricing_calls, quota_calls
from fraudlab.rehearsal.api_call import OWN_KEY, ROLE_KEY, ApiCall, ApiReply
from fraudlab.rehearsal.ecr_calls import EcrCalls
from fraudlab.rehearsal.faults import Faults
from fraudlab.rehearsal.image_names import ImageNames
from fraudlab.rehearsal.log_files import LogFiles
from fraudlab.rehearsal.loopback import Loopback
from fraudlab.rehearsal.moto_account import MotoBuckets, MotoRoles
from fraudlab.rehearsal.moto_aws import loopback_client, make_account
from fraudlab.rehearsal.moto_door import MotoDoor
from fraudlab.rehearsal.registry_front import RegistryFront, no_registry
from fraudlab.rehearsal.registry_process import RegistryProcess, found_binary
from fraudlab.rehearsal.repositories import Repositories
from fraudlab.rehearsal.resource_store import ResourceStore
from fraudlab.rehearsal.running import Carrier, Running, WorkRecords
from fraudlab.rehearsal.seen_actions import SeenActions
from fraudlab.rehearsal.service.grounds import Grounds
from fraudlab.rehearsal.web_pages import refusal
from fraudlab.rehearsal.wsgi_server import Application, Environ, StartResponse

#: what a job's role needs for its log lines and its image
_LOGGING = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams")
_PULLING = (
    "ecr:GetAuthorizationToken",
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
)


class RehearsalParts:
    """Everything of a rehearsal but the port.

    Attributes
    ----------
    application : WSGI application
        Answers from the start on; work begins with :meth:`open`.
    """

    def __init__(
        self,
        state: Path,
        moto: Application,
        faults: Faults,
        images: Sequence[str],
        *,
        carrier: Carrier = work,
    ) -> None:
        self._state, self._faults, self._carrier = state, faults, carrier
        self._running: Running | None = None
        self._loopback: Loopback | None = None
        self._seen = SeenActions(state / "actions.jsonl")
        self._moto = MotoDoor(moto, state)
        self._store = ResourceStore(state / "sagemaker")
        self._logs, self._roles = LogFiles(state / "logs"), MotoRoles()
        binary = found_binary()
        self._registry = RegistryProcess(binary, state / "registry") if binary else None
        try:
            self.repositories = Repositories(state / "repositories.json", self._registry)
            self._images = ImageNames(images, self.repositories, partial(self._seen.as_role, *_PULLING))
        except BaseException:
            self.close()
            raise

    def application(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        """Answer a request; before :meth:`open` only what moto answers."""
        refused = refusal(environ)
        if refused is not None:
            return refused.send(start)
        return (self._loopback or self._moto)(environ, start)

    def open(self, url: str) -> None:
        """Begin: make the account, and take up the work that an earlier rehearsal left."""
        make_account(partial(loopback_client, url, key=OWN_KEY))
        if self._registry is not None:
            self.repositories.host = urlsplit(url).netloc
        services = work.Services(
            s3=loopback_client(url, "s3", ROLE_KEY),
            resolve_image=self._images.resolve,
            faults=self._faults,
            folder=self._state / "work",
        )
        records = WorkRecords(self._store, self._logs, partial(self._seen.as_role, *_LOGGING))
        self._running = Running(self._store, records, services, self._carrier)
        grounds = Grounds(self._store, MotoBuckets(), self._roles, self._images, self._running)
        front = (
            RegistryFront(self.repositories, self._registry, self._seen)
            if self._registry is not None
            else no_registry
        )
        handlers: Mapping[str, Callable[[ApiCall], ApiReply | None]] = {
            "ecr": EcrCalls(self.repositories).answer,
            "iam": IamCalls(self._roles).answer,
            "servicequotas": quota_calls,
            "pricing": pricing_calls,
        }
        self._loopback = Loopback(
            grounds, self._moto, handlers, front, self._seen, self._faults, self._carrier.invoke
        )
        self._running.resume()

    def busy(self) -> bool:
        """Whether a job runs."""
        return self._running is not None and self._running.busy()

    def close(self) -> None:
        """End the work, leaving what can be taken up again, and the registry."""
        if self._running is not None:
            self._running.close()
        if self._registry is not None:
            self._registry.close()
            self._registry = None
