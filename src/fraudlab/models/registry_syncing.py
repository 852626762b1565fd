"""What ``fraudlab sync`` does beside the runs: the registry shown in Comet, and in a configured account."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from fraudlab.errors import FraudlabError
from fraudlab.models.registry_commands import mirror_comet
from fraudlab.redaction import hide

Step = Callable[[], int]
#: what a person configures who has an account for it; a region or a profile may be there for other things
_NAMES_AN_ACCOUNT = ("bucket", "role")


def steps(to: str | None, overrides: Sequence[str], *, registry: Path, dry_run: bool) -> list[Step]:
    """What is to be done about a registry.

    Parameters
    ----------
    to : {"comet", "sagemaker"} or None
        Comet alone, or SageMaker as well; None is SageMaker where the configuration names an account.
    overrides : sequence of str
        The account, as behind ``fraudlab train``.
    registry : Path
        Where there is none, nothing is to be done.
    dry_run : bool
    """
    if not (registry / "log.jsonl").is_file():
        return [lambda: _say(f"there is no registry in {registry} to show")] if to else []
    found: list[Step] = [lambda: mirror_comet(registry=registry, dry_run=dry_run)]
    if to != "comet":
        found.append(lambda: _to_sagemaker(to, overrides, registry=registry, dry_run=dry_run))
    return found


def carry_out(steps: Sequence[Step]) -> int:
    """Do each, whatever became of those before: what one server refuses, another may take.

    Raises
    ------
    FraudlabError
        The first; others are printed.
    """
    first: FraudlabError | None = None
    for step in steps:
        try:
            step()
        except FraudlabError as error:
            if first is not None:
                _say(str(hide(error.message)))
            first = first or error
    if first is not None:
        raise first
    return 0


def _to_sagemaker(to: str | None, overrides: Sequence[str], *, registry: Path, dry_run: bool) -> int:
    if to is None:
        named = _named_by()
        if named is None:
            return 0
        _say(f"the registry is shown in SageMaker, since {named} is configured; --to comet leaves that out")
    from fraudlab.cloud import model_packages

    return model_packages.mirror(overrides, registry=registry, dry_run=dry_run)


def _named_by() -> str | None:
    """The key of a person's own configuration that names an account; AWS is not asked."""
    from fraudlab.compose import compose

    settings = compose(["backend=sagemaker"]).sagemaker
    return next((f"sagemaker.{key}" for key in _NAMES_AN_ACCOUNT if getattr(settings, key)), None)


def _say(line: str) -> int:
    print(line, flush=True)
    return 0
