"""The schema of ``conf/registry/``: what a version has to be before it gets a stage."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from fraudlab.errors import ConfigError, nearest

#: what a version can be given to do
STAGES: Final = ("staging", "production")


class Better(Enum):
    better = "better"
    not_worse = "not_worse"
    any = "any"


@dataclass
class RegistryConfig:
    """What a version has to be before it gets a stage: the gates of `fraudlab models promote`."""

    #: than the version that has the stage, by paired bootstrap of average precision on the same test rows
    better: Better = Better.better
    #: fewest frauds that its test rows may have
    min_frauds: int = 30
    #: data are known by their digest, and what made it by its image or packages
    known_origin: bool = True
    #: the image's `serve` is started with it, and has to score
    endpoint_answers: bool = True
    #: cautions of its report that may stay open though no approver accepted them; `any` is all
    allowed_cautions: list[str] = field(default_factory=list)
    #: stages that only an approved version gets
    needs_approval: list[str] = field(default_factory=lambda: ["production"])
    #: an approval by whoever registered the version does not count
    other_approver: bool = False


def check_registry(config: RegistryConfig) -> None:
    """Refuse stages that are none: a misspelt one would need no approval.

    Raises
    ------
    ConfigError
        With those that are.
    """
    if unknown := [stage for stage in config.needs_approval if stage not in STAGES]:
        raise ConfigError(
            f"registry.needs_approval has {unknown[0]!r}, which is no stage.", fix=nearest(unknown[0], STAGES)
        )
