"""Composition of the configuration: every option, and every way to get it wrong."""

import subprocess
import sys
import time

import pytest
import yaml

from fraudlab.compose import as_dict, as_yaml, compose, config_folder, groups, options, valid_keys
from fraudlab.config import SCHEMA, SplitKind
from fraudlab.config_rules import gap_seconds, split_kind
from fraudlab.errors import ConfigError

TABLE = ["data=table", "data.path=t.csv", "data.label=y"]
NEEDED = {
    "table": ["data.path=t.csv", "data.label=y"],
    "creditcard": ["data.path=c.csv"],
    "handbook": ["data.path=h"],
}


@pytest.mark.parametrize(
    ("group", "option"), [(g, o) for g in groups() if g != "local" for o in options(g)], ids="=".join
)
def test_every_option_of_every_group_composes(group, option):
    config = compose([f"{group}={option}", *(NEEDED.get(option, []) if group == "data" else [])])
    if group in SCHEMA:
        chosen = yaml.safe_load((config_folder() / group / f"{option}.yaml").read_text())
        composed = as_dict(config)[group]
        for key, value in chosen.items():
            if key != "defaults" and value != "???" and not str(value).startswith("${"):
                assert composed[key] == value, key


def test_the_defaults_list_names_every_group_once():
    entries = yaml.safe_load((config_folder() / "train.yaml").read_text())["defaults"]
    asked = {key for entry in entries if isinstance(entry, dict) for key in entry} - {"optional local"}
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
        (["experiment=none"], "'none' is not an option of 'experiment'.", "Valid: notebook_v1, notebook_v2"),
        (["model.max_depth=deep"], "model.max_depth: Value 'deep' of type 'str'", "model.max_depth=4"),
        (
            ["backend.kind=docker"],
            "Invalid value 'docker', expected one of [process, local]",
            "backend.kind=local",
        ),
        (["model.max_depth=-1"], "model.max_depth=-1 is out of range.", "valid: 0"),
        (["model.subsample=0"], "model.subsample=0.0 is out of range.", "valid: above 0 and at most 1"),
        (["model.eval_metric=rmse"], "model.eval_metric='rmse' is not known.", "valid: aucpr, auc"),
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
        (["split.gap=soon"], "split.gap='soon' is not a duration.", "split.gap=7d"),
        (["evaluation.policy=fixed"], "needs evaluation.threshold", "evaluation.threshold=0.5"),
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
    assert (first.model.num_round, first.model.learning_rate, first.model.subsample) == (100, 0.15, 0.7)
    assert (second.model.num_round, second.model.learning_rate, second.model.subsample) == (175, 0.14, 0.8)
    assert (second.model.colsample_bytree, second.model.scale_pos_weight) == (1.0, 1500.0)


def test_overrides_win_over_an_experiment():
    assert compose(["experiment=notebook_v2", "model.max_depth=3"]).model.max_depth == 3


def test_auto_splits_by_time_where_there_is_a_time_column():
    assert split_kind(compose([])) is SplitKind.time
    assert split_kind(compose(TABLE)) is SplitKind.stratified


def test_the_gap_is_the_delay_of_the_table():
    assert gap_seconds(compose(["data=handbook", "data.path=h.parquet"])) == 7 * 86_400
    assert gap_seconds(compose(["split.gap=90m"])) == 5_400


def test_the_resolved_configuration_can_be_read_back():
    config = compose([*TABLE, "data.id=[a,b]"])
    assert yaml.safe_load(as_yaml(config)) == as_dict(config)


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
