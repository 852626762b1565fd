"""The lineage that the folder of one run records."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fraudlab.errors import RunError
from fraudlab.files import read_json
from fraudlab.lineage.graph import Lineage, Node, NodeKind
from fraudlab.runs.find import Run
from fraudlab.runs.record import loaded

#: the names of jobs and endpoints in the requests of a run
_NAMES = ("ProcessingJobName", "TrainingJobName", "TransformJobName", "EndpointName")


def prepared_hashes(manifest: Mapping[str, Any]) -> dict[str, str]:
    """The SHA-256 of each file of prepared data, by its name."""
    splits = _section(manifest, "splits")
    return {
        f"{name}/part-0.parquet": str(facts["sha256"])
        for name, facts in splits.items()
        if isinstance(facts, dict) and facts.get("sha256")
    }


def content_digest(hashes: Mapping[str, str]) -> str:
    """The SHA-256 of a content: of its file, or of the sorted names and hashes of several."""
    if len(hashes) == 1:
        return next(iter(hashes.values()))
    listing = "".join(f"{sha256}  {file}\n" for file, sha256 in sorted(hashes.items()))
    return hashlib.sha256(listing.encode()).hexdigest()


def add_run(lineage: Lineage, run: Run) -> Node:
    """Add a run with what it used and what it made, as far as its folder says; the run's node.

    Raises
    ------
    RunError
        Where one of its files is broken.
    """
    folder = run.folder
    return add_record(
        lineage,
        {**run.record, "id": run.id},
        manifest=_object(f"{folder}/data/manifest.json"),
        contract=_object(f"{folder}/model/model.json"),
        asked=run_requests(folder),
        folder=folder,
    )


def add_record(
    lineage: Lineage,
    record: Mapping[str, Any],
    *,
    manifest: Mapping[str, Any],
    contract: Mapping[str, Any],
    asked: Mapping[str, str],
    folder: Path | None = None,
) -> Node:
    """Add a run by what its files say; the run's node.

    Parameters
    ----------
    lineage : Lineage
    record, manifest, contract : mapping
        ``run.json``, ``data/manifest.json`` and ``model/model.json``; empty where there is none.
    asked : mapping
        As :func:`run_requests` reads it.
    folder : Path, optional
        The run's, where it is to be named.
    """
    data = _section(record, "data")
    raw = raw_table(data if folder else {**data, "path": None}, manifest)
    prepared = prepared_data(manifest)
    if prepared is not None:
        lineage.add(prepared, made_of=[raw] if raw else [])
    origin = prepared or raw
    origins = [origin] if origin else []
    if (version := started_version(data)) is not None:
        is_prepared = version.facts["of"] == "preprocessed"
        content = prepared if is_prepared else raw
        lineage.add(version, made_of=[content] if content else [])
        origins = [version] if is_prepared else [*origins, version]
    if older := record.get("threshold_of"):  # its booster is that run's
        origins = [lineage.add(Node(kind=NodeKind.run, name=str(older), title=str(older)), made_of=origins)]
    node = lineage.add(run_node(record, names=asked, folder=folder), made_of=origins)
    made = model_node(contract, folder=folder / "model" if folder else None, metrics=record.get("metrics"))
    if made is not None:
        model = lineage.add(made, made_of=[node])
        if endpoint := asked.get("EndpointName"):
            lineage.add(_own_endpoint(endpoint, record), made_of=[model])
    return node


def raw_table(data: Mapping[str, Any], manifest: Mapping[str, Any]) -> Node | None:
    """The table that a run was given; None where its record does not say."""
    digest = data.get("sha256") or _section(manifest, "raw").get("sha256")
    if not digest:
        return None
    facts = {
        "source": data.get("source"),
        "rows": data.get("rows"),
        "columns": data.get("columns"),
        "path": data.get("path"),
    }
    return Node(
        kind=NodeKind.table, name=str(digest), title=str(data.get("source") or "table"), facts=_known(facts)
    )


def started_version(data: Mapping[str, Any]) -> Node | None:
    """The version of data in Comet that a run started from; None where it began with a table.

    Parameters
    ----------
    data : mapping
        ``data`` of its record.
    """
    version = _section(data, "version")
    name, number = version.get("name"), version.get("number")
    if not name or not number:
        return None
    reference = f"{name}:{number}"
    return Node(
        kind=NodeKind.dataset,
        name=f"{version['workspace']}/{reference}" if version.get("workspace") else reference,
        title=reference,
        facts=_known({"of": version.get("kind") or "raw", "sha256": version.get("sha256")}),
        also=frozenset({reference}),
    )


def prepared_data(manifest: Mapping[str, Any]) -> Node | None:
    """What a processing job made of a table; None where it made nothing."""
    hashes = prepared_hashes(manifest)
    if not hashes:
        return None
    splits = {name: part for name, part in _section(manifest, "splits").items() if isinstance(part, dict)}
    split = _section(manifest, "split")
    facts = {
        "split": split.get("kind"),
        "cuts": split.get("cuts"),
        "duplicates": _section(manifest, "duplicates").get("policy"),
        "scale": _section(manifest, "preprocessing").get("scale"),
        **{name: {key: part.get(key) for key in ("rows", "positives")} for name, part in splits.items()},
    }
    return Node(
        kind=NodeKind.prepared,
        name=content_digest(hashes),
        title=f"{split.get('kind') or 'unknown'} split",
        facts=_known(facts),
        also=frozenset(hashes.values()),
    )


def run_node(record: Mapping[str, Any], *, names: Mapping[str, str], folder: Path | None = None) -> Node:
    """A run: how, from which commit, in which image and by which configuration it was carried out."""
    git, image, experiment = (_section(record, part) for part in ("git", "image", "experiment"))
    where = _absolute(folder)
    config = f"{where}/config.yaml"
    facts = {
        "status": record.get("status"),
        "started": record.get("started"),
        "backend": record.get("backend"),
        "commit": git.get("commit"),
        "uncommitted_changes": git.get("dirty"),
        "image": image.get("name"),
        "image_id": image.get("id"),
        "configuration": config if where and os.path.isfile(config) else None,  # noqa: PTH113
        "experiment": experiment.get("key"),
        "experiment_url": experiment.get("url"),
        "folder": where,
    }
    also = {experiment.get("key"), *(name for key, name in names.items() if key != "EndpointName")}
    return Node(
        kind=NodeKind.run,
        name=str(record["id"]),
        title=str(record.get("name") or record["id"]),
        facts=_known(facts),
        also=frozenset(str(word) for word in also if word),
    )


def model_node(
    contract: Mapping[str, Any], *, folder: Path | None = None, metrics: Mapping[str, Any] | None = None
) -> Node | None:
    """A model by its scoring contract; None where there is none.

    Parameters
    ----------
    contract : mapping
        The content of ``model.json``.
    folder : Path, optional
        Where its files are.
    metrics : mapping, optional
        What was measured of it on the test rows.
    """
    digest = _section(contract, "hashes").get("model.ubj")
    if not digest:
        return None
    facts = {
        "run": contract.get("run_id"),
        "threshold": contract.get("threshold"),
        "rounds": contract.get("rounds"),
        "versions": contract.get("versions"),
        "average_precision": (metrics or {}).get("average_precision"),
        "folder": _absolute(folder),
    }
    # an endpoint's answers name it by its first twelve digits
    return Node(kind=NodeKind.model, name=str(digest), title=str(digest)[:12], facts=_known(facts))


def add_contract(lineage: Lineage, contract: Mapping[str, Any], *, folder: Path | None = None) -> Node | None:
    """Add a model with all that its scoring contract says of where it is from, its run or not; its node.

    What a run's folder says of the same things is more, and stays.
    """
    made = model_node(contract, folder=folder)
    if made is None:
        return None
    hashes = _section(contract, "hashes")
    origins: list[Node] = []
    raw = raw_table({"sha256": hashes.get("data")}, {})
    manifest = {"splits": {name: {"sha256": digest} for name, digest in _section(hashes, "prepared").items()}}
    prepared = prepared_data(manifest)
    if prepared is not None:
        lineage.add(prepared, made_of=[raw] if raw else [])
    brought = _section(contract, "imported")
    if (run_id := contract.get("run_id")) and not brought:
        run = Node(kind=NodeKind.run, name=str(run_id), title=str(run_id))
        if run in lineage and made.key not in {node.key for node in lineage.became(run)}:
            # one of another machine, and by chance of the same name
            run = Node(kind=NodeKind.run, name=f"{run_id} of another folder", title=str(run_id))
        origin = prepared or raw
        origins.append(lineage.add(run, made_of=[origin] if origin else []))
    for file in brought.get("files", []):
        facts = _known({"xgboost": file.get("xgboost")})
        imported = Node(
            kind=NodeKind.imported, name=str(file.get("sha256")), title=str(file.get("name")), facts=facts
        )
        origins.append(lineage.add(imported))
    return lineage.add(made, made_of=origins)


def model_digest(folder: Path) -> str | None:
    """The SHA-256 of a run's ``model.ubj``, as its contract says it."""
    digest = _section(_object(f"{folder}/model/model.json"), "hashes").get("model.ubj")
    return None if digest is None else str(digest)


def run_requests(folder: Path) -> dict[str, str]:
    """The names of jobs and of the endpoint that a run has asked for, by their keys."""
    found: dict[str, str] = {}
    requests = f"{folder}/requests"
    try:
        names = sorted(name for name in os.listdir(requests) if name.endswith(".json"))  # noqa: PTH208
    except OSError:
        return found
    for name in names:
        request = _object(f"{requests}/{name}")
        found |= {key: str(request[key]) for key in _NAMES if request.get(key)}
    return found


def _own_endpoint(name: str, record: Mapping[str, Any]) -> Node:
    state = "up for the run" if record.get("endpoint") else "taken down with the run"
    facts = {"backend": record.get("backend"), "state": state}
    return Node(kind=NodeKind.endpoint, name=name, title=name, facts=_known(facts))


def _absolute(folder: Path | None) -> str | None:
    if folder is None:
        return None
    text = str(folder)
    return text if text.startswith(os.sep) else str(folder.absolute())


def _section(source: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object inside an object; empty where there is none, or something else."""
    found = source.get(name)
    return found if isinstance(found, dict) else {}


def _object(path: str) -> dict[str, Any]:
    """A JSON object of a run's folder; empty where there is none."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - a Path of each of ten thousand costs more
            found = loaded(file.read())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, RecursionError):
        if not os.path.isfile(path):  # noqa: PTH113
            return {}
        found = read_json(Path(path))  # which says what is wrong
    if not isinstance(found, dict):
        raise RunError(f"{path} holds no object.", fix="repeat the run")
    return found


def _known(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}
