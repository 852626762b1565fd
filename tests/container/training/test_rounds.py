"""Rounds: segments, early stopping, several metrics, weights; against XGBoost's own training."""

from typing import Any

import numpy as np
import pytest
import xgboost
from sklearn.metrics import log_loss

from fraudlab.container.features import Column, Features
from fraudlab.container.hosts import Hosts
from fraudlab.container.hyperparameters import read_hyperparameters
from fraudlab.container.prepared import Prepared
from fraudlab.container.runtime import StopRequest
from fraudlab.container.training.boosting import bin_weights, segment_seed, train_matrix
from fraudlab.container.training.progress import Progress
from fraudlab.container.training.rounds import Fitted, Training, fit

FEATURES = Features([Column(f"f{position}") for position in range(5)])


def split(rows: int, seed: int) -> Prepared:
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(rows, 5)).astype(np.float32)
    noise = random.normal(size=rows)
    label = (matrix[:, 0] + matrix[:, 1] * matrix[:, 2] + noise > 2.0).astype(np.uint8)
    return Prepared(matrix, label, None)


TRAIN, VALIDATION = split(3000, 1), split(1000, 2)


def training(
    validation: bool = True,
    rows: tuple[Prepared, Prepared] = (TRAIN, VALIDATION),
    **hyperparameters: Any,
) -> Training:
    chosen = {"num_round": 60, "max_depth": 4, "learning_rate": 0.5, **hyperparameters}
    parameters = read_hyperparameters({name: str(value) for name, value in chosen.items()})
    bins = train_matrix(rows[0], FEATURES, parameters)
    return Training(
        parameters,
        parameters.for_xgboost(FEATURES.names, cpus=2),
        bins,
        train_matrix(rows[1], FEATURES, parameters, ref=bins) if validation else None,
        parameters.eval_metric[-1] if validation else None,
    )


def trained(**hyperparameters: Any) -> Fitted:
    return fit(training(**hyperparameters), stop=StopRequest())


def content(fitted: Fitted) -> bytes:
    return bytes(fitted.booster.save_raw("ubj"))


@pytest.mark.parametrize("metric", ["auc", "aucpr", "logloss", "error", "auc,logloss", "logloss,aucpr"])
@pytest.mark.parametrize("patience", [1, 3, 7])
def test_early_stopping_is_xgboosts(metric: str, patience: int) -> None:
    ours = training(early_stopping_rounds=patience, eval_metric=metric)
    found: dict[str, Any] = {}
    watched = metric.rpartition(",")[2]
    bare = xgboost.train(
        {**ours.booster},
        ours.train,
        60,
        evals=[(ours.validation, "validation")],
        evals_result=found,
        verbose_eval=False,
        callbacks=[
            xgboost.callback.EarlyStopping(rounds=patience, metric_name=watched, data_name="validation")
        ],
    )
    fitted = fit(ours, stop=StopRequest())
    assert fitted.progress.metrics == found["validation"]
    assert fitted.best_round == bare.best_iteration
    assert fitted.progress.best_value == bare.best_score
    assert content(fitted) == bytes(bare[: bare.best_iteration + 1].save_raw("ubj"))


@pytest.mark.parametrize("weight", [None, np.linspace(0.2, 3.0, len(VALIDATION)).astype(np.float32)])
def test_unweighted_log_loss_is_that_of_scores_without_the_class_weight(weight: Any) -> None:
    ours = training(num_round=5, eval_metric="unweighted_logloss,logloss", scale_pos_weight=20)
    if weight is not None:
        ours.validation.set_weight(weight)
    fitted = fit(ours, stop=StopRequest())
    odds = fitted.booster.predict(ours.validation, output_margin=True).astype(np.float64) - np.log(20)
    expected = log_loss(VALIDATION.label, 1 / (1 + np.exp(-odds)), sample_weight=weight)
    assert fitted.progress.metrics["unweighted_logloss"][-1] == pytest.approx(expected, rel=1e-6)
    assert fitted.progress.metrics["logloss"][-1] > 1.2 * expected


def test_without_a_class_weight_it_is_xgboosts_log_loss() -> None:
    metrics = trained(num_round=5, eval_metric="unweighted_logloss,logloss").progress.metrics
    assert metrics["unweighted_logloss"] == pytest.approx(metrics["logloss"], rel=1e-5)
    alone = trained(num_round=5, eval_metric="unweighted_logloss").progress.metrics
    assert alone == {"unweighted_logloss": metrics["unweighted_logloss"]}


def noisy(rows: int, seed: int) -> Prepared:
    """A table that hardly tells frauds apart, and changes as it goes."""
    random = np.random.default_rng(seed)
    matrix = random.normal(size=(rows, 5)).astype(np.float32)
    odds = -4.6 + 0.5 * matrix[:, 0] - 0.4 * matrix[:, 1] * matrix[:, 2] + 0.8 * random.normal(size=rows)
    return Prepared(matrix, (random.random(rows) < 1 / (1 + np.exp(-odds))).astype(np.uint8), None)


def test_early_stopping_does_not_collapse_where_average_precision_does() -> None:
    """Of small noisy tables, aucpr stops some before anything is learned; log-loss stops none."""
    chosen = {"num_round": 100, "early_stopping_rounds": 15, "learning_rate": 0.1, "base_score": 0.5}
    rounds: dict[str | None, list[int]] = {}
    for metrics in ({"eval_metric": "aucpr"}, {}, {"scale_pos_weight": 3}):
        for seed in range(4):
            tables = noisy(2000, seed), noisy(800, 100 + seed)
            fitted = fit(training(rows=tables, **chosen, **metrics), stop=StopRequest())
            rounds.setdefault(fitted.metric, []).append(fitted.booster.num_boosted_rounds())
    assert min(rounds["aucpr"]) < 10
    assert min(rounds["logloss"]) >= 20
    assert 10 <= min(rounds["unweighted_logloss"]) <= max(rounds["unweighted_logloss"]) < 100


def test_ties_keep_the_earlier_round() -> None:
    progress = Progress()
    for value in (0.5, 0.7, 0.7, 0.6):
        progress.add({"auc": value}, watched="auc", direction="maximize")
    assert (progress.best_round, progress.best_value) == (1, 0.7)
    assert progress.patience_lost(2)
    assert not progress.patience_lost(3)
    assert not progress.patience_lost(0)


def test_less_is_better_where_it_is() -> None:
    progress = Progress()
    for value in (0.5, 0.4, 0.4, 0.45):
        progress.add({"auc": 1.0, "logloss": value}, watched="logloss", direction="minimize")
    assert progress.best_round == 1


def test_save_best_false_keeps_every_round() -> None:
    best, every = (trained(early_stopping_rounds=3, save_best=value) for value in ("true", "false"))
    assert best.best_round == every.best_round < best.progress.rounds - 1
    assert best.booster.num_boosted_rounds() == best.best_round + 1
    assert every.booster.num_boosted_rounds() == every.progress.rounds
    assert content(best) == bytes(every.booster[: best.best_round + 1].save_raw("ubj"))


@pytest.mark.parametrize("method", ["hist", "approx", "exact"])
def test_segments_change_nothing_where_nothing_is_drawn(method: str) -> None:
    found = {content(trained(tree_method=method, checkpoint_rounds=length)) for length in (0, 7, 100)}
    assert len(found) == 1


def test_a_sampled_training_of_one_segment_is_xgboosts() -> None:
    ours = training(subsample=0.6, colsample_bytree=0.6, seed=11, num_round=20)
    bare = xgboost.train({**ours.booster}, ours.train, 20)
    assert content(fit(ours, stop=StopRequest())) == bytes(bare.save_raw("ubj"))


def test_every_segment_draws_on_its_own() -> None:
    """Were the second segment to draw what the first did, its trees would see the same rows again."""
    sampled = {"subsample": 0.3, "num_round": 40, "learning_rate": 0.05}
    one, two = (trained(checkpoint_rounds=length, **sampled) for length in (40, 20))
    assert content(one) != content(two)
    assert bytes(one.booster[:20].save_raw("ubj")) == bytes(two.booster[:20].save_raw("ubj"))
    assert one.progress.metrics["aucpr"][:20] == two.progress.metrics["aucpr"][:20]
    seeds = [segment_seed(7, segment) for segment in range(1000)]
    assert seeds[0] == 7
    assert len(set(seeds)) == 1000
    assert 0 <= min(seeds) <= max(seeds) < 2**31
    assert segment_seed(8, 1) != seeds[1]


def test_dart_keeps_every_round() -> None:
    fitted = trained(booster="dart", rate_drop=0.2, early_stopping_rounds=5, save_best="false")
    assert fitted.booster.num_boosted_rounds() == fitted.progress.rounds


def test_a_stop_ends_after_the_round() -> None:
    stop = StopRequest()
    seen = []

    def on_round(number: int, metrics: Any) -> None:
        seen.append(number)
        if number == 4:
            stop.make()

    fitted = fit(training(early_stopping_rounds=50), stop=stop, on_round=on_round)
    assert seen == [0, 1, 2, 3, 4]
    assert fitted.progress.rounds == 5
    assert fitted.booster.num_boosted_rounds() == fitted.best_round + 1


def test_constraints_are_about_columns() -> None:
    fitted = trained(monotone_constraints='{"f0": -1}', validation=False, num_round=10)
    rising = np.zeros((50, 5), np.float32)
    rising[:, 0] = np.linspace(-3, 3, 50)
    assert np.all(np.diff(fitted.booster.inplace_predict(rising)) <= 0)


def test_bins_follow_the_frauds_share_of_all_weight() -> None:
    weight = np.linspace(0.5, 3.0, len(TRAIN)).astype(np.float32)
    weighed = Prepared(TRAIN.matrix, TRAIN.label, None, weight)
    for part in (TRAIN, weighed):
        found = bin_weights([part], 0.7, Hosts())[0].astype(np.float64)
        assert found[part.label == 1].sum() / found.sum() == pytest.approx(0.7, rel=1e-6)
    ratio = bin_weights([weighed], 0.7, Hosts())[0] / weight
    assert np.unique(np.round(ratio[weighed.label == 1], 4)).size == 1
    np.testing.assert_allclose(ratio[weighed.label == 0], 1.0)


def test_rows_have_their_own_weights_again_once_they_are_binned() -> None:
    weight = np.linspace(0.5, 3.0, len(TRAIN)).astype(np.float32)
    parameters = read_hyperparameters({"fraud_bins": "0.7", "max_bin": "32"})
    binned = train_matrix(Prepared(TRAIN.matrix, TRAIN.label, None, weight), FEATURES, parameters)
    np.testing.assert_array_equal(binned.get_weight(), weight)
    placed = bin_weights([Prepared(TRAIN.matrix, TRAIN.label, None, weight)], 0.7, Hosts())[0]
    expected = xgboost.QuantileDMatrix(TRAIN.matrix, TRAIN.label, weight=placed, max_bin=32)
    for ours, theirs in zip(binned.get_quantile_cut(), expected.get_quantile_cut(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
