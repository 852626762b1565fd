"""Rows and answers within the memory there is: bounds, slices, and what waits to be taken."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from benchmarks import soak
from pyarrow import parquet

from fraudlab.container.bodies import Rows
from fraudlab.container.contract import Tree
from fraudlab.container.endpoint.answers import Scored, render, render_slices
from fraudlab.container.endpoint.capacity import Capacity, capacity_of, row_bytes, slice_rows, slices
from fraudlab.container.endpoint.limits import Limits
from fraudlab.container.endpoint.logs import start_logging
from fraudlab.container.endpoint.negotiation import ANSWER_TYPES
from fraudlab.container.endpoint.routes import Application
from fraudlab.container.endpoint.selected import read_selected
from fraudlab.container.endpoint.settings import read_settings
from fraudlab.container.features import Column, Features
from fraudlab.container.runtime import available_memory, memory_limit, resident_memory
from fraudlab.container.scorer import load_scorer

from ..wire import Running, one_answer, until

MIB = 1 << 20
NARROW = Features([Column("x")])
NAMED = Features([Column('a "quoted", long name of a column é' * 3), *(Column(f"c{i}") for i in range(40))])
TEXT = 'a "quoted", long text é' * 5
OUTPUTS: list[tuple[str, ...]] = [
    (),
    ("score",),
    ("raw_score",),
    ("alert",),
    ("model",),
    ("reasons",),
    ("score", "alert", "reasons"),
    ("score", "reasons=text"),
    ("score", "raw_score", "alert", "reasons", "model"),
    read_selected("predicted_label"),
    read_selected("probabilities,probability,labels,raw_score,raw_scores,predicted_label,unknown"),
]


def scored(rows: int, features: Features, most: int) -> Scored:
    """The longest digits there are, and every reason."""
    score = np.full(rows, 1.2345679e-12, np.float32)
    score[::3] = 0.98765433
    reasons = [[(name, -1.2345679e-12) for name in features.names[:most]] for _ in range(rows)]
    texts = [[TEXT for _ in row] for row in reasons]
    return Scored(score, np.full(rows, -1.2345679e-12, np.float32), reasons, 0.5, "0123456789ab", texts)


def part(whole: Scored, start: int, end: int) -> Scored:
    assert whole.reasons is not None
    assert whole.raw_score is not None
    return replace(
        whole,
        score=whole.score[start:end],
        raw_score=whole.raw_score[start:end],
        reasons=whole.reasons[start:end],
        sentences=whole.sentences and whole.sentences[start:end],
    )


def usable(kind: str, outputs: tuple[str, ...]) -> bool:
    return "recordio" not in kind or {"reasons", "reasons=text", "model"}.isdisjoint(outputs)


@pytest.mark.parametrize("kind", ANSWER_TYPES)
@pytest.mark.parametrize("outputs", OUTPUTS)
@pytest.mark.parametrize("sizes", [(1,), (100,), (1, 1), (40, 40, 20), (99, 1)])
def test_an_answer_in_slices_is_the_answer(kind: str, outputs: Any, sizes: tuple[int, ...]) -> None:
    if not usable(kind, outputs):
        return
    whole = scored(sum(sizes), NAMED, 3)
    ends = np.cumsum(sizes).tolist()
    cut = [part(whole, end - size, end) for end, size in zip(ends, sizes, strict=True)]
    found = b"".join(render_slices(iter(cut), outputs=outputs, kind=kind))
    expected = render(whole, outputs=outputs, kind=kind)
    if "parquet" in kind:
        tables = [parquet.read_table(io.BytesIO(answer)) for answer in (found, expected)]
        assert tables[0].schema.equals(tables[1].schema, check_metadata=True)
        assert repr(tables[0].to_pylist()) == repr(tables[1].to_pylist())  # NaN is not equal to itself
    else:
        assert found == expected


@pytest.mark.parametrize("kind", ANSWER_TYPES)
@pytest.mark.parametrize("outputs", OUTPUTS)
@pytest.mark.parametrize(("features", "most"), [(NARROW, 1), (NAMED, 3), (NAMED, 41)])
def test_no_row_of_an_answer_is_larger_than_is_reckoned_with(
    kind: str, outputs: Any, features: Features, most: int
) -> None:
    if not usable(kind, outputs):
        return
    few, many = (
        len(render(scored(rows, features, most), outputs=outputs, kind=kind)) for rows in (1_000, 2_000)
    )
    text = len(json.dumps(TEXT)) if "reasons=text" in outputs else 0
    assert (many - few) / 1_000 <= row_bytes(features, outputs, most, text=text) - 8 * len(features)


def test_slices_hold_all_rows_once() -> None:
    inputs = np.arange(10 * 41, dtype=np.float32)
    for size in (1, 3, 5, 9, 10, 11):
        lots = slices(Rows(inputs.tobytes(), 10), NAMED, size)
        assert [lot.count for lot in lots[:-1]] == [size] * (len(lots) - 1)
        assert sum(lot.count for lot in lots) == 10
        assert b"".join([bytes(lot.inputs) for lot in lots]) == inputs.tobytes()


def test_wide_rows_and_reasons_make_small_slices() -> None:
    wide = Features([Column(f"c{i}") for i in range(200_000)])
    assert slice_rows(wide, ("reasons",)) == 1
    assert 1 <= slice_rows(wide, ("score",)) < slice_rows(NAMED, ("score",))
    assert slice_rows(NAMED, ("score", "reasons")) < slice_rows(NAMED, ("score",))
    assert slice_rows(NAMED, ("reasons=text",), 3, 100_000) < slice_rows(NAMED, ("reasons=text",), 3, 100)


def test_rows_follow_from_memory_columns_and_outputs() -> None:
    small, large = Capacity(64 * MIB), Capacity(256 * MIB)
    assert small.rows(0, NARROW, (), 3) < large.rows(0, NARROW, (), 3)
    assert large.rows(0, NAMED, (), 3) < large.rows(0, NARROW, (), 3)
    assert large.rows(0, NAMED, ("score", "reasons"), 3) < large.rows(0, NAMED, ("score",), 3)
    assert large.rows(0, NAMED, ("reasons",), 10) < large.rows(0, NAMED, ("reasons",), 3)
    assert large.rows(25 * MIB, NARROW, (), 3) < large.rows(0, NARROW, (), 3)
    assert large.rows(0, NARROW, (), 3, is_parquet=True) < large.rows(0, NARROW, (), 3)
    assert Capacity(1).rows(25 * MIB, NAMED, (), 3) == 1


def test_what_a_container_of_one_gibibyte_may_hold() -> None:
    one = capacity_of(1024 * MIB, workers=1, loaded=150 * MIB, several=False)
    two = capacity_of(1024 * MIB, workers=2, loaded=150 * MIB, several=False)
    assert two.part < one.part
    # bodies, two requests at work, answers, and the process itself
    assert 4 * one.part + 150 * MIB < 1024 * MIB
    assert 2 * (4 * two.part + 150 * MIB) < 1024 * MIB
    limits = one.fit(Limits(body=25 * MIB))
    assert limits.heads == min(64 * MIB, one.part // 4)
    assert limits.body == 25 * MIB
    assert limits.body <= limits.buffered <= one.part
    assert limits.unsent == one.part
    tiny = capacity_of(128 * MIB, workers=1, loaded=150 * MIB, several=False).fit(Limits(body=25 * MIB))
    assert (tiny.body, tiny.buffered) == (25 * MIB, 40 * MIB)


def test_the_memory_of_this_machine() -> None:
    assert 0 < resident_memory() < memory_limit()
    assert available_memory() > 0


@pytest.fixture
def running(trained: Tree) -> Iterator[Callable[[Capacity], Running]]:
    started: list[Running] = []
    start_logging("error")

    def run(capacity: Capacity) -> Running:
        settings = replace(
            read_settings({"FRAUDLAB_MODEL_DIR": str(trained.model), "FRAUDLAB_REASONS": "2"}),
            capacity=capacity,
        )
        settings = replace(settings, limits=capacity.fit(settings.limits))
        scorer = load_scorer(trained.model)
        started.append(Running(lambda: Application(settings, scorer).server))
        return started[-1]

    yield run
    for server in started:
        server.close()


def post(body: bytes, kind: str, outputs: str = "score,alert,reasons", accept: str = "*/*") -> bytes:
    head = f"POST /invocations HTTP/1.1\r\nhost: h\r\ncontent-type: {kind}\r\naccept: {accept}\r\n"
    head += f"x-amzn-sagemaker-custom-attributes: output={outputs}\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


OBJECT = {"a": 1, "b": 2, "merchant": "casino", "amount": 3}


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("text/csv", b"1,2,casino,3\n"),
        ("text/csv", b'1,2,"casino",3\n'),
        ("application/jsonlines", b'[1,2,"casino",3]\n'),
        ("application/jsonlines", json.dumps(OBJECT).encode() + b"\n"),
        ("text/libsvm; base=0", b"0 0:1\n"),
    ],
)
@pytest.mark.parametrize("accept", ["text/csv", "application/json", "application/x-parquet"])
def test_a_request_beyond_memory_is_told_the_bound_and_answered_at_it(
    running: Any, kind: str, line: bytes, accept: str
) -> None:
    server = running(Capacity(25 * MIB))
    with server.connect() as client:
        client.sendall(post(line * 12_000, kind, accept=accept))
        status, _, body = one_answer(client)
        assert status == 413, body
        sentence = json.loads(body)["detail"]
        assert "send fewer at once (so many rows of 4 columns and their score, alert, reasons" in sentence
        assert "FRAUDLAB_MEMORY" in sentence
        (bound,) = re.findall(r"more than ([\d,]+) rows", sentence)
        # what a copy of the smaller body takes no longer, is there for rows
        rows = int(bound.replace(",", ""))
        client.sendall(post(line * rows, kind, accept=accept))
        assert one_answer(client)[0] == 200


def test_a_large_request_waits_until_others_have_taken_their_answers(running: Any) -> None:
    server = running(Capacity(64 * MIB))
    with server.connect() as client:
        server.server.unsent += 1 << 30
        client.sendall(post(b"1,2,casino,3\n" * 6_000, "text/csv"))
        until(lambda: server.server.buffered > 6_000)
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.settimeout(30)
        server.server.unsent -= 1 << 30
        assert one_answer(client)[0] == 200
        server.server.unsent += 1 << 30
        client.sendall(post(b"1,2,casino,3\n" * 100, "text/csv", outputs="score"))
        assert one_answer(client)[0] == 503
        client.sendall(post(b"1,2,casino,3\n", "text/csv", outputs="score"))
        assert one_answer(client)[0] == 200
        server.server.unsent -= 1 << 30


def test_what_nobody_takes_is_counted(running: Any) -> None:
    server = running(Capacity(64 * MIB))
    with server.connect() as client:
        for _ in range(6):
            client.sendall(post(b"1,2,casino,3\n" * 30_000, "text/csv", accept="application/json"))
        until(lambda: server.server.unsent > 4 * MIB, seconds=60)
    until(lambda: not server.server.connections, seconds=60)
    assert server.server.unsent == 0
    assert server.server.buffered == 0


def test_every_kind_of_body_at_the_bound_of_a_small_memory(running: Any) -> None:
    server = running(Capacity(25 * MIB))
    seen = soak.drive(server.port, list(OBJECT), max_bytes=1 << 14, accepts=soak.ACCEPTS[:1])
    assert {name for name, status in seen if status == 400} == {"json of nothing", "json lines of nothing"}
    assert {status for _, status in seen} == {200, 400}
    assert len(seen) == 15
