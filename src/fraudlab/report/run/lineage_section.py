"""What the run's model was made of, and where it was asked."""

from __future__ import annotations

from fraudlab.lineage.drawing import facts_of, shown_name
from fraudlab.lineage.graph import Lineage, Node
from fraudlab.lineage.recorded import add_record, run_requests
from fraudlab.report.kit.markup import Markup, element
from fraudlab.report.recorded.run_record import RunRecord


def lineage_section(record: RunRecord) -> Markup | None:
    """Draw what the run's model was made of as a row of steps; None where nothing was used or made."""
    lineage = Lineage()
    # The page is written while its run goes on: how it ends, the page cannot know.
    run = {**record.run, "id": record.id, "status": None}
    add_record(
        lineage,
        run,
        manifest=record.manifest,
        contract=record.model,
        asked=run_requests(record.folder),
    )
    nodes = _in_order(lineage)
    if len(nodes) < 2:
        return None
    return element(
        "section",
        element("h2", "Lineage"),
        element("p", "Each was made of the one before it; digests are SHA-256.", class_="lead"),
        element("ol", [_step(node) for node in nodes], class_="lineage"),
        element(
            "p",
            "What else came of them, and which endpoints have the model now: ",
            element("code", f"fraudlab models lineage {record.id}"),
            class_="note",
        ),
    )


def _in_order(lineage: Lineage) -> list[Node]:
    """The nodes of one run, each behind what it was made of: they are one line."""
    ordered: list[Node] = []
    waiting = lineage.roots()
    while waiting:
        node = waiting.pop(0)
        ordered.append(node)
        waiting += lineage.became(node)
    return ordered


def _step(node: Node) -> Markup:
    return element(
        "li",
        element("strong", node.kind.value.capitalize()),
        element("code", shown_name(node), title=node.name),
        [element("span", fact) for fact in facts_of(node)],
    )
