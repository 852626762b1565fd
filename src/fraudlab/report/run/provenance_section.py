"""How a run was made, what one needs to make it again, and how long each stage took."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from fraudlab.backend_registry import BACKENDS, describe
from fraudlab.report.kit import numerals
from fraudlab.report.kit.blocks import bar, bar_figure, fact, written
from fraudlab.report.kit.markup import Child, Markup, element
from fraudlab.report.recorded.run_record import Json, RunRecord, dig, number, section
from fraudlab.runs.record import flatten

# Share of fraud up to which accuracy is close to 1 for any model.
RARE = 0.05


def provenance_section(record: RunRecord) -> Markup:
    """What one needs to make this run again, and how long each stage took."""
    run = record.run
    commit = dig(run, "git", "commit")
    rows: list[tuple[str, Child]] = [
        ("Run", record.id),
        ("Started", numerals.instant(run.get("started"))),
        ("Backend", _backend(run)),
        ("Commit", _code(commit, " with uncommitted changes" if dig(run, "git", "dirty") else "")),
        ("Image", _image(run)),
        ("Data", data_name(run)),
        ("Data sha256", _code(dig(run, "data", "sha256"))),
        ("Model sha256", _code(dig(record.model, "hashes", "model.ubj"))),
        ("Experiment", _experiment(record)),
        ("Endpoint check", _endpoint(record)),
        ("Files", [[link, " "] for link in _files(record)] or None),
    ]
    return element(
        "section",
        element("h2", "Provenance"),
        element(
            "div",
            element("dl", [fact(name, value) for name, value in rows if value], class_="pairs facts"),
            _timings(section(run, "stages")),
            class_="pair uneven",
        ),
        _details("Packages", section(run, "packages")),
        _details("Machine", section(run, "platform")),
        _details("Every metric", _rounded(record.metrics), note=_accuracy(record)),
    )


def _timings(stages: Json) -> Markup | None:
    spent = {name: number(stages, name, "seconds") for name in stages}
    known = {name: seconds for name, seconds in spent.items() if seconds is not None}
    if not known:
        return None
    longest = max(known.values()) or 1.0
    bars = []
    for name, seconds in known.items():
        cached = bool(dig(stages, name, "cached"))
        mark = element("small", "cached") if cached else None
        bars.append(bar(name.capitalize(), seconds / longest, numerals.duration(seconds), mark))
    total = numerals.duration(sum(known.values()))
    return bar_figure("Time spent", f"{total} in these stages", bars)


def _details(title: str, values: Mapping[str, Any], note: str | None = None) -> Markup | None:
    if not values:
        return None
    pairs = [fact(key, written(value)) for key, value in flatten(values).items()]
    return element(
        "details",
        element("summary", title),
        element("p", note, class_="note") if note else None,
        element("dl", pairs, class_="pairs many"),
    )


def _rounded(metrics: Json) -> Json:
    return {name: f"{value:.6g}" if isinstance(value, float) else value for name, value in metrics.items()}


def _accuracy(record: RunRecord) -> str | None:
    prevalence = number(record.metrics, "prevalence")
    if prevalence is None or number(record.metrics, "accuracy") is None:
        return None
    without = f"a model that never alerts would have {numerals.percent(1 - prevalence)}."
    if prevalence > RARE:
        return f"Accuracy has a base: {without}"
    return f"Accuracy says little where fraud is rare: {without}"


def data_name(run: Json) -> str | None:
    """Name the table: its kind, and its file where that is the person's own."""
    kind, path = dig(run, "data", "source"), dig(run, "data", "path")
    file = PurePath(str(path)).name if path and kind != "synthetic" else None
    named = f"{kind} ({file})" if kind and file else kind or file
    version = dig(run, "data", "version")
    if not isinstance(version, dict):
        return named
    return f"{named}, version {version.get('name')}:{version.get('number')} in Comet"


def _backend(run: Json) -> str | None:
    name = run.get("backend")
    if not name or str(name) not in BACKENDS:
        return str(name) if name else None
    return f"{name} ({describe(str(name)).place})"


def _image(run: Json) -> Child:
    name, identity = dig(run, "image", "name"), dig(run, "image", "id")
    return [str(name), " ", _code(identity)] if name and identity else name or _code(identity)


def _files(record: RunRecord) -> Iterator[Markup]:
    """Links to what lies beside the page, where it does."""
    names = {
        "data": "data/manifest.json",
        "model": "model/model.json",
        "model card": "model/model_card.md",
        "training": "training/history.json",
        "metrics": "evaluation/metrics.json",
        "scores": "evaluation/scores.parquet",
        "configuration": "config.yaml",
    }
    for name, path in names.items():
        if (record.folder / path).is_file():
            yield _link(name, path)
    for folder, ending in (("requests", ".json"), ("logs", ".log")):
        for file in sorted((record.folder / folder).glob(f"*{ending}")):
            yield _link(f"{file.stem} {folder.removesuffix('s')}", f"{folder}/{file.name}")


def _link(name: str, path: str) -> Markup:
    return element("a", name, href=quote(path), class_="entry")


def _experiment(record: RunRecord) -> Child:
    run = record.run
    mode, key, url = (dig(run, "experiment", name) for name in ("mode", "key", "url"))
    if not mode or mode == "off":
        # a run that failed early may have none either
        off = run.get("status") == "completed" or dig(record.config, "tracking", "mode") == "off"
        return "tracking was off" if off else None
    label = str(key or mode)
    linked = isinstance(url, str) and url.startswith(("https://", "http://"))
    name = element("a", label, href=url, rel="noreferrer") if linked else _code(label)
    return [name, f" ({mode})"]


def _endpoint(record: RunRecord) -> str | None:
    difference = number(record.metrics, "endpoint_max_difference")
    if difference is None:
        return None
    by = "a transform job" if record.run.get("scored_via") == "transform" else "the endpoint"
    return (
        f"scores through {by} are the model’s own to {difference:.1e}"
        if difference
        else f"scores through {by} are exactly the model’s own"
    )


def _code(value: Any, after: str = "") -> Child:
    return [element("code", str(value)), after] if value else None
