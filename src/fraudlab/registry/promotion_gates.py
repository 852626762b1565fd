"""The gates of a promotion: what ``conf/registry`` asks of a version, each with its answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fraudlab.registry.registry_state import APPROVED, ModelVersion
from fraudlab.registry_config import Better, RegistryConfig
from fraudlab.report import compare_runs
from fraudlab.report.concerns import concerns
from fraudlab.report.recorded.run_record import RunRecord, dig, number, read_run


@dataclass(frozen=True)
class GateAnswer:
    """What a gate found.

    Attributes
    ----------
    gate : str
        The key of ``registry`` that asks.
    passed : bool
    reason : str
        What was found, in a sentence.
    """

    gate: str
    passed: bool
    reason: str

    @property
    def as_json(self) -> dict[str, Any]:
        """For the log."""
        return asdict(self)


@dataclass(frozen=True)
class Candidate:
    """A version that is to get a stage.

    Attributes
    ----------
    version : ModelVersion
    folder : Path
        The copy of its run.
    stage : str
    incumbent : ModelVersion or None
        Which has the stage.
    incumbent_folder : Path or None
        The copy of its run; None where that is not whole.
    """

    version: ModelVersion
    folder: Path
    stage: str
    incumbent: ModelVersion | None
    incumbent_folder: Path | None


def ask_gates(
    candidate: Candidate, config: RegistryConfig, *, silence: Callable[[Path], str | None]
) -> list[GateAnswer]:
    """Ask every gate that is on, so that all that failed is known at once.

    Parameters
    ----------
    candidate : Candidate
    config : RegistryConfig
    silence : callable
        Given a model's folder, says why it does not answer, or None where it does.
    """
    record = read_run(candidate.folder)
    answers = []
    if candidate.stage in config.needs_approval:
        answers.append(_approval(candidate.version, other=config.other_approver))
    if config.better is not Better.any:
        answers.append(_better(candidate, config.better))
    if config.min_frauds > 0:
        answers.append(_frauds(record, config.min_frauds))
    if config.known_origin:
        answers.append(_origin(record))
    if "any" not in config.allowed_cautions:
        answers.append(_cautions(candidate.version, record, config.allowed_cautions))
    if config.endpoint_answers:
        why = silence(candidate.folder / "model")
        answers.append(GateAnswer("endpoint_answers", why is None, why or "it answers with a score"))
    return answers


def caution_kinds(folder: Path) -> list[str]:
    """The cautions of a run's report that an approver can accept, by their kinds."""
    return sorted({concern.kind for concern in concerns(read_run(folder)) if concern.weight == "caution"})


def _approval(version: ModelVersion, *, other: bool) -> GateAnswer:
    if version.status != APPROVED or version.decided is None:
        return GateAnswer(
            "needs_approval",
            False,
            f"it is {version.status}: fraudlab models approve {version.name} {version.number} --reason TEXT",
        )
    by, registrant = version.decided.act, version.registered.act
    if other and by.actor == registrant.actor:
        return GateAnswer("other_approver", False, f"{by.actor} registered it, and approved it alone")
    return GateAnswer("needs_approval", True, f"approved by {by.actor}")


def _better(candidate: Candidate, asked: Better) -> GateAnswer:
    incumbent, folder = candidate.incumbent, candidate.incumbent_folder
    if incumbent is None:
        return GateAnswer("better", True, f"no version is in {candidate.stage} yet")
    if folder is None:
        return GateAnswer("better", False, f"the files of {incumbent.reference} are not whole")
    comparison = compare_runs(folder, candidate.folder)
    passing = {"b"} if asked is Better.better else {"b", "noise", "too few frauds"}
    against = f"A is version {incumbent.number}, B is version {candidate.version.number}"
    words = comparison.verdict.replace("\u00a0", " ")
    return GateAnswer("better", comparison.outcome in passing, f"{against}: {words}")


def _frauds(record: RunRecord, least: int) -> GateAnswer:
    frauds = number(record.metrics, "positives")
    if frauds is None:
        return GateAnswer("min_frauds", False, "its test rows were not counted")
    words = f"{frauds:,.0f} frauds in its test rows, of {least:,} that are asked for"
    return GateAnswer("min_frauds", frauds >= least, words)


def _origin(record: RunRecord) -> GateAnswer:
    missing = []
    if not dig(record.run, "data", "sha256"):
        missing.append("the digest of its data")
    # plain processes have no image: what made the model is the packages of an environment
    plain = record.run.get("backend") == "process" and bool(dig(record.run, "packages"))
    if not plain and not dig(record.run, "image", "id"):
        missing.append("the image that made it")
    if missing:
        return GateAnswer("known_origin", False, f"nobody knows {' and '.join(missing)}")
    made = "packages" if plain else "image"
    return GateAnswer("known_origin", True, f"data and {made} are known")


def _cautions(version: ModelVersion, record: RunRecord, allowed: Sequence[str]) -> GateAnswer:
    decided = version.decided
    accepted = decided.act.facts.get("accepted", []) if decided and version.status == APPROVED else []
    shown = [concern for concern in concerns(record) if concern.weight != "note"]
    still = [
        concern
        for concern in shown
        if concern.weight == "problem" or concern.kind not in {*accepted, *allowed}
    ]
    if not still:
        words = f"{len(shown)} cautions, each accepted" if shown else "its report has none"
        return GateAnswer("allowed_cautions", True, words)
    named = "; ".join(f"{concern.title} ({concern.kind})" for concern in still)
    kinds = ",".join(sorted({concern.kind for concern in still if concern.weight == "caution"}))
    how = f"; an approver accepts them with --accept {kinds}" if kinds else ""
    return GateAnswer("allowed_cautions", False, f"open: {named}{how}")
