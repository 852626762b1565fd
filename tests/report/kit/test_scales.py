from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudlab.report.kit.scales import AxisScale, Linear, Log, Logit, round_step


@pytest.mark.parametrize(
    "scale",
    [Linear(-2, 6, 48, 422), Log(1e-4, 1, 48, 422), Logit(1e-5, 0.999, 48, 422), Log(0.7, 50_000, 250, 30)],
)
def test_ends_meet_and_outside_stays_at_the_ends(scale: AxisScale) -> None:
    assert scale(scale.low) == pytest.approx(scale.start)
    assert scale(scale.high) == pytest.approx(scale.end)
    assert scale(scale.high * 2) == pytest.approx(scale.end)
    assert scale(-99) == pytest.approx(scale.start)


def test_equal_steps_are_what_the_scale_says() -> None:
    assert Linear(0, 1, 0, 100)(0.25) == pytest.approx(25)
    assert Log(0.001, 1, 0, 90)(0.01) == pytest.approx(30)
    assert Logit(0.01, 0.99, 0, 100)(0.5) == pytest.approx(50)


def test_ticks_are_round_and_inside() -> None:
    assert Linear(0, 1, 0, 1).ticks() == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert Linear(0.4, 0.9, 0, 1).ticks() == [0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    assert Log(1e-5, 1, 0, 1).ticks() == [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1]
    assert Log(0.7, 3e7, 0, 1).ticks() == [10, 1_000, 100_000, 10_000_000]
    assert Logit(1e-3, 0.99, 0, 1).ticks() == [0.001, 0.01, 0.1, 0.5, 0.9, 0.99]
    assert Logit(1e-5, 0.99999, 0, 1).ticks() == [1e-5, 1e-3, 0.1, 0.5, 0.9, 0.999, 0.99999]


@given(st.floats(1e-12, 1e12))
def test_round_step_is_the_next_round_number(least: float) -> None:
    step = round_step(least)
    assert least * (1 - 1e-6) <= step <= least * 2.5
    assert f"{step:.3e}"[:4] in {"1.00", "2.00", "2.50", "5.00"}


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_linear_ticks_are_few_and_never_outside(low: float, width: float) -> None:
    scale = Linear(low, low + width, 0, 1)
    ticks = scale.ticks()
    assert 1 <= len(ticks) <= scale.most + 1
    assert all(low - width * 1e-6 <= tick <= low + width * (1 + 1e-6) for tick in ticks)


@pytest.mark.parametrize("least", [0.0, -1.0, float("inf"), float("nan")])
def test_round_step_of_nothing(least: float) -> None:
    assert round_step(least) == 1.0
