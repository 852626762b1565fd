"""What the log adds up to: models, their versions, and which version has which stage. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fraudlab.errors import RegistryError, nearest
from fraudlab.registry.log_entries import BEGINNING, Act, LogEntry, damaged
from fraudlab.registry_config import STAGES

PENDING, APPROVED, REJECTED = "pending", "approved", "rejected"


@dataclass(frozen=True)
class ModelVersion:
    """One version of a model; its number is never given again.

    Attributes
    ----------
    name : str
        Of the model.
    number : int
        From 1 on.
    status : {"pending", "approved", "rejected"}
    registered : LogEntry
        The line that made it.
    decided : LogEntry or None
        The line that approved or rejected it last.
    """

    name: str
    number: int
    status: str
    registered: LogEntry
    decided: LogEntry | None = None

    @property
    def facts(self) -> Mapping[str, Any]:
        """What was known when it was registered: run, commit, data, image, metrics, digests."""
        return self.registered.act.facts

    @property
    def content(self) -> str:
        """Digest of everything that was kept of it."""
        return str(self.facts.get("content"))

    @property
    def model(self) -> str:
        """Digest of the model itself, whichever run made it."""
        return str(self.facts.get("model"))

    @property
    def run(self) -> str:
        """Id of the run that made it."""
        return str(self.facts.get("run"))

    @property
    def reference(self) -> str:
        """``name:number``."""
        return f"{self.name}:{self.number}"


@dataclass(frozen=True)
class RegisteredModel:
    """A model by its name.

    Attributes
    ----------
    name : str
    versions : tuple of ModelVersion
        In order of their numbers.
    holders : mapping of str to tuple of int
        For each stage the versions that had it, the present one last; a rollback takes the last away.
    """

    name: str
    versions: tuple[ModelVersion, ...] = ()
    holders: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def holder(self, stage: str) -> int | None:
        """The version that has a stage now; None where none has."""
        held = self.holders.get(stage, ())
        return held[-1] if held else None

    def stages_of(self, number: int) -> list[str]:
        """The stages that a version has now."""
        return [stage for stage in STAGES if self.holder(stage) == number]

    def version(self, word: str | int) -> ModelVersion:
        """A version by its number (``3`` or ``v3``), its stage, or ``latest``.

        Raises
        ------
        RegistryError
            Where there is none.
        """
        text = str(word)
        number: int | None
        if text == "latest":
            number = len(self.versions)
        elif text in STAGES:
            number = self.holder(text)
            if number is None:
                raise RegistryError(
                    f"No version of {self.name} is in {text}.",
                    fix=f"promote one: fraudlab models promote {self.name} VERSION --to {text}",
                )
        else:
            digits = text.removeprefix("v")
            number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0
        if not 1 <= number <= len(self.versions):
            raise RegistryError(
                f"{self.name} has no version {text!r}.",
                fix=f"valid: 1 to {len(self.versions)}, latest, {', '.join(STAGES)}",
            )
        return self.versions[number - 1]

    def same_model(self, digest: str) -> ModelVersion | None:
        """The version that is a model already; None where none is."""
        return next((version for version in self.versions if version.model == digest), None)


@dataclass(frozen=True)
class RegistryState:
    """Everything the log adds up to.

    Attributes
    ----------
    models : mapping of str to RegisteredModel
    entries : int
        How many lines.
    head : str
        Digest of the last.
    """

    models: Mapping[str, RegisteredModel] = field(default_factory=dict)
    entries: int = 0
    head: str = BEGINNING

    def model(self, name: str) -> RegisteredModel:
        """A model by its name.

        Raises
        ------
        RegistryError
            Where there is none.
        """
        if name not in self.models:
            raise RegistryError(
                f"There is no model {name!r} in the registry.", fix=nearest(name, self.models)
            )
        return self.models[name]


def fold(entries: Iterable[LogEntry]) -> RegistryState:
    """Add up a log, or the beginning of one.

    Raises
    ------
    RegistryError
        For a line that says what could not have been done.
    """
    models: dict[str, RegisteredModel] = {}
    last: LogEntry | None = None
    for last in entries:
        name = last.act.name
        models[name] = _after(models.get(name) or RegisteredModel(name), last)
    return RegistryState(models, last.seq if last else 0, last.digest if last else BEGINNING)


def _after(model: RegisteredModel, entry: LogEntry) -> RegisteredModel:
    act = entry.act
    if act.verb == "register":
        if act.version != len(model.versions) + 1:
            raise damaged(entry.seq, f"it registers version {act.version} of {act.name} out of order")
        return replace(model, versions=(*model.versions, ModelVersion(act.name, act.version, PENDING, entry)))
    if not 1 <= act.version <= len(model.versions):
        raise damaged(entry.seq, f"{act.name} has no version {act.version}")
    if act.verb in {"approve", "reject"}:
        status = APPROVED if act.verb == "approve" else REJECTED
        decided = replace(model.versions[act.version - 1], status=status, decided=entry)
        index = act.version - 1
        return replace(model, versions=(*model.versions[:index], decided, *model.versions[index + 1 :]))
    return replace(model, holders={**model.holders, act.stage: _holders_after(model, act, entry.seq)})


def _holders_after(model: RegisteredModel, act: Act, seq: int) -> tuple[int, ...]:
    held = model.holders.get(act.stage, ())
    if act.stage not in STAGES:
        raise damaged(seq, f"{act.stage!r} is no stage")
    if act.verb == "promote":
        return (*held, act.version)
    if len(held) < 2 or held[-2] != act.version:
        raise damaged(seq, f"version {act.version} did not have {act.stage} before")
    return held[:-1]
