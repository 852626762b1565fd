"""A version of the registry where an endpoint is named: what that is called, and whether it has that."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fraudlab.cloud.standing_requests import endpoint_name
from fraudlab.errors import EndpointError
from fraudlab.files import read_json
from fraudlab.registry import STAGES, ModelRegistry, meant_reference, registered_run, standing_name

#: what two answers with one model agree in
_SAME = ("hashes", "threshold", "columns")


def endpoint_of(text: str, *, registry: Path) -> tuple[str, Path | None]:
    """The endpoint that ``fraudlab deploy`` gives a version, and the folder of the version's model.

    A text that names no version is the endpoint itself, without a model: ``localhost:8080`` is no version.

    Parameters
    ----------
    text : str
        What stands behind ``--endpoint``.
    registry : Path
        Where the registry is.

    Raises
    ------
    RegistryError
        Where there is no such version, with those that there are.
    """
    reference = meant_reference(text)
    if reference is None:
        return text, None
    may_be_a_port = reference.version not in (*STAGES, "latest")
    if may_be_a_port and reference.name not in ModelRegistry(registry).state().models:
        return text, None
    run = registered_run(text, registry=registry)
    if run is None:
        return text, None
    return endpoint_name(standing_name(text), run.id), run.folder / "model"


def require_same_model(contract: Mapping[str, Any], model: Path, endpoint: str) -> None:
    """Refuse an endpoint that answers with another model than the one that was named.

    Parameters
    ----------
    contract : mapping
        ``model.json`` of the model that answers.
    model : Path
        The folder of the one that was named.
    endpoint : str
        For the sentence.

    Raises
    ------
    EndpointError
    """
    wanted = read_json(model / "model.json")
    if not wanted.get("hashes") or any(contract.get(key) != wanted.get(key) for key in _SAME):
        raise EndpointError(
            f"{endpoint} answers with another model than the one in {model}.",
            fix="deploy that one again (fraudlab deploy), or name the endpoint by itself to take what it has",
        )
