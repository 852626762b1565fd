"""``fraudlab models threshold`` as it is called: what it prints, and the version it registers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fraudlab.errors import ConfigError
from fraudlab.evaluation.groups import FEW_FRAUDS
from fraudlab.files import as_json
from fraudlab.models.redeciding import OtherDecision, Redecided, redecide, write_run
from fraudlab.registry import ModelRegistry, acting, meant_reference, run_or_version
from fraudlab.registry.version_names import require_name
from fraudlab.runs import Run
from fraudlab.runs.find import DEFAULT

#: metrics that are shown at either threshold, with how they are written
_SHOWN = {
    "alerts_per_day": ("alerts per day", ".1f"),
    "precision": ("precision", ".3f"),
    "recall": ("recall", ".3f"),
    "cost": ("cost", ",.0f"),
    "saving": ("saving", ",.0f"),
}


def choose_again(
    name: str,
    *,
    asked: OtherDecision,
    model: str | None,
    runs: Path | None,
    registry: Path,
    actor: str | None,
    reason: str,
    dry_run: bool,
    json_wanted: bool,
) -> int:
    """Choose the threshold of a run or a version again, and make a run and a version of it.

    Parameters
    ----------
    name : str
        A run's id, ``latest``, or ``NAME:VERSION``.
    asked : OtherDecision
    model : str or None
        The name to register under; None is the one that the source is registered under, if it is under one.
    runs, registry : Path
    actor, reason : str
        As a registration has them.
    dry_run : bool
        Only say what would be.
    json_wanted : bool

    Raises
    ------
    ConfigError, RunError, RegistryError
        As :func:`~fraudlab.models.redeciding.redecide`, and of the registry.
    """
    source = run_or_version(name, runs=runs, registry=registry)
    target = _name(name, source, registry, model)
    if target is not None:
        require_name(target)
    who = acting(actor)
    made = redecide(source, asked)
    found = _described(made)
    if not json_wanted:
        _say(made)
    if not dry_run:
        run = write_run(made, runs or DEFAULT)
        found |= {"run": run.id, "folder": str(run.folder)}
        if not json_wanted:
            print(f"run {run.id}: {run.folder}")
        if target is not None:
            done = ModelRegistry(registry).register(
                run, name=target, actor=who, reason=reason or f"threshold of {name} chosen again"
            )
            found["version"] = done.version.reference
            if not json_wanted:
                words = "registered" if done.changed else "this model is there already:"
                print(f"{words} {done.version.reference}")
        elif not json_wanted:
            print(f"next: fraudlab models register {run.id} --name NAME")
    if json_wanted:
        print(as_json({**found, "dry_run": dry_run}), end="")
    return 0


def _name(name: str, source: Run, registry: Path, model: str | None) -> str | None:
    """Under which name the new version goes; None where nobody says."""
    if model is not None:
        return model
    if (reference := meant_reference(name)) is not None:
        return reference.name
    models = ModelRegistry(registry).state().models.values() if registry.is_dir() else ()
    known = sorted({one.name for one in models for version in one.versions if version.run == source.id})
    if len(known) > 1:
        raise ConfigError(
            f"Run {source.id} is registered as {' and as '.join(known)}.", fix=f"say which: --name {known[0]}"
        )
    return known[0] if known else None


def _described(made: Redecided) -> dict[str, Any]:
    return {
        "of": made.source.id,
        "booster_sha256": made.contract.get("hashes", {}).get("model.ubj"),
        "threshold": made.contract["threshold"],
        "threshold_before": made.contract["threshold_of"]["threshold"],
        "decision": made.contract["decision"],
        "test": {key: made.after.get(key) for key in _SHOWN},
        "test_before": {key: made.before.get(key) for key in _SHOWN},
        "cautions": _cautions(made),
        "run": None,
        "folder": None,
        "version": None,
    }


def _cautions(made: Redecided) -> list[str]:
    frauds, found = made.chosen.measured["positives"], []
    if frauds < FEW_FRAUDS:
        found.append(f"chosen on {frauds} frauds: another few of them might have chosen otherwise")
    busiest = made.chosen.measured.get("busiest_day_alerts")
    budget = made.contract["decision"]["alert_budget"]
    if budget is not None and busiest is not None and busiest > budget:
        found.append(f"the budget is kept on average; the busiest day of validation had {_alerts(busiest)}")
    return found


def _say(made: Redecided) -> None:
    print(f"threshold {_number(made.contract['threshold_of']['threshold'])} of run {made.source.id}", end="")
    print(f" becomes {_number(made.contract['threshold'])}; the booster is the same")
    currency = made.contract["decision"].get("currency")
    validation = made.chosen.measured
    print("  validation  " + _line(validation, currency))
    print("  test        " + _line(made.after, currency))
    print("  test before " + _line(made.before, currency))
    for caution in _cautions(made):
        print(f"  caution: {caution}")


def _line(metrics: Mapping[str, Any], currency: str | None) -> str:
    parts = []
    for name, (words, how) in _SHOWN.items():
        value = metrics.get(name)
        if isinstance(value, int | float):
            unit = f" {currency}" if currency and name in ("cost", "saving") else ""
            parts.append(f"{words} {value:{how}}{unit}")
    return ", ".join(parts)


def _alerts(many: int) -> str:
    return "1 alert" if many == 1 else f"{many:,} alerts"


def _number(threshold: float) -> str:
    return "above 1" if threshold > 1 else f"{threshold:.6g}"
