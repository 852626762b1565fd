"""What a calibration does to scores: never out of order, and the same bits one by one."""

import json
from typing import Any

import numpy as np
import pytest
import xgboost
from hypothesis import given
from hypothesis import strategies as st

from fraudlab.container.calibrated import (
    MAX_PLACES,
    Calibration,
    CentredSteps,
    Curve,
    LogOddsCurve,
    cells,
    lower_end,
    read_calibration,
)
from fraudlab.container.failure import ConfigError
from fraudlab.container.features import Column, Features
from fraudlab.container.model_files.model_file import Model
from fraudlab.container.scorer import Scorer
from fraudlab.evaluation.metrics import average_precision

STEPS = CentredSteps(np.array([0.0005, 0.25, 0.875]), np.array([0.0001, 0.5, 0.85]))
CURVES: dict[str, Curve] = {
    "as it is": LogOddsCurve("beta", 1.0, 1.0, 0.0),
    "weights": LogOddsCurve("beta", 1.1, 0.9, -3.2),
    "too sure": LogOddsCurve("beta", 0.4, 0.3, -0.1),
    "not sure enough": LogOddsCurve("platt", 2.5, 2.5, 1.0),
    "steep": LogOddsCurve("beta", 90.0, 120.0, -40.0),
    "flat": LogOddsCurve("platt", 1 / 64, 1 / 64, 0.0),
    "steps": STEPS,
}
TABLES = {name: Calibration(curve) for name, curve in CURVES.items()}
scores = st.floats(0, 1, width=32)


def array(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
@given(st.lists(scores, min_size=2, max_size=60))
def test_a_higher_score_has_no_lower_chance_and_one_row_is_as_many(
    table: Calibration, given_: list[float]
) -> None:
    score = np.sort(array(*given_))
    found = table(score)
    assert found.dtype == np.float32
    assert np.all(np.diff(found) >= 0)
    assert np.all((found >= 0) & (found <= 1))
    assert found.tobytes() == b"".join(table(score[i : i + 1]).tobytes() for i in range(score.size))


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
@given(st.integers(0, 0x3F800000 - 64))
def test_neighbours_keep_their_order(table: Calibration, first: int) -> None:
    """Across the ends of the table's places too: sixty-five scores that follow on one another."""
    score = np.arange(first, first + 65, dtype=np.uint32).view(np.float32)
    assert np.all(np.diff(table(score)) >= 0)
    ends = (np.arange(first, first + 65, dtype=np.uint32) & ~np.uint32(8191)).view(np.float32)
    around = np.sort(np.concatenate([ends, np.nextafter(ends, np.float32(0))]))
    assert np.all(np.diff(table(around)) >= 0)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_all_ends_of_places_and_the_middle_keep_their_order(table: Calibration) -> None:
    ends = (np.arange(0x3F800000 >> 13, dtype=np.uint32) << np.uint32(13)).view(np.float32)
    near = np.concatenate([ends, ends[1:] - np.spacing(ends[1:]), np.float32(1) - ends[ends < 0.5]])
    score = np.unique(np.clip(np.concatenate([near, array(0.5, 0.50000006, 0.49999997, 1.0)]), 0, 1))
    assert np.all(np.diff(table(score)) >= 0)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_the_surest_scores_are_not_tied(table: Calibration) -> None:
    score = 1 - np.arange(1, 4000, dtype=np.float32) * np.float32(2**-24)
    assert np.unique(table(score)).size == score.size


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_certain_scores_stay_certain(table: Calibration) -> None:
    assert table(array(0.0, 1.0)).tolist() == [0.0, 1.0]
    assert [table(array(value)).item() for value in (0.0, 1.0)] == [0.0, 1.0]


@pytest.mark.parametrize("name", ["as it is", "weights", "too sure", "not sure enough", "flat"])
def test_it_is_the_curve_to_a_score_s_own_precision(name: str) -> None:
    curve, table = CURVES[name], TABLES[name]
    assert isinstance(curve, LogOddsCurve)
    margin = np.random.default_rng(1).normal(-3, 4, 200_000)
    score = (1 / (1 + np.exp(-margin))).astype(np.float32)
    score = score[(score > 1e-9) & (score < 1)]
    exact = score.astype(np.float64)
    odds = curve.a * np.log(exact) - curve.b * np.log1p(-exact) + curve.c
    most = 1 - np.minimum(1 - exact, 2**-10 + (1 - exact - 2**-10) / 64)
    expected = np.minimum(1 / (1 + np.exp(-odds)), most)
    np.testing.assert_allclose(table(score), expected, rtol=1e-6)


def test_nothing_changes_where_nothing_is_to_change() -> None:
    score = np.random.default_rng(2).random(10_000).astype(np.float32)
    np.testing.assert_allclose(TABLES["as it is"](score), score, rtol=2e-7)


def test_steps_are_straight_lines_between_their_centres() -> None:
    score = np.linspace(0, 1, 40_001).astype(np.float32)
    places, shares = [0.0, *STEPS.score, 1.0], [0.0, *STEPS.share, 1.0]
    found = Calibration(CentredSteps(lower_end(STEPS.score), STEPS.share))(score)
    np.testing.assert_allclose(
        found, np.interp(score, [0.0, *lower_end(STEPS.score), 1.0], shares), atol=1e-7
    )
    np.testing.assert_allclose(TABLES["steps"](score), np.interp(score, places, shares), atol=2e-4)


@pytest.mark.parametrize("name", ["weights", "too sure", "steps"])
def test_average_precision_is_the_same(name: str) -> None:
    random = np.random.default_rng(7)
    margin = np.concatenate([random.normal(-7, 2, 40_000), random.normal(-1, 3, 200)]).astype(np.float32)
    label = np.repeat([0, 1], [40_000, 200])
    score = (1 / (1 + np.exp(-margin))).astype(np.float32)
    before, after = average_precision(label, score), average_precision(label, TABLES[name](score))
    assert abs(before - after) <= 1e-9


@given(st.lists(scores, min_size=2, max_size=50, unique=True), st.data())
def test_average_precision_is_the_same_wherever_no_score_is_tied(values: list[float], data: Any) -> None:
    score = array(*values)
    label = np.array(data.draw(st.lists(st.integers(0, 1), min_size=len(values), max_size=len(values))))
    table = TABLES["weights"]
    chance = table(score)
    if 0 < label.sum() < label.size and np.unique(chance).size == score.size:
        assert average_precision(label, chance) == average_precision(label, score)


def test_cells_rise_with_the_score() -> None:
    score = np.sort(np.random.default_rng(3).beta(0.1, 0.4, 50_000).astype(np.float32))
    number = cells(score)
    assert np.all(np.diff(number) >= 0)
    assert np.unique(number).size > 1000
    assert np.all(cells(lower_end(score[score < 1].astype(np.float64)).astype(np.float32)) >= 0)


@pytest.mark.parametrize("chance", [0.0, 1e-6, 0.01, 0.5, 0.99, 1.0])
def test_the_least_score_that_reaches_a_chance(chance: float) -> None:
    table = TABLES["weights"]
    least = table.least_score(chance)
    assert table(array(least)).item() >= chance
    if least > 0:
        assert table(np.nextafter(array(least), np.float32(0))).item() < chance


def test_no_score_reaches_more_than_certainty() -> None:
    assert TABLES["weights"].least_score(float(np.nextafter(np.float32(1), np.float32(2)))) > 1


def booster(kind: str) -> tuple[Any, np.ndarray, Features]:
    random = np.random.default_rng(5)
    inputs = random.normal(size=(700, 5)).astype(np.float32)
    label = (inputs[:, 0] + random.normal(size=700) > 1).astype(np.uint8)
    told = {"booster": kind, "objective": "binary:logistic", "seed": 3, "base_score": 0.5}
    told |= {"rate_drop": 0.5} if kind == "dart" else {}
    found = xgboost.train(told, xgboost.DMatrix(inputs, label), 20)
    return found, inputs, Features([Column(f"f{number}") for number in range(5)])


@pytest.mark.parametrize("kind", ["gbtree", "dart"])
def test_the_scorer_calibrates_scores_and_leaves_margins_and_reasons(kind: str) -> None:
    trained, inputs, features = booster(kind)
    content = trained.save_raw("ubj")
    plain = Scorer(Model(content, "0" * 64, features, 0.5, {}))
    scorer = Scorer(Model(content, "0" * 64, features, 0.5, {}, calibration=CURVES["weights"]))
    own = trained.predict(xgboost.DMatrix(inputs))
    assert plain.score(inputs).tobytes() == scorer.booster_score(inputs).tobytes() == own.tobytes()
    assert scorer.score(inputs).tobytes() == TABLES["weights"](own).tobytes()
    one_by_one = b"".join(scorer.score(inputs[row : row + 1].copy()).tobytes() for row in range(len(inputs)))
    assert one_by_one == scorer.score(inputs).tobytes()
    assert scorer.raw_score(inputs).tobytes() == plain.raw_score(inputs).tobytes()
    assert scorer.contributions(inputs).tobytes() == plain.contributions(inputs).tobytes()


@pytest.mark.parametrize("curve", CURVES.values(), ids=CURVES)
def test_numbers_come_back_from_json(curve: Curve) -> None:
    written = json.loads(json.dumps({"calibration": {**curve.as_json(), "measured": {"rows": 3}}}))
    back = read_calibration(written, source="model.json")
    assert back is not None
    assert back.as_json() == curve.as_json()
    score = array(0.001, 0.2, 0.7)
    assert Calibration(back)(score).tobytes() == Calibration(curve)(score).tobytes()


@pytest.mark.parametrize("content", [{}, {"calibration": None}])
def test_a_model_without_any(content: dict[str, Any]) -> None:
    assert read_calibration(content, source="model.json") is None


BETA = {"kind": "beta", "a": 1.0, "b": 1.0, "c": 0.0}
STEP = {"kind": "isotonic", "score": [0.1, 0.5], "share": [0.2, 0.6]}
HOSTILE: dict[str, tuple[Any, str]] = {
    "text": ("beta", "'calibration' in model.json is 'beta', where dict is expected"),
    "list": ([1], "'calibration' in model.json is [1], where dict is expected"),
    "number": (1, "'calibration' in model.json is 1, where dict is expected"),
    "false": (False, "'calibration' in model.json is False, where dict is expected"),
    "empty": ({}, "'calibration' in model.json has no 'kind'"),
    "kind": (BETA | {"kind": "spline"}, "'kind' in 'calibration' in model.json is 'spline'"),
    "none": ({"kind": "none"}, "'kind' in 'calibration' in model.json is 'none'"),
    "kind 1": (BETA | {"kind": 1}, "'kind' in 'calibration' in model.json is 1, where str"),
    "missing": ({"kind": "beta", "a": 1.0, "c": 0.0}, "'calibration' in model.json has no 'b'"),
    "unknown": (BETA | {"d": 1.0}, "'calibration' in model.json has an unknown field 'd'"),
    "platt b": (BETA | {"kind": "platt"}, "'calibration' in model.json has an unknown field 'b'"),
    "text a": (BETA | {"a": "1"}, "'a' in 'calibration' in model.json is '1', where float"),
    "true": (BETA | {"a": True}, "'a' in 'calibration' in model.json is True, where float"),
    "falling": (BETA | {"a": -1.0}, "'calibration' in model.json has a=-1, b=1 and c=0"),
    "flat": (BETA | {"b": 0.0}, "'calibration' in model.json has a=1, b=0 and c=0"),
    "steep": (BETA | {"a": 1e300}, "'calibration' in model.json has a=1e+300"),
    "nan": (BETA | {"a": float("nan")}, "'calibration' in model.json has a=nan"),
    "infinite": (BETA | {"c": float("inf")}, "'calibration' in model.json has a=1, b=1 and c=inf"),
    "nan c": (BETA | {"c": float("nan")}, "'calibration' in model.json has a=1, b=1 and c=nan"),
    "far": (BETA | {"c": -1e9}, "'calibration' in model.json has a=1, b=1 and c=-1e+09"),
    "measured": (BETA | {"measured": [1]}, "'measured' in 'calibration' in model.json is [1]"),
    "no score": ({"kind": "isotonic", "share": [0.5]}, "'calibration' in model.json has no 'score'"),
    "none at all": (STEP | {"score": [], "share": []}, "'score' in 'calibration' in model.json has 0 values"),
    "many": (
        STEP | {"score": [0.5] * (MAX_PLACES + 1)},
        "'score' in 'calibration' in model.json has 100,001",
    ),
    "other length": (STEP | {"share": [0.2]}, "'calibration' in model.json has 2 scores and 1 shares"),
    "texts": (
        STEP | {"share": ["a", "b"]},
        "'share' in 'calibration' in model.json is ['a', 'b'], not a list",
    ),
    "trues": (STEP | {"share": [True, 2]}, "'share' in 'calibration' in model.json is [True, 2], not a list"),
    "falls": (STEP | {"share": [0.6, 0.2]}, "'share' in 'calibration' in model.json does not rise"),
    "ties": (STEP | {"share": [0.2, 0.2]}, "'share' in 'calibration' in model.json does not rise"),
    "from 0": (STEP | {"score": [0.0, 0.2]}, "'score' in 'calibration' in model.json does not rise"),
    "to 1": (STEP | {"score": [0.1, 1.0]}, "'score' in 'calibration' in model.json does not rise"),
    "huge": (STEP | {"score": [0.1, 10**400]}, "'score' in 'calibration' in model.json does not rise"),
    "not numbers": (STEP | {"score": [0.1, float("nan")]}, "'score' in 'calibration' in model.json does not"),
}


@pytest.mark.parametrize(("content", "sentence"), HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_calibration(content: Any, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_calibration({"calibration": content}, source="model.json")
    assert caught.value.sentence.startswith(sentence)
    assert caught.value.fix
    assert len(caught.value.sentence) < 500
