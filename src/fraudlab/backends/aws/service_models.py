"""Models of SageMaker, and what a killed launcher has left of an endpoint: made once, and taken away."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Collection
from typing import Any

from fraudlab.api_requests import Request, job_name
from fraudlab.aws.codes import SETTLING_SECONDS, UNDER_WAY, is_absent, message_of
from fraudlab.backends.aws.job_kinds import same_request
from fraudlab.backends.aws.patience import Patience
from fraudlab.errors import BackendError


class ServiceModels:
    """The models and the endpoint of one run.

    Parameters
    ----------
    client : boto3 client
        Of ``sagemaker``.
    run_id : str
    patience : Patience
    is_ours : callable
        Given an ARN, whether the thing carries the tag of this run.
    """

    def __init__(
        self, client: Any, *, run_id: str, patience: Patience, is_ours: Callable[[str], bool]
    ) -> None:
        self._client, self._run_id = client, run_id
        self._patience, self._is_ours = patience, is_ours

    def make(self, request: Request) -> str:
        """Make a model, or find the one that the same request has made; its name."""
        text = json.dumps(request, sort_keys=True)
        nonce = hashlib.sha256(text.encode()).hexdigest()[:8]
        for name in (request["ModelName"], job_name(self._run_id, "model", nonce=nonce)):
            if self._is_made({**request, "ModelName": name}):
                return str(name)
        raise BackendError(
            f"The names of this run's model are taken: {request['ModelName']}.", fix="choose another run.id"
        )

    def remove(self, name: str) -> None:
        """Take away a model of this run; one that is not there, or another's, stays as it is."""
        self._remove("model", name, "ModelArn")

    def take_down(self, *, model: str, endpoint_config: str, endpoint: str) -> None:
        """Take away an endpoint of this run in whatever state it is, its configuration and its model."""
        self._wait_while(UNDER_WAY, endpoint)
        self._remove("endpoint", endpoint, "EndpointArn")
        # until it is gone, its name is taken
        self._wait_while({"Deleting"}, endpoint)
        self._remove("endpoint_config", endpoint_config, "EndpointConfigArn")
        self._remove("model", model, "ModelArn")

    def _wait_while(self, states: Collection[str], endpoint: str) -> None:
        give_up = time.monotonic() + SETTLING_SECONDS
        pauses = self._patience.pauses()
        while (found := self._described("endpoint", endpoint)) and found["EndpointStatus"] in states:
            if time.monotonic() > give_up:
                raise BackendError(
                    f"The endpoint {endpoint} is still {found['EndpointStatus']}, and cannot be taken down.",
                    fix="delete it by hand: it may cost money until then",
                )
            pauses.rest()

    def _is_made(self, request: Request) -> bool:
        def create() -> bool:
            try:
                self._client.create_model(**request)
            except Exception as error:
                if "already exist" not in message_of(error):
                    raise
                return False
            return True

        if self._patience.ask(create, doing="Making the model"):
            return True
        found = self._described("model", request["ModelName"])
        return bool(found) and same_request(request, found) and self._is_ours(found["ModelArn"])

    def _described(self, kind: str, name: str) -> dict[str, Any]:
        """What the service says of a thing; empty where there is none."""

        def ask() -> dict[str, Any]:
            try:
                found: dict[str, Any] = getattr(self._client, f"describe_{kind}")(**{_key(kind): name})
            except Exception as error:
                if is_absent(error):
                    return {}
                raise
            return found

        return self._patience.ask(ask, doing=f"Asking for {name}")

    def _remove(self, kind: str, name: str, arn: str) -> None:
        found = self._described(kind, name)
        if not found or found.get("EndpointStatus") == "Deleting" or not self._is_ours(found[arn]):
            return

        def delete() -> None:
            try:
                getattr(self._client, f"delete_{kind}")(**{_key(kind): name})
            except Exception as error:
                if not is_absent(error):
                    raise

        self._patience.ask(delete, doing=f"Taking {name} away")


def _key(kind: str) -> str:
    return "".join(part.capitalize() for part in kind.split("_")) + "Name"
