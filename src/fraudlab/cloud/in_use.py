"""What things that stay stand on, whosever they are."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from fraudlab.aws.account import Account
from fraudlab.aws.answers import AccessRefused, explained_calls
from fraudlab.aws.codes import is_absent
from fraudlab.aws.tags import NAME_PREFIX
from fraudlab.errors import FraudlabError


@dataclass
class Uses:
    """What endpoints and configurations stand on, by name.

    Attributes
    ----------
    configs : set of str
        Configurations of endpoints that stay.
    models : set of str
        Models of configurations that stay.
    hidden_endpoints, hidden_configs : list of str
        Somebody else's that may not be looked at: they may use anything.
    of_going : dict
        Each endpoint that goes, to the names of its configuration and its models.
    """

    configs: set[str] = field(default_factory=set)
    models: set[str] = field(default_factory=set)
    hidden_endpoints: list[str] = field(default_factory=list)
    hidden_configs: list[str] = field(default_factory=list)
    of_going: dict[str, frozenset[str]] = field(default_factory=dict)


def find_uses(account: Account, going: Collection[str]) -> Uses:
    """What stands on what, whosever it is.

    Parameters
    ----------
    going : collection of str
        ARNs of what is to be taken away.

    Raises
    ------
    FraudlabError
        Where it cannot be asked.
    """
    client, uses = account.client("sagemaker"), Uses()
    leaving: dict[str, str] = {}
    for one in each(client, "list_endpoints", "Endpoints"):
        name = str(one["EndpointName"])
        found = seen(client.describe_endpoint, EndpointName=name)
        if found is None:
            uses.hidden_endpoints.append(name)
        elif one["EndpointArn"] in going:
            leaving[name] = str(found.get("EndpointConfigName"))
        else:
            uses.configs.add(str(found.get("EndpointConfigName")))
    models: dict[str, frozenset[str]] = {}
    for one in each(client, "list_endpoint_configs", "EndpointConfigs"):
        name = str(one["EndpointConfigName"])
        found = seen(client.describe_endpoint_config, EndpointConfigName=name)
        if found is None:
            uses.hidden_configs.append(name)
            continue
        models[name] = frozenset(str(part.get("ModelName")) for part in found.get("ProductionVariants", []))
        if one["EndpointConfigArn"] not in going or name in uses.configs or uses.hidden_endpoints:
            uses.models |= models[name]
    uses.of_going = {name: models.get(used, frozenset()) | {used} for name, used in leaving.items()}
    return uses


def seen(describe: Callable[..., Any], **name: str) -> dict[str, Any] | None:
    """What a thing is made of: nothing where it is gone; None for somebody else's that may not be seen."""
    try:
        with explained_calls(doing=f"Looking at {next(iter(name.values()))}"):
            answer: dict[str, Any] = describe(**name)
            return answer
    except FraudlabError as error:
        ours = next(iter(name.values())).startswith(NAME_PREFIX)
        if error.__cause__ is not None and is_absent(error.__cause__):
            return {}
        if isinstance(error, AccessRefused) and not ours:
            return None
        raise


def each(client: Any, operation: str, key: str) -> Iterator[Any]:
    """Everything that an operation lists, page by page."""
    with explained_calls(doing="Looking at what is in use"):
        for page in client.get_paginator(operation).paginate():
            yield from page[key]
