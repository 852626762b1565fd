from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import xgboost

from fraudlab.container.contract import Tree
from fraudlab.container.failure import ConfigError
from fraudlab.container.features import Column, Features
from fraudlab.container.model_files.model_file import Model, read_model
from fraudlab.container.prepared import read_split
from fraudlab.container.scorer import Scorer, load_scorer


def test_scores_are_those_of_booster_predict_to_the_last_bit(trained: Tree) -> None:
    scorer = load_scorer(trained.model)
    matrix = read_split(trained.prepared / "test", scorer.features).matrix
    booster = xgboost.Booster(model_file=str(trained.model / "model.ubj"))
    types = ["q" if column.categories is None else "c" for column in scorer.features.columns]
    data = xgboost.DMatrix(matrix, feature_types=types, feature_names=scorer.features.names)
    expected = booster.predict(data)
    assert scorer.score(matrix).tobytes() == expected.tobytes()
    one_by_one = np.concatenate([scorer.score(matrix[row : row + 1].copy()) for row in range(len(matrix))])
    assert one_by_one.tobytes() == expected.tobytes()
    assert np.unique(expected).size > 10


def test_dart_gives_the_scores_of_booster_predict_as_well() -> None:
    random = np.random.default_rng(5)
    inputs = random.normal(size=(400, 5)).astype(np.float32)
    label = (inputs[:, 0] + random.normal(size=400) > 1).astype(np.uint8)
    told = {"booster": "dart", "objective": "binary:logistic", "rate_drop": 0.5, "seed": 3, "base_score": 0.5}
    booster = xgboost.train(told, xgboost.DMatrix(inputs, label), 20)
    features = Features([Column(f"f{number}") for number in range(5)])
    scorer = Scorer(Model(booster.save_raw("ubj"), "0" * 64, features, 0.5, {}))
    data = xgboost.DMatrix(inputs)
    assert scorer.score(inputs).tobytes() == booster.predict(data).tobytes()
    assert scorer.raw_score(inputs).tobytes() == booster.predict(data, output_margin=True).tobytes()


def test_threads_do_not_see_each_others_rows(trained: Tree) -> None:
    scorer = load_scorer(trained.model)
    matrix = read_split(trained.prepared / "test", scorer.features).matrix
    pieces = [matrix[start:].copy() for start in range(8)]
    expected = [scorer.score(piece).tobytes() for piece in pieces]

    def score(turn: int) -> bool:
        return scorer.score(pieces[turn % 8]).tobytes() == expected[turn % 8]

    with ThreadPoolExecutor(6) as threads:
        assert all(threads.map(score, range(2000)))


def test_a_score_outlives_the_next_call(trained: Tree) -> None:
    scorer = load_scorer(trained.model)
    matrix = read_split(trained.prepared / "test", scorer.features).matrix
    first = scorer.score(matrix)
    kept = first.copy()
    scorer.score(matrix[::-1].copy())
    np.testing.assert_array_equal(first, kept)


def test_a_booster_that_is_none(trained: Tree) -> None:
    model = read_model(trained.model)
    for junk in (bytearray(b"junk"), bytearray(b"{}"), bytearray(b"{}" + bytes(50))):
        with pytest.raises(ConfigError, match=r"model.ubj is not a booster: "):
            Scorer(Model(junk, "0" * 64, model.features, 0.5, {}))


def test_a_booster_of_another_contract(trained: Tree) -> None:
    model = read_model(trained.model)
    with pytest.raises(ConfigError) as caught:
        Scorer(Model(model.booster, model.sha256, Features([Column("a")]), 0.5, {}))
    assert caught.value.sentence == "model.ubj takes 4 columns and model.json names 1"


def test_the_model_id_is_the_beginning_of_the_hash(trained: Tree) -> None:
    model: Any = read_model(trained.model)
    assert load_scorer(trained.model).model_id == model.sha256[:12]
