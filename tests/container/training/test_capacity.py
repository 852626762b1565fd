from __future__ import annotations

import numpy as np
import pytest

from fraudlab.container.training.capacity import MAX_DEPTH, MIN_DEPTH, depth_for


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
        assert {MIN_DEPTH, MAX_DEPTH} >= {depths[0], depths[-1]} or depths[0] > MIN_DEPTH
