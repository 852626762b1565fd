"""A plan for people, and for scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fraudlab.plan.costs import dollars
from fraudlab.plan.prices import CAVEAT
from fraudlab.plan.run_plan import Plan, PlannedStep, without_price

_WIDTH = 11


def five_lines(plan: Plan) -> list[str]:
    """What a person is shown before being asked: where, what, how long, how much, from which prices."""
    facts = plan.facts
    machines = ", ".join(
        f"{one.step.name} skipped" if one.step.skipped else f"{one.step.name} {_machines(one)}"
        for one in plan.steps
    )
    return [
        _line("where", f"{facts.title}, {facts.region or 'no region'}, image {facts.image.tag}"),
        _line("data", _table(plan)),
        _line("machines", machines),
        _line("cost", money(plan)),
        _line("prices", _sources(plan)),
    ]


def money(plan: Plan) -> str:
    """The figures of a plan as one line."""
    if plan.facts.rehearsed:
        return "rehearsed: costs nothing" + (
            f" (in AWS at most {dollars(plan.most_usd)})" if plan.most_usd is not None else ""
        )
    if not plan.facts.in_cloud:
        return "nothing: it runs on this machine"
    if plan.most_usd is None:
        return f"unknown: {without_price(plan.facts)}"
    likely = "unknown, as no earlier run was of this shape"
    if plan.likely_usd is not None:
        likely = dollars(plan.likely_usd)
    more = f", and {_listed(plan.unpriced)} without a known price" if plan.unpriced else ""
    return f"at most {dollars(plan.most_usd)}{more}; probably {likely}"


def whole(plan: Plan) -> Iterator[str]:
    """The lines of ``fraudlab plan``."""
    facts = plan.facts
    yield _line(
        "where", f"{facts.title}" + (f", {facts.region or 'no region set'}" if facts.in_cloud else "")
    )
    yield _line("image", f"{facts.image.uri} ({(facts.image.id or 'id unknown: no engine was asked')[:26]})")
    yield _line("data", _table(plan))
    yield from _settings(facts.settings)
    yield "requests, of which none has been sent:"
    for operation, request in facts.requests.items():
        yield f"  {operation:<22}{in_short(request)}"
    yield "steps:"
    for one in plan.steps:
        yield from _step(plan, one)
    yield _line("cost", money(plan))
    if facts.in_cloud:
        yield _line("prices", _sources(plan))
        yield from _spot(plan)
        yield _line("quotas", "; ".join(_quota(quota.name, quota.needed) for quota in plan.quotas))
        if plan.permissions:
            yield _line("launcher", " ".join(plan.permissions.launcher))
            yield _line("role", " ".join(plan.permissions.role))
    for note in plan.notes:
        yield f"note: {note}"


def as_json(plan: Plan) -> dict[str, Any]:
    """The plan for scripts; what is not known is null."""
    facts, spot = plan.facts, plan.spot
    return {
        "backend": facts.backend,
        "in_cloud": facts.in_cloud,
        "rehearsed": facts.rehearsed,
        "region": facts.region,
        "account": facts.account,
        "run": facts.run_id,
        "via": facts.via,
        "settings": dict(facts.settings),
        "image": {
            "name": facts.image.name, "id": facts.image.id, "uri": facts.image.uri, "tag": facts.image.tag,
        },
        "data": {
            "path": facts.table.path,
            "files": facts.table.files,
            "bytes": facts.table.size.bytes,
            "rows": facts.table.size.rows,
            "rows_exact": facts.table.size.exact,
            "columns": facts.table.size.columns,
            "sha256": facts.table.sha256,
        },
        "requests": dict(facts.requests),
        "steps": [_step_json(one) for one in plan.steps],
        "most_usd": plan.most_usd,
        "likely_usd": plan.likely_usd,
        "likely_seconds": plan.likely_seconds,
        "unpriced": list(plan.unpriced),
        "prices": {"caveat": CAVEAT, "used": [price.as_json() for price in plan.prices]},
        "spot": None if spot is None else {"low": spot.low, "high": spot.high, "seen": spot.seen},
        "quotas": [quota.as_json() for quota in plan.quotas],
        "permissions": None
        if plan.permissions is None
        else {"launcher": list(plan.permissions.launcher), "role": list(plan.permissions.role)},
        "notes": list(plan.notes),
    }  # fmt: skip


def in_short(request: Mapping[str, Any]) -> str:
    """A request as a few words: its name, machines, and where it reads and writes."""
    name = next(str(value) for key, value in request.items() if key.endswith("Name"))
    words = [name, *_machines_of(request)]
    limit = request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds")
    words += [f"at most {limit // 60} min"] if limit else []
    words += ["spot"] if request.get("EnableManagedSpotTraining") else []
    words += [f"from {uri}" for uri in _uris(request, inputs=True)]
    words += [f"to {uri}" for uri in _uris(request, inputs=False)]
    return ", ".join(words)


def _machines_of(request: Mapping[str, Any]) -> Iterator[str]:
    places = (
        request.get("ProcessingResources", {}).get("ClusterConfig"),
        request.get("ResourceConfig"),
        request.get("TransformResources"),
        *request.get("ProductionVariants", []),
    )
    for place in filter(None, places):
        count = place.get("InstanceCount", place.get("InitialInstanceCount"))
        volume = f" with {place['VolumeSizeInGB']} GB" if "VolumeSizeInGB" in place else ""
        yield f"{count} × {place['InstanceType']}{volume}"


def _uris(request: Mapping[str, Any], *, inputs: bool) -> list[str]:
    """The URIs that a request reads from, or writes to."""
    if inputs:
        found = [one["S3Input"]["S3Uri"] for one in request.get("ProcessingInputs", [])]
        found += [one["DataSource"]["S3DataSource"]["S3Uri"] for one in request.get("InputDataConfig", [])]
        if "TransformInput" in request:
            found.append(request["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"])
        if "PrimaryContainer" in request:
            found.append(request["PrimaryContainer"]["ModelDataUrl"])
        return found
    outputs = request.get("ProcessingOutputConfig", {}).get("Outputs", [])
    found = [one["S3Output"]["S3Uri"] for one in outputs]
    found += [
        request[key]["S3OutputPath"] for key in ("OutputDataConfig", "TransformOutput") if key in request
    ]
    return found


def _step(plan: Plan, one: PlannedStep) -> Iterator[str]:
    step = one.step
    if step.skipped:
        yield f"  {step.name:<{_WIDTH}}skipped: {step.skipped}"
        return
    time = f"about {_seconds(one.expected.seconds)}, as in {_runs(one.expected.runs)}" if one.expected else ""
    if not plan.facts.in_cloud:
        yield f"  {step.name:<{_WIDTH}}{time or 'duration unknown: no earlier run was of this shape'}"
        return
    usd = "price unknown" if one.cost.usd is None else f"at most {dollars(one.cost.usd)}"
    likely = f"; probably {dollars(one.likely_usd)}, {time}" if time and one.likely_usd is not None else ""
    yield f"  {step.name:<{_WIDTH}}{usd}{likely}"
    for item in one.cost.items:
        yield f"  {'':<{_WIDTH}}{item.what}: {item.how} = {dollars(item.usd)}"


def _spot(plan: Plan) -> Iterator[str]:
    train = next(one for one in plan.steps if one.step.name == "train")
    if plan.spot is None:
        yield _line("spot", f"not known what it saves of {train.step.instance_type}")
        return
    machines = next((item.usd for item in train.cost.items if item.what == "machines"), None)
    worth = ""
    if machines is not None:
        worth = f", {dollars(machines * plan.spot.low)} to {dollars(machines * plan.spot.high)} of the most"
    verb = "is set, and saves" if train.step.spot else "(sagemaker.spot=true) would save"
    yield _line("spot", f"{verb} {plan.spot.words} of the train job's machines{worth}; {plan.spot.seen}")


def _settings(settings: Mapping[str, str]) -> Iterator[str]:
    for name, words in settings.items():
        yield _line(name, words)


def _table(plan: Plan) -> str:
    table = plan.facts.table
    size = table.size
    words = [table.path]
    words += [f"{table.files:,} files"] if table.files > 1 else []
    words.append(table.origin if size.bytes is None else f"{size.bytes:,} bytes")
    if size.rows is not None:
        words.append(f"{'' if size.exact else 'about '}{size.rows:,} rows")
    words.append(f"sha256 {table.sha256[:12]}…" if table.sha256 else "sha256 unknown, it has not been read")
    return ", ".join(words)


def _sources(plan: Plan) -> str:
    kinds = list(dict.fromkeys(_kind(price.kind, price.date) for price in plan.prices))
    return f"{CAVEAT}; {', '.join(kinds)}" if kinds else f"{CAVEAT}; none is known"


def _kind(kind: str, date: str) -> str:
    if kind == "live":
        return f"from the Pricing API on {date}"
    return f"{kind}{f' ({date})' if date else ''}"


def _step_json(one: PlannedStep) -> dict[str, Any]:
    step = one.step
    return {
        "name": step.name,
        "component": step.component.value,
        "instance_type": step.instance_type,
        "instance_count": step.instance_count,
        "volume_gb": step.volume_gb,
        "max_seconds": step.max_seconds,
        "spot": step.spot,
        "warm_pool_seconds": step.warm_pool_seconds,
        "skipped": step.skipped,
        "most_usd": one.cost.usd,
        "items": [
            {"what": item.what, "usd": item.usd, "price": item.price.as_json() if item.price else None}
            for item in one.cost.items
        ],
        "likely_usd": one.likely_usd,
        "likely_seconds": one.expected.seconds if one.expected else None,
        "earlier_runs": one.expected.runs if one.expected else 0,
    }


def _machines(one: PlannedStep) -> str:
    step = one.step
    extra = " spot" if step.spot else ""
    return f"{step.instance_count} × {step.instance_type}{extra} up to {step.max_seconds // 60} min"


def _quota(name: str, needed: int) -> str:
    return f"{name} (needs {needed})"


def _listed(texts: tuple[str, ...]) -> str:
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def _runs(count: int) -> str:
    return "an earlier run" if count == 1 else f"{count} earlier runs"


def _seconds(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds >= 90 else f"{seconds:.1f} s"


def _line(name: str, words: str) -> str:
    return f"{name:<{_WIDTH}}{words}"
