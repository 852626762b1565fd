"""Which rehearsal a run takes: the one that runs, unless it is to have other faults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fraudlab.backends.aws import rehearsal_process
from fraudlab.backends.aws.rehearsal_process import Announced, running_rehearsal


@pytest.mark.parametrize(
    ("faults", "seeds", "started"),
    [([], (0, 1), 1), ([], (3, 3), 1), (["quota"], (0, 1), 2), (["quota"], (1, 1), 1)],
)
def test_a_seed_counts_only_where_faults_have_moments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faults: list[str], seeds: tuple[int, int], started: int
) -> None:
    found = Announced("http://127.0.0.1:1", "us-east-1", "0", "k", "s", None, None, None)
    begun: list[Any] = []

    def start(folder: Path, wanted: dict[str, Any], **_: Any) -> Announced:
        begun.append(wanted)
        rehearsal_process.write_json(folder / "started.json", wanted)
        return found

    monkeypatch.setattr(rehearsal_process, "_started", start)
    monkeypatch.setattr(rehearsal_process, "_end", lambda _: None)
    monkeypatch.setattr(rehearsal_process, "_announced", lambda _: found if begun else None)
    for seed in seeds:
        assert running_rehearsal(tmp_path, faults=faults, seed=seed, idle_seconds=1) == found
    assert len(begun) == started
