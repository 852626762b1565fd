"""``NAME:production`` and ``NAME:3``: how a version is named where a run or a folder could stand."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fraudlab.errors import RegistryError
from fraudlab.registry_config import STAGES

#: what SageMaker takes for a group of model packages, so that every name can be mirrored there
_NAME = re.compile(r"[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62}")
_REFERENCE = re.compile(rf"([^:/\\]+):({'|'.join(STAGES)}|latest|v?[0-9]{{1,9}})")


@dataclass(frozen=True)
class VersionReference:
    """A version by its model's name and a number, a stage, or ``latest``."""

    name: str
    version: str


def reference_in(text: str) -> VersionReference | None:
    """The reference that a text is; None where it is something else, such as a run or a folder."""
    found = _REFERENCE.fullmatch(text)
    return VersionReference(found[1], found[2]) if found and _NAME.fullmatch(found[1]) else None


def meant_reference(text: str) -> VersionReference | None:
    """:func:`reference_in`, and what has its form though no version can be called so, as ``NAME:prod``.

    Whoever looks that up is told which there are.
    """
    name, colon, version = text.partition(":")
    if not colon or not _NAME.fullmatch(name) or re.search(r"[/\\]", version):
        return None
    return VersionReference(name, version)


def require_name(name: str) -> str:
    """A text that can be the name of a model.

    Raises
    ------
    RegistryError
        Where it cannot, with one that could.
    """
    if not _NAME.fullmatch(name):
        near = re.sub(r"[^a-zA-Z0-9]+", "-", name).strip("-")[:63].strip("-")
        raise RegistryError(
            f"{name!r} cannot be the name of a model.",
            fix="use up to 63 letters, digits and hyphens between them, such as "
            + (near or "fraud-detection-xgb"),
        )
    return name
