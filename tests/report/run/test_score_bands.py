"""Bands of scores: every row is in one, and what they cost adds up."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudlab.evaluation.cost_model import CostModel
from fraudlab.report.recorded.run_prices import Prices
from fraudlab.report.recorded.scores import Scores
from fraudlab.report.run.score_bands import _bands, bands_section

tables = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.5, 0.99, 1.0])),
        st.integers(0, 90),
    ),
    min_size=1,
    max_size=60,
)
PRICES = Prices(CostModel(alert_cost=5.0, missed_fraud_fee=2.0), "EUR", ())


def scores_of(table: list[tuple[int, float, int]], *, amount: bool = True) -> Scores:
    label, score, money = (np.array(column) for column in zip(*table, strict=True))
    return Scores(
        np.arange(label.size), label.astype(np.uint8), score, money.astype(np.float64) if amount else None
    )


@given(tables, st.sampled_from([0.0, 0.3, 0.5, 1.0, 1.5]))
def test_every_row_is_in_one_band_and_the_threshold_is_an_edge(
    table: list[tuple[int, float, int]], threshold: float
) -> None:
    scores = scores_of(table)
    bands = list(_bands(scores, threshold, PRICES))
    assert sum(band.rows for band in bands) == len(table)
    assert sum(band.frauds for band in bands) == sum(label for label, _, _ in table)
    for band in bands:
        inside = (scores.score >= band.low) & (scores.score < (np.inf if band.high is None else band.high))
        assert inside.sum() == band.rows
        assert not band.low < threshold < (1.0 if band.high is None else band.high)
        if band.missed is not None:
            assert band.missed == pytest.approx(((scores.amount + 2) * scores.label)[inside].sum())
    alerted = sum(band.rows for band in bands if band.low >= threshold)
    assert alerted == (scores.score >= threshold).sum()


def test_a_band_says_what_looking_saves() -> None:
    section = str(bands_section(scores_of([(1, 0.97, 50), (0, 0.96, 1), (0, 0.2, 7)]), 0.9, PRICES))
    cells = re.findall(r'<td data-label="([^"]+)">(.*?)</td>', section)
    first = dict(cells[:6])
    assert first["Rows"] == "2"
    assert (first["Missing costs"], first["Looking costs"], first["Looking saves"]) == ("52", "10", "42")
    assert dict(cells[6:])["Looking saves"] == "−5"  # as numerals write it
    assert section.count("alerted") >= 1
    assert "EUR" in section


def test_no_prices_and_no_chances() -> None:
    section = str(bands_section(scores_of([(1, 0.97, 50), (0, 0.2, 7)], amount=False), 0.9, PRICES))
    assert "Looking" not in section
    assert "Rate" in section
    assert bands_section(scores_of([(1, 7.5, 50), (0, 0.2, 7)]), 0.9, PRICES) is None
    assert bands_section(None, 0.9, PRICES) is None
