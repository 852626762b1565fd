"""The versions of a registry, in a lineage."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fraudlab.files import read_json
from fraudlab.lineage.graph import Lineage, Node, NodeKind
from fraudlab.lineage.recorded import add_contract, add_run, model_digest
from fraudlab.runs.find import Run


def add_version(
    lineage: Lineage,
    *,
    name: str,
    number: int,
    status: str,
    stages: Sequence[str],
    is_latest: bool,
    registered: str,
    content: str,
    kept: Path,
) -> Node:
    """Add a version, made of its model; its run too, where no folder of it is known.

    Parameters
    ----------
    name, number : str, int
        Of the model, and of the version.
    status : str
        Whether it was approved.
    stages : sequence of str
        Those it has now.
    is_latest : bool
        Whether no version came after it.
    registered : str
        When, ISO 8601.
    content : str
        SHA-256 of everything that was kept of it.
    kept : Path
        The copy of its run's folder.

    Raises
    ------
    RunError
        Where the copy is broken.
    """
    digest = model_digest(kept)
    model = Node(kind=NodeKind.model, name=str(digest), title=str(digest)[:12])
    run = Run(kept)
    if Node(kind=NodeKind.run, name=run.id, title=run.id) not in lineage:
        add_run(lineage, run)
    elif model not in lineage:  # another run has the name now
        add_contract(lineage, read_json(kept / "model" / "model.json"), folder=kept / "model")
    facts = {"status": status, "stage": ", ".join(stages), "since": registered, "content": content}
    words = {f"{name}:{word}" for word in (f"v{number}", *stages, *(["latest"] if is_latest else []))}
    version = Node(
        kind=NodeKind.version,
        name=f"{name}:{number}",
        title=name,
        facts={fact: value for fact, value in facts.items() if value},
        also=frozenset({name, content, *words}),
    )
    return lineage.add(version, made_of=[model])
