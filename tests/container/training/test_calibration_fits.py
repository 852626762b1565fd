"""The numbers of calibrations, against scikit-learn's and scipy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from fraudlab.container.calibrated import CentredSteps, Kind, LogOddsCurve, read_calibration
from fraudlab.container.training.calibration_fits import LEAST_SLOPE, counted, fit_curve

KINDS: tuple[Kind, ...] = ("beta", "platt", "isotonic")


def sample(count: int = 40_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores that are not chances: too sure at one end, not sure enough at the other."""
    random = np.random.default_rng(seed)
    margin = random.normal(-4, 2.5, count)
    odds = 0.8 * margin + 0.5 - 0.3 * np.logaddexp(0, margin)
    label = (random.random(count) < 1 / (1 + np.exp(-odds))).astype(np.uint8)
    return (1 / (1 + np.exp(-margin))).astype(np.float32), label


def columns(score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    exact = score.astype(np.float64)
    return np.log(exact), -np.log1p(-exact)


def log_odds(kind: Kind, score: np.ndarray, label: np.ndarray) -> LogOddsCurve:
    found = fit_curve(kind, counted(score, label))
    assert isinstance(found, LogOddsCurve)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_beta_is_the_likeliest_as_scikit_learn_finds_it(seed: int) -> None:
    score, label = sample(seed=seed)
    found = log_odds("beta", score, label)
    far, near = columns(score)
    theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(np.column_stack([far, near]), label)
    expected = [*theirs.coef_[0], theirs.intercept_[0]]
    np.testing.assert_allclose([found.a, found.b, found.c], expected, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("seed", range(3))
def test_platt_is_the_likeliest_as_scikit_learn_finds_it(seed: int) -> None:
    score, label = sample(seed=seed)
    found = log_odds("platt", score, label)
    far, near = columns(score)
    theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit((far + near)[:, None], label)
    assert found.a == found.b
    np.testing.assert_allclose([found.a, found.c], [theirs.coef_[0, 0], theirs.intercept_[0]], rtol=2e-3)


FALLING = {
    "at both ends": lambda far, near: -0.5 * far - 0.5 * near,
    "towards 0": lambda far, near: -0.4 * far + 2.0 * near - 4.0,
    "towards 1": lambda far, near: 0.9 * far - 0.6 * near,
}


@pytest.mark.parametrize("odds", FALLING.values(), ids=FALLING)
def test_slopes_that_would_fall_are_held_as_scipy_holds_them(odds) -> None:  # type: ignore[no-untyped-def]
    random = np.random.default_rng(4)
    score = (1 / (1 + np.exp(-random.normal(-1, 2, 20_000)))).astype(np.float32)
    far, near = columns(score)
    label = (random.random(score.size) < 1 / (1 + np.exp(-odds(far, near)))).astype(np.uint8)

    def loss(numbers: np.ndarray) -> float:
        a, b, c = numbers
        each = np.logaddexp(0, a * far + b * near + c) - label * (a * far + b * near + c)
        return float(each.sum() + 0.5e-3 * ((a - 1) ** 2 + (b - 1) ** 2 + c**2))

    bounds = [(LEAST_SLOPE, None), (LEAST_SLOPE, None), (None, None)]
    expected = minimize(loss, [1.0, 1.0, 0.0], bounds=bounds, method="L-BFGS-B", tol=1e-14)
    found = log_odds("beta", score, label)
    assert LEAST_SLOPE in (found.a, found.b)
    assert loss(np.array([found.a, found.b, found.c])) <= expected.fun * (1 + 1e-6)
    np.testing.assert_allclose([found.a, found.b, found.c], expected.x, atol=2e-2)


def test_isotonic_has_scikit_learns_steps_at_their_centres() -> None:
    score, label = sample()
    found = fit_curve("isotonic", counted(score, label))
    assert isinstance(found, CentredSteps)
    theirs = IsotonicRegression().fit_transform(score.astype(np.float64), label)
    shares, where, rows = np.unique(theirs, return_inverse=True, return_counts=True)
    centres = np.bincount(where, score.astype(np.float64)) / rows
    # Cells pool a few steps that single scores would part.
    assert 0.8 * shares.size < found.share.size <= shares.size
    far = np.abs(np.interp(score, found.score, found.share) - np.interp(score, centres, shares))
    assert far.mean() < 1e-3
    assert np.quantile(far, 0.9) < 5e-3


def test_steps_of_one_label_leave_room_for_the_other() -> None:
    score = np.array([0.1] * 50 + [0.5] * 4 + [0.9] * 30, np.float32)
    label = np.array([0] * 50 + [0, 1, 0, 1] + [1] * 30, np.uint8)
    found = fit_curve("isotonic", counted(score, label))
    assert isinstance(found, CentredSteps)
    np.testing.assert_allclose(found.share, [1 / 52, 0.5, 1 - 1 / 32])
    np.testing.assert_allclose(found.score, [0.1, 0.5, 0.9], rtol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
@given(st.data())
def test_any_rows_of_both_labels_have_a_calibration(kind: Kind, data: st.DataObject) -> None:
    values = data.draw(st.lists(st.floats(0, 1, width=32), min_size=2, max_size=30))
    score = np.array(values, np.float32)
    label = np.array(
        data.draw(st.lists(st.integers(0, 1), min_size=score.size, max_size=score.size)), np.uint8
    )
    label[0], label[-1] = 0, 1
    score[:: data.draw(st.integers(1, 40))] = data.draw(st.sampled_from([0.0, 1.0, 0.5]))
    found = fit_curve(kind, counted(score, label))
    assert read_calibration({"calibration": found.as_json()}, source="model.json") is not None
    if isinstance(found, CentredSteps):
        for numbers in (found.score, found.share):
            assert np.all(np.diff(np.concatenate([[0.0], numbers, [1.0]])) > 0)
    else:
        assert np.isfinite([found.a, found.b, found.c]).all()
        assert min(found.a, found.b) >= LEAST_SLOPE


@pytest.mark.parametrize("kind", ["beta", "platt"])
def test_scores_that_part_the_labels_have_finite_numbers(kind: Kind) -> None:
    score, _ = sample(5000)
    found = log_odds(kind, score, (score > 0.3).astype(np.uint8))
    assert 1 < found.a < 1000
    assert abs(found.c) < 1000


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_rows_changes_next_to_nothing(kind: Kind) -> None:
    score, label = sample(20_000)
    order = np.random.default_rng(1).permutation(score.size)
    one, other = (fit_curve(kind, counted(score[at], label[at])).as_json() for at in (slice(None), order))
    for name in one.keys() - {"kind"}:
        np.testing.assert_allclose(one[name], other[name], rtol=1e-9)


def test_rows_that_do_not_count() -> None:
    score, label = sample(10_000)
    kept = np.arange(score.size) % 3 > 0
    assert log_odds("beta", score[kept], label[kept]) == fit_curve("beta", counted(score, label, kept))
