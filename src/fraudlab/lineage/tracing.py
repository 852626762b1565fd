"""What a person means by a word, and the lineage of that."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from fraudlab.archives import unpack
from fraudlab.container.contract import file_sha256
from fraudlab.errors import ArchiveError, FraudlabError, RunError
from fraudlab.lineage.deployments import add_deployments, read_deployments
from fraudlab.lineage.graph import Lineage, Node, NodeKind
from fraudlab.lineage.nearby import digits_of, lineage_of, runs_of_model
from fraudlab.lineage.recorded import add_contract, add_run
from fraudlab.runs.find import DEFAULT, Run, find_run, list_runs, without_collection
from fraudlab.runs.record import RECORD

_KINDS_OF_WORDS = (
    "a run (its id or folder, latest), a model (its folder, model.tar.gz, model.ubj, an endpoint's URL, "
    "NAME:VERSION), a table (its file or folder), an endpoint's name, or the first six digits or more of "
    "a digest"
)


class Traced(NamedTuple):
    """What was asked for, in the lineage it belongs to."""

    node: Node
    lineage: Lineage

    def as_dict(self) -> dict[str, Any]:
        """The answer as JSON values."""
        return {"asked": self.node.key, **self.lineage.of(self.node).as_dict()}


def trace(
    word: str,
    *,
    runs: Path | None,
    served: Callable[[str], Mapping[str, Any]],
    table_digest: Callable[[Path], str],
    versions: Callable[[Lineage], object] = lambda _: None,
    left_out: Callable[[str], None] = lambda _: None,
) -> Traced:
    """Find what a word means, and what it was made of and what was made of it.

    Parameters
    ----------
    word : str
        A run, a model, a table or an endpoint; see the error for all that it may be.
    runs : Path or None
        Where runs are; None is ``./runs``, and then a path may lead to a run anywhere.
    served : callable
        Asks the endpoint at a URL for the scoring contract of its model.
    table_digest : callable
        The SHA-256 by which runs know the table at a path.
    versions : callable
        Adds the versions of a registry.
    left_out : callable
        Told of each run that cannot be read.

    Raises
    ------
    RunError
        Where the word means nothing here, or several things.
    """
    run = _run_named(word, runs)
    if run is not None:
        # other runs are neither what it was made of nor what came of it: ten thousand need not be read
        lineage = Lineage()
        node = add_run(lineage, run)
        _add_older(lineage, run)
        add_deployments(lineage, read_deployments(run.folder.parent))
        versions(lineage)
        return Traced(node, lineage)
    folder = runs or DEFAULT
    is_url = word.startswith(("http://", "https://"))
    contract = served(word) if is_url else _contract_at(word)
    near = _near(folder, word, contract, versions)
    if near is not None and contract is None and (model := _one_model(near, word)) is not None:
        return Traced(model, near)
    if contract is None or near is None:
        near = known_lineage(folder, versions=versions, left_out=left_out)
    lineage = near
    if is_url and contract is not None:
        return Traced(_of_endpoint(lineage, word, contract), lineage)
    found = lineage.meant_by(word)
    if not found and word.strip() and os.path.exists(word):  # noqa: PTH110 (a path too long is none)
        found = [_of_path(lineage, Path(word), table_digest)]
    if not found:
        raise RunError(
            f"{word!r} is nothing that runs here have used or made.", fix=f"name {_KINDS_OF_WORDS}"
        )
    if len(found) > 1:
        names = ", ".join(f"{node.kind.value} {node.name}" for node in found)
        raise RunError(
            f"{word!r} means several: {names}.", fix="give more digits, or the name of one of them"
        )
    return Traced(found[0], lineage)


def _near(
    runs: Path, word: str, contract: Mapping[str, Any] | None, versions: Callable[[Lineage], object]
) -> Lineage | None:
    """What is known of a model without reading all runs; None where that may not be all."""
    hashes = (contract or {}).get("hashes")
    digest = hashes.get("model.ubj") if isinstance(hashes, Mapping) else None
    digits = digits_of(str(digest)) if contract is not None else digits_of(word)
    run_id = (contract or {}).get("run_id")
    if digits is None:
        return None
    with without_collection():
        found = runs_of_model(runs, digits, run_id=run_id if isinstance(run_id, str) else None)
        if found is None:
            return None
        try:
            lineage = lineage_of(found)
        except FraudlabError:
            return None
    add_deployments(lineage, read_deployments(runs))
    versions(lineage)
    return lineage


def _one_model(lineage: Lineage, word: str) -> Node | None:
    """The model that a word means; None where it means something else, of which other runs may know more."""
    found = lineage.meant_by(word)
    return found[0] if len(found) == 1 and found[0].kind is NodeKind.model else None


def _contract_at(word: str) -> Mapping[str, Any] | None:
    """The contract of the model in a folder; None where a word is none, or what is there is to be refused."""
    path = Path(word)
    folder = path.parent if path.name in ("model.ubj", "model.json") else path
    try:
        contract = json.loads((folder / "model.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return contract if isinstance(contract, dict) else None


def known_lineage(
    runs: Path,
    *,
    versions: Callable[[Lineage], object] = lambda _: None,
    left_out: Callable[[str], None] = lambda _: None,
) -> Lineage:
    """The lineage of all that a folder of runs knows."""
    lineage = Lineage()
    with without_collection():
        for run in list_runs(runs, damaged=lambda error: left_out(error.message)):
            try:
                add_run(lineage, run)
            except FraudlabError as error:
                left_out(error.message)
    add_deployments(lineage, read_deployments(runs))
    versions(lineage)
    return lineage


def _add_older(lineage: Lineage, run: Run) -> None:
    """The runs whose threshold was chosen again, as far as they are still there: they trained the model."""
    seen = {run.id}
    while isinstance(older := run.record.get("threshold_of"), str) and older not in seen:
        seen.add(older)
        found = _run_named(older, run.folder.parent)
        if found is None:
            return
        add_run(lineage, run := found)


def _run_named(word: str, runs: Path | None) -> Run | None:
    """The run that a word names as ``fraudlab runs show`` takes it; None where it names none."""
    if os.sep not in word and not os.path.lexists(f"{runs or DEFAULT}/{word}"):
        return None  # the refusal would name the nearest of all there are
    try:
        return find_run(runs, word)
    except RunError:
        # a record that is there and cannot be read is another matter than a word that is no run
        if os.path.isfile((runs or DEFAULT) / word / RECORD):  # noqa: PTH113 (a path too long is none)
            raise
        return None


def _of_endpoint(lineage: Lineage, url: str, contract: Mapping[str, Any]) -> Node:
    model = add_contract(lineage, contract)
    if model is None:
        raise RunError(f"The model at {url} does not say its digest.", fix="serve a model of fraudlab")
    facts = {"place": url, "state": "answers now"}
    return lineage.add(Node(kind=NodeKind.endpoint, name=url, title=url, facts=facts), made_of=[model])


def _of_path(lineage: Lineage, path: Path, table_digest: Callable[[Path], str]) -> Node:
    if path.name == "model.ubj" or (path / "model.ubj").is_file():
        return _of_model(lineage, path if path.is_dir() else path.parent)
    if path.name == "model.json":
        return _named(lineage, path, _contract(path.read_bytes(), path), folder=path.parent)
    if path.name.endswith((".tar.gz", ".tgz")):
        return _named(lineage, path, _contract(_packed(path), path))
    digest = table_digest(path)
    found = [node for node in lineage if node.name == digest or digest in node.also]
    if not found:
        raise RunError(
            f"No run here has used {path} as it is now (sha256 {digest[:12]}).",
            fix="a table that was changed is another; `fraudlab runs list` shows which runs there are",
        )
    return found[0]


def _of_model(lineage: Lineage, folder: Path) -> Node:
    path = folder / "model.json"
    contract = _contract(path.read_bytes(), path) if path.is_file() else {}
    booster = folder / "model.ubj"
    if booster.is_file():
        digest = file_sha256(booster)
        said = (contract.get("hashes") or {}).get("model.ubj")
        if said is not None and said != digest:
            raise RunError(
                f"{booster} is not the model that {path.name} beside it describes.",
                fix="take both from the model.tar.gz of the run",
            )
        contract = {**contract, "hashes": {**(contract.get("hashes") or {}), "model.ubj": digest}}
    return _named(lineage, folder, contract, folder=folder)


def _named(lineage: Lineage, path: Path, contract: Mapping[str, Any], *, folder: Path | None = None) -> Node:
    node = add_contract(lineage, contract, folder=folder)
    if node is None:
        raise RunError(f"{path} is no model of fraudlab.", fix="name a folder with model.ubj and model.json")
    return node


def _packed(archive: Path) -> bytes:
    """``model.json`` of an archive."""
    with tempfile.TemporaryDirectory(prefix="fraudlab-lineage-") as work:
        target = Path(work) / "model.json"
        unpack(archive, lambda name: target if name == "model.json" else None)
        if not target.is_file():
            raise ArchiveError(f"{archive} has no model.json.", fix="name a model.tar.gz of a run")
        return target.read_bytes()


def _contract(content: bytes, path: Path) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError as error:
        raise RunError(f"{path} is not JSON ({error}).", fix="name a model of fraudlab") from error
    if not isinstance(found, dict) or not isinstance(found.get("hashes", {}), dict):
        raise RunError(f"{path} describes no model.", fix="name a model of fraudlab")
    return found
