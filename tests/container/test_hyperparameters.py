import json
from typing import Any

import pytest

from fraudlab.container.failure import ConfigError
from fraudlab.container.hyperparameters import read_hyperparameters


def test_absent_parameters_are_left_to_xgboost() -> None:
    found = read_hyperparameters({})
    assert (found.num_round, found.early_stopping_rounds, found.eval_metric) == (100, 0, ("aucpr",))
    assert found.booster == {"objective": "binary:logistic", "tree_method": "hist", "seed": 0}


@pytest.mark.parametrize("encode", [str, json.dumps, lambda value: json.dumps(str(value))])
def test_strings_plain_and_json(encode: Any) -> None:
    found = read_hyperparameters(
        {"num_round": encode(7), "learning_rate": encode(0.25), "grow_policy": encode("lossguide")}
    )
    assert found.num_round == 7
    assert found.booster["learning_rate"] == 0.25
    assert found.booster["grow_policy"] == "lossguide"


@pytest.mark.parametrize("nothing", ["None", "null", "", None, '"None"'])
def test_not_set(nothing: str | None) -> None:
    assert "base_score" not in read_hyperparameters({"base_score": nothing}).booster


@pytest.mark.parametrize("text", ["auc,aucpr", '["auc", "aucpr"]', "auc, aucpr"])
def test_early_stopping_watches_the_last_metric(text: str) -> None:
    assert read_hyperparameters({"eval_metric": text}).eval_metric == ("auc", "aucpr")


def test_numbers_that_were_floats() -> None:
    assert read_hyperparameters({"max_depth": "6.0"}).booster["max_depth"] == 6


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"max_dept": "3"}, "unknown hyperparameter 'max_dept' (did you mean 'max_depth'?)"),
        (
            {"max_depth": "deep"},
            "hyperparameter 'max_depth' is 'deep', not a whole number of at least 0 and at most 64",
        ),
        (
            {"max_depth": "2.5"},
            "hyperparameter 'max_depth' is '2.5', not a whole number of at least 0 and at most 64",
        ),
        ({"num_round": "0"}, "hyperparameter 'num_round' is '0', not a whole number of at least 1"),
        ({"num_round": "nan"}, "hyperparameter 'num_round' is 'nan', not a whole number of at least 1"),
        ({"num_round": "1e400"}, "hyperparameter 'num_round' is '1e400', not a whole number of at least 1"),
        ({"learning_rate": "0"}, "hyperparameter 'learning_rate' is '0', not a number above 0 and at most 1"),
        ({"gamma": "inf"}, "hyperparameter 'gamma' is 'inf', not a number of at least 0"),
        ({"gamma": "-1"}, "hyperparameter 'gamma' is '-1', not a number of at least 0"),
        ({"objective": "reg:squarederror"}, "hyperparameter 'objective' is 'reg:squarederror', not one of "),
        ({"eval_metric": "auc,auc"}, "hyperparameter 'eval_metric' is 'auc,auc', not one or more of "),
        ({"eval_metric": "[auc"}, "hyperparameter 'eval_metric' is '[auc', not one or more of "),
        ({"seed": True}, "hyperparameter 'seed' is 'true', not a whole number of at least 0"),
    ],
)
def test_refusals(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_hyperparameters(given)
    assert caught.value.sentence.startswith(sentence)
    assert caught.value.fix


def test_an_unknown_name_lists_the_valid_ones() -> None:
    with pytest.raises(ConfigError) as caught:
        read_hyperparameters({"eta": "1"})
    assert "learning_rate" in caught.value.fix


def test_every_parameter_is_one_xgboost_knows() -> None:
    import xgboost

    given = dict.fromkeys(
        ("num_round", "early_stopping_rounds", "max_depth", "max_leaves", "max_cat_to_onehot", "seed"), "3"
    )
    given |= dict.fromkeys(("min_child_weight", "max_delta_step", "gamma", "reg_lambda", "reg_alpha"), "1")
    given |= dict.fromkeys(("learning_rate", "subsample", "colsample_bytree", "base_score"), "0.5")
    given |= {"eval_metric": "aucpr", "objective": "binary:logistic", "tree_method": "hist"}
    given |= {"grow_policy": "depthwise", "max_bin": "16", "scale_pos_weight": "2", "fraud_bins": "0.5"}
    booster = read_hyperparameters(given).booster
    data = xgboost.DMatrix([[0.0], [1.0]], label=[0, 1])
    # XGBoost warns of parameters it does not know, and a warning is an error here.
    xgboost.train({**booster, "validate_parameters": True, "verbosity": 1}, data, 1)
    assert set(given) - set(booster) == {"num_round", "early_stopping_rounds", "eval_metric", "fraud_bins"}
