"""Which endpoints have which model: what the lines add up to."""

import json
import threading

from fraudlab.lineage.deployments import (
    FILE,
    add_deployments,
    read_deployments,
    record_deployment,
    record_removal,
    standing,
)
from fraudlab.lineage.graph import Lineage

A, B = "a" * 64, "b" * 64


def stands(runs):
    return {(entry.endpoint, entry.place): entry.model for entry in standing(read_deployments(runs))}


def test_the_last_line_of_each_endpoint_counts(tmp_path):
    for endpoint, place, model in [("e", "p", A), ("f", "p", A), ("e", "p", B), ("e", "q", A)]:
        record_deployment(tmp_path, endpoint=endpoint, place=place, model=model)
    record_removal(tmp_path, endpoint="f", place="p")
    assert stands(tmp_path) == {("e", "p"): B, ("e", "q"): A}
    lineage = Lineage()
    add_deployments(lineage, read_deployments(tmp_path))
    assert {node.name for node in lineage.meant_by("e")} == {"e@p", "e@q"}


def test_what_was_never_deployed_leaves_no_line(tmp_path):
    record_removal(tmp_path, endpoint="f", place="p")
    assert not (tmp_path / FILE).exists()
    assert read_deployments(tmp_path) == []


def test_lines_that_are_none_are_left_out(tmp_path):
    record_deployment(tmp_path, endpoint="e", place="p", model=A)
    good = (tmp_path / FILE).read_text()
    damaged = ["{", "7", "null", '{"endpoint": 1}', json.dumps({**json.loads(good), "model": 5}), good[:30]]
    (tmp_path / FILE).write_text("\n".join([*damaged, good.strip(), good[:40]]))
    assert stands(tmp_path) == {("e", "p"): A}


def test_lines_of_many_writers_are_whole(tmp_path):
    writers = [
        threading.Thread(
            target=record_deployment, args=(tmp_path,), kwargs={"endpoint": f"e{n}", "place": "p", "model": A}
        )
        for n in range(20)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(stands(tmp_path)) == 20
