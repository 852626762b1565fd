"""What the registry refuses, and the line it writes of what it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fraudlab.errors import PromotionRefused, RegistryError
from fraudlab.redaction import hide
from fraudlab.registry.actor_names import Actor
from fraudlab.registry.log_entries import Act
from fraudlab.registry.promotion_gates import GateAnswer
from fraudlab.registry.registry_state import REJECTED, ModelVersion, RegisteredModel

NOBODY = "none"
_MAX_REASON = 2_000


@dataclass(frozen=True)
class Done:
    """What became of an order.

    Attributes
    ----------
    version : ModelVersion
        As it stands now.
    model : RegisteredModel
        As it stands now.
    changed : bool
        False where it was so already, and nothing was written.
    gates : tuple of GateAnswer
        Of a promotion.
    """

    version: ModelVersion
    model: RegisteredModel
    changed: bool
    gates: tuple[GateAnswer, ...] = ()


def act(
    verb: str,
    name: str,
    version: int,
    actor: Actor,
    reason: str,
    *,
    stage: str = "",
    forced: bool = False,
    facts: Mapping[str, Any] | None = None,
) -> Act:
    """The act of somebody, without secrets in its reason."""
    if len(reason) > _MAX_REASON:
        raise RegistryError(
            f"A reason of {len(reason):,} characters is too long.", fix=f"use at most {_MAX_REASON:,}"
        )
    return Act(
        verb=verb,
        name=name,
        version=version,
        actor=actor.name,
        account=actor.account,
        reason=str(hide(reason.strip())),
        stage=stage,
        forced=forced,
        facts=facts or {},
    )


def require_reason(reason: str, verb: str) -> None:
    """Refuse an order that has to be explained and is not."""
    if not reason.strip():
        raise RegistryError(f"{verb} needs a reason.", fix='add --reason "WHY"')


def require_expected(model: RegisteredModel, stage: str, expect: str | None) -> None:
    """Compare and set: refuse where another version has the stage than whoever orders believes."""
    if expect is None:
        return
    if expect != NOBODY and not expect.removeprefix("v").isdecimal():
        raise RegistryError(f"--expect {expect!r} is no version.", fix=f"give the number of one, or {NOBODY}")
    holder = model.holder(stage)
    wanted = None if expect == NOBODY else model.version(expect).number
    if holder != wanted:
        has = "no version" if holder is None else f"version {holder}"
        raise RegistryError(
            f"{has} of {model.name} is in {stage}, and {expect} was expected.",
            fix=f"look at what happened: fraudlab models history {model.name}",
        )


def require_not_rejected(version: ModelVersion) -> None:
    """Refuse a version that somebody rejected."""
    if version.status == REJECTED and version.decided is not None:
        act = version.decided.act
        raise RegistryError(
            f"{version.reference} was rejected by {act.actor}: {act.reason}",
            fix=f"take another, or approve it: fraudlab models approve {version.name} {version.number}",
        )


def refused(version: ModelVersion, stage: str, failed: list[GateAnswer]) -> PromotionRefused:
    """The error that names every gate that failed."""
    each = "".join(f"\n  {gate.gate}: {gate.reason}" for gate in failed)
    count = "a gate" if len(failed) == 1 else f"{len(failed)} gates"
    return PromotionRefused(
        f"{version.reference} does not get {stage}: {count} failed.{each}",
        fix="mend what failed, choose other gates (registry=open|strict, registry.KEY=VALUE), or "
        "--force --reason TEXT, which the log keeps",
    )
