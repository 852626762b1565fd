"""``fraudlab runs reproduce``: carry out a run once more, and compare what comes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fraudlab import provenance
from fraudlab.config import Fallback, RunConfig, TrackingMode
from fraudlab.container.contract import file_sha256
from fraudlab.container.hook_source import FILE as HOOKS
from fraudlab.errors import DataError, NotReproduced, RunError
from fraudlab.files import read_json
from fraudlab.job_code import jobs_code
from fraudlab.recorded_config import read_config
from fraudlab.reproduction.differences import (
    Departure,
    of_contracts,
    of_data,
    of_image,
    of_surroundings,
)
from fraudlab.runs import Run, find_run, new_run_id, require_completed
from fraudlab.stages.incumbent import is_model

#: what a completed run has made, besides its model
_ALSO_COMPARED = {
    "scores": "evaluation/scores.parquet",
    "metrics": "evaluation/metrics.json",
}


@dataclass(frozen=True)
class Reproduction:
    """What came of carrying out a run once more.

    Attributes
    ----------
    original : Run
    again : Run or None
        The new run; None where none was begun.
    identical : bool or None
        Whether its ``model.ubj`` has the same bytes; None where none was begun.
    also_identical : dict of str to bool
        The same of scores and metrics.
    differences : list of Departure
        What was not as it had been.
    """

    original: Run
    again: Run | None
    identical: bool | None
    also_identical: dict[str, bool]
    differences: list[Departure]

    def as_dict(self) -> dict[str, Any]:
        """The outcome as JSON values."""
        return {
            "run": self.original.id,
            "again": None if self.again is None else self.again.id,
            "identical": self.identical,
            "model": model_sha256(self.original),
            "also_identical": self.also_identical,
            "differences": [difference.as_dict() for difference in self.differences],
        }


def reproduce(
    name: str | Path,
    *,
    runs: Path | None,
    data: str | None = None,
    backend: str | None = None,
    yes: bool = False,
    dry_run: bool = False,
    say: Callable[[str], None] = print,
    quiet: bool = False,
) -> Reproduction:
    """Carry out a completed run once more, without its cache and its experiment, and compare.

    Parameters
    ----------
    name : str or Path
        As :func:`fraudlab.runs.find.find_run` takes it.
    runs : Path or None
    data : str, optional
        Where the table is now; default where it was.
    backend : str, optional
        Where the jobs run now; default where they ran.
    yes : bool
        Spend money without asking, where the run is one that does.
    dry_run : bool
        Only say what differs.
    say : callable
        Is told what differs before anything is begun.
    quiet : bool
        Show no progress of the new run.

    Raises
    ------
    DataError
        Where the table is not here, or is another: no run could have the same bytes.
    RunError
        Where the run did not complete, or its folder is not as it was left.
    FraudlabError
        Where the new run fails.
    """
    original = require_completed(find_run(runs, name))
    if older := original.record.get("threshold_of"):
        raise RunError(
            f"Run {original.id} trained nothing: it is run {older} with another threshold.",
            fix=f"fraudlab runs reproduce {older}",
        )
    model_sha256(original)
    config = _config(original, data=data, backend=backend, yes=yes)
    found = of_surroundings(original.record, _surroundings())
    if config.data.path:
        found = [*of_data(original.record["data"], _table(original, config)), *found]
    for difference in found:
        say(f"  {difference}" + ("" if difference.may_matter else " (changes no model)"))
    if not found:
        say("  code, packages and machine are as they were")
    if any(difference.what == "data" for difference in found) and not dry_run:
        raise _other_data(original, found)
    if dry_run:
        return Reproduction(original, None, None, {}, found)
    again = _carried_out(original, config, quiet=quiet)
    return compared(original, again, found)


def compared(original: Run, again: Run, found: list[Departure]) -> Reproduction:
    """Compare what two runs have made; `found` is what differed before."""
    contracts = [read_json(run.folder / "model" / "model.json") for run in (original, again)]
    later = [
        *of_data(original.record["data"], again.record["data"]),
        *of_image(original.record.get("image"), again.record.get("image")),
        *of_contracts(*contracts),
    ]
    also = {
        name: file_sha256(original.folder / path) == file_sha256(again.folder / path)
        for name, path in _ALSO_COMPARED.items()
        if (original.folder / path).is_file()
    }
    same = model_sha256(original) == model_sha256(again)
    known = {(difference.what, difference.name) for difference in found}
    differences = [*found, *(new for new in later if (new.what, new.name) not in known)]
    return Reproduction(original, again, same, also, differences)


def require_identical(outcome: Reproduction) -> None:
    """Refuse a model that is another.

    Raises
    ------
    NotReproduced
        With all that differs.
    """
    if outcome.identical is not False or outcome.again is None:
        return
    then, now = (model_sha256(run)[:12] for run in (outcome.original, outcome.again))
    reasons = [str(difference) for difference in outcome.differences if difference.may_matter]
    why = "\n".join(f"  {reason}" for reason in reasons) or "  nothing else that was recorded differs"
    raise NotReproduced(
        f"The model of run {outcome.original.id} is {then}, and {outcome.again.id} made {now}. "
        f"What differs:\n{why}",
        fix=_fix(outcome),
    )


def model_sha256(run: Run) -> str:
    """The digest of a run's ``model.ubj``, read from the file.

    Raises
    ------
    RunError
        Where there is none, or it is not the one that ``model.json`` names.
    """
    booster = run.folder / "model" / "model.ubj"
    if not booster.is_file():
        raise RunError(f"Run {run.id} has no model/model.ubj.", fix="name a run whose folder is whole")
    digest = file_sha256(booster)
    said = (read_json(run.folder / "model" / "model.json").get("hashes") or {}).get("model.ubj")
    if said != digest:
        raise RunError(
            f"{booster} was changed: its model.json names {str(said)[:12]}, and it is {digest[:12]}.",
            fix="unpack model/model.tar.gz beside it again",
        )
    return digest


def _config(original: Run, *, data: str | None, backend: str | None, yes: bool) -> RunConfig:
    """The configuration of the run, for a run that asks no cache and tells no experiment."""
    config = read_config(original.folder)
    config.backend.kind = backend or str(original.record["backend"])
    config.backend.fallback = Fallback.error
    config.run.id = new_run_id(f"again-{original.id}", original.folder.parent)
    config.tracking.mode = TrackingMode.off
    config.force, config.yes = True, yes
    config.evaluation.incumbent = _incumbent(original)
    kept = original.folder / HOOKS
    if config.model.hooks and kept.is_file():
        config.model.hooks = str(kept)
    if data is not None:
        config.data.path = data
    elif config.data.path and not Path(config.data.path).exists():
        config.data.path = str(original.record["data"].get("path") or config.data.path)
    config.data.sha256 = None  # asked here, with all else that differs
    return config


def _incumbent(original: Run) -> str | None:
    """The model that the run was measured against, where it is still there: a version, not a stage."""
    reference = original.record.get("incumbent")
    if not isinstance(reference, str) or not is_model(reference, runs=original.folder.parent):
        return None
    return reference


def _table(original: Run, config: RunConfig) -> dict[str, Any]:
    """The table as it is now."""
    from fraudlab.stages.raw_table import look

    path = Path(str(config.data.path))
    try:
        source = look(config, path, Path(config.paths.cache))
    except DataError as error:
        if path.exists():
            raise
        raise DataError(
            f"The table of run {original.id} is not here: {error.message}",
            fix="bring it back, or say where it is: --data PATH",
        ) from error
    return {"path": str(source.path), "sha256": source.sha256}


def _surroundings() -> dict[str, Any]:
    return {
        "git": provenance.git_state(Path.cwd()),
        "code": jobs_code(),
        "packages": provenance.packages(),
        "platform": provenance.machine(),
    }


def _carried_out(original: Run, config: RunConfig, *, quiet: bool) -> Run:
    from fraudlab.cloud.consent import require_consent
    from fraudlab.terminal import Terminal
    from fraudlab.workflow import run_workflow

    overrides = original.folder / "overrides.yaml"
    plan = require_consent(config, quiet=quiet)
    shown = Terminal(quiet=quiet)
    return run_workflow(config, overrides=_overrides(overrides), terminal=shown, plan=plan)


def _overrides(path: Path) -> list[str]:
    """What the person had typed for the run, for the record of the new one."""
    import yaml  # type: ignore[import-untyped]

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError):
        return []
    return [str(word) for word in found] if isinstance(found, list) else []


def _other_data(original: Run, found: list[Departure]) -> DataError:
    (data,) = (difference for difference in found if difference.what == "data")
    others = [str(difference) for difference in found if difference.what != "data" and difference.may_matter]
    more = "".join(f"\n  {other}" for other in others)
    return DataError(
        f"{data.name} is not the table of run {original.id}: sha256 {data.then} then, {data.now} now."
        + (f" Also differs:{more}" if others else ""),
        fix="bring that table back, or say where it is: --data PATH",
    )


def _fix(outcome: Reproduction) -> str:
    """What brings back the first thing that differs."""
    kinds = {difference.what for difference in outcome.differences if difference.may_matter}
    commit = ((outcome.original.record.get("git") or {}).get("commit")) or ""
    if "code" in kinds and commit:
        return (
            f"git worktree add ../at-{commit[:7]} {commit}, `make setup` there, and reproduce it from there"
        )
    if "image" in kinds:
        return "bring that image back, or build it at the run's commit: make image"
    if "package" in kinds:
        return "install the versions of then: the run's commit has them in requirements/"
    if kinds & {"configuration", "hook", "prepared data"}:
        return "the run's folder is not as the run left it: bring it back from a copy"
    return "compare the two folders, and report it: the same inputs should give the same bytes"
