"""Models with versions: registered, approved, promoted and rolled back, each by a line of one log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from fraudlab.errors import RegistryError, nearest
from fraudlab.files import private_folder
from fraudlab.registry.actor_names import Actor
from fraudlab.registry.log_entries import Act, LogEntry
from fraudlab.registry.log_file import LogFile
from fraudlab.registry.promotion_gates import Candidate, ask_gates, caution_kinds
from fraudlab.registry.refusals import (
    Done,
    act,
    refused,
    require_expected,
    require_not_rejected,
    require_reason,
)
from fraudlab.registry.registry_state import ModelVersion, RegisteredModel, RegistryState, fold
from fraudlab.registry.version_facts import facts_of
from fraudlab.registry.version_names import VersionReference, require_name
from fraudlab.registry.version_store import VersionStore
from fraudlab.registry_config import RegistryConfig
from fraudlab.runs import Run, require_completed


class ModelRegistry:
    """The registry in a folder.

    Parameters
    ----------
    folder : Path
        Made at the first registration.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = VersionStore(folder)
        self._log = LogFile(folder)

    def entries(self) -> list[LogEntry]:
        """Every line of the log.

        Raises
        ------
        RegistryError
            Where the log is not what was written.
        """
        return self._log.read()

    def state(self) -> RegistryState:
        """What the log adds up to, as :meth:`entries`."""
        return fold(self.entries())

    def run_of(self, version: ModelVersion) -> Path:
        """The copy of the run that made a version, whole.

        Raises
        ------
        RegistryError
            Where a file of it is missing or was changed.
        """
        if wrong := self.store.objections(version.content):
            raise RegistryError(
                f"{version.reference} is not what was registered: {'; '.join(wrong[:3])}.",
                fix="restore the folder from a copy, or register the run again under another name",
            )
        return self.store.run_folder(version.content, version.run)

    def find(self, reference: VersionReference) -> ModelVersion:
        """The version that is meant.

        Raises
        ------
        RegistryError
            Where there is none.
        """
        return self.state().model(reference.name).version(reference.version)

    def register(self, run: Run, *, name: str, actor: Actor, reason: str = "") -> Done:
        """Give a completed run's model the next number of a name; the same model keeps the one it has.

        Raises
        ------
        RunError
            Where the run has not completed.
        RegistryError
            Where it has no model, or the name cannot be one.
        StorageError
            Where the disk refuses.
        """
        require_name(name)
        require_completed(run)
        private_folder(self.folder)
        kept = self.store.keep(run)
        facts = {**facts_of(run), "content": kept.digest, "model": kept.model}
        made: list[Act] = []

        def decide(entries: list[LogEntry]) -> Act | None:
            state = fold(entries)
            twin = next((n for n in state.models if n != name and n.lower() == name.lower()), None)
            if twin is not None:
                raise RegistryError(f"There is a model {twin!r} already.", fix=f"write it so: --name {twin}")
            model = state.models.get(name) or RegisteredModel(name)
            if model.same_model(kept.model):
                return None
            made.append(act("register", name, len(model.versions) + 1, actor, reason, facts=facts))
            return made[0]

        entries = self._append(decide)
        model = fold(entries).model(name)
        version = model.same_model(kept.model)
        assert version is not None
        return Done(version, model, changed=bool(made))

    def decide(
        self,
        verb: str,
        name: str,
        version: str,
        *,
        actor: Actor,
        reason: str,
        accepted: Sequence[str] = (),
        other_approver: bool = False,
    ) -> Done:
        """Approve or reject a version.

        Parameters
        ----------
        verb : {"approve", "reject"}
        name, version : str
        actor : Actor
        reason : str
            Never empty.
        accepted : sequence of str
            Kinds of cautions that the approver accepts.
        other_approver : bool
            Whether whoever registered it may not approve it.

        Raises
        ------
        RegistryError
            Where there is no such version, the actor may not, or a stage names what is to be rejected.
        """
        require_reason(reason, verb)
        self.state().model(name)
        found: list[int] = []

        def decided(entries: list[LogEntry]) -> Act | None:
            model = fold(entries).model(name)
            one = model.version(version)
            found.append(one.number)
            if verb == "approve" and other_approver and one.registered.act.actor == actor.name:
                raise RegistryError(
                    f"{actor.name} registered {one.reference}, and somebody else has to approve it.",
                    fix="ask another person, or set registry.other_approver=false",
                )
            if verb == "reject" and (stages := model.stages_of(one.number)):
                raise RegistryError(
                    f"{one.reference} is in {' and '.join(stages)}: it cannot be rejected there.",
                    fix=f"first: fraudlab models rollback {name} --from {stages[0]}",
                )
            if unknown := sorted(set(accepted) - set(kinds := self._cautions(one) if accepted else [])):
                raise RegistryError(
                    f"{one.reference} has no caution {unknown[0]!r}.", fix=nearest(unknown[0], kinds)
                )
            facts = {"accepted": sorted(set(accepted))} if accepted else {}
            return act(verb, name, one.number, actor, reason, facts=facts)

        model = fold(self._append(decided)).model(name)
        return Done(model.versions[found[-1] - 1], model, changed=True)

    def promote(
        self,
        name: str,
        version: str,
        *,
        to: str,
        actor: Actor,
        config: RegistryConfig,
        silence: Callable[[Path], str | None],
        reason: str = "",
        expect: str | None = None,
        force: bool = False,
    ) -> Done:
        """Give a version a stage, where its gates let it.

        Parameters
        ----------
        name, version : str
        to : str
            The stage.
        actor : Actor
        config : RegistryConfig
            The gates.
        silence : callable
            As :func:`~.promotion_gates.ask_gates` takes it.
        reason : str
            Not empty with `force`.
        expect : str or None
            The version that has the stage now, or ``none``; another one is a refusal.
        force : bool
            Promote though a gate fails; the log says so.

        Raises
        ------
        PromotionRefused
            Where a gate failed; it names each that did.
        RegistryError
            Where there is no such version, it is rejected, or another has the stage than was expected.
        """
        if force:
            require_reason(reason, "promote --force")
        model = self.state().model(name)
        candidate = model.version(version)
        before = model.holder(to)
        require_expected(model, to, expect)
        require_not_rejected(candidate)
        if before == candidate.number:
            return Done(candidate, model, changed=False)
        incumbent = None if before is None else model.versions[before - 1]
        asked = Candidate(
            candidate, self.run_of(candidate), to, incumbent, self._whole(incumbent) if incumbent else None
        )
        gates = ask_gates(asked, config, silence=silence)
        failed = [gate for gate in gates if not gate.passed]
        if failed and not force:
            raise refused(candidate, to, failed)

        def decide(entries: list[LogEntry]) -> Act | None:
            now = fold(entries).model(name)
            require_expected(now, to, expect)
            one = now.versions[candidate.number - 1]
            require_not_rejected(one)
            if now.holder(to) != before or one.decided != candidate.decided:
                raise RegistryError(
                    f"{name} was changed by somebody else while the gates were asked.",
                    fix="look at it and repeat: fraudlab models history " + name,
                )
            facts = {"gates": [gate.as_json for gate in gates]}
            return act("promote", name, one.number, actor, reason, stage=to, forced=bool(failed), facts=facts)

        after = fold(self._append(decide)).model(name)
        return Done(after.versions[candidate.number - 1], after, changed=True, gates=tuple(gates))

    def rollback(
        self, name: str, *, stage: str, actor: Actor, reason: str = "", expect: str | None = None
    ) -> Done:
        """Give a stage back to the version that had it before.

        Raises
        ------
        RegistryError
            Where none had, it is rejected by now, its files are not whole, or another version has the stage
            than was expected.
        """
        self.state().model(name)
        found: list[int] = []

        def decide(entries: list[LogEntry]) -> Act | None:
            model = fold(entries).model(name)
            require_expected(model, stage, expect)
            held = model.holders.get(stage, ())
            if len(held) < 2:
                raise RegistryError(
                    f"No version of {name} was in {stage} before.",
                    fix=f"promote another: fraudlab models promote {name} VERSION --to {stage}",
                )
            target = model.versions[held[-2] - 1]
            require_not_rejected(target)
            self.run_of(target)
            found.append(target.number)
            return act("rollback", name, target.number, actor, reason, stage=stage)

        model = fold(self._append(decide)).model(name)
        return Done(model.versions[found[-1] - 1], model, changed=True)

    def mend_links(self) -> list[str]:
        """Make the links as the log has them; which were otherwise."""
        mended: list[str] = []
        if self.folder.is_dir():
            self._log.append(
                lambda _: None, lambda entries: mended.extend(self.store.settle_links(fold(entries)))
            )
        return mended

    def _cautions(self, version: ModelVersion) -> list[str]:
        return caution_kinds(self.run_of(version))

    def _whole(self, version: ModelVersion) -> Path | None:
        whole = not self.store.objections(version.content)
        return self.store.run_folder(version.content, version.run) if whole else None

    def _append(self, decide: Callable[[list[LogEntry]], Act | None]) -> list[LogEntry]:
        return self._log.append(decide, lambda entries: self.store.settle_links(fold(entries)))
