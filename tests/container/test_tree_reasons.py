"""Contributions that are looked up, against those XGBoost works out."""

import gc
from typing import Any

import numpy as np
import orjson
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st

from fraudlab.container import tree_reasons
from fraudlab.container.features import Column, Features
from fraudlab.container.model_files.model_file import Model
from fraudlab.container.scaling import fit_scaling
from fraudlab.container.scorer import Scorer
from fraudlab.container.tree_reasons import ReasonTables, TableShelf, reason_tables

_CATEGORIES = 12
_BASE = {"objective": "binary:logistic", "base_score": 0.5, "max_bin": 64, "seed": 1, "nthread": 1}

#: what models differ in; two columns make paths that ask one of them several times
_MODELS: dict[str, dict[str, Any]] = {
    "stumps": {"max_depth": 1},
    "depth 2": {"max_depth": 2},
    "depth 4": {"max_depth": 4},
    "depth 6": {"max_depth": 6},
    "depth 8": {"max_depth": 8},
    "two columns": {"max_depth": 6, "columns": 2},
    "one column": {"max_depth": 5, "columns": 1},
    "exact": {"max_depth": 4, "tree_method": "exact"},
    "by loss": {"max_depth": 0, "max_leaves": 9, "grow_policy": "lossguide"},
    "categories": {"max_depth": 4, "categories": 2},
    "categories one by one": {"max_depth": 4, "categories": 2, "max_cat_to_onehot": 50},
    "nothing but categories": {"max_depth": 5, "columns": 2, "categories": 2},
    "pruned": {"max_depth": 5, "gamma": 2.0},
    "forest": {"max_depth": 4, "num_parallel_tree": 3, "subsample": 0.5},
    "dart": {"booster": "dart", "max_depth": 4, "rate_drop": 0.5},
    "large leaves": {"max_depth": 3, "eta": 1.0, "reg_lambda": 0.0, "min_child_weight": 0.0},
    "monotone": {"max_depth": 4, "monotone_constraints": "(1,0,0,0,-1)"},
}


def make(
    *, columns: int = 5, categories: int = 0, rounds: int = 12, seed: int = 0, rows: int = 500, **told: Any
) -> tuple[Scorer, np.ndarray, xgboost.Booster]:
    """A model and rows of which some values are missing; the last `categories` columns are categories."""
    random = np.random.default_rng(seed)
    inputs = random.normal(size=(rows, columns)).astype(np.float32).round(1)
    inputs[:, columns - categories :] = random.integers(0, _CATEGORIES, (rows, categories))
    label = inputs[:, 0] * inputs[:, -1] + inputs[:, columns // 2] + random.normal(size=rows) > 1
    inputs[random.random(inputs.shape) < 0.1] = np.nan
    types = ["q"] * (columns - categories) + ["c"] * categories
    data = xgboost.DMatrix(inputs, label, feature_types=types, enable_categorical=True)
    booster = xgboost.train({**_BASE, **told}, data, rounds)
    names = tuple(f"c{number}" for number in range(_CATEGORIES))
    features = Features([Column(f"f{at}", names if kind == "c" else None) for at, kind in enumerate(types)])
    scorer = Scorer(Model(booster.save_raw("ubj"), "0" * 64, features, 0.5, {}))
    return scorer, inputs, booster


def expected(booster: xgboost.Booster, scorer: Scorer, inputs: np.ndarray) -> np.ndarray:
    types = ["q" if column.categories is None else "c" for column in scorer.features.columns]
    data = xgboost.DMatrix(inputs, feature_types=types, enable_categorical=True)
    return booster.predict(data, pred_contribs=True)[:, :-1]


def tables_of(scorer: Scorer, booster: xgboost.Booster) -> ReasonTables | None:
    categories = [len(column.categories or ()) for column in scorer.features.columns]
    return reason_tables(orjson.loads(booster.save_raw("json")), categories)


@pytest.mark.parametrize("name", _MODELS)
def test_they_are_those_of_pred_contribs(name: str) -> None:
    scorer, inputs, booster = make(**_MODELS[name])
    tables = tables_of(scorer, booster)
    assert tables is not None
    found = tables.contributions(inputs)
    assert found.any()
    # XGBoost adds in 32 bits, so that its own sums are as far from exact as they are large.
    margin = np.abs(scorer.raw_score(inputs)).max()
    assert np.abs(found - expected(booster, scorer, inputs)).max() < 1e-5 * max(1, margin / 4)
    assert scorer.contributions(inputs).tobytes() == found.tobytes()


@settings(max_examples=12, deadline=None)
@given(
    depth=st.integers(1, 8),
    columns=st.integers(1, 7),
    categories=st.integers(0, 2),
    seed=st.integers(0, 2**16),
    dart=st.booleans(),
)
def test_whatever_the_trees_they_are_those_of_pred_contribs(
    depth: int, columns: int, categories: int, seed: int, *, dart: bool
) -> None:
    told = {"booster": "dart", "rate_drop": 0.3} if dart else {}
    scorer, inputs, booster = make(
        columns=columns,
        categories=min(categories, columns),
        seed=seed,
        rows=200,
        rounds=6,
        max_depth=depth,
        **told,
    )
    found = scorer.contributions(inputs)
    assert np.abs(found - expected(booster, scorer, inputs)).max() < 1e-5


def test_contributions_and_the_mean_add_up_to_the_raw_score() -> None:
    scorer, inputs, _ = make(max_depth=6)
    rest = scorer.raw_score(inputs) - scorer.contributions(inputs).sum(axis=1)
    assert np.ptp(rest) < 1e-5


def test_a_row_has_the_same_contributions_whatever_is_explained_with_it() -> None:
    scorer, inputs, _ = make(max_depth=5, categories=1)
    whole = scorer.contributions(inputs)
    for size in (1, 2, 63, 64, 65, 499):
        pieces = [scorer.contributions(inputs[at : at + size]) for at in range(0, len(inputs), size)]
        assert np.concatenate(pieces).tobytes() == whole.tobytes()
    assert scorer.contributions(inputs[::-1].copy()).tobytes() == whole[::-1].tobytes()
    assert scorer.contributions(inputs[:0]).shape == (0, 5)


def test_columns_of_the_same_contribution_keep_their_order() -> None:
    scorer, _, _ = make(max_depth=2)
    same = np.array([[0.5, -0.75, 0.75, 0.0, -0.5]], np.float32)
    scorer.contributions = lambda matrix: same  # type: ignore[method-assign]
    found = scorer.reasons(same, most=5)
    assert found == [[("f1", -0.75), ("f2", 0.75), ("f0", 0.5), ("f4", -0.5)]]


def test_scaled_inputs_are_explained_as_the_booster_sees_them() -> None:
    scorer, inputs, booster = make(max_depth=4)
    scaling = fit_scaling(list(inputs.T))
    features = Features(scorer.features.columns, scaling)
    scaled = features.scaled(inputs)
    assert np.abs(scorer.contributions(scaled) - expected(booster, scorer, scaled)).max() < 1e-5


@pytest.mark.parametrize(
    "told",
    [
        pytest.param({"max_depth": 14, "min_child_weight": 0, "rows": 3000}, id="too deep"),
        pytest.param({"max_depth": 0, "grow_policy": "lossguide", "max_leaves": 400}, id="deep by loss"),
        pytest.param({"max_depth": 4, "gamma": 1e9}, id="nothing but roots"),
    ],
)
def test_what_cannot_be_looked_up_is_worked_out_by_xgboost(told: dict[str, Any]) -> None:
    scorer, inputs, booster = make(**told)
    assert tables_of(scorer, booster) is None
    assert scorer.contributions(inputs).tobytes() == expected(booster, scorer, inputs).tobytes()


def test_too_many_trees_are_left_to_xgboost(monkeypatch: pytest.MonkeyPatch) -> None:
    scorer, inputs, booster = make(max_depth=4)
    tables = tables_of(scorer, booster)
    assert tables is not None
    rows = tables.nbytes // 32
    monkeypatch.setattr(tree_reasons, "MAX_TABLE_ROWS", rows)
    assert tables_of(scorer, booster) is not None
    monkeypatch.setattr(tree_reasons, "MAX_TABLE_ROWS", rows - 1)
    assert tables_of(scorer, booster) is None
    assert scorer.contributions(inputs).tobytes() == expected(booster, scorer, inputs).tobytes()


class _Owner:
    pass


def test_the_shelf_holds_what_was_taken_last() -> None:
    scorer, _, booster = make(max_depth=2)
    tables = tables_of(scorer, booster)
    assert tables is not None
    made: list[object] = []

    def take(owner: object, found: ReasonTables | None = tables) -> ReasonTables | None:
        return shelf.take(owner, lambda: made.append(owner) or found)  # type: ignore[func-returns-value]

    shelf = TableShelf(2 * tables.nbytes)
    first, second, third, without = (_Owner() for _ in range(4))
    assert take(first) is take(first) is tables
    assert take(without, None) is None
    assert take(without, None) is None
    take(second)
    take(first)
    take(third)  # second makes way
    take(first)
    take(second)
    assert made == [first, without, second, third, second]
    made.clear()
    del first, second, third
    gc.collect()
    take(without, None)
    assert not made
