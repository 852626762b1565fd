"""Metrics of a round that are computed here, against scikit-learn and against XGBoost's own."""

from typing import Any

import numpy as np
import pytest
import xgboost
from sklearn import metrics as sklearn

from fraudlab.container.hyperparameters import OF_ALERTS, direction, read_hyperparameters
from fraudlab.container.hyperparameters.eval_metrics import COMPUTED, OF_SCORES
from fraudlab.container.training.round_metrics import of_scores

NAMES = [*OF_ALERTS, *OF_SCORES]


def by_sklearn(name: str, label: Any, score: Any, weight: Any) -> float:
    kind, _, average = (
        name.rpartition("_") if name.endswith(("_binary", "_macro", "_micro")) else (name, "", "")
    )
    alert = (score >= 0.5).astype(int)
    if name in OF_SCORES:
        root = np.sqrt if name == "rmsle" else (lambda value: value)
        function = {
            "mae": sklearn.mean_absolute_error,
            "mse": sklearn.mean_squared_error,
            "rmsle": sklearn.mean_squared_log_error,
            "r2": sklearn.r2_score,
        }[name]
        return float(root(function(label, score.astype(np.float64), sample_weight=weight)))
    options = {"zero_division": 0.0, "average": average or "binary"} if "accuracy" not in name else {}
    function = getattr(sklearn, f"{kind}_score")
    return float(function(label, alert, sample_weight=weight, **options))


def table(case: str) -> tuple[Any, Any]:
    random = np.random.default_rng(7)
    label = (random.random(400) < 0.2).astype(np.float32)
    score = np.clip(0.3 * label + random.random(400) * 0.7, 0, 1).astype(np.float32)
    if case == "no alert":
        score = score * np.float32(0.4)
    elif case == "all alerted":
        score = np.float32(0.5) + score / 2
    elif case == "one value":
        score = np.full(400, 0.5, np.float32)
    return label, score


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("case", ["usual", "no alert", "all alerted", "one value"])
@pytest.mark.parametrize("name", NAMES)
def test_it_is_scikit_learns(name: str, case: str, weighted: bool) -> None:
    label, score = table(case)
    weight = np.random.default_rng(1).uniform(0.5, 3.0, label.size) if weighted else None
    found = of_scores([name], label, score, weight=weight)
    assert list(found) == [name]
    assert found[name] == pytest.approx(by_sklearn(name, label, score, weight), rel=1e-9, abs=1e-12)


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.parametrize("truth", [0, 1])
@pytest.mark.parametrize("name", [name for name in NAMES if name != "r2"])
def test_rows_of_one_class_have_finite_metrics(name: str, truth: int) -> None:
    _, score = table("usual")
    label = np.full(score.size, truth, np.float32)
    found = of_scores([name], label, score)[name]
    assert np.isfinite(found)
    assert found == pytest.approx(by_sklearn(name, label, score, None), abs=1e-12)


def train(metrics: str, weight: Any = None, **hyperparameters: Any) -> dict[str, list[float]]:
    from fraudlab.container.features import Column, Features
    from fraudlab.container.prepared import Prepared
    from fraudlab.container.runtime import StopRequest
    from fraudlab.container.training.boosting import train_matrix
    from fraudlab.container.training.rounds import Training, fit

    random = np.random.default_rng(3)
    matrix = random.normal(size=(1500, 3)).astype(np.float32)
    label = (matrix[:, 0] * matrix[:, 1] + matrix[:, 2] + random.normal(size=1500) * 0.3 > 0.5).astype(
        np.uint8
    )
    features = Features([Column(name) for name in "abc"])
    given = {"num_round": "25", "learning_rate": "0.3", "eval_metric": metrics, **hyperparameters}
    parameters = read_hyperparameters(given)
    rows = Prepared(matrix, label, weight=weight)
    bins = train_matrix(rows, features, parameters)
    told = parameters.for_xgboost(features.names, cpus=2)
    last = parameters.eval_metric[-1]
    return fit(Training(parameters, told, bins, bins, last), stop=StopRequest()).progress.metrics


@pytest.mark.parametrize("weighted", [False, True])
def test_they_agree_with_xgboosts_own(weighted: bool) -> None:
    weight = np.random.default_rng(2).uniform(0.5, 2.0, 1500).astype(np.float32) if weighted else None
    found = train("f1,error,accuracy,rmse,mse,mae,rmsle,logloss", weight)
    assert list(found) == ["f1", "error", "accuracy", "rmse", "mse", "mae", "rmsle", "logloss"]
    np.testing.assert_allclose(found["accuracy"], 1 - np.array(found["error"]), rtol=1e-6)
    np.testing.assert_allclose(found["mse"], np.square(found["rmse"]), rtol=1e-5)
    theirs: dict[str, Any] = {}
    data = xgboost.DMatrix(np.zeros((4, 1)), label=[0, 1, 0, 1], base_margin=[-2.0, 1.0, 0.5, 3.0])
    xgboost.train(
        {"objective": "binary:logistic", "eval_metric": ["mae", "rmsle"], "eta": 0.0, "base_score": 0.5},
        data,
        1,
        evals=[(data, "v")],
        evals_result=theirs,
        verbose_eval=False,
    )
    score = (1 / (1 + np.exp(-np.array([-2.0, 1.0, 0.5, 3.0])))).astype(np.float32)
    ours = of_scores(["mae", "rmsle"], np.array([0, 1, 0, 1]), score)
    assert {name: values[-1] for name, values in theirs["v"].items()} == pytest.approx(ours, rel=1e-6)


@pytest.mark.parametrize("name", COMPUTED)
def test_more_or_less_of_it_is_better_as_it_says(name: str) -> None:
    values = train(name)[name]
    assert (values[-1] > values[0]) == (direction(name) == "maximize")


def test_metrics_that_are_computed_do_not_change_the_model_or_the_others() -> None:
    assert train("logloss") == {"logloss": train("f1,mae,logloss")["logloss"]}
