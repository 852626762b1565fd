"""The verbs of the registry as they are called: what they print, and what other programs read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fraudlab.durations import seconds
from fraudlab.errors import ConfigError, RegistryError
from fraudlab.files import as_json
from fraudlab.registry import STAGES, Done, ModelRegistry, ModelVersion, RegisteredModel, acting, fold
from fraudlab.registry.log_entries import LogEntry
from fraudlab.registry.verification import verify as verify_registry
from fraudlab.registry.version_endpoint import silence_of
from fraudlab.registry_config import RegistryConfig
from fraudlab.runs import find_run


def register(
    run: str, *, name: str, registry: Path, runs: Path | None, actor: str | None, reason: str
) -> int:
    """Register a run's model and say which version it is."""
    done = ModelRegistry(registry).register(
        find_run(runs, run), name=name, actor=acting(actor), reason=reason
    )
    if done.changed:
        print(f"registered {done.version.reference}, of run {done.version.run}; it is {done.version.status}")
        print(f"next: fraudlab models approve {name} {done.version.number} --reason TEXT")
    else:
        print(f"{done.version.reference} is this model already, of run {done.version.run}")
    return 0


def decide(
    verb: str,
    name: str,
    version: str,
    *,
    registry: Path,
    actor: str | None,
    reason: str,
    accepted: Sequence[str] = (),
    overrides: Sequence[str] = (),
) -> int:
    """Approve or reject a version."""
    done = ModelRegistry(registry).decide(
        verb,
        name,
        version,
        actor=acting(actor),
        reason=reason,
        accepted=accepted,
        other_approver=_gates(overrides).other_approver,
    )
    print(f"{done.version.reference} is {done.version.status}")
    return 0


def promote(
    name: str,
    version: str,
    *,
    to: str,
    registry: Path,
    actor: str | None,
    reason: str,
    expect: str | None,
    force: bool,
    overrides: Sequence[str],
) -> int:
    """Give a version a stage where its gates let it."""
    done = ModelRegistry(registry).promote(
        name,
        version,
        to=to,
        actor=acting(actor),
        config=_gates(overrides),
        silence=silence_of,
        reason=reason,
        expect=expect,
        force=force,
    )
    for gate in done.gates:
        print(f"  {'passed' if gate.passed else 'FAILED'}  {gate.gate}: {gate.reason}")
    _say_stage(done, to)
    return 0


def rollback(
    name: str, *, stage: str, registry: Path, actor: str | None, reason: str, expect: str | None
) -> int:
    """Give a stage back to the version that had it before."""
    done = ModelRegistry(registry).rollback(
        name, stage=stage, actor=acting(actor), reason=reason, expect=expect
    )
    _say_stage(done, stage)
    return 0


def list_models(*, registry: Path, json_wanted: bool) -> int:
    """Print every version of every model, a line for each."""
    models = ModelRegistry(registry).state().models
    found = [(model, version) for model in models.values() for version in model.versions]
    if json_wanted:
        print(as_json([_described(*pair) for pair in found]), end="")
    elif not found:
        print(f"no models in {registry}")
    else:
        rows: list[tuple[str, ...]] = [
            ("model", "version", "status", "stage", "average precision", "run", "registered by")
        ]
        rows += [_row(*pair) for pair in found]
        _print_columns(rows)
    return 0


def show(name: str, version: str | None, *, registry: Path, json_wanted: bool) -> int:
    """Print what is known of a version, or of all versions of a model."""
    model = ModelRegistry(registry).state().model(name)
    chosen = model.versions if version is None else (model.version(version),)
    if json_wanted:
        described = [_described(model, one) for one in chosen]
        print(as_json(described if version is None else described[0]), end="")
        return 0
    for one in chosen:
        print(f"{one.reference}  {one.status}  {' '.join(model.stages_of(one.number))}".rstrip())
        for label, value in _facts(one):
            print(f"  {label:<10}  {value}")
    return 0


def history(name: str | None, *, at: str | None, registry: Path, json_wanted: bool) -> int:
    """Print what was done, and with `at` how things stood then."""
    entries = ModelRegistry(registry).entries()
    if name is not None:
        fold(entries).model(name)
    until = None if at is None else _moment(at)
    known = [entry for entry in entries if until is None or entry.time <= until]
    shown = [entry for entry in known if name is None or entry.act.name == name]
    stood = [model for model in fold(known).models.values() if name in (None, model.name)]
    if json_wanted:
        stages = {model.name: {stage: model.holder(stage) for stage in STAGES} for model in stood}
        print(as_json({"at": until, "stages": stages, "entries": [entry.as_json for entry in shown]}), end="")
        return 0
    if shown:
        _print_columns([("time", "who", "did", "version", "why"), *map(_line, shown)])
    else:
        print("nothing was done" + (f" until {until}" if until else ""))
    if until is not None:
        print(f"as it stood at {until}:")
        for model in stood:
            for one in model.versions:
                stage = " ".join(model.stages_of(one.number))
                print(f"  {one.reference}  {one.status}  {stage}".rstrip())
    return 0


def verify(*, registry: Path, head: str | None, json_wanted: bool) -> int:
    """Check the log and every file; exit code 12 where something is not as it was written."""
    found = verify_registry(ModelRegistry(registry), head=head)
    if json_wanted:
        print(as_json(vars(found)), end="")
    else:
        print(f"{found.entries} lines and {found.versions} versions; head {found.head}")
        for link in found.mended:
            print(f"made again: {registry / link}")
    if found.objections:
        raise RegistryError(
            "The registry is not what was written: " + "; ".join(found.objections) + ".",
            fix="restore those files from a copy",
        )
    return 0


def mirror_comet(*, registry: Path, dry_run: bool) -> int:
    """Tell Comet what it does not have of the registry."""
    from fraudlab.registry.comet_mirror import mirror_to_comet

    told = mirror_to_comet(ModelRegistry(registry), dry_run=dry_run)
    if not told:
        print("Comet has all that can be told")
    return 0


def _gates(overrides: Sequence[str]) -> RegistryConfig:
    if strange := [word for word in overrides if not word.startswith(("registry=", "registry."))]:
        raise ConfigError(f"{strange[0]} says nothing about the registry.", fix="use registry.KEY=VALUE")
    from fraudlab.compose import compose

    return compose(overrides).registry


def _say_stage(done: Done, stage: str) -> None:
    words = f"is in {stage}" if done.changed else f"is in {stage} already; nothing was changed"
    print(f"{done.version.reference} {words}")
    if done.changed:
        print(f"serve it: fraudlab serve --model {done.version.name}:{stage}")


def _described(model: RegisteredModel, version: ModelVersion) -> dict[str, Any]:
    decided = version.decided
    return {
        "name": version.name,
        "version": version.number,
        "status": version.status,
        "stages": model.stages_of(version.number),
        "registered": {"time": version.registered.time, "by": version.registered.act.actor},
        "decided": None
        if decided is None
        else {"time": decided.time, "by": decided.act.actor, "reason": decided.act.reason},
        **{key: value for key, value in version.facts.items() if key != "name"},
    }


def _row(model: RegisteredModel, version: ModelVersion) -> tuple[str, ...]:
    value = version.facts.get("metrics", {}).get("average_precision")
    measured = "-" if value is None else f"{value:.3f}"
    stages = ", ".join(model.stages_of(version.number)) or "-"
    return (
        version.name,
        str(version.number),
        version.status,
        stages,
        measured,
        version.run,
        version.registered.act.actor,
    )


def _facts(version: ModelVersion) -> list[tuple[str, str]]:
    facts, decided = version.facts, version.decided
    metrics = facts.get("metrics", {})
    data = facts.get("data", {})
    numbers = [metrics.get(f"average_precision{end}") for end in ("", "_low", "_high")]
    measured = (
        "not measured" if None in numbers else "{:.3f} (95 % interval {:.3f} to {:.3f})".format(*numbers)
    )
    commit = f"{facts.get('commit') or 'unknown'}{' with uncommitted changes' if facts.get('dirty') else ''}"
    lines = [
        ("run", version.run),
        ("registered", f"{version.registered.time} by {version.registered.act.actor}"),
        ("average precision", measured),
        ("data", f"{data.get('source')}, {data.get('rows')} rows, sha256 {data.get('sha256')}"),
        ("commit", commit),
        ("image", str(facts.get("image") or f"none: {facts.get('backend')}")),
        ("experiment", str(facts.get("experiment") or "none")),
        ("content", version.content),
    ]
    if decided is not None:
        words = f"{decided.time} by {decided.act.actor}: {decided.act.reason}"
        lines.insert(2, (version.status, words))
    return lines


def _line(entry: LogEntry) -> tuple[str, ...]:
    act = entry.act
    did = f"{act.verb} {act.stage}".strip() + (" by force" if act.forced else "")
    failed = [gate["gate"] for gate in act.facts.get("gates", []) if not gate.get("passed")]
    why = act.reason + (f" (failed: {', '.join(failed)})" if failed else "")
    return entry.time, act.actor, did, f"{act.name}:{act.version}", why


def _print_columns(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    for row in rows:
        line = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        print("".join(character if character.isprintable() else " " for character in line))


def _moment(text: str) -> str:
    """A date, a time, or how long ago, as the log writes times; a date is the end of its day (UTC)."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        try:
            found = datetime.now(UTC) - timedelta(seconds=seconds(text, key="--at"))
        except (ConfigError, OverflowError) as error:
            raise ConfigError(
                f"--at {text!r} is no time.", fix="give a date such as 2026-11-20, a time, or 7d or 12h ago"
            ) from error
    if len(text) == len("2026-11-20"):
        found += timedelta(days=1, milliseconds=-1)
    known = found if found.tzinfo else found.replace(tzinfo=UTC)
    return known.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
