from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fraudlab.container.contract import Tree
from fraudlab.container.hyperparameters import read_hyperparameters
from fraudlab.container.training.job import Job, JobRequest
from fraudlab.container.training.model_size import (
    MAX_DEPTH,
    MIN_DEPTH,
    ModelSize,
    choose_model_size,
    depth_for,
)


@pytest.mark.parametrize(
    ("what", "frauds", "columns", "depth"),
    [
        ("one fraud, one column", 1, 1, 4),
        ("the generated table: 284,807 rows", 295, 30, 4),
        ("a week of the handbook", 627, 15, 4),
        ("the handbook, six tenths of it", 8_800, 15, 4),
        ("the same with twenty columns more", 8_800, 35, 5),
        ("a small window of a wide table", 100, 430, 4),
        ("a window with thousands of frauds of a wide table", 3_000, 430, 7),
        ("six tenths of a wide table", 12_400, 430, 8),
        ("more than any table", 10**9, 10**4, 8),
    ],
)
def test_the_depth_follows_frauds_and_columns(what: str, frauds: int, columns: int, depth: int) -> None:
    assert depth_for(frauds=frauds, columns=columns) == depth, what


def test_more_frauds_or_columns_never_make_shallower_trees() -> None:
    frauds = np.unique(np.geomspace(1, 10**8, 200).astype(int))
    for columns in (1, 15, 430, 5_000):
        depths = [depth_for(frauds=int(one), columns=columns) for one in frauds]
        assert depths == sorted(depths)
        assert depths[0] >= MIN_DEPTH
        assert depths[-1] == MAX_DEPTH


@pytest.mark.parametrize(("given", "chosen"), [("auto", 5), ("3", None)])
def test_a_job_chooses_only_what_it_was_left(
    given: str, chosen: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    job = Job(
        Tree(Path()),
        JobRequest("r", None, True, None, {}),
        read_hyperparameters({"max_depth": given, "learning_rate": "0.2"}),
        hooks=None,
        manifest=None,
        channels={"train": None},
    )
    found, model_size = choose_model_size(job, rows=1_052_493, frauds=8_800, columns=35)
    assert found.parameters.booster["max_depth"] == (3 if chosen is None else chosen)
    assert found.parameters.booster["learning_rate"] == 0.2
    assert model_size == (None if chosen is None else ModelSize(chosen, 1_052_493, 8_800, 35))
    said = "max_depth=5, for 8,800 frauds and 35 columns (max_depth=auto)\n"
    assert capsys.readouterr().out == ("" if chosen is None else said)
