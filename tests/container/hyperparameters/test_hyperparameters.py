import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st

from fraudlab.container.failure import ConfigError
from fraudlab.container.hyperparameters import (
    Hyperparameters,
    direction,
    printed,
    read_hyperparameters,
    remarks,
)
from fraudlab.container.hyperparameters.eval_metrics import COMPUTED, METRICS, OF_ALERTS
from fraudlab.container.hyperparameters.table import NAMES, PARAMETERS, REFUSED

#: one value of each parameter that goes to XGBoost, other than XGBoost's default
VALUES = {
    "objective": "binary:logistic",
    "booster": "dart",
    "tree_method": "hist",
    "rate_drop": "0.2",
    "skip_drop": "0.1",
    "one_drop": "true",
    "sample_type": "weighted",
    "normalize_type": "forest",
    "learning_rate": "0.5",
    "scale_pos_weight": "2",
    "base_score": "0.5",
    "max_depth": "3",
    "max_leaves": "5",
    "grow_policy": "lossguide",
    "min_child_weight": "0.5",
    "gamma": "0.01",
    "reg_lambda": "2",
    "reg_alpha": "0.1",
    "max_delta_step": "1",
    "num_parallel_tree": "2",
    "subsample": "0.5",
    "colsample_bytree": "0.8",
    "colsample_bylevel": "0.8",
    "colsample_bynode": "0.8",
    "seed": "3",
    "seed_per_iteration": "true",
    "max_bin": "16",
    "max_cat_to_onehot": "2",
    "max_cat_threshold": "8",
    "max_cached_hist_node": "100",
}
OWN = {
    "num_round": "7",
    "early_stopping_rounds": "3",
    "save_best": "false",
    "refit": "true",
    "calibration": "beta",
    "checkpoint_rounds": "5",
    "k_fold": "4",
    "k_fold_repeats": "2",
    "csv_weights": "1",
    "keep_counter": "true",
    "fraud_bins": "0.5",
    "decision_threshold": "0.25",
    "eval_metric": "auc,aucpr",
    "monotone_constraints": '{"b": -1}',
    "interaction_constraints": '[["a", "b"]]',
    "nthread": "2",
    "verbosity": "0",
}


def refused(given: dict[str, Any], **options: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read_hyperparameters(given, **options)
    assert caught.value.fix
    return caught.value


def table(rows: int = 400) -> tuple[np.ndarray, np.ndarray]:
    numbers = np.random.default_rng(0)
    matrix = numbers.normal(size=(rows, 4)).astype(np.float32)
    return matrix, (matrix[:, 0] * matrix[:, 1] + matrix[:, 2] > 1).astype(np.float32)


def fit(parameters: dict[str, Any], rounds: int = 4, **options: Any) -> xgboost.Booster:
    matrix, label = table()
    return xgboost.train(
        {"verbosity": 1, **parameters}, xgboost.DMatrix(matrix, label=label), rounds, **options
    )


def test_absent_parameters_are_left_to_xgboost() -> None:
    found = read_hyperparameters({})
    assert (found.num_round, found.early_stopping_rounds, found.eval_metric) == (100, 0, ("aucpr", "logloss"))
    assert found.booster == {"objective": "binary:logistic", "tree_method": "hist", "seed": 0}


@pytest.mark.parametrize("encode", [str, json.dumps, lambda value: json.dumps(str(value))])
def test_strings_plain_and_json(encode: Any) -> None:
    found = read_hyperparameters(
        {"num_round": encode(7), "learning_rate": encode(0.25), "save_best": encode(False)}
        | {"grow_policy": encode("lossguide")}
    )
    assert (found.num_round, found.save_best) == (7, False)
    assert found.booster["learning_rate"] == 0.25
    assert found.booster["grow_policy"] == "lossguide"


@pytest.mark.parametrize("nothing", ["None", "null", "", None, '"None"'])
def test_not_set(nothing: str | None) -> None:
    assert "base_score" not in read_hyperparameters({"base_score": nothing}).booster


@pytest.mark.parametrize("text", ["auc,aucpr", '["auc", "aucpr"]', "auc, aucpr", ["auc", "aucpr"]])
def test_early_stopping_watches_the_last_metric(text: Any) -> None:
    assert read_hyperparameters({"eval_metric": text}).eval_metric == ("auc", "aucpr")


def test_numbers_that_were_floats() -> None:
    assert read_hyperparameters({"max_depth": "6.0"}).booster["max_depth"] == 6


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"max_dept": "3"},
            "unknown hyperparameter 'max_dept' (did you mean 'max_depth' or 'max_delta_step'?)",
        ),
        (
            {"colsample": "3"},
            "unknown hyperparameter 'colsample' (did you mean 'colsample_bytree', 'colsample_bynode' or '",
        ),
        ({"zzz": "3"}, "unknown hyperparameter 'zzz'"),
        (
            {"max_depth": "deep"},
            "hyperparameter 'max_depth' is 'deep', not auto, or a whole number of at least 0 and at most 64",
        ),
        (
            {"max_depth": "2.5"},
            "hyperparameter 'max_depth' is '2.5', not auto, or a whole number of at least 0 and at most 64",
        ),
        ({"max_depth": "1_0"}, "hyperparameter 'max_depth' is '1_0', not auto, or a whole number"),
        ({"max_depth": "٣"}, "hyperparameter 'max_depth' is '٣', not auto, or a whole number"),
        (
            {"max_leaves": "1"},
            "hyperparameter 'max_leaves' is '1', not a whole number of at least 0, but not 1",
        ),
        ({"num_round": "0"}, "hyperparameter 'num_round' is '0', not a whole number of at least 1"),
        ({"num_round": "nan"}, "hyperparameter 'num_round' is 'nan', not a whole number of at least 1"),
        ({"num_round": "1e400"}, "hyperparameter 'num_round' is '1e400', not a whole number of at least 1"),
        (
            {"k_fold": "51"},
            "hyperparameter 'k_fold' is '51', not a whole number of at least 0 and at most 50",
        ),
        ({"learning_rate": "0"}, "hyperparameter 'learning_rate' is '0', not a number above 0 and at most 1"),
        ({"eta": "0"}, "hyperparameter 'eta' is '0', not a number above 0 and at most 1"),
        ({"gamma": "inf"}, "hyperparameter 'gamma' is 'inf', not a number of at least 0"),
        ({"gamma": "-1"}, "hyperparameter 'gamma' is '-1', not a number of at least 0"),
        ({"base_score": "1"}, "hyperparameter 'base_score' is '1', not a number above 0 and below 1"),
        ({"save_best": "yes"}, "hyperparameter 'save_best' is 'yes', not true or false"),
        (
            {"objective": "reg:squarederror"},
            "hyperparameter 'objective' is 'reg:squarederror', not one of binary:logistic, hook:NAME: it pre",
        ),
        ({"objective": "binary:hinge"}, "hyperparameter 'objective' is 'binary:hinge', not one of "),
        ({"objective": "hook:a-b"}, "hyperparameter 'objective' is 'hook:a-b', not one of "),
        ({"eval_metric": "auc,auc"}, "hyperparameter 'eval_metric' is 'auc,auc', not one or more of "),
        ({"eval_metric": "[auc"}, "hyperparameter 'eval_metric' is '[auc', not one or more of "),
        ({"eval_metric": "[]"}, "hyperparameter 'eval_metric' is '[]', not one or more of "),
        (
            {"tree_method": "gpu_hist"},
            "hyperparameter 'tree_method' is 'gpu_hist', not one of hist, approx, exact: ",
        ),
        (
            {"booster": "gblinear"},
            "hyperparameter 'booster' is 'gblinear', not one of gbtree, dart: it has no bins",
        ),
        ({"device": "cuda:1"}, "hyperparameter 'device' is 'cuda:1', not cpu: the image trains on CPUs"),
        (
            {"num_class": "3"},
            "hyperparameter 'num_class' is '3', not one of 2, 1: there are two classes here",
        ),
        ({"gpu_id": "0"}, "hyperparameter 'gpu_id' is not used: the image trains on CPUs"),
        (
            {"tweedie_variance_power": "3"},
            "hyperparameter 'tweedie_variance_power' is '3', not a number of at least 1 and at most 2",
        ),
        (
            {"use_dask_gpu_training": "True"},
            "hyperparameter 'use_dask_gpu_training' is 'True', not false: the image trains on CPUs",
        ),
        (
            {"updater": "refresh"},
            "hyperparameter 'updater' is 'refresh', not one of grow_quantile_histmaker, ",
        ),
        (
            {"sagemaker_program": '"train.py"'},
            "hyperparameter 'sagemaker_program' is not used: this image runs no",
        ),
        ({"seed": True}, "hyperparameter 'seed' is 'true', not a whole number of at least 0"),
        (
            {"eval_metric": "x" * 5000},
            "hyperparameter 'eval_metric' is '" + "x" * 100 + "…', not one or more of ",
        ),
        ({"monotone_constraints": "[" * 100_000}, "hyperparameter 'monotone_constraints' is '[[[["),
    ],
    ids=lambda value: str(value)[:60],
)
def test_refusals(given: dict[str, Any], sentence: str) -> None:
    assert refused(given).sentence.startswith(sentence)


def test_an_unknown_name_lists_the_valid_ones() -> None:
    assert "learning_rate" in refused({"speed": "1"}).fix


def test_a_refused_name_without_a_value_is_not_set() -> None:
    assert read_hyperparameters({"gpu_id": "None"}) == read_hyperparameters({})


@given(
    st.sampled_from(sorted(NAMES)),
    st.text() | st.sampled_from(["{}", "[[]]", '{"a": [1]}', "[1.5]", "[null]"]),
)
@settings(max_examples=300)
def test_any_text_is_a_value_or_an_error_of_ours(name: str, text: str) -> None:
    try:
        found = read_hyperparameters({name: text})
    except ConfigError:
        return
    assert isinstance(json.dumps(found.as_json(), allow_nan=False), str)


# aliases


@pytest.mark.parametrize(
    ("alias", "name"),
    [(alias, name) for name, parameter in PARAMETERS.items() for alias in parameter.aliases],
)
def test_an_alias_is_its_name(alias: str, name: str) -> None:
    value = "1" if name not in ("k_fold", "k_fold_repeats") else "2"
    beside = {"k_fold": "3"} if name == "k_fold_repeats" else {}
    assert read_hyperparameters({alias: value, **beside}) == read_hyperparameters({name: value, **beside})
    assert read_hyperparameters({alias: value, **beside}) != read_hyperparameters(beside)


def test_an_alias_beside_its_name_has_to_agree() -> None:
    assert read_hyperparameters({"eta": "0.10", "learning_rate": "0.1"}).booster["learning_rate"] == 0.1
    error = refused({"eta": "0.1", "learning_rate": "0.2"})
    assert error.sentence == "eta and learning_rate are one parameter, and have two values"
    assert error.fix == "set learning_rate alone"


def test_xgboost_calls_the_same_parameters_by_the_same_aliases() -> None:
    for alias in ("eta", "min_split_loss", "lambda", "alpha", "n_jobs", "random_state"):
        # XGBoost warns of names it does not know, and a warning is an error here
        fit({"objective": "binary:logistic", alias: 1}, 1)
        assert alias in NAMES


# what reaches XGBoost


def test_every_parameter_is_one_xgboost_knows_and_uses() -> None:
    kept = {name for name, parameter in PARAMETERS.items() if not parameter.fixed}
    assert VALUES.keys() | OWN.keys() == kept - {"_tuning_objective_metric", "members"}
    found = read_hyperparameters(VALUES | OWN)
    assert found.booster.keys() == VALUES.keys()
    assert all(found.booster[name] != getattr(Hyperparameters(), name, None) for name in VALUES)
    given = found.for_xgboost(["a", "b", "c", "d"], cpus=8)
    # XGBoost warns of parameters it does not know or use, and a warning is an error here
    settings = json.loads(fit({**given, "verbosity": 1}).save_config())
    text = json.dumps(settings)
    assert all(f'"{name}": ' in text for name in VALUES.keys() - {"eval_metric", "objective", "booster"})
    assert set(OWN) == set(Hyperparameters.__slots__) - {"booster", "objective_hook", "members", "each"}


def test_own_parameters() -> None:
    found = read_hyperparameters(OWN)
    assert found == Hyperparameters(
        num_round=7,
        early_stopping_rounds=3,
        save_best=False,
        refit=True,
        calibration="beta",
        checkpoint_rounds=5,
        k_fold=4,
        k_fold_repeats=2,
        csv_weights=True,
        keep_counter=True,
        fraud_bins=0.5,
        decision_threshold=0.25,
        eval_metric=("auc", "aucpr"),
        monotone_constraints={"b": -1},
        interaction_constraints=(("a", "b"),),
        nthread=2,
        verbosity=0,
        booster={"objective": "binary:logistic", "tree_method": "hist", "seed": 0},
    )


def test_everything_that_made_the_model_is_recorded() -> None:
    recorded = read_hyperparameters(VALUES | OWN).as_json()
    assert recorded.keys() == (VALUES.keys() | OWN.keys()) - {"nthread", "verbosity"}
    assert recorded["interaction_constraints"] == [["a", "b"]]
    assert recorded == json.loads(json.dumps(recorded))
    assert read_hyperparameters(recorded).as_json() == recorded
    assert read_hyperparameters({"objective": "hook:focal"}).as_json()["objective_hook"] == "focal"


def test_threads_are_at_most_those_there_are() -> None:
    found = [read_hyperparameters({"nthread": text}).for_xgboost([], cpus=4)["nthread"] for text in "0392"]
    assert found == [4, 3, 4, 2]


@pytest.mark.parametrize(
    ("given", "samples"),
    [
        ({}, False),
        ({"subsample": "1", "colsample_bytree": "1"}, False),
        ({"subsample": "0.9"}, True),
        ({"colsample_bytree": "0.9"}, True),
        ({"colsample_bylevel": "0.9"}, True),
        ({"colsample_bynode": "0.9"}, True),
        ({"booster": "dart", "rate_drop": "0.1"}, True),
        ({"max_depth": "3", "grow_policy": "lossguide", "scale_pos_weight": "3"}, False),
    ],
)
def test_samples_is_whether_a_continued_booster_differs(given: dict[str, str], samples: bool) -> None:
    found = read_hyperparameters(given)
    assert found.samples == samples
    whole = fit(dict(found.booster), 6).save_raw()
    half = fit(dict(found.booster), 3)
    assert (fit(dict(found.booster), 3, xgb_model=half).save_raw() != whole) == samples


# metrics


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("error@0.30", "error@0.3"),
        ("error@0.5", "error"),
        ("error@1e-3", "error@0.001"),
        ("error@0.12345678", "error@0.123457"),
        ("pre@050", "pre@50"),
        ("hook:money", "hook:money"),
    ],
)
def test_metrics_have_one_spelling(text: str, found: str) -> None:
    assert read_hyperparameters({"eval_metric": text}).eval_metric == (found,)


@pytest.mark.parametrize("metric", [*METRICS, "error@0.3", "error@0.123457", "error@1e-05", "pre@50"])
def test_xgboost_prints_metrics_under_our_names_and_improves_them_our_way(metric: str) -> None:
    assert read_hyperparameters({"eval_metric": metric}).eval_metric == (metric,)
    matrix, label = table()
    data, history = xgboost.DMatrix(matrix, label=label), {}
    parameters = {"objective": "binary:logistic", "eval_metric": metric, "learning_rate": 0.1, "verbosity": 1}
    xgboost.train(parameters, data, 60, evals=[(data, "v")], evals_result=history, verbose_eval=False)
    assert list(history["v"]) == [printed(metric)]
    values = history["v"][metric]
    gained = values[-1] - values[0]
    if metric != "error@1e-05":  # every row is an alert at that threshold
        assert (gained > 0) == (direction(metric) == "maximize"), values


def test_precision_among_the_highest_scores_is_that() -> None:
    matrix, label = table()
    data, history = xgboost.DMatrix(matrix, label=label), {}
    parameters = {"objective": "binary:logistic", "eval_metric": "pre@30", "verbosity": 1}
    booster = xgboost.train(
        parameters, data, 5, evals=[(data, "v")], evals_result=history, verbose_eval=False
    )
    highest = np.argsort(-booster.predict(data), kind="stable")[:30]
    assert history["v"]["pre@30"][-1] == pytest.approx(label[highest].mean())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("mape", "it divides by the label"),
        ("map", "it is a metric of rankings"),
        ("ndcg@5", "it is a metric of rankings"),
        ("mphe", "it is a metric of amounts or counts"),
        ("poisson-nloglik", "it is a metric of amounts or counts"),
        ("tweedie-nloglik@1.5", "it is a metric of amounts or counts"),
        ("aft-nloglik", "it is a metric of survival models"),
        ("interval-regression-accuracy", "it is a metric of survival models"),
        ("merror", "for which this is error"),
        ("hook:f1", "a hook called f1 could not be told from fraudlab's f1"),
        ("hook:mae", "a hook called mae could not be told from fraudlab's mae"),
        ("pre", "it needs the number of alerts, such as pre@100"),
        ("pre@0", "XGBoost has none of that name for two classes"),
        ("error@1", "the threshold of error@ is above 0 and below 1"),
        ("error@nan", "the threshold of error@ is above 0 and below 1"),
        ("error,error@0.5", "error is there twice"),
        ("hook:auc", "a hook called auc could not be told from XGBoost's auc"),
        ("mlogloss", "for which this is logloss"),
        ("logloos", "a function of your own is hook:NAME"),
    ],
)
def test_metrics_refused_with_a_reason(text: str, reason: str) -> None:
    assert reason in refused({"eval_metric": text}).sentence


@pytest.mark.parametrize("metric", [*OF_ALERTS, "mae", "rmsle"])
@pytest.mark.parametrize("written", ["{}", "auc,{}", '["logloss", "{}"]'])
def test_early_stopping_refuses_metrics_that_cannot_guide_it(metric: str, written: str) -> None:
    given = {"eval_metric": written.replace("{}", metric)}
    assert read_hyperparameters(given).eval_metric[-1] == metric
    error = refused({**given, "early_stopping_rounds": "10"})
    assert error.sentence.startswith(f"early stopping watches the last of eval_metric, and {metric} ")
    proposed = re.findall(r"eval_metric=(\S+),? or", error.fix)[0].rstrip(",")
    mended = read_hyperparameters({"eval_metric": proposed, "early_stopping_rounds": "10"})
    assert mended.eval_metric[-1] == "logloss"
    assert metric in mended.eval_metric


@pytest.mark.parametrize("metric", ["auc", "aucpr", "logloss", "rmse", "mse", "r2", "error", "pre@10"])
def test_early_stopping_follows_the_others(metric: str) -> None:
    found = read_hyperparameters({"eval_metric": f"f1,{metric}", "early_stopping_rounds": "10"})
    assert found.eval_metric == ("f1", metric)


def test_early_stopping_does_not_follow_the_metric_a_tuning_job_watches() -> None:
    found = read_hyperparameters({"_tuning_objective_metric": "validation:f1", "early_stopping_rounds": "10"})
    assert found.eval_metric == ("f1", "aucpr", "logloss")


def test_metrics_of_our_own_are_not_given_to_xgboost() -> None:
    found = read_hyperparameters({"eval_metric": "f1,auc,mae"})
    assert found.for_xgboost([], cpus=1)["eval_metric"] == ["auc"]
    assert read_hyperparameters({"eval_metric": "f1"}).for_xgboost([], cpus=1)["disable_default_eval_metric"]


def test_hooks_are_not_xgboosts_metrics() -> None:
    found = read_hyperparameters({"eval_metric": "hook:money,auc,hook:cards"})
    assert found.metric_hooks == ("money", "cards")
    assert found.for_xgboost([], cpus=1)["eval_metric"] == ["auc"]
    alone = read_hyperparameters({"eval_metric": "hook:money"}).for_xgboost([], cpus=1)
    assert "eval_metric" not in alone
    assert alone["disable_default_eval_metric"] is True


def test_a_hook_for_the_objective_leaves_the_booster_logistic() -> None:
    found = read_hyperparameters({"objective": "hook:focal"})
    assert found.objective_hook == "focal"
    assert found.booster["objective"] == "binary:logistic"
    # where gradients come from outside, XGBoost starts there, whatever the prevalence
    assert found.booster["base_score"] == 0.5
    given = found.for_xgboost([], cpus=1)
    del given["base_score"], given["eval_metric"]
    booster = fit(given, 1, obj=lambda score, data: (score - data.get_label(), np.ones_like(score)))
    assert json.loads(booster.save_config())["learner"]["learner_model_param"]["base_score"] == "[5E-1]"


def test_the_metric_a_tuning_job_watches_is_printed() -> None:
    def metrics(watched: str) -> tuple[str, ...]:
        given = {"_tuning_objective_metric": watched, "eval_metric": "aucpr,hook:money"}
        return read_hyperparameters(given).eval_metric

    assert metrics("validation:aucpr") == metrics("validation:money") == ("aucpr", "hook:money")
    assert metrics("validation:logloss") == ("logloss", "aucpr", "hook:money")
    for name in COMPUTED:
        assert metrics(f"validation:{name}") == (name, "aucpr", "hook:money")
    assert metrics("a name of one's own") == ("aucpr", "hook:money")
    with pytest.raises(ConfigError) as caught:
        metrics("validation:mape")
    assert caught.value.sentence == (
        "the tuning job watches 'validation:mape', which no metric of this job is called"
    )
    assert caught.value.fix == "let it watch one of: validation:aucpr, validation:money"
    assert "on validation only" in refused({"_tuning_objective_metric": "train:auc"}).sentence


# constraints


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"monotone_constraints": '{"b": 1, "a": -1}'}, {"monotone_constraints": "(-1,1,0)"}),
        ({"monotone_constraints": {"b": 1}}, {"monotone_constraints": "(0,1,0)"}),
        ({"monotone_constraints": "(1,0,-1)"}, {"monotone_constraints": "(1,0,-1)"}),
        ({"monotone_constraints": "[1, 0, -1]"}, {"monotone_constraints": "(1,0,-1)"}),
        ({"interaction_constraints": '[["c","a"],["b"]]'}, {"interaction_constraints": "[[2, 0], [1]]"}),
        ({"interaction_constraints": "[[0,1],[2]]"}, {"interaction_constraints": "[[0, 1], [2]]"}),
        ({}, {}),
    ],
)
def test_constraints_by_name_and_by_position(given: dict[str, Any], expected: dict[str, str]) -> None:
    found = read_hyperparameters(given).for_xgboost(["a", "b", "c"], cpus=1)
    assert {name: value for name, value in found.items() if name.endswith("constraints")} == expected


def test_constraints_do_what_they_say() -> None:
    names = ["amount", "b [x]", "c", "d"]
    free = fit(read_hyperparameters({}).for_xgboost(names, cpus=1), 20)
    bound = read_hyperparameters(
        {"monotone_constraints": '{"c": 1}', "interaction_constraints": '[["amount"], ["b [x]", "c", "d"]]'}
    )
    booster = fit(bound.for_xgboost(names, cpus=1), 20)
    grid = np.zeros((50, 4), np.float32)
    grid[:, 2] = np.linspace(-3, 3, 50)
    rising = [np.all(np.diff(b.inplace_predict(grid)) >= 0) for b in (free, booster)]
    assert rising == [False, True]
    for tree in booster.get_dump():
        assert not ("f0<" in tree and ("f1<" in tree or "f2<" in tree or "f3<" in tree))
    assert any("f0<" in tree and "f1<" in tree for tree in free.get_dump())


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"monotone_constraints": '{"amout": 1}'},
            "monotone_constraints names 'amout', which is not a feature (did you mean 'amount'?)",
        ),
        ({"monotone_constraints": "(1,0)"}, "monotone_constraints has 2 directions for 3 features"),
        (
            {"interaction_constraints": "[[0,3]]"},
            "interaction_constraints has the position 3, and there are 3 features",
        ),
        (
            {"interaction_constraints": '[["hours"]]'},
            "interaction_constraints names 'hours', which is not a feature (did you mean 'hour'?)",
        ),
    ],
)
def test_constraints_on_what_is_not_there(given: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_hyperparameters(given).for_xgboost(["amount", "hour", "age"], cpus=1)
    assert caught.value.sentence == sentence
    assert caught.value.fix


@pytest.mark.parametrize(
    "text", ['{"shop": 1}', {"shop": -1, "amount": 1}, "(0,1,0)", "[0,-1,0]", "[1, 1, 1]", '"(0,1,0)"']
)
def test_a_category_cannot_rise_or_fall(text: Any) -> None:
    given = read_hyperparameters({"monotone_constraints": text})
    with pytest.raises(ConfigError) as caught:
        given.for_xgboost(["amount", "shop", "age"], cpus=1, categorical=["shop"])
    assert caught.value.sentence == (
        "monotone_constraints gives a direction to 'shop', which is a category and cannot rise or fall"
    )
    assert caught.value.fix == (
        "take 'shop' out of monotone_constraints, or out of data.categorical where it is a number"
    )


@pytest.mark.parametrize("text", ['{"amount": 1}', '{"shop": 0, "age": -1}', "(1,0,-1)", "[0,0,0]"])
def test_numbers_beside_a_category_may_rise_or_fall(text: str) -> None:
    given = read_hyperparameters({"monotone_constraints": text})
    found = given.for_xgboost(["amount", "shop", "age"], cpus=1, categorical=["shop"])
    assert found["monotone_constraints"].split(",")[1] == "0"


def test_everything_that_is_wrong_with_constraints_is_said_at_once() -> None:
    given = {
        "monotone_constraints": '{"shop": 1, "amout": 1, "country": -1}',
        "interaction_constraints": '[["amount", "hours"], [7]]',
    }
    with pytest.raises(ConfigError) as caught:
        read_hyperparameters(given).for_xgboost(
            ["amount", "shop", "country"], cpus=1, categorical=["shop", "country"], prefix="model."
        )
    sentence, fix = caught.value.sentence, caught.value.fix
    assert "model.monotone_constraints gives a direction to 'shop', 'country', which are" in sentence
    assert "model.monotone_constraints names 'amout'" in sentence
    assert "model.interaction_constraints names 'hours'" in sentence
    assert "model.interaction_constraints has the position 7" in sentence
    assert fix.count("name columns that are features") == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("monotone_constraints", "(2,0)"),
        ("monotone_constraints", '{"a": true}'),
        ("monotone_constraints", '{"a": 1, "a": -1}'),
        ("monotone_constraints", "()"),
        ("monotone_constraints", "1"),
        ("interaction_constraints", "[0,1]"),
        ("interaction_constraints", "[[]]"),
        ("interaction_constraints", "[[1.5]]"),
        ("interaction_constraints", '{"a": 1}'),
    ],
)
def test_constraints_that_are_none(name: str, text: str) -> None:
    assert refused({name: text}).sentence.startswith(f"hyperparameter {name!r} is {text!r}, not ")


# combinations

EXACT = "tree_method=exact cannot use"
COMBINATIONS = [
    ({"max_depth": "0"}, "max_depth=0 grows without limit"),
    (
        {"max_depth": "0", "max_leaves": "8", "tree_method": "exact"},
        "max_depth=0 is no limit, which tree_method=exact needs",
    ),
    ({"tree_method": "exact", "max_bin": "512", "fraud_bins": "0.9"}, f"{EXACT} max_bin=512, fraud_bins=0.9"),
    ({"tree_method": "exact", "colsample_bynode": "0.5"}, f"{EXACT} colsample_bynode=0.5"),
    ({"tree_method": "exact", "max_leaves": "5"}, f"{EXACT} max_leaves=5"),
    ({"tree_method": "exact", "grow_policy": "lossguide"}, f"{EXACT} grow_policy=lossguide"),
    ({"tree_method": "exact", "max_cached_hist_node": "9"}, f"{EXACT} max_cached_hist_node=9"),
    ({"tree_method": "approx", "fraud_bins": "0.5"}, "tree_method=approx cannot use fraud_bins=0.5"),
    (
        {"num_parallel_tree": "4"},
        "num_parallel_tree=4 without sampling grows the same tree 4 times",
    ),
    ({"rate_drop": "0.1"}, "rate_drop is about trees that are dropped out, which only booster=dart does"),
    ({"booster": "dart"}, "booster=dart without rate_drop drops no tree"),
    (
        {"booster": "dart", "rate_drop": "0.1", "early_stopping_rounds": "5"},
        "booster=dart cannot be cut after its best round, as later rounds reweight earlier trees",
    ),
    (
        {"objective": "hook:focal", "scale_pos_weight": "24"},
        "scale_pos_weight is part of XGBoost's own objective, and objective is hook:focal",
    ),
    ({"k_fold_repeats": "3"}, "k_fold_repeats=3 repeats folds, and there are none"),
    ({"updater": "grow_colmaker"}, "updater=grow_colmaker is not that of tree_method=hist"),
    (
        {"updater": "grow_quantile_histmaker", "tree_method": "exact"},
        "updater=grow_quantile_histmaker is not that of tree_method=exact",
    ),
]


def test_alerts_are_not_counted_by_weights() -> None:
    error = refused({"eval_metric": "auc,pre@10", "csv_weights": "true"})
    assert error.sentence == "eval_metric=pre@10 counts alerts, and the rows have weights"
    matrix, label = table()
    data = xgboost.DMatrix(matrix, label=label, weight=np.ones_like(label))
    with pytest.raises(xgboost.core.XGBoostError):
        xgboost.train({"eval_metric": "pre@10"}, data, 1, evals=[(data, "v")], verbose_eval=False)


@pytest.mark.parametrize(("given", "sentence"), COMBINATIONS, ids=lambda value: str(value)[:50])
def test_combinations_that_cannot_be(given: dict[str, str], sentence: str) -> None:
    assert refused(given).sentence == sentence


def test_where_names_have_a_prefix_every_error_has_it() -> None:
    for given_, _ in COMBINATIONS:
        error = refused(given_, prefix="model.")
        assert error.sentence.startswith("model.")
        assert "model." in error.fix
    single = refused({"max_depth": "-1"}, prefix="model.")
    assert (
        single.sentence == "model.max_depth is '-1', not auto, or a whole number of at least 0 and at most 64"
    )
    assert single.fix == "set model.max_depth to auto, or a whole number of at least 0 and at most 64"


@pytest.mark.parametrize(
    "given",
    [
        {"max_depth": "0", "max_leaves": "8"},
        {"tree_method": "exact", "max_bin": "256", "max_leaves": "0", "max_cat_to_onehot": "4"},
        {"tree_method": "exact", "colsample_bylevel": "0.5", "colsample_bytree": "0.5", "subsample": "0.5"},
        {"tree_method": "approx", "max_bin": "16"},
        {"num_parallel_tree": "4", "subsample": "0.5"},
        {"booster": "dart", "one_drop": "true"},
        {"booster": "dart", "rate_drop": "0.1", "early_stopping_rounds": "5", "save_best": "false"},
        {"objective": "hook:focal", "scale_pos_weight": "1"},
        {"k_fold": "5", "k_fold_repeats": "3"},
    ],
    ids=str,
)
def test_combinations_that_can(given: dict[str, str]) -> None:
    found = read_hyperparameters(given)
    fit(found.for_xgboost(["a", "b", "c", "d"], cpus=1))


def differ(one: dict[str, Any], other: dict[str, Any]) -> bool:
    start = {"objective": "binary:logistic", "seed": 0}
    return fit(start | one).get_dump() != fit(start | other).get_dump()


@pytest.mark.parametrize(
    "idle",
    [{"max_bin": 8}, {"max_leaves": 3}, {"grow_policy": "lossguide"}],
    ids=str,
)
def test_what_exact_is_refused_for_it_would_have_ignored(idle: dict[str, Any]) -> None:
    assert not differ({"tree_method": "exact"}, {"tree_method": "exact", **idle})
    assert differ({"tree_method": "hist"}, {"tree_method": "hist", **idle})


def test_xgboost_has_the_limits_of_exact_that_are_refused() -> None:
    for given_ in ({"colsample_bynode": 0.5}, {"max_depth": 0, "max_leaves": 4}):
        with pytest.raises(xgboost.core.XGBoostError):
            fit({"objective": "binary:logistic", "tree_method": "exact", **given_})


def test_parallel_trees_without_sampling_are_equal() -> None:
    trees = fit({"objective": "binary:logistic", "num_parallel_tree": 3}, 1).get_dump()
    assert trees[0] == trees[1] == trees[2]


def test_dart_without_a_rate_is_gbtree_and_with_one_cannot_be_cut() -> None:
    assert not differ({"booster": "dart"}, {"booster": "gbtree"})
    matrix, label = table()
    data, history = xgboost.DMatrix(matrix, label=label), {}
    parameters = {"objective": "binary:logistic", "booster": "dart", "rate_drop": 0.5, "verbosity": 1}
    booster = xgboost.train(
        parameters, data, 20, evals=[(data, "v")], evals_result=history, verbose_eval=False
    )
    measured = history["v"]["logloss"][9]
    assert float(booster[:10].eval(data).split(":")[-1]) != pytest.approx(measured, rel=0.01)


def test_gradient_based_sampling_depends_on_threads() -> None:
    numbers = np.random.default_rng(0)
    matrix = numbers.normal(size=(60_000, 4)).astype(np.float32)
    label = (matrix[:, 0] > 2).astype(np.float32)
    sampled = {"objective": "binary:logistic", "subsample": 0.3, "verbosity": 1}

    def models(method: str) -> int:
        given = [{**sampled, "sampling_method": method, "nthread": threads} for threads in (1, 2, 3, 4)]
        data = xgboost.DMatrix(matrix, label=label)
        return len({bytes(xgboost.train(parameters, data, 5).save_raw()) for parameters in given})

    assert models("uniform") == 1
    assert models("gradient_based") > 1


# the official container's names


#: those its validation declares
OFFICIAL = """
    num_round csv_weights early_stopping_rounds booster verbosity nthread eta learning_rate gamma
    min_split_loss max_depth min_child_weight max_delta_step subsample colsample_bytree
    colsample_bylevel colsample_bynode lambda reg_lambda alpha reg_alpha tree_method sketch_eps
    scale_pos_weight updater dsplit refresh_leaf process_type grow_policy max_leaves max_bin
    predictor monotone_constraints interaction_constraints sample_type normalize_type rate_drop
    one_drop skip_drop lambda_bias tweedie_variance_power objective num_class base_score _kfold
    _num_cv_round _tuning_objective_metric eval_metric seed num_parallel_tree
    save_model_on_termination aft_loss_distribution aft_loss_distribution_scale
    single_precision_histogram deterministic_histogram sampling_method prob_buffer_row
    use_dask_gpu_training
"""


def test_every_name_of_the_official_container_is_understood_or_refused_with_a_reason() -> None:
    official = OFFICIAL.split()
    assert len(official) > 50
    assert not [name for name in official if name not in NAMES and name not in REFUSED]
    assert not NAMES.keys() & REFUSED.keys()


#: of each of them: values that change nothing for two classes; values that change something, or are refused
OFFICIAL_VALUES: dict[str, tuple[list[str], list[str]]] = {
    "num_round": (["100", "100.0", " 100 ", '"100"'], ["5"]),
    "csv_weights": (["0", "false", "False"], ["1", "True"]),
    "early_stopping_rounds": (["0", "None"], ["10"]),
    "booster": (["gbtree", '"gbtree"', " gbtree "], ["dart", "gblinear"]),
    "verbosity": (["1"], ["0", "2"]),
    "nthread": (["0", "-1"], ["1", "-2"]),
    "eta": ([], ["0.3", "0.1"]),
    "learning_rate": ([], ["0.3", "0.1"]),
    "gamma": ([], ["0", "1"]),
    "min_split_loss": ([], ["0", "1"]),
    "max_depth": ([], ["6", "3"]),
    "min_child_weight": ([], ["1", "3"]),
    "max_delta_step": ([], ["0", "1"]),
    "subsample": ([], ["1", "0.5", "0"]),
    "colsample_bytree": ([], ["1", "0.5"]),
    "colsample_bylevel": ([], ["1", "0.5"]),
    "colsample_bynode": ([], ["1", "0.5"]),
    "lambda": ([], ["1", "0"]),
    "reg_lambda": ([], ["1", "0"]),
    "alpha": ([], ["0", "1"]),
    "reg_alpha": ([], ["0", "1"]),
    "tree_method": (["auto", "hist"], ["approx", "exact", "gpu_hist"]),
    "sketch_eps": (["0.03", "0.5"], ["0", "1"]),
    "scale_pos_weight": ([], ["1", "5"]),
    "updater": (["grow_quantile_histmaker"], ["grow_colmaker", "refresh", "sync"]),
    "dsplit": (["row"], ["col"]),
    "refresh_leaf": (["1", "0", "True"], ["2"]),
    "process_type": (["default"], ["update"]),
    "grow_policy": ([], ["depthwise", "lossguide"]),
    "max_leaves": ([], ["0", "8"]),
    "max_bin": ([], ["256", "16"]),
    "predictor": (["auto", "cpu_predictor"], ["gpu_predictor"]),
    "monotone_constraints": (["None", "null", ""], ["(1)"]),
    "interaction_constraints": (["None"], ["[[0]]"]),
    "sample_type": (["uniform"], ["weighted"]),
    "normalize_type": (["tree"], ["forest"]),
    "rate_drop": (["0", "0.0", "0e0"], ["0.1"]),
    "one_drop": (["0", "false", "False"], ["1"]),
    "skip_drop": (["0", "0.0"], ["0.5"]),
    "lambda_bias": (["0", "0.5", "1"], ["-1"]),
    "tweedie_variance_power": (["1.5"], ["0.5"]),
    "objective": (["binary:logistic", "reg:logistic"], ["binary:hinge", "reg:squarederror", "multi:softmax"]),
    "num_class": (["2", "1", "0", "2.0"], ["3"]),
    "base_score": (["None"], ["0.5", "0"]),
    "_kfold": (["0", "None"], ["3", "1"]),
    "_num_cv_round": (["1", "1.0"], ["2"]),
    "_tuning_objective_metric": (["validation:logloss", "None"], ["validation:f1", "validation:mape"]),
    "eval_metric": (["aucpr,logloss", '["aucpr", "logloss"]'], ["auc", "mape"]),
    "seed": (["0", "0.0"], ["1", "-1"]),
    "num_parallel_tree": ([], ["1", "2"]),
    "save_model_on_termination": (["true", "false", "True", "False"], ["maybe"]),
    "aft_loss_distribution": (["normal", "logistic", "extreme"], ["gaussian"]),
    "aft_loss_distribution_scale": (["1.2"], ["0"]),
    "single_precision_histogram": (["false", "true", "False"], ["2"]),
    "deterministic_histogram": (["true", "false", "True"], ["2"]),
    "sampling_method": (["uniform"], ["gradient_based"]),
    "prob_buffer_row": (["1.0"], ["-1"]),
    "use_dask_gpu_training": (["false", "False", "0"], ["true", "True"]),
}


def test_the_table_of_official_values_is_whole() -> None:
    assert set(OFFICIAL.split()) == OFFICIAL_VALUES.keys()


@pytest.mark.parametrize("name", OFFICIAL_VALUES)
@pytest.mark.parametrize(
    "booster", [{}, {"booster": "gbtree"}, {"booster": "dart", "rate_drop": "0.5"}], ids=str
)
def test_official_values_that_change_nothing_are_accepted_and_the_others_are_not_lost(
    name: str, booster: dict[str, str]
) -> None:
    nothing, others = OFFICIAL_VALUES[name]
    if name in booster:
        return
    for text in nothing:
        found = read_hyperparameters({**booster, name: text})
        plain = read_hyperparameters(booster)
        idle = {
            key
            for key, value in (("one_drop", False), ("skip_drop", 0.0), ("sample_type", "uniform"))
            if key == name
        }
        idle |= {name} & {"normalize_type", "booster"}
        assert found.as_json().items() >= plain.as_json().items() or name == "_tuning_objective_metric"
        assert found.as_json().keys() - plain.as_json().keys() <= idle
        assert (found.nthread, found.verbosity) == (plain.nthread, plain.verbosity)
    for text in others:
        found, refusal = None, ""
        try:
            found = read_hyperparameters({**booster, name: text})
        except ConfigError as error:
            refusal = f"{error.sentence} {error.fix}"
        assert found != read_hyperparameters(booster)
        assert found or any(word in refusal for word in (name, NAMES[name], "tuning job"))


def test_dart_values_that_drop_nothing_are_not_given_to_a_booster_that_drops_none() -> None:
    given = {
        "rate_drop": "0",
        "skip_drop": "0",
        "one_drop": "0",
        "sample_type": "uniform",
        "normalize_type": "tree",
    }
    assert read_hyperparameters(given) == read_hyperparameters({})
    kept = read_hyperparameters({**given, "booster": "dart", "rate_drop": "0.1"}).booster
    assert {name: kept[name] for name in given} == {
        "rate_drop": 0.1,
        "skip_drop": 0.0,
        "one_drop": False,
        "sample_type": "uniform",
        "normalize_type": "tree",
    }


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (
            {"tweedie_variance_power": "1.5"},
            "tweedie_variance_power=1.5 changes nothing: it is a parameter of regr",
        ),
        ({"lambda_bias": "0.5"}, "lambda_bias=0.5 changes nothing: it is a parameter of booster=gblinear"),
        (
            {"sketch_eps": 0.03},
            "sketch_eps=0.03 changes nothing: XGBoost 3 has none; max_bin is about its inverse",
        ),
        (
            {"save_model_on_termination": "false"},
            "save_model_on_termination=false changes nothing: a job that is",
        ),
        (
            {"deterministic_histogram": False},
            "deterministic_histogram=false changes nothing: the same inputs",
        ),
        (
            {"single_precision_histogram": True},
            "single_precision_histogram=true changes nothing: XGBoost 3 always",
        ),
        ({"refresh_leaf": "0"}, "refresh_leaf=0 changes nothing: it updates a model that is there"),
        (
            {"aft_loss_distribution": "normal"},
            "aft_loss_distribution=normal changes nothing: it is a parameter of",
        ),
        (
            {"quantile_alpha": [0.1, 0.9]},
            "quantile_alpha=[0.1, 0.9] changes nothing: it is a parameter of regress",
        ),
        ({"silent": "1"}, "silent=1 changes nothing: XGBoost 3 has none; verbosity=0 is silent"),
        ({"objective": "reg:logistic"}, "objective=reg:logistic grows the trees of binary:logistic"),
    ],
    ids=str,
)
def test_what_does_nothing_here_is_said_in_a_line(given: dict[str, Any], line: str) -> None:
    assert read_hyperparameters(given) == read_hyperparameters({})
    (found,) = remarks(given)
    assert found.startswith(f"hyperparameter {line}")


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"save_model_on_termination": "true", "deterministic_histogram": "True", "refresh_leaf": "1"},
        {"lambda_bias": "0", "single_precision_histogram": "false", "tweedie_variance_power": "None"},
        {"rate_drop": "0", "device": "cpu", "gpu_id": "-1", "n_gpus": 0, "missing": "NaN"},
        {"sagemaker_region": '"eu-west-1"', "sagemaker_estimator_module": '"sagemaker.estimator"'},
        {"predictor": "cpu_predictor", "validate_parameters": "1", "enable_categorical": "false"},
        {"early_stopping_rounds": "5", "eval_metric": "auc,logloss"},
        {"eval_metric": "error"},
    ],
    ids=str,
)
def test_what_goes_without_saying_is_not_said(given: dict[str, Any]) -> None:
    assert remarks(given) == []


def test_error_is_watched_with_a_word_of_warning() -> None:
    for metric in ("error", "error@0.3"):
        (line,) = remarks({"eval_metric": metric, "early_stopping_rounds": "5"})
        assert line.startswith(f"early stopping watches {metric}, which counts alerts at a threshold")


def test_reg_logistic_grows_the_same_trees() -> None:
    assert not differ({"objective": "reg:logistic"}, {"objective": "binary:logistic"})


@pytest.mark.parametrize(
    ("method", "updater"),
    [("hist", "grow_quantile_histmaker"), ("approx", "grow_histmaker"), ("exact", "grow_colmaker,prune")],
)
def test_an_updater_is_what_its_tree_method_has(method: str, updater: str) -> None:
    given = {"tree_method": method, "updater": updater}
    assert read_hyperparameters(given) == read_hyperparameters({"tree_method": method})
    booster = {"objective": "binary:logistic", "tree_method": method}
    used = json.loads(fit(booster).save_config())["learner"]["gradient_booster"]["updater"]
    assert ",".join(item["name"] for item in used) == updater


# all that is wrong, at once


def test_all_refusals_are_said_at_once() -> None:
    given = {
        "max_dept": "3",
        "eta": "2",
        "objective": "reg:squarederror",
        "sagemaker_program": "train.py",
        "rate_drop": "0.1",
        "skip_drop": "0.1",
        "gamma": "1",
        "min_split_loss": "2",
        "_tuning_objective_metric": "validation:mape",
    }
    error = refused(given)
    assert error.sentence.startswith("8 hyperparameters cannot be used: ")
    for word in (
        "'max_dept'",
        "'eta'",
        "'objective'",
        "'sagemaker_program'",
        "rate_drop",
        "skip_drop",
        "gamma",
    ):
        assert word in error.sentence
    assert "mape" in error.sentence


def test_two_refusals_are_whole_sentences() -> None:
    error = refused({"max_depth": "-1", "eta": "0"}, prefix="model.")
    assert error.sentence == (
        "2 hyperparameters cannot be used: "
        "model.max_depth is '-1', not auto, or a whole number of at least 0 and at most 64; "
        "model.eta is '0', not a number above 0 and at most 1"
    )
    assert error.fix == (
        "set model.eta to a number above 0 and at most 1; "
        "set model.max_depth to auto, or a whole number of at least 0 and at most 64"
    )


@pytest.mark.parametrize("count", [2, 3, 10, 60, 500])
def test_however_many_they_are_the_message_fits_where_sagemaker_shows_it(count: int) -> None:
    error = refused({f"unknown_parameter_{number}": "x" * 200 for number in range(count)})
    assert error.sentence.startswith(f"{count} hyperparameters cannot be used: unknown hyperparameter ")
    assert len(f"{error.sentence}\nfix: {error.fix}\nkind: config") <= 1024
    assert count < 20 or error.sentence.endswith(" more")


@pytest.mark.parametrize(
    "given",
    [
        {"booster": "gblinear", "rate_drop": "0.1"},
        {"max_depth": "0", "max_leaves": "many"},
        {"num_parallel_tree": "3", "subsample": "half"},
        {"k_fold_repeats": "3", "k_fold": "1"},
        {"tree_method": "gpu_hist", "updater": "grow_histmaker"},
        {"eval_metric": "mape", "early_stopping_rounds": "5"},
    ],
    ids=str,
)
def test_what_follows_from_a_wrong_value_is_not_held_against_the_others(given: dict[str, str]) -> None:
    assert refused(given).sentence.startswith("hyperparameter ")


def test_auto_is_what_xgboost_makes_of_it() -> None:
    assert read_hyperparameters({"tree_method": "auto"}) == read_hyperparameters({"tree_method": "hist"})
    assert not differ({"tree_method": "auto"}, {"tree_method": "hist"})


# the page

PAGE = (Path(__file__).parents[3] / "docs" / "hyperparameters.md").read_text()


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_the_page_has_every_parameter_with_its_aliases_and_values(name: str) -> None:
    if name.startswith("sagemaker_"):
        assert f"`{name}`" in PAGE
        return
    rows = [line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |")]
    assert len(rows) == 1
    cells = [cell.strip() for cell in rows[0].split("|")]
    assert cells[2] == ", ".join(f"`{alias}`" for alias in PARAMETERS[name].aliases)
    assert cells[3] == PARAMETERS[name].kind.wanted


def test_the_page_has_every_refusal_and_every_metric() -> None:
    for name, (why, fix) in REFUSED.items():
        assert f"| `{name}` | {why} | {fix} |" in PAGE
    for metric in (*METRICS, *COMPUTED):
        better = next(
            line.split("|")[2].strip() for line in PAGE.splitlines() if line.startswith(f"| `{metric}`")
        )
        assert better == ("better" if direction(metric) == "maximize" else "worse")


def test_the_page_names_nothing_that_is_not_there() -> None:
    first = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert set(first) <= PARAMETERS.keys() | REFUSED.keys() | METRICS.keys() | COMPUTED.keys()


DROPOUT = ("rate_drop", "skip_drop", "sample_type", "normalize_type")


def documented_defaults() -> dict[str, str]:
    rows = [line.split("|") for line in PAGE.splitlines() if line.startswith("| `") and line.count("|") == 6]
    return {row[1].strip(" `"): row[4].strip() for row in rows}


@pytest.mark.parametrize("name", sorted(PARAMETERS.keys() & documented_defaults().keys()))
def test_setting_a_default_is_like_not_setting_it(name: str) -> None:
    default = documented_defaults()[name].split(" (launcher")[0].removesuffix(": every CPU")
    if default in ("none", "chosen by F1", "the prevalence", "XGBoost's own") and name != "calibration":
        assert name not in read_hyperparameters({}).as_json()
        return
    beside = {"booster": "dart", "one_drop": "true"} if name in DROPOUT else {}
    if name == "one_drop":
        beside = {"booster": "dart", "rate_drop": "0.5"}
    given, absent = (read_hyperparameters(options) for options in ({**beside, name: default}, beside))
    own = [
        {**found.as_json(), "nthread": found.nthread, "verbosity": found.verbosity}
        for found in (given, absent)
    ]
    assert own[0].items() >= own[1].items()
    trees = [fit(found.for_xgboost("abcd", cpus=1)).get_dump() for found in (given, absent)]
    assert trees[0] == trees[1]


def test_the_page_has_the_launchers_defaults() -> None:
    from fraudlab.config import ModelConfig, RunConfig

    said = {
        name: found[1]
        for name, text in documented_defaults().items()
        if (found := re.search(r"launcher (\S+)\)", text))
    }
    settings = {**vars(ModelConfig()), "seed": RunConfig.seed}
    xgboosts = {name: text.split(" ")[0] for name, text in documented_defaults().items()}
    for name, value in settings.items():
        if name in said:
            assert said[name] == value or float(said[name]) == value, name
        elif isinstance(value, int | float) and not isinstance(value, bool):
            assert float(xgboosts[name]) == value, name
    assert said.keys() <= settings.keys()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"members": "0"},
            "hyperparameter 'members' is '0', not a whole number of at least 1 and at most 50",
        ),
        ({"members": "51"}, "hyperparameter 'members' is '51', not a whole number"),
        ({"members": "2.5"}, "hyperparameter 'members' is '2.5', not a whole number"),
        ({"members": "true"}, "hyperparameter 'members' is 'true', not a whole number"),
        ({"members": "five"}, "hyperparameter 'members' is 'five', not a whole number"),
        ({"members": "[]"}, "hyperparameter 'members' is '[]', not a whole number"),
        ({"members": "[{]"}, "hyperparameter 'members' is '[{]', not a whole number"),
        ({"members": "[3, 6]"}, "a member is an object of hyperparameters"),
        ({"members": '[{"eta": 1, "eta": 0.5}]'}, "a member has a parameter twice"),
        ({"members": json.dumps([{"seed": n} for n in range(51)])}, "it lists 51 members"),
        ({"members": "3", "subsample": "1"}, "members=3 without sampling trains the same model 3 times"),
        ({"members": "3", "colsample_bynode": "1.0"}, "members=3 without sampling trains the same model"),
        ({"members": '[{"max_dept": 3}]'}, "members[0].max_dept is no hyperparameter (did you mean"),
        ({"members": '[{}, {"k_fold": 3}]'}, "members[1].k_fold is the same for all members of an average"),
        ({"members": '[{"members": 3}]'}, "members[0].members is the same for all members of an average"),
        ({"members": '[{"monotone_constraints": "(1,)"}]'}, "members[0].monotone_constraints is the same"),
        ({"members": '[{"max_depth": -1}]'}, "members[0].max_depth is '-1', not auto, or a whole number"),
        ({"members": '[{"rate_drop": 0.1}]'}, "members[0].rate_drop is about trees that are dropped out"),
        (
            {"members": '[{"max_depth": 3}, {"max_depth": "3"}]'},
            "members[1] has the parameters of members[0]",
        ),
        (
            {"members": '[{}, {"max_depth": 6}]', "max_depth": "6"},
            "members[1] has the parameters of members[0]",
        ),
        ({"members": '[{"eta": 0.1, "learning_rate": 0.2}]'}, "are one parameter, and have two values"),
    ],
)
def test_members_that_cannot_be(given: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_hyperparameters(given)
    assert sentence in caught.value.sentence


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"members": "1"}, []),
        ({"members": "None"}, []),
        ({"members": "2.0"}, [{"subsample": 0.8, "colsample_bytree": 0.8}] * 2),
        ({"members": "2", "colsample_bynode": "0.5"}, [{"colsample_bynode": 0.5}] * 2),
        ({"members": "2", "subsample": "None"}, [{"subsample": 0.8, "colsample_bytree": 0.8}] * 2),
        ({"members": "2", "booster": "dart", "rate_drop": "0.1"}, [{"booster": "dart"}] * 2),
        (
            {
                "members": '[{"eta": "0.2"}, {}, {"max_depth": null}]',
                "max_depth": "3",
                "learning_rate": "0.1",
            },
            [
                {"learning_rate": 0.2, "max_depth": 3},
                {"learning_rate": 0.1, "max_depth": 3},
                {"learning_rate": 0.1},
            ],
        ),
        ({"members": '[{}, {"seed": 3}]', "subsample": "0.5"}, [{"seed": 0}, {"seed": 3}]),
    ],
)
def test_what_each_member_is_trained_with(given: dict[str, str], expected: list[dict[str, Any]]) -> None:
    found = read_hyperparameters(given)
    assert len(found.each) == len(expected)
    for own, wanted in zip(found.each, expected, strict=True):
        assert own.members is None
        assert wanted.items() <= own.booster.items()
    if isinstance(found.members, int):
        seeds = [own.booster["seed"] for own in found.each]
        assert seeds[0] == 0
        assert len(set(seeds)) == len(seeds)
