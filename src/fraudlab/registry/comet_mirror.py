"""The registry shown in Comet: versions of models that experiments logged, their status, tags and notes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fraudlab.errors import TrackingError
from fraudlab.redaction import known_secrets, redact
from fraudlab.registry.mirror_steps import Mirrored, MirrorStep, anchored, comet_version, steps_to
from fraudlab.registry.model_registry import ModelRegistry
from fraudlab.registry.registry_state import ModelVersion, RegisteredModel, fold
from fraudlab.tracking.comet.probe import why_not_online
from fraudlab.tracking.comet.sdk import load_sdk


def mirror_to_comet(
    registry: ModelRegistry, *, say: Callable[[str], None] = print, dry_run: bool = False
) -> int:
    """Tell Comet what it does not have; how many things were told, or would be.

    A version of a run whose model is not in Comet waits, and a line says so. It may be repeated at any time.

    Parameters
    ----------
    registry : ModelRegistry
    say : callable
        Takes a line for each thing that is told.
    dry_run : bool
        Ask only.

    Raises
    ------
    TrackingError
        Without a key or a server, or where the server refuses.
    RegistryError
        Where Comet has a head that the log does not.
    """
    entries = registry.entries()
    if not entries:
        return 0
    if reason := why_not_online():
        raise TrackingError(f"nothing was mirrored: {reason}", fix="set COMET_API_KEY and check the network")
    load_sdk()
    from comet_ml.exceptions import CometException

    told = 0
    try:
        comet = _Comet()
        for model in fold(entries).models.values():
            for workspace, mine in comet.by_workspace(model, say).items():
                notes = comet.notes(workspace, model.name)
                now = anchored(notes, entries)  # before anything is told: the log may not be believed
                told += comet.mirror(workspace, mine, say=say, dry_run=dry_run)
                if now != notes and not dry_run:
                    comet.api.update_registry_model_notes(workspace, model.name, now)
    except (CometException, OSError) as error:
        why = redact(str(error).partition("\n")[0], known_secrets())
        raise TrackingError(
            f"Comet did not take all of it: {why}", fix="repeat it: what Comet has is not sent again"
        ) from None
    return told


class _Comet:
    """Comet's registry, by the public interface of the SDK."""

    def __init__(self) -> None:
        from comet_ml.api import API

        self.api = API(cache=False)
        self._experiments: dict[str, Any] = {}

    def by_workspace(
        self, model: RegisteredModel, say: Callable[[str], None]
    ) -> dict[str, dict[int, tuple[RegisteredModel, Any]]]:
        """The versions whose experiments Comet has, by the workspace of those."""
        found: dict[str, dict[int, tuple[RegisteredModel, Any]]] = {}
        for version in model.versions:
            experiment = self._experiment(version)
            if experiment is None:
                say(f"waits: {version.reference}, whose run {version.run} is not in Comet with its model")
                continue
            found.setdefault(experiment.workspace, {})[version.number] = (model, experiment)
        return found

    def mirror(
        self,
        workspace: str,
        mine: dict[int, tuple[RegisteredModel, Any]],
        *,
        say: Callable[[str], None],
        dry_run: bool,
    ) -> int:
        model = next(iter(mine.values()))[0]
        there = self._there(workspace, model.name)
        statuses = self.api.model_registry_allowed_status_values(workspace)
        steps = [step for step in steps_to(model, there, statuses) if step.version.number in mine]
        for step in steps:
            say(f"{'would tell' if dry_run else 'tells'} Comet: {step}")
            if not dry_run:
                self._carry_out(workspace, step, mine[step.version.number][1])
        return len(steps)

    def notes(self, workspace: str, name: str) -> str:
        """Of a model; empty where there is no such model yet."""
        if name not in self.api.get_registry_model_names(workspace):
            return ""
        return str(self.api.get_registry_model_notes(workspace, name) or "")

    def _there(self, workspace: str, name: str) -> dict[int, Mirrored]:
        if name not in self.api.get_registry_model_names(workspace):
            return {}
        model = self.api.get_model(workspace, name)
        found = {}
        for version in model.find_versions():
            details = model.get_details(version)
            number = version.removesuffix(".0.0")
            if number.isdecimal():
                tags = frozenset(details.get("tags") or ())
                found[int(number)] = Mirrored(str(details.get("status") or "None"), tags)
        return found

    def _carry_out(self, workspace: str, step: MirrorStep, experiment: Any) -> None:
        version, name = step.version, step.version.name
        number = comet_version(version.number)
        if step.verb == "create":
            facts = version.facts
            experiment.register_model(
                _model_name(experiment),
                version=number,
                registry_name=name,
                public=False,
                description=f"{name}, as fraudlab's registry has it",
                comment=f"run {version.run}, registered by {version.registered.act.actor}",
                tags=[],
                status="None",
                metadata={
                    "fraudlab_content": version.content,
                    "fraudlab_line": version.registered.digest,
                    "commit": str(facts.get("commit")),
                    "data_sha256": str(facts.get("data", {}).get("sha256")),
                },
            )
            return
        model = self.api.get_model(workspace, name)
        change = {"status": model.set_status, "tag": model.add_tag, "untag": model.delete_tag}[step.verb]
        change(number, step.value)

    def _experiment(self, version: ModelVersion) -> Any:
        key = version.facts.get("experiment")
        if not key:
            return None
        if key not in self._experiments:
            experiment = self.api.get_experiment_by_key(key)
            has_model = experiment is not None and bool(experiment.get_model_names())
            self._experiments[key] = experiment if has_model else None
        return self._experiments[key]


def _model_name(experiment: Any) -> str:
    """Of the model that a run logged; ours begin with the package's name."""
    names = sorted(experiment.get_model_names())
    return str(next((name for name in names if name.startswith("fraudlab-")), names[0]))
