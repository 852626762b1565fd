"""Things, what each was made of, and the part of it that belongs to one of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import Any


class NodeKind(Enum):
    """What a thing is, in the order in which one is made of another."""

    table = "raw table"
    imported = "imported file"
    prepared = "prepared data"
    dataset = "dataset version"
    run = "run"
    model = "model"
    version = "registry version"
    endpoint = "endpoint"


@dataclass(frozen=True, kw_only=True)
class Node:
    """A table, a run, a model: something that was made of something.

    Attributes
    ----------
    kind : NodeKind
    name : str
        Names it among those of its kind: a digest, the id of a run, ``NAME:VERSION``.
    title : str
        What people call it.
    facts : mapping
        What else is known of it. JSON values, and none that is null.
    also : frozenset of str
        Other words that mean it: digests of its parts, keys, names.
    """

    kind: NodeKind
    name: str
    title: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    also: frozenset[str] = frozenset()

    @cached_property
    def key(self) -> str:
        """Names it among all, such as ``model/d816a0a4…``."""
        return f"{self.kind.name}/{self.name}"

    def as_dict(self) -> dict[str, Any]:
        """The node as JSON values."""
        return {
            "key": self.key,
            "kind": self.kind.value,
            "name": self.name,
            "title": self.title,
            "facts": dict(self.facts),
        }


class Lineage:
    """Nodes, and which was made of which.

    A node that is added twice keeps what is known of it from both: two runs may have used one table.
    """

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._made_of: dict[str, list[str]] = {}
        self._became: dict[str, list[str]] = {}

    def __iter__(self) -> Iterator[Node]:
        return iter(self._nodes.values())

    def __contains__(self, node: Node) -> bool:
        return node.key in self._nodes

    def add(self, node: Node, *, made_of: Iterable[Node] = ()) -> Node:
        """Add a node, and what it was made of; the node as it is known now."""
        known = self._nodes.get(node.key)
        if known is not None and node.facts.keys() <= known.facts.keys() and node.also <= known.also:
            node = known  # ten thousand runs of one table say the same of it
        elif known is not None:
            node = Node(
                kind=known.kind,
                name=known.name,
                title=known.title,
                facts={**node.facts, **known.facts},
                also=known.also | node.also,
            )
        self._nodes[node.key] = node
        for origin in made_of:
            if origin.key not in self._nodes:
                self.add(origin)
            if origin.key not in self._made_of.setdefault(node.key, []):
                self._made_of[node.key].append(origin.key)
                self._became.setdefault(origin.key, []).append(node.key)
        return node

    def made_of(self, node: Node) -> list[Node]:
        """What a node was made of, directly."""
        return [self._nodes[key] for key in self._made_of.get(node.key, [])]

    def became(self, node: Node) -> list[Node]:
        """What was made of a node, directly."""
        return [self._nodes[key] for key in self._became.get(node.key, [])]

    def of(self, node: Node) -> Lineage:
        """The part that belongs to one node: all it was made of, and all that was made of it."""
        kept = {node.key} | self._reached(node.key, self._made_of) | self._reached(node.key, self._became)
        part = Lineage()
        for key, known in self._nodes.items():
            if key in kept:
                part.add(known, made_of=[self._nodes[k] for k in self._made_of.get(key, []) if k in kept])
        return part

    def roots(self) -> list[Node]:
        """The nodes of which nothing says what they were made of."""
        return [node for node in self if not self._made_of.get(node.key)]

    def meant_by(self, word: str) -> list[Node]:
        """The nodes that a word means: by their name, another word for them, or the beginning of a digest.

        Parameters
        ----------
        word : str
            A digest may have ``sha256:`` before it, and needs its first six digits.
        """
        word = word.strip()
        exact = [node for node in self if word in {node.name, *node.also}]
        if exact:
            return exact
        digits = word.removeprefix("sha256:").lower()
        if len(digits) < _MIN_DIGITS or not set(digits) <= _HEXADECIMAL:
            return []
        return [node for node in self if any(_begins(text, digits) for text in (node.name, *node.also))]

    def as_dict(self) -> dict[str, Any]:
        """Nodes and edges as JSON values; an edge leads from what was there first."""
        edges = [{"from": origin, "to": key} for key, origins in self._made_of.items() for origin in origins]
        return {"nodes": [node.as_dict() for node in self], "edges": edges}

    def _reached(self, start: str, edges: Mapping[str, list[str]]) -> set[str]:
        reached: set[str] = set()
        waiting = [start]
        while waiting:
            for key in edges.get(waiting.pop(), []):
                if key not in reached:
                    reached.add(key)
                    waiting.append(key)
        return reached


#: of a digest; fewer are met by chance among some thousand things
_MIN_DIGITS = 6
_HEXADECIMAL = frozenset("0123456789abcdef")


def _begins(text: str, digits: str) -> bool:
    """Whether a text is a digest that begins with these digits."""
    digest = text.removeprefix("sha256:")
    return len(digest) >= 12 and set(digest) <= _HEXADECIMAL and digest.startswith(digits)
