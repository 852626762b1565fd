"""A lineage as lines of text: a tree from what was there first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fraudlab.lineage.graph import Lineage, Node, NodeKind

#: digits of a digest that are shown: as many as an endpoint's answers have
_SHOWN = 12
_BY_DIGEST = frozenset({NodeKind.table, NodeKind.prepared, NodeKind.model, NodeKind.imported})


def lines(lineage: Lineage, *, asked: str | None = None) -> list[str]:
    """Draw a lineage.

    Parameters
    ----------
    lineage : Lineage
    asked : str, optional
        Key of the node that was asked for, which gets a mark.
    """
    drawn: set[str] = set()
    found: list[str] = []
    for root in sorted(lineage.roots(), key=_order):
        found += _branch(lineage, root, drawn, asked=asked, first="", rest="")
    return found


def shown_name(node: Node) -> str:
    """The name of a node as people read it: of a digest, the digits that answers of an endpoint have."""
    if node.kind in _BY_DIGEST:
        return node.name[:_SHOWN]
    return node.title if node.kind is NodeKind.endpoint else node.name


def facts_of(node: Node) -> list[str]:
    """What people ask of a node first."""
    return list(_facts(node))


def _branch(
    lineage: Lineage, node: Node, drawn: set[str], *, asked: str | None, first: str, rest: str
) -> Iterator[str]:
    mark = "  ← asked for" if node.key == asked else ""
    name = f"{first}{node.kind.value} {shown_name(node)}"
    if node.key in drawn:
        yield f"{name}, as above{mark}"
        return
    facts = "; ".join(facts_of(node))
    yield f"{name}: {facts}{mark}" if facts else f"{name}{mark}"
    drawn.add(node.key)
    children = sorted(lineage.became(node), key=_order)
    for number, child in enumerate(children, start=1):
        last = number == len(children)
        yield from _branch(
            lineage,
            child,
            drawn,
            asked=asked,
            first=f"{rest}{'└─' if last else '├─'} ",
            rest=f"{rest}{'   ' if last else '│  '}",
        )


def _order(node: Node) -> tuple[int, str, str]:
    return list(NodeKind).index(node.kind), str(node.facts.get("started") or ""), node.name


def _facts(node: Node) -> Iterator[str]:
    facts = node.facts
    if node.kind is NodeKind.table:
        yield from _counts(facts, source=True)
    elif node.kind is NodeKind.prepared:
        parts = [
            part for part in ("train", "validation", "test") if _part(facts, part).get("rows") is not None
        ]
        yield node.title
        if parts:
            rows, frauds = (
                " / ".join(f"{_part(facts, part)[key]:,}" for part in parts) for key in ("rows", "positives")
            )
            yield f"{rows} rows, {frauds} frauds"
    elif node.kind is NodeKind.run:
        yield from _of_run(facts)
    elif node.kind is NodeKind.model:
        if "average_precision" in facts:
            yield f"average precision {facts['average_precision']:.3f}"
        if "folder" in facts:
            yield str(facts["folder"])
    elif node.kind is NodeKind.imported:
        yield node.title
    elif node.kind is NodeKind.dataset:
        yield f"{facts.get('of')}, sha256 {str(facts.get('sha256'))[:_SHOWN]}, in Comet"
    else:
        yield from (
            str(facts[name]) for name in ("status", "stage", "place", "backend", "state") if facts.get(name)
        )
        if "since" in facts:
            yield f"since {_minute(facts['since'])}"


def _of_run(facts: Mapping[str, Any]) -> Iterator[str]:
    if not facts:
        yield "not in this folder of runs"
        return
    how = {**facts, "started": _minute(facts.get("started"))}
    yield ", ".join(str(how[name]) for name in ("status", "started", "backend") if how.get(name))
    changed = " with uncommitted changes" if facts.get("uncommitted_changes") else ""
    yield f"commit {facts['commit']}{changed}" if "commit" in facts else "no commit is known"
    if "image_id" in facts or "image" in facts:
        yield "image " + " ".join(str(facts[name]) for name in ("image", "image_id") if name in facts)
    if "configuration" in facts:
        yield f"configuration {facts['configuration']}"
    if "experiment" in facts:
        yield f"experiment {facts.get('experiment_url') or facts['experiment']}"


def _counts(facts: Mapping[str, Any], *, source: bool) -> Iterator[str]:
    if source and "source" in facts:
        yield str(facts["source"])
    if "rows" in facts:
        yield f"{facts['rows']:,} rows, {facts.get('columns')} columns"
    if "path" in facts:
        yield str(facts["path"])


def _minute(time: object) -> str | None:
    """A time of a record as people read it: up to the minute, in UTC."""
    text = str(time or "")
    return f"{text[:16].replace('T', ' ')} UTC" if text.endswith("Z") else text or None


def _part(facts: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = facts.get(name)
    return found if isinstance(found, Mapping) else {}
