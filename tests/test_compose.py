"""Composition of the configuration: every option, and every way to get it wrong."""

import re
import subprocess
import sys
import time
from typing import get_args

import pytest
import yaml

from fraudlab.compose import as_dict, as_yaml, compose
from fraudlab.config import SCHEMA, SplitKind, ThresholdPolicy
from fraudlab.config_options import config_folder, groups, options, valid_keys
from fraudlab.config_rules import gap_seconds
from fraudlab.errors import ConfigError
from fraudlab.evaluation.thresholds import Policy
from fraudlab.model_rules import check_constraints, hyperparameters, refits
from fraudlab.split_rules import split_kind, train_channels, windows

TABLE = ["data=table", "data.path=t.csv", "data.label=y"]
NEEDED = {
    "table": ["data.path=t.csv", "data.label=y"],
    "creditcard": ["data.path=c.csv"],
    "handbook": ["data.path=h"],
    "handbook_derived": ["data.path=h"],
    "artifact": ["data.artifact=d:raw"],
    "handbook_paper": ["data.path=h"],
}


@pytest.mark.parametrize(
    ("group", "option"), [(g, o) for g in groups() if g != "local" for o in options(g)], ids="=".join
)
@pytest.mark.usefixtures("no_own_defaults")
def test_every_option_of_every_group_composes(group, option):
    config = compose(
        [f"{group}={option}", *(NEEDED.get(option, []) if group in ("data", "experiment") else [])]
    )
    if group in SCHEMA:
        chosen = yaml.safe_load((config_folder() / group / f"{option}.yaml").read_text())
        composed = as_dict(config)[group]
        for key, value in chosen.items():
            if key != "defaults" and value != "???" and not str(value).startswith("${"):
                assert composed[key] == value, key


def test_the_defaults_list_names_every_group_once():
    entries = yaml.safe_load((config_folder() / "train.yaml").read_text())["defaults"]
    asked = {key for entry in entries if isinstance(entry, dict) for key in entry} - {"optional local"}
    # Hydra's own groups are no question to a person.
    asked = {key for key in asked if not key.startswith("override hydra/")}
    assert asked == set(groups()) - {"local"}


def test_no_group_file_sets_what_another_group_owns():
    for group in SCHEMA:
        for option in options(group):
            keys = set(yaml.safe_load((config_folder() / group / f"{option}.yaml").read_text()))
            assert keys - {"defaults"} <= set(valid_keys(group)), f"{group}/{option}"


@pytest.mark.parametrize(
    ("overrides", "message", "fix"),
    [
        (["model.max_dpeth=3"], "'model.max_dpeth' is not a key in model.", "did you mean 'max_depth'?"),
        (["modle=baseline"], "'modle' is not a key.", "did you mean 'model'?"),
        (["+model.x=3"], "'model.x' is not a key in model.", "Valid: base_score,"),
        (
            ["model=wieghted"],
            "'wieghted' is not an option of 'model'.",
            "did you mean 'weighted'? Valid: baseline",
        ),
        (
            ["experiment=none"],
            "'none' is not an option of 'experiment'.",
            "Valid: handbook_paper, notebook_v1",
        ),
        (["model.max_depth=deep"], "model.max_depth is 'deep', not auto, or a whole number", "to auto"),
        (["model.max_leaves=some"], "model.max_leaves: Value 'some' of type 'str'", "model.max_leaves=0"),
        (
            ["backend.kind=docker"],
            "Invalid value 'docker', expected one of [process, local, rehearsal, sagemaker]",
            "backend.kind=local",
        ),
        (
            ["model.max_depth=-1"],
            "model.max_depth is '-1', not auto, or a whole number of at least 0 and at most 64.",
            "set model.max_depth to auto, or a whole number",
        ),
        (["model.subsample=0"], "model.subsample is '0.0', not a number above 0", "set model.subsample to"),
        (["model.eval_metric=ndcg"], "model.eval_metric is 'ndcg', not one or more of aucpr, auc,", "to one"),
        (
            ["model.eval_metric=[auc,mape]"],
            'model.eval_metric is \'["auc", "mape"]\', not one or more',
            "to one",
        ),
        (["model.eval_metric=f1"], "early stopping watches the last of model.eval_metric, and f1", "logloss"),
        (["model.eval_metric=3"], "model.eval_metric is '3', not one or more of", "to one or more of aucpr"),
        (
            ["model.objective=reg:tweedie"],
            "it predicts an amount, and a score is a probability.",
            "hook:NAME",
        ),
        (["model.eta=0.1"], "'model.eta' is not a key in model.", "did you mean 'learning_rate'?"),
        (["model.booster=gblinear"], "model.booster is 'gblinear', not one of gbtree, dart: it has", "dart"),
        (["model.rate_drop=0.1"], "which only model.booster=dart does.", "set model.booster=dart"),
        (["model.colsample_bynode=2"], "model.colsample_bynode is '2.0', not a number above 0", "at most 1"),
        (["model.num_parallel_tree=3"], "model.num_parallel_tree=3 without sampling", "model.subsample"),
        (["model.max_depth=0"], "model.max_depth=0 grows without limit.", "set model.max_leaves as well"),
        (
            ["model.tree_method=exact"],
            "model.tree_method=exact cannot use model.max_bin=512, model.fraud_bins=0.9.",
            "or set model.max_bin=256 model.fraud_bins=0.0",
        ),
        (
            [*TABLE, "data.features=[amount,hour]", "model.monotone_constraints={amout: 1}"],
            "monotone_constraints names 'amout', which is not a feature (did you mean 'amount'?).",
            "name columns that are features",
        ),
        (
            ["model.monotone_constraints=[" + ",".join("1" * 1000) + "]"],
            "model.monotone_constraints has 3000 characters, and SageMaker takes 2500.",
            "only the columns that are constrained",
        ),
        (
            ["model.objective=hook:focal"],
            "hook:focal is a function of model.hooks, which is not set.",
            "add model.hooks=FILE",
        ),
        (["model.hooks=h.py"], "model.hooks=h.py is given, and nothing names a function of it.", "hook:NAME"),
        (
            ["model.hooks=none.py", "model.objective=hook:focal"],
            "none.py cannot be read: No such file or directory.",
            "give the path of a file",
        ),
        (["data=table"], "data.label, data.path must be given for data=table.", "data.path=…"),
        (["data=creditcard"], "data.path must be given for data=creditcard.", "data.path=…"),
        (["data.path=t.csv"], "data=synthetic makes its own table", "data=table data.path=t.csv"),
        ([*TABLE, "split=time"], "split=time needs a time column", "data.time=COLUMN"),
        ([*TABLE, "data.drop=[y]"], "column 'y' is both data.label and data.drop.", "one role"),
        (
            [*TABLE, "data.features=[a]", "data.categorical=[b]"],
            "data.categorical names 'b'",
            "data.features",
        ),
        ([*TABLE, "data.categorical=[b]", "model.tree_method=exact"], "cannot use data.categorical", "hist"),
        (
            ["split.train=0.9"],
            "split.train + split.validation + split.test is 1.3, not 1.",
            "split.train=0.6",
        ),
        (
            [*TABLE, "split=prequential"],
            "split=prequential needs a time column, and data.time is not set.",
            "data.time=COLUMN",
        ),
        (["split.folds=3"], "split.folds=3 says nothing to a split of kind auto.", "split=prequential"),
        (["split=time", "split.start=2018-08-15"], "split.start=2018-08-15 says nothing", "prequential"),
        (["split=prequential", "split.train=0.5"], "split.train=0.5 says nothing", "split.train_length"),
        (["split=prequential", "split.folds=0"], "split.folds=0 is out of range.", "valid: 1 to 50"),
        (["split=prequential", "split.train_length=0"], "train_length=0 is no time", "train_length=7d"),
        (["split=prequential", "split.test_length=0s"], "test_length=0s is no time", "test_length=7d"),
        (["split=prequential", "split.test_length=7"], "split.test_length='7' has no unit.", "=7d?"),
        (["split=prequential", "split.start=soon"], "is neither a date nor a count", "split.start=20d"),
        (["split=prequential", "split.start=2018-02-30"], "is neither a date nor a", "2018-08-15"),
        (
            ["split=prequential", "split.validation_length=0s"],
            "model.early_stopping_rounds=30 watches validation",
            "model.early_stopping_rounds=0",
        ),
        (
            [
                "split=prequential",
                "split.validation_length=0",
                "model.early_stopping_rounds=0",
                "evaluation=half",
                "model.refit=true",
            ],
            "model.refit=True learns from validation too, and split.validation_length=0s leaves none.",
            "leave model.refit out",
        ),
        (
            ["split=prequential", "split.validation_length=0s", "model.early_stopping_rounds=0"],
            "evaluation.policy=cost chooses on validation",
            "evaluation=half",
        ),
        (["split.gap=soon"], "split.gap='soon' is not a duration.", "split.gap=7d"),
        (["split.gap=7"], "split.gap='7' has no unit.", "did you mean split.gap=7d?"),
        (["data.delay=7"], "data.delay='7' has no unit.", "did you mean data.delay=7d?"),
        (["data.delay=7.5"], "data.delay='7.5' has no unit.", "did you mean data.delay=7.5d?"),
        (["data.delay=-7d"], "data.delay='-7d' is negative.", "data.delay=7d"),
        (["data.delay=null"], "data.delay: field 'data.delay' is not Optional.", "data.delay=0s"),
        (["evaluation.policy=fixed"], "needs evaluation.threshold", "evaluation.threshold=0.5"),
        (["evaluation.policy=recall"], "needs evaluation.recall", "evaluation.recall=0.8"),
        (["evaluation.recall=0.8"], "evaluation.policy=cost chooses its own", "evaluation.policy=recall"),
        (["evaluation=recall", "evaluation.alert_budget=9"], "evaluation.policy=recall does not", "f1"),
        (["evaluation=half", "evaluation.alert_budget=9"], "evaluation.policy=fixed does not", "f1"),
        (["evaluation.alert_budget=0"], "alert_budget=0.0 is out of range", "above 0"),
        (["evaluation.alert_budget=9", "data.time=null", "split=stratified"], "no data.time", "data.time"),
        (["evaluation.loss_share=1.2"], "loss_share=1.2 is out of range", "0 to 1"),
        (["evaluation.missed_fraud_fee=-1"], "missed_fraud_fee=-1.0 is out of range", "0 or more"),
        (["evaluation.loss_share=60%"], "evaluation.loss_share=60% is not a number", "loss_share=0.6"),
        (["evaluation=recall", "evaluation.recall=82.5%"], "82.5% is not a number", "recall=0.825"),
        (["evaluation.alert_cost=1e308"], "evaluation.alert_cost=1e+308 is out of range", "at most 1e+15"),
        (["evaluation.missed_fraud_cost=nan"], "evaluation.missed_fraud_cost=nan is out of", "a number"),
        (["evaluation.alert_cost=inf"], "evaluation.alert_cost=inf is out of range", "a number"),
        (["evaluation.currency=' '"], "is no name of money", "such as EUR"),
        (["evaluation.alerts_per_day=[0]"], "alerts_per_day=[0] is out of range", "whole numbers from 1"),
        (["evaluation.alerts_per_day=[5,5]"], "alerts_per_day=[5, 5] is out of range", "each once"),
        (["evaluation.threshold=0.3"], "evaluation.policy=cost chooses its own", "evaluation.policy=fixed"),
        (["run.id=a/b"], "run.id='a/b' cannot be part of a job's name.", "up to 40 letters"),
        (["run.id=latest"], "run.id='latest' is the link to the newest run.", "another"),
        (["seed=-1"], "seed=-1 is out of range.", "valid: 0 to"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_what_cannot_work_is_refused_with_the_fix(overrides, message, fix):
    with pytest.raises(ConfigError) as caught:
        compose(overrides)
    assert message in caught.value.message
    assert fix in (caught.value.fix or "")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("overrides", "messages", "fixes"),
    [
        (
            ["model.max_dept=3", "modle.num_round=4", "seed=1", "data.rowz=5"],
            [
                "'model.max_dept' is not a key in model.",
                "'modle' is not a key.",
                "'data.rowz' is not a key",
                "data.rows=5 is out of range.",  # which is what it would be
            ],
            ["'max_depth'", "'model'", "'rows'", "1000 or more"],
        ),
        (
            ["data=tabel", "model.max_leaves=x", "model.num_round=many"],
            [
                "'tabel' is not an option",
                "model.max_leaves: Value 'x'",
                "model.num_round: Value 'many'",
                "data.label, data.path must be given for data=table.",
            ],
            ["'table'", "model.max_leaves=0", "model.num_round=2000", "add data.label=… data.path=…"],
        ),
        (
            ["max_depth", "foo=1", "seed=1,2", "model.max_leaves=2,5", ""],
            [
                "'max_depth' is not KEY=VALUE.",
                "an override is empty.",
                "'foo' is not a key.",
                "seed=1,2 has several values",
                "model.max_leaves=2,5 has several values",
            ],
            ["add -m", "nothing between them"],
        ),
        (
            ["data=table", "seed=${sed}", "split.trane=0.5", "model.gama=1"],
            [
                "'split.trane' is not a key in split.",
                "${sed} names no key.",
                "'model.gama' is not a key in model.",
                "data.label, data.path must be given for data=table.",
                "split.train + split.validation + split.test is 0.9, not 1.",
            ],
            ["'train'", "'gamma'", "${data.label}", "split.train=0.6"],
        ),
        *[
            (
                ["model.max_dept=8", *others],
                ["'model.max_dept' is not a key in model.", *messages],
                ["'max_depth'", *fixes],
            )
            for others, messages, fixes in [
                (["data.delay=7"], ["data.delay='7' has no unit."], ["data.delay=7d"]),
                (["split=tme"], ["'tme' is not an option of 'split'."], ["'time'"]),
                (["seed=many", "seed=-1"], ["seed: Value 'many'"], ["seed=42"]),
                (["+model.extra=1"], ["'model.extra' is not a key in model."], ["Valid: "]),
                (
                    ["run.id=a/b", "~data.drop"],
                    ["run.id='a/b'", "'~data.drop' cannot be taken"],
                    ["null or []"],
                ),
                (["data.delay=7", "split.gap=1x"], ["data.delay='7'", "split.gap='1x'"], ["split.gap"]),
                (
                    ["evaluation.threshold=2", "evaluation.alerts_per_day=[0]"],
                    ["evaluation.threshold=2.0 is out", "evaluation.threshold is set", "alerts_per_day=[0]"],
                    ["each once"],
                ),
            ]
        ],
        # what a misspelt word was meant to say is not held against the others
        (
            ["evaluation.polcy=fixed", "evaluation.threshold=0.5", "data.delay=7"],
            ["'evaluation.polcy' is not a key in evaluation.", "data.delay='7' has no unit."],
            ["'policy'"],
        ),
        (
            ["split.train=most", "split.validation=0.5", "seed=-1"],
            ["split.train: Value 'most'", "seed=-1 is out of range."],
            ["split.train=0.6"],
        ),
        (
            ["data=xyz", "data.path=t.csv", "data.label=y", "split.train=0.9"],
            ["'xyz' is not an option of 'data'.", "is 1.3, not 1."],
            ["Valid: artifact"],
        ),
        (
            [*TABLE, "seed=-1", "split=time", "data.drop=[y]", "run.id=latest", "model.hooks=h.py"],
            ["seed=-1 is out of", "split=time needs", "column 'y'", "model.hooks=h.py", "run.id='latest'"],
            ["0 to 2147483647", "data.time=COLUMN", "hook:NAME"],
        ),
        (["sagemaker.max_usd=-1", "split.train=0.9"], ["sagemaker.max_usd", "is 1.3, not 1."], ["0.6"]),
    ],
    ids=lambda value: " ".join(value)[:40],
)
def test_all_that_cannot_be_used_is_said_at_once(overrides, messages, fixes):
    with pytest.raises(ConfigError) as caught:
        compose(overrides)
    first, *lines = caught.value.message.splitlines()
    assert first == f"{len(messages)} settings cannot be used:", lines
    assert len(lines) == len(messages)
    for message in messages:
        assert sum(message in line for line in lines) == 1, (message, lines)
    assert all(fix in caught.value.fix for fix in fixes), caught.value.fix


def test_a_sweep_says_all_that_cannot_be_used_of_its_overrides(in_tmp):
    words = ["train", "-m", "seed=1,2", "model.max_dept=3", "modle.num_round=4,5"]
    command = [sys.executable, "-m", "fraudlab", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "'model.max_dept' is not a key in model." in done.stderr
    assert "'modle' is not a key." in done.stderr
    assert "seed" not in done.stderr.partition("fix:")[0]


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("model.eval_metric=aucpr", "eval_metric", "aucpr"),
        ("model.eval_metric=[auc,error@0.3]", "eval_metric", ["auc", "error@0.3"]),
        ("model.eval_metric='auc,aucpr'", "eval_metric", "auc,aucpr"),
        ("model.colsample_bylevel=0.5", "colsample_bylevel", 0.5),
        (
            "model.monotone_constraints={amount: 1, hour: -1}",
            "monotone_constraints",
            {"amount": 1, "hour": -1},
        ),
        ("model.monotone_constraints='(1,0,-1)'", "monotone_constraints", "(1,0,-1)"),
        (
            "model.interaction_constraints=[[amount,hour],[2]]",
            "interaction_constraints",
            [["amount", "hour"], [2]],
        ),
        ("model.k_fold=5", "k_fold", 5),
        ("model.save_best=false", "save_best", False),
    ],
)
def test_parameters_that_are_left_to_xgboost_can_be_set(override, key, value):
    config = compose([override])
    assert getattr(config.model, key) == value
    assert yaml.safe_load(as_yaml(config))["model"][key] == value


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ([], True),
        (["split=time"], True),
        (["split=stratified"], False),
        (["data=table", "data.path=t.csv", "data.label=y"], False),
        (["data=table", "data.path=t.csv", "data.label=y", "data.time=t"], True),
        (["model.k_fold=5"], False),
        (["model.k_fold=5", "model.refit=true"], True),
        (["split=stratified", "model.refit=true"], True),
        (["split=stratified", "model.refit=Auto"], False),
        (["model.refit=false"], False),
        (["model.refit='True'"], True),
        (["model.refit=auto"], True),
        (["experiment=notebook_v1"], False),
    ],
)
def test_a_model_is_refitted_where_validation_is_the_newest_part(chosen, expected):
    config = compose(chosen)
    assert refits(config) is expected
    assert hyperparameters(config)["refit"] == str(expected).lower()


@pytest.mark.parametrize("value", ["maybe", "null", "2", "[true]", "{a: 1}"])
def test_a_refit_that_is_neither(value):
    with pytest.raises(ConfigError, match=r"model\.refit=.* is not one of its values") as caught:
        compose([f"model.refit={value}"])
    assert caught.value.fix == "use true, false or auto"


def test_a_models_own_functions_are_looked_for_before_anything_runs(in_tmp):
    hooks = in_tmp / "h.py"
    chosen = ["model.hooks=h.py", "model.objective=hook:focal", "model.eval_metric=[aucpr,hook:money]"]
    hooks.write_text("raise SystemExit('not here')\ndef focal(m, l, w): ...\ndef money(l, s, w): ...\n")
    assert compose(chosen).model.hooks == "h.py"
    hooks.write_text("def focal(m, l, w): ...\ndef monney(l, s, w): ...\n")
    with pytest.raises(
        ConfigError, match=r"h.py has no function 'money' \(did you mean 'monney'\?\)"
    ) as caught:
        compose(chosen)
    assert caught.value.fix == "name one of: focal, monney"
    hooks.write_text("def focal(m, l, w):\nreturn 1")
    with pytest.raises(ConfigError, match=r"h.py line 2 is not Python: expected an indented block"):
        compose(chosen)


def test_a_bad_override_is_refused_within_a_second_and_without_the_sdk():
    code = (
        "import sys, time; t = time.perf_counter()\n"
        "from fraudlab.cli import main\n"
        "code = main(['train', 'model.max_dpeth=3'])\n"
        "heavy = {'sagemaker', 'comet_ml', 'xgboost', 'pandas', 'pyarrow', 'docker'} & set(sys.modules)\n"
        "sys.exit(code if not heavy else f'imported {heavy}')"
    )
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        "error: 'model.max_dpeth' is not a key in model.\nfix: did you mean 'max_depth'?"
    )
    # a bound of the contract, an order of magnitude above what it takes
    assert time.perf_counter() - began < 10


def test_the_notebooks_experiments_are_the_notebooks():
    first, second = (compose([f"experiment=notebook_v{n}"]) for n in (1, 2))
    for config in (first, second):
        assert (config.split.kind, config.split.train, config.seed) == (SplitKind.stratified, 0.8, 42)
        assert (config.data.duplicates.value, config.data.scale.value) == ("drop", "standard")
        assert config.model.base_score is None
        assert config.model.early_stopping_rounds == 0
        # sampled rounds are then one segment, as the notebook trained them
        assert config.model.checkpoint_rounds == 0
    assert (first.model.num_round, first.model.learning_rate, first.model.subsample) == (100, 0.15, 0.7)
    assert (second.model.num_round, second.model.learning_rate, second.model.subsample) == (175, 0.14, 0.8)
    assert (second.model.colsample_bytree, second.model.scale_pos_weight) == (1.0, 1500.0)


def test_overrides_win_over_an_experiment():
    assert compose(["experiment=notebook_v2", "model.max_depth=3"]).model.max_depth == 3


STARTS = {
    "null": (None, False),
    "2018-08-15": (1_534_291_200.0, True),
    "20180815": (1_534_291_200.0, True),
    "'2018-08-15 06:00'": (1_534_312_800.0, True),
    "2018-08-15T06:00:00+02:00": (1_534_305_600.0, True),
    "2018-08-15T06:00Z": (1_534_312_800.0, True),
    "20d": (1_728_000.0, False),
    "'1d 12h'": (129_600.0, False),
    "0": (0.0, False),
}


@pytest.mark.parametrize("text", STARTS)
def test_a_start_is_a_date_or_a_count(text):
    found = windows(compose(["split=prequential", f"split.start={text}"]).split)
    assert (found["start"], found["dated"]) == STARTS[text]


def test_the_papers_experiment_is_its_protocol():
    config = compose(["experiment=handbook_paper", "data.path=t.parquet"])
    assert windows(config.split) == {
        "folds": 4,
        "train_seconds": 604_800.0,
        "validation_seconds": 0.0,
        "test_seconds": 604_800.0,
        "start": 1_534_291_200.0,
        "dated": True,
    }
    assert gap_seconds(config) == 604_800
    assert train_channels(config) == ["train", "folds"]


def test_auto_splits_by_time_where_there_is_a_time_column():
    assert split_kind(compose([])) is SplitKind.time
    assert split_kind(compose(TABLE)) is SplitKind.stratified


def test_the_gap_is_the_delay_of_the_table():
    assert gap_seconds(compose(["data=handbook", "data.path=h.parquet"])) == 7 * 86_400
    assert gap_seconds(compose(["split.gap=90m"])) == 5_400
    assert gap_seconds(compose(["data.delay='1d 12h'"])) == 1.5 * 86_400
    assert gap_seconds(compose(["data.delay=0"])) == 0


def test_the_resolved_configuration_can_be_read_back():
    config = compose([*TABLE, "data.id=[a,b]"])
    assert yaml.safe_load(as_yaml(config)) == as_dict(config)


@pytest.mark.usefixtures("no_own_defaults")
def test_a_persons_own_defaults_win_over_everything_but_the_command_line(in_tmp):
    folder = in_tmp / "conf" / "local"
    folder.mkdir(parents=True)
    (folder / "local.yaml").write_text("# @package _global_\nseed: 7\nmodel:\n  max_depth: 3\n")
    assert (compose([]).seed, compose([]).model.max_depth) == (7, 3)
    assert compose(["seed=8"]).seed == 8


def test_a_persons_own_options_are_found(in_tmp):
    folder = in_tmp / "conf" / "model"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text("name: mine\nmax_depth: 3\n")
    assert compose(["model=mine"]).model.max_depth == 3


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["model.monotone_constraints={shop: 1}"], "gives a direction to 'shop', which is a category"),
        (["model.monotone_constraints={shop: 1, day: 1}"], "gives a direction to 'shop'"),
        (["model.monotone_constraints={y: 1}"], "names 'y', which is not a feature"),
        (["model.monotone_constraints=[0,1]", "data.features=[amount,shop]"], "direction to 'shop'"),
        (["model.monotone_constraints='(0,1)'", "data.features=[amount,shop]"], "direction to 'shop'"),
    ],
)
def test_a_direction_for_what_is_no_number_is_refused_before_anything_runs(overrides, words):
    table = ["data=table", "data.path=t.csv", "data.label=y", "data.categorical=[shop]"]
    with pytest.raises(ConfigError, match=re.escape(words)) as caught:
        compose([*table, *overrides])
    assert "model.monotone_constraints" in str(caught.value)
    compose([*table, "model.monotone_constraints={shop: 0, amount: 1}"])


@pytest.mark.parametrize(
    ("constraint", "words"),
    [
        (
            "model.monotone_constraints={amout: 1}",
            "names 'amout', which is not a feature (did you mean 'amount'?)",
        ),
        ("model.monotone_constraints={t: 1}", "names 't', which is not a feature"),
        ("model.monotone_constraints='(1,0,0)'", "has 3 directions for 2 features"),
        ("model.monotone_constraints='(0,1)'", "gives a direction to 'shop'"),
        ("model.interaction_constraints=[[amount,hour]]", "names 'hour', which is not a feature"),
        ("model.interaction_constraints=[[0,2]]", "has the position 2, and there are 2 features"),
    ],
)
def test_constraints_are_checked_against_the_table_before_any_job(constraint, words):
    columns = ["data=table", "data.path=t.csv", "data.label=y", "data.time=t", "data.categorical=[shop]"]
    with pytest.raises(ConfigError, match=re.escape(words)):
        check_constraints(compose([*columns, constraint]), ["t", "amount", "shop", "y"])


def test_rules_for_a_threshold_have_the_same_words_in_launcher_and_image():
    assert [policy.value for policy in ThresholdPolicy] == list(get_args(Policy))
    assert {compose([f"evaluation={name}"]).evaluation.policy for name in options("evaluation")} == set(
        ThresholdPolicy
    )
