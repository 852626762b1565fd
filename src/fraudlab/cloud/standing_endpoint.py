"""An endpoint that stays: made, updated without a lost request, taken away with all that is its own."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from fraudlab.api_requests import endpoint_update
from fraudlab.aws.account import Account
from fraudlab.aws.answers import explained_calls
from fraudlab.aws.codes import message_of
from fraudlab.cloud.endpoint_states import (
    GONE,
    EndpointState,
    Waiting,
    delete_settled,
    settled,
    state_of,
    until_gone,
)
from fraudlab.cloud.made_things import MadeThing, ThingKind, find_made, is_ours, remove, tags_of
from fraudlab.cloud.removals import partial_failure
from fraudlab.cloud.standing_requests import ENDPOINT_TAG, StandingRequests
from fraudlab.errors import BackendError, EndpointError, FraudlabError

#: states of an endpoint that answers, and can be updated
_IN_SERVICE = "InService"


class Deployed(Enum):
    """What was done."""

    created = "created"
    updated = "updated"
    unchanged = "unchanged"


def require_ours(account: Account, name: str) -> EndpointState:
    """The state of an endpoint of ours, or of none.

    Raises
    ------
    BackendError
        Where one of that name is not fraudlab's.
    """
    state = state_of(account, name)
    if state.status != GONE and not is_ours(name, tags_of(account, state.arn)):
        raise BackendError(
            f"There is an endpoint {name} that fraudlab did not make.", fix="choose another name: --name NAME"
        )
    return state


def deploy(account: Account, wanted: StandingRequests, *, waiting: Waiting) -> Deployed:
    """Make an endpoint, or let the one of that name answer with another model.

    While it is updated the earlier model answers; it is taken away when the new one is in service. An
    endpoint that has failed answers nothing, and is made anew.

    Raises
    ------
    EndpointError
        Where the new model does not come into service: what was made for it is taken away again, and an
        endpoint that answered before answers as before.
    BackendError
        Where the endpoint is not fraudlab's, or cannot be updated in its state.
    """
    name = wanted.name
    require_ours(account, name)
    state = settled(account, name, waiting)
    if state.status == "Failed":
        waiting.say(f"endpoint {name} had failed ({state.reason or 'no reason is given'}); it is made anew")
        take_away(account, name, waiting=waiting)
        state = EndpointState(GONE)
    if state.status == "Deleting":
        state = until_gone(account, name, waiting)
    if state.status == GONE:
        _create(account, wanted, waiting)
        return Deployed.created
    if state.status != _IN_SERVICE:
        raise BackendError(
            f"The endpoint {name} is {state.status}, and cannot be updated.",
            fix="take it away with --undeploy, and deploy again",
        )
    if state.config == wanted.config["EndpointConfigName"]:
        _remove_others(account, name, keep=state.config, waiting=waiting)
        return Deployed.unchanged
    _update(account, wanted, state, waiting)
    return Deployed.updated


def take_away(account: Account, name: str, *, waiting: Waiting) -> list[str]:
    """Take away an endpoint in whatever state, and every configuration and model that is its own.

    Returns
    -------
    list of str
        What was taken away; empty where there was nothing.

    Raises
    ------
    BackendError
        Where the endpoint is not fraudlab's, or with everything that could not be taken away.
    """
    state = require_ours(account, name)
    gone, failed = [], []
    own = _own(account, name, config=state.config)
    if state.status != GONE:
        delete_settled(account, name, waiting)
        until_gone(account, name, waiting)
        gone.append(f"endpoint {name}")
    for thing in own:
        try:
            remove(account, thing.kind, thing.name)
        except FraudlabError as error:
            failed.append(error)
        else:
            gone.append(f"{thing.kind.value} {thing.name}")
    if failed:
        raise partial_failure(failed, of=len(gone) + len(failed))
    return gone


def _create(account: Account, wanted: StandingRequests, waiting: Waiting) -> None:
    client, name = account.client("sagemaker"), wanted.name
    try:
        _make_parts(account, wanted)
        with explained_calls(doing=f"Creating the endpoint {name}"):
            client.create_endpoint(**wanted.endpoint)
        waiting.say(f"endpoint {name} is being created; AWS takes some minutes")
        state = settled(account, name, waiting)
        if state.status != _IN_SERVICE:
            raise _not_in_service(name, state)
    except BaseException as error:
        _add(error, lambda: take_away(account, name, waiting=waiting))
        raise


def _update(account: Account, wanted: StandingRequests, before: EndpointState, waiting: Waiting) -> None:
    client, name, new = account.client("sagemaker"), wanted.name, str(wanted.config["EndpointConfigName"])
    try:
        _make_parts(account, wanted)
        with explained_calls(doing=f"Updating the endpoint {name}"):
            client.update_endpoint(**endpoint_update(name=name, config_name=new))
    except Exception as error:
        _add(error, lambda: _remove_others(account, name, keep=before.config, waiting=waiting))
        raise
    waiting.say(f"endpoint {name} is being updated; the earlier model answers until then")
    try:
        state = settled(account, name, waiting)
    except KeyboardInterrupt as error:
        error.add_note("The update goes on in AWS; the same command says how it ends.")
        raise
    if state.status == _IN_SERVICE and state.config == new:
        _remove_others(account, name, keep=new, waiting=waiting)
        return
    if state.status == _IN_SERVICE:
        failure = EndpointError(
            f"AWS took the update of {name} back{_why(state)}; the earlier model answers as before.",
            fix=f"read the log group /aws/sagemaker/Endpoints/{name}, and deploy again",
        )
        _add(failure, lambda: _remove_others(account, name, keep=state.config, waiting=waiting))
        raise failure
    raise _not_in_service(name, state)


def _make_parts(account: Account, wanted: StandingRequests) -> None:
    """Make model and configuration; those of the same content that are there are ours to use."""
    client = account.client("sagemaker")
    for what, create, request in (
        ("model", client.create_model, wanted.model),
        ("endpoint configuration", client.create_endpoint_config, wanted.config),
    ):
        try:
            with explained_calls(doing=f"Creating the {what} of {wanted.name}"):
                create(**request)
        except FraudlabError as error:
            if error.__cause__ is None or "already exist" not in message_of(error.__cause__):
                raise


def _own(account: Account, name: str, *, config: str = "") -> list[MadeThing]:
    """The configurations and models that were made for an endpoint, and the configuration that it has."""
    found = find_made(account, kinds=(ThingKind.endpoint_config, ThingKind.model))
    if found.unasked:
        raise found.unasked[0]
    return [
        thing
        for thing in found.things
        if thing.tags.get(ENDPOINT_TAG) == name
        or (thing.kind is ThingKind.endpoint_config and thing.name == config)
    ]


def _remove_others(account: Account, name: str, *, keep: str, waiting: Waiting) -> None:
    """Remove what was made for an endpoint and is not of the configuration that answers."""
    with explained_calls(doing=f"Asking what {name} uses"):
        found = account.client("sagemaker").describe_endpoint_config(EndpointConfigName=keep)
    kept = {keep, *(str(variant.get("ModelName")) for variant in found["ProductionVariants"])}
    for thing in _own(account, name):
        if thing.name not in kept:
            remove(account, thing.kind, thing.name)
            waiting.say(f"removed the earlier {thing.kind.value} {thing.name}")


def _not_in_service(name: str, state: EndpointState) -> EndpointError:
    return EndpointError(
        f"The endpoint {name} is {state.status or 'not there'}, not in service{_why(state)}.",
        fix=f"read the log group /aws/sagemaker/Endpoints/{name} in CloudWatch",
    )


def _why(state: EndpointState) -> str:
    return f" ({state.reason.rstrip('.')})" if state.reason else ""


def _add(error: BaseException, clean_up: Callable[[], object]) -> None:
    """Clean up after an error; what cannot be is said with it, and hides it never."""
    try:
        clean_up()
    except FraudlabError as second:
        left = f"what was made for it is left ({second.message.rstrip('.')}): fraudlab clean --cloud"
        if isinstance(error, FraudlabError):
            error.fix = f"{error.fix}; {left}"
        else:
            error.add_note(left)
