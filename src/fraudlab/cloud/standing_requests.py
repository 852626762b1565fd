"""Requests of an endpoint that stays: its model and configuration are named by what is in them."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass

from fraudlab import api_requests
from fraudlab.api_requests import Placement, Request
from fraudlab.aws.tags import NAME_PREFIX
from fraudlab.config import RunConfig
from fraudlab.errors import ConfigError

#: which endpoint a model or a configuration was made for
ENDPOINT_TAG = "fraudlab:endpoint"
_MAX_NAME = 63
_NONCE_LENGTH = 8
_NAME = re.compile(r"[a-zA-Z0-9](?:-*[a-zA-Z0-9])*")


@dataclass(frozen=True)
class StandingRequests:
    """What is asked of the service for an endpoint that stays.

    Attributes
    ----------
    model, config, endpoint : dict
        CreateModel, CreateEndpointConfig and CreateEndpoint.
    """

    model: Request
    config: Request
    endpoint: Request

    @property
    def name(self) -> str:
        """Of the endpoint."""
        return str(self.endpoint["EndpointName"])


def endpoint_name(given: str | None, run_id: str | None) -> str:
    """The name of an endpoint: what was given, or the run's, with the beginning that all of ours have.

    Raises
    ------
    ConfigError
        Where SageMaker would refuse it.
    """
    asked = given if given is not None else run_id or ""
    name = asked if asked.startswith(NAME_PREFIX) else f"{NAME_PREFIX}{asked}"
    if not _NAME.fullmatch(name) or not _NAME.fullmatch(asked):
        raise ConfigError(
            f"--name {asked!r} cannot be the name of an endpoint.",
            fix="use letters, digits and single hyphens between them, such as --name scoring",
        )
    if len(name) > _MAX_NAME:
        raise ConfigError(
            f"The endpoint's name {name} has {len(name)} characters, and SageMaker takes {_MAX_NAME}.",
            fix=f"give a name of at most {_MAX_NAME - len(NAME_PREFIX)} characters: --name NAME",
        )
    return name


def standing_requests(
    config: RunConfig, placement: Placement, *, name: str, run_id: str, model_data: str
) -> StandingRequests:
    """Build the requests; what is equal in all but its name has an equal name.

    Parameters
    ----------
    name : str
        Of the endpoint.
    run_id : str
        Whose model it is.
    model_data : str
        URI of its ``model.tar.gz``.

    Raises
    ------
    ConfigError
        With everything that AWS would refuse.
    """
    model = api_requests.model(config, placement, run_id=run_id, model_data=model_data)
    variants = api_requests.endpoint_config(config, placement, run_id=run_id)
    endpoint = api_requests.endpoint(config, placement, run_id=run_id, name=name)
    nonce = _nonce(model, variants)
    made = f"{name[: _MAX_NAME - _NONCE_LENGTH - 1].rstrip('-')}-{nonce}"
    tag = {"Key": ENDPOINT_TAG, "Value": name}
    variants["ProductionVariants"][0]["ModelName"] = made
    found = StandingRequests(
        model={**model, "ModelName": made, "Tags": [*model["Tags"], tag]},
        config={**variants, "EndpointConfigName": made, "Tags": [*variants["Tags"], tag]},
        endpoint={**endpoint, "EndpointConfigName": made, "Tags": [*endpoint["Tags"], tag]},
    )
    api_requests.check_requests(
        config,
        {
            "CreateModel": found.model,
            "CreateEndpointConfig": found.config,
            "CreateEndpoint": found.endpoint,
        },
    )
    return found


def _nonce(model: Request, variants: Request) -> str:
    """What only this model on these machines has; who deploys it, and for which reason, is no part of it."""
    parts = [
        {name: value for name, value in model.items() if name not in {"ModelName", "Tags"}},
        {name: value for name, value in variants.items() if name not in {"EndpointConfigName", "Tags"}},
    ]
    text = json.dumps(parts, sort_keys=True).encode()
    return hashlib.sha256(text).hexdigest()[:_NONCE_LENGTH]
