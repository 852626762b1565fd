"""What belongs to a thing: what it was made of, what was made of it, and nothing else."""

import pytest

from fraudlab.lineage.graph import Lineage, Node, NodeKind

RAW = Node(kind=NodeKind.table, name="a" * 64, title="table", facts={"rows": 5})
PREPARED = Node(kind=NodeKind.prepared, name="b" * 64, title="time split", also=frozenset({"c" * 64}))
FIRST, SECOND = (Node(kind=NodeKind.run, name=name, title=name) for name in ("first", "second"))
MODEL, OTHER = (Node(kind=NodeKind.model, name=digit * 64, title=digit) for digit in "de")
ENDPOINT = Node(kind=NodeKind.endpoint, name="scoring@local", title="scoring", also=frozenset({"scoring"}))


@pytest.fixture
def lineage():
    """Two runs of one table: the first made a model that answers, the second another."""
    made = Lineage()
    made.add(PREPARED, made_of=[RAW])
    made.add(FIRST, made_of=[PREPARED])
    made.add(SECOND, made_of=[PREPARED])
    made.add(MODEL, made_of=[FIRST])
    made.add(OTHER, made_of=[SECOND])
    made.add(ENDPOINT, made_of=[MODEL])
    return made


@pytest.mark.parametrize(
    ("asked", "belongs"),
    [
        (RAW, [RAW, PREPARED, FIRST, SECOND, MODEL, OTHER, ENDPOINT]),
        (PREPARED, [RAW, PREPARED, FIRST, SECOND, MODEL, OTHER, ENDPOINT]),
        (FIRST, [RAW, PREPARED, FIRST, MODEL, ENDPOINT]),
        (SECOND, [RAW, PREPARED, SECOND, OTHER]),
        (ENDPOINT, [RAW, PREPARED, FIRST, MODEL, ENDPOINT]),
    ],
    ids=lambda value: value.title if isinstance(value, Node) else "",
)
def test_both_ways_and_never_sideways(lineage, asked, belongs):
    part = lineage.of(asked)
    assert {node.key for node in part} == {node.key for node in belongs}
    edges = part.as_dict()["edges"]
    assert all(edge in lineage.as_dict()["edges"] for edge in edges)
    assert len(edges) == len(belongs) - 1


def test_a_thing_that_two_have_used_is_one_thing_and_keeps_what_both_say(lineage):
    again = Node(kind=NodeKind.table, name="a" * 64, title="other", facts={"rows": 7, "path": "t.csv"})
    lineage.add(again)
    raw = lineage.meant_by("a" * 64)
    assert [(node.title, node.facts) for node in raw] == [("table", {"rows": 5, "path": "t.csv"})]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("first", [FIRST]),
        ("aaaaaa", [RAW]),
        ("sha256:aaaaaaa", [RAW]),
        ("AAAAAAAA", [RAW]),
        ("cccccccccccc", [PREPARED]),
        ("scoring", [ENDPOINT]),
        ("aaaaa", []),
        ("fir", []),
        ("", []),
        ("zzzzzzz", []),
    ],
)
def test_what_a_word_means(lineage, word, meant):
    assert lineage.meant_by(word) == meant


def test_a_ring_in_what_was_recorded_ends(lineage):
    lineage.add(RAW, made_of=[ENDPOINT])
    assert len(list(lineage.of(MODEL))) == 7
